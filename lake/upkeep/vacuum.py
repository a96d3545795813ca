"""Deletes the files of versions that nobody reads any more.

A file goes when a commit of the lake took it out, and no version of the time since `grace` ago has
it. Only files that Delta's log names and that are called as the lake calls its own are touched;
what else lies in the folder is somebody's.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from lake.errors import UsageError
from lake.report import Vacuumed
from lake.store import ledger
from lake.store.commit import Commit, commit
from lake.store.delta import paths
from lake.store.deltalog import versions
from lake.store.files import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from pathlib import Path

    from lake.store.table import Store


def vacuum(
    store: Store, grace: timedelta, only: Callable[[str, str], bool] = lambda _table, _path: True
) -> Vacuumed:
    """Delete what left the lake more than `grace` ago; `only` chooses among that, by table and
    path. The caller holds the lock and has called `recover`."""
    cutoff = datetime.now(UTC) - grace
    gone = [path for path in _unread(store, grace, cutoff, only) if path.exists()]
    if not gone:
        return Vacuumed()
    size = sum(path.stat().st_size for path in gone)
    # first the note, so that a reader of an earlier time is told why files are missing
    commit(store, Commit(did="vacuum", vacuumed=cutoff.isoformat(timespec="seconds")))
    for path in gone:
        path.unlink(missing_ok=True)
    return Vacuumed(len(gone), size)


def _unread(
    store: Store, grace: timedelta, cutoff: datetime, only: Callable[[str, str], bool]
) -> list[Path]:
    """The files that no version from `cutoff` on has."""
    try:
        then = store.snapshot(cutoff if grace else None)
    except UsageError:  # the lake is younger
        return []
    found = []
    first = {ledger.TABLE: then.ledger_version, **then.tables}
    for table in (ledger.TABLE, *store.snapshot().tables):
        if table not in first:
            continue
        root = store.path / table
        kept = set(paths(DeltaTable(root, version=first[table])))
        known: set[str] = set()
        for version in versions(root):
            known |= version.added.keys()
            if version.number > first[table]:
                kept |= version.added.keys()
        found += [
            root / path for path in sorted(known - kept) if is_ours(path) and only(table, path)
        ]
    return found
