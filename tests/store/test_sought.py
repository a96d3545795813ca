"""Bloom filters of the leaves by which one thing is looked for: files that cannot hold a value are
not read, and whatever a file holds is found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine import ask, put, raw_files, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.query import open_lake
from lake.sources.fieldsets import ecs_leaves, sought
from lake.store.parquet import filters
from lake.upkeep.compact import CompactOptions, compact

if TYPE_CHECKING:
    from pathlib import Path


def flow(number: int) -> str:
    return logs.flow(
        number, src=f"10.{number >> 8}.{number & 255}.7", dst=f"203.0.113.{number % 9}"
    )


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Six files of flows, each of other addresses, and one of calls."""
    for part in range(6):
        key = FLOW_KEY.replace("eu-west-1", f"eu-west-{part}")
        lines = [flow(number) for number in range(part * 200, part * 200 + 200)]
        put(tmp_path / "logs", key, logs.flow_file(lines))
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(50)))
    read(tmp_path / "lake", tmp_path / "logs")
    return tmp_path / "lake"


def with_filters(file: Path) -> set[str]:
    """The columns of a file that have a Bloom filter in each row group."""
    footer = pq.read_metadata(file)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    return set.intersection(
        *(
            {
                c.path_in_schema
                for n in range(footer.num_columns)
                if (c := g.column(n)).bloom_filter_offset
            }
            for g in groups
        )
    )


def test_they_are_leaves_of_the_row_model() -> None:
    assert set(sought()) <= ecs_leaves().keys()


@pytest.mark.parametrize("compacted", [False, True])
def test_files_have_them(lake: Path, compacted: bool) -> None:
    if compacted:
        compact(lake, CompactOptions())
    found = {file.partition("/")[0]: with_filters(lake / file) for file in raw_files(lake)}
    assert found["vpcflow"] == {"source.ip", "destination.ip"}
    assert found["cloudtrail"] == {"source.ip", "event.id", "user.name", "user.id"}


@pytest.mark.parametrize("compacted", [pytest.param(False, marks=pytest.mark.long), True])
def test_every_value_is_found(lake: Path, compacted: bool) -> None:
    if compacted:
        compact(lake, CompactOptions())
    for table, leaf in (
        ("vpcflow", "source.ip"),
        ("vpcflow", "destination.ip"),
        ("cloudtrail", "event.id"),
        ("events", "source.ip"),
    ):
        counts = ask(lake, f"SELECT {leaf}, count(*) FROM {table} GROUP BY 1")
        assert len(counts) >= 9
        for value, count in counts:
            assert ask(lake, f"SELECT count(*) FROM {table} WHERE {leaf} = '{value}'") == [(count,)]


def test_a_file_that_cannot_hold_a_value_is_not_read(lake: Path) -> None:
    """As DuckDB's profile has it: the bytes of values that the scan of six files gave on."""
    opened = open_lake(lake)

    def scanned(condition: str) -> int:
        plan = "EXPLAIN (ANALYZE, FORMAT json) SELECT count(*) FROM vpcflow WHERE "
        (found,) = re.findall(
            r'"bytes_scanned": (\d+)', opened.sql(plan + condition).fetchall()[0][1]
        )
        return int(found)

    assert scanned("source.ip = '10.0.3.7'") * 5 < scanned("source.ip LIKE '10.0.3._'")


def test_a_filter_is_as_large_as_its_values() -> None:
    same = pa.array(["10.0.0.1"] * 1000)
    rows = pa.table(
        {"source": pa.StructArray.from_arrays([same, same.dictionary_encode()], ["ip", "port"])}
    )
    assert filters(rows) == {"source.ip": {"ndv": 1, "fpp": 0.05}}
    assert filters(pa.table({"x": [1]})) is None
