"""Lakes of earlier row models: they open, grow, and give NULL where their rows have nothing; what
would be read wrongly is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
import polars as pl
import pytest
from broken.good import GOOD
from clients import Client
from deltalake import DeltaTable
from engine import ask, balance, fates, put, read
from logs import FLOW_KEY, TRAIL_KEY
from own_source import LINES, LINES_SQL, odd, own_source

from lake.errors import ModelError
from lake.query import open_lake
from lake.serve.client_file import write_client_file
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import field_sets, leaves, path_sql, prune
from lake.sources.rowmodel import columns_of, table_schema
from lake.store.growth import growth
from lake.store.recover import recover
from lake.store.table import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

LAKES = Path(__file__).parents[1] / "lakes"
VINTAGES = sorted(path.name.removesuffix(".tar.gz") for path in LAKES.glob("v*.tar.gz"))
KEY = "logs/odd.log"

FIRST = LINES
LEAF = f'{LINES}more = "VARCHAR"\n'
STRUCT = f'{LEAF}[native.part]\nx = "BIGINT"\ny = "VARCHAR"\n[native.part.deep]\nz = "VARCHAR"\n'
LEAF_SQL = LINES_SQL.replace("FROM (", ', how AS "native.more" FROM (', 1)
STRUCT_SQL = LEAF_SQL.replace(
    "FROM (", ', 7 AS "native.part.x", ip AS "native.part.deep.z" FROM (', 1
)
COLUMN_SQL = STRUCT_SQL.replace("FROM (", ", 'tls' AS \"tls.version_protocol\" FROM (", 1)
MODELS = [(FIRST, LINES_SQL), (LEAF, LEAF_SQL), (STRUCT, STRUCT_SQL), (STRUCT, COLUMN_SQL)]
"""The same source four times: with a further leaf, STRUCTs and a leaf in them, a column."""


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(LAKES / f"{name}.tar.gz") as packed:
        packed.extractall(folder, filter="data")
    return folder / "lake"


def every_leaf(view: str) -> list[str]:
    return [path_sql(leaf.name) for leaf in leaves(columns_of(view))]


def views() -> list[str]:
    known = catalogue()
    return ["events", *known.sources, *known.latest, *known.families]


def read_all(con: duckdb.DuckDBPyConnection, view: str) -> dict[str, int]:
    """How many rows have each leaf of a view; each column is read whole, too."""
    names = every_leaf(view)
    asked = ", ".join(f"count({name})" for name in names)
    together = con.execute(f'SELECT {asked} FROM "{view}"').fetchall()[0]
    for column in columns_of(view):
        con.execute(f'SELECT "{column}" FROM "{view}"').fetchall()
    return dict(zip(names, together, strict=True))


@pytest.mark.parametrize("name", field_sets())
def test_a_leaf_that_is_filled_later_takes_none_away(name: str) -> None:
    """WAF's `network.protocol`, its first leaf of `network`, did: older lakes were refused."""

    def kept(used: set[str]) -> set[str]:
        return {leaf.name for leaf in leaves({name: prune(field_sets()[name], used, f"{name}.")})}

    for leaf in leaves({name: field_sets()[name]}):
        assert kept({leaf.name}) == kept(set()) | {leaf.name}


# -- lakes of released row models ---------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return unpacked("v1", tmp_path)


def more(folder: Path) -> Path:
    """Logs of the sources of the kept lakes that they have not read."""
    put(folder, TRAIL_KEY, logs.trail(logs.events(3, first=50)))
    put(folder, FLOW_KEY, logs.flow_file(logs.flows(3, first=50)))
    return folder


def test_an_old_lake_opens_as_it_is(old: Path) -> None:
    lake = open_lake(old)
    assert lake.sql("SELECT event.dataset, count(*) FROM events GROUP BY 1 ORDER BY 1").fetchall()[
        :2
    ] == [("cloudtrail", 2), ("cloudtrail_insight", 1)]
    for view in views():
        read_all(lake.cursor(), view)
    assert lake.sql("SELECT count(*), count(ingested) FROM objects").fetchall() == [(4, 0)]
    assert lake.sql("FROM superseded_rows").fetchall() == []
    assert lake.status().outdated == 6


