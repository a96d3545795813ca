"""`lake export opensearch`: brings a cluster's indices to what the lake holds.

It sends what is due (`lake.export.due`), a partition at a time, and keeps what the cluster refuses.
A partition is noted as sent after the cluster has answered for each of its documents, so that a run
may be killed at any moment and taken up by the next. Of days that are to be compared, documents are
then deleted that the lake does not have. A run of which files are deleted on the way (`forget
--now`) begins anew with the lake as it is then.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.documents.documents import documents
from lake.errors import UsageError
from lake.export.bulk import Bulk, Item
from lake.export.cluster import Cluster
from lake.export.due import Due, Part
from lake.export.report import ExportOptions, ExportReport, Progress
from lake.export.sent import Memory, Sent, storage_errors
from lake.export.target import connect, identify
from lake.export.templates import STREAM, stream_of
from lake.sources.catalogue import catalogue
from lake.store import ledger
from lake.store.commit import Commit, commit
from lake.store.files import UnreadableError, reading
from lake.store.recover import recover
from lake.store.table import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opensearchpy import OpenSearch

    from lake.export.target import Place

ROWS = 4_000
"""Rows that become documents at a time."""


def _rows(path: str, only: pa.Array | None) -> Iterator[pa.RecordBatch]:
    """The rows of a file as they lie there, in pieces; `only` those of these identities. DuckDB
    hands out all leaves of the table, of which a file has a third, at 30 ns a row and leaf."""
    with reading(Path(path)), pq.ParquetFile(path) as file:
        for rows in file.iter_batches(ROWS, use_threads=False):
            if only is not None:
                mine = pc.struct_field(rows.column("event"), "hash")
                rows = rows.filter(pc.is_in(mine, value_set=only))
            if rows.num_rows:
                yield rows


def export(
    path: Path,
    place: Place,
    options: ExportOptions,
    progress: Callable[[Progress], None] = lambda _: None,
) -> ExportReport:
    """Send what the cluster lacks of the lake's rows; of two exports to a cluster the second waits.

    Raises AccessError and UsageError where the cluster cannot be used, ExportError where it stopped
    answering, StorageError where the lake cannot be written; what was sent is remembered.
    """
    started = time.monotonic()
    store, client = Store.open(path), connect(place)
    known_as = identify(client, place) + (STREAM if options.streams else "")
    memory = Memory(store.path, known_as, options.where)

    def waiting() -> None:
        progress(Progress(0, 0, waiting=True))

    with nullcontext() if options.dry_run else memory.alone(waiting), _short_turns():
        while True:
            memory.read()
            run = _Run(store, place, client, memory, options, progress)
            try:
                with closing(run.due):
                    report = run.whole()
                break
            except (UnreadableError, duckdb.IOException):
                if store.ledger_version() == run.due.snapshot.ledger_version:
                    raise
    report.seconds = time.monotonic() - started
    return report


@contextmanager
def _short_turns() -> Iterator[None]:
    """The thread that makes documents hands Python's lock to those that send after 0.5 ms, not 5: a
    request wants it a dozen times, and the server idles meanwhile."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Run:
    def __init__(
        self,
        store: Store,
        place: Place,
        client: OpenSearch,
        memory: Memory,
        options: ExportOptions,
        progress: Callable[[Progress], None],
    ) -> None:
        self.store, self.place, self.options, self.progress = store, place, options, progress
        self.client, self.memory = client, memory
        self.cluster = Cluster(
            self.client, place, streams=options.streams, patience=options.patience
        )
        self.due = Due(store, memory, options, scrolls=not place.serverless)
        self.report = ExportReport(batch=self.due.snapshot.batch)
        self.done = 0
        self.total = 0

    def whole(self) -> ExportReport:
        """Send what is due and take away what is gone."""
        parts, gone = self.due.parts(self.report.tables)
        if self.options.dry_run:
            return self.report
        if parts or gone:
            shared = {catalogue()[part.now.table].index for part in parts}
            self.cluster.prepare(s for s in catalogue().sources.values() if s.index in shared)
        if self.options.streams:
            parts = self._anew(parts)
        self._send(parts)
        self._remove(parts, gone)
        self._check()
        return self.report

    def _send(self, parts: list[Part]) -> None:
        """Every row that is due, as its document."""
        self.memory.begin({p.now.key: [Path(f.path).name for f in p.due] for p in parts})
        self.total = sum(file.rows for part in parts for file in part.due)
        bulk = Bulk(
            self.client,
            self.place,
            self._settle,
            jobs=self.options.jobs,
            size=self.options.bulk_size,
            patience=self.options.patience,
        )
        with closing(bulk):
            for part in parts:
                for item in self._items(part):
                    bulk.add(item)
                part.read = True
                self._note_if_through(part)
            bulk.finish()

    def _remove(self, parts: list[Part], gone: list[Sent]) -> None:
        """Take away documents without a row, of the days that may have some."""
        compare = [part for part in parts if part.compare]
        days = {(one.table, one.day) for one in [*gone, *(p.now for p in compare)]}
        if self.options.again:  # also those of which neither the lake nor the memory knows
            for table in self.due.tables:
                there = self.cluster.days(catalogue()[table])
                days |= {(table, day) for day in there if self.due.chosen(day)}
        for table, day in sorted(days):
            self._remove_strangers(table, day)
        for part in compare:
            self._note(part)
        for one in gone:
            self.memory.note(replace(one, files=(), rows=0, total="0"))

    # -- sending --------------------------------------------------------------------------------

    def _items(self, part: Part) -> Iterator[Item]:
        source = catalogue()[part.now.table]
        stream = stream_of(source) if self.options.streams else None
        kind = "create" if stream else "index"
        where = self.options.where
        only = self.due.hashes(source.name, part.due, f"({where})") if where else None
        for file in part.due:
            for rows in _rows(file.path, only):
                found = documents(source, rows)
                part.left += len(found)
                part.total += sum(int(one.id) for one in found)
                for one in found:
                    to = {"_index": stream or one.index, "_id": one.id}
                    yield Item({kind: to}, one.json, (part, one.path, one.offset))

    def _settle(self, items: list[Item], refused: dict[int, str]) -> None:
        for at, why in refused.items():
            part, path, offset = items[at].owner
            if self.place.serverless and "ID is not supported" in why:
                raise UsageError(
                    f"{self.place.url} is a collection of OpenSearch Serverless for time series, "
                    "which takes no document ids, so that a second run would make every document "
                    "twice. Make a collection of the type Search."
                )
            part.rejects.append(self._reject(items[at], path, offset, why))
            self.report.tables[part.now.table].sent -= 1
        for part, answered in Counter(item.owner[0] for item in items).items():
            part.left -= answered
            self.report.tables[part.now.table].sent += answered
            self._note_if_through(part)
        self.done += len(items)
        self.progress(Progress(self.done, self.total))

    def _reject(self, item: Item, path: str, offset: int | None, why: str) -> dict[str, Any]:
        self.report.reasons[why] = self.report.reasons.get(why, 0) + 1
        told = item.action[item.kind]
        return {
            "source": item.owner[0].now.table,
            "hash": int(told["_id"]),
            "path": path,
            "position": offset,
            "reason": why,
            "text": told["_index"],
            "root": self.place.url,
            "read_at": datetime.now(UTC),
        }

    def _note_if_through(self, part: Part) -> None:
        if part.read and not part.left:
            count = self.report.tables[part.now.table]
            count.refused += len(part.rejects)
            part.refused = len(part.rejects)
            if part.rejects:
                self._keep(part.rejects)
                part.rejects = []
            if not part.compare:
                self._note(part)

    def _note(self, part: Part) -> None:
        whole = len(part.due) == len(part.files) and not self.options.where
        total = str(part.total) if whole else self.due.total(part.now.table, part.files)
        refused = part.refused + (part.now.refused if not part.compare else 0)
        self.memory.note(replace(part.now, total=total, refused=refused))

    def _keep(self, rejects: list[dict[str, Any]]) -> None:
        """Write refused documents into the lake: the view `export_rejects`."""
        with storage_errors(self.store.path), self.store.lock():
            recover(self.store)
            given = Commit(
                ledger_rows=lambda number: [ledger.export_reject_table(rejects, number)],
                did="export",
            )
            commit(self.store, given)

    # -- what the lake has no more --------------------------------------------------------------

    def _remove_strangers(self, table: str, day: str) -> None:
        ours = self.due.ids(table, self.due.files(table, day), "true")
        self.report.tables[table].deleted += self.cluster.remove(catalogue()[table], day, ours)

    def _anew(self, parts: list[Part]) -> list[Part]:
        """The parts as a data stream can take them, which overwrites nothing: of a day of which a
        part is to be compared the documents are deleted, and all its parts are sent."""
        days = {(part.now.table, part.now.day) for part in parts if part.compare}
        found = [part for part in parts if (part.now.table, part.now.day) not in days]
        for table, day in sorted(days):
            count = self.report.tables[table]
            for key, own in self.due.partitions(table, day).items():
                part = self.due.part(key, own)
                count.unchanged -= part.now.rows - sum(file.rows for file in part.due)
                count.refused_before -= part.now.refused
                # forgotten before anything is deleted: a run that is killed here sends them all.
                # What shows that a part is to be compared is kept, and shows it again
                if self.options.again or not part.compare:
                    self.memory.note(replace(part.now, files=(), rows=0, total="0"))
                now = replace(part.now, total="0", refused=0)
                found.append(Part(now, own, own, compare=False))
            where = self.options.where
            others = f"({where}) IS NOT TRUE"
            keep = self.due.ids(table, self.due.files(table, day), others) if where else set()
            self.cluster.remove(catalogue()[table], day, keep)
        return found

    def _check(self) -> None:
        """Ask the cluster how many documents of each table it has, where all were chosen."""
        chosen = self.options
        if chosen.where or chosen.since or chosen.until:
            return
        wrong = []
        for table, count in self.report.tables.items():
            there = self.cluster.count(catalogue()[table])
            due = count.rows - count.refused - count.refused_before
            if there != due:
                wrong.append(f"{table} {there:,} of {due:,}")
        if wrong:
            self.report.notes.append(
                f"the indices do not hold what the lake does: {', '.join(wrong)} documents. "
                "Another lake or program has changed them; --again sends all anew and deletes what "
                "is not this lake's."
            )
