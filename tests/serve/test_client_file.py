"""`lake.duckdb` in other clients, DuckDB 1.4 among them: whatever holds it, has left something
beside it or has moved it away from where it was written."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import duckdb
import logs
import polars as pl
import pytest
from clients import EARLIER, Client, ask
from deltalake import DeltaTable
from engine import put, read, two_sources
from filelock import FileLock
from logs import FLOW_KEY, TRAIL_KEY
from mounted import NO_MOUNT, mounts, run_mounted
from typer.testing import CliRunner

from lake.cli import app
from lake.errors import StorageError
from lake.ingest import IngestOptions
from lake.query import open_lake
from lake.serve.client_file import client_file_stale, open_prepared, write_client_file
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import leaves, path_sql
from lake.sources.rowmodel import columns_of

COUNT = "SELECT count(*) FROM events"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = two_sources(tmp_path_factory.mktemp("client"), 3)
    write_client_file(folder / "lake")
    return folder


@pytest.fixture
def lake(made: Path, tmp_path: Path) -> Path:
    """A lake of three calls and three flows where it was written, and new logs beside it."""
    shutil.copytree(made / "lake", tmp_path / "lake")
    write_client_file(tmp_path / "lake")
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(4)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(3)))
    return tmp_path / "lake"


def run(*arguments: str | Path) -> str:
    """A command of `lake` that succeeds; what it says."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("which", [EARLIER, "2."])
def test_views_and_macros(lake: Path, which: str, request: pytest.FixtureRequest) -> None:
    client = Client(lake, request.getfixturevalue("earlier") if which == EARLIER else "")
    assert client.ask("SELECT version()")[0][0].startswith(f"v{which}")
    views = ["events", *catalogue().sources, *catalogue().latest, *catalogue().families]
    for view in views:
        names = [path_sql(leaf.name) for leaf in leaves(columns_of(view))]
        counts = client.ask(f"SELECT {', '.join(f'count({name})' for name in names)} FROM {view}")
        assert isinstance(counts, list), counts
    assert client.ask(COUNT) == [[6]]
    assert client.ask("SELECT count(*) FROM objects WHERE NOT superseded") == [[2]]
    assert client.ask("SELECT batch FROM lake_version") == [[1]]
    for empty in ("rejects", "duplicates", "superseded_rows", "guardduty_latest"):
        assert client.ask(f"FROM {empty}") == []
    assert client.ask(
        "SELECT cidr('10.1.2.3', '10.0.0.0/8'), cidr('2001:db8::1', '2001:db9::/32'), "
        "is_private('fe80::1'), is_private('8.8.8.8'), arn('arn:aws:s3:::b/k').resource, "
        "ago('2 hours') BETWEEN now() - INTERVAL 3 HOURS AND now(), "
        "utc_bucket('1 day', TIMESTAMPTZ '2024-03-01 01:00:00+02')::VARCHAR"
    ) == [[True, False, True, False, "b/k", True, "2024-02-29 00:00:00+00"]]
    client.end()


def test_while_an_ingest_commits(lake: Path, packages: str) -> None:
    """What has been committed is there when `lake.duckdb` is written; until then, what was."""
    client = Client(lake, packages)
    read(lake, lake.parent / "logs")
    assert client.ask(COUNT) == [[6]]
    assert ask(lake, packages, COUNT) == [[6]]
    write_client_file(lake)
    assert client.ask(COUNT) == [[6]]
    assert ask(lake, packages, COUNT) == [[7]]
    client.end()


def test_a_client_that_was_killed_and_left_its_wal(lake: Path, packages: str) -> None:
    client = Client(lake, packages, "write")
    client.ask("CREATE TABLE mine AS SELECT 42 AS x")
    client.end("die")
    wal = lake / "lake.duckdb.wal"
    assert wal.exists()
    assert ask(lake, packages, COUNT) == [[6]]
    shutil.copy(wal, lake / "kept")
    run("ingest", lake.parent / "logs", "--lake", lake, "--jobs", "1")
    assert not wal.exists()
    assert ask(lake, packages, COUNT) == [[7]]
    (lake / "kept").rename(wal)  # of the file before
    assert ask(lake, packages, COUNT) == [[7]]


