"""What is written to disk: objects as S3 would hold them, and how records are cut into objects.

A source module decides keys and text; this one decides bytes. Compression leaves no time and no
file name in the gzip header, so that the same records are always the same bytes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lake.demo.chance import at_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, no system


@dataclass(frozen=True, slots=True)
class DemoObject:
    """One object: its key below the bucket, the bytes as stored, and how many records they hold.

    `source` is the table its records belong to; None for objects that hold no event, such as
    digests, and then `records` is 0.
    """

    key: str
    source: str | None
    records: int
    body: bytes

    def __post_init__(self) -> None:
        if self.key.startswith("/") or ".." in self.key.split("/"):
            raise ValueError(f"not a key below a bucket: {self.key}")
        if (self.source is None) != (self.records == 0):
            raise ValueError(f"{self.key}: records without a source, or a source without records")


def gzipped(data: bytes) -> bytes:
    """`data` as one gzip member, the same bytes whenever it is made (RFC 1952)."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    return _GZIP_HEADER + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def gzip_lines(key: str, source: str, lines: list[str], header: str = "") -> DemoObject:
    """A gzipped object of lines; `header` stands before them and is not a record."""
    text = header + "\n".join(lines) + "\n"
    return DemoObject(key, source, len(lines), gzipped(text.encode()))


def plain_lines(key: str, source: str, lines: list[str]) -> DemoObject:
    return DemoObject(key, source, len(lines), ("\n".join(lines) + "\n").encode())


def deliveries(
    items: Iterable[T], when: Callable[[T], float], hours: int
) -> Iterator[tuple[float, list[T]]]:
    """Items in order of time, cut at every `hours` hours of the day, with the end of each cut."""
    length = hours * 3600
    batch: list[T] = []
    slot = -1
    for item in sorted(items, key=when):
        at = int(when(item)) // length
        if at != slot and batch:
            yield float((slot + 1) * length), batch
            batch = []
        slot = at
        batch.append(item)
    if batch:
        yield float((slot + 1) * length), batch


def day_path(at: float) -> str:
    """2025/03/11, of the second before `at`: a cut that ends at midnight belongs to its day."""
    return at_utc(at - 1).strftime("%Y/%m/%d")


def minute_stamp(at: float) -> str:
    """20250311T0255Z: deliveries are named after a five-minute mark within their cut."""
    return at_utc(at - 300).strftime("%Y%m%dT%H%MZ")
