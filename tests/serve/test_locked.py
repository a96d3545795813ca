"""A locked lake reads its committed files and nothing else, and nothing a query says changes them.
Every way out of DuckDB is tried, both as `lake sql --locked` gets it and on the connection itself,
as if a statement had passed the check."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import duckdb
import pytest
from engine import read, two_sources

from lake.dashboards.panels import run_dashboard
from lake.errors import UsageError
from lake.filters.selection import Selection
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-7f3a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of six rows; beside it, files that hold the canary; in it, a file of no commit."""
    made = two_sources(tmp_path_factory.mktemp("locked"), 3)
    for name, query in {
        "canary.csv": f"SELECT '{CANARY}' AS word",
        "canary.json": f"SELECT '{CANARY}' AS word",
        "canary.parquet": f"SELECT '{CANARY}' AS word",
        "lake/cloudtrail/stray.parquet": f"SELECT '{CANARY}' AS word",
    }.items():
        duckdb.sql(f"COPY ({query}) TO '{made / name}'")
    with duckdb.connect(str(made / "canary.duckdb")) as con:
        con.execute(f"CREATE TABLE t AS SELECT '{CANARY}' AS word")
    return made


@pytest.fixture(scope="module")
def locked(folder: Path) -> Lake:
    return open_lake(folder / "lake", locked=True)


