"""Where the project's own data files lie: `transforms/`, `sql/` and the app stand beside `lake/` in
a checkout and inside it in an installed wheel."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from lake.errors import UsageError

PACKAGE = Path(__file__).resolve().parent
STAGING = "_staging"
"""The folder of a lake where writers stage files and readers spill."""
VIEWS = "_views"
"""The folder of what views are made of; all of it is made anew where it lacks."""
JOURNAL = "_journal.json"
"""The file in which a writer tells what its commit is about to do (see `lake.store.journal`)."""


def resource(name: str) -> Path:
    """The folder or file `name` of the project, in a wheel or in a checkout."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def default_lake() -> Path:
    """`$LAKE_DIR`, else `./lakehouse`."""
    return Path(os.environ.get("LAKE_DIR") or "lakehouse")


def shown_lake() -> Path:
    """The lake that the app shows, absolute: what stands after its name, else `default_lake`."""
    return (Path(sys.argv[1]) if len(sys.argv) > 1 else default_lake()).absolute()


_MISREAD = {
    r"[*?\[]": "is a pattern to DuckDB",
    r"=": "looks like a partition (name=value) to DuckDB, which would put its value into every row",
    r"%[0-9A-Fa-f]{2}": "is another name to Delta, which reads %XX as a character",
    r"[\x00-\x1f\x7f]": "has a character that does not print",
    r"[\ud800-\udfff]": "is not UTF-8",
    r"\\": "is two folders to Delta, which reads a backslash as a slash",
}
"""What DuckDB or Delta take for something else in the name of a folder, as measured."""


def lake_folder(path: Path) -> Path:
    """A lake's folder, absolute and without symbolic links. Raises UsageError for one whose path
    DuckDB or Delta would read otherwise: they would show wrong rows, or another folder's."""
    try:
        folder = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a cwd that is gone
        raise UsageError(
            f"the lake's folder {path} cannot be found: {error}. Name another with --lake."
        ) from error
    for part in folder.parts[1:]:
        for pattern, why in _MISREAD.items():
            if re.search(pattern, part):
                raise UsageError(
                    f"a lake cannot be at {folder}: the folder name {part!r} {why}. Rename that "
                    "folder, or move the lake to a path without it (a link to it does not help)."
                )
    return folder


def user_transforms() -> Path | None:
    """`$LAKE_TRANSFORMS`: a folder with sources of one's own, built like `transforms/`."""
    named = os.environ.get("LAKE_TRANSFORMS")
    return Path(named) if named else None


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="siem-lake-")


def own_folder() -> Path:
    """This process's own folder for what a lake that may only be read does not take; removed at
    the process's end. Raises OSError where there is no place for it."""
    return Path(_temporary().name).resolve()


def remove_own_folder() -> None:
    """Remove it now: for a process that another program takes the place of."""
    if _temporary.cache_info().currsize:
        _temporary().cleanup()


def spill_folder(lake: Path) -> Path:
    """Where the DuckDBs of a lake's readers spill: in the lake, else, where that may only be read,
    in this process's own folder. DuckDB makes this one, not those above it. Each names its files
    after its process and holds a lock; the first that spills removes those of processes that were
    killed. https://github.com/duckdb/duckdb/pull/24811"""
    place = lake.absolute() / STAGING
    with suppress(OSError):
        place.mkdir(exist_ok=True)
    if not os.access(place, os.W_OK):
        with suppress(OSError):  # where there is no other, DuckDB says so to whoever must spill
            place = own_folder()
    return place / "spill"
