"""A Delta table as `deltalake` opens it: its files, and what its log tells of them.

What the versions were, one by one, is `lake.store.deltalog`'s part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lake.errors import StorageError
from lake.store.damage import COPY, damaged_log

if TYPE_CHECKING:
    from pathlib import Path


def open_table(root: Path, version: int | None = None) -> DeltaTable:
    """A table, at a version. Raises StorageError with the damaged file where its log cannot be
    read, TableNotFoundError where there is none."""
    try:
        return DeltaTable(root, version=version)
    except TableNotFoundError:
        raise
    except DeltaError as error:
        path, advice = damaged_log(root) or (root / "_delta_log", COPY)
        raise StorageError(f"{path} cannot be read: {error}. What to do: {advice}.") from error


def add_actions(table: DeltaTable) -> pa.Table:
    """A row a file; not by `pa.table`, which imports pandas."""
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()


def paths(table: DeltaTable) -> list[str]:
    """The files of a table's version, relative to its folder."""
    return list(add_actions(table)["path"].to_pylist())


def told_times(actions: pa.Table) -> list[tuple[int | None, int | None]]:
    """First and last event of each file, as Delta's log tells them, in microseconds of UTC since
    1970: of a time with a zone Python makes its own in 5 us."""
    firsts, lasts = _moments(actions, "min.@timestamp"), _moments(actions, "max.@timestamp")
    return list(zip(firsts, lasts, strict=True))


def _moments(actions: pa.Table, name: str) -> list[int | None]:
    if name not in actions.schema.names:
        return [None] * len(actions)
    kept = pa.chunked_array([part.view(pa.int64()) for part in actions[name].chunks], pa.int64())
    found: list[int | None] = kept.to_pylist()
    return found
