"""A batch of objects -> Parquet files in the staging folder, in one process.

It decodes, normalises and writes; it decides neither what counts as a duplicate nor what is
committed: that is the driver's part (`lake.ingest`), which gets back names of files and what became
of each object. Nothing of a record travels between the processes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pyarrow as pa

from lake.decode.decode import Decoding
from lake.decode.pieces import is_value
from lake.decode.refused import reject_text
from lake.decode.shapes import as_it_came
from lake.errors import LakeError
from lake.lean import LARGE, give_back
from lake.model import ObjectResult, Reject
from lake.normalize.normalize import Chunk
from lake.normalize.records import Pending
from lake.normalize.rejected import Rejected
from lake.normalize.strangers import Stranger, as_pending
from lake.objects.ahead import opened_ahead
from lake.sources.catalogue import catalogue
from lake.stage.engines import borrowed_engine
from lake.stage.sinks import MemorySink, StagingSink
from lake.stage.tally import ObjectTally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.decode.refused import Refused
    from lake.decode.shapes import Shape
    from lake.enrich.geoip import GeoIP
    from lake.normalize.assemble import Rows
    from lake.normalize.engine import Engine
    from lake.stage.batches import Batch
    from lake.stage.sinks import Sink
    from lake.store.parquet import StagedFile

CHUNK_BYTES = 24 << 20
"""Text that is normalised together; about ten times this is at work."""
CHUNK_ROWS = 122_880
"""Records that are: a row of flows takes more than its text."""
CHUNK_OBJECTS = 4_000


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


def run_batch(setup: WorkerSetup, batch: Batch) -> BatchResult:
    """Read a batch's objects and stage their rows. An object that fails is a result, not an error;
    raises only what is no object's fault, such as a full disk or a wrong source."""
    sink = StagingSink(setup.staging)
    with borrowed_engine(setup.memory, setup.staging / "spill") as engine:
        results = BatchReader(engine, setup, sink).read_all(batch)
        sink.flush()
    return BatchResult(batch.number, tuple(sink.files), tuple(sink.reject_files), results)


@dataclass(slots=True)
class _Chunk:
    """Records of a shape that wait to be normalised together, and their bytes and number."""

    parts: list[Pending] = field(default_factory=list)
    size: int = 0
    rows: int = 0


