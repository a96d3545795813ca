"""Which file of a lake is damaged, as far as that can be told soon: the log's files, the footers of
all Parquet files, the hashes of the ledger's. `lake verify` reads everything."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lake.store.files import ASK, recorded_sha256, sha256_of
from lake.words import Sentence

if TYPE_CHECKING:
    from pathlib import Path

VIEWS = Sentence("delete the folder _views of the lake, which is made anew")
CHECKPOINT = Sentence(
    "delete it and `_last_checkpoint` beside it: the versions in the same folder tell all of it"
)
COPY = Sentence("bring it back from a copy of the lake; `lake verify` says what else is amiss")


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