def committed(folder: Path) -> dict[str, str]:
    """Each file of the folder that is not a spill -> a hash of its bytes."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_staging" not in path.parts
    }


def filled(text: str, folder: Path) -> str:
    parquet = min((folder / "lake" / "cloudtrail").rglob("account=*/**/*.parquet"))
    return text.replace("{c}", str(folder / "canary")).replace("{lake}", str(parquet))


def test_it_reads_what_the_lake_holds(locked: Lake, folder: Path) -> None:
    assert locked.sql("SELECT count(*), count(event.original) FROM events").fetchall() == [(6, 6)]
    assert locked.sql("SELECT count(*) FROM objects").fetchall() == [(2,)]
    assert locked.sql("SELECT cidr('10.1.2.3', '10.0.0.0/8')").fetchall() == [(True,)]
    rows = locked.sql("SELECT DISTINCT account, region FROM events").fetchall()
    assert len(rows) == 1
    assert locked.status().objects == {"read": 2}
    assert len(run_dashboard(locked, "cloudtrail")) > 10
    assert locked.sql(filled("SELECT count(*) FROM '{lake}'", folder)).fetchall() == [(3,)]


READS = [
    "FROM '{c}.csv'",
    "FROM '{c}.parquet'",
    'FROM "{c}.parquet"',
    "FROM 'file:{c}.csv'",
    "FROM read_text('{c}.csv')",
    "FROM read_text('file://localhost{c}.csv')",
    "FROM read_blob('{c}.csv')",
    "FROM read_csv('{c}.csv')",
    "FROM read_csv(['{c}.csv'])",
    "FROM read_json('{c}.json')",
    "FROM read_json_objects('{c}.json')",
    "FROM read_ndjson('{c}.json')",
    "FROM read_parquet('{c}.parquet')",
    "FROM read_parquet('{lake}/../../../../../../../canary.parquet')",
    "FROM read_duckdb('{c}.duckdb')",
    "FROM sniff_csv('{c}.csv')",
    "FROM parquet_metadata('{c}.parquet')",
    "FROM parquet_schema('{c}.parquet')",
    "FROM parquet_kv_metadata('{c}.parquet')",
    "FROM parquet_file_metadata('{c}.parquet')",
    "FROM parquet_full_metadata('{c}.parquet')",
    "FROM parquet_bloom_probe('{c}.parquet', 'word', 'x')",
    "FROM glob('{c}*')",
    "FROM query('FROM read_text(''{c}.csv'')')",
    "FROM query_table('{c}.csv')",
    "FROM query_table(['{c}.parquet'])",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{c}.csv'')'))",
    "SELECT (SELECT content FROM read_text('{c}.csv'))",
    "EXPLAIN ANALYZE FROM read_csv('{c}.csv')",
    "DESCRIBE FROM '{c}.csv'",
    "SUMMARIZE '{c}.csv'",
    "FROM read_text('/etc/passwd')",
    "FROM read_text('/proc/self/environ')",
    "FROM read_csv('/dev/stdin')",
    "FROM 'http://127.0.0.1:9/x.parquet'",
    "FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT getenv('HOME')",
    "FROM folder",
    "FROM locked",
]
STRAY = "SELECT word FROM read_parquet('{folder}/lake/cloudtrail/stray.parquet')"
WRITES = [
    "FROM enable_logging('QueryLog', storage = 'file', storage_path = '{lake}')",
    "FROM enable_logging(storage = 'stdout')",
    "FROM enable_profiling(format = 'json', save_location = '{lake}')",
    "CALL enable_logging('QueryLog', storage = 'file', storage_path = '{lake}')",
    "COPY (SELECT 1) TO '{c}-out.csv'",
    "COPY (SELECT 1 AS x) TO '{lake}'",
    "COPY (SELECT 1 AS x) TO '{lake}' (USE_TMP_FILE true)",
    "EXPLAIN ANALYZE COPY (SELECT 1 AS x) TO '{lake}'",
    "PREPARE p AS COPY (SELECT 1 AS x) TO '{lake}'; EXECUTE p",
    "ATTACH '{c}.duckdb' AS other",
    "ATTACH '{c}-new.duckdb' AS other",
    "EXPORT DATABASE '{c}-export'",
    "IMPORT DATABASE '{c}'",
    "INSTALL httpfs",
    "INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "LOAD '{c}.csv'",
    "CREATE TABLE t AS FROM '{c}.csv'",
    "CREATE TABLE t (word VARCHAR); COPY t FROM '{c}.csv'",
    "CREATE MACRO m() AS TABLE FROM '{c}.csv'; FROM m()",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{c}.csv']",
    "SET allowed_directories = ['/']",
    "SET allowed_configs = ['threads']",
    "SET lock_configuration = false",
    "RESET lock_configuration",
    "SET file_search_path = '/'",
    "SET temp_directory = '{c}-spill'",
    "SET profiling_output = '{lake}'",
    "PRAGMA profiling_output = '{lake}'",
    "PRAGMA enable_profiling = 'json'",
    "SET log_query_path = '{lake}'",
    "SET python_enable_replacements = true",
    "SET memory_limit = '1TB'",
]


@pytest.mark.parametrize("text", [*READS, STRAY, *WRITES])
def test_nothing_else_can_be_opened(text: str, folder: Path) -> None:
    lake = open_lake(folder / "lake", locked=True)
    query, before = filled(text, folder).replace("{folder}", str(folder)), committed(folder)
    told = []
    for run in (lake.sql, lake.cursor().execute):
        with pytest.raises((UsageError, duckdb.Error)) as error:
            run(query).fetchall()
        told.append(str(error.value))
    assert not any(CANARY in words.replace(str(folder), "") for words in told)
    assert committed(folder) == before
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(6,)]
    assert committed(folder) == before


IN_PLACE = "COPY (SELECT 1 AS x) TO '{lake}' (USE_TMP_FILE false)"


@pytest.mark.parametrize("text", [IN_PLACE, f"EXPLAIN ANALYZE {IN_PLACE}", f"SELECT 1; {IN_PLACE}"])
def test_what_the_engine_would_overwrite_the_check_stops(
    text: str, folder: Path, locked: Lake
) -> None:
    """DuckDB has one list of paths, for reading and for writing: a COPY straight onto a committed
    file would pass there."""
    query, before = filled(text, folder), committed(folder)
    with pytest.raises(UsageError, match=r"is not let in here|2 statements"):
        locked.sql(query)
    condition = f"1 = 1); {filled(IN_PLACE, folder)}; SELECT (1"
    with pytest.raises(UsageError):
        run_dashboard(locked, "cloudtrail", where=condition)
    assert committed(folder) == before


def test_a_condition_of_ones_own_opens_no_file(locked: Lake, folder: Path) -> None:
    condition = filled("(SELECT word FROM read_csv('{c}.csv')) IS NOT NULL", folder)
    with pytest.raises(UsageError, match="file system operations are disabled"):
        run_dashboard(locked, "cloudtrail", where=condition)
    assert Selection(where="1 = 1").clause("cloudtrail").sql == "(1 = 1\n)"


def test_a_lake_that_moves_on_stays_locked(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "lake", tmp_path / "lake")
    (tmp_path / "lake" / "cloudtrail" / "stray.parquet").unlink()
    lake = open_lake(tmp_path / "lake", locked=True)
    more = two_sources(tmp_path / "more", 5)
    read(tmp_path / "lake", more / "logs")
    lake.refresh()
    # two further calls, and five flows of another object
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(13,)]
    with pytest.raises(duckdb.PermissionException):
        lake.sql(filled("FROM '{c}.csv'", folder))


@pytest.mark.parametrize("name", ["it's, (here)", "under/..", "link"])
def test_a_path_of_any_spelling(name: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "under").mkdir()
    (tmp_path / "link").symlink_to(".")
    place = tmp_path / name / "lake"
    shutil.copytree(folder / "lake", place)
    lake = open_lake(place, locked=True)
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(6,)]


def test_a_sort_larger_than_memory_spills(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake.serve.reader.default_memory", lambda: 0)
    lake = open_lake(folder / "lake", locked=True)
    query = (
        "SELECT count(*) FROM (SELECT repeat(range::VARCHAR, 20) AS a FROM range(4500000) "
        "ORDER BY a DESC OFFSET 1)"
    )
    assert lake.sql("SELECT current_setting('memory_limit')").fetchall() == [("512.0 MiB",)]
    assert lake.sql(query).fetchall() == [(4_499_999,)]


# -- a lake that is not locked -------------------------------------------------------------------


def test_an_open_lake_writes_no_secret(folder: Path) -> None:
    """It would lie in the home of whoever asked, and later sessions would load it."""
    with pytest.raises(duckdb.Error, match=r"[Pp]ersistent"):
        open_lake(folder / "lake").sql("CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'a')")


@pytest.mark.parametrize("asked", ["duckdb_secrets()", "which_secret('s3://bucket/x', 's3')"])
def test_the_secrets_of_a_home_are_not_there(locked: Lake, asked: str) -> None:
    assert locked.sql(f"FROM {asked}").fetchall() == []


def test_an_open_lake_reads_other_files_and_no_variable(folder: Path) -> None:
    lake = open_lake(folder / "lake")
    assert lake.sql(filled("FROM '{c}.csv'", folder)).fetchall() == [(CANARY,)]
    with pytest.raises(duckdb.CatalogException, match="query does not exist"):
        lake.sql("FROM query")


@pytest.mark.parametrize("text", [w for w in WRITES if "{lake}" in w and "COPY" not in w])
def test_an_open_lake_keeps_its_settings_too(text: str, folder: Path) -> None:
    lake, before = open_lake(folder / "lake"), committed(folder)
    with pytest.raises(duckdb.InvalidInputException, match="configuration has been locked"):
        lake.cursor().execute(filled(text, folder)).fetchall()
    lake.sql("SELECT 1").fetchall()
    assert committed(folder) == before
    con = lake.cursor()
    con.execute("SET threads = 1; SET TimeZone = 'Asia/Tokyo'")
    assert con.execute("SELECT current_setting('threads')").fetchall() == [(1,)]
