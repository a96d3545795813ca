"""A batch whose chunk fails while an object is read: the failure is not the object's."""

from __future__ import annotations

import io
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pytest
from logs import FLOW_KEY, flow_file, flows
from own_source import LINES_SQL, odd, own_source

from lake.enrich.geoip import GeoIP
from lake.errors import SourceError
from lake.model import RawObject
from lake.stage import sinks, worker
from lake.stage.batches import Batch
from lake.stage.engines import borrowed_engine
from lake.stage.worker import WorkerSetup

if TYPE_CHECKING:
    from pathlib import Path

    from lake.normalize.engine import Engine


class Place:
    """A location whose objects lie in memory."""

    waits = False

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def open(self, obj: RawObject) -> BinaryIO:
        return io.BytesIO(self.objects[obj.path])


def batch(key: str, data: bytes, count: int) -> Batch:
    """So many objects with the same content."""
    place = Place(**{str(n): data for n in range(count)})
    objects = [RawObject("test", f"{n}/{key}", str(n), len(data)) for n in range(count)]
    return Batch(1, tuple((place, obj) for obj in objects))  # type: ignore[arg-type]


def run(staging: Path, work: Batch) -> worker.BatchResult:
    setup = WorkerSetup(staging, 256 << 20, GeoIP.none(), datetime(2024, 3, 1, tzinfo=UTC))
    return worker.run_batch(setup, work)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHUNK_BYTES", 1_000)


def test_chunks_within_a_batch(tmp_path: Path) -> None:
    result = run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 3))
    assert [(o.status, o.records, o.rows) for o in result.objects] == [("read", 20, 20)] * 3
    assert {(f.source, f.date) for f in result.files} == {("vpcflow", "2024-02-01")}
    rows = [f.rows for f in result.files]
    assert (sum(rows), max(rows) < 20) == (60, True)


def test_a_chunk_has_no_more_rows_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large object is cut, small ones share a chunk."""
    monkeypatch.setattr(worker, "CHUNK_BYTES", 1 << 20)
    monkeypatch.setattr(worker, "CHUNK_ROWS", 45)
    result = run(tmp_path, batch(FLOW_KEY, flow_file(flows(100)), 1))
    assert sorted(f.rows for f in result.files) == [10, 45, 45]
    result = run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 5))
    assert sorted(f.rows for f in result.files) == [20, 40, 40]


def test_identities_go_from_process_to_process_on_the_disk(tmp_path: Path) -> None:
    """An object of 5 GB, one batch, has 50 million; with them in the result it took 2.7 GB."""
    result = run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 2))
    found = [np.fromfile(file.hashes, np.int64) for file in result.files if file.hashes]
    assert [len(hashes) for hashes in found] == [file.rows for file in result.files]
    assert len({one for hashes in found for one in hashes.tolist()}) == 20
    assert len(pickle.dumps(result)) < 5_000


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: object, path: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sinks, "write_parquet", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 3))


def test_a_source_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "transforms").mkdir()
    sql = LINES_SQL.replace("TRY_CAST(time", "TRY_CAST(nope")
    with own_source(tmp_path / "transforms", sql=sql), pytest.raises(SourceError, match='"nope"'):
        run(tmp_path, batch("own.log", odd(*["- n1"] * 50), 2))


def used(staging: Path, memory: int = 256 << 20) -> Engine:
    """The engine that a batch of an ingest has, which then comes to its end at once."""
    with borrowed_engine(memory, staging / "spill") as engine:
        return engine


def test_a_process_that_ingests_again_goes_on_with_its_duckdb(tmp_path: Path) -> None:
    first = used(tmp_path / "a")
    assert used(tmp_path / "a") is first
    engine = used(tmp_path / "b")
    assert engine is first
    spill = engine._con.execute("SELECT current_setting('temp_directory')").fetchone()
    assert spill == (str(tmp_path / "b" / "spill"),)
    assert used(tmp_path / "c", 512 << 20) is not engine  # as much memory as that ingest may use


def test_a_duckdb_at_work_is_no_other_batchs(tmp_path: Path) -> None:
    spill = tmp_path / "a" / "spill"
    with borrowed_engine(256 << 20, spill) as one, borrowed_engine(256 << 20, spill) as other:
        assert one is not other


def test_a_duckdb_that_has_spilled_or_failed_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    engine = used(tmp_path / "a")
    engine._con.execute("SET memory_limit = '128MiB'")
    engine._con.execute(
        "CREATE TABLE big AS SELECT repeat('x', 90) || i AS x FROM range(4000000) r(i)"
    )
    other = used(tmp_path / "b")
    assert other is not engine
    other.close()
    assert used(tmp_path / "c") is not other
