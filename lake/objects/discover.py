"""Which objects a WHERE holds. A WHERE is a folder, a file, an archive or `s3://bucket/prefix`;
`locate` turns it into one Location, or says what is wrong with it. Folders are walked here, what
lies inside archives is left to `lake/objects/archive.py`, buckets to `lake/objects/s3.py`; nothing
is decoded. Nothing is passed over in silence: what cannot be opened comes out as Unreadable."""

from __future__ import annotations

import difflib
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar
from urllib.parse import unquote

from lake.errors import AccessError, UsageError
from lake.model import RawObject, S3Options, Unreadable
from lake.objects import archive
from lake.objects.days import Days
from lake.objects.names import MEMBER, as_stored, as_text, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from lake.model import Location


def locate(
    where: str | Path,
    *,
    scratch: Path,
    lake: Path | None = None,
    since: date | None = None,
    until: date | None = None,
    s3: S3Options | None = None,
) -> Location:
    """The place that WHERE names.

    `scratch` is a folder for what must be unpacked to be read (compressed tars, archives within
    archives). It is made when needed; whoever gives it removes it when nothing is read any more.
    `lake` is never taken for evidence. `since` and `until` are days in UTC, both included.
    Raises UsageError or AccessError, which say what to do.
    """
    text = os.fspath(where)
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
    try:
        days = Days(since, until)
    except ValueError as error:
        raise UsageError(f"{error}. Exchange --since and --until.") from None
    if text.lower().startswith(("s3:", "arn:aws")):
        from lake.objects.s3 import (
            locate_bucket,  # boto3 takes 0.3 s to load, which a folder need not wait
        )

        return locate_bucket(text, s3 or S3Options(), days)
    if "://" in text and not Path(text).exists():
        raise UsageError(
            f"'{text}' is neither a folder, a file nor s3://bucket/prefix. "
            "For another S3 service give s3://bucket/prefix and --endpoint-url."
        )
    return _locate_local(text, lake, days, scratch)


@dataclass(frozen=True, slots=True)
class FolderLocation:
    """A folder with all that is below it, or one file of it (`only`).

    `folder`, `scratch` and `lake` are real paths; the last two, and other lakes, are left out.
    Links to folders are followed, and a folder is read once however many links lead to it, under
    its real path, so that a file has one identity whichever way was taken. A link to a file is a
    file of its own name. The files of a folder come first, then its folders, each sorted by name.
    """

    waits: ClassVar[bool] = False
    folder: str
    scratch: str
    only: str | None = None
    lake: str | None = None
    days: Days = field(default_factory=Days)

    def objects(self) -> Iterator[RawObject | Unreadable]:
        """Every file, and every member of every archive."""
        if self.only is not None:
            stored = f"{self.folder.rstrip('/')}/{self.only}"
            try:
                status = Path(stored).stat()
            except OSError as error:
                yield _unreadable(stored, _why(stored, error))
            else:
                yield from self._file(_Place.of(self.folder), self.only, status)
            return
        seen: set[tuple[int, int]] = set()
        waiting = [self.folder]
        while waiting:
            folder = waiting.pop()
            yield from self._folder(folder, seen, waiting)

    def listed_as(self, place: str) -> str | None:
        """The path of a folder of which everything is listed."""
        path = place.removeprefix("file://")
        within = path.startswith(f"{as_text(self.folder).rstrip('/')}/")
        return path if within and self.only is None and self.days.all else None

    def open(self, obj: RawObject) -> BinaryIO:
        """The bytes of a file, or of a member of an archive. Raises AccessError, which does not
        name it, so that the report counts together what failed alike."""
        stored = as_stored(obj.path)
        try:
            if MEMBER in obj.path:
                return archive.open_member(obj.path, Path(self.scratch))
            return open(stored, "rb")  # noqa: PTH123  a Path takes as long as opening
        except OSError as error:
            raise AccessError(_why(stored, error)) from error

    def _folder(
        self, folder: str, seen: set[tuple[int, int]], waiting: list[str]
    ) -> Iterator[RawObject | Unreadable]:
        """The files of one folder; the folders in it are put on top of `waiting`."""
        try:
            at = Path(folder).stat()
            if (at.st_dev, at.st_ino) in seen or folder in (self.lake, self.scratch):
                return
            seen.add((at.st_dev, at.st_ino))
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            yield _unreadable(folder + "/", f"folder cannot be listed: {error.strerror}")
            return
        if is_lake(folder):
            yield _unreadable(folder + "/", "a lake, not evidence", "ignored")
            return
        below: list[str] = []
        place = _Place.of(folder)
        for entry in entries:
            try:
                if entry.is_dir():
                    linked = entry.is_symlink()
                    below.append(os.path.realpath(entry.path) if linked else entry.path)
                    continue
                status = entry.stat()
            except OSError as error:
                yield _unreadable(entry.path, _why(entry.path, error))
                continue
            yield from self._file(place, entry.name, status)
        waiting.extend(reversed(below))

    def _file(
        self, place: _Place, name: str, status: os.stat_result
    ) -> Iterator[RawObject | Unreadable]:
        """One file as an object, or an archive as its members."""
        stored = place.stored + name
        if not stat.S_ISREG(status.st_mode):
            yield _unreadable(stored, f"{_kind(status.st_mode)}, not a file", "ignored")
            return
        text = as_text(name)
        path, root, key = place.text + text, place.root, place.key + text
        try:
            modified = datetime.fromtimestamp(status.st_mtime, UTC)
        except (ValueError, OverflowError, OSError):  # a year that Python cannot hold
            modified = None
        # Outside AWSLogs the day counts from the WHERE down: folders above it are the user's own.
        # An archive's own day says when it was packed.
        dated = stored.removeprefix(self.folder) if root == "file://" else key
        if not self.days.takes(dated) and not archive.named_archive(path):
            return
        try:
            is_archive = archive.may_be_archive(path) and archive.is_archive(stored)
        except OSError as error:
            yield _unreadable(stored, _why(stored, error))
            return
        if is_archive:
            yield from archive.objects_in(path, modified, Path(self.scratch), self.days)
        else:
            yield RawObject(root, key, path, status.st_size, modified)


