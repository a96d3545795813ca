"""Bytes as stored -> bytes as logged: gzip (several members), bzip2, zstd, xz, a zip of one member,
each inside another up to three deep, told by magic bytes and never by a name.

It gives what can be read: a stream that is cut or damaged yields everything before the damage and
then raises DecodeError. It also says how much an object may become (`unpack_limit`). What the bytes
mean is `lake.decode.decode`'s business.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from lake.errors import DecodeError, LimitError
from lake.objects.codecs import BLOCK, CODECS, DAMAGE, magic
from lake.objects.zipped import ZIP_DAMAGE, ZipReader
from lake.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from lake.objects.codecs import Codec, M

SPOOLED = 64 << 20
"""A zip within an object is kept in memory up to here, on disk beyond."""
MAX_DEPTH = 3
FREE_OUTPUT = 1 << 30
MAX_RATIO = 200
"""An object may always give 1 GiB; beyond that at most 200 times its stored size. Flow logs, the
most repetitive of these logs, reach 40."""
LIMIT = "LAKE_UNPACK_LIMIT"
"""The environment's variable that says another size than 1 GiB."""
_ALIGNED = 64 << 20


@dataclass(slots=True)
class Budget:
    """How much one object may decompress to, so that a bomb ends with a word. `given`: what came
    out of all its wrappers."""

    stored: int
    given: int = 0
    wrappers: list[str] = field(default_factory=list)
    limit: int = field(init=False)

    def __post_init__(self) -> None:
        self.limit = unpack_limit(self.stored)

    def within(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks of one wrapper, up to the limit. Raises LimitError behind the last byte that
        is within it."""
        left = self.limit
        for block in blocks:
            if len(block) > left:
                yield block[:left]
                raise too_large(self.stored, self.limit)
            left -= len(block)
            self.given += len(block)
            yield block


def configured_limit() -> int:
    """What an object may always give, in bytes. Raises UsageError where the variable is no size."""
    size = os.environ.get(LIMIT)
    return parse_size(size, LIMIT) if size else FREE_OUTPUT


def unpack_limit(stored: int) -> int:
    """What so many stored bytes may become. Beyond 1 GiB in whole windows of the decoder: what was
    read up to a limit keeps its identity when it is read again with a higher one."""
    free, grown = configured_limit(), stored * MAX_RATIO
    return free if grown <= free else -(-grown // _ALIGNED) * _ALIGNED


def too_large(stored: int, limit: int) -> LimitError:
    """The error for an object that becomes more than it may."""
    return LimitError(
        f"unpacking stopped at {limit:,} bytes (over {MAX_RATIO} times the {stored:,} stored "
        f"ones, a sign of a decompression bomb). What came before is read; if the object is sound, "
        f"set {LIMIT}, such as 20GB, and ingest again",
        limit,
    )


def is_tar(head: bytes) -> bool:
    """Whether these 512 bytes are a tar header (POSIX or GNU; the nameless V7 is not told). No log
    has the zeros that fill one, whatever a stranger writes into its line."""
    return head[257:262] == b"ustar" and b"\0" in head[:512]


def of_one_log(blocks: Iterator[bytes], advice: str) -> Iterator[bytes]:
    """Plain content as it is. Raises DecodeError with the advice, before any of it, for a tar."""
    head, content = _begun(blocks, 512)
    if is_tar(head):
        raise DecodeError(f"a tar; {advice}")
    yield from content


class Readable(Protocol):
    """What bytes are read of."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""
        ...


def plain_blocks(stream: Readable, budget: Budget) -> Iterator[bytes]:
    """The content of a stored object, block by block, every wrapper removed.

    Raises DecodeError after the last good block where the stream is damaged or too large.
    """
    return _unwrap(iter(lambda: stream.read(BLOCK), b""), budget, 0)


def _unwrap(blocks: Iterator[bytes], budget: Budget, depth: int) -> Iterator[bytes]:
    head, content = _begun(blocks, 8)
    kind = magic(head)
    if kind is None:
        yield from budget.within(content) if depth == 0 else content
        return
    if depth >= MAX_DEPTH:
        raise DecodeError(f"compressed more than {MAX_DEPTH} times over; unpack it first")
    budget.wrappers.append(kind)
    inner = _zip(content) if kind == "zip" else _members(content, kind)
    yield from _unwrap(budget.within(inner), budget, depth + 1)


def _begun(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, at least `size` where there are so many before the end or a damage, and all
    of the content with them, which raises the DecodeError of a damage where it lies."""
    head = b""
    try:
        while len(head) < size and (block := next(blocks, b"")):
            head += block
    except DecodeError as error:
        return head, _broken(head, error)
    return head, chain((head,) if head else (), blocks)


def _broken(head: bytes, damage: DecodeError) -> Iterator[bytes]:
    if head:
        yield head
    raise damage


def _members(blocks: Iterator[bytes], kind: str) -> Iterator[bytes]:
    """Every member of a stream of members; zeros after the last one are padding."""
    codec = CODECS[kind]
    member = codec.new()
    for block in blocks:
        data = block
        while data:
            if member.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                if not codec.begins(data):
                    raise DecodeError(f"{len(data):,} bytes after the {kind} data are no {kind}")
                member = codec.new()
            data = yield from _fed(codec, member, data, kind)
    if not member.eof:
        if kind == "gzip" and (rest := member.flush()):
            yield rest
        raise DecodeError(f"{kind} data ends early (the object is cut)")


def _fed(codec: Codec[M], member: M, data: bytes, kind: str) -> Generator[bytes, None, bytes]:
    """What a member gives for the data, as far as it reaches; returns what is behind its end."""
    for at in range(0, len(data), codec.step):
        try:
            for block in codec.feed(member, data[at : at + codec.step]):
                if block:
                    yield block
        except DAMAGE as error:
            raise DecodeError(f"{kind} data damaged: {_words(error)}") from error
        if member.eof:
            return bytes(member.unused_data) + data[at + codec.step :]
    return b""


def _zip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """A zip that holds one file. One that holds several is an archive, see
    `lake.objects.archive`."""
    with tempfile.SpooledTemporaryFile(SPOOLED) as whole:
        for block in blocks:
            whole.write(block)
        whole.seek(0)
        try:
            with zipfile.ZipFile(whole) as archive:
                members = [m for m in archive.infolist() if not m.is_dir()]
                if len(members) != 1:
                    raise DecodeError(
                        f"a zip of {len(members)} files; download it and give it as an archive"
                    )
                reader = ZipReader(archive, members[0])
                yield from iter(lambda: reader.pull(BLOCK), b"")
        except ZIP_DAMAGE as error:
            raise DecodeError(f"zip data damaged: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
