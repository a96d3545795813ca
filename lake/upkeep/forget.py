"""Retention: days before a date leave the tables, and do not come back.

It decides what goes (whole partitions, since a partition is a day) and notes of each object how
many of its rows went, so that the ledger still adds up. The date becomes the table's line: what a
later ingest reads of days before it is counted as forgotten at once (`lake.store.duplicates`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.errors import LakeError, unknown_name
from lake.report import Vacuumed
from lake.sources.catalogue import catalogue
from lake.store import ledger
from lake.store.commit import Commit, commit
from lake.store.duplicates import rows_by_path
from lake.store.files import check_unaltered
from lake.store.recover import recover
from lake.store.staging import staging, staging_name
from lake.store.table import Store
from lake.upkeep.vacuum import vacuum

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from datetime import date

    from lake.store.snapshot import DataFile, Snapshot


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a table loses: days, files, rows and bytes."""

    table: str
    days: int
    files: int
    rows: int
    size: int


@dataclass(slots=True)
class ForgetReport:
    """What was forgotten, table by table, and what was deleted at once."""

    tables: list[Doomed] = field(default_factory=list)
    vacuumed: Vacuumed = field(default_factory=Vacuumed)
    notes: list[str] = field(default_factory=list)


def doomed(path: Path, before: date, source: str | None = None) -> list[Doomed]:
    """What `forget` would take, of each table that the lake has or of one source's. Raises
    UsageError for a source that is none."""
    store = Store.open(path)
    return _counted(_old(store, store.snapshot(), before, source))


def forget(
    path: Path,
    before: date,
    source: str | None = None,
    now: bool = False,
    notify: Callable[[str], None] = lambda _: None,
) -> ForgetReport:
    """Take the days before a date (UTC) out of the tables, in one commit. Their files stay for
    `lake compact`'s grace, or with `now` are deleted at once, in whatever version they lie.

    Raises UsageError for a source that is none, LakeError for a file that is not as it was
    committed, StorageError where the disk refuses; nothing is forgotten then.
    """
    store = Store.open(path)
    line = before.isoformat()

    def waiting() -> None:
        notify("waiting for another writer")

    with (
        staging(store, staging_name(store.path), waiting) as notes,
        store.lock(waiting),
    ):
        recover(store)
        snapshot = store.snapshot()
        old = _old(store, snapshot, before, source)
        notify("counting what is forgotten")
        gone = {
            (table, name): count
            for table, files in old.items()
            for name, count in _rows_by_path(files).items()
        }
        moved = {table: line for table in old if snapshot.kept_from.get(table, "") < line}
        if moved or gone:
            given = Commit(
                ledger_rows=lambda number: [ledger.forgotten_table(gone, number)],
                removed={table: store.names(table, files) for table, files in old.items()},
                did="forget",
                kept_from=moved,
            )
            commit(store, given)
        report = ForgetReport(_counted(old), notes=notes)
        if now:
            report.vacuumed = vacuum(
                store, timedelta(0), lambda table, name: table in old and day_of_path(name) < line
            )
    return report


def day_of_path(name: str) -> str:
    """The day of a data file's partition; a later one than all for what is no data file."""
    _, _, day = name.partition("date=")
    return day[:10] or "9999"


def _rows_by_path(files: Sequence[DataFile]) -> Counter[str]:
    """How many rows each object has in some files of a table. What is counted leaves the lake, and
    the ledger says for ever how much it was; so only of files that are what was committed."""
    for file in files:
        check_unaltered(Path(file.path))
    try:
        return rows_by_path([Path(file.path) for file in files])
    except (OSError, pa.ArrowException) as error:
        raise LakeError(
            f"a file of these days cannot be read: {error}. Nothing was changed. `lake verify` "
            "says which it is."
        ) from error


def _old(
    store: Store, snapshot: Snapshot, before: date, source: str | None
) -> dict[str, list[DataFile]]:
    known = sorted({*catalogue().sources, *snapshot.tables})
    if source is not None and source not in known:
        raise unknown_name("source", source, known)
    names = sorted(snapshot.tables) if source is None else [source]
    line = before.isoformat()
    return {
        name: [file for file in store.files(name, snapshot) if file.date < line] for name in names
    }


def _counted(old: dict[str, list[DataFile]]) -> list[Doomed]:
    return [
        Doomed(
            table,
            len({file.date for file in files}),
            len(files),
            sum(file.rows for file in files),
            sum(file.size for file in files),
        )
        for table, files in old.items()
    ]
