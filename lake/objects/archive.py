"""Archives of a bucket: zip, and tar plain or compressed with gzip, bzip2, xz or zstd, told by
their content. Each regular member is an object: its root is the archive, its key the member's name,
its path `archive.zip!/member`. Archives within archives are opened, three deep in all. A gzip of
one log is no archive; a gzip of a tar is."""

from __future__ import annotations

import io
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from lake.errors import DecodeError, LakeError
from lake.model import RawObject, Unreadable
from lake.objects.codecs import CODECS, DAMAGE, magic
from lake.objects.decompress import Budget, is_tar, plain_blocks
from lake.objects.members import Archive, Member, TarArchive, ZipArchive
from lake.objects.names import MEMBER, as_stored, identity_of
from lake.objects.spool import spool, spool_damage, spool_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lake.objects.days import Days

MAX_DEPTH = 3
_NAMED = (
    *(".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst"),
    *(".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.zstd"),
)
# A name that states both the log and its compression is believed: looking into each of 100,000 such
# files would double the time of the walk (1.0 s -> 2.0 s).
_LOGS = (
    *(".json.gz", ".jsonl.gz", ".ndjson.gz", ".log.gz", ".csv.gz", ".txt.gz"),
    *(".json.zst", ".jsonl.zst", ".log.zst", ".parquet"),
)
_PEEK = 4096
_PEEK_LIMIT = 2 << 20  # a bzip2 block gives nothing before its last byte, at most 900 kB further
_ZSTD_BLOCK = 128 << 10


def named_archive(path: str) -> bool:
    """Whether the name says that it is an archive."""
    return path.lower().endswith(_NAMED)


def may_be_archive(path: str) -> bool:
    """False where the name says that it is one log."""
    return not path.lower().endswith(_LOGS)


def is_archive(stored: str) -> bool:
    """Whether this file is one. Raises OSError where it may not be read."""
    with Path(stored).open("rb", buffering=0) as stream:
        return archive_kind(cast("BinaryIO", stream)) is not None


def archive_kind(stream: BinaryIO) -> str | None:
    """`zip`, `tar`, `tar+gzip`, `tar+bzip2`, `tar+xz`, `tar+zstd`, or None for anything else."""
    head = stream.read(512)
    wrapper = magic(head)
    if wrapper == "zip" or head[:8] in (b"PK\x05\x06\0\0\0\0", b"PK\x07\x08PK\x03\x04"):
        return "zip"
    if wrapper is None:
        return "tar" if is_tar(head) else None
    return f"tar+{wrapper}" if is_tar(_inflated_head(wrapper, head, stream)) else None


def objects_in(
    path: str, modified: datetime | None, scratch: Path, days: Days, depth: int = 1
) -> Iterator[RawObject | Unreadable]:
    """The members of the archive at `path`, in its own order, those of archives in it as well.

    `modified` is the archive file's: a member counts as changed when its archive does.
    """
    try:
        opened, damage = _open_archive(path, scratch)
    except (LakeError, OSError) as error:
        yield Unreadable(*identity_of(path), path, f"archive cannot be read: {error}")
        return
    root = f"file://{path}"
    for member in opened.members.values():
        inner = f"{path}{MEMBER}{member.name}"
        if member.aside is not None:
            yield Unreadable(root, member.name, inner, member.aside, member.status)
        elif _is_inner(opened, member):
            if depth < MAX_DEPTH:
                yield from objects_in(inner, modified, scratch, days, depth + 1)
            else:
                reason = f"an archive more than {MAX_DEPTH} deep. Unpack it and give the folder"
                yield Unreadable(root, member.name, inner, reason)
        elif days.takes(member.name):
            yield RawObject(root, member.name, inner, member.size, modified)
    if damage is not None:
        yield Unreadable(*identity_of(path), path, damage)


def open_member(path: str, scratch: Path) -> BinaryIO:
    """The bytes of a member, named as `archive.zip!/member`.

    Raises DecodeError where the archive or the member cannot be read, or is there no more.
    """
    outer, _, name = path.rpartition(MEMBER)
    opened, _ = _open_archive(outer, scratch)
    try:
        member = opened.members[name]
    except KeyError:
        raise DecodeError(f"{outer} holds no '{name}' any more; it was changed meanwhile") from None
    return opened.open(member)


def _is_inner(opened: Archive, member: Member) -> bool:
    if not may_be_archive(member.name):
        return False
    try:
        with opened.open(member) as stream:
            return archive_kind(stream) is not None
    except DecodeError:
        return False  # whoever opens it as an object gets to hear it


def _open_archive(path: str, scratch: Path) -> tuple[Archive, str | None]:
    """The archive, and why not all of it can be read."""
    file, damage = _on_disk(path, scratch)
    status = file.stat()
    opened = _opened(file, status.st_mtime_ns, status.st_size, os.getpid())
    return opened, damage or opened.damage


# By process, since a forked one must not seek in the file of its parent.
@lru_cache(maxsize=32)
def _opened(file: Path, mtime_ns: int, size: int, pid: int) -> Archive:
    with file.open("rb") as stream:
        kind = archive_kind(stream)
    return ZipArchive(file) if kind == "zip" else TarArchive(file)


def _on_disk(path: str, scratch: Path) -> tuple[Path, str | None]:
    """The zip or plain tar on disk that holds the archive at `path`, and what is wrong with it."""
    outermost, nested, _ = path.partition(MEMBER)
    file = Path(as_stored(outermost))
    target = spool_name(scratch, path, file.stat())
    if target.exists():
        return target, spool_damage(target)
    with open_member(path, scratch) if nested else file.open("rb") as stream:
        kind = archive_kind(stream)
    if not nested and kind in ("zip", "tar"):
        return file, None

    def blocks() -> Iterator[bytes]:
        with open_member(path, scratch) if nested else file.open("rb") as stream:
            if kind in ("zip", "tar"):
                yield from iter(lambda: stream.read(1 << 20), b"")
            else:
                yield from plain_blocks(stream, Budget(file.stat().st_size))

    spool(target, blocks)
    return target, spool_damage(target)


def _inflated_head(wrapper: str, head: bytes, stream: BinaryIO) -> bytes:
    """The first 512 bytes inside, whatever the rest holds; nothing where it is no such stream."""
    if wrapper == "zstd":
        first = io.BytesIO(head + stream.read(2 * _ZSTD_BLOCK))
        zstd = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        try:
            return zstd.stream_reader(first, read_across_frames=True).read(512)
        except DAMAGE:
            return b""
    decompressor = CODECS[wrapper].new()
    found = b""
    fed = 0
    while head and len(found) < 512 and fed < _PEEK_LIMIT:
        try:
            found += decompressor.decompress(head, 512 - len(found))
        except DAMAGE:
            return b""
        fed += len(head)
        head = stream.read(_PEEK)
    return found