def test_what_a_killed_client_did_to_it_is_undone(lake: Path, packages: str) -> None:
    client = Client(lake, packages, "write")
    client.ask("DROP VIEW events")
    assert not client_file_stale(lake)
    client.end("die")
    assert "events does not exist" in ask(lake, packages, COUNT)
    assert client_file_stale(lake)
    assert "lake.duckdb was written anew" in run("status", "--lake", lake)
    assert ask(lake, packages, COUNT) == [[6]]


@pytest.mark.parametrize("command", [["sql", COUNT], ["status"], ["rejects"]])
def test_who_reads_a_moved_lake_waits_for_no_writer(lake: Path, command: list[str]) -> None:
    moved = lake.rename(lake.with_name("moved"))
    assert client_file_stale(moved)
    with FileLock(moved / "_lake.lock"):
        told = run(*command, "--lake", moved)
    assert "written anew" not in told
    assert "lake.duckdb was written anew" in run(*command, "--lake", moved)


def test_a_client_that_holds_it_for_writing(lake: Path, packages: str) -> None:
    client = Client(lake, packages, "write")
    client.ask("CREATE TABLE mine AS SELECT 42 AS x")
    assert not client_file_stale(lake)
    run("ingest", lake.parent / "logs", "--lake", lake, "--jobs", "1")
    assert ask(lake, packages, COUNT) == [[7]]
    client.ask("INSERT INTO mine VALUES (43)")
    assert client.ask(f"SELECT (SELECT sum(x) FROM mine), ({COUNT})") == [[85, 6]]
    client.end()
    assert ask(lake, packages, COUNT) == [[7]]
    assert sorted(p.name for p in lake.iterdir() if "duckdb" in p.name) == ["lake.duckdb"]


def test_a_moved_lake_is_found_by_any_command(lake: Path, packages: str, tmp_path: Path) -> None:
    moved = lake.rename(tmp_path / "moved's")
    assert "No files found" in ask(moved, packages, COUNT)
    assert "lake.duckdb was written anew" in run("sql", COUNT, "--lake", moved)
    assert "written anew" not in run("status", "--lake", moved)
    assert ask(moved, packages, COUNT) == [[6]]
    again = moved.rename(tmp_path / "again")
    (again.parent / "logs" / FLOW_KEY).unlink()
    run("ingest", again.parent / "logs", "--lake", again, "--jobs", "1")
    assert ask(again, packages, "SELECT lake FROM lake_version") == [[str(again)]]
    final = again.rename(tmp_path / "final")
    run("ingest", final.parent / "logs", "--lake", final, "--jobs", "1")  # nothing new
    assert ask(final, packages, COUNT) == [[7]]


def test_a_copy_on_another_disk(lake: Path, packages: str, tmp_path: Path) -> None:
    copy = tmp_path / "disk" / "lake"
    shutil.copytree(lake, copy)
    shutil.rmtree(lake)
    assert DeltaTable(copy / "cloudtrail").to_pyarrow_table().num_rows == 3
    assert pl.scan_delta(str(copy / "vpcflow")).collect().height == 3
    assert open_lake(copy).sql(COUNT).fetchall() == [(6,)]
    run("status", "--lake", copy)
    assert ask(copy, packages, COUNT) == [[6]]
    report = read(copy, tmp_path / "logs")
    assert (report.rows, report.duplicates) == (1, 6)


def test_an_ingest_that_was_killed_before_it_wrote_it(lake: Path) -> None:
    read(lake, lake.parent / "logs")
    assert not client_file_stale(lake)  # an ingest may be at work, and writes it at its end
    before = time.time() - 61
    os.utime(lake / "lake.duckdb", (before, before))
    assert "lake.duckdb was written anew" in run("status", "--lake", lake)
    assert ask(lake, "", COUNT) == [[7]]


