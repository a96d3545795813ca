"""How much a Parquet file may become, and the batches in which it is read up to there.

A page of zeros grows ten thousand times, a dictionary repeats one long text in a million rows, and
rows of nothing take no byte at all: so what the pages say (`lake.decode.parquet_pages`), what the
rows hold and what they are as JSON is counted, and no batch grows beyond its share of memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.decode.parquet_pages import page_sizes
from lake.errors import DecodeError
from lake.objects.decompress import too_large, unpack_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 50_000
BATCH_BYTES = 32 << 20
"""Rows, and what their texts take, that become one batch."""
PAGE_BYTES = 256 << 20
"""A page that says it is larger is not read. Writers make them of one MB."""
_CODED = ("PLAIN_DICTIONARY", "RLE_DICTIONARY")
_SHARED = "DELTA_BYTE_ARRAY"
"""The encoding in which a text may repeat the one before it without a byte of its own."""


@dataclass(slots=True)
class ParquetLimit:
    """The budget of one file of `stored` bytes with columns of these names."""

    stored: int
    names: list[str]
    _limit: int = field(init=False)
    _given: int = 0

    def __post_init__(self) -> None:
        self._limit = unpack_limit(self.stored)

    def batches(self, file: pq.ParquetFile, data: bytes, group: int) -> Iterator[pa.RecordBatch]:
        """The rows of a row group. Raises LimitError where the file becomes too large, DecodeError,
        OSError or pyarrow.ArrowException where the group is damaged."""
        coded, rows = self._plan(file, data, group)
        # of a text that stands in a dictionary only its number is read: what it becomes is counted
        # before any is copied
        opened = pq.ParquetFile(pa.BufferReader(data), read_dictionary=coded)
        width = sum(len(name) + 6 for name in self.names)
        for batch in opened.iter_batches(batch_size=rows, row_groups=[group]):
            for piece, size in _pieces(batch):
                self._spend(size + len(piece) * width)
                yield pa.record_batch([_plain(c) for c in piece.columns], file.schema_arrow.names)

    def _spend(self, size: int) -> None:
        self._given += size
        if self._given > self._limit:
            raise too_large(self.stored, self._limit)

    def _plan(self, file: pq.ParquetFile, data: bytes, group: int) -> tuple[list[str], int]:
        """The columns to be read as codes, and the rows to be read at a time."""
        coded, rows, whole = [], ROWS, 0
        about = file.metadata.row_group(group)
        for at in range(about.num_columns):
            column = about.column(at)
            sizes = list(page_sizes(memoryview(data), column))
            largest = max(sizes, default=0)
            if largest > PAGE_BYTES:
                raise DecodeError(
                    f"a page of {column.path_in_schema} says that it becomes {largest:,} bytes "
                    f"(limit: {PAGE_BYTES:,}, a sign of a decompression bomb)"
                )
            whole += sum(sizes)
            if column.physical_type != "BYTE_ARRAY":
                continue
            encodings = column.encodings
            flat = column.path_in_schema in self.names
            if flat and any(name in encodings for name in _CODED):
                coded.append(column.path_in_schema)
            if _SHARED in encodings or (not flat and any(name in encodings for name in _CODED)):
                each = max(column.num_values // max(about.num_rows, 1), 1)
                rows = min(rows, max(BATCH_BYTES // max(largest * each, 1), 1))
        if self._given + whole > self._limit:
            raise too_large(self.stored, self._limit)
        return coded, rows


def _pieces(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The batch in pieces that take little memory without codes, and how much each takes."""
    size = sum(_plain_size(column) for column in batch.columns)
    if size <= BATCH_BYTES or len(batch) < 2:
        yield batch, size
        return
    half = len(batch) // 2
    yield from _pieces(batch.slice(0, half))
    yield from _pieces(batch.slice(half))


def _plain_size(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    texts = column.dictionary
    if not pa.types.is_binary(texts.type):
        texts = texts.cast(pa.binary())
    lengths = pc.binary_length(texts).cast(pa.int64()).take(column.indices)
    return int(pc.sum(lengths).as_py() or 0) + 4 * len(column)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
