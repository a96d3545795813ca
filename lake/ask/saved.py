"""Queries that are kept in a lake's folder: those with a name, one file each, and what was asked on
the page for SQL, the newest entries only. They are text that somebody wrote; whoever runs one
judges it anew (`lake.serve.statements`). Log rows are never kept here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lake.errors import StorageError, UsageError, unknown_name
from lake.whole import not_written, write_whole
from lake.words import Sentence

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "_queries"
HISTORY = "history.jsonl"
ENTRIES = 200
"""Entries of the history that are kept."""
LONGEST = 100_000
"""Characters of a query that is kept."""
_NAME = re.compile(r"[^\W_][\w .-]{0,59}")
_WAIT = 2.0
"""Seconds to wait for another process that writes the history."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was asked: when (ISO 8601, UTC), for how many seconds, and what came: `rows`,
    None where it did not end well, which `note` then says."""

    text: str
    at: str
    seconds: float
    rows: int | None
    note: str = ""


def query_name(name: str) -> str:
    """A name as a file can have it. Raises UsageError: a name says nothing of a folder."""
    known = unicodedata.normalize("NFC", name.strip())
    if not _NAME.fullmatch(known) or known.endswith(".") or len(known.encode()) > 180:
        raise UsageError(
            Sentence(
                "'{name}' cannot name a query. Begin with a letter or a digit and go on with "
                "letters, digits, blanks and . - _, at most 60 of them.",
                name=name,
            )
        )
    return known


def saved_names(lake: Path) -> list[str]:
    """The names of the queries that are kept, in order of the alphabet."""
    try:
        found = [path for path in (lake / FOLDER).iterdir() if path.suffix == ".sql"]
    except OSError:
        return []
    return sorted((p.stem for p in found if _NAME.fullmatch(p.stem)), key=str.casefold)


def saved_query(lake: Path, name: str) -> str:
    """The text of a query that is kept. Raises UsageError with the known names, or where the file
    is no text of that size."""
    known = query_name(name)
    path = lake / FOLDER / f"{known}.sql"
    try:
        with path.open("rb") as file:
            data = file.read(4 * LONGEST + 1)
    except FileNotFoundError:
        raise unknown_name("query", known, saved_names(lake)) from None
    except OSError as error:
        raise UsageError(
            Sentence(
                "{path} cannot be read: {why}. Save it again.",
                path=str(path),
                why=error.strerror or str(error),
            )
        ) from error
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError(Sentence("{path} is not UTF-8. Save it again.", path=str(path))) from None
    if len(text) > LONGEST:
        raise UsageError(
            Sentence(
                "{path} is longer than {count} characters: that is no query.",
                path=str(path),
                count=f"{LONGEST:,}",
            )
        )
    return text.strip()


def save_query(lake: Path, name: str, text: str) -> str:
    """Keep a query under a name, in place of one that had it; gives the name as it is kept. Raises
    UsageError for a name or a text that cannot be, StorageError where the folder takes no file."""
    known = query_name(name)
    if not text.strip():
        raise UsageError(Sentence("there is no query to save. Write one first."))
    if len(text) > LONGEST:
        raise UsageError(
            Sentence(
                "the query is longer than {count} characters. Save a shorter one.",
                count=f"{LONGEST:,}",
            )
        )
    write_whole(lake / FOLDER / f"{known}.sql", f"{text.strip()}\n")
    return known


def delete_query(lake: Path, name: str) -> None:
    """Keep it no longer; nothing happens where it is gone already. Raises StorageError."""
    path = lake / FOLDER / f"{query_name(name)}.sql"
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def history(lake: Path) -> list[Asked]:
    """What was asked of a lake on the page, the newest first; what cannot be read is left out."""
    try:
        lines = (lake / FOLDER / HISTORY).read_text("utf-8", errors="replace").split("\n")
    except OSError:
        return []
    found = [one for line in lines[-ENTRIES - 1 :] if (one := _entry(line))]
    return found[::-1]


def note_asked(lake: Path, one: Asked) -> None:
    """Add to the history, of which the newest `ENTRIES` stay; one that is too long is left out.
    Raises StorageError."""
    if len(one.text) > LONGEST:
        return
    path = lake / FOLDER / HISTORY
    try:
        path.parent.mkdir(exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=_WAIT):
            kept = history(lake)[: ENTRIES - 1][::-1]
            lines = (json.dumps(asdict(entry)) for entry in (*kept, one))
            write_whole(path, "".join(f"{line}\n" for line in lines), sync=False)
    except Timeout:
        raise StorageError(
            Sentence("{path} is held by another process. Ask again.", path=str(path))
        ) from None
    except OSError as error:
        raise not_written(path, error) from error


def forget_asked(lake: Path) -> None:
    """Take the history away. Raises StorageError."""
    path = lake / FOLDER / HISTORY
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(path, error) from error


def _entry(line: str) -> Asked | None:
    try:
        one = Asked(**json.loads(line))
    except (ValueError, TypeError):
        return None
    texts = all(isinstance(text, str) for text in (one.text, one.at, one.note))
    counted = one.rows is None or isinstance(one.rows, int)
    return one if texts and counted and isinstance(one.seconds, (int, float)) else None