def test_files_of_every_vintage_together(old: Path, tmp_path: Path) -> None:
    read(old, more(tmp_path / "logs"))
    balance(old)
    lake = open_lake(old)
    counts = "SELECT event.dataset, count(*) FROM events GROUP BY 1 ORDER BY 1"
    assert lake.sql(counts).fetchall() == [
        ("cloudtrail", 5), ("cloudtrail_insight", 1), ("guardduty", 1), ("vpcflow", 5),
    ]  # fmt: skip
    for view in views():
        read_all(lake.cursor(), view)
    assert read_all(lake.cursor(), "vpcflow")['"network"."bytes"'] == 5
    status = lake.status()
    assert (status.outdated, status.outdated_tables) == (6, ("cloudtrail", "guardduty", "vpcflow"))
    objects = "SELECT count(*), count(transform), count(ingested) FROM objects"
    assert lake.sql(objects).fetchall() == [(6, 2, 2)]


@pytest.mark.parametrize(
    "vintage", [*(pytest.param(v, marks=pytest.mark.long) for v in VINTAGES[:-1]), VINTAGES[-1]]
)
def test_every_source_goes_on_in_a_lake_of_every_vintage(vintage: str, tmp_path: Path) -> None:
    lake = unpacked(vintage, tmp_path)
    assert {*catalogue().sources} == {*GOOD}, "each source has a record in tests/broken/good.py"
    for good in GOOD.values():
        put(tmp_path / "logs", good.key, good.object(2))
    read(lake, tmp_path / "logs")
    balance(lake)
    opened = open_lake(lake)
    for view in views():
        assert read_all(opened.cursor(), view)['"event"."hash"'] >= 2


def test_records_of_an_old_lake_are_known(old: Path, tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file([*logs.flows(2), "2 short"]))
    report = read(old, tmp_path / "logs")
    assert (report.rows, report.duplicates, report.rejects) == (1, 4, 1)


# -- a source that grows -------------------------------------------------------------------------


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Path]:
    """A lake with a file of each model, the newest of which is the present one."""
    for number, (toml, sql) in enumerate(MODELS):
        folder = tmp_path / f"transforms{number}"
        folder.mkdir()
        put(tmp_path / f"logs{number}", KEY, odd(f"192.0.2.{number + 1} n{number}"))
        with own_source(folder, toml, sql):
            read(tmp_path / "lake", tmp_path / f"logs{number}")
            if number == len(MODELS) - 1:
                write_client_file(tmp_path / "lake")
                yield tmp_path / "lake"


COLUMNS = (
    "source.ip, native.n, native.more, native.part.x, native.part.deep.z, tls.version_protocol"
)
ROWS = [
    ("192.0.2.1", 0, None, None, None, None),
    ("192.0.2.2", 1, "n1", None, None, None),
    ("192.0.2.3", 2, "n2", 7, "192.0.2.3", None),
    ("192.0.2.4", 3, "n3", 7, "192.0.2.4", "tls"),
]


def test_rows_of_before_are_null_in_the_views(grown: Path) -> None:
    lake = open_lake(grown)
    assert lake.sql(f"SELECT {COLUMNS} FROM own ORDER BY 1").fetchall() == ROWS
    alone = "SELECT {0}, count(*) FROM own GROUP BY 1 ORDER BY 1"
    assert lake.sql(alone.format("native.part.x")).fetchall() == [(7, 2), (None, 2)]
    assert lake.sql(alone.format("tls.version_protocol")).fetchall() == [("tls", 1), (None, 3)]
    assert lake.sql("SELECT source.ip FROM own WHERE native.part.deep.z > '192.0.2.3'").fetchall()
    for view in ("own", "events"):
        counts = read_all(lake.cursor(), view)
        assert counts['"source"."ip"'] == 4
    assert lake.sql("FROM own").columns == [*columns_of("own")]
    assert "native" not in lake.sql("FROM events").columns


def test_rows_of_before_are_null_for_other_readers(grown: Path) -> None:
    frame = open_lake(grown).scan("own").sort(pl.col("source").struct.field("ip")).collect()
    table = DeltaTable(grown / "own").to_pyarrow_table().sort_by("@timestamp")
    for rows in (frame.to_dicts(), sorted(table.to_pylist(), key=lambda r: r["source"]["ip"])):
        assert [_row(row) for row in rows] == ROWS


