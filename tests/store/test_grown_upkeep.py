"""The upkeep of lakes of earlier row models: what compaction and rebuild write is of the present
one, and a rebuild is the way out where the row model contradicts a table."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from engine import ask, balance, put, read
from kills import KILLED, run
from own_source import LINES_SQL, odd, own_source
from test_growth import COLUMN_SQL, COLUMNS, CONTRADICTIONS, KEY, MODELS, ROWS, STRUCT, read_all

from lake.errors import ModelError
from lake.query import open_lake
from lake.upkeep.compact import compact
from lake.upkeep.rebuild import RebuildOptions, rebuild
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

ALONE = "SELECT native.part.deep.z, count(*) FROM own GROUP BY 1 ORDER BY 1"
"""DuckDB 2.0 fails on this where a file lacks the STRUCT and the view does not know."""


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A lake with a file of each model. The last one's source is in `now/`."""
    for number, (toml, sql) in enumerate(MODELS):
        put(tmp_path / f"logs{number}", KEY, odd(f"192.0.2.{number + 1} n{number}"))
        with own_source(_made(tmp_path / f"transforms{number}"), toml, sql):
            read(tmp_path / "lake", tmp_path / f"logs{number}")
    return tmp_path / "lake"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def view_of(lake: Path) -> str:
    sql = "SELECT sql FROM duckdb_views() WHERE view_name = 'own'"
    return str(open_lake(lake).sql(sql).fetchall()[0][0])


def test_compaction_ends_the_care_for_older_files(grown: Path) -> None:
    with own_source(_made(grown / ".." / "now"), STRUCT, COLUMN_SQL):
        assert "union_by_name" in view_of(grown)
        assert compact(grown).files_after == 1
        assert "union_by_name" not in view_of(grown)
        assert "CASE" not in view_of(grown)
        lake = open_lake(grown)
        assert lake.sql(f"SELECT {COLUMNS} FROM own ORDER BY 1").fetchall() == ROWS
        assert lake.sql(ALONE).fetchall() == [("192.0.2.3", 1), ("192.0.2.4", 1), (None, 2)]
        for view in ("own", "events"):
            read_all(lake.cursor(), view)
        assert verify(grown).findings == []


def test_a_compaction_by_the_newest_model_of_files_from_before_it(grown: Path) -> None:
    """All files are of a model without the STRUCT: the merged one has it, empty."""
    with own_source(_made(grown / ".." / "now"), STRUCT, COLUMN_SQL):
        compact(grown)
    put(grown / ".." / "more", "logs/more.log", odd("192.0.2.9 n9"))
    wider = f'{STRUCT}[native.other]\na = "VARCHAR"\n[native.other.deep]\nb = "VARCHAR"\n'
    sql = COLUMN_SQL.replace("FROM (", ', how AS "native.other.deep.b" FROM (', 1)
    with own_source(_made(grown / ".." / "then"), wider, sql):
        read(grown, grown / ".." / "more")
        compact(grown)
        found = ask(grown, "SELECT native.other.deep.b, count(*) FROM own GROUP BY 1 ORDER BY 1")
        assert found == [("n9", 1), (None, 4)]
        assert "CASE" not in view_of(grown)


def test_rebuild_fills_what_came_to_the_row_model(grown: Path) -> None:
    with own_source(_made(grown / ".." / "now"), STRUCT, COLUMN_SQL):
        before = open_lake(grown).status()
        assert (before.outdated, before.outdated_tables) == (3, ("own",))
        report = rebuild(grown, RebuildOptions("own"))
        assert (report.tables["own"].rows, report.tables["own"].kept) == (4, 0)
        assert open_lake(grown).sql(f"SELECT {COLUMNS} FROM own ORDER BY 1").fetchall() == [
            (f"192.0.2.{n + 1}", n, f"n{n}", 7, f"192.0.2.{n + 1}", "tls") for n in range(4)
        ]
        assert "CASE" not in view_of(grown)
        assert open_lake(grown).status().outdated == 0
        put(grown / ".." / "more", "logs/more.log", odd("192.0.2.9 n9"))
        read(grown, grown / ".." / "more")
        assert open_lake(grown).status().outdated == 0
        balance(grown)


