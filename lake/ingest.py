"""Drives an ingest: lists objects, makes batches of them, has workers read these, commits.

Everything that must happen once and in order happens here, one ingest of a lake at a time. The
workers (`lake.stage.worker`) read; `lake.stage.commits` makes what they give part of the lake.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake.enrich.geoip import GeoIP
from lake.errors import LakeError
from lake.machine import cores, default_memory
from lake.model import S3Options
from lake.objects.decompress import configured_limit
from lake.objects.discover import locate
from lake.paths import JOURNAL, lake_folder
from lake.report import IngestReport
from lake.serve.buckets import bucket_accounts
from lake.sources.catalogue import catalogue
from lake.stage.batches import batches
from lake.stage.commits import Commits
from lake.stage.dispatch import batch_results
from lake.stage.listing import Listing
from lake.stage.pool import workers
from lake.stage.worker import WorkerSetup
from lake.store import ledger
from lake.store.known import Identities, known_objects
from lake.store.rowmodels import growths
from lake.store.staging import staging, staging_name
from lake.store.table import Store, is_own
from lake.upkeep.compact import crowded, merge_small

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import date
    from pathlib import Path

    from lake.model import Location, RawObject
    from lake.stage.batches import Batch
    from lake.store.snapshot import Snapshot

LOCK = "_ingest.lock"
"""Held from the question what the lake knows to the last commit: of two ingests that ask at once
both would read the same objects. Other writers go on beside an ingest."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest: what `lake ingest`, `Lake.ingest` and `ingest` are told."""

    source: str | None = None
    """Take every object as this source (a name that `lake sources` prints); None recognises each.
    UsageError for an unknown one."""
    since: date | None = None
    """The first day (UTC) of which objects are read, as their keys tell it; None: from the
    first. See docs/design.md, "What --since and --until choose"."""
    until: date | None = None
    """The last such day, itself included; None: to the last."""
    jobs: int | None = None
    """Worker processes; None: as many as processors may be used (`lake.machine.cores`)."""
    memory: int | None = None
    """Bytes that all processes together should keep to; None: a quarter of the machine's."""
    account: str | None = None
    """The account, twelve digits, of rows for which neither record nor key nor bucket tells one;
    None leaves them in the partition `unknown`."""
    rehash: bool = False
    """Detect changes by every object's content, not by its size, time and ETag."""
    s3: S3Options = field(default_factory=S3Options)
    """How to reach `s3://` places; by default as boto3's own chain says."""
    geoip: GeoIP | None = None
    """The databases for places and networks; None: those of `GeoIP.default()`, if any."""
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
    """One ingest at work."""

    path: Path
    where: list[str]
    options: IngestOptions
    notify: Callable[[Progress], None]
    report: IngestReport = field(default_factory=IngestReport)
    progress: Progress = field(default_factory=Progress)
    before: int = 0
    """The lake's last batch when this ingest began."""
    ingested: datetime = field(default_factory=lambda: datetime.now(UTC))

    store: Store = field(init=False)
    commits: Commits = field(init=False)
    staging: Path = field(init=False)
    geoip: GeoIP = field(init=False)
    buckets: Mapping[str, str] = field(init=False)
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
        self.buckets = bucket_accounts(self.path)
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
        """Remove a lake that holds nothing, unless another ingest is at work in it or a batch had
        begun (its journal is needed to take that back). What was in the folder before (`held`; None
        where there was no folder) stays."""
        unfinished = (self.path / JOURNAL).exists()
        if unfinished or self.store.snapshot().batch or any(self.staging.parent.iterdir()):
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

    def _read(self, locations: list[Location]) -> None:
        snapshot = self.store.snapshot()
        self.before = snapshot.batch
        growths(self.path, snapshot)
        for table in snapshot.tables:
            self.store.check_log(table, snapshot)
        work = self._list(locations, snapshot)
        self.progress.phase = "reading"
        self.progress.total = len(work)
        self.progress.total_size = sum(obj.size for _, obj in work)
        self.notify(self.progress)
        jobs = self.options.jobs or cores()
        queue = deque(batches(work, jobs))
        work.clear()  # a batch that is done is let go: a million objects take a gigabyte
        if queue:
            self._run_batches(queue, min(jobs, len(queue)))
        self.commits.commit()
        if self.options.compact and self.commits.places:
            self._merge_small()

    def _list(
        self, locations: list[Location], snapshot: Snapshot
    ) -> list[tuple[Location, RawObject]]:
        """The objects to read; what else was found there waits for the first commit."""

        def tell(listed: int) -> None:
            self.progress.listed = listed
            self.notify(self.progress)

        listing = Listing(known_objects(self.store, snapshot), self.options.rehash)
        listing.collect(locations, tell)
        self.progress.listed = listing.listed
        self.report.unchanged = listing.unchanged.total()
        self.report.unchanged_no_logs = sum(
            listing.unchanged[status] for status in ("unknown", "ignored")
        )
        self.commits = Commits(
            store=self.store,
            staging=self.staging,
            identities=Identities(self.store, snapshot),
            geoip=self.geoip,
            ingested=self.ingested,
            report=self.report,
            waiting=self._waiting,
            reread=listing.reread,
            aside=listing.aside,
        )
        return listing.work

    def _merge_small(self) -> None:
        """Make one file of the small ones that had gathered in a partition before this ingest (of
        its own files the next export has to know them as new). Where that fails a note says so: the
        lake is as it was, with what was read."""

        def say(what: str) -> None:
            self.progress.merging = what
            self.notify(self.progress)

        merged = self.report.merged
        try:
            due = list(crowded(self.store, self.store.snapshot(), self.commits.places, self.before))
            merge_small(self.store, self.staging, due, merged, say, self.pool)
        except (LakeError, OSError, BrokenProcessPool) as error:
            merged.notes.append(f"small files stay as they are: {error}")
        self.report.notes += merged.notes

    def _run_batches(self, queue: deque[Batch], jobs: int) -> None:
        memory = self.options.memory or default_memory()
        setup = WorkerSetup(
            staging=self.staging,
            memory=memory // (jobs + 1),
            geoip=self.geoip,
            ingested=self.ingested,
            source=self.options.source,
            account=self.options.account,
            buckets=self.buckets,
            originals=self.options.originals,
        )
        for results in batch_results(setup, queue, jobs, self.pool):
            for result in results:
                self.commits.add(result)
                for became in result.objects:
                    self.progress.objects += 1
                    self.progress.size += became.obj.size
                    self.progress.records += became.records
                self.notify(self.progress)
            self.commits.commit_if_due()
            self.progress.phase = "reading"  # another writer may have been waited for