@dataclass(slots=True)
class BatchReader:
    """One batch at work: gathers the records of its objects into chunks by shape, normalises these
    and hands the rows on."""

    engine: Engine
    setup: WorkerSetup
    sink: Sink
    objects: list[ObjectTally] = field(default_factory=list)
    pending: dict[Shape, _Chunk] = field(default_factory=dict)
    normalising: bool = False
    """Whether a chunk is being normalised. It stays true where that raises: the error is not the
    fault of the object that is read then."""

    def read_all(self, batch: Batch) -> tuple[ObjectResult, ...]:
        """Read every object of the batch; gives what became of each."""
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
                    self.objects.append(ObjectTally(obj, failed))
                else:
                    self.objects[-1].error = str(error)
        self.flush_all()
        for tally in self.objects:
            if self.setup.account is not None:
                tally.decoding.context["account"] = self.setup.account
            if not self.setup.originals:
                tally.decoding.context["original"] = False
        return tuple(tally.result() for tally in self.objects)

    def read(self, decoding: Decoding, stream: BinaryIO) -> None:
        """Decode one object into the pending chunks; full ones are normalised at once."""
        number = len(self.objects)
        tally = ObjectTally(decoding.obj, decoding)
        self.objects.append(tally)
        for records in decoding.records(stream):
            tally.records += len(records)
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
            tally = self.objects[number]
            tally.records += len(refused)
            name = tally.decoding.source.name if tally.decoding.source else ""
            self.reject([Rejected(number, r.position, r.reason, r.text) for r in refused], name)
            refused.clear()

    def reject(self, rejected: list[Rejected], source: str) -> None:
        """Note records that became no row; `source` is empty where none is known."""
        rejects = []
        for r in rejected:
            tally = self.objects[r.object]
            tally.rejects += 1
            rejects.append(Reject(source, tally.obj.path, r.position, r.reason, r.text))
        self.sink.reject(rejects)

    def flush_all(self) -> None:
        """Normalise everything that is pending."""
        while self.pending:
            self.flush(next(iter(self.pending)))

    def flush(self, shape: Shape, second_look: bool = False) -> None:
        """Normalise the pending records of a shape. Those that turn out to be another source's are
        recognised one by one, unless this is the `second_look` at such records: then they are
        rejects."""
        parts = self.pending.pop(shape).parts
        self.normalising = True
        source = catalogue()[shape.source]
        give_back(above=LARGE)
        chunk = Chunk(
            self.engine,
            source,
            shape,
            facts=[tally.facts for tally in self.objects],
            geoip=self.setup.geoip,
            ingested=self.setup.ingested,
            account=self.setup.account,
            buckets=self.setup.buckets,
            originals=self.setup.originals,
        )
        normalised = chunk.normalise(parts)
        self.reject(normalised.rejected, source.name)
        for (number, column), count in normalised.lossy.items():
            self.objects[number].decoding.lossy_members[column] += count
        self._write(normalised.rows)
        if normalised.strangers and second_look:
            rejected = [_rejected(one, source.name) for one in normalised.strangers]
            self.reject(rejected, source.name)
        elif normalised.strangers:
            self._second_look(normalised.strangers, source.name)
        self.normalising = False

    def _second_look(self, strangers: list[Stranger], source: str) -> None:
        """Recognise records that lay among those of another source, one by one."""
        by_shape: dict[Shape, list[Stranger]] = defaultdict(list)
        rejected: list[Rejected] = []
        for stranger in strangers:
            records = stranger.opened()
            tally = self.objects[stranger.object]
            tally.records += len(records) - 1
            for record in records:
                shape = self._shape_of(record, tally, but=source if record is stranger else "")
                if shape is None:
                    rejected.append(_rejected(record, source))
                    continue
                if shape.kind == "json":
                    tally.decoding.count_losses(shape.source, [record.text.encode()])
                elif shape.kind == "fields":
                    tally.decoding.lies_among(shape.source, record.position, record.text)
                by_shape[shape].append(record)
        self.reject(rejected, source)
        chunks: dict[Shape, list[Pending]] = defaultdict(list)
        for shape, group in by_shape.items():
            for part in as_pending(shape, group):
                chunks[part.records.shape].append(part)
        for shape, parts in chunks.items():
            if shape in self.pending:
                self.flush(shape)
            self.pending[shape] = _Chunk(parts)
            self.flush(shape, second_look=True)

    def _shape_of(self, record: Stranger, tally: ObjectTally, but: str) -> Shape | None:
        """How a record becomes columns; None where it becomes no row: it is broken, no source `but`
        this one knows it, or the user has said what the object's lines are."""
        if record.broken or (record.refused and tally.decoding.forced):
            return None
        return record.shape(but=but)

    def _write(self, rows: Rows) -> None:
        for number, count in enumerate(np.bincount(rows.objects).tolist()):
            if count:
                self.objects[number].rows += count
                self.objects[number].tables.add(rows.source.name)
        self.sink.write(rows)


def _rejected(one: Stranger, source: str) -> Rejected:
    known = is_value(one.text.encode())
    other = f"no record of {source}" if known else "no valid JSON"
    reason = one.broken or one.refused or other
    text = reject_text(as_it_came(one.text, one.original, one.encoding))
    return Rejected(one.object, one.position, reason, text)


def normalise_object(
    engine: Engine,
    decoding: Decoding,
    stream: BinaryIO,
    geoip: GeoIP,
    ingested: datetime,
) -> tuple[dict[str, pa.Table], list[Reject]]:
    """One object's rows by source, in memory, and its rejects; nothing is written."""
    sink = MemorySink()
    reader = BatchReader(engine, WorkerSetup(Path(), 1 << 30, geoip, ingested), sink)
    reader.read(decoding, stream)
    reader.flush_all()
    return {name: pa.concat_tables(found) for name, found in sink.tables.items()}, sink.rejects
