"""A Delta table as `deltalake` opens it: its files, and what its log tells of them.

What the versions were, one by one, is `lake.store.deltalog`'s part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lake.errors import StorageError
from lake.store.damage import COPY, damaged_log

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow.parquet as pq


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


def logged_times(actions: pa.Table) -> list[tuple[int | None, int | None]]:
    """First and last event of each file as Delta's log has them, in microseconds of UTC since 1970
    (to make a Python datetime with a zone takes 5 us)."""
    firsts, lasts = _moments(actions, "min.@timestamp"), _moments(actions, "max.@timestamp")
    return list(zip(firsts, lasts, strict=True))


def _moments(actions: pa.Table, name: str) -> list[int | None]:
    if name not in actions.schema.names:
        return [None] * len(actions)
    kept = pa.chunked_array([part.view(pa.int64()) for part in actions[name].chunks], pa.int64())
    found: list[int | None] = kept.to_pylist()
    return found


def footer_times(footer: pq.FileMetaData) -> tuple[int, int]:
    """First and last event of a file as its footer has them, in microseconds of UTC since 1970."""
    names = [footer.schema.column(column).path for column in range(footer.num_columns)]
    time = names.index("@timestamp")
    groups = (footer.row_group(group).column(time) for group in range(footer.num_row_groups))
    bounds = [(group.statistics.min_raw, group.statistics.max_raw) for group in groups]
    return min(first for first, _ in bounds), max(last for _, last in bounds)


def marked(batch: int) -> CommitProperties:
    """A commit of ours in Delta's log: it names the batch."""
    return CommitProperties(custom_metadata={"batch": str(batch)})
