"""Which file of a lake is damaged: asked after an error of a library, which seldom names it.

It looks at what can be told soon: the log's files, the footers of all Parquet files, the hashes of
the ledger's. `lake verify` reads everything.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.errors import LakeError
from lake.store.files import ASK, recorded_sha256, sha256_of
from lake.words import Sentence

VIEWS = Sentence("delete the folder _views of the lake, which is made anew")
CHECKPOINT = Sentence(
    "delete it and `_last_checkpoint` beside it: the versions in the same folder tell all of it"
)
VERIFY = Sentence("run `lake verify`, which reads all of every file and says what is amiss")
COPY = Sentence("bring it back from a copy of the lake; `lake verify` says what else is amiss")
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
    known = told_by(lake, str(error))
    if known is None and bare and kind is None:
        known = Sentence("{what}. What to do: {advice}.", what=str(error), advice=VERIFY)
    said = Sentence("the lake cannot be read: {what}", what=known or "")
    return LakeError(said) if known else None


def told_by(lake: Path, words: str) -> Sentence | None:
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
    from lake.store.table import Store  # which imports this module

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


def damaged_log(table: Path) -> tuple[Path, str] | None:
    """The file for which a table's log cannot be read, and what to do."""
    log = table / "_delta_log"
    if is_closed(log):
        return log, ASK
    for path in sorted(log.glob("*.checkpoint.parquet")):
        if not has_footer(path):
            return _amiss(path, CHECKPOINT)
    for path in sorted(log.glob("[0-9]*.json")):
        try:
            for line in path.read_text("utf-8").splitlines():
                json.loads(line)
        except (OSError, ValueError):
            return _amiss(path, COPY)
    try:
        number = int(json.loads((log / "_last_checkpoint").read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    path = log / f"{number:020}.checkpoint.parquet"
    return None if path.exists() else (path, CHECKPOINT)


def damaged_file(lake: Path) -> tuple[Path, str] | None:
    """A damaged file of a lake and what to do; None where none is found."""
    for path in sorted((lake / "_views").rglob("*.parquet")):
        if not has_footer(path):
            return _amiss(path, VIEWS)
    for log in sorted(lake.glob("*/_delta_log")):
        if found := damaged_log(log.parent):
            return found
        for path in sorted(log.parent.glob("*=*/**/*.parquet")):
            wanted = recorded_sha256(path.name) if log.parent.name == "_lake" else None
            if not has_footer(path) or (wanted is not None and sha256_of(path) != wanted):
                return _amiss(path, COPY)
    return None


def named_file(lake: Path, words: str) -> Path | None:
    """The data file of a lake that an error of DuckDB's names, if one is named."""
    named = re.search(rf'"({re.escape(str(lake))}/[^"\n]+\.parquet)"', words)
    return Path(named[1]) if named else None


def is_closed(path: Path) -> bool:
    """Whether a permission lacks to read a file or a folder."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _amiss(path: Path, advice: str) -> tuple[Path, str]:
    return path, ASK if is_closed(path) else advice


def has_footer(path: Path) -> bool:
    """Whether it can be read as a Parquet file, as far as its footer says."""
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False
    return True