def test_an_ingest_does_not_fail_where_it_cannot_be_written(lake: Path) -> None:
    (lake / "lake.duckdb").unlink()
    put(lake / "lake.duckdb", "in-the-way", b"")
    said = run("ingest", lake.parent / "logs", "--lake", lake, "--jobs", "1")
    assert "cannot be written" in said
    assert "The lake itself is whole." in said
    assert open_lake(lake).sql(COUNT).fetchall() == [(7,)]
    assert [p.name for p in lake.iterdir() if p.name.startswith(".lake.duckdb")] == []


READ_ONLY = f"""
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit {NO_MOUNT}
shift; exec "$@"
"""


@mounts
def test_a_copy_that_may_only_be_read(lake: Path, tmp_path: Path) -> None:
    """The file says where it was written, and cannot be made anew: the lake is read."""
    moved = lake.rename(tmp_path / "moved")
    program = [sys.executable, "-m", "lake.cli", "sql", COUNT, "--lake", str(moved)]
    done = run_mounted(READ_ONLY, [str(moved), *program])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "6"
    assert "lake.duckdb cannot be written: " in done.stderr
    assert "The lake itself is whole." in done.stderr


@mounts
def test_evidence_without_the_heads_of_its_views(lake: Path, tmp_path: Path) -> None:
    """A lake that may only be read, as another version of the program left it or a copy of its
    tables alone: every reading command makes the heads in a folder of its own, and removes it."""
    shutil.rmtree(lake / "_views")
    (tmp_path / "tmp").mkdir()
    commands = {
        "sql --locked": ["sql", "--locked", "--format", "csv", f"{COUNT} WHERE source.ip IS NULL"],
        "sql": ["sql", "--format", "csv", "SELECT count(*) FROM objects"],
        **{name: [name, "--lake", str(lake)] for name in ("status", "verify")},
        "panels": ["panels", "cloudtrail"],
    }
    for name, words in commands.items():
        program = [sys.executable, "-m", "lake.cli", *words]
        env = {**os.environ, "LAKE_DIR": str(lake), "TMPDIR": str(tmp_path / "tmp")}
        done = run_mounted(READ_ONLY, [str(lake), *program], env)
        assert (name, done.returncode, done.stderr.count("Traceback")) == (name, 0, 0), done.stderr
        assert not name.startswith("sql") or done.stdout.split()[-1].isdecimal()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (lake / "_views").exists()


def test_no_client_file_over_heads_of_a_process(lake: Path) -> None:
    """They end with it; others would find views over nothing."""
    shutil.rmtree(lake / "_views")
    (lake / "_views").touch()
    told = ask_own(lake)
    assert told == [(6,)]
    (lake / "lake.duckdb").unlink()
    with pytest.raises(StorageError, match="cannot be written: _views takes no files"):
        write_client_file(lake)
    assert not (lake / "lake.duckdb").exists()


def ask_own(lake: Path) -> list[tuple[int]]:
    """The rows that a locked reader of this process sees."""
    return open_lake(lake, locked=True).sql(COUNT).fetchall()


