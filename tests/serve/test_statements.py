"""What SQL of somebody's may do, told by its statements: the tables here are the specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.errors import UsageError
from lake.serve.statements import one_select, refuse_for_nothing, refuse_target, refuse_writes

READS = [
    "SELECT 1",
    "select 1;",
    "-- a note; with a semicolon\nSELECT 1 -- ; DROP TABLE x",
    "/* ; */ SELECT ';' ; ",
    "FROM cloudtrail",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "WITH a AS (SELECT 1) FROM a",
    "VALUES (1)",
    "TABLE cloudtrail",
    "DESCRIBE cloudtrail",
    "DESCRIBE SELECT 1",
    "SUMMARIZE cloudtrail",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "PIVOT t ON a IN (1, 2) USING sum(b)",
    "UNPIVOT t ON a, b",
    "SELECT query, q.query FROM query_table('t') AS q",
    "SELECT max(\"copy\"), '(copy', t.update FROM t -- (COPY",
    "EXPLAIN SELECT 1",
    "explain\n analyze FROM cloudtrail",
    "EXPLAIN ANALYZE (SELECT 1)",
    "/* why */ EXPLAIN SELECT 1",
    "-- why, é\n/* and */ EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN/**/SELECT 1",
    "EXPLAIN -- é\n ANALYZE /* ( */ SELECT 1;",
    "EXPLAIN (ANALYZE) SELECT 1",
    "EXPLAIN (FORMAT JSON) SELECT 1",
    "EXPLAIN (/* ) é */ ANALYZE, FORMAT 'json')(SELECT 1) UNION ALL (SELECT 2)",
    "EXPLAIN ((SELECT 1)) UNION ALL (SELECT ')')",
    "EXPLAIN ANALYZE (FORMAT JSON) FROM cloudtrail",
    "SELECT 'COPY x TO ''y''', \"INSERT\" FROM t",
]

MORE_THAN_READS = {
    "": "no statements",
    ";;": "no statements",
    "SELECT 1; SELECT 2": "2 statements: give one SELECT",
    "SELECT 1;\n-- x\nDROP VIEW cloudtrail": "2 statements",
    "COPY (SELECT 1) TO 'x'": "COPY is not let in here",
    "COPY t FROM 'x'": "COPY",
    "WITH a AS (SELECT 1) INSERT INTO t FROM a": "INSERT is not let in",
    "INSERT INTO t VALUES (1)": "INSERT",
    "UPDATE t SET a = 1": "UPDATE",
    "DELETE FROM t": "DELETE",
    "CREATE TABLE t AS SELECT 1": "CREATE",
    "CREATE MACRO m() AS 1": "CREATE",
    "CREATE OR REPLACE VIEW cloudtrail AS SELECT 1": "CREATE",
    "DROP VIEW cloudtrail": "DROP",
    "ALTER VIEW cloudtrail RENAME TO c": "ALTER",
    "ATTACH 'x.duckdb'": "ATTACH",
    "DETACH x": "DETACH",
    "USE x": "USE",
    "INSTALL httpfs": "INSTALL",
    "LOAD httpfs": "LOAD",
    "SET threads = 1": "SET",
    "RESET threads": "RESET",
    "SET VARIABLE a = 1": "SET",
    "PRAGMA version": "PRAGMA",
    "CALL pragma_version()": "CALL",
    "CHECKPOINT": "CHECKPOINT",
    "VACUUM": "VACUUM",
    "BEGIN": "BEGIN",
    "EXPORT DATABASE 'x'": "EXPORT",
    "IMPORT DATABASE 'x'": "IMPORT",
    "PREPARE p AS SELECT 1": "PREPARE",
    "EXECUTE p": "EXECUTE",
    "UPDATE EXTENSIONS": "UPDATE",
    "PIVOT t ON a USING sum(b)": "Name them: PIVOT t ON column IN",
    "WITH p AS (PIVOT t ON a USING sum(b)) FROM p": "Name them",
    "EXPLAIN COPY (SELECT 1) TO 'x'": "EXPLAIN COPY is not let in",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x'": "EXPLAIN ANALYZE is not let in",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO 'x'": "EXPLAIN (",
    "EXPLAIN /* x */ ANALYZE DELETE FROM t": "EXPLAIN ANALYZE",
    "EXPLAIN/**/DELETE FROM t": "EXPLAIN DELETE",
    "EXPLAIN (ANALYZE, FORMAT JSON) DELETE FROM t": "EXPLAIN (",
    "EXPLAIN (ANALYZE /* ) SELECT 1 -- */) DELETE FROM t": "EXPLAIN (",
    "EXPLAIN (FORMAT JSON) INSERT INTO t (SELECT 1)": "EXPLAIN (",
    "EXPLAIN (FORMAT JSON) SELECT 1; SELECT 2": "2 statements",
    "/* EXPLAIN SELECT 1 -- */ EXPLAIN ANALYZE DELETE FROM t": "EXPLAIN ANALYZE",
    "EXPLAIN ANALYZE WITH a AS (SELECT 1) INSERT INTO t FROM a": "EXPLAIN ANALYZE",
    "WITH a AS (COPY t TO 'x') FROM a": "COPY is not let in here",
    "WITH b AS (FROM t), a(n) AS NOT MATERIALIZED (/* ( */ copy t TO 'x') FROM a": "COPY is not",
    "EXPLAIN ANALYZE WITH a AS (COPY t TO 'x') FROM a": "COPY is not let in here",
    "WITH a AS (DELETE FROM t RETURNING *) FROM a": "DELETE is not let in here",
    "WITH a AS (WITH b AS (SELECT 1) INSERT INTO t FROM b) FROM a": "INSERT is not let in here",
    "FROM json_execute_serialized_sql('x')": "json_execute_serialized_sql is not let in",
    "FROM \"JSON_execute_serialized_sql\"(json_serialize_sql('FROM t'))": "is not let in here",
    "FROM query('FROM t')": "query is not let in here",
    "SELECT 1 FROM system.main.\"Query\" /* x */ ('FROM' || ' t')": "query is not let in here",
    "EXPLAIN SET threads = 1": "EXPLAIN SET",
    "EXPLAIN CALL pragma_version()": "EXPLAIN CALL",
    "SELEC 1": "syntax error",
    "SELECT '\udcff'": "not UTF-8",
}


@pytest.mark.parametrize("text", READS)
def test_one_select(text: str) -> None:
    one_select(text)
    refuse_writes(text, Path("lakehouse"))


@pytest.mark.parametrize(("text", "words"), MORE_THAN_READS.items())
def test_more_than_one_select(text: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        one_select(text)
    assert words in str(told.value)


def test_what_is_checked_is_what_runs() -> None:
    query = one_select("/* first */ SELECT 1 AS n; -- last").query
    assert query.removeprefix("/* first */ ").startswith("SELECT 1 AS n")  # 2.0.1 keeps comments


# -- a lake that is not locked -------------------------------------------------------------------

KEPT_IN_MEMORY = [
    "CREATE TEMP TABLE t AS SELECT 1; INSERT INTO t VALUES (2); FROM t",
    "CREATE MACRO m() AS 1; SELECT m()",
    "SET threads = 1; SELECT 1",
    "SET VARIABLE a = 1; SELECT getvariable('a')",
    "PRAGMA table_info('cloudtrail')",
    "PIVOT t ON a USING sum(b)",
    "CREATE TABLE t AS PIVOT u ON a USING sum(b)",
    "FROM 'watchlist.csv'",
    "COPY t FROM 'watchlist.csv'",
    "COPY (SELECT 1) TO 'out.csv'",
    "COPY cloudtrail TO 'out.parquet' (FORMAT parquet)",
    "COPY (SELECT ') TO (' AS \"TO\") TO 'it''s.csv' -- TO 'lakehouse'",
    "COPY (PIVOT t ON a USING sum(b)) TO 'out.csv'",
    "COPY t TO 's3://bucket/out.parquet'",
    "DROP VIEW cloudtrail",
    "COMMENT ON VIEW cloudtrail IS 'x'",
    "CHECKPOINT",
    "INSERT INTO t VALUES (2) RETURNING a",
]

LOST = [
    "CREATE TABLE t AS PIVOT u ON a USING sum(b)",
    "COPY t FROM 'watchlist.csv'",
    "DROP VIEW cloudtrail",
    "COMMENT ON VIEW cloudtrail IS 'x'",
    "CHECKPOINT",
]
"""Of these the ones that end with the command and leave nothing."""

REFUSED = {
    "COPY (SELECT 1) TO 'lakehouse/x.parquet'": "lies in the lake",
    "COPY (SELECT 1) TO 'out/../lakehouse/cloudtrail/x.parquet'": "lies in the lake",
    "COPY (SELECT 1) TO 'link/x.parquet'": "lies in the lake",
    "COPY (SELECT 1) TO 'lakehouse'": "lies in the lake",
    "COPY (SELECT 1) TO 'lakehouse/x' (FORMAT csv, USE_TMP_FILE false)": "lies in the lake",
    "COPY (SELECT 1) TO '.' (FORMAT csv, PARTITION_BY (a), OVERWRITE)": "a folder around the lake",
    "COPY (SELECT 1) TO 'file:{here}/lakehouse/x.csv'": "lies in the lake",
    "COPY (SELECT 1) TO 'file://localhost{here}/lakehouse/x.csv'": "lies in the lake",
    "COPY (PIVOT t ON a USING sum(b)) TO 'lakehouse/x.csv'": "lies in the lake",
    "COPY (SELECT 1) TO ('lake' || 'house/x.csv')": "in plain text",
    "COPY (SELECT 1) TO (getvariable('a'))": "in plain text",
    "COPY (SELECT 1) TO $$lakehouse/x.csv$$": "in plain text",
    "COPY (SELECT 1) TO E'lakehouse\\x2fx.csv'": "in plain text",
    'COPY (SELECT 1) TO "lakehouse/x.csv"': "in plain text",
    "COPY (SELECT 1) TO 'o' (FORMAT csv, FILENAME_PATTERN '../lakehouse/x')": "FILENAME_PATTERN",
    "SELECT 1; COPY (SELECT 1) TO 'lakehouse/x.csv'": "lies in the lake",
    "WITH a AS (COPY (SELECT 1) TO 'lakehouse/x.csv') FROM a": "does not run COPY within",
    "CREATE VIEW v AS WITH a AS (COPY t TO 'x') FROM a": "does not run COPY within",
    "CALL query('FROM t')": "does not run query within",
    "CREATE TABLE t AS FROM query('FROM t')": "does not run query within",
    "PRAGMA json_execute_serialized_sql('x')": "does not run json_execute_serialized_sql",
    "EXPORT DATABASE 'lakehouse'": "lake sql does not run EXPORT",
    "IMPORT DATABASE 'x'": "does not run IMPORT",
    "PRAGMA import_database('x')": "does not run PRAGMA",
    "ATTACH 'lakehouse/lake.duckdb'": "duckdb -readonly LAKE/lake.duckdb",
    "COPY FROM DATABASE a TO b": "does not run COPY",
    "INSTALL httpfs": "does not run INSTALL",
    "LOAD 'x.duckdb_extension'": "does not run LOAD",
    "PREPARE p AS COPY (SELECT 1) TO 'lakehouse/x.csv'": "does not run PREPARE",
    "EXECUTE p": "does not run EXECUTE",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'": "does not run EXPLAIN ANALYZE",
    "UPDATE EXTENSIONS": "does not run UPDATE",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lake, another one, and a link to the lake."""
    (tmp_path / "lakehouse" / "cloudtrail").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("lakehouse")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("text", KEPT_IN_MEMORY)
def test_what_may_run_on_an_open_lake(text: str) -> None:
    refuse_writes(text, Path("lakehouse"))


@pytest.mark.parametrize("text", KEPT_IN_MEMORY)
def test_what_gives_rows_or_writes_a_file_comes_to_something(text: str) -> None:
    if text in LOST:
        with pytest.raises(UsageError, match="nothing would come of"):
            refuse_for_nothing(text)
    else:
        refuse_for_nothing(text)


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_what_may_not(text: str, words: str, here: Path) -> None:
    with pytest.raises(UsageError) as told:
        refuse_writes(text.replace("{here}", str(here)), here / "lakehouse")
    assert words in str(told.value)


def test_targets(here: Path) -> None:
    for target in ("x.csv", "out", "lakehouse2", "out/lakehouse", "s3://lakehouse/x", "/dev/null"):
        refuse_target(target, Path("lakehouse"))
    for target in ("lakehouse/x", "~/lakehouse/x", "link", here, here.parent, "/", "out/../link/x"):
        with pytest.raises(UsageError, match="the lake, which only"):
            refuse_target(target, here / "link")
