"""Small files of a partition -> few large ones, sorted by time; the same rows exactly.

It decides which files are worth it (all of them for `lake compact`, those that have gathered after
an ingest) and merges them a partition at a time, outside of the lake's lock; the lock is held for
the commit alone, which checks that the files still are the table's. It says nothing about rows:
what a leaf holds is carried over, whatever the present transform says.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import wait
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lake.errors import LakeError
from lake.machine import cores
from lake.report import CompactReport
from lake.sources.catalogue import catalogue
from lake.stage.pool import workers
from lake.store.commit import Commit, commit
from lake.store.files import batch_of
from lake.store.merged_schema import TypesDiffer
from lake.store.recover import recover
from lake.store.snapshot import Place
from lake.store.staging import staging, staging_name
from lake.store.table import Store
from lake.upkeep.compact_ledger import compact_ledger
from lake.upkeep.merge import is_sorted, merge
from lake.upkeep.vacuum import vacuum

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Sequence
    from concurrent.futures import Executor, Future

    from lake.store.parquet import StagedFile
    from lake.store.snapshot import DataFile, Snapshot

    One = TypeVar("One", "Small", "_Merged")

SETTLED = 96 << 20
"""Bytes of a file that is large enough to be left, if it is sorted."""
GROUP_BYTES = 512 << 20
GROUP_PARTITIONS = 200
"""Partitions, and their bytes, that are committed together: a commit costs little, what is staged
takes room on the disk twice."""
ALIKE = 8
"""Files of like length in a partition from which an ingest makes one, so that each row is written
anew about once whenever its partition has grown eightfold."""
LITTLE = 16 << 20
"""Bytes of a file that an ingest leaves to `lake compact`, which may take its time."""
AT_ONCE = 400
"""Files that are merged together; 1,500 took 0.7 GB, half a megabyte each."""
AHEAD = 8
"""Partitions at work or waiting for a process."""
FEW = 64
"""Files that this process merges sooner than others could begin."""
GRACE = timedelta(days=7)
"""How long files stay that have left the lake: a reader who opened before still needs them, and
`--as-of` reaches back so far. A week is longer than any query, and than a weekend."""


@dataclass(frozen=True, slots=True)
class CompactOptions:
    """`grace` is how long files stay that have left the lake; `jobs` and `fork` are those of
    `IngestOptions`."""

    grace: timedelta = GRACE
    jobs: int | None = None
    fork: bool = False


@dataclass(frozen=True, slots=True)
class Small:
    """Files of a table's partition that are to become one, or few."""

    table: str
    files: Sequence[DataFile]


@dataclass(frozen=True, slots=True)
class _Merged:
    """A partition's files and what they have become."""

    table: str
    files: Sequence[DataFile]
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
    options = options or CompactOptions()
    with workers(options.jobs or cores(), options.fork) as pool:
        store = Store.open(path)
        folder = staging_name(store.path)
        waiting = "waiting for another writer"
        with staging(store, folder, lambda: notify(waiting)) as notes:
            report = CompactReport(notes=notes)
            snapshot = store.snapshot()
            for table in sorted(snapshot.tables.keys() - catalogue().sources.keys()):
                report.notes.append(
                    f"{table}: no such source is known here; its files stay as they are"
                )
            merge_small(store, folder, list(_due(store, snapshot)), report, notify, pool)
            report.ledger_before, report.ledger_after = compact_ledger(store, folder)
            notify("deleting what nobody reads any more")
            with store.lock(lambda: notify(waiting)):
                recover(store)
                report.vacuumed = vacuum(store, options.grace)
    return report


def merge_small(
    store: Store,
    folder: Path,
    due: Sequence[Small],
    report: CompactReport,
    notify: Callable[[str], None],
    pool: Executor | None,
) -> None:
    """Merge and commit, partition by partition; by a pool's processes where it is worth them. Files
    that others changed meanwhile are left. Raises as `compact` does; of files that are damaged when
    the others are merged."""
    if sum(len(small.files) for small in due) < FEW:
        pool = None
    held: list[_Merged] = []
    size = 0
    trouble: LakeError | None = None
    with closing(_merging(due, folder, pool)) as merging:
        for number, (small, merged) in enumerate(merging, 1):
            notify(f"merging small files of {small.table}: partition {number:,} of {len(due):,}")
            try:
                staged = merged()
            except TypesDiffer as error:
                report.notes.append(
                    f"{small.table}, {_place(small.files[0])}: files that differ in the type of "
                    f"{error} stay as they are; `lake rebuild {small.table}` gives them one"
                )
                continue
            except LakeError as error:
                if _held(store, [small]):
                    trouble = trouble or error
                else:
                    report.skipped += 1
                continue
            held.append(_Merged(small.table, small.files, staged))
            size += sum(file.size for file in staged)
            if size >= GROUP_BYTES or len(held) >= GROUP_PARTITIONS:
                _commit(store, held, report)
                held, size = [], 0
    _commit(store, held, report)
    if trouble is not None:
        raise trouble