def test_rows_of_before_are_null_for_other_clients(grown: Path, packages: str) -> None:
    client = Client(grown, packages)
    rows = client.ask(f"SELECT {COLUMNS} FROM own ORDER BY 1")
    assert [tuple(row) for row in rows] == ROWS
    for view in ("own", "events", "cloudtrail"):
        every = ", ".join(f"count({name})" for name in every_leaf(view))
        counts = client.ask(f"SELECT {every} FROM {view}")
        assert isinstance(counts, list), counts
    assert client.ask("SELECT native.part.x, count(*) FROM own GROUP BY 1 ORDER BY 1") == [
        [7, 2], [None, 2],
    ]  # fmt: skip
    client.end()


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    """The columns of a row as another reader gives it: a STRUCT or its members are NULL."""
    native = row["native"]
    part = native["part"] or {}
    return (
        row["source"]["ip"], native["n"], native["more"], part.get("x"),
        (part.get("deep") or {}).get("z"), (row["tls"] or {}).get("version_protocol"),
    )  # fmt: skip


def test_the_lake_of_before_it_grew(grown: Path) -> None:
    log = sorted((grown / "_lake" / "_delta_log").glob("*.json"))
    store = Store.open(grown)
    snapshot = store.snapshot()
    assert [n for n, _ in snapshot.models["own"].grown] == [3, 4]
    assert snapshot.models["own"].grown[0][1].structs == {"native"}
    assert snapshot.models["own"].grown[1][1].columns == {"tls"}
    assert len(log) == 5
    for number, written in enumerate(log[1:], 1):
        (told,) = (line for line in written.read_text().splitlines() if "commitInfo" in line)
        moment = json.loads(told)["commitInfo"]["timestamp"] / 1000
        lake = open_lake(grown, datetime.fromtimestamp(moment, UTC))
        assert lake.sql(f"SELECT {COLUMNS} FROM own ORDER BY 1").fetchall() == ROWS[:number]


def test_a_lake_that_has_not_grown_is_read_leaf_by_leaf(tmp_path: Path) -> None:
    """The care that older files need is taken for them alone."""
    with own_source(tmp_path, STRUCT, COLUMN_SQL):
        put(tmp_path / "logs", KEY, odd("192.0.2.1 n5"))
        read(tmp_path / "lake", tmp_path / "logs")
        sql = "SELECT sql FROM duckdb_views() WHERE view_name = 'own'"
        ((view,),) = open_lake(tmp_path / "lake").sql(sql).fetchall()
    assert "union_by_name" not in view
    assert "CASE" not in view


CONTRADICTIONS = {
    "another type": (LINES.replace('n = "BIGINT"', 'n = "VARCHAR"'), "own: native.n is long in"),
    "a leaf that is gone": (LINES.replace('n = "BIGINT"', 'm = "BIGINT"'), "native.n is in the"),
    "a STRUCT for a leaf": (
        LINES.replace('n = "BIGINT"', 'n = { x = "BIGINT" }'),
        "native.n is long in the lake and a STRUCT in the row model",
    ),
}


