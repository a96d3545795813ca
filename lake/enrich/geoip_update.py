"""Fetches GeoLite2 databases from MaxMind into a folder, on the user's command.

Decides whether there is something new, and that only a whole, verified database takes the old
one's place. Who asks and how is `maxmind`'s business, what a database is good for `geoip`'s.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import re
import tarfile
import tempfile
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lake.enrich.geoip import GeoIP, default_folder
from lake.enrich.maxmind import EDITIONS, ENDPOINT, Credentials, ask, credentials, quoted
from lake.errors import LakeError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "EDITIONS",
    "ENDPOINT",
    "Credentials",
    "Update",
    "credentials",
    "default_folder",
    "update",
]

SIZE_LIMIT = 1 << 30
"""Bytes of an archive, and of a database. GeoLite2-City has 60 MB, GeoIP2-Enterprise 300."""

_CHUNK = 1 << 20
_PART = ".part"
_LEFT_AFTER = 3_600
"""Seconds without a byte after which nobody writes a file any more."""


@dataclass(frozen=True, slots=True)
class Update:
    """What became of one edition: its file, whether it is new, and type and build date (UTC)."""

    edition: str
    path: Path
    changed: bool
    build: str


@dataclass(frozen=True, slots=True)
class _Note:
    """What lies beside a database: where it came from, to know later whether there is a new one."""

    archive_sha256: str
    database_sha256: str


def update(
    folder: Path,
    account: Credentials,
    editions: Sequence[str] = EDITIONS,
    endpoint: str = ENDPOINT,
) -> list[Update]:
    """Brings every edition in `folder` up to date and says what changed. A file that already is
    what MaxMind offers, by its hash, is not downloaded again.

    Raises AccessError where MaxMind refuses or cannot be reached (with its own words), LakeError
    where what came is cut or damaged, StorageError where the folder cannot be written. An edition
    is replaced in one step or not at all; those before the failing one stay updated.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _tidy(folder)
        return [_update_one(folder, account, edition, endpoint) for edition in editions]
    except OSError as error:
        raise StorageError(
            f"cannot write {folder} ({error}). Free space there, or name another folder."
        ) from error


def _update_one(folder: Path, account: Credentials, edition: str, endpoint: str) -> Update:
    if not re.fullmatch(r"[A-Za-z0-9-]+", edition):
        raise UsageError(f"'{edition}' is no edition. Known: {', '.join(EDITIONS)}.")
    path, note_path = folder / f"{edition}.mmdb", folder / f"{edition}.json"
    address = f"{endpoint.rstrip('/')}/geoip/databases/{edition}/download?suffix=tar.gz"
    offered = _offered_hash(f"{address}.sha256", account, edition)
    if _is_present(path, note_path, offered):
        return Update(edition, path, changed=False, build=GeoIP.open([path]).builds or "")
    with _scratch(folder, edition) as archive, _scratch(folder, edition) as database:
        came = _download(address, account, edition, archive)
        if came != offered:
            raise LakeError(
                f"{edition}: the archive's SHA-256 is {came}, MaxMind says {offered}. It is "
                "damaged, or a new one was published meanwhile; run 'lake geoip update' again. "
                "Nothing was replaced."
            )
        note = _Note(offered, _extract(archive, database, edition))
        try:
            build = GeoIP.open([database]).builds or ""
        except UsageError as error:
            raise LakeError(
                f"{edition}: the archive's hash is right but its database does not open ({error}). "
                "Nothing was replaced; tell MaxMind, or run 'lake geoip update' tomorrow."
            ) from error
        database.chmod(0o644)
        database.replace(path)
    with _scratch(folder, edition) as written:
        written.write_text(json.dumps(asdict(note)) + "\n", encoding="ascii")
        written.chmod(0o644)
        written.replace(note_path)
    return Update(edition, path, changed=True, build=build)


def _is_present(path: Path, note_path: Path, offered: str) -> bool:
    """Whether the file is the one that came from the archive on offer, and untouched since."""
    try:
        note = _Note(**json.loads(note_path.read_text(encoding="ascii")))
        with path.open("rb") as file:
            present = hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, TypeError, ValueError):
        return False
    return note == _Note(offered, present)


def _tidy(folder: Path) -> None:
    """Remove what updates that were killed have left, and not what one at work writes."""
    for left in folder.glob(f".*{_PART}"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _LEFT_AFTER:
                left.unlink()


@contextlib.contextmanager
def _scratch(folder: Path, edition: str) -> Iterator[Path]:
    """A file beside its later place, so that replacing is one rename; gone afterwards."""
    number, name = tempfile.mkstemp(dir=folder, prefix=f".{edition}.", suffix=_PART)
    os.close(number)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _offered_hash(address: str, account: Credentials, edition: str) -> str:
    with ask(address, account, edition) as response:
        text = response.read(1000).decode("utf-8", "replace")
    if not (found := re.match(r"\s*([0-9a-fA-F]{64})\b", text)):
        raise LakeError(
            f"{edition}: what came in place of the archive's SHA-256 is {quoted(text)}. A proxy "
            f"may have answered; try {address} in a browser."
        )
    return found[1].lower()


def _download(address: str, account: Credentials, edition: str, target: Path) -> str:
    """Writes the archive to `target`; gives its SHA-256 in hexadecimal."""
    digest, size = hashlib.sha256(), 0
    with ask(address, account, edition) as response, target.open("wb") as file:
        announced = response.headers.get("Content-Length", "")
        with contextlib.suppress(http.client.IncompleteRead):  # seen below, by the length
            while chunk := response.read(_CHUNK):
                size += len(chunk)
                if size > SIZE_LIMIT:
                    raise LakeError(
                        f"{edition}: the archive is over {SIZE_LIMIT:,} bytes. {_AGAIN}"
                    )
                digest.update(chunk)
                file.write(chunk)
    if announced.isdecimal() and int(announced) != size:
        raise LakeError(f"{edition}: {size:,} of {int(announced):,} bytes came. {_AGAIN}")
    return digest.hexdigest()


_AGAIN = "Nothing was replaced; run 'lake geoip update' again."


def _extract(archive: Path, target: Path, edition: str) -> str:
    """Writes the archive's first .mmdb member to `target`, whatever path the member claims; gives
    the SHA-256 of what was written."""
    digest, passed = hashlib.sha256(), 0
    try:
        with tarfile.open(archive, "r:gz") as tar, target.open("wb") as file:
            for member in tar:
                passed += member.size
                if passed > SIZE_LIMIT:
                    raise LakeError(
                        f"{edition}: unpacked it is over {SIZE_LIMIT:,} bytes. {_AGAIN}"
                    )
                body: IO[bytes] | None = tar.extractfile(member) if member.isreg() else None
                if body is None or not member.name.endswith(".mmdb"):
                    continue
                while chunk := body.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
                return digest.hexdigest()
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise LakeError(f"{edition}: the archive does not unpack ({error}). {_AGAIN}") from error
    raise LakeError(f"{edition}: the archive holds no .mmdb file. {_AGAIN}")
