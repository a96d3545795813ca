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
from lake.stage.changed import (
    Earlier,
    earlier_records,
    readings_of_queries,
    replace_query_rows,
)
from lake.store import ledger
from lake.store.commit import Commit, LedgerFile, commit
from lake.store.duplicates import Deduplication
from lake.store.recount import Reading, recounted
from lake.store.recover import recover
from lake.store.snapshot import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from lake.enrich.geoip import GeoIP
    from lake.model import ObjectResult
    from lake.report import IngestReport
    from lake.stage.worker import BatchResult
    from lake.store.known import Identities
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

COMMIT_EVERY = 2.0
"""Seconds between commits while batches arrive."""
COMMIT_ROWS = 500_000
"""Rows that wait for a commit at most."""


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
    _readings_of_queries: set[Reading] | None = None
    """Those in the lake, once a commit has asked for them."""
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
        """Commit batches' results and objects that were set aside, without what the lake has. The
        lake's lock is held."""
        snapshot = self.store.snapshot()
        self.identities.follow(snapshot)
        files = [file for r in results for file in r.files]
        query_paths = {o.obj.path for r in results for o in r.objects if o.query_rows}
        earlier = self._earlier(snapshot, results, files, query_paths)
        self.identities.add_aliases(earlier.aliases)
        distinct = Deduplication(
            earlier.altered, earlier.replacing, query_paths, snapshot.kept_from
        )
        distinct.look_ahead(files)
        for file in files:
            distinct.add(file, self.identities)
        removed: dict[str, list[str]] = {}
        for replaced in earlier.replaced.values():
            distinct.repeats.append(replaced.duplicates(replaced.damaged))
            distinct.files += replaced.other_rows(self.staging)
            names = self.store.names(replaced.table, [replaced.file])
            removed.setdefault(replaced.table, []).extend(names)
        objects = distinct.recounted(o for r in results for o in r.objects) + aside
        for replaced in earlier.replaced.values():
            distinct.repeats.append(replaced.duplicates(replaced.query_rows))
        recounts = recounted(self.store, snapshot, earlier.query_rows, self.staging)
        removed[ledger.TABLE] = recounts.removed

        def rows(number: int) -> list[pa.Table]:
            return [
                ledger.object_table(objects, number, self.geoip.builds, self.ingested),
                ledger.duplicate_table(distinct.repeats, number),
                ledger.forgotten_table(distinct.forgotten, number),
            ]

        rejects = [LedgerFile(path) for r in results for path in r.rejects]
        ledger_files = [*rejects, *recounts.files]
        committed = commit(
            self.store,
            Commit(distinct.files, rows, ledger_files, removed, geoip=self.geoip.builds),
        )
        if self._readings_of_queries is not None:
            self._readings_of_queries |= {Reading(path, self.ingested) for path in query_paths}
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
        query_paths: set[str],
    ) -> Earlier:
        """What a commit has in common with earlier readings: of its objects that have changed, and
        of its records as rows of a query."""
        earlier = Earlier()
        if self._readings_of_queries is None:
            self._readings_of_queries = readings_of_queries(self.store, snapshot)
        readings = self._readings_of_queries
        replace_query_rows(self.store, snapshot, files, readings, query_paths, earlier)
        changed = self.reread & {o.obj.path for r in results for o in r.objects}
        whole = {o.obj.path for r in results for o in r.objects if o.status == "read"}
        earlier_records(self.store, snapshot, files, changed, changed & whole, earlier)
        return earlier

    def _count(
        self, objects: list[ObjectResult], distinct: Deduplication, earlier: Earlier
    ) -> None:
        """Count a commit in the report."""
        self.places |= {Place(f.source, f.account, f.region, f.date) for f in distinct.files}
        self.report.forgotten += distinct.forgotten.total()
        replaced = earlier.replaced.values()
        self.report.mended += sum(len(one.damaged) for one in replaced)
        self.report.completed += earlier.query_rows.total()
        self.report.reworded += sum(map(len, earlier.altered.values()))
        for result in objects:
            self.report.add(result)
