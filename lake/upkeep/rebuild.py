"""Rows derived again from what they keep of their records, under the present transforms and GeoIP.

It decides what is read together and what becomes of it: a row that the present transform gives
takes the place of the old one, with the old one's identity, original, place and time of ingest; a
row that it does not give stays as it is and is counted. One commit; the old version stays readable.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.enrich.geoip import GeoIP
from lake.errors import LakeError, ModelError, UsageError, unknown_name
from lake.machine import default_memory
from lake.normalize.engine import Engine
from lake.normalize.normalize import Chunk
from lake.normalize.records import ObjectFacts, Pending
from lake.objects.keys import key_facts
from lake.serve.buckets import bucket_accounts
from lake.serve.status import read_status
from lake.serve.views import ledger_views
from lake.sources.catalogue import catalogue
from lake.sources.transform import transform_version
from lake.stage.worker import CHUNK_BYTES
from lake.store.commit import Commit, commit
from lake.store.files import check_unaltered, reading
from lake.store.parquet import StagedFile, stage_rows, write_parquet
from lake.store.recover import recover
from lake.store.rowmodels import growths
from lake.store.staging import staging, staging_name
from lake.store.table import Store
from lake.upkeep.relayout import Known, Stored, records_of
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from lake.decode.shapes import Shape
    from lake.normalize.normalize import Normalised
    from lake.sources.source import Source
    from lake.store.snapshot import DataFile, Snapshot

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


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """`source` names one table, else all that the lake has; `geoip` is what serves, `GeoIP.none()`
    where rows are to lose their places, else what the default folder has; `memory` in bytes."""

    source: str | None = None
    geoip: GeoIP | None = None
    memory: int | None = None


@dataclass(slots=True)
class TableCount:
    """What became of a table: rows in all, those that stay as they were and why, and those whose
    identity the present transform would tell otherwise (they keep theirs)."""

    rows: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    renamed: int = 0


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild did."""

    tables: dict[str, TableCount] = field(default_factory=dict)
    geoip: str = ""
    notes: list[str] = field(default_factory=list)


