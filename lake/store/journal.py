"""`_journal.json`: what a commit is about to do, for whoever must take it back.

The next writer deletes files and restores tables by it, and a lake may come from anybody. So a
journal is taken only where it tells of the lake's next batch, or of one that counts, and names
nothing but what such a commit makes.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lake.errors import StorageError
from lake.paths import JOURNAL
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION
from lake.store import ledger
from lake.store.delta import paths
from lake.store.deltalog import versions
from lake.store.files import batch_of, is_ours

if TYPE_CHECKING:
    from pathlib import Path

    from lake.store.snapshot import Snapshot
    from lake.store.table import Store


@dataclass(frozen=True, slots=True)
class Journal:
    """A batch's number, the version that each table had before it (None: there was no table), and
    the files that it was to add, relative to the lake."""

    batch: int
    tables: dict[str, int | None]
    files: list[str]


def unfinished_journal(store: Store) -> Path:
    """Where a journal is written before it takes its name."""
    return store.path / f"{JOURNAL}.new"


def write_journal(store: Store, journal: Journal) -> Path:
    """Write a journal whole or not at all; returns its path."""
    temporary = unfinished_journal(store)
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(journal), file)
        file.flush()
        os.fsync(file.fileno())
    return temporary.replace(store.path / JOURNAL)


def read_journal(store: Store, snapshot: Snapshot) -> Journal | None:
    """The journal that a writer has left; None for one that was cut before anything was begun.
    Raises StorageError where it names what no commit of this lake does."""
    path = store.path / JOURNAL
    try:
        entries = json.loads(path.read_text("utf-8"))
        journal = Journal(entries["batch"], entries["tables"], entries["files"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if wrong := _wrong(store, snapshot, journal):
        raise StorageError(
            f"{path} {wrong}: it is not this lake's, or the lake is not whole. Nothing was "
            "changed. Look with `lake verify` whether the lake is whole, delete this file, and run "
            "the same command again."
        )
    return journal


def _wrong(store: Store, snapshot: Snapshot, journal: Journal) -> str | None:
    """Why a journal is not one of the lake's; None for one that is."""
    number = journal.batch
    if type(number) is not int or not 0 < number <= snapshot.batch + 1:
        return f"tells of batch {str(number)[:20]}, and the lake's last one is {snapshot.batch}"
    if not isinstance(journal.tables, dict) or not isinstance(journal.files, list):
        return "has no list of tables and files"
    before: dict[str, int] = {**snapshot.tables, ledger.TABLE: snapshot.ledger_version}
    known = before.keys() | catalogue().sources.keys()
    for table, version in journal.tables.items():
        if table not in known:
            return f"names a table that is neither the lake's nor a known source's, {table!r}"
        same = version == before.get(table)
        if table == ledger.TABLE:
            same = _same_ledger(store, version)
        if number > snapshot.batch and not same:
            return f"would bring {table} back to version {version!r}"
    for name in journal.files:
        if _table_of(name) not in known or not _may_add(name, number):
            return f"names a file that no commit of this batch adds, {str(name)[:200]!r}"
    if number > snapshot.batch and (held := _held(store, journal.files)):
        return f"names a file that an earlier batch has, {held!r}"
    return None


def _held(store: Store, names: list[str]) -> str | None:
    """The first of these files that a version of `_lake` has."""
    begun = {PurePath(name).as_posix() for name in names if PurePath(name).parts[0] == ledger.TABLE}
    log = versions(store.path / ledger.TABLE) if begun else ()
    added = {f"{ledger.TABLE}/{name}" for version in log for name in version.added}
    return min(begun & added, default=None)


def _same_ledger(store: Store, version: object) -> bool:
    """Whether a version of `_lake` has the files of the last one: a commit that has not ended has
    told it of new columns at most."""
    root = store.path / ledger.TABLE
    if type(version) is not int or version < 0:
        return False
    try:
        return set(paths(DeltaTable(root, version=version))) == set(paths(DeltaTable(root)))
    except DeltaError:
        return False


def _table_of(name: object) -> str | None:
    """The table of a file that is named as those of the lake are, relative to the lake."""
    if not isinstance(name, str) or "\0" in name:
        return None
    table, _, inside = PurePath(name).as_posix().partition("/")
    keys = [folder.partition("=")[0] for folder in inside.split("/")[:-1]]
    wanted = ["kind"] if table == ledger.TABLE else list(PARTITION)
    return table if is_ours(inside) and keys == wanted else None


def _may_add(name: str, number: int) -> bool:
    """Whether a commit of a batch adds a file: those of `_lake` may hold the rows of earlier
    batches."""
    path = PurePath(name)
    batch = batch_of(path.name)
    return batch == number or (path.parts[0] == ledger.TABLE and batch < number)