def contradicted(tmp_path: Path, *records: str) -> Path:
    put(tmp_path / "logs", KEY, odd(*records))
    with own_source(_made(tmp_path / "before")):
        read(tmp_path / "lake", tmp_path / "logs")
    put(tmp_path / "logs", "logs/late.log", odd("192.0.2.9 n6"))
    return tmp_path / "lake"


def changed_sql(toml: str) -> str:
    if "m =" in toml:
        return LINES_SQL.replace('AS "native.n"', 'AS "native.m"')
    return LINES_SQL.replace("native.n", "native.n.x") if "{" in toml else LINES_SQL


@pytest.mark.parametrize(("toml", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_rebuild_gives_a_contradicted_table_its_new_type(
    toml: str, words: str, tmp_path: Path
) -> None:
    lake = contradicted(tmp_path, "192.0.2.1 n5", "192.0.2.2 n6")
    with own_source(_made(tmp_path / "after"), toml, changed_sql(toml)):
        with pytest.raises(ModelError, match=words):
            open_lake(lake)
        report = rebuild(lake, RebuildOptions("own"))
        assert (report.tables["own"].rows, report.tables["own"].kept) == (2, 0)
        (member,) = open_lake(lake).sql("SELECT native FROM own LIMIT 0").types
        assert str(member).startswith("STRUCT(")
        leaf = {"a": "native.n", "m": "native.m", "{": "native.n.x"}[
            next((mark for mark in ("{", "m") if f"{mark} " in toml.rsplit("[native]")[1]), "a")
        ]
        found = ask(lake, f"SELECT {leaf}::VARCHAR FROM own ORDER BY 1")
        assert found == [("5",), ("6",)]
        assert read(lake, tmp_path / "logs").rows == 1
        assert ask(lake, f"SELECT {leaf}::VARCHAR FROM own ORDER BY 1") == [("5",), ("6",), ("6",)]
        assert DeltaTable(lake / "own").to_pyarrow_table().num_rows == 3
        assert verify(lake).findings == []


def test_rows_that_cannot_be_made_anew_end_it(tmp_path: Path) -> None:
    lake = contradicted(tmp_path, "192.0.2.1 n5", "192.0.2.2 later")
    toml, _ = CONTRADICTIONS["another type"]
    sql = LINES_SQL.replace("how = 'reject'", "how = 'later'")
    words = r"1 rows of own cannot be made anew \(told so\)"
    with own_source(_made(tmp_path / "after"), toml, sql), pytest.raises(ModelError, match=words):
        rebuild(lake, RebuildOptions("own"))
    with own_source(_made(tmp_path / "again")):
        assert ask(lake, "SELECT native.n FROM own ORDER BY 1") == [(5,), (None,)]


@pytest.mark.long
@pytest.mark.parametrize("step", ["journal", "before commit 1", "after commit 1"])
def test_a_kill_while_a_contradicted_table_is_rebuilt(step: str, tmp_path: Path) -> None:
    """The earlier version is restored, with its type."""
    lake = contradicted(tmp_path, "192.0.2.1 n5")
    toml, _ = CONTRADICTIONS["another type"]
    program = f"{KILLED}\nfrom lake.upkeep.rebuild import rebuild\nrebuild(Path(lake))\n"
    with own_source(_made(tmp_path / "after"), toml):
        assert run(program, step, lake).wait(120) == -signal.SIGKILL
    with own_source(_made(tmp_path / "again")):
        assert ask(lake, "SELECT native.n FROM own") == [(5,)]
        assert read(lake, tmp_path / "logs").rows == 1
        assert ask(lake, "SELECT native.n FROM own ORDER BY 1") == [(5,), (6,)]
        assert verify(lake).findings == []
    with own_source(_made(tmp_path / "then"), toml):
        rebuild(lake)
        assert ask(lake, "SELECT native.n FROM own ORDER BY 1") == [("5",), ("6",)]