def rebuild(
    path: Path,
    options: RebuildOptions | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> RebuildReport:
    """Derive the rows of one table, or of all, again.

    Where another writer changes files meanwhile (a compaction, an ingest that merges small ones),
    it begins again and holds the lake's lock until it is through.

    Raises UsageError (no lake, no such table; no GeoIP database where rows have places of one and
    nobody said that they may go), LakeError (a file that is not as it was committed),
    StorageError where the disk refuses; the lake is as it was then.
    """
    options = options or RebuildOptions()
    store = Store.open(path)
    folder = staging_name(store.path)

    def waiting() -> None:
        notify("waiting for another writer")

    with staging(store, folder, waiting) as notes:
        geoip = options.geoip or _geoip_of_rows(store)
        report = RebuildReport(geoip=geoip.describe(), notes=notes)
        try:
            _rebuild(store, folder, options, geoip, report, notify, partial(store.lock, waiting))
        except _Changed:
            notify("another writer has changed files meanwhile: once more, and writers wait")
            report = RebuildReport(geoip=geoip.describe(), notes=notes)
            with store.lock(waiting):
                _rebuild(store, folder, options, geoip, report, notify, nullcontext)
    return report


def _geoip_of_rows(store: Store) -> GeoIP:
    """The databases of the default folder. Raises UsageError where it has none and rows have places
    of some: to make them anew would empty these."""
    geoip = GeoIP.default()
    if geoip.builds is None and (builds := read_status(store.path).geoip):
        raise UsageError(
            f"no GeoIP database is here, and rows have places from {visible(builds)}, which would "
            "be lost. Name databases with --geoip, run `lake geoip update`, or say --no-geoip to "
            "go on without places. Nothing was changed."
        )
    return geoip


class _Changed(Exception):
    """Files that were read are no longer the table's."""


def _rebuild(
    store: Store,
    folder: Path,
    options: RebuildOptions,
    geoip: GeoIP,
    report: RebuildReport,
    notify: Callable[[str], None],
    lock: Callable[[], AbstractContextManager[None]],
) -> None:
    """Read, derive and commit. Raises _Changed where another writer has changed what was read."""
    snapshot = store.snapshot()
    old: dict[str, list[DataFile]] = {}
    staged: list[StagedFile] = []
    buckets = bucket_accounts(store.path)
    engine = Engine(options.memory or default_memory(), temp=str(folder / "spill"))
    try:
        with _Readings(store, snapshot) as readings:
            for table in _tables(snapshot, options.source, report):
                old[table] = store.files(table, snapshot)
                one = _Table(catalogue()[table], engine, geoip, buckets, readings, folder)
                staged += one.rebuild(old[table], notify)
                report.tables[table] = one.count
    except (LakeError, OSError):
        _check_same(store, old)  # a file that is gone may have left the table
        raise
    finally:
        engine.close()
    _check_kept(store, snapshot, report)
    with lock():
        recover(store)
        try:
            _check_same(store, old)
        except _Changed:
            for file in staged:
                file.path.unlink()
            raise
        removed = {t: store.names(t, files) for t, files in old.items()}
        if staged:
            made = {t: transform_version(catalogue()[t]) for t in old}
            builds = geoip.builds or (None if options.source else "")
            given = Commit(staged, removed=removed, did="rebuild", geoip=builds, rebuilt=made)
            commit(store, given)


def _tables(snapshot: Snapshot, source: str | None, report: RebuildReport) -> list[str]:
    if source is not None and source not in snapshot.tables:
        raise unknown_name("table", source, sorted(snapshot.tables))
    known = catalogue().sources
    for name in sorted(snapshot.tables.keys() - known.keys()):
        if source in (None, name):
            report.notes.append(f"{name}: no such source is known here; its rows stay as they are")
    return [n for n in sorted(snapshot.tables) if n in known and source in (None, n)]


def _check_kept(store: Store, snapshot: Snapshot, report: RebuildReport) -> None:
    """Rows that stay as they are must be readable by the present row model."""
    for table, one in growths(store, snapshot, rebuilt=report.tables).items():
        count = report.tables.get(table)
        if one.contradictions and count is not None and count.kept:
            reason = next(iter(count.reasons), "the transform leaves them out")
            raise ModelError(
                f"{count.kept:,} rows of {table} cannot be made anew ({reason}), and as they are "
                f"they contradict the row model: {'; '.join(one.contradictions[:5])}. Nothing was "
                "changed; read them with the siem-lake, or LAKE_TRANSFORMS, that wrote them."
            )


def _check_same(store: Store, old: dict[str, list[DataFile]]) -> None:
    now = store.snapshot()
    for table, files in old.items():
        if not {f.path for f in files} <= {f.path for f in store.files(table, now)}:
            raise _Changed


class _Readings:
    """The ledger's readings of objects, asked for those of a chunk at a time."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._con = duckdb.connect()
        self._con.execute("SET TimeZone = 'UTC'")
        for view in ledger_views(store, snapshot):
            self._con.execute(view.sql)

    def __enter__(self) -> _Readings:
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def of(self, paths: Sequence[str]) -> dict[str, list[tuple[datetime, Known]]]:
        """Each path's readings, oldest first, with the time when they ended."""
        found: dict[str, list[tuple[datetime, Known]]] = defaultdict(list)
        rows = self._con.execute(
            "SELECT path, key, bucket, context, read_at FROM objects "
            "WHERE path IN (SELECT unnest($paths)) ORDER BY read_at",
            {"paths": list(paths)},
        ).fetchall()
        for path, key, bucket, context, read_at in rows:
            facts = key_facts(key)
            object_facts = ObjectFacts(path, key, facts.account, facts.region, bucket)
            known = Known(object_facts, json.loads(context) if context else {})
            found[path].append((read_at, known))
        return found


@dataclass(slots=True)
class _Table:
    """One table at work."""

    source: Source
    engine: Engine
    geoip: GeoIP
    buckets: Mapping[str, str]
    readings: _Readings
    folder: Path
    count: TableCount = field(default_factory=TableCount)

    def rebuild(
        self, files: Sequence[DataFile], notify: Callable[[str], None]
    ) -> Iterator[StagedFile]:
        """The table's rows staged anew, a chunk at a time."""
        held: list[pa.Table] = []
        size = 0
        for number, file in enumerate(files, 1):
            notify(f"rebuilding {self.source.name}: file {number:,} of {len(files):,}")
            check_unaltered(Path(file.path))
            for rows in _rows(file, number - 1):
                held.append(rows)
                size += rows.nbytes
                if size >= CHUNK_BYTES:
                    yield from self._chunk(pa.concat_tables(held), files)
                    held, size = [], 0
        if held:
            yield from self._chunk(pa.concat_tables(held), files)

    def _chunk(self, rows: pa.Table, files: Sequence[DataFile]) -> Iterator[StagedFile]:
        rows = rows.combine_chunks()
        done = np.zeros(len(rows), bool)
        for (shape, account), parts in self._shapes(rows).items():
            facts = list({id(f): f for f, _ in parts}.values())
            number = {id(f): at for at, f in enumerate(facts)}
            pending = [Pending(number[id(f)], 0, records) for f, records in parts]
            ingested = rows["ingested"][0].as_py()
            chunk = Chunk(
                self.engine,
                self.source,
                shape,
                facts,
                self.geoip,
                ingested,
                account,
                self.buckets,
            )
            found = chunk.normalise(pending)
            yield from self._staged(found, rows, done)
        self.count.rows += len(rows)
        self.count.kept += int((~done).sum())
        if not done.all():
            yield from self._kept(rows.filter(pa.array(~done)), files)

    def _shapes(
        self, rows: pa.Table
    ) -> dict[tuple[Shape, str | None], list[tuple[ObjectFacts, Any]]]:
        """The rows' records by shape and by the account that the user named."""
        there = rows["original"].is_valid().to_numpy()
        if not there.all():
            self.count.reasons[NOT_KEPT] += int((~there).sum())
        places: dict[str, list[int]] = defaultdict(list)
        for row, path in enumerate(rows["path"].to_pylist()):
            if there[row]:
                places[path].append(row)
        known = self.readings.of(list(places))
        found: dict[tuple[Shape, str | None], list[tuple[ObjectFacts, Any]]] = defaultdict(list)
        for path, listed in places.items():
            at = np.array(listed)
            for one, mine in _by_reading(known.get(path, []), rows, at):
                taken = rows.take(pa.array(mine))
                stored = Stored(
                    taken["original"].combine_chunks(),
                    taken["encoding"].combine_chunks(),
                    taken["context"].combine_chunks(),
                    taken["place"].to_numpy(),
                    mine,
                )
                for records in records_of(self.source, one, stored, self.engine):
                    found[records.shape, one.account].append((one.facts, records))
        return found

    def _staged(self, found: Normalised, rows: pa.Table, done: np.ndarray) -> Iterator[StagedFile]:
        """The new rows as files, with what goes over from the old ones."""
        for refused in found.rejected:
            self.count.reasons[refused.reason] += 1
        if found.strangers:
            self.count.reasons[f"no record of {self.source.name}"] += len(found.strangers)
        new = found.rows
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

    def _kept(self, rows: pa.Table, files: Sequence[DataFile]) -> Iterator[StagedFile]:
        """Old rows as they are."""
        for number in pc.unique(rows["file"]).to_pylist():
            mine = rows.filter(pc.equal(rows["file"], number))["row"].to_numpy()
            yield stage_rows(self.source.name, files[number], mine, self.folder)


def _rows(file: DataFile, number: int) -> Iterator[pa.Table]:
    """What is kept of a file's rows, with the file's number and theirs in it."""
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
        given = {f.name for f in array.type} if array is not None else set()
        array = array.field(part) if array is not None and part in given else None
    kind = _TYPES.get(name, pa.string())
    return pa.nulls(len(batch), kind) if array is None else array.cast(kind)


def _by_reading(
    readings: Sequence[tuple[datetime, Known]], rows: pa.Table, at: np.ndarray
) -> Iterator[tuple[Known, np.ndarray]]:
    """An object's rows by the reading that gave them: the first that ended after they came in."""
    if len(readings) == 1:
        yield readings[0][1], at
        return
    if not readings:
        path = rows["path"][int(at[0])].as_py()
        yield Known(ObjectFacts(path, path, None, None)), at
        return
    ends = [int(moment.timestamp() * 1e6) for moment, _ in readings]
    came = rows["ingested"].cast(pa.int64()).to_numpy()[at]
    number = np.minimum(np.searchsorted(ends, came), len(ends) - 1)
    for one in np.unique(number).tolist():
        yield readings[one][1], at[number == one]
