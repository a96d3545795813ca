"""What the commands' options share: their spelling, and what their texts mean."""

from __future__ import annotations

import inspect
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake.errors import LakeError, UsageError, in_plain_words, unknown_name
from lake.paths import default_lake
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from lake.query import Lake


def _note_lake(context: typer.Context, lake: Path | None) -> Path | None:
    """Keep which command it is and which lake it is about, for `lake.commands.errors`."""
    context.ensure_object(dict).update(lake=lake, command=context.info_name)
    return lake


LakeOption = Annotated[
    Path | None,
    typer.Option(
        "--lake",
        help="The lake's folder.",
        show_default="$LAKE_DIR, ./lakehouse",
        callback=_note_lake,
    ),
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="cores")]
MemoryOption = Annotated[
    str | None,
    typer.Option("--memory", help="Memory to use, e.g. 4GB.", show_default="a quarter"),
]
GeoipOption = Annotated[
    list[Path] | None,
    typer.Option("--geoip", help="MMDB files or folders.", show_default="what geoip update loaded"),
]
FormatOption = Annotated[
    str, typer.Option("--format", help="table, csv, json, jsonl, parquet or documents.")
]
TEXT_FORMATS = ["table", "csv", "json", "jsonl"]


def _text_format(form: str) -> str:
    if form not in TEXT_FORMATS:
        raise unknown_name("format", form, TEXT_FORMATS)
    return form


TextFormatOption = Annotated[
    str, typer.Option("--format", help="table, csv, json or jsonl.", callback=_text_format)
]
"""Of a command that writes no file."""
RawOption = Annotated[
    bool, typer.Option("--raw", help="CSV for machines: no quote before what looks like a formula.")
]
OutOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


def help_text(command: Callable[..., None]) -> str:
    """A command's docstring as its help, a line a paragraph: typer would keep the line breaks."""
    paragraphs = inspect.getdoc(command) or ""
    return "\n\n".join(" ".join(one.split()) for one in paragraphs.split("\n\n"))


def naming(lake: Path | None) -> str:
    """The option by which a command that is told to a user names the same lake."""
    return f" --lake {shlex.quote(str(lake))}" if lake else ""


def stderr() -> Console:
    """Words and progress."""
    from lake.terminal import console

    return console(stderr=True)


def stdout() -> Console:
    """Results."""
    from lake.terminal import console

    return console()


def put(console: Console, text: str) -> None:
    """Print a line that may hold words of a log, with a mark for what does not print."""
    console.print(visible(text), markup=False, highlight=False)


def day_of(text: str | None, option: str) -> date | None:
    """A day as 2024-02-01, or 7d for a week ago (UTC). Raises UsageError."""
    if text is None:
        return None
    ago = re.fullmatch(r"([0-9]{1,5})d", text)
    if ago:
        return datetime.now(UTC).date() - timedelta(days=int(ago.group(1)))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text}: write a day as 2024-02-01, or 7d for a week ago."
        ) from None


def moment_of(text: str | None, option: str) -> datetime | None:
    """A time as ISO 8601, UTC where it has no zone. Raises UsageError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text}: write a time as 2024-02-01T10:00:00Z.") from None


def renew_client_file(path: Path, *, wait: bool = True) -> bool:
    """Write `lake.duckdb`, and say whether; where that fails, say so and go on: what is committed
    does not stand on it. Without `wait` not while a writer is at work."""
    from lake.serve.client_file import write_client_file

    try:
        return write_client_file(path, wait=wait)
    except LakeError as error:
        for line in in_plain_words(str(error)).split("\n"):
            put(stderr(), line)
        return False


def open_for(path: Path | None, as_of: str | None = None, *, locked: bool = False) -> Lake:
    """Open a lake, by default the one that is meant where none is named, and keep its file for
    other clients. Raises LakeError."""
    from lake.query import open_lake

    folder = path or default_lake()
    opened = open_lake(folder, moment_of(as_of, "--as-of"), locked=locked)
    keep_client_file(folder)
    return opened


def keep_client_file(path: Path) -> None:
    """Write `lake.duckdb` anew where it is not the lake's, and say so; while a writer is at work
    that is left to it, since who reads waits for nobody."""
    from lake.serve.client_file import client_file_stale

    if client_file_stale(path) and renew_client_file(path, wait=False):
        stderr().print(
            "lake.duckdb was written anew: it was behind, or the lake had moved, or the program or "
            "its sources had changed",
            highlight=False,
        )
