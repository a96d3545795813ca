"""Unpacked copies of what cannot be read in place: a compressed tar, an archive inside an archive.
Each lies in the scratch folder under a name that follows from its content's place and time, so
every process finds what another one unpacked. Names from archives never become file names."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING
from uuid import uuid4

from lake.errors import DecodeError, StorageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEEP_FREE = 1 << 30
"""Bytes that unpacking leaves free on the scratch disk, whatever an archive holds."""
_CHECK = 64 << 20


def spool_name(scratch: Path, place: str, stored: os.stat_result) -> Path:
    """Where the unpacked copy of `place` lies; `stored` is the file on disk that holds it."""
    stamp = f"{place}\n{stored.st_size}\n{stored.st_mtime_ns}"
    return scratch / hashlib.sha256(stamp.encode()).hexdigest()[:40]


def spool(target: Path, blocks: Callable[[], Iterator[bytes]]) -> None:
    """Write `blocks()` to `target`, unless it is there. Another process may do the same.

    Where the blocks end with a DecodeError, what came before it is kept, and `spool_damage` tells.
    Raises StorageError when the disk would run full.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        with part.open("xb") as out:
            damage = _write(blocks(), out.write, target.parent)
        if damage is not None:
            _damage_file(target).write_text(damage, "utf-8")
        part.replace(target)
    except OSError as error:
        raise StorageError(
            f"{target.parent} cannot take what is unpacked: {error.strerror}. Free some room there."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def spool_damage(target: Path) -> str | None:
    """Why the copy is not whole."""
    try:
        return _damage_file(target).read_text("utf-8")
    except FileNotFoundError:
        return None


def _damage_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.damage")


def _write(blocks: Iterator[bytes], write: Callable[[bytes], int], folder: Path) -> str | None:
    unchecked = _CHECK
    try:
        for block in blocks:
            unchecked += len(block)
            if unchecked > _CHECK:
                unchecked = 0
                if shutil.disk_usage(folder).free < KEEP_FREE:
                    raise StorageError(
                        f"less than {KEEP_FREE >> 30} GiB is free in {folder}: unpacking stopped. "
                        "Free some room, or unpack the archive elsewhere and give the folder."
                    )
            write(block)
    except DecodeError as error:
        return str(error)
    return None
