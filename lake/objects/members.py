"""The members of one zip or one plain tar on disk: their names, where they lie, their bytes. Both
are read by offset, several members at a time, and nothing is ever written under a member's name.
Which files are archives, and archives within archives, is `lake/objects/archive.py`'s business."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from lake.errors import DecodeError
from lake.objects.decompress import is_tar, too_large, unpack_limit
from lake.objects.names import as_text
from lake.objects.stream import PulledStream
from lake.objects.zipped import ZIP_DAMAGE, ZipReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_HEADER_LIMIT = 1 << 20
# APPNOTE.TXT 4.4.5, those that Python 3.11's zipfile does not read.
_METHODS = {9: "deflate64", 93: "zstd", 95: "xz", 98: "ppmd"}
_TAR_DAMAGE = (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError)


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file of an archive (`aside` is None), or why it is none.

    `name` is unique in the archive: the second `x.log` is `x.log#2`. `at` is the place in the
    directory of a zip, the offset of the data in a tar. `size` counts bytes once unpacked.
    """

    name: str
    size: int
    at: int
    aside: str | None = None
    status: str = "ignored"


class Archive(Protocol):
    """A zip or a tar, opened."""

    members: dict[str, Member]
    damage: str | None

    def open(self, member: Member) -> BinaryIO:
        """The member's bytes. Raises DecodeError, here or while it is read."""
        ...


class ZipArchive:
    """A zip. Raises DecodeError where its directory cannot be read or contradicts itself."""

    damage: str | None = None

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except ZIP_DAMAGE as error:
            raise DecodeError(
                f"the zip's directory cannot be read ({error}); it may be cut. Copy it again, or "
                "try `zip -FF`"
            ) from error
        self._infos = self._zip.infolist()
        if sum(info.compress_size for info in self._infos) > path.stat().st_size:
            # https://www.bamsoftware.com/hacks/zipbomb/
            raise DecodeError("the zip's members overlap, a sign of a decompression bomb")
        self.members = _named(
            Member(_zip_name(info), info.file_size, at, _zip_aside(info))
            for at, info in enumerate(self._infos)
            if not _zip_name(info).endswith("/")
        )

    def open(self, member: Member) -> BinaryIO:
        """The member's bytes, decompressed; its checksum is verified at the end."""
        info = self._infos[member.at]
        if info.flag_bits & 1:
            raise DecodeError(
                f"{member.name} is encrypted. Unpack it with its password and give the folder"
            )
        try:
            reader = ZipReader(self._zip, info)
        except NotImplementedError as error:
            method = _METHODS.get(info.compress_type, "an unknown method")
            raise DecodeError(
                f"{member.name} is compressed with {method} (method {info.compress_type}), which "
                "Python's zipfile cannot read. Unpack it with 7z and give the folder"
            ) from error
        except ZIP_DAMAGE as error:
            raise DecodeError(f"{member.name} cannot be read: {error}") from error
        left = limit = unpack_limit(info.compress_size)

        def pull(size: int) -> bytes:
            nonlocal left
            block = reader.pull(min(size, left or 1))
            if block and not left:
                raise too_large(info.compress_size, limit)
            left -= len(block)
            return block

        return _stream(pull, reader.close)


class TarArchive:
    """A plain tar, or several one after the other. Damage ends the list; `damage` says where."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damage: str | None = None
        self.members = _named(self._listed())

    def open(self, member: Member) -> BinaryIO:
        """The member's bytes, read in place."""
        file = self._path.open("rb")
        file.seek(member.at)
        left = member.size

        def pull(size: int) -> bytes:
            nonlocal left
            block = file.read(min(size, left))
            if not block and left:
                raise DecodeError(f"the archive ends {left:,} bytes before the end of this member")
            left -= len(block)
            return block

        return _stream(pull, file.close)

    def _listed(self) -> Iterable[Member]:
        with self._path.open("rb") as file:
            start: int | None = 0
            while start is not None:
                file.seek(start)
                try:
                    headers = _Headers(file)
                    tar = tarfile.TarFile(fileobj=headers, encoding="utf-8")
                    reached = start
                    while (info := tar.next()) is not None:
                        headers.left = _HEADER_LIMIT
                        tar.members = []  # type: ignore[attr-defined]  # or it keeps them all
                        if tar.offset <= reached:
                            raise tarfile.ReadError("a member of negative size")
                        reached = tar.offset
                        if not info.isdir():
                            aside, status = _tar_aside(info)
                            yield Member(info.name, info.size, info.offset_data, aside, status)
                except _TAR_DAMAGE as error:
                    self._damaged(file.tell(), error)
                    return
                start = self._next_archive(file, tar.offset)

    def _next_archive(self, file: BinaryIO, offset: int) -> int | None:
        """Where the next tar begins behind the end mark, as `cat a.tar b.tar` makes it."""
        file.seek(offset)
        marked = False
        while block := file.read(512):
            if block.count(0) != len(block):
                if marked and is_tar(block):
                    return file.tell() - len(block)
                self._damaged(file.tell() - len(block), "no header where one should be")
                return None
            marked = True
        return None

    def _damaged(self, offset: int, why: object) -> None:
        self.damage = (
            f"the tar is damaged or cut near byte {offset:,} ({why}); what is before is read"
        )


class _Headers(io.BufferedIOBase):
    """What tarfile reads headers through: a header that says it is huge is not believed, be it read
    at once or, as by newer Pythons, piece by piece. `left` are the bytes that the headers of the
    next member may have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left = _HEADER_LIMIT

    def read(self, size: int | None = -1, /) -> bytes:
        """Some bytes. Raises ReadError for more than are left."""
        if size is None or not 0 <= size <= self.left:
            raise tarfile.ReadError(f"a header of over {_HEADER_LIMIT:,} bytes")
        self.left -= size
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As the file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As the file does."""
        return self._file.tell()


def _stream(pull: Callable[[int], bytes], close: Callable[[], None]) -> BinaryIO:
    return cast("BinaryIO", PulledStream(pull, close))


def _named(found: Iterable[Member]) -> dict[str, Member]:
    """Members by a unique name that is valid text."""
    members: dict[str, Member] = {}
    again: list[Member] = []
    for member in found:
        name = as_text(member.name.removeprefix("./")) or "#1"
        named = member if name == member.name else replace(member, name=name)
        if name in members:
            again.append(named)
        else:
            members[name] = named
    times: dict[str, int] = {}
    for member in again:
        count = times.get(member.name, 1) + 1
        while (unique := f"{member.name}#{count}") in members:
            count += 1
        times[member.name] = count
        members[unique] = replace(member, name=unique)
    return members


def _zip_name(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800:  # not marked as UTF-8, but most programs write it
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    if info.create_system == 0 and "/" not in name:  # old .NET and PowerShell
        name = name.replace("\\", "/")
    return name


def _zip_aside(info: zipfile.ZipInfo) -> str | None:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    if stat.S_ISLNK(mode):
        return "a link, not a file"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a device, not a file"
    return None


def _tar_aside(info: tarfile.TarInfo) -> tuple[str | None, str]:
    if info.issym() or info.islnk():
        return f"a link to {as_text(info.linkname)}, not a file", "ignored"
    if info.issparse():
        return "a sparse file. Unpack it with tar and give the folder", "failed"
    if not info.isfile():
        return "a device, not a file", "ignored"
    return None, "ignored"
