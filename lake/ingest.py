"""Drives an ingest: lists, batches, sends batches to workers, finds duplicates, commits.

Everything that must happen once and in order happens here, one ingest of a lake at a time; what a
record means and how it is read is the workers' part. The executor is any of `concurrent.futures`.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from lake.enrich.geoip import GeoIP
from lake.errors import LakeError, is_interrupt
from lake.lean import give_back
from lake.machine import cores, default_memory
from lake.model import ObjectResult, RawObject, S3Options
from lake.objects.decompress import configured_limit
from lake.objects.discover import locate
from lake.paths import JOURNAL, lake_folder
from lake.report import IngestReport
from lake.serve.buckets import bucket_accounts
from lake.sources.catalogue import catalogue
from lake.stage.batches import Batch, batches
from lake.stage.changed import earlier_records
from lake.stage.listing import Listing
from lake.stage.pool import workers
from lake.stage.worker import BatchResult, WorkerSetup, run_batch
from lake.store import ledger
from lake.store.commit import Commit, LedgerFile, commit, growths
from lake.store.duplicates import Distinct
from lake.store.known import Identities, KnownObject, known_objects
from lake.store.recover import recover
from lake.store.staging import staging, staging_name
from lake.store.table import Store, is_own
from lake.upkeep.compact import crowded, merge_small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    import pyarrow as pa

    from lake.model import Location
    from lake.stage.changed import Earlier
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import Snapshot
    from lake.upkeep.compact import Place

COMMIT_EVERY = 2.0
"""Seconds between commits while batches arrive."""
COMMIT_ROWS = 500_000
LOCK = "_ingest.lock"
"""Held from the question what the lake knows to the last commit: of two ingests that ask at once
both would read the same objects. Other writers go on beside an ingest."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest. `memory` in bytes for the whole run; `since`/`until` are days, UTC."""

    source: str | None = None
    since: date | None = None
    until: date | None = None
    jobs: int | None = None
    memory: int | None = None
    account: str | None = None
    rehash: bool = False
    """Tell what has changed by every object's content, not by its size, time and ETag."""
    s3: S3Options = field(default_factory=S3Options)
    geoip: GeoIP | None = None
    compact: bool = True
    """Merge small files of a partition where many have gathered (`lake.upkeep.compact.crowded`)."""
    originals: bool = True
    """Keep each record as it came, in `event.original`."""
    fork: bool = False
    """Fork the workers, which spares each a second of imports. Only for a process that has not used
    DuckDB, Arrow or Delta yet, as the command line's: their threads do not survive a fork."""


@dataclass(slots=True)
class Progress:
    """What a progress bar needs; `total` counts objects to read once listing has ended. `merging`
    says what is done when all has been read."""

    phase: str = "listing"
    merging: str = ""
    listed: int = 0
    total: int = 0
    total_size: int = 0
    objects: int = 0
    size: int = 0
    records: int = 0


