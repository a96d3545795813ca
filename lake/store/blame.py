"""An error of a library -> which file of the lake it comes of, and what to do: it seldom says."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from lake.errors import LakeError
from lake.store.damage import COPY, VIEWS, damaged_file, is_closed
from lake.store.files import ASK
from lake.store.table import Store
from lake.words import Sentence

VERIFY = Sentence("run `lake verify`, which reads all of every file and says what is amiss")
AGAIN = Sentence(
    "ask again: its rows were merged or forgotten meanwhile, and such files deleted at once"
)


def of_the_lake(lake: Path, error: BaseException | None) -> LakeError | None:
    """What to raise for an error of DuckDB's that comes of the lake's files, not of a query."""
    of_files = isinstance(error, (duckdb.IOException, duckdb.InvalidInputException))
    # of Parquet's inside, which names no file, or of any kind where rows had begun to come
    bare = type(error) is duckdb.Error
    kind = re.match(r"([A-Z][A-Za-z ]*) Error: ", str(error))
    if not of_files and not (bare and (kind is None or kind[1] in ("IO", "Invalid Input"))):
        return None
    known = damage_behind(lake, str(error))
    if known is None and bare and kind is None:
        known = Sentence("{what}. What to do: {advice}.", what=str(error), advice=VERIFY)
    said = Sentence("the lake cannot be read: {what}", what=known or "")
    return LakeError(said) if known else None


def damage_behind(lake: Path, words: str) -> Sentence | None:
    """Which file of a lake is damaged or gone with what to do, after an error of a library."""
    if "No files found" in words and f'"{lake}/' in words:
        name = words.split('"')[1]
        if name.startswith(f"{lake}/_views/"):
            advice = VIEWS
        else:
            advice = AGAIN if _has_left(lake, Path(name)) else COPY
        return Sentence("{path} is gone. What to do: {advice}.", path=name, advice=advice)
    if found := damaged_file(lake):
        path, todo = str(found[0]), found[1]
        if todo == ASK:
            return Sentence("{path} may not be read. What to do: {advice}.", path=path, advice=todo)
        return Sentence("{path} is damaged. What to do: {advice}.", path=path, advice=todo)
    named = named_file(lake, words)
    if named is None:
        return None
    advice = ASK if is_closed(named) else VERIFY
    return Sentence("{path} cannot be read. What to do: {advice}.", path=str(named), advice=advice)


def _has_left(lake: Path, path: Path) -> bool:
    """Whether a data file is none of the lake's any more, as after `compact --grace 0`."""
    if not path.is_relative_to(lake):
        return False
    table = path.relative_to(lake).parts[0]
    try:
        store = Store.open(lake)
        snapshot = store.snapshot()
        held = store.files(table, snapshot) if table in snapshot.tables else None
    except LakeError:
        held = None
    return held is not None and path.name not in {Path(file.path).name for file in held}


def named_file(lake: Path, words: str) -> Path | None:
    """The data file of a lake that an error of DuckDB's names, if one is named."""
    named = re.search(rf'"({re.escape(str(lake))}/[^"\n]+\.parquet)"', words)
    return Path(named[1]) if named else None
