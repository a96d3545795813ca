"""How a table's Parquet files are written, and what the driver is told of one that is staged.

Rows of a committed file that go over into a new one as they are (`stage_rows`) get every column and
STRUCT of the present row model, as files that are written now have them.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.normalize.coded import DICTIONARY_BYTES
from lake.normalize.partitions import Partition
from lake.sources.fieldsets import sought
from lake.sources.rowmodel import table_schema
from lake.store.files import reading
from lake.store.merged_schema import completed

if TYPE_CHECKING:
    from lake.store.snapshot import DataFile

PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "row_group_size": 122_880,
    "dictionary_pagesize_limit": DICTIONARY_BYTES,
    "write_statistics": ["@timestamp"],
    "store_schema": False,
}
"""Arrow writes the same file in half of DuckDB's time. Level 1 is a third faster than 3 and 3 %
smaller on CloudTrail; a dictionary that outgrows 64 KiB is given up early. Statistics are of what a
file is ordered by, nearly: of other columns they skip nothing, take a quarter of the time of
writing, and a third of a small file; what one value is looked for in has Bloom filters."""
FALSE = 0.05
"""The share of values that are not in a file and that its Bloom filter does not exclude."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file of one table and partition, not yet in the lake. `stats` as Delta wants.
    `hashes`: a file of its rows' identities, 8 bytes each; an object may have 50 million rows,
    which would not go from process to process in the memory that there is."""

    path: Path
    source: str
    account: str
    region: str
    date: str
    rows: int
    size: int
    sha256: str
    stats: str
    hashes: Path | None = None

    @classmethod
    def of(
        cls,
        path: Path,
        source: str,
        part: Partition,
        written: tuple[int, str],
        hashes: Path | None = None,
    ) -> StagedFile:
        """A partition's rows in a file; `written` are its bytes and their SHA-256."""
        where = (part.account, part.region, part.date)
        return cls(path, source, *where, part.rows, *written, part.stats(), hashes)


def write_parquet(table: pa.Table, path: Path) -> tuple[int, str]:
    """Write rows as the lake's files are; gives the file's bytes and their SHA-256. At once: Arrow
    writes a file page by page, 500 times for one of CloudTrail."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **PARQUET, bloom_filter_options=filters(table))
    data = memoryview(sink.getvalue())
    return path.write_bytes(data), hashlib.sha256(data).hexdigest()


def filters(rows: pa.Table) -> dict[str, dict[str, float]] | None:
    """How large the Bloom filter of each sought leaf has to be for these rows. None where they have
    none of them."""
    found = {}
    for name in sought():
        column = _column(rows, name)
        if column is not None and (distinct := _distinct(column)):
            found[name] = {"ndv": distinct, "fpp": FALSE}
    return found or None


def _column(rows: pa.Table, leaf: str) -> pa.ChunkedArray | None:
    top, *path = leaf.split(".")
    at = rows.schema.get_field_index(top)
    kind = rows.schema.field(at).type if at >= 0 else None
    for name in path:
        if kind is None or kind.get_field_index(name) < 0:
            return None
        kind = kind.field(name).type
    return None if kind is None else pc.struct_field(rows.column(at), path)


def _distinct(column: pa.ChunkedArray) -> int:
    """The number of values, NULL aside; of codes, those that they stand for."""
    if pa.types.is_dictionary(column.type):
        return sum(len(chunk.dictionary) for chunk in column.chunks)
    return int(pc.count_distinct(column, mode="only_valid").as_py())


def stage_rows(table: str, file: DataFile, rows: np.ndarray, folder: Path) -> StagedFile:
    """Some rows of a committed file, by their numbers in it and at least one, in a file of their
    own. Raises LakeError where the file cannot be read."""
    with reading(Path(file.path)):
        whole = pq.ParquetFile(file.path).read()
    stay = np.zeros(len(whole), bool)
    stay[rows] = True
    kept = completed(whole.filter(pa.array(stay)), table_schema(table))
    return stage(table, kept, file, folder)


def stage(table: str, rows: pa.Table, of: DataFile | StagedFile, folder: Path) -> StagedFile:
    """Rows, at least one, of the partition that another file is of, in a file of their own."""
    bounds = pc.min_max(rows["@timestamp"].cast(pa.int64())).as_py()
    part = Partition(of.account, of.region, of.date, len(rows), bounds["min"], bounds["max"])
    path = folder / f"part-{uuid.uuid4().hex}.parquet"
    return StagedFile.of(path, table, part, write_parquet(rows, path))
