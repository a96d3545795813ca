"""What the pages of a Parquet file say that they become, before anything is decompressed.

A page of zeros grows ten thousand times, and a dictionary repeats one long value in each of a
million rows, so that a small file can take all memory. The footer's sums may lie; the headers of
the pages are what a reader allocates by, so they are read here. What may be read of a file is
decided in `lake.decode.read_tables`.
https://parquet.apache.org/docs/file-format/data-pages/, thrift's compact protocol
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow.parquet as pq

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = (
    *(0, 1, 2, 3, 7, 8, 9, 10, 11, 12),
)
_SIZE, _STORED = 2, 3
"""Fields of a page's header: bytes once decompressed, bytes as stored."""
_MAX_DEPTH = 8
_MAX_ITEMS = 1 << 16


@dataclass(slots=True)
class _Thrift:
    """A header at a place in a file."""

    data: memoryview
    at: int

    def byte(self) -> int:
        """The next byte. Raises IndexError at the end."""
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        """A number of seven bits a byte, the lowest first."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 63:
                raise ValueError("a number of over ten bytes")

    def zigzag(self) -> int:
        """A number whose sign is its lowest bit."""
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def numbers(self) -> dict[int, int]:
        """The numbers that stand at the top of the struct here; everything else is passed over."""
        found: dict[int, int] = {}
        for number, kind in self.fields():
            if _BYTE < kind < _DOUBLE:
                found[number] = self.zigzag()
            else:
                self.skip(kind, 0)
        return found

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of the struct here; the caller reads or skips its value."""
        number = 0
        while (head := self.byte()) != _STOP:
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            yield number, head & 0x0F

    def skip(self, kind: int, depth: int) -> None:
        """Pass over a value of this type. Raises ValueError for what no page's header has."""
        if depth > _MAX_DEPTH:
            raise ValueError("a header that is too deep")
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self.at += 1
        elif kind < _DOUBLE:
            self.varint()
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self.varint()
            self.at += length
        elif kind in (_LIST, _SET):
            head = self.byte()
            count = head >> 4 if head >> 4 < 15 else self.varint()
            self._items(count, [head & 0x0F], depth)
        elif kind == _MAP:
            count = self.varint()
            kinds = self.byte() if count else 0
            self._items(count, [kinds >> 4, kinds & 0x0F], depth)
        elif kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        else:
            raise ValueError(f"a field of type {kind}")

    def _items(self, count: int, kinds: list[int], depth: int) -> None:
        if count > _MAX_ITEMS:
            raise ValueError(f"a list of {count:,}")
        for _ in range(count):
            for kind in kinds:
                # in a list a truth value takes a byte
                self.skip(_BYTE if kind in (_TRUE, _FALSE) else kind, depth + 1)


def page_sizes(data: memoryview, column: pq.ColumnChunkMetaData) -> Iterator[int]:
    """The bytes that each page of a column chunk is said to have once decompressed.

    Raises DecodeError where the pages do not lie where the footer says.
    """
    places = [column.data_page_offset]
    if column.has_dictionary_page:
        places.append(column.dictionary_page_offset)
    starts = [at for at in places if at]
    if not starts or not column.total_compressed_size:
        return  # of a group without a row
    header = _Thrift(data, min(starts))
    end = header.at + column.total_compressed_size
    if not 4 <= header.at <= end <= len(data):
        raise DecodeError(f"the pages of {column.path_in_schema} lie outside of the file")
    while header.at < end:
        try:
            sizes = header.numbers()
            size, stored = sizes[_SIZE], sizes[_STORED]
        except (ValueError, IndexError, KeyError) as error:
            raise DecodeError(f"a page of {column.path_in_schema} has no header") from error
        if size < 0 or stored < 0:
            raise DecodeError(f"a page of {column.path_in_schema} of {min(size, stored)} bytes")
        yield size
        header.at += stored