@dataclass(frozen=True, slots=True)
class _Place:
    """A folder, as its files' names begin: as stored and as text, the root of its objects and the
    beginning of their keys. Found once, since a folder may hold a million."""

    stored: str
    text: str
    root: str
    key: str

    @classmethod
    def of(cls, folder: str) -> _Place:
        """The place of a folder, as it is stored."""
        stored = folder.rstrip("/") + "/"
        text = as_text(stored)
        return cls(stored, text, *identity_of(text))


def is_lake(folder: str | Path) -> bool:
    """Whether siem-lake wrote this folder."""
    return Path(folder, "_lake", "_delta_log").is_dir()


def _locate_local(text: str, lake: Path | None, days: Days, scratch: Path) -> FolderLocation:
    if not text.strip():
        raise UsageError("WHERE is empty. Give a folder, a file, an archive or s3://bucket/prefix.")
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:  # ~name of nobody
        raise UsageError(f"'{text}': {error}. Give the folder's whole path.") from None
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
        elif stat.S_ISREG(mode):
            path.open("rb").close()
        else:
            raise UsageError(
                f"{path} is {_kind(mode)}. Give a folder, a file or s3://bucket/prefix."
            )
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(_not_there(path)) from None
    except OSError as error:
        raise AccessError(
            f"{path} cannot be read: {error.strerror}. Ask its owner, or run as a user who may."
        ) from error
    real_lake = os.path.realpath(lake) if lake is not None else None
    real_scratch = os.path.realpath(scratch)
    inside = next((above for above in path.resolve().parents if is_lake(above)), None)
    if inside is not None:
        raise UsageError(
            f"{path} lies in a lake, {inside}. Give the folder that holds the raw logs."
        )
    if stat.S_ISREG(mode):
        folder = os.path.realpath(path.parent)
        return FolderLocation(folder, real_scratch, path.name, real_lake, days)
    folder = os.path.realpath(path)
    if folder == real_lake and not is_lake(folder):
        raise UsageError(f"{path} holds the logs. Name another folder with --lake for the lake.")
    if is_lake(folder):
        raise UsageError(f"{path} is the lake itself. Give the folder that holds the raw logs.")
    return FolderLocation(folder, real_scratch, None, real_lake, days)


def _not_there(path: Path) -> str:
    """What to say of a path that does not exist: the nearest name where the paths part."""
    missing = path.absolute()
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    told = f"no such folder or file: {path}."
    try:
        names = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        names = []
    close = difflib.get_close_matches(missing.name, names, n=1)
    if close:
        meant = missing.with_name(close[0]) / path.absolute().relative_to(missing)
        shown = (
            meant
            if path.is_absolute() or not meant.is_relative_to(Path.cwd())
            else (meant.relative_to(Path.cwd()))
        )
        return f"{told} Did you mean {shown}?"
    if any(sign in path.name for sign in "*?["):
        return f"{told} Leave the pattern to the shell (no quotes), or give the folder."
    return f"{told} {missing.parent} has no '{missing.name}'. Check the path."


def _unreadable(stored: str, reason: str, status: str = "failed") -> Unreadable:
    path = as_text(stored)
    root, key = identity_of(path)
    return Unreadable(root, key, path, reason, status)


def _why(stored: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and Path(stored).is_symlink():
        return f"a link to nothing: {as_text(os.fspath(Path(stored).readlink()))}"
    return f"cannot be read: {error.strerror}"


def _kind(mode: int) -> str:
    names = {
        stat.S_IFSOCK: "a socket",
        stat.S_IFIFO: "a pipe",
        stat.S_IFBLK: "a block device",
        stat.S_IFCHR: "a character device",
    }
    return names.get(stat.S_IFMT(mode), "something special")
