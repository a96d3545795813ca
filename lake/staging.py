"""A writer's own folder in the lake: where it stages files until a commit moves them.

A folder whose writer was killed is told by its lock, which nobody holds, and removed by the next
writer, whatever that does; an unfinished commit is taken back first.
"""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from lake.commit import recover
from lake.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lake.table import Store

STAGING = "_staging"
SPILL = "spill"
"""Where readers' DuckDB spills; no writer's."""


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
    try:
        folder.mkdir(parents=True)
        with FileLock(folder.with_suffix(".lock")):
            with store.lock(waiting):
                note = recover(store)
            _remove_abandoned(folder)
            yield [note] if note else []
    except OSError as error:
        raise StorageError(
            f"the lake at {store.path} cannot be written: {error}. What was committed stays; "
            "mend the cause and run the same command again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".lock").unlink(missing_ok=True)


def _remove_abandoned(own: Path) -> None:
    for folder in own.parent.iterdir():
        if folder in (own, own.with_name(SPILL)) or not folder.is_dir():
            continue
        lock = FileLock(folder.with_suffix(".lock"))
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue
        folder.with_suffix(".lock").unlink(missing_ok=True)