def ingest(
    path: Path,
    where: Sequence[str],
    options: IngestOptions | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> IngestReport:
    """Read every object of `where` that the lake at `path` has not read yet, and commit its rows.

    The lake is made where it is not there. Raises UsageError, AccessError (a WHERE that cannot be
    reached, before anything is written), StorageError (the lake's disk; what was committed stays).
    """
    return _Ingest(lake_folder(path), list(where), options or IngestOptions(), progress).run()


@dataclass(slots=True)
class _Ingest:
    path: Path
    where: list[str]
    options: IngestOptions
    notify: Callable[[Progress], None]
    report: IngestReport = field(default_factory=IngestReport)
    progress: Progress = field(default_factory=Progress)
    done: list[BatchResult] = field(default_factory=list)
    rows_waiting: int = 0
    last_commit: float = field(default_factory=time.monotonic)
    aside: list[ObjectResult] = field(default_factory=list)
    reread: set[str] = field(default_factory=set)
    """Paths of objects of which the lake has records, to be read again."""
    places: set[Place] = field(default_factory=set)
    """Partitions that have got files."""
    first: int = 0
    """The batch after which this ingest began."""
    ingested: datetime = field(default_factory=lambda: datetime.now(UTC))

    store: Store = field(init=False)
    identities: Identities = field(init=False)
    staging: Path = field(init=False)
    geoip: GeoIP = field(init=False)
    pool: Executor | None = None

    def run(self) -> IngestReport:
        started = time.monotonic()
        self.staging = staging_name(self.path)
        try:
            with workers(self.options.jobs or cores(), self.options.fork) as self.pool:
                self._run()
        finally:  # where it was interrupted, a worker's last work has made it anew
            shutil.rmtree(self.staging, ignore_errors=True)
        self.report.seconds = time.monotonic() - started
        return self.report

    def _run(self) -> None:
        if self.options.source is not None:
            catalogue()[self.options.source]
        configured_limit()
        self.geoip = self.options.geoip or GeoIP.default()
        self.report.geoip = self.geoip.describe()
        self.report.originals = self.options.originals
        fresh = not (self.path / ledger.TABLE).exists()
        held = {p.name for p in self.path.iterdir()} if self.path.is_dir() else None
        locations = [self._locate(w, self.staging / "scratch") for w in self.where]
        self.store = Store.create(self.path)
        try:
            with (  # the folder before the lock: who finds a folder in use leaves the lake be
                staging(self.store, self.staging, self._waiting) as notes,
                self.store.lock(self._waiting, LOCK),
            ):
                self.report.notes += notes
                self.progress.phase = "listing"
                self._read(locations)
        finally:
            if fresh and not self.report.objects:
                self._unmake(held)

    def _unmake(self, held: set[str] | None) -> None:
        """Leave no lake behind that holds nothing, unless another ingest is at work in it or a
        batch had begun: what that has left, only the lake's journal knows. What was in the folder
        before (`held`; None where there was none) stays."""
        begun = (self.path / JOURNAL).exists()
        if begun or self.store.snapshot().batch or any(self.staging.parent.iterdir()):
            return
        for entry in self.path.iterdir():
            if is_own(entry.name) and entry.name not in (held or ()):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if held is None:
            with suppress(OSError):  # another program has put something there
                self.path.rmdir()

    def _locate(self, where: str, scratch: Path) -> Location:
        return locate(
            where,
            scratch=scratch,
            lake=self.path,
            since=self.options.since,
            until=self.options.until,
            s3=self.options.s3,
        )

    def _waiting(self) -> None:
        self.progress.phase = "waiting for another ingest"
        self.notify(self.progress)

    # -- listing and batching -------------------------------------------------------------------

    def _read(self, locations: list[Location]) -> None:
        snapshot = self.store.snapshot()
        self.first = snapshot.batch
        growths(self.store, snapshot)
        for table in snapshot.tables:
            self.store.check_log(table, snapshot)
        self.identities = Identities(self.store, snapshot)
        work = self._list(locations, known_objects(self.store, snapshot))
        self.progress.phase = "reading"
        self.progress.total = len(work)
        self.progress.total_size = sum(obj.size for _, obj in work)
        self.notify(self.progress)
        jobs = self.options.jobs or cores()
        queue = deque(batches(work, jobs))
        work.clear()  # a batch that is done is let go: a million objects take a gigabyte
        if queue:
            self._run_batches(queue, min(jobs, len(queue)))
        self._commit()
        if self.options.compact and self.places:
            self._merge_small()

    def _list(
        self, locations: list[Location], known: dict[str, KnownObject]
    ) -> list[tuple[Location, RawObject]]:
        def tell(listed: int) -> None:
            self.progress.listed = listed
            self.notify(self.progress)

        listing = Listing(known, self.options.rehash)
        listing.collect(locations, tell)
        self.progress.listed = listing.listed
        self.report.unchanged = listing.unchanged
        self.aside, self.reread = listing.aside, listing.reread
        return listing.work

    def _merge_small(self) -> None:
        """Make one file of the small ones that had gathered in a partition before this ingest (an
        export that follows tells its own files from what was merged). Where that fails the lake is
        as it was, and what was read is committed: a note says so."""

        def say(what: str) -> None:
            self.progress.merging = what
            self.notify(self.progress)

        merged = self.report.merged
        try:
            due = list(crowded(self.store, self.store.snapshot(), self.places, self.first))
            merge_small(self.store, self.staging, due, merged, say, self.pool)
        except (LakeError, OSError, BrokenProcessPool) as error:
            merged.notes.append(f"small files stay as they are: {error}")
        self.report.notes += merged.notes

    # -- workers --------------------------------------------------------------------------------

    def _run_batches(self, queue: deque[Batch], jobs: int) -> None:
        memory = self.options.memory or default_memory()
        setup = WorkerSetup(
            staging=self.staging,
            memory=memory // (jobs + 1),
            geoip=self.geoip,
            ingested=self.ingested,
            source=self.options.source,
            account=self.options.account,
            buckets=bucket_accounts(self.store.path),
            originals=self.options.originals,
        )
        if jobs == 1 or self.pool is None:
            while queue:
                batch = queue.popleft()
                self._take(partial(run_batch, setup, batch), batch, queue)
            return
        self._pump(self.pool, setup, queue, jobs)

    def _pump(self, pool: Executor, setup: WorkerSetup, queue: deque[Batch], jobs: int) -> None:
        running: dict[Future[BatchResult], Batch] = {}
        while queue or running:
            while queue and len(running) < jobs + 1:
                batch = queue.popleft()
                running[pool.submit(run_batch, setup, batch)] = batch
            finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(future.result, running.pop(future), queue)
            self._commit_if_due()

    def _take(self, get: Callable[[], BatchResult], batch: Batch, queue: deque[Batch]) -> None:
        """A batch's result; a batch that fails as a whole is cut until the object is found."""
        try:
            result = get()
        except (BrokenProcessPool, OSError):
            raise
        except Exception as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from error
            if half := len(batch.objects) // 2:
                parts = batch.objects[half:], batch.objects[:half]
                queue.extendleft(replace(batch, objects=part) for part in parts)
                return
            result = _failed(batch, error)
        self.done.append(result)
        self.rows_waiting += sum(f.rows for f in result.files)
        for one in result.objects:
            self.progress.objects += 1
            self.progress.size += one.obj.size
            self.progress.records += one.records
        self.notify(self.progress)
        self._commit_if_due()

    # -- duplicates and commit ------------------------------------------------------------------

    def _commit_if_due(self) -> None:
        due = time.monotonic() - self.last_commit > COMMIT_EVERY
        if self.done and (due or self.rows_waiting > COMMIT_ROWS):
            self._commit()

    def _commit(self) -> None:
        results, self.done, self.rows_waiting = self.done, [], 0
        aside, self.aside = self.aside, []
        if not results and not aside:
            return
        with self.store.lock(self._waiting):
            note = recover(self.store)
            if note:
                self.report.notes.append(note)
            self._commit_whole(results, aside)
        give_back()
        self.last_commit = time.monotonic()
        self.progress.phase = "reading"

    def _commit_whole(self, results: list[BatchResult], aside: list[ObjectResult]) -> None:
        """One commit of what batches gave and of objects that were set aside; duplicates and what
        had been read of changed objects are taken out. The lake's lock is held."""
        snapshot = self.store.snapshot()
        self.identities.at(snapshot)
        files = [file for r in results for file in r.files]
        earlier = self._earlier(snapshot, results, files)
        self.identities.note(earlier.also)
        distinct = Distinct(earlier.texts, earlier.mending, kept_from=snapshot.kept_from)
        for file in files:
            distinct.add(file, self.identities)
        removed: dict[str, list[str]] = {}
        for mended in earlier.mended.values():
            distinct.repeats.append(mended.repeats())
            distinct.files += mended.rest(self.staging)
            names = self.store.names(mended.table, [mended.file])
            removed.setdefault(mended.table, []).extend(names)
        objects = distinct.counted(o for r in results for o in r.objects) + aside

        def rows(number: int) -> list[pa.Table]:
            return [
                ledger.object_table(objects, number, self.geoip.builds, self.ingested),
                ledger.duplicate_table(distinct.repeats, number),
                ledger.forgotten_table(distinct.forgotten, number),
            ]

        rejects = [LedgerFile(path) for r in results for path in r.rejects]
        committed = commit(
            self.store,
            Commit(distinct.files, rows, rejects, removed, geoip=self.geoip.builds),
        )
        for (table, date), fresh in distinct.fresh.items():
            if fresh:
                self.identities.add(table, date, fresh, committed)
        self.identities.snapshot = committed
        self._count(objects, distinct, earlier)

    def _earlier(
        self, snapshot: Snapshot, results: list[BatchResult], files: list[StagedFile]
    ) -> Earlier:
        """What the lake has of those objects of a commit that have changed."""
        changed = self.reread & {o.obj.path for r in results for o in r.objects}
        whole = {o.obj.path for r in results for o in r.objects if o.status == "read"}
        return earlier_records(self.store, snapshot, files, changed, changed & whole)

    def _count(self, objects: list[ObjectResult], distinct: Distinct, earlier: Earlier) -> None:
        """Note in the report what a commit was of."""
        self.places |= {(f.source, f.account, f.region, f.date) for f in distinct.files}
        self.report.forgotten += distinct.forgotten.total()
        self.report.mended += sum(len(one.rows) for one in earlier.mended.values())
        self.report.reworded += sum(map(len, earlier.texts.values()))
        for one in objects:
            self.report.add(one)


def _failed(batch: Batch, error: Exception) -> BatchResult:
    """The result of a batch of one object that cannot be read."""
    said = str(error).splitlines()[0][:300] if str(error) else ""
    reason = f"{type(error).__name__}: {said}"
    failed = ObjectResult(batch.objects[0][1], "failed", reason=reason)
    return BatchResult(batch.number, (), (), (failed,))