@pytest.mark.parametrize(
    "command",
    [["compact"], ["rebuild"], ["forget", "--before", "2024-02-02", "--yes"]],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left"), duckdb.FatalException("disk is full")],
    ids=lambda error: type(error).__name__,
)
def test_upkeep_reports_where_it_cannot_be_written(
    command: list[str], error: Exception, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    before = open_lake(lake).version
    monkeypatch.setattr("lake.serve.client_file._copy", refuse)
    (lake / "lake.duckdb").unlink()
    said = run(*command, "--lake", lake)
    assert f"lake.duckdb cannot be written: {error}. The lake itself is whole." in said
    assert any(told in said for told in ("partitions, ", "stay as they were", "rows forgotten"))
    assert command == ["compact"] or open_lake(lake).version > before


def test_python_reports_where_it_cannot_be_written(lake: Path) -> None:
    (lake / "lake.duckdb").unlink()
    put(lake / "lake.duckdb", "in-the-way", b"")
    report = open_lake(lake).ingest(str(lake.parent / "logs"), options=IngestOptions(jobs=1))
    assert report.rows == 1
    assert "cannot be written" in report.notes[-1]


def test_one_lake_by_several_names(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has the folder's real path, by whatever way that is named: no two write it in
    turn."""
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(lake)
    monkeypatch.chdir(tmp_path / "work")
    for name in (tmp_path / "link", Path("..") / "link", lake, Path("..") / "work" / ".." / "link"):
        write_client_file(name)
        with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
            told = client.sql("SELECT lake FROM lake_version").fetchall()
        assert told == [(str(lake.resolve()),)]
        assert open_lake(name).path == lake.resolve()
        assert not any(map(client_file_stale, (tmp_path / "link", lake)))
        assert open_prepared(tmp_path / "link") is not None


def test_the_half_of_a_killed_writer_is_removed(lake: Path) -> None:
    half = put(lake, ".lake.duckdb.new", b"half")
    write_client_file(lake)
    assert not half.exists()


# -- the copy that `lake sql` opens ----------------------------------------------------------------


def prepared(lake: Path, query: str = COUNT) -> list[tuple[object, ...]] | None:
    opened = open_prepared(lake)
    return opened and opened.cursor().execute(query).fetchall()


def test_the_copy_has_the_same_views(lake: Path) -> None:
    opened = open_prepared(lake)
    assert opened is not None
    assert opened.tables() == open_lake(lake).tables()
    names = "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    made = open_lake(lake).cursor().execute(names).fetchall()
    assert prepared(lake, names) == sorted([*made, ("lake_version",)])
    for (view,) in made:
        query = f"SELECT * FROM {view} ORDER BY ALL"
        assert prepared(lake, query) == open_lake(lake).cursor().execute(query).fetchall()


def test_the_copy_is_of_the_last_batch_only(lake: Path) -> None:
    assert prepared(lake) == [(6,)]
    read(lake, lake.parent / "logs")  # as an ingest does before its end: `lake.duckdb` is behind
    assert open_prepared(lake) is None
    assert run("sql", COUNT, "--lake", lake).split()[-1] == "7"
    write_client_file(lake)
    assert prepared(lake) == [(7,)]


def test_the_copy_is_of_this_place_and_program_only(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(lake, tmp_path / "moved")
    assert open_prepared(tmp_path / "moved") is None
    own = tmp_path / "sources"
    own.mkdir()
    monkeypatch.setenv("LAKE_TRANSFORMS", str(own))
    assert open_prepared(lake) is None


def test_what_a_client_did_to_its_file_is_not_shown(lake: Path, packages: str) -> None:
    """A view that somebody replaced in `lake.duckdb` is theirs; `lake sql` shows the lake."""
    statement = "CREATE OR REPLACE VIEW events AS SELECT 1 AS one WHERE false; CHECKPOINT"
    client = Client(lake, packages, "write")
    client.ask(statement)
    client.end()
    assert open_prepared(lake) is None
    assert run("sql", COUNT, "--lake", lake).split()[-1] == "6"


def test_the_copy_is_damaged_or_gone(lake: Path) -> None:
    (copy,) = (lake / "_views").glob("*.duckdb")
    time_of = copy.stat().st_mtime_ns
    copy.write_bytes(bytes(copy.stat().st_size))
    os.utime(copy, ns=(time_of, time_of))
    assert open_prepared(lake) is None
    assert run("sql", COUNT, "--lake", lake).split()[-1] == "6"
    copy.unlink()
    assert run("sql", COUNT, "--lake", lake).split()[-1] == "6"


def test_the_copy_changes_no_setting_and_writes_nothing(lake: Path) -> None:
    opened = open_prepared(lake)
    assert opened is not None
    for statement in ("SET temp_directory = '/tmp'", "CREATE TABLE mine (a INTEGER)"):
        with pytest.raises(duckdb.Error):
            opened.cursor().execute(statement)
    assert run("sql", "CREATE TABLE t AS SELECT 7 AS n; FROM t", "--lake", lake).split() == [
        "n",
        "7",
    ]
