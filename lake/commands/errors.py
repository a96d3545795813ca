"""How a command ends that could not do its work: with one message that says what to do, and an exit
code. Errors of the libraries are told by the file of the lake that they are about."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lake.commands.stdio import ResultLostError, drop_result
from lake.errors import LakeError, in_plain_words, is_interrupt
from lake.machine import check_addresses, is_short_of_memory
from lake.paths import default_lake, lake_folder
from lake.visible import visible_lines

if TYPE_CHECKING:
    from pathlib import Path

    import typer


_SHORT = (
    "there was not enough memory. What was committed stays. Run the same command again with more, "
    "or let it take less: --jobs 1, --memory 1GB, where it has these options."
)


def run(app: typer.Typer) -> None:
    """Run the command line; errors of ours become one message and the exit code they carry."""
    told: dict[str, Any] = {}
    try:
        check_addresses()
        _call(app, told)
    except ResultLostError as error:
        drop_result()
        sys.stderr.write(
            f"lake: the result could not be written: {error.strerror}. Write it elsewhere.\n"
        )
        sys.exit(1)
    except BrokenPipeError:
        drop_result()
        sys.exit(1)
    except Exception as error:
        if is_short_of_memory(error):
            sys.stderr.write(f"lake: {_SHORT}\n")
            sys.exit(1)
        if isinstance(error, LakeError):
            sys.stderr.write(f"lake: {visible_lines(in_plain_words(str(error)))}\n")
            sys.exit(error.exit_code)
        if is_interrupt(error):
            _say_interrupted(told)
            sys.exit(_INTERRUPTED)
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        words = in_plain_words(str(error)).partition("\n")[0]
        known = _damage(told.get("lake"), words)
        sys.stderr.write(f"lake: the lake cannot be read: {visible_lines(words)}\n")
        sys.stderr.write(f"{visible_lines(known)}\n")
        sys.exit(1)


def _call(app: typer.Typer, told: dict[str, Any]) -> None:
    stdout = sys.stdout  # typer wraps it where a pipe has closed, so that a flush says nothing
    try:
        app(standalone_mode=True, obj=told)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _say_interrupted(told)
        stdout.flush()  # here it can still be told that nobody takes the result
        raise


def _say_interrupted(told: dict[str, Any]) -> None:
    """Of the commands that change a lake."""
    if told.get("command") in ("ingest", "compact", "rebuild", "forget"):
        sys.stderr.write(
            "lake: interrupted. What was committed stays; the same command goes on from there.\n"
        )


_INTERRUPTED = 130


_LIBRARIES = ("duckdb", "_duckdb", "pyarrow", "deltalake", "_internal")
"""Whose errors are about a lake's files, where nothing else has caught them."""


def _damage(lake: Path | None, words: str) -> str:
    from lake.store.blame import damage_behind

    known = damage_behind(lake_folder(lake or default_lake()), words)
    return known or "`lake verify` says whether a file of it is amiss."
