"""A query that somebody types into a page: its limits, its end, its result and the files of it."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine import two_sources

from lake.ask import adhoc, at_hand
from lake.ask.adhoc import Question, Result
from lake.errors import LakeError, UsageError
from lake.query import Lake, open_lake

FOREVER = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return open_lake(two_sources(tmp_path_factory.mktemp("adhoc"), 3) / "lake", locked=True)


def asked(lake: Lake, text: str, **limits: float) -> Result:
    return Question(lake, text, **limits).result()  # type: ignore[arg-type]


def test_a_result(lake: Lake) -> None:
    result = asked(
        lake, "SELECT event.dataset AS d, count(*) AS n FROM events GROUP BY 1 ORDER BY 1"
    )
    assert result.table.to_pylist() == [{"d": "cloudtrail", "n": 3}, {"d": "vpcflow", "n": 3}]
    assert result.cut is None
    assert 0 < result.seconds < 60


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DROP VIEW events", "DROP is not let in here"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT nobody FROM events", "nobody"),
        ("SELECT 'x'::INTEGER", "Could not convert string 'x'"),
        ("FROM read_text('/etc/passwd')", "file system operations are disabled"),
        (
            "SELECT (CASE WHEN i = 9000 THEN 'x' ELSE '1' END)::INTEGER FROM range(100000) t(i)",
            "Could not convert string 'x'",
        ),
    ],
)
def test_what_does_not_run(lake: Lake, text: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        asked(lake, text)
    assert words in str(told.value)


def test_an_open_lake_is_not_asked(lake: Lake) -> None:
    with pytest.raises(LakeError, match="wants a locked lake"):
        Question(open_lake(lake.path), "SELECT 1")


def test_rows_beyond_the_limit_are_cut_and_told_of(lake: Lake) -> None:
    exact = asked(lake, "FROM range(1000)", row_limit=1000)
    assert (exact.table.num_rows, exact.cut) == (1000, None)
    cut = asked(lake, "FROM range(1001)", row_limit=1000)
    assert (cut.table["range"].to_pylist(), cut.cut) == (list(range(1000)), "the first 1,000 rows")
    endless = asked(lake, "FROM range(1000000000000)", row_limit=10)
    assert (endless.table.num_rows, endless.cut) == (10, "the first 10 rows")


def test_bytes_beyond_the_limit_are_cut_and_told_of(lake: Lake) -> None:
    result = asked(lake, "SELECT repeat('x', 10000) AS x FROM range(5000)", byte_limit=10_000_000)
    assert 0 < result.table.num_rows < 1_100
    assert result.cut == f"the first {result.table.num_rows:,} rows, of 10 MB"


def test_a_query_that_runs_for_ever_ends_at_its_time(lake: Lake) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"Stopped after 0\.\d s: the limit is 0\.5 s\."):
        asked(lake, FOREVER, seconds=0.5)
    assert time.monotonic() - began < 20
    assert asked(lake, "SELECT 1 AS n").table.to_pylist() == [{"n": 1}]


def test_a_query_can_be_stopped(lake: Lake) -> None:
    question = Question(lake, FOREVER)
    assert not question.wait(0.3)
    question.stop()
    assert question.wait(0)
    with pytest.raises(UsageError, match=r"Stopped after \d+\.\d s: as asked\."):
        question.result()
    question.stop()
    assert not [t for t in threading.enumerate() if t.name == "a typed query"]


def test_a_query_is_stopped_amid_its_rows(lake: Lake) -> None:
    slow = "SELECT list_sum(list_transform(range(500000), lambda x: x + i)) FROM range(20000) t(i)"
    question = Question(lake, slow, row_limit=20_000)
    assert not question.wait(1)
    question.stop()
    with pytest.raises(UsageError, match=r"Stopped after \d+\.\d s: as asked\."):
        question.result()


def test_two_questions_at_once(lake: Lake) -> None:
    slow = Question(lake, FOREVER)
    assert asked(lake, "SELECT count(*) AS n FROM events").table.to_pylist() == [{"n": 6}]
    assert not slow.wait(0)
    slow.stop()


EVERY = """SELECT 9007199254740993 AS big, 7::HUGEINT AS small, sum(x)::HUGEINT AS total,
  1.5::DECIMAL(5, 2) AS price, {'a': [1], 'b': 'x'} AS tree, MAP {'k': 1} AS map,
  TIMESTAMPTZ '2024-02-01 10:00:00.5Z' AS moment, DATE '2024-02-01' AS day, true AS yes,
  '\\x41'::BLOB AS blob, INTERVAL 1 DAY AS span, NULL AS nothing, 1 AS "=x", 2 AS "=x",
  chr(27) || '[2J' AS escape, repeat('x', 3000) AS long FROM range(3) AS t(x)"""


def test_what_is_shown(lake: Lake) -> None:
    shown = asked(lake, EVERY).shown()
    row = dict(zip(shown.column_names, (c[0].as_py() for c in shown.columns), strict=True))
    assert row == {
        "big": "9007199254740993", "small": 7, "total": 3, "price": "1.50",
        "tree": '{"a":[1],"b":"x"}', "map": '{"k":1}',
        "moment": datetime(2024, 2, 1, 10, 0, 0, 500_000, UTC),
        "day": datetime(2024, 2, 1, tzinfo=UTC).date(), "yes": True, "blob": "41",
        "span": "1 day", "nothing": None, "=x": 1, "=x_1": 2, "escape": "\ufffd[2J",
        "long": "x" * 1000 + " \u2026 (3,000 characters)",
    }  # fmt: skip
    assert asked(lake, "FROM range(5000)").shown().num_rows == adhoc.DISPLAY_LIMIT


def test_times_within_structures_are_utc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    result = asked(lake, "SELECT {'at': TIMESTAMPTZ '2024-02-01 10:00:00+00'} AS tree")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert result.shown()["tree"].to_pylist() == ['{"at":"2024-02-01 10:00:00+00"}']
    finally:
        monkeypatch.undo()
        time.tzset()


def test_files_hold_the_result_as_it_came(lake: Lake) -> None:
    query = EVERY.replace('2 AS "=x"', '2 AS "=y"')
    result = asked(lake, query)
    (head, cells) = csv.reader(io.StringIO(result.file("csv").decode(), newline=""))
    assert (head[-4:], cells[-4:-1]) == (["'=x", "'=y", "escape", "long"], ["1", "2", "\x1b[2J"])
    (line,) = result.file("jsonl").decode().splitlines()
    row = json.loads(line)
    assert row["big"] == 9007199254740993
    assert row["moment"] == "2024-02-01T10:00:00.500000Z"
    assert (row["escape"], row["long"]) == ("\x1b[2J", "x" * 3000)
    assert pq.read_table(pa.BufferReader(result.file("parquet"))).to_pylist() == (
        result.table.to_pylist()
    )
    with pytest.raises(UsageError, match="Parquet has no such type"):
        asked(lake, "SELECT union_value(n := 1) AS either").file("parquet")


def test_the_largest_numbers_are_not_negative(lake: Lake) -> None:
    """DuckDB gives Arrow a UHUGEINT as a HUGEINT."""
    query = """SELECT n AS x, n AS x, [n] AS list, {'n': n} AS tree, MAP {n: 1} AS map
      FROM (SELECT md5_number('0') AS n)"""
    (due,) = lake.sql("SELECT md5_number('0')::VARCHAR").fetchall()[0]
    result = asked(lake, query)
    assert result.table.column_names == ["x", "x", "list", "tree", "map"]
    cells = [column[0].as_py() for column in result.table.columns]
    assert cells == [due, due, [due], {"n": due}, [(due, 1)]]
    assert result.shown().column(0)[0].as_py() == due
    assert due in result.file("csv").decode()


def test_what_can_be_asked(lake: Lake) -> None:
    views = at_hand.views_of(lake)
    assert views == [
        "events", "cloudtrail", "vpcflow", "objects", "rejects", "duplicates", "forgotten",
        "export_rejects", "batches", "superseded_rows", "accounts",
    ]  # fmt: skip
    for view in [*views, "guardduty_latest"]:
        names = [name for name, _ in at_hand.columns_of_view(lake, view)]
        assert names
        asked(lake, f"SELECT {', '.join(names)} FROM {view} LIMIT 1")
        assert asked(lake, at_hand.first_rows(view)).cut is None
    assert asked(lake, at_hand.example()).table.column_names == [
        "dataset", "action", "events", "failed",
    ]  # fmt: skip


def test_duplicate_names_lose_nothing_in_json(lake: Lake) -> None:
    result = asked(lake, "SELECT 1 AS a, 2 AS a")
    assert sorted(json.loads(result.file("jsonl")).values()) == [1, 2]


def test_a_query_that_nobody_wants_ends(lake: Lake) -> None:
    here = threading.Event()
    question = Question(lake, FOREVER, wanted=lambda: not here.is_set())
    assert not question.wait(2.5)
    here.set()
    assert question.wait(20)
    with pytest.raises(UsageError, match=r"Stopped after \d+\.\d s: as asked\."):
        question.result()


def test_a_plan_tells_rows_and_times(lake: Lake) -> None:
    text = "-- how\nSELECT event.dataset, count(*) FROM events WHERE event.hash <> 0 GROUP BY 1;"
    result = Question(lake, text, explain=True).result()
    steps = result.plan()
    assert steps is not None
    assert [(step.name, step.rows, step.deep) for step in steps if step.name == "Read parquet"] == [
        ("Read parquet", 6, 0)
    ]
    assert "event.dataset" in steps[-1].about
    assert not [step for step in steps if ".parquet" in step.about]
    assert all(0 <= step.seconds < 60 for step in steps)
    joined = Question(lake, "FROM events a JOIN cloudtrail b USING (account)", explain=True)
    assert {step.deep for step in joined.result().plan() or ()} == {0, 1}
    assert asked(lake, "SELECT 1").plan() is None
    assert asked(lake, "EXPLAIN SELECT 1").plan() is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EXPLAIN SELECT 1", "an EXPLAIN already"),
        ("COPY events TO 'x.csv'", "COPY is not let in here"),
        ("SELECT 1; COPY events TO 'x.csv'", "2 statements"),
        ("FROM read_text('/etc/passwd')", "file system operations are disabled"),
    ],
)
def test_a_plan_is_of_one_select(lake: Lake, text: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        Question(lake, text, explain=True).result()
    assert words in str(told.value)


def test_the_file_of_a_cut_result_has_all(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "FROM range(2000)"
    cut = asked(lake, text, row_limit=1000)
    lines = adhoc.result_file(lake, text, cut, "jsonl").decode().splitlines()
    assert (len(lines), lines[-1]) == (2000, '{"range": 1999}')
    monkeypatch.setattr(adhoc, "FILE_ROWS", 1500)
    with pytest.raises(UsageError, match="would have the first 1,500 rows only"):
        adhoc.result_file(lake, text, cut, "csv")
    whole = asked(lake, "FROM range(3)")
    text = "not asked again"
    assert adhoc.result_file(lake, text, whole, "csv").split() == [*b"range 0 1 2".split()]


def test_what_is_at_hand(lake: Lake) -> None:
    known = dict(at_hand.functions())
    assert set(known) == {
        "ipv4_number(ip)", "ipv6_hex(ip)", "address_order(text)", "cidr(ip, net)", "is_private(ip)",
        "ago(span)", "utc_bucket(width, time)", "arn(text)",
    }  # fmt: skip
    assert (
        known["ago(span)"] == "the moment that long before now: `\"@timestamp\" > ago('2 hours')`"
    )
    assert at_hand.rows_with("events", ()) == at_hand.first_rows("events")
    query = at_hand.rows_with("events", ['"@timestamp"', "source.ip"])
    assert query == 'SELECT "@timestamp",\n       source.ip\nFROM events\nLIMIT 100'
    assert asked(lake, query).table.column_names == ["@timestamp", "ip"]
