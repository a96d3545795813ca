"""Several files of a partition -> files of about 128 MB, in the order of time.

The rows are dealt into stretches of time that fit into memory, through a file in the staging folder
where there are several, and each is sorted and written as a row group. A merged file has the leaves
that its parts have, whatever the present transform knows, and the STRUCTs of the present row model.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.errors import LakeError
from lake.normalize.partitions import Partition
from lake.sources.rowmodel import table_schema
from lake.store.files import check_unaltered, reading
from lake.store.merged_schema import (
    conformed,
    is_sole,
    merged_fields,
    sole_leaves,
    together,
    with_structs,
    without_leaf,
)
from lake.store.parquet import PARQUET, StagedFile, filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lake.store.snapshot import DataFile

TARGET = 128 << 20
"""Bytes of a file, about."""
GROUP_ROWS = PARQUET["row_group_size"]
GROUP_BYTES = 64 << 20
"""A row group's rows, and their bytes in memory, at most."""
STRETCH_BYTES = 16 << 20
"""Bytes of Parquet before compression that are sorted together; in memory they are several times
as many."""
SAMPLES = 65_536
WRITING: dict[str, Any] = {
    **{name: value for name, value in PARQUET.items() if name != "row_group_size"},
    "sorting_columns": [pq.SortingColumn(0)],
}


def is_sorted(path: Path) -> bool:
    """Whether a file says that its rows stand in the order of time."""
    with reading(path):
        metadata = pq.read_metadata(path)
        return metadata.num_row_groups > 0 and bool(metadata.row_group(0).sorting_columns)


def merge(
    table: str, files: Sequence[DataFile], folder: Path, target: int = TARGET
) -> list[StagedFile]:
    """Stage the rows of a partition's files anew in `folder`.

    Raises TypesDiffer, and LakeError for a file that is not as it was committed.
    """
    paths = [Path(file.path) for file in files]
    for path in paths:
        check_unaltered(path)
    footers, parts = _opened(paths)
    schema = _schema(table, paths, parts)
    rows = _Rows()
    staged: list[StagedFile] = []
    total = 0
    output: _Output | None = None
    for group in _sorted_groups(rows, paths, footers, schema, folder):
        output = output or _Output(folder, schema, group)
        output.write(group)
        total += _total(_hashes(group))
        if output.size >= target:
            staged.append(output.close(table, files[0]))
            output = None
    if output is not None:
        staged.append(output.close(table, files[0]))
    given = sum(file.rows for file in files), rows.total
    if given != (sum(file.rows for file in staged), total):
        raise LakeError(
            f"{files[0].path} and {len(files) - 1} files beside it gave other rows when they were "
            "merged. Nothing was changed. Report this: it is a fault of the program."
        )
    return staged


def _opened(paths: Sequence[Path]) -> tuple[list[pq.FileMetaData], list[pa.Schema]]:
    """The footers of files, and the structures that these have. (`FileMetaData.schema` would make
    a cycle that keeps the footer until Python's collector comes.)"""
    footers: list[pq.FileMetaData] = []
    schemas: dict[pa.Schema, None] = {}
    for path in paths:
        with reading(path), pq.ParquetFile(path) as file:
            footers.append(file.metadata)
            schemas[file.schema_arrow] = None
    return footers, list(schemas)


def _schema(table: str, paths: Sequence[Path], parts: Sequence[pa.Schema]) -> pa.Schema:
    """What the files hold together. A leaf that only kept its STRUCT in some file is left out where
    another one does so now."""
    model = table_schema(table)
    merged = merged_fields(parts, model)
    for leaf in sole_leaves(parts):
        if not is_sole(merged, leaf) and not any(_fills(path, leaf) for path in paths):
            merged = without_leaf(merged, leaf)
    return pa.schema(with_structs(merged, model))


def _fills(path: Path, leaf: tuple[str, ...]) -> bool:
    """Whether some row of a file has a value in a leaf."""
    found = pq.ParquetFile(path).read(columns=[".".join(leaf)])
    if not found.num_columns:
        return False
    column = found.column(0)
    for name in leaf[1:]:
        column = pc.struct_field(column, name)
    return bool(column.null_count < len(column))


# -- sorting ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Rows:
    """The sum of the identities read: the same must be written."""

    total: int = 0

    def read(self, paths: Sequence[Path], footers: Sequence[pq.FileMetaData]) -> Iterator[pa.Table]:
        """The row groups of the files, as they are."""
        for path, footer in zip(paths, footers, strict=True):
            for number in range(footer.num_row_groups):
                with reading(path), pq.ParquetFile(path, metadata=footer) as file:
                    group = file.read_row_group(number)
                self.total += _total(_hashes(group))
                yield group


