"""Counts of earlier readings that a commit changes: rows of theirs that gave way to other records
are duplicates from then on. The ledger's files that tell of such readings are written anew; the
earlier ones stay for who reads an earlier version."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.store import ledger
from lake.store.commit import LedgerFile
from lake.store.files import check_unaltered
from lake.store.merged_schema import conformed
from lake.store.table import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

KIND = "object"


@dataclass(slots=True)
class Recounts:
    """Files of `_lake` that are staged, and the names of those whose place they take."""

    files: list[LedgerFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def recounted(
    store: Store, snapshot: Snapshot, gone: Mapping[tuple[str, datetime], int], folder: Path
) -> Recounts:
    """Count rows of readings as duplicates: (path, `ingested`) -> how many. Raises LakeError for a
    file that is not as it was committed."""
    found = Recounts()
    if not gone:
        return found
    schema = ledger.SCHEMA.remove(ledger.SCHEMA.get_field_index("kind"))
    for name in store.ledger_files(KIND, snapshot):
        path = Path(name)
        told = pq.ParquetFile(path)
        if "ingested" not in told.schema_arrow.names:  # of a lake from before it was noted
            continue
        readings = told.read(columns=["path", "ingested"])
        keys = zip(*(column.to_pylist() for column in readings.columns), strict=True)
        counts = [gone.get(key, 0) for key in keys]
        if not any(counts):
            continue
        check_unaltered(path)
        rows = conformed(told.read(), schema)
        fewer = pa.array(counts, pa.int64())
        rows = _with(rows, "rows", pc.subtract(rows["rows"], fewer))
        rows = _with(rows, "duplicates", pc.add(rows["duplicates"], fewer))
        target = folder / f"ledger-{uuid.uuid4().hex}.parquet"
        pq.write_table(rows, target, compression="zstd")
        found.files.append(LedgerFile(target, KIND, batch_of(path.name)))
        found.removed.append(path.relative_to(store.path / ledger.TABLE).as_posix())
    return found


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), column)