def _held(store: Store, of: Sequence[One]) -> list[One]:
    """Those whose files still are their table's; others may have merged them, or `lake forget
    --now` deleted some."""
    now = store.snapshot()
    tables = {one.table for one in of}
    held = {table: {file.path for file in store.files(table, now)} for table in tables}
    return [one for one in of if {file.path for file in one.files} <= held[one.table]]


def _merging(
    due: Sequence[Small], folder: Path, pool: Executor | None
) -> Generator[tuple[Small, Callable[[], list[StagedFile]]]]:
    """Each with what gives its merged files, in order; a few are ahead at work in the pool."""
    if pool is None:
        for small in due:
            yield small, partial(merge, small.table, small.files, folder)
        return
    begun: deque[tuple[Small, Future[list[StagedFile]]]] = deque()
    try:
        for small in due:
            begun.append((small, pool.submit(merge, small.table, small.files, folder)))
            if len(begun) > AHEAD:
                first, future = begun.popleft()
                yield first, future.result
        while begun:
            first, future = begun.popleft()
            yield first, future.result
    finally:
        for _, future in begun:
            future.cancel()
        wait([future for _, future in begun])  # nothing is written when the folder goes


def crowded(
    store: Store, snapshot: Snapshot, places: Collection[Place], upto: int
) -> Iterator[Small]:
    """Files of like length, `ALIKE` of them or more in one of these partitions; of batches up to
    one."""
    for table in sorted({place.table for place in places} & catalogue().sources.keys()):
        alike: dict[tuple[Place, int], list[DataFile]] = {}
        for file in store.files(table, snapshot):
            place = Place(table, file.account, file.region, file.date)
            if file.size < LITTLE and place in places and batch_of(file.path) <= upto:
                eightfold = file.size.bit_length() // 3
                alike.setdefault((place, eightfold), []).append(file)
        for files in alike.values():
            if len(files) >= ALIKE:
                yield from _pieces(table, files)


def _due(store: Store, snapshot: Snapshot) -> Iterator[Small]:
    """The partitions worth it, each with the files to merge: those that are small or not sorted,
    where there are several or one that is large."""
    for table in sorted(snapshot.tables.keys() & catalogue().sources.keys()):
        for _, group in groupby(store.files(table, snapshot), key=_place):
            files = [
                file for file in group if file.size < SETTLED or not is_sorted(Path(file.path))
            ]
            if len(files) > 1 or (files and files[0].size >= SETTLED):
                yield from _pieces(table, files)


def _pieces(table: str, files: Sequence[DataFile]) -> Iterator[Small]:
    """The files, as many at a time as fit into memory with their footers."""
    for start in range(0, len(files), AT_ONCE):
        yield Small(table, files[start : start + AT_ONCE])


def _place(file: DataFile) -> str:
    return f"account={file.account}/region={file.region}/date={file.date}"


def _commit(store: Store, merged: list[_Merged], report: CompactReport) -> None:
    """Commit partitions whose files still are the table's; the others have been changed by somebody
    else and are left."""
    if not merged:
        return
    with store.lock():
        recover(store)
        good = _held(store, merged)
        removed: dict[str, list[str]] = {}
        for one in good:
            removed.setdefault(one.table, []).extend(store.names(one.table, one.files))
        if good:
            files = [file for one in good for file in one.staged]
            commit(store, Commit(files, removed=removed, data_change=False, did="compact"))
    report.skipped += len(merged) - len(good)
    for one in good:
        report.partitions += 1
        report.files_before += len(one.files)
        report.files_after += len(one.staged)
        report.size_before += sum(file.size for file in one.files)
        report.size_after += sum(file.size for file in one.staged)
        report.rows += sum(file.rows for file in one.files)
    for file in (staged for one in merged if one not in good for staged in one.staged):
        file.path.unlink(missing_ok=True)
