"""One DuckDB for many chunks: columns that were empty so far, plans that are kept, what fails."""

from __future__ import annotations

import ctypes
import io
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from own_source import odd, own_source

from lake.decode.decode import Decoding
from lake.enrich.geoip import GeoIP
from lake.model import RawObject
from lake.normalize import engine
from lake.normalize.engine import Engine
from lake.normalize.flat import any_shape, flat_sql
from lake.normalize.records import chunk_schema, records_sql
from lake.sources.catalogue import catalogue
from lake.stage.worker import normalise_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.sources.source import Source

Taken = tuple[list[tuple[int, int | None, str | None, list[str] | None]], list[tuple[int, str]]]
NOTHING = (None, None, None)
BOOM = "cannot be normalised: Invalid Input Error: boom"


@pytest.fixture(scope="module", autouse=True)
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with own_source(tmp_path_factory.mktemp("transforms")):
        yield


def take(one: Engine, *records: str, time: str = "2024-02-01T10:00:00Z") -> Taken:
    """Place, native.n, source.ip and related.ip of the rows; place and reason of the rejects."""
    data = odd(*records, time=time)
    decoding = Decoding(RawObject("test", "own", "own", len(data)), catalogue(), "own")
    tables, rejects = normalise_object(
        one, decoding, io.BytesIO(data), GeoIP.none(), datetime(2024, 3, 1, tzinfo=UTC)
    )
    rows = [row for table in tables.values() for row in table.to_pylist()]
    return (
        [
            (r["log"]["offset"], r["native"]["n"], r["source"]["ip"], r["related"]["ip"])
            for r in rows
        ],
        sorted((r.position, r.reason) for r in rejects),
    )


def test_a_value_in_a_column_that_was_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the columns were left out, asked for again, or left out beside a failing record."""
    monkeypatch.setattr(engine, "LEARNED_ROWS", 3)
    one = Engine(256 << 20)
    empty = ([(1, *NOTHING), (2, *NOTHING), (3, *NOTHING)], [])
    assert take(one, "-", "-", "-") == empty
    assert take(one, "-", "-", "-") == empty
    assert take(one, "- fail", "-") == ([(2, *NOTHING)], [(1, BOOM)])
    assert take(one, "- fail") == ([], [(1, BOOM)])
    assert take(one, "- fail", "- n7", "-") == ([(2, 7, None, None), (3, *NOTHING)], [(1, BOOM)])
    assert take(one, "-", "192.0.2.1") == (
        [(1, *NOTHING), (2, None, "192.0.2.1", ["192.0.2.1"])],
        [],
    )
    assert take(one, "-", "-", "-") == empty
    assert take(one, "- gone", "- reject", "192.0.2.1 n8") == (
        [(3, 8, "192.0.2.1", ["192.0.2.1"])],
        [(1, "normalize.sql gives no row for this record"), (2, "told so")],
    )
    one.close()


def test_records_without_a_time_in_every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time, too, is a column that was empty so far."""
    monkeypatch.setattr(engine, "LEARNED_ROWS", 3)
    one = Engine(256 << 20)
    timeless = [(1, "no valid time"), (2, "no valid time"), (3, "no valid time")]
    for _ in range(3):
        assert take(one, "-", "-", "-", time="noon") == ([], timeless)
    assert take(one, "- n4") == ([(1, 4, None, None)], [])
    one.close()


def test_plans_are_dropped_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PLANS", 2)
    one = Engine(256 << 20)
    for number in (1, 2, 3, 1, 2, 3):
        table = pa.table({"x": pa.array([number, 10], pa.int64())})
        assert one.run(f"SELECT x * {number} AS y FROM chunk", table)["y"].to_pylist() == [
            number * number,
            10 * number,
        ]
    kept = one.run("SELECT name FROM duckdb_prepared_statements()", pa.table({"x": [1]}))
    assert len(kept) == 2
    one.close()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what memory is held")
def test_nothing_of_a_run_is_held() -> None:
    """What `sql()` puts aside of an EXECUTE stayed until the connection ended: four times the text,
    100 MB in every process of an ingest."""
    one = Engine(1 << 30)
    text = pa.table({"text": pa.array([f"{n} {'x' * 300}" for n in range(80_000)])})
    query = "SELECT upper(text) AS a, replace(text, 'x', 'y') AS b FROM chunk"
    one.run(query, text.slice(0, 10))
    before = held()
    assert one.run(query, text)["a"][1].as_py() == f"1 {'X' * 300}"
    assert held() - before < text.nbytes
    assert len(one._table) == 0
    one.close()


def held() -> int:
    """Bytes of memory that this process has, without what the C library keeps for later."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def is_planned_anew(query: str, told: Path) -> bool:
    """At a later run, with another plan made between; as DuckDB's own profile tells."""
    one = Engine(256 << 20)
    none = chunk_schema().empty_table()
    one.run(query, none)
    one.run("SELECT text FROM chunk", none)
    one._con.execute(
        "SET enable_profiling = 'json'; SET profiling_mode = 'detailed'; "
        f"SET profiling_output = '{told}'"
    )
    one.run(query, none)
    one.close()
    return "unused_columns" in json.loads(told.read_text())["optimizer"]


@pytest.mark.parametrize("source", catalogue().sources.values(), ids=lambda one: one.name)
def test_a_select_is_planned_once(source: Source, tmp_path: Path) -> None:
    records = records_sql(source, any_shape(source), wrapped=False)
    query = f"WITH records AS ({records}) {flat_sql(source, any_shape(source))}"
    assert not is_planned_anew(query, tmp_path / "told.json")


def test_what_is_planned_at_every_run(tmp_path: Path) -> None:
    """What normalize.sql does without, else the test above could not fail."""
    time = "TRY_CAST(text AS TIMESTAMPTZ)"
    for text in (f"strftime({time}, '%Y')", f"{time} - to_minutes(1)"):
        assert is_planned_anew(f"SELECT {text} AS x FROM chunk", tmp_path / "told.json")


def test_a_plan_is_of_one_schema() -> None:
    one = Engine(256 << 20)
    query = "SELECT typeof(x) AS y FROM chunk"
    for kind, name in ((pa.int64(), "BIGINT"), (pa.string(), "VARCHAR"), (pa.int64(), "BIGINT")):
        assert one.run(query, pa.table({"x": pa.nulls(1, kind)}))["y"].to_pylist() == [name]
    one.close()


def test_after_a_query_that_fails() -> None:
    one = Engine(256 << 20)
    table = pa.table({"x": [1]})
    with pytest.raises(duckdb.BinderException):
        one.run("SELECT nope FROM chunk", table)
    with pytest.raises(duckdb.InvalidInputException):
        one.run("SELECT error('x') FROM chunk", table)
    assert one.run("SELECT x FROM chunk", table)["x"].to_pylist() == [1]
    one.close()
