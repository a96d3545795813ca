"""A batch of objects -> Parquet files in the staging folder, in one process.

It decodes, normalises and writes; it decides neither what counts as a duplicate nor what is
committed: that is the driver's part (`lake.ingest`), which gets back names of files, identities and
what became of each object. Nothing of a record travels between the processes.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.decode import Decoding, Records, Refused, Shape, shortened
from lake.envelopes import NO_WRAP, unwrap
from lake.errors import LakeError
from lake.keys import key_facts
from lake.ledger import reject_table
from lake.model import ObjectResult, RawObject, Reject
from lake.normalize import Chunk, Partition, Rejected
from lake.records import ObjectFacts, chunk_table, connect
from lake.sources import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb

    from lake.enrich.geoip import GeoIP
    from lake.model import Location

CHUNK_BYTES = 32 << 20
"""Text that is normalised together; with the default memory, 8 times this is at work."""
CHUNK_OBJECTS = 5_000
REJECTS_HELD = 5_000
PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "row_group_size": 122_880,
    "dictionary_pagesize_limit": 64 << 10,
    "store_schema": False,
}
"""Arrow writes the same file in half of DuckDB's time. Level 1 is a third faster than 3 and 3 %
smaller on CloudTrail; a dictionary that outgrows 64 KiB is given up early."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What every worker of an ingest shares. `memory` in bytes is one worker's part."""

    staging: Path
    memory: int
    geoip: GeoIP
    ingested: datetime
    source: str | None = None
    account: str | None = None
    keep_original: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that are read together, with the location that opens each."""

    number: int
    objects: tuple[tuple[Location, RawObject], ...]

    @property
    def size(self) -> int:
        return sum(obj.size for _, obj in self.objects)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file of one table and partition, not yet in the lake. `stats` as Delta wants."""

    path: Path
    source: str
    account: str
    region: str
    date: str
    rows: int
    size: int
    stats: str
    hashes: np.ndarray


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch gave: files, rejects (a file of `_lake`'s), and each object's fate."""

    number: int
    files: tuple[StagedFile, ...]
    rejects: tuple[Path, ...]
    objects: tuple[ObjectResult, ...]


_ready: tuple[WorkerSetup, duckdb.DuckDBPyConnection] | None = None


def run_batch(setup: WorkerSetup, batch: Batch) -> BatchResult:
    """Read a batch's objects and stage their rows, in one DuckDB for all batches of a process.
    An object that fails is a result, not an error."""
    global _ready
    if _ready is None or _ready[0].staging != setup.staging:
        _ready = (setup, connect(setup.memory, temp=str(setup.staging / "spill")))
    return _Run(_ready[1], _ready[0], batch.number).batch(batch)


@dataclass(slots=True)
class _Object:
    """An object on its way through the worker."""

    obj: RawObject
    decoding: Decoding
    found: int = 0
    rows: int = 0
    rejects: int = 0
    trouble: str | None = None


@dataclass(slots=True)
class _Run:
    """One batch at work: gathers records by shape, normalises and stages them."""

    con: duckdb.DuckDBPyConnection
    setup: WorkerSetup
    number: int
    objects: list[_Object] = field(default_factory=list)
    pending: dict[Shape, list[tuple[int, Records]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    held: Counter[Shape] = field(default_factory=Counter)
    files: list[StagedFile] = field(default_factory=list)
    reject_files: list[Path] = field(default_factory=list)
    reject_rows: list[Reject] = field(default_factory=list)
    keep: dict[str, list[pa.Table]] | None = None

    def batch(self, batch: Batch) -> BatchResult:
        for location, obj in batch.objects:
            try:
                with location.open(obj) as stream:
                    self.read(Decoding(obj, catalogue(), self.setup.source), stream)
            except (OSError, LakeError) as error:
                failed = Decoding(obj, catalogue(), self.setup.source)
                failed.status, failed.reason = "failed", str(error)
                if not self.objects or self.objects[-1].obj is not obj:
                    self.objects.append(_Object(obj, failed))
                else:
                    self.objects[-1].trouble = str(error)
        self.flush_all()
        self._write_rejects()
        results = tuple(_result(o) for o in self.objects)
        return BatchResult(self.number, tuple(self.files), tuple(self.reject_files), results)

    def read(self, decoding: Decoding, stream: BinaryIO) -> None:
        """Decode one object into the pending chunks; full ones are normalised at once."""
        number = len(self.objects)
        entry = _Object(decoding.obj, decoding)
        self.objects.append(entry)
        for records in decoding.records(stream):
            entry.found += len(records)
            self.add(number, records)
            self._refuse(number, decoding.refused)
        self._refuse(number, decoding.refused)

    def add(self, number: int, records: Records) -> None:
        shape = records.shape
        self.pending[shape].append((number, records))
        self.held[shape] += records.text.nbytes + (records.table.nbytes if records.table else 0)
        if self.held[shape] >= CHUNK_BYTES or len(self.pending[shape]) >= CHUNK_OBJECTS:
            self.flush(shape)

    def _refuse(self, number: int, refused: list[Refused]) -> None:
        if refused:
            entry = self.objects[number]
            entry.found += len(refused)
            name = entry.decoding.source.name if entry.decoding.source else ""
            self.reject([Rejected(number, r.position, r.reason, r.text) for r in refused], name)
            refused.clear()

    def reject(self, rejected: list[Rejected], source: str) -> None:
        for r in rejected:
            entry = self.objects[r.object]
            entry.rejects += 1
            self.reject_rows.append(
                Reject(source, entry.obj.path, r.position, r.reason, shortened(r.text or ""))
            )
        if len(self.reject_rows) >= REJECTS_HELD:
            self._write_rejects()

    def _write_rejects(self) -> None:
        if self.reject_rows and self.keep is None:
            path = self.setup.staging / f"rejects-{uuid.uuid4().hex}.parquet"
            pq.write_table(
                reject_table(self.reject_rows).drop_columns(["kind"]), path, compression="zstd"
            )
            self.reject_files.append(path)
            self.reject_rows.clear()

    def flush_all(self) -> None:
        while self.pending:
            self.flush(next(iter(self.pending)))

    def flush(self, shape: Shape, second_look: bool = False) -> None:
        """Normalise and stage the pending records of a shape."""
        parts = self.pending.pop(shape)
        self.held.pop(shape, None)
        source = catalogue()[shape.source]
        chunk = Chunk(self.con, source, shape, self._facts(), self.setup.geoip, self.setup.account)
        self.reject(chunk.load(chunk_table(parts)), source.name)
        self.reject(chunk.rejected(), source.name)
        for number, name, count in chunk.unknown_members():
            self.objects[number].decoding.unknown_members[name[:200]] += count
        strangers = chunk.strangers()
        self._stage(chunk)
        if strangers and second_look:
            self.reject(strangers, source.name)
        elif strangers:
            self._second_look(strangers, source.name)

    def _facts(self) -> list[ObjectFacts]:
        facts = []
        for entry in self.objects:
            key = key_facts(entry.obj.key)
            facts.append(
                ObjectFacts(
                    entry.obj.path,
                    entry.obj.key,
                    entry.decoding.salt,
                    entry.decoding.whole,
                    key.account,
                    key.region,
                )
            )
        return facts

    def _second_look(self, strangers: list[Rejected], source: str) -> None:
        """Records that lay among those of another source: recognised one by one."""
        found: dict[Shape, list[tuple[int, int, bytes, object]]] = defaultdict(list)
        lost: list[Rejected] = []
        for stranger in strangers:
            text = stranger.text.encode()
            inner = unwrap(text)
            pieces = (
                [(p.text, w) for p, w in inner if p.reason is None] if inner else [(text, NO_WRAP)]
            )
            if inner is not None:
                self.objects[stranger.object].found += len(pieces) - 1
            for piece, wrap in pieces:
                shape = _shape_of(piece, source if not inner else "")
                if shape is None:
                    lost.append(
                        Rejected(
                            stranger.object, stranger.position, stranger.reason, piece.decode()
                        )
                    )
                else:
                    found[shape].append((stranger.object, stranger.position, piece, wrap))
        self.reject(lost, source)
        for shape, records in found.items():
            by_object: dict[int, list[tuple[int, int, bytes, object]]] = defaultdict(list)
            for record in records:
                by_object[record[0]].append(record)
            self.pending[shape] = [
                (
                    number,
                    Records(
                        shape,
                        pa.array([r[2].decode() for r in own], pa.string()),
                        np.array([r[1] for r in own], np.int64),
                        [r[3] for r in own],  # type: ignore[misc]
                    ),
                )
                for number, own in by_object.items()
            ]
            self.flush(shape, second_look=True)

    def _stage(self, chunk: Chunk) -> None:
        partitions = chunk.partitions()
        if self.keep is not None:
            chunk.keep_empty()
            table = self.con.sql(
                chunk.rows(), params={"ingested": self.setup.ingested}
            ).to_arrow_table()
            self.keep[chunk.source.name].append(table.drop_columns(["part"]))
            return
        for number, count in chunk.rows_by_object():
            self.objects[number].rows += count
        if not partitions:
            return
        table = self.con.sql(
            chunk.rows(), params={"ingested": self.setup.ingested}
        ).to_arrow_table()
        for part, piece in _split(table, partitions):
            path = self.setup.staging / f"part-{uuid.uuid4().hex}.parquet"
            pq.write_table(piece, path, **PARQUET)
            hashes = pc.struct_field(piece["event"], "hash").to_numpy()
            self.files.append(
                StagedFile(
                    path,
                    chunk.source.name,
                    part.account,
                    part.region,
                    part.date,
                    part.rows,
                    path.stat().st_size,
                    part.stats(),
                    np.asarray(hashes, np.int64),
                )
            )


def _split(table: pa.Table, partitions: list[Partition]) -> Iterator[tuple[Partition, pa.Table]]:
    """The rows of each partition, without the columns that tell it."""
    rows = table.drop_columns(["part"])
    if len(partitions) == 1:
        yield partitions[0], rows
        return
    order = np.argsort(table["part"].to_numpy(), kind="stable")
    rows = rows.combine_chunks().take(pa.array(order))
    at = 0
    for part in partitions:
        yield part, rows.slice(at, part.rows)
        at += part.rows


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _shape_of(text: bytes, but: str) -> Shape | None:
    try:
        members = list(_MEMBERS.decode(text))
    except (msgspec.DecodeError, RecursionError):
        return None
    for source in catalogue().by_members(members):
        if source.name == but:
            continue
        if source.format == "json":
            return Shape(source.name, "json")
        if source.delimited is not None:
            pairs = [(m, source.delimited.column(m)) for m in members]
            return Shape(source.name, "members", tuple((m, c) for m, c in pairs if c))
    return None


def _result(entry: _Object) -> ObjectResult:
    decoding = entry.decoding
    status, reason = decoding.status, entry.trouble or decoding.reason
    if entry.trouble and status == "read":
        status = "partial"
    if decoding.context.get("empty") and not reason:
        reason = "the object is empty"
    return ObjectResult(
        obj=entry.obj,
        status=status,
        source=decoding.source.name if decoding.source else None,
        records=entry.found,
        rows=entry.rows,
        rejects=entry.rejects,
        duplicates=entry.found - entry.rows - entry.rejects,
        reason=reason,
        sha256=decoding.sha256,
        content_hash=decoding.salt or None,
        context=json.dumps(decoding.context) if decoding.context else None,
        unknown_members=dict(decoding.unknown_members),
    )


def normalise_object(
    con: duckdb.DuckDBPyConnection,
    decoding: Decoding,
    stream: BinaryIO,
    geoip: GeoIP,
    ingested: datetime,
) -> tuple[dict[str, pa.Table], list[Reject]]:
    """One object's rows by source, in memory, and its rejects; nothing is written."""
    run = _Run(con, WorkerSetup(Path(), 1 << 30, geoip, ingested), 0, keep=defaultdict(list))
    run.read(decoding, stream)
    run.flush_all()
    assert run.keep is not None  # noqa: S101
    return {n: pa.concat_tables(t) for n, t in run.keep.items()}, run.reject_rows
