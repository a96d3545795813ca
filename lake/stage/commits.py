"""The commits of one ingest: what its batches gave becomes part of the lake.

Results are gathered and committed every few seconds. Before each commit the records that the lake
has already are taken out, and rows of damaged readings give way to those of the whole object. How a
commit is made whole or not at all is `lake.store.commit`'s part.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.lean import give_back
from lake.stage.changed import Earlier, earlier_records, note_lesser, readings_of_rows
from lake.store import ledger
from lake.store.commit import Commit, LedgerFile, commit
from lake.store.duplicates import Distinct
from lake.store.recount import recounted
from lake.store.recover import recover

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from lake.enrich.geoip import GeoIP
    from lake.model import ObjectResult
    from lake.report import IngestReport
    from lake.stage.changed import Reading
    from lake.stage.worker import BatchResult
    from lake.store.known import Identities
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

COMMIT_EVERY = 2.0
"""Seconds between commits while batches arrive."""
COMMIT_ROWS = 500_000
"""Rows that wait for a commit at most."""

Place = tuple[str, str, str, str]
"""A partition: table, account, region, date."""


@dataclass(slots=True)
class Commits:
    """Results of batches on their way into the lake. `waiting` is called while another writer has
    the lake's lock.

    `reread` are the paths of objects that the lake has records of; `aside` is what became of
    objects that no batch reads. Both are the listing's.
    """

    store: Store
    staging: Path
    identities: Identities
    geoip: GeoIP
    ingested: datetime
    report: IngestReport
    waiting: Callable[[], None]
    reread: set[str]
    aside: list[ObjectResult]
    done: list[BatchResult] = field(default_factory=list)
    """Results that wait for the next commit."""
    places: set[Place] = field(default_factory=set)
    """Partitions that have got files."""
    _of_rows: set[Reading] | None = None
    """Readings in the lake whose rows were made of a query's rows; None before they are asked."""
    _rows: int = 0
    _last: float = field(default_factory=time.monotonic)

    def add(self, result: BatchResult) -> None:
        """Take a batch's result for the next commit."""
        self.done.append(result)
        self._rows += sum(file.rows for file in result.files)

    def commit_if_due(self) -> None:
        """Commit where the last one is long ago or many rows wait. Raises as `commit` does."""
        due = time.monotonic() - self._last > COMMIT_EVERY
        if self.done and (due or self._rows > COMMIT_ROWS):
            self.commit()

    def commit(self) -> None:
        """Make what waits part of the lake, in one commit. Raises StorageError where the disk
        refuses, LakeError where what the lake has cannot be read; nothing of it counts then."""
        results, self.done, self._rows = sorted(self.done, key=lambda r: r.number), [], 0
        aside, self.aside = self.aside, []
        if not results and not aside:
            return
        with self.store.lock(self.waiting):
            note = recover(self.store)
            if note:
                self.report.notes.append(note)
            self._commit_whole(results, aside)
        give_back()
        self._last = time.monotonic()

    def _commit_whole(self, results: list[BatchResult], aside: list[ObjectResult]) -> None:
        """One commit of batches' results and of objects that were set aside, without what the lake
        has already. The lake's lock is held."""
        snapshot = self.store.snapshot()
        self.identities.at(snapshot)
        files = [file for r in results for file in r.files]
        of_rows = {o.obj.path for r in results for o in r.objects if o.of_rows}
        earlier = self._earlier(snapshot, results, files, of_rows)
        self.identities.note(earlier.also)
        distinct = Distinct(earlier.texts, earlier.mending, of_rows, kept_from=snapshot.kept_from)
        distinct.prefer(files)
        for file in files:
            distinct.add(file, self.identities)
        removed: dict[str, list[str]] = {}
        for mended in earlier.mended.values():
            distinct.repeats.append(mended.repeats(lesser=False))
            distinct.files += mended.rest(self.staging)
            names = self.store.names(mended.table, [mended.file])
            removed.setdefault(mended.table, []).extend(names)
        objects = distinct.counted(o for r in results for o in r.objects) + aside
        distinct.repeats += [one.repeats(lesser=True) for one in earlier.mended.values()]
        recounts = recounted(self.store, snapshot, earlier.lesser, self.staging)
        removed[ledger.TABLE] = recounts.removed

        def rows(number: int) -> list[pa.Table]:
            return [
                ledger.object_table(objects, number, self.geoip.builds, self.ingested),
                ledger.duplicate_table(distinct.repeats, number),
                ledger.forgotten_table(distinct.forgotten, number),
            ]

        rejects = [LedgerFile(path) for r in results for path in r.rejects]
        told = [*rejects, *recounts.files]
        committed = commit(
            self.store,
            Commit(distinct.files, rows, told, removed, geoip=self.geoip.builds),
        )
        if self._of_rows is not None:
            self._of_rows |= {(path, self.ingested) for path in of_rows}
        for (table, date), fresh in distinct.fresh.items():
            if fresh:
                self.identities.add(table, date, fresh, committed)
        self.identities.snapshot = committed
        self._count(objects, distinct, earlier)

    def _earlier(
        self,
        snapshot: Snapshot,
        results: list[BatchResult],
        files: list[StagedFile],
        of_rows: set[str],
    ) -> Earlier:
        """What the lake has of those objects of a commit that have changed, and of its records as
        rows of a query."""
        found = Earlier()
        if self._of_rows is None:
            self._of_rows = readings_of_rows(self.store, snapshot)
        note_lesser(found, self.store, snapshot, files, self._of_rows, of_rows)
        changed = self.reread & {o.obj.path for r in results for o in r.objects}
        whole = {o.obj.path for r in results for o in r.objects if o.status == "read"}
        earlier_records(self.store, snapshot, files, changed, changed & whole, found)
        return found

    def _count(self, objects: list[ObjectResult], distinct: Distinct, earlier: Earlier) -> None:
        """Note in the report what a commit was of."""
        self.places |= {(f.source, f.account, f.region, f.date) for f in distinct.files}
        self.report.forgotten += distinct.forgotten.total()
        self.report.mended += sum(len(one.rows) for one in earlier.mended.values())
        self.report.lesser += earlier.lesser.total()
        self.report.reworded += sum(map(len, earlier.texts.values()))
        for one in objects:
            self.report.add(one)
