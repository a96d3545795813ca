"""Counts of earlier readings that a commit changes: rows of theirs that are replaced by other
records are duplicates from then on. The ledger's files with such readings are written anew; the
earlier ones stay on disk for those who read an earlier version."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.store import ledger
from lake.store.commit import LedgerFile
from lake.store.files import batch_of, check_unaltered
from lake.store.merged_schema import conformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

KIND = "object"


class Reading(NamedTuple):
    """A reading of an object: its path, and the `event.ingested` of its rows."""

    path: str
    ingested: datetime


@dataclass(slots=True)
class Recounts:
    """Staged files of `_lake`, and the names of those whose place they take."""

    files: list[LedgerFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def recounted(
    store: Store, snapshot: Snapshot, replaced: Mapping[Reading, int], folder: Path
) -> Recounts:
    """Count so many rows of each reading as duplicates. Raises LakeError for a file that is not as
    it was committed."""
    recounts = Recounts()
    if not replaced:
        return recounts
    schema = ledger.SCHEMA.remove(ledger.SCHEMA.get_field_index("kind"))
    for name in store.ledger_files(KIND, snapshot):
        path = Path(name)
        file = pq.ParquetFile(path)
        if "ingested" not in file.schema_arrow.names:  # of a lake from before it was noted
            continue
        readings = file.read(columns=["path", "ingested"])
        rows = zip(*(column.to_pylist() for column in readings.columns), strict=True)
        counts = [replaced.get(Reading(*row), 0) for row in rows]
        if not any(counts):
            continue
        check_unaltered(path)
        objects = conformed(file.read(), schema)
        fewer = pa.array(counts, pa.int64())
        objects = _with(objects, "rows", pc.subtract(objects["rows"], fewer))
        objects = _with(objects, "duplicates", pc.add(objects["duplicates"], fewer))
        target = folder / f"ledger-{uuid.uuid4().hex}.parquet"
        pq.write_table(objects, target, compression="zstd")
        recounts.files.append(LedgerFile(target, KIND, batch_of(path.name)))
        recounts.removed.append(path.relative_to(store.path / ledger.TABLE).as_posix())
    return recounts


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), column)
