"""Taking back what does not count: what a killed writer had begun, and what another program has
committed to a table.

Nothing is rewritten: a table is restored to an earlier version by a version more, and files of a
batch that does not count are deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from lake.paths import JOURNAL
from lake.store import ledger
from lake.store.delta import marked, paths
from lake.store.deltalog import is_torn, newest, version_file
from lake.store.journal import read_journal, unfinished_journal

if TYPE_CHECKING:
    from pathlib import Path

    from lake.store.table import Store


def recover(store: Store) -> str | None:
    """Undo what a killed writer had begun and not committed; says what was done, if anything.
    The caller holds the lock. Raises StorageError for a journal that is not the lake's."""
    path = store.path / JOURNAL
    unfinished_journal(store).unlink(missing_ok=True)
    if path.exists():
        drop_torn(store.path / ledger.TABLE, 0)
    snapshot = store.snapshot()
    for table, counted in snapshot.tables.items():
        drop_torn(store.path / table, counted, empty=True)
    if not path.exists():
        return None
    journal = read_journal(store, snapshot)
    if journal is None:
        path.unlink()
        return None
    done = snapshot.batch >= journal.batch
    for table in journal.tables.keys() - {ledger.TABLE}:
        drop_torn(store.path / table, snapshot.tables.get(table, -1))
    if not done:
        for table, before in journal.tables.items():
            _undo(store, table, before, journal.batch)
        for name in journal.files:
            (store.path / name).unlink(missing_ok=True)
        _remove_unnamed(store, journal.batch)
    for table in {*journal.tables, ledger.TABLE}:
        for begun in (store.path / table / "_delta_log").glob("*.json#*"):
            begun.unlink()  # a version that was being written
    path.unlink()
    return None if done else f"an unfinished batch {journal.batch} was removed"


def drop_torn(root: Path, counted: int, *, empty: bool = False) -> None:
    """Delete versions at the end of a table's log that do not count and tell nothing, or that are
    cut; with `empty` the former alone."""
    version = newest(root)
    while version is not None and version > counted:
        path = version_file(root, version)
        if path.stat().st_size if empty else not is_torn(path):
            return
        path.unlink()
        version = newest(root)


def _remove_unnamed(store: Store, number: int) -> None:
    """Delete the files of `_lake` that a batch had written when it was killed: what is in them was
    not known when the journal was written."""
    root = store.path / ledger.TABLE
    counted = {root / path for path in paths(DeltaTable(root))}
    for found in root.glob(f"kind=*/{number:08d}-*.parquet"):
        if found not in counted:
            found.unlink()


def _undo(store: Store, table: str, before: int | None, number: int) -> None:
    """Bring a table's files back to what a version had; a table that was new is emptied."""
    try:
        delta = DeltaTable(store.path / table)
    except TableNotFoundError:
        return
    if delta.version() > (before or 0):
        delta.restore(before or 0, commit_properties=marked(number))


def take_back_others(store: Store, table: str, before: int | None, number: int) -> None:
    """What another program has committed to a table since our last batch, no reader of the lake
    sees, and the next batch must not let it in. `lake verify` tells of it."""
    if table == ledger.TABLE:
        return
    root = store.path / table
    try:
        delta = DeltaTable(root)
    except TableNotFoundError:
        return
    if delta.version() == (before or 0):
        return
    if set(paths(DeltaTable(root, version=before or 0))) != set(paths(delta)):
        delta.restore(before or 0, commit_properties=marked(number))
