"""Small files of a partition -> few large ones, sorted by time; the same rows exactly.

It decides which files are worth it, and merges them a partition at a time, outside of the lake's
lock; the lock is held for the commit alone, which checks that the files still are the table's. It
says nothing about rows: what a leaf holds is carried over, whatever the present transform says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from lake.commit import Commit, commit, recover
from lake.compact_ledger import compact_ledger
from lake.merge import is_sorted, merge
from lake.merged_schema import TypesDiffer
from lake.sources import catalogue
from lake.staging import staging, staging_name
from lake.table import Store
from lake.vacuum import Vacuumed, vacuum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lake.table import DataFile, Snapshot
    from lake.worker import StagedFile

SETTLED = 96 << 20
"""Bytes of a file that is large enough to be left, if it is sorted."""
GROUP_BYTES = 512 << 20
GROUP_PARTITIONS = 200
"""Partitions, and their bytes, that are committed together: a commit costs little, what is staged
takes room on the disk twice."""
GRACE = timedelta(days=7)
"""How long files stay that have left the lake: a reader who opened before still needs them, and
`--as-of` reaches back so far. A week is longer than any query, and than a weekend."""


@dataclass(frozen=True, slots=True)
class CompactOptions:
    """`grace` is how long files stay that have left the lake."""

    grace: timedelta = GRACE


@dataclass(slots=True)
class CompactReport:
    """What a compaction did. `skipped` counts partitions that others changed meanwhile."""

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    size_before: int = 0
    size_after: int = 0
    rows: int = 0
    skipped: int = 0
    ledger_before: int = 0
    ledger_after: int = 0
    vacuumed: Vacuumed = field(default_factory=Vacuumed)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Merged:
    """A partition's files and what they have become."""

    table: str
    files: list[DataFile]
    staged: list[StagedFile]


def compact(
    path: Path,
    options: CompactOptions | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> CompactReport:
    """Merge the small files of a lake, then delete what has left it longer than the grace ago.

    Raises UsageError where there is no lake, LakeError for a file that is not as it was committed,
    StorageError where the disk refuses; what was committed stays.
    """
    store = Store.open(path)
    folder = staging_name(store.path)
    options = options or CompactOptions()
    waiting = "waiting for another writer"
    with staging(store, folder, lambda: notify(waiting)) as notes:
        report = CompactReport(notes=notes)
        _compact_tables(store, folder, report, notify)
        report.ledger_before, report.ledger_after = compact_ledger(store, folder)
        notify("deleting what nobody reads any more")
        with store.lock(lambda: notify(waiting)):
            recover(store)
            report.vacuumed = vacuum(store, options.grace)
    return report


def _compact_tables(
    store: Store,
    folder: Path,
    report: CompactReport,
    notify: Callable[[str], None],
) -> None:
    snapshot = store.snapshot()
    due = list(_due(store, snapshot))
    for table in sorted(snapshot.tables.keys() - catalogue().sources.keys()):
        report.notes.append(f"{table}: no such source is known here; its files stay as they are")
    held: list[_Merged] = []
    size = 0
    for number, (table, files) in enumerate(due, 1):
        notify(f"compacting {table}: partition {number:,} of {len(due):,}")
        try:
            staged = merge(table, files, folder)
        except TypesDiffer as error:
            report.notes.append(
                f"{table}, {_place(files[0])}: files that differ in the type of {error} stay as "
                f"they are; `lake rebuild {table}` gives them one"
            )
            continue
        held.append(_Merged(table, files, staged))
        size += sum(f.size for f in staged)
        if size >= GROUP_BYTES or len(held) >= GROUP_PARTITIONS:
            _commit(store, held, report)
            held, size = [], 0
    _commit(store, held, report)


def _due(store: Store, snapshot: Snapshot) -> Iterator[tuple[str, list[DataFile]]]:
    """The partitions worth it, each with the files to merge: those that are small or not sorted,
    where there are several or one that is large."""
    for table in sorted(snapshot.tables.keys() & catalogue().sources.keys()):
        for _, group in groupby(store.files(table, snapshot), key=_place):
            files = [f for f in group if f.size < SETTLED or not is_sorted(Path(f.path))]
            if len(files) > 1 or (files and files[0].size >= SETTLED):
                yield table, files


def _place(file: DataFile) -> str:
    return f"account={file.account}/region={file.region}/date={file.date}"


def _commit(store: Store, merged: list[_Merged], report: CompactReport) -> None:
    """Commit partitions whose files still are the table's; the others have been changed by somebody
    else and are left."""
    if not merged:
        return
    with store.lock():
        recover(store)
        now = store.snapshot()
        counted = {t: {f.path for f in store.files(t, now)} for t in {m.table for m in merged}}
        good = [m for m in merged if {f.path for f in m.files} <= counted[m.table]]
        removed: dict[str, list[str]] = {}
        for one in good:
            removed.setdefault(one.table, []).extend(store.names(one.table, one.files))
        if good:
            files = [f for m in good for f in m.staged]
            commit(store, Commit(files, removed=removed, data_change=False, did="compact"))
    report.skipped += len(merged) - len(good)
    for one in good:
        report.partitions += 1
        report.files_before += len(one.files)
        report.files_after += len(one.staged)
        report.size_before += sum(f.size for f in one.files)
        report.size_after += sum(f.size for f in one.staged)
        report.rows += sum(f.rows for f in one.files)
    for file in (f for m in merged if m not in good for f in m.staged):
        file.path.unlink(missing_ok=True)
