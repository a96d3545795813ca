"""Files that are written whole or not at all: where that fails, what was there before stays."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lake.errors import StorageError
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_whole(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file whole or not at all, in place of one that was there; with `sync` also where the
    machine loses its power. Its folder is made. Raises StorageError."""
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise not_written(path, error) from error


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A path to write to, whose file takes the target's place once the block has ended. A pipe or a
    device is written as it is."""
    if target.exists() and not target.is_file():  # asked first: a pipe of the shell's has no path
        yield target
        return
    target = target.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        if part.exists():
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def not_written(path: Path, error: OSError) -> StorageError:
    """What is said of a file that cannot be written."""
    why = error.strerror or str(error)
    return StorageError(
        Sentence(
            "{path} cannot be written: {why}. Make its folder writable.", path=str(path), why=why
        )
    )