def _sorted_groups(
    rows: _Rows,
    paths: Sequence[Path],
    footers: Sequence[pq.FileMetaData],
    schema: pa.Schema,
    folder: Path,
) -> Iterator[pa.Table]:
    sizes = [
        footer.row_group(number).total_byte_size
        for footer in footers
        for number in range(footer.num_row_groups)
    ]
    stretches = -(-sum(sizes) // STRETCH_BYTES)
    if stretches <= 1:
        yield from _row_groups(together(rows.read(paths, footers), schema))
        return
    cuts = _cuts(paths, footers, stretches)
    spill = _Spill(folder / f"sort-{uuid.uuid4().hex}.arrow", schema)
    for read in rows.read(paths, footers):
        group = conformed(read, schema)
        spill.deal(group, np.searchsorted(cuts, _moments(group), side="right"))
    for stretch in spill.stretches():
        yield from _row_groups(stretch)


def _cuts(paths: Sequence[Path], footers: Sequence[pq.FileMetaData], stretches: int) -> np.ndarray:
    """The times between which there are about equally many rows."""
    every = max(sum(footer.num_rows for footer in footers) // SAMPLES, 1)
    samples = [_moments(pq.ParquetFile(path).read(["@timestamp"]))[::every] for path in paths]
    ordered = np.sort(np.concatenate(samples))
    return np.unique(ordered[[len(ordered) * cut // stretches for cut in range(1, stretches)]])


@dataclass(slots=True)
class _Spill:
    """Rows on disk, by the stretch of time that they belong to."""

    path: Path
    schema: pa.Schema
    places: dict[int, list[int]] = field(default_factory=dict)
    written: int = 0
    writer: pa.RecordBatchFileWriter = field(init=False)

    def __post_init__(self) -> None:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self.writer = pa.ipc.new_file(self.path, self.schema, options=options)

    def deal(self, group: pa.Table, numbers: np.ndarray) -> None:
        """Put each row where it belongs."""
        order = np.argsort(numbers, kind="stable")
        dealt = group.take(pa.array(order)).combine_chunks()
        found, starts = np.unique(numbers[order], return_index=True)
        ends = [*starts[1:].tolist(), len(order)]
        for number, start, end in zip(found.tolist(), starts.tolist(), ends, strict=True):
            for batch in dealt.slice(start, end - start).to_batches():
                self.writer.write_batch(batch)
                self.places.setdefault(number, []).append(self.written)
                self.written += 1

    def stretches(self) -> Iterator[pa.Table]:
        """The rows of each stretch, in the order of time; at the end the file is gone."""
        self.writer.close()
        with pa.memory_map(str(self.path)) as source:
            reader = pa.ipc.open_file(source)
            for number in sorted(self.places):
                batches = [reader.get_batch(at) for at in self.places[number]]
                yield pa.Table.from_batches(batches, self.schema)
        self.path.unlink()


def _row_groups(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows sorted, in pieces of a row group. Rows of one time have an order of their own, so
    that the same rows always give the same file."""
    log = rows["log"]
    keys = pa.table(
        {
            "at": rows["@timestamp"],
            "path": pc.struct_field(log, ["file", "path"]),
            "place": pc.struct_field(log, "offset"),
        }
    )
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
    size = max(rows.nbytes // max(len(rows), 1), 1)
    step = min(max(GROUP_BYTES // size, 1), GROUP_ROWS)
    for start in range(0, len(rows), step):
        yield rows.take(order.slice(start, step))


# -- writing ---------------------------------------------------------------------------------------


class _Output:
    """One merged file at work, in memory until it is whole."""

    def __init__(self, folder: Path, schema: pa.Schema, like: pa.Table) -> None:
        """An empty file; `like` are rows as it will have, in number of different values too."""
        self._path = folder / f"part-{uuid.uuid4().hex}.parquet"
        self._sink = pa.BufferOutputStream()
        bloom = {"bloom_filter_options": filters(like)}
        self._writer = pq.ParquetWriter(self._sink, schema, **WRITING, **bloom)
        self._rows = 0
        self._times: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """Bytes so far."""
        return int(self._sink.tell())

    def write(self, group: pa.Table) -> None:
        """Add rows, sorted by time, behind those that are there."""
        self._writer.write_table(group, row_group_size=GROUP_ROWS)
        self._rows += len(group)
        moments = _moments(group)
        self._times.append((int(moments[0]), int(moments[-1])))

    def close(self, table: str, like: DataFile) -> StagedFile:
        """The staged file, of the same partition as another one."""
        self._writer.close()
        data = memoryview(self._sink.getvalue())
        first, last = self._times[0][0], self._times[-1][1]
        part = Partition(like.account, like.region, like.date, self._rows, first, last)
        written = self._path.write_bytes(data), hashlib.sha256(data).hexdigest()
        return StagedFile.of(self._path, table, part, written)


def _moments(rows: pa.Table) -> np.ndarray:
    return np.asarray(rows["@timestamp"].cast(pa.int64()).to_numpy(), np.int64)


def _hashes(rows: pa.Table) -> np.ndarray:
    return np.asarray(pc.struct_field(rows["event"], "hash").to_numpy(), np.int64)


def _total(hashes: np.ndarray) -> int:
    """The sum of identities, which does not fit into 64 bits."""
    return (int((hashes >> 32).sum()) << 32) + int((hashes & 0xFFFFFFFF).sum())
