"""A batch whose chunk fails while an object is read: the failure is not the object's."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import pytest
from logs import FLOW_KEY, TRAIL_KEY, events, flow_file, flows, trail
from own_source import LINES_SQL, odd, own_source

from lake import worker
from lake.engine import Engine
from lake.enrich.geoip import GeoIP
from lake.errors import SourceError
from lake.model import RawObject
from lake.worker import Batch, WorkerSetup

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """A location whose objects lie in memory."""

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
    return worker._Run(Engine(256 << 20), setup, 1).batch(work)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CHUNK_BYTES", 1_000)


def test_chunks_within_a_batch(tmp_path: Path) -> None:
    result = run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 3))
    assert [(o.status, o.records, o.rows) for o in result.objects] == [("read", 20, 20)] * 3
    assert [(f.source, f.date, f.rows) for f in result.files] == [("vpcflow", "2024-02-01", 20)] * 3


@pytest.mark.parametrize(
    ("key", "data"),
    [(FLOW_KEY, flow_file(flows(20))), (TRAIL_KEY, trail(events(20)))],
    ids=["place", "id"],
)
def test_what_is_kept_of_a_chunk_is_its_identities_alone(
    key: str, data: bytes, tmp_path: Path
) -> None:
    """A view of a column that DuckDB gave would keep all columns: an object of 5 GB, one batch,
    filled 3.7 GB of memory with them."""
    result = run(tmp_path, batch(key, data, 2))
    assert [(file.hashes.base is None, len(file.hashes)) for file in result.files] == [
        (True, 20)
    ] * 2


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: object, path: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker, "write_parquet", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(tmp_path, batch(FLOW_KEY, flow_file(flows(20)), 3))


def test_a_source_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "transforms").mkdir()
    sql = LINES_SQL.replace("TRY_CAST(time", "TRY_CAST(nope")
    with own_source(tmp_path / "transforms", sql=sql), pytest.raises(SourceError, match='"nope"'):
        run(tmp_path, batch("own.log", odd(*["- n1"] * 50), 2))
