"""One table's rows, derived again from what they keep of their records.

It decides what is read together and what becomes of it: a row that the present transform gives
takes the place of the old one, with the old one's identity, original, place and time of ingest; a
row that it does not give stays as it is and is counted. `lake.upkeep.rebuild` commits the result.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.normalize.normalize import Chunk
from lake.normalize.records import ObjectFacts, Pending
from lake.objects.keys import key_facts
from lake.serve.views import ledger_views
from lake.stage.worker import CHUNK_BYTES
from lake.store.files import check_unaltered, reading
from lake.store.parquet import StagedFile, stage_rows, write_parquet
from lake.upkeep.relayout import Known, Stored, records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from lake.decode.shapes import Records, Shape
    from lake.enrich.geoip import GeoIP
    from lake.normalize.engine import Engine
    from lake.normalize.normalize import Normalised
    from lake.sources.source import Source
    from lake.store.snapshot import DataFile, Snapshot
    from lake.store.table import Store

READ_ROWS = 4_096
KEPT = {
    "original": ("event", "original"),
    "hash": ("event", "hash"),
    "ingested": ("event", "ingested"),
    "path": ("log", "file", "path"),
    "place": ("log", "offset"),
    "encoding": ("log", "encoding"),
    "context": ("log", "context"),
}
"""The leaves that no transform derives: they go from the old row to the new one."""
NOT_KEPT = "the record as it came was not kept (lake ingest --no-original)"
_TYPES = {
    "hash": pa.int64(),
    "ingested": pa.timestamp("us", "UTC"),
    "place": pa.int64(),
}


@dataclass(slots=True)
class TableCount:
    """What became of a table: rows in all, those that stay as they were and why, and those whose
    identity the present transform would tell otherwise (they keep theirs)."""

    rows: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    renamed: int = 0


class PastReading(NamedTuple):
    """One reading of an object: when it ended, and what the ledger keeps of it."""

    ended: datetime
    known: Known


class PastReadings:
    """The ledger's readings of objects, looked up for a chunk's at a time."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._con = duckdb.connect()
        self._con.execute("SET TimeZone = 'UTC'")
        for view in ledger_views(store, snapshot):
            self._con.execute(view.sql)

    def __enter__(self) -> PastReadings:
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def of(self, paths: Sequence[str]) -> dict[str, list[PastReading]]:
        """Each path's readings, oldest first."""
        readings: dict[str, list[PastReading]] = defaultdict(list)
        rows = self._con.execute(
            "SELECT path, key, bucket, context, read_at FROM objects "
            "WHERE path IN (SELECT unnest($paths)) ORDER BY read_at",
            {"paths": list(paths)},
        ).fetchall()
        for path, key, bucket, context, read_at in rows:
            facts = key_facts(key)
            object_facts = ObjectFacts(path, key, facts.account, facts.region, bucket)
            known = Known(object_facts, json.loads(context) if context else {})
            readings[path].append(PastReading(read_at, known))
        return readings


