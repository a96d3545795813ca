"""A writer's own folder in the lake: where it stages files until a commit moves them.

A folder whose writer was killed is told by its lock, which nobody holds, and removed by the next
writer, whatever that does; an unfinished commit is taken back first. What readers spill lies beside
these folders and is DuckDB's to remove (`lake.paths.spill_folder`).
"""

from __future__ import annotations

import re
import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lake.errors import StorageError
from lake.paths import STAGING
from lake.store.recover import recover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lake.store.table import Store


_OWN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
"""As `staging_name` makes them."""


def staging_name(lake: Path) -> Path:
    """A new writer's folder; it is not made yet."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return lake.absolute() / STAGING / f"{stamp}-{uuid.uuid4().hex[:8]}"


@contextmanager
def staging(
    store: Store, folder: Path, waiting: Callable[[], None] | None = None
) -> Iterator[list[str]]:
    """Make the folder for as long as the writer works, and remove it. Gives notes of what was
    undone before; `waiting` is called where another writer holds the lake's lock.

    Raises StorageError where the disk refuses, then or later.
    """
    lock = folder.with_suffix(".lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # the lock comes before its folder and goes after it: who finds a folder in use knows
        with FileLock(lock):
            try:
                folder.mkdir()
                with store.lock(waiting):
                    note = recover(store)
                _remove_abandoned(lock)
                yield [note] if note else []
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"the lake at {store.path} cannot be written: {error}. What was committed stays; "
            "mend the cause and run the same command again."
        ) from error


def _remove_abandoned(own: Path) -> None:
    for path in own.parent.iterdir():  # a lock is there before its folder: one without is nobody's
        if _OWN.fullmatch(path.name) and not path.with_suffix(".lock").exists():
            shutil.rmtree(path, ignore_errors=True)
    for path in own.parent.glob("*.lock"):
        if path == own:
            continue
        try:
            with FileLock(path).acquire(timeout=0):
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
        except Timeout:
            continue  # its owner is at work
