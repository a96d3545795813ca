"""Bytes as stored -> bytes as logged: gzip (several members), bzip2, zstd, xz, a zip of one member,
each inside another up to three deep, told by magic bytes and never by a name.

It gives what can be read: a stream that is cut or damaged yields everything before the damage and
then raises DecodeError. What the bytes mean is `lake.decode`'s business.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import zstandard

from lake.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
"""Compressed bytes read at a time."""
FINE = 512
"""Compressed bytes fed at a time where a stream is damaged, so that little is lost."""
MAX_DEPTH = 3
FREE_OUTPUT = 1 << 30
MAX_RATIO = 200
"""An object may always give 1 GiB; beyond that at most 200 times its stored size. Flow logs, the
most repetitive of these logs, reach 40."""


@dataclass(slots=True)
class Budget:
    """How much one object may decompress to, so that a bomb ends with a word."""

    stored: int
    given: int = 0
    wrappers: list[str] = field(default_factory=list)

    def spend(self, block: bytes) -> bytes:
        self.given += len(block)
        if self.given > max(FREE_OUTPUT, self.stored * MAX_RATIO):
            raise DecodeError(
                f"decompression stopped: {self.stored:,} stored bytes gave over {self.given:,} "
                f"(limit: {MAX_RATIO} times, a sign of a decompression bomb)"
            )
        return block


def magic(head: bytes) -> str | None:
    """The wrapper that these first bytes announce, or None for plain content."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh" and head[3:4].isdigit():
        return "bzip2"
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return "zstd"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == b"PK\x03\x04":
        return "zip"
    return None


def plain_blocks(stream: BinaryIO, budget: Budget) -> Iterator[bytes]:
    """The content of a stored object, block by block, every wrapper removed.

    Raises DecodeError after the last good block where the stream is damaged or too large.
    """
    return _unwrap(iter(lambda: stream.read(BLOCK), b""), budget, 0)


def _unwrap(blocks: Iterator[bytes], budget: Budget, depth: int) -> Iterator[bytes]:
    head = next(blocks, b"")
    while 0 < len(head) < 8:
        more = next(blocks, b"")
        if not more:
            break
        head += more
    kind = magic(head)
    if kind is None:
        if head:
            yield budget.spend(head) if depth == 0 else head
        for block in blocks:
            yield budget.spend(block) if depth == 0 else block
        return
    if depth >= MAX_DEPTH:
        raise DecodeError(f"compressed more than {MAX_DEPTH} times over; unpack it first")
    budget.wrappers.append(kind)
    reader = {"gzip": _gzip, "bzip2": _bzip2, "zstd": _zstd, "xz": _xz, "zip": _zip}[kind]
    inner = (budget.spend(block) for block in reader(_chain(head, blocks)))
    yield from _unwrap(inner, budget, depth + 1)


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _gzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    return _members(blocks, lambda: zlib.decompressobj(31), b"\x1f\x8b", zlib.error, "gzip")


def _bzip2(blocks: Iterator[bytes]) -> Iterator[bytes]:
    return _members(blocks, bz2.BZ2Decompressor, b"BZh", (OSError, ValueError), "bzip2")


def _xz(blocks: Iterator[bytes]) -> Iterator[bytes]:
    return _members(blocks, lzma.LZMADecompressor, b"\xfd7zXZ", lzma.LZMAError, "xz")


def _zstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    return _members(
        blocks,
        lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(),
        b"\x28\xb5\x2f\xfd",
        zstandard.ZstdError,
        "zstd",
    )


def _members(
    blocks: Iterator[bytes],
    new: Callable[[], object],
    start: bytes,
    damage: type[Exception] | tuple[type[Exception], ...],
    kind: str,
) -> Iterator[bytes]:
    """Every member of a stream of members; zeros after the last one are padding."""
    member = new()
    done = False
    for block in blocks:
        data = block
        while data:
            if done:
                data = data.lstrip(b"\0")
                if not data:
                    break
                if not data.startswith(start[: len(data)]):
                    raise DecodeError(f"{len(data):,} bytes after the {kind} data are no {kind}")
                member, done = new(), False
            before = member.copy() if hasattr(member, "copy") else None
            try:
                out = member.decompress(data)  # type: ignore[attr-defined]
            except damage as error:
                yield from _salvage(before, data, damage)
                raise DecodeError(f"{kind} data damaged: {_words(error)}") from error
            if out:
                yield out
            done = bool(member.eof)  # type: ignore[attr-defined]
            data = member.unused_data if done else b""  # type: ignore[attr-defined]
    if not done:
        rest = member.flush() if kind == "gzip" else b""  # type: ignore[attr-defined]
        if rest:
            yield rest
        raise DecodeError(f"{kind} data ends early (the object is cut)")


def _salvage(
    member: object | None, data: bytes, damage: type[Exception] | tuple[type[Exception], ...]
) -> Iterator[bytes]:
    """What the block before the damage gives, fed in small steps."""
    if member is None:
        return
    for at in range(0, len(data), FINE):
        try:
            out = member.decompress(data[at : at + FINE])  # type: ignore[attr-defined]
        except damage:
            return
        if out:
            yield out


def _zip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """A zip that holds one file. One that holds several is an archive, see `lake.archive`."""
    whole = io.BytesIO(b"".join(blocks))
    try:
        with zipfile.ZipFile(whole) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) != 1:
                raise DecodeError(f"a zip of {len(members)} files; give it to lake as an archive")
            with archive.open(members[0]) as file:
                yield from iter(lambda: file.read(BLOCK), b"")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DecodeError(f"zip data damaged: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