@dataclass(slots=True)
class TableRebuild:
    """The rebuild of one table: `stage` writes its rows anew, `count` says what became of them."""

    source: Source
    engine: Engine
    geoip: GeoIP
    buckets: Mapping[str, str]
    readings: PastReadings
    folder: Path
    count: TableCount = field(default_factory=TableCount)

    def stage(
        self, files: Sequence[DataFile], notify: Callable[[str], None]
    ) -> Iterator[StagedFile]:
        """Stage the table's rows anew, a chunk at a time. Raises LakeError for a file that is not
        as it was committed."""
        chunk: list[pa.Table] = []
        size = 0
        for number, file in enumerate(files, 1):
            notify(f"rebuilding {self.source.name}: file {number:,} of {len(files):,}")
            check_unaltered(Path(file.path))
            for rows in _kept_leaves(file, number - 1):
                chunk.append(rows)
                size += rows.nbytes
                if size >= CHUNK_BYTES:
                    yield from self._chunk(pa.concat_tables(chunk), files)
                    chunk, size = [], 0
        if chunk:
            yield from self._chunk(pa.concat_tables(chunk), files)

    def _chunk(self, rows: pa.Table, files: Sequence[DataFile]) -> Iterator[StagedFile]:
        rows = rows.combine_chunks()
        done = np.zeros(len(rows), bool)
        for (shape, account), parts in self._shapes(rows).items():
            facts = list({id(each): each for each, _ in parts}.values())
            number = {id(each): place for place, each in enumerate(facts)}
            pending = [Pending(number[id(each)], 0, records) for each, records in parts]
            ingested = rows["ingested"][0].as_py()
            chunk = Chunk(
                self.engine,
                self.source,
                shape,
                facts,
                geoip=self.geoip,
                ingested=ingested,
                account=account,
                buckets=self.buckets,
            )
            yield from self._derived(chunk.normalise(pending), rows, done)
        self.count.rows += len(rows)
        self.count.kept += int((~done).sum())
        if not done.all():
            yield from self._unchanged(rows.filter(pa.array(~done)), files)

    def _shapes(
        self, rows: pa.Table
    ) -> dict[tuple[Shape, str | None], list[tuple[ObjectFacts, Records]]]:
        """The rows' records by shape and by the account that the user named."""
        there = rows["original"].is_valid().to_numpy()
        if not there.all():
            self.count.reasons[NOT_KEPT] += int((~there).sum())
        places: dict[str, list[int]] = defaultdict(list)
        for row, path in enumerate(rows["path"].to_pylist()):
            if there[row]:
                places[path].append(row)
        readings = self.readings.of(list(places))
        shapes: dict[tuple[Shape, str | None], list[tuple[ObjectFacts, Records]]]
        shapes = defaultdict(list)
        for path, listed in places.items():
            at = np.array(listed)
            for known, mine in _by_reading(readings.get(path, []), rows, at):
                taken = rows.take(pa.array(mine))
                stored = Stored(
                    taken["original"].combine_chunks(),
                    taken["encoding"].combine_chunks(),
                    taken["context"].combine_chunks(),
                    taken["place"].to_numpy(),
                    mine,
                )
                for records in records_of(self.source, known, stored, self.engine):
                    shapes[records.shape, known.account].append((known.facts, records))
        return shapes

    def _derived(
        self, normalised: Normalised, rows: pa.Table, done: np.ndarray
    ) -> Iterator[StagedFile]:
        """The new rows as files, with the leaves that go over from the old ones; marks these as
        `done`."""
        for rejected in normalised.rejected:
            self.count.reasons[rejected.reason] += 1
        if normalised.strangers:
            self.count.reasons[f"no record of {self.source.name}"] += len(normalised.strangers)
        new = normalised.rows
        if not len(new):
            return
        at = new.columns["log.offset"].to_numpy()
        done[at] = True
        old = rows.take(pa.array(at))
        hashes = old["hash"].to_numpy()
        if self.source.identity != "object+line":
            self.count.renamed += int((hashes != new.hashes).sum())
        for name, leaf in KEPT.items():
            column = old[name].combine_chunks()
            new.columns.pop(".".join(leaf), None)
            if column.null_count < len(column):
                new.columns[".".join(leaf)] = column
        new.hashes = hashes
        for part, table, _ in new.tables():
            path = self.folder / f"part-{uuid.uuid4().hex}.parquet"
            yield StagedFile.of(path, self.source.name, part, write_parquet(table, path))

    def _unchanged(self, rows: pa.Table, files: Sequence[DataFile]) -> Iterator[StagedFile]:
        """Old rows as they are, in files of their own."""
        for number in pc.unique(rows["file"]).to_pylist():
            mine = rows.filter(pc.equal(rows["file"], number))["row"].to_numpy()
            yield stage_rows(self.source.name, files[number], mine, self.folder)


def _kept_leaves(file: DataFile, number: int) -> Iterator[pa.Table]:
    """The `KEPT` leaves of a file's rows, with the file's number and each row's place in it."""
    names = [".".join(leaf) for leaf in KEPT.values()]
    begin = 0
    with reading(Path(file.path)):
        for batch in pq.ParquetFile(file.path).iter_batches(READ_ROWS, columns=names):
            columns = {name: _leaf(batch, name, leaf) for name, leaf in KEPT.items()}
            places = np.arange(begin, begin + len(batch), dtype=np.int64)
            begin += len(batch)
            columns |= {"file": pa.array(np.full(len(batch), number)), "row": pa.array(places)}
            yield pa.table(columns)


def _leaf(batch: pa.RecordBatch, name: str, leaf: tuple[str, ...]) -> pa.Array:
    array: pa.Array | None = batch.column(leaf[0])
    for part in leaf[1:]:
        members = {field.name for field in array.type} if array is not None else set()
        array = array.field(part) if array is not None and part in members else None
    kind = _TYPES.get(name, pa.string())
    return pa.nulls(len(batch), kind) if array is None else array.cast(kind)


def _by_reading(
    readings: Sequence[PastReading], rows: pa.Table, at: np.ndarray
) -> Iterator[tuple[Known, np.ndarray]]:
    """An object's rows (their places `at`) by the reading that made them: the first that ended
    after their `event.ingested`."""
    if len(readings) == 1:
        yield readings[0].known, at
        return
    if not readings:
        path = rows["path"][int(at[0])].as_py()
        yield Known(ObjectFacts(path, path, None, None)), at
        return
    ends = [int(reading.ended.timestamp() * 1e6) for reading in readings]
    ingested = rows["ingested"].cast(pa.int64()).to_numpy()[at]
    number = np.minimum(np.searchsorted(ends, ingested), len(ends) - 1)
    for which in np.unique(number).tolist():
        yield readings[which].known, at[number == which]
