"""A batch of objects -> Parquet files in the staging folder, in one process.

It decodes, normalises and writes; it decides neither what counts as a duplicate nor what is
committed: that is the driver's part (`lake.ingest`), which gets back names of files and what became
of each object. Nothing of a record travels between the processes.
"""

from __future__ import annotations

import atexit
import json
import os
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lake.decode.decode import Decoding
from lake.decode.pieces import is_value
from lake.decode.refused import reject_text
from lake.decode.shapes import as_it_came
from lake.errors import LakeError
from lake.lean import LARGE, give_back
from lake.model import ObjectResult, RawObject, Reject
from lake.normalize.engine import Engine
from lake.normalize.normalize import Chunk, Rejected
from lake.normalize.records import ObjectFacts, Pending
from lake.normalize.strangers import Stranger, as_pending
from lake.objects.ahead import opened_ahead
from lake.objects.keys import key_facts
from lake.sources.catalogue import catalogue
from lake.sources.transform import table_versions
from lake.store.ledger import reject_table
from lake.store.parquet import StagedFile, write_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.decode.refused import Refused
    from lake.decode.shapes import Shape
    from lake.enrich.geoip import GeoIP
    from lake.normalize.assemble import Rows
    from lake.stage.batches import Batch

CHUNK_BYTES = 24 << 20
"""Text that is normalised together; about ten times this is at work."""
CHUNK_ROWS = 122_880
"""Records that are: a row of flows takes more than its text."""
CHUNK_OBJECTS = 4_000
REJECTS_HELD = 5_000


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What every worker of an ingest shares. `memory` in bytes is one worker's part."""

    staging: Path
    memory: int
    geoip: GeoIP
    ingested: datetime
    source: str | None = None
    account: str | None = None
    buckets: Mapping[str, str] = field(default_factory=dict)
    originals: bool = True


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What a batch gave: files, rejects (a file of `_lake`'s), and each object's fate."""

    number: int
    files: tuple[StagedFile, ...]
    rejects: tuple[Path, ...]
    objects: tuple[ObjectResult, ...]


_idle: defaultdict[int, list[tuple[WorkerSetup, Engine]]] = defaultdict(list)
"""The DuckDBs that no batch uses at the moment, by process: a forked process must not use those of
its parent. A process has one, unless several of its threads ingest at once."""


@atexit.register
def _close() -> None:
    """Close the DuckDBs before the interpreter ends, which would warn of what they still hold."""
    while _idle[os.getpid()]:
        _idle[os.getpid()].pop()[1].close()


def run_batch(setup: WorkerSetup, batch: Batch) -> BatchResult:
    """Read a batch's objects and stage their rows, in one DuckDB for all batches of a process.
    An object that fails is a result, not an error."""
    setup, engine = _made_ready(setup)
    try:
        return _Run(engine, setup, batch.number).batch(batch)
    finally:
        _idle[os.getpid()].append((setup, engine))


def _made_ready(setup: WorkerSetup) -> tuple[WorkerSetup, Engine]:
    """What the batches of an ingest share in this process. One that ingests again goes on with the
    DuckDB that it has: to plan the SELECTs anew takes half of a small ingest."""
    spill = str(setup.staging / "spill")
    try:
        held, engine = _idle[os.getpid()].pop()
    except IndexError:
        return setup, Engine(setup.memory, temp=spill)
    if held.staging == setup.staging:
        return held, engine
    if held.memory == setup.memory and engine.spill_to(spill):
        return setup, engine
    engine.close()
    return setup, Engine(setup.memory, temp=spill)


@dataclass(slots=True)
class _Object:
    """An object on its way through the worker."""

    obj: RawObject
    decoding: Decoding
    records: int = 0
    rows: int = 0
    rejects: int = 0
    tables: set[str] = field(default_factory=set)
    trouble: str | None = None
    facts: ObjectFacts = field(init=False)

    def __post_init__(self) -> None:
        obj, key = self.obj, key_facts(self.obj.key)
        self.facts = ObjectFacts(obj.path, obj.key, key.account, key.region, obj.bucket)


@dataclass(slots=True)
class _Chunk:
    """Records of a shape that wait to be normalised together, and their bytes and number."""

    parts: list[Pending] = field(default_factory=list)
    size: int = 0
    rows: int = 0


@dataclass(slots=True)
class _Run:
    """One batch at work: gathers records by shape, normalises and stages them."""

    engine: Engine
    setup: WorkerSetup
    number: int
    objects: list[_Object] = field(default_factory=list)
    pending: dict[Shape, _Chunk] = field(default_factory=dict)
    files: list[StagedFile] = field(default_factory=list)
    reject_files: list[Path] = field(default_factory=list)
    reject_rows: list[Reject] = field(default_factory=list)
    keep: dict[str, list[pa.Table]] | None = None
    normalising: bool = False
    """Whether a chunk is being normalised. It stays true where that raises: the error is not the
    fault of the object that is read then."""

    def batch(self, batch: Batch) -> BatchResult:
        """Read every object of the batch. What one object causes becomes its result; raises only
        what is no object's fault, such as a full disk or a wrong source."""
        for obj, opened in opened_ahead(batch.objects):
            try:
                with opened() as stream:
                    self.read(Decoding(obj, catalogue(), self.setup.source), stream)
            except (OSError, LakeError) as error:
                if self.normalising:
                    raise
                failed = Decoding(obj, catalogue(), self.setup.source)
                failed.status, failed.reason = "failed", str(error)
                if not self.objects or self.objects[-1].obj is not obj:
                    self.objects.append(_Object(obj, failed))
                else:
                    self.objects[-1].trouble = str(error)
        self.flush_all()
        self._write_rejects()
        for entry in self.objects:
            if self.setup.account is not None:
                entry.decoding.context["account"] = self.setup.account
            if not self.setup.originals:
                entry.decoding.context["original"] = False
        results = tuple(_result(o) for o in self.objects)
        return BatchResult(self.number, tuple(self.files), tuple(self.reject_files), results)

    def read(self, decoding: Decoding, stream: BinaryIO) -> None:
        """Decode one object into the pending chunks; full ones are normalised at once."""
        number = len(self.objects)
        entry = _Object(decoding.obj, decoding)
        self.objects.append(entry)
        for records in decoding.records(stream):
            entry.records += len(records)
            for piece in records.pieces(CHUNK_ROWS, CHUNK_BYTES):
                self.add(Pending(number, decoding.base, piece))
            self._refuse(number, decoding.refused)
        self._refuse(number, decoding.refused)

    def add(self, part: Pending) -> None:
        """Put records into the chunk of their shape; a chunk that would grow too large is
        normalised before."""
        shape, rows, size = part.records.shape, len(part.records), part.records.nbytes
        chunk = self.pending.get(shape)
        if chunk is not None and (
            chunk.size + size > CHUNK_BYTES
            or chunk.rows + rows > CHUNK_ROWS
            or len(chunk.parts) >= CHUNK_OBJECTS
        ):
            self.flush(shape)
            chunk = None
        if chunk is None:
            chunk = self.pending[shape] = _Chunk()
        chunk.parts.append(part)
        chunk.size += size
        chunk.rows += rows

    def _refuse(self, number: int, refused: list[Refused]) -> None:
        if refused:
            entry = self.objects[number]
            entry.records += len(refused)
            name = entry.decoding.source.name if entry.decoding.source else ""
            self.reject([Rejected(number, r.position, r.reason, r.text) for r in refused], name)
            refused.clear()

    def reject(self, rejected: list[Rejected], source: str) -> None:
        """Note records that became no row; `source` is empty where none is known."""
        for r in rejected:
            entry = self.objects[r.object]
            entry.rejects += 1
            self.reject_rows.append(Reject(source, entry.obj.path, r.position, r.reason, r.text))
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
        """Normalise and stage everything that is pending."""
        while self.pending:
            self.flush(next(iter(self.pending)))

    def flush(self, shape: Shape, second_look: bool = False) -> None:
        """Normalise and stage the pending records of a shape. Records that turn out to be another
        source's are recognised by themselves, unless this is the `second_look` at such records."""
        parts = self.pending.pop(shape).parts
        self.normalising = True
        source = catalogue()[shape.source]
        give_back(above=LARGE)
        chunk = Chunk(
            self.engine,
            source,
            shape,
            [entry.facts for entry in self.objects],
            self.setup.geoip,
            self.setup.ingested,
            self.setup.account,
            self.setup.buckets,
            self.setup.originals,
        )
        found = chunk.normalise(parts)
        self.reject(found.rejected, source.name)
        self._stage(found.rows)
        if found.strangers and second_look:
            self.reject([_refused(one, source.name) for one in found.strangers], source.name)
        elif found.strangers:
            self._second_look(found.strangers, source.name)
        self.normalising = False

    def _second_look(self, strangers: list[Stranger], source: str) -> None:
        """Records that lay among those of another source: recognised one by one."""
        found: dict[Shape, list[Stranger]] = defaultdict(list)
        lost: list[Rejected] = []
        for stranger in strangers:
            inner = stranger.opened()
            entry = self.objects[stranger.object]
            entry.records += len(inner) - 1
            for one in inner:
                shape = None if one.broken else one.shape(but=source if one is stranger else "")
                if one.refused and entry.decoding.forced:
                    shape = None  # the user has said what the lines are
                if shape is None:
                    lost.append(_refused(one, source))
                    continue
                if shape.kind == "json":
                    entry.decoding.count_losses(shape.source, [one.text.encode()])
                elif shape.kind == "fields":
                    entry.decoding.lies_among(shape.source, one.position, one.text)
                found[shape].append(one)
        self.reject(lost, source)
        parts: dict[Shape, list[Pending]] = defaultdict(list)
        for shape, records in found.items():
            for part in as_pending(shape, records):
                parts[part.records.shape].append(part)
        for shape, own in parts.items():
            if shape in self.pending:
                self.flush(shape)
            self.pending[shape] = _Chunk(own)
            self.flush(shape, second_look=True)

    def _stage(self, rows: Rows) -> None:
        if self.keep is not None:
            self.keep[rows.source.name].append(rows.whole())
            return
        for number, count in enumerate(np.bincount(rows.objects).tolist()):
            if count:
                self.objects[number].rows += count
                self.objects[number].tables.add(rows.source.name)
        for part, table, hashes in rows.tables():
            path = self.setup.staging / f"part-{uuid.uuid4().hex}.parquet"
            beside = path.with_suffix(".hashes")
            beside.write_bytes(hashes.tobytes())
            written = write_parquet(table, path)
            self.files.append(StagedFile.of(path, rows.source.name, part, written, beside))


def _refused(one: Stranger, source: str) -> Rejected:
    known = is_value(one.text.encode())
    other = f"no record of {source}" if known else "no valid JSON"
    reason = one.broken or one.refused or other
    text = reject_text(as_it_came(one.text, one.original, one.encoding))
    return Rejected(one.object, one.position, reason, text)


def _result(entry: _Object) -> ObjectResult:
    decoding = entry.decoding
    if entry.records != entry.rows + entry.rejects:
        raise LakeError(
            f"{entry.records} records, but {entry.rows} rows and {entry.rejects} rejects: this is "
            "a fault of the program. Report it with the object's key."
        )
    status, reason = decoding.status, entry.trouble or decoding.reason
    if entry.trouble and status == "read":
        status = "partial"
    if decoding.context.get("empty") and not reason:
        reason = "the object is empty"
    return ObjectResult(
        obj=entry.obj,
        status=status,
        source=decoding.source.name if decoding.source else None,
        records=entry.records,
        rows=entry.rows,
        rejects=entry.rejects,
        reason=reason,
        sha256=decoding.sha256,
        content_hash=decoding.content,
        context=json.dumps(decoding.context) if decoding.context else None,
        unknown_members=dict(decoding.unknown_members),
        lossy_members=dict(decoding.lossy_members),
        of_rows="rows" in decoding.context,
        transform=table_versions(entry.tables),
    )


def normalise_object(
    engine: Engine,
    decoding: Decoding,
    stream: BinaryIO,
    geoip: GeoIP,
    ingested: datetime,
) -> tuple[dict[str, pa.Table], list[Reject]]:
    """One object's rows by source, in memory, and its rejects; nothing is written."""
    run = _Run(engine, WorkerSetup(Path(), 1 << 30, geoip, ingested), 0, keep=defaultdict(list))
    run.read(decoding, stream)
    run.flush_all()
    assert run.keep is not None  # noqa: S101
    return {n: pa.concat_tables(t) for n, t in run.keep.items()}, run.reject_rows
