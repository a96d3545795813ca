"""The compressions whose streams are made of members (gzip, bzip2, xz, zstd), and how a member is
read: in small steps, so that a bomb is seen early, and up to the byte at which it is damaged.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
"""Bytes that a codec gives at a time."""
STEP = 64 << 10
"""Compressed bytes fed at a time, where the decompressor limits what it gives."""
FINE = 512
"""Compressed bytes fed at a time where it does not, or where a stream is damaged: little is lost,
and a zstd block (128 kB) takes at least 4 of them, so that a bomb gives 16 MB before it is seen."""
MEMORY = 256 << 20
"""What a window or dictionary may take that a stream asks for; xz may ask for 4 GB."""
DAMAGE = (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, ValueError, EOFError)
"""What the libraries raise where a stream is damaged."""


class Member(Protocol):
    """What every library's decompressor of one member has."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What was fed behind its end."""
        ...


M = TypeVar("M", bound=Member)


@dataclass(frozen=True, slots=True)
class Codec(Generic[M]):
    """A compression: what begins a member, what reads one, what that gives for some bytes, and how
    many it is fed at a time."""

    begins: Callable[[bytes], bool]
    new: Callable[[], M]
    feed: Callable[[M, bytes], Iterator[bytes]]
    step: int = FINE


def magic(head: bytes) -> str | None:
    """The wrapper that these first bytes announce, or None for plain content."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh" and head[3:4].isdigit():
        return "bzip2"
    if len(head) >= 4 and _begins_zstd(head):
        return "zstd"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    return None


def _begins_zstd(data: bytes) -> bool:
    """Whether a frame may begin so: one of data, or one to pass over (RFC 8878, 3.1.2), in which
    pzstd and the seekable format keep their tables."""
    passed = 0x50 <= data[0] <= 0x5F and b"\x2a\x4d\x18".startswith(data[1:4])
    return passed or b"\x28\xb5\x2f\xfd".startswith(data[:4])


def _begins_with(magic: bytes) -> Callable[[bytes], bool]:
    return lambda data: magic.startswith(data[: len(magic)])


def _inflate(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What a gzip member gives for a step, a block at a time."""
    block = b""
    while data or len(block) == BLOCK:
        before = member.copy()
        try:
            block = member.decompress(data, BLOCK)
        except zlib.error:
            yield from _inflate_to_damage(before, data)
            raise
        yield block
        if member.eof:
            return
        data = member.unconsumed_tail


def _inflate_to_damage(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What a gzip member gives before the byte at which it is damaged: of a short object with a
    wrong checksum all. Raises zlib.error."""
    for at in range(0, len(data), FINE):
        step = data[at : at + FINE]
        before = member.copy()
        try:
            yield member.decompress(step)
        except zlib.error:
            for byte in step:
                yield before.decompress(bytes([byte]))
            raise


def _in_blocks(member: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes) -> Iterator[bytes]:
    yield member.decompress(data, BLOCK)
    while not member.eof and not member.needs_input:
        yield member.decompress(b"", BLOCK)


def _at_once(member: zstandard.ZstdDecompressionObj, data: bytes) -> Iterator[bytes]:
    """This library takes no limit of what it gives."""
    yield member.decompress(data)


CODECS: dict[str, Codec[Any]] = {
    "gzip": Codec(_begins_with(b"\x1f\x8b"), lambda: zlib.decompressobj(31), _inflate, STEP),
    "bzip2": Codec(_begins_with(b"BZh"), bz2.BZ2Decompressor, _in_blocks),
    "xz": Codec(
        _begins_with(b"\xfd7zXZ"), lambda: lzma.LZMADecompressor(memlimit=MEMORY), _in_blocks
    ),
    "zstd": Codec(
        _begins_zstd,
        lambda: zstandard.ZstdDecompressor(max_window_size=MEMORY).decompressobj(),
        _at_once,
    ),
}