@pytest.mark.parametrize(("toml", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_model_that_contradicts_the_lake_is_told(toml: str, words: str, tmp_path: Path) -> None:
    put(tmp_path / "logs", KEY, odd("192.0.2.1 n5"))
    lake = tmp_path / "lake"
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    with own_source(tmp_path / "before"):
        read(lake, tmp_path / "logs")
    sql = LINES_SQL.replace('AS "native.n"', 'AS "native.m"' if "m =" in toml else 'AS "native.n"')
    if "{" in toml:
        sql = sql.replace("native.n", "native.n.x")
    put(tmp_path / "logs", "logs/late.log", odd("192.0.2.2 n6"))
    with own_source(tmp_path / "after", toml, sql):
        for use in (lambda: open_lake(lake), lambda: read(lake, tmp_path / "logs")):
            with pytest.raises(ModelError) as told:
                use()
            assert words in str(told.value)
            assert "`lake rebuild own`" in str(told.value)
    (tmp_path / "again").mkdir()
    with own_source(tmp_path / "again"):
        assert ask(lake, "SELECT native.n FROM own") == [(5,)]
        assert read(lake, tmp_path / "logs").rows == 1


def test_a_table_whose_source_is_not_there(tmp_path: Path) -> None:
    put(tmp_path / "logs", KEY, odd("192.0.2.1 n5"))
    lake = tmp_path / "lake"
    with own_source(tmp_path):
        read(lake, tmp_path / "logs")
    assert open_lake(lake).status().sourceless == ("own",)
    read(lake, more(tmp_path / "more"))
    with own_source(_made(tmp_path / "again")):
        assert len(ask(lake, "FROM own")) == 1
        assert open_lake(lake).status().sourceless == ()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_lists_of_structs_grow_by_leaves(tmp_path: Path) -> None:
    before = f'{LINES}list = "STRUCT(a VARCHAR)[]"\n'
    after = f'{LINES}list = "STRUCT(a VARCHAR, b STRUCT(c VARCHAR))[]"\n'
    one = LINES_SQL.replace("FROM (", ", [{'a': ip}] AS \"native.list\" FROM (", 1)
    two = LINES_SQL.replace("FROM (", ", [{'a': ip, 'b': {'c': how}}] AS \"native.list\" FROM (", 1)
    lake = tmp_path / "lake"
    for number, (toml, sql) in enumerate([(before, one), (after, two)]):
        put(tmp_path / "logs", f"logs/{number}.log", odd(f"192.0.2.{number} n5"))
        with own_source(_made(tmp_path / f"t{number}"), toml, sql):
            read(lake, tmp_path / "logs")
            if number:
                found = ask(lake, "SELECT native.list[1].b.c FROM own ORDER BY source.ip")
                assert found == [(None,), ("n5",)]
                table = DeltaTable(lake / "own").to_pyarrow_table()
                lists = sorted(str(row["list"]) for row in table["native"].to_pylist())
                assert lists == [
                    "[{'a': '192.0.2.0', 'b': None}]", "[{'a': '192.0.2.1', 'b': {'c': 'n5'}}]",
                ]  # fmt: skip


# -- a kill while a table grows ------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from deltalake import DeltaTable
import lake.store.commit
from lake.ingest import IngestOptions, ingest

step, path, *where = sys.argv[1:]
widen, write, writes = lake.store.commit.widen, DeltaTable.create_write_transaction, []

def widening(store, table, number, **more):
    version = widen(store, table, number, **more)
    if step == f"after {table}":
        os.kill(os.getpid(), signal.SIGKILL)
    return version

def writing(self, *given, **more):
    writes.append(write(self, *given, **more))
    if step == f"commit {len(writes)}":
        os.kill(os.getpid(), signal.SIGKILL)

lake.store.commit.widen, DeltaTable.create_write_transaction = widening, writing
ingest(Path(path), where, IngestOptions(jobs=1))
"""


@pytest.mark.long
@pytest.mark.parametrize("step", ["after _lake", "after own", "commit 1"])
def test_a_kill_while_a_table_grows(step: str, tmp_path: Path) -> None:
    """What Delta was told is taken back, and told again by the next ingest."""
    lake = unpacked("v1", tmp_path)
    put(tmp_path / "logs", KEY, odd("192.0.2.1 n5"))
    with own_source(_made(tmp_path / "t1")):
        read(lake, tmp_path / "logs")
    if step == "after _lake":  # as the first version left it
        lake = unpacked("v1", _made(tmp_path / "fresh"))
    schema = DeltaTable(lake / "own").schema() if (lake / "own").exists() else None
    put(tmp_path / "logs", "logs/late.log", odd("192.0.2.2 n6"))
    with own_source(_made(tmp_path / "t2"), STRUCT, COLUMN_SQL):
        root = Path(__file__).resolve().parents[2]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, step, lake, tmp_path / "logs"],
            env={"PYTHONPATH": str(root), "LAKE_TRANSFORMS": str(tmp_path / "t2")},
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        for view in ("events", "own", "cloudtrail"):
            read_all(open_lake(lake).cursor(), view)
        store = Store.open(lake)
        with store.lock():
            assert recover(store) is not None
        if schema is not None:
            assert growth(DeltaTable(lake / "own").schema(), table_schema("own")).added
        rows = read(lake, tmp_path / "logs").rows
        assert rows == (2 if step == "after _lake" else 1)
        for view in ("events", "own", "cloudtrail"):
            read_all(open_lake(lake).cursor(), view)
        assert ask(lake, "SELECT count(*) FROM own") == [(2,)]
        models = store.snapshot().models
        assert [n for n, _ in models["_lake"].grown] == [2]
        if schema is not None:
            assert [n for n, _ in models["own"].grown] == [3]
        assert "odd.log" in fates(lake)
