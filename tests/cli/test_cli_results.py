"""Results on stdout: the same values in every format, whatever stdout is."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from command import ROOT, Done, shell
from engine import hashes

from lake.ask.output import write
from lake.commands.panels_text import print_panels
from lake.dashboards.panels import PanelResult
from lake.terminal import console

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = """SELECT * FROM (VALUES
  (1::BIGINT, 'a,"b"', TIMESTAMPTZ '2024-02-01 10:00:00.5Z', {'x': [1, 2]}, 1.5::DOUBLE, true),
  (NULL, '=1+1', NULL, NULL, NULL, false)) AS t(n, text, moment, tree, share, yes)"""
PLAIN = [
    {"n": 1, "text": 'a,"b"', "moment": "2024-02-01T10:00:00.500000Z", "tree": {"x": [1, 2]},
     "share": 1.5, "yes": True},
    {"n": None, "text": "=1+1", "moment": None, "tree": None, "share": None, "yes": False},
]  # fmt: skip


def test_json_and_json_lines(lake: Callable[[str], Done], made: Path) -> None:
    whole = lake(f"sql {shlex.quote(VALUES)} --lake made --format json")
    assert (whole.code, whole.err, whole.rows) == (0, "", PLAIN)
    lines = lake(f"sql {shlex.quote(VALUES)} --lake made --format jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == PLAIN


def test_columns_of_one_name_are_told_apart(lake: Callable[[str], Done], made: Path) -> None:
    query = "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a"
    assert lake(f"sql '{query}' --lake made --format json").rows == [
        {"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}
    ]


def test_csv_quotes_and_disarms_formulas(lake: Callable[[str], Done], made: Path) -> None:
    assert lake(f"sql {shlex.quote(VALUES)} --lake made --format csv").out == (
        "n,text,moment,tree,share,yes\n"
        '1,"a,""b""",2024-02-01T10:00:00.500000Z,"{""x"": [1, 2]}",1.5,true\n'
        ",'=1+1,,,,false\n"
    )


def test_a_decimal_keeps_its_digits(lake: Callable[[str], Done], made: Path) -> None:
    many, deep = "12345678901234567890.1234567890", "-0.12345678901234567890123456789012345678"
    query = f"""SELECT {many}::DECIMAL(38, 10) AS many, '{deep}'::DECIMAL(38, 38) AS deep,
      1.00::DECIMAL(4, 2) AS one, 0.10::DECIMAL(4, 2) AS tenth, [1.25] AS list,
      12345678901234567890123456789012345678::DECIMAL(38, 0) AS whole"""
    line = f"sql {shlex.quote(query)} --lake made --format"
    whole = "12345678901234567890123456789012345678"
    assert lake(f"{line} csv").out.splitlines()[1] == f"{many},{deep},1.00,0.10,[1.25],{whole}"
    assert lake(f"{line} table").out.split()[6:] == [many, deep, "1.00", "0.10", "[1.25]", whole]
    assert lake(f"{line} json").rows == [
        {"many": many, "deep": deep, "one": 1, "tenth": 0.1, "list": [1.25], "whole": int(whole)}
    ]


def test_spans_and_times_that_python_has_none_of(lake: Callable[[str], Done], made: Path) -> None:
    query = """SELECT INTERVAL '1 month' AS span, 'infinity'::TIMESTAMPTZ AS at,
      '-infinity'::DATE AS day, 'infinity'::TIMESTAMP AS local, [INTERVAL 36 HOUR] AS spans
      UNION ALL SELECT NULL, '9999-12-31 23:59:59.999999Z'::TIMESTAMPTZ, '0001-01-01'::DATE,
      '9999-12-31 23:59:59.999999'::TIMESTAMP, NULL"""
    line = f"sql {shlex.quote(query)} --lake made --format"
    assert lake(f"{line} json").rows == [
        {"span": "1 month", "at": "infinity", "day": "-infinity", "local": "infinity",
         "spans": ["36:00:00"]},
        {"span": None, "at": "9999-12-31T23:59:59.999999Z", "day": "0001-01-01",
         "local": "9999-12-31T23:59:59.999999", "spans": None},
    ]  # fmt: skip
    assert lake(f"{line} csv --raw").out.splitlines()[1] == (
        '1 month,infinity,-infinity,infinity,"[""36:00:00""]"'
    )


def test_nanoseconds_are_kept(lake: Callable[[str], Done], made: Path) -> None:
    at = "'2024-02-01 10:00:00.123456789'"
    query = (
        f"SELECT TIMESTAMP_NS {at} AS a, [TIMESTAMP_NS {at}] AS l, {at}::TIMESTAMPTZ_NS AS z, "
        "'10:00:00.123456789'::TIME_NS AS t, 'infinity'::TIMESTAMP_NS AS i, "
        "make_timestamp_ns(1706781600000000000) AS s, [TIMESTAMP '2024-02-01 10:00:00'] AS u"
    )
    text = "2024-02-01T10:00:00.123456789"
    (row,) = lake(f"sql {shlex.quote(query)} --lake made --format json").rows
    assert row == {
        "a": text, "l": [text.replace("T", " ")], "z": f"{text}+00", "t": text[11:],
        "i": "infinity", "s": "2024-02-01T10:00:00", "u": ["2024-02-01T10:00:00"],
    }  # fmt: skip


STATEMENTS = {
    "CREATE TEMP TABLE t AS SELECT 2 AS n; FROM t; -- last": "n\n2\n",
    "CREATE TEMP TABLE t AS SELECT 1 AS n; FROM t;": "n\n1\n",
    "CREATE TEMP TABLE t AS SELECT 1 AS n; PIVOT t ON n USING count(*)": "1\n1\n",
    "CREATE TEMP TABLE t AS SELECT 1 AS n; INSERT INTO t VALUES (2); FROM t": "n\n1\n2\n",
    "FROM (VALUES (DATE '2024-02-01'), ('2024-01-01')) t(d) ORDER BY d": (
        "d\n2024-01-01\n2024-02-01\n"
    ),
    "SELECT DATE '2024-02-01' AS d, DATE '2024-02-02' AS d /* c */": "d,d\n2024-02-01,2024-02-02\n",
    "WITH a AS (VALUES (1)) FROM a": "col0\n1\n",
    "DESCRIBE SELECT 1 AS n": "column_name,column_type,null,key,default,extra\nn,INTEGER,YES,,,\n",
}  # fmt: skip


@pytest.mark.parametrize(("text", "out"), STATEMENTS.items())
def test_rows_of_the_last_statement(
    text: str, out: str, lake: Callable[[str], Done], made: Path
) -> None:
    assert lake(f"sql {shlex.quote(text)} --lake made --format csv").out == out


def test_a_table(lake: Callable[[str], Done], made: Path) -> None:
    query = "SELECT 1 AS n, 'x' AS text UNION ALL SELECT 20, 'long' ORDER BY 1"
    done = lake(f'sql "{query}" --lake made')
    assert [line.rstrip() for line in done.out.splitlines()] == [" n  text", " 1  x", "20  long"]
    assert done.err == ""


def test_a_row_of_a_table_in_a_pipe_is_a_line(lake: Callable[[str], Done], made: Path) -> None:
    """A record of CloudTrail may have 100 kB."""
    query = "SELECT 'ab ' || repeat('cd  ', 9000) || 'e' AS t, 7 AS n UNION ALL SELECT 'x', 1"
    lines = lake(f"sql {shlex.quote(query + ' ORDER BY n')} --lake made").out.splitlines()
    assert lines == ["t  n", "x  1", "ab " + "cd  " * 9000 + "e  7"]


def test_parquet_keeps_the_types(lake: Callable[[str], Done], made: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    done = lake(f"sql {shlex.quote(VALUES)} --lake made --format parquet -o {target}")
    assert (done.code, done.out) == (0, "")
    types = duckdb.sql(f"SELECT column_type FROM (DESCRIBE FROM '{target}')").fetchall()
    assert [kind for (kind,) in types] == [
        "BIGINT", "VARCHAR", "TIMESTAMP WITH TIME ZONE", "STRUCT(x INTEGER[])", "DOUBLE", "BOOLEAN",
    ]  # fmt: skip


def test_parquet_has_the_largest_numbers(
    lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.parquet"
    query = "SELECT md5_number('0') AS n"
    assert lake(f'sql "{query}" --lake made --format parquet -o {target}').code == 0
    ((kept, due),) = duckdb.sql(f"SELECT n, ({query})::VARCHAR FROM '{target}'").fetchall()
    assert kept == due


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_file_holds_what_stdout_would(
    form: str, lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    line = f"sql {shlex.quote(VALUES)} --lake made --format {form}"
    written = lake(f"{line} -o {tmp_path / 'out'}")
    assert (written.code, written.out) == (0, "")
    assert (tmp_path / "out").read_text("utf-8") == lake(line).out


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet", "documents"])
@pytest.mark.parametrize(
    "query", ["SELECT nope", "SELECT error('boom') FROM range(100) WHERE range > 9"]
)
def test_a_query_that_fails_leaves_the_file_as_it_was(
    form: str, query: str, lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    target = tmp_path / "kept"
    target.write_text("kept")
    done = lake(f"sql {shlex.quote(query)} --lake made --format {form} -o {target}")
    assert done.code != 0
    assert "cannot be written" not in done.err
    assert target.read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl", "parquet", "documents"])
def test_a_statement_without_rows_leaves_the_file_as_it_was(
    form: str, lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    target, other = tmp_path / "kept", tmp_path / "other.csv"
    target.write_text("kept")
    query = f"COPY (SELECT 1 AS n) TO '{other}'"
    done = lake(f"sql {shlex.quote(query)} --lake made --format {form} -o {target}")
    assert (done.code, done.err) == (0, "no rows, so nothing was written to the file\n")
    assert (target.read_text(), other.read_text()) == ("kept", "n\n1\n")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DROP VIEW cloudtrail", "of DROP alone: the lake's views are read-only"),
        ("CREATE TABLE t (n INT); INSERT INTO t VALUES (1)", "of INSERT alone: the lake's views"),
        ("SET threads = 1", "of SET alone, which holds for one command: write the query after it"),
    ],
)
def test_what_would_change_nothing_that_lasts_is_no_success(
    query: str, said: str, lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    for output in ("", f"-o {tmp_path / 'out'}"):
        done = lake(f"sql {shlex.quote(query)} --lake made {output}")
        assert (done.code, done.out) == (2, "")
        assert f"nothing would come {said}" in done.err
    assert not (tmp_path / "out").exists()


def test_a_query_of_no_row_writes_its_header(
    lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    query = "SET threads = 1; SELECT 1 AS n WHERE false"
    done = lake(f"sql '{query}' --lake made --format csv -o {tmp_path / 'out'}")
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "out").read_text() == "n\n"


def test_a_place_that_is_no_plain_file_is_written_as_it_is(
    lake: Callable[[str], Done], made: Path
) -> None:
    assert lake("sql 'SELECT 1 AS n' --lake made --format csv -o /dev/null").code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    "line",
    [
        "ingest logs --lake new --until 9999-12-31",
        "panels cloudtrail --lake made --from 0001-01-01T00:00:00+10:00",
        "panels cloudtrail --lake made --from 0002-01-01 --to 9000-01-01 --compare",
        "compact --lake made --grace 1e12",
        "sql 'SELECT 1' --lake made --as-of 0001-01-01T00:00:00+10:00",
        "panels cloudtrail --lake made --filter 'source.port is 99999999999999999999999999999'",
    ],
)
def test_times_and_numbers_without_bounds(
    line: str, lake: Callable[[str], Done], made: Path
) -> None:
    """Taken, or refused in a sentence."""
    done = lake(line)
    assert done.code in (0, 2)
    assert "Traceback" not in done.err and "Overflow" not in done.err
    assert "128-bit" not in done.err


def test_no_rows_in_every_format(lake: Callable[[str], Done], made: Path) -> None:
    query = "'SELECT 1 AS n WHERE false' --lake made --format"
    assert lake(f"sql {query} json").out == "[]\n"
    assert lake(f"sql {query} jsonl").out == ""
    assert lake(f"sql {query} csv").out == "n\n"


def test_a_query_from_stdin(
    lake: Callable[[str], Done], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS n FROM events;\n"))
    assert lake("sql --lake made --format json").rows == [{"n": 5}]


def test_a_lake_of_the_environment(
    lake: Callable[[str], Done], made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_DIR", "made")
    assert lake("sql 'SELECT count(*) AS n FROM events' --format json").rows == [{"n": 5}]


def test_the_lake_as_of_a_time(lake: Callable[[str], Done], made: Path) -> None:
    query = "sql 'SELECT count(*) AS n FROM events' --lake made --format json --as-of"
    assert lake(f"{query} 2099-01-01T00:00:00Z").rows == [{"n": 5}]


def test_a_moved_lake_is_told_on_stderr(
    lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(made, tmp_path / "moved")
    done = lake(f"sql 'SELECT 1 AS n' --lake {tmp_path / 'moved'} --format json")
    assert done.rows == [{"n": 1}]
    told = (
        "lake.duckdb was written anew: it was behind, or the lake had moved, or the program or "
        "its sources had changed\n"
    )
    assert done.err == told
    assert lake(f"sql 'SELECT 1 AS n' --lake {tmp_path / 'moved'} --format json").err == ""


def test_a_pipe_that_closes_early(made: Path) -> None:
    """As `lake sql ... | head -1` does."""
    line = f"{sys.executable} -m lake.cli sql 'FROM range(200000)' --lake {made} --format csv"
    done = subprocess.run(
        ["bash", "-c", f"{line} | head -1"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("range\n", "")


@pytest.mark.parametrize(
    ("words", "to"),
    [
        ("sql 'FROM vpcflow'", "> /dev/full"),
        ("sql --format csv 'FROM range(200000)'", "> /dev/full"),
        ("sql 'SELECT 1'", ">&-"),
        ("sql 'SELECT 1'", "<&- >&-"),
        ("status", "> /dev/full"),
        ("status --format csv", "> /dev/full"),
        ("panels vpcflow", "> /dev/full"),
        ("verify", "> /dev/full"),
    ],
)
def test_a_result_that_cannot_be_written(words: str, to: str, made: Path) -> None:
    done = shell(f"{words} --lake {made} {to}")
    assert (done.code, done.out) == (1, "")
    why = "No space left on device" if "full" in to else "Bad file descriptor"
    assert done.err == f"lake: the result could not be written: {why}. Write it elsewhere.\n"


def test_no_stdin_is_no_query(made: Path) -> None:
    done = shell(f"sql --lake {made} <&-")
    assert (done.code, done.out) == (2, "")
    assert done.err == "lake: no query. Try: lake sql 'SELECT count(*) FROM events'.\n"
    done = shell(f"sql --lake {made} < {sys.executable}")
    assert (done.code, done.err) == (2, "lake: the query is not UTF-8. Write it again.\n")


def test_a_command_without_a_result_needs_no_stdout(place: Path, tmp_path: Path) -> None:
    done = shell(f"ingest {place / 'logs'} --lake {tmp_path / 'lake'} --jobs 1 <&- >&-")
    assert done.code == 0, done.err
    assert len(hashes(tmp_path / "lake")) == 5


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_results_are_utf_8(form: str, made: Path) -> None:
    told = shell(f"sql --format {form} --lake {made} \"SELECT '日本'\"", PYTHONIOENCODING="latin-1")
    assert (told.code, told.err) == (0, "")
    assert "日本" in told.out


@pytest.mark.parametrize("to", ["-o >(cat)", "-o /dev/stdout | cat"])
def test_a_file_that_is_a_pipe(to: str, made: Path) -> None:
    line = f"sql 'SELECT 1 AS n' --lake {made} --format"
    done = shell(f"{line} csv {to}")
    assert (done.code, done.out, done.err) == (0, "n\n1\n", "")
    done = shell(f"{line} parquet {to.replace('cat', 'tail -c 4')}")
    assert (done.code, done.out, done.err) == (0, "PAR1", "")


@pytest.mark.parametrize("columns", [0, 1, 10, 20, 60])
def test_a_narrow_terminal_loses_no_figure(
    columns: int,
    lake: Callable[[str], Done],
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = ["status --lake made", "verify --lake made", "ingest logs --jobs 1 --lake"]
    lines[2] += f" {tmp_path / str(columns)}"
    monkeypatch.setenv("COLUMNS", "200")
    lake(lines[2])
    wide = [lake(line) for line in lines]
    monkeypatch.setenv("COLUMNS", str(columns))
    assert [lake(line) for line in lines] == wide
    assert all(done.out or done.err for done in wide)
    assert "vpcflow" in wide[0].out and "2024-02-01" in wide[0].out


@pytest.mark.parametrize("columns", [0, 10, 80])
def test_a_table_that_is_wider_than_the_terminal_folds_texts_only(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    number = ", ".join(f"{12345678900 + n} AS n{n}" for n in range(9))
    out = Terminal()
    with duckdb.connect() as con:
        write(con, f"SELECT {number}, repeat('x', 40) AS text, 'y' AS y", "table", out)
    shown = out.getvalue()
    assert all(str(12345678900 + n) in shown for n in range(9))
    assert shown.count("x") == 40 + 1  # the x of the header
    assert "y" in shown and "…" not in shown


def on_terminal(query: str, monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal()
    with duckdb.connect() as con:
        write(con, query, "table", out)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    return [line.rstrip() for line in plain.splitlines()]


def test_structures_that_do_not_fit_are_rows_under_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = "{'ip': '192.0.2.1', 'port': NULL, 'geo': {'name': '\x1b[31mhere', 'x': NULL}}"
    row = f"SELECT 'a' AS name, {source} AS source, NULL AS gone, ['b', 'c'] AS list"
    assert on_terminal(f"{row}, repeat('x', 90) AS long", monkeypatch) == [
        "row 1",
        "name                              a",
        "source.ip                         192.0.2.1",
        "source.geo.name                   \ufffd[31mhere",
        'list                              ["b", "c"]',
        f"long                              {'x' * 90}",
        "(1 row)",
    ]
    assert on_terminal(row, monkeypatch, 120)[0].split() == ["name", "source", "gone", "list"]
    assert on_terminal(f"{row}, 1 AS {'x' * 90} LIMIT 0", monkeypatch) == ["(0 rows)"]


def test_many_columns_that_do_not_fit_are_rows_under_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = ", ".join(f"'text {n}' AS c{n}" for n in range(13))
    assert on_terminal(f"SELECT {columns}", monkeypatch)[:2] == [
        "row 1",
        "c0                                text 0",
    ]
    assert on_terminal(f"SELECT {columns}", monkeypatch, 120)[0].split()[:2] == ["c0", "c1"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_panels_as_text_tell_what_they_leave_out() -> None:
    rows = tuple((f"\x1b[31m{n}", n) for n in range(25))
    figures = (("a", 3), ("b", 0))
    results = [
        PanelResult("New", "bar", "SELECT 1", ("name", "n"), rows),
        PanelResult("Old", "bar", "SELECT 1", ("name", "n"), rows),
        PanelResult("Figures", "metric", "SELECT 2", ("", "n"), figures, before=(("b", 7),)),
    ]
    out = io.StringIO()
    print_panels(results, console(out))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines[:3] == ["New", "name n", "\ufffd[31m0 0"]
    assert "Old" not in lines  # the same panel under a former title
    assert "... and 5 more rows: --format json" in lines
    assert lines[-3:] == ["Figures: a 3", "Figures: b 0 before: 7", ""]


def test_a_faulty_dashboard_of_ones_own_is_named_and_the_others_are_printed(
    lake: Callable[[str], Done], made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.sql").write_text("-- name: one\n-- About it.\nSELECT 1\n")
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    done = lake("panels overview --lake made --format json")
    assert done.code == 0
    assert done.rows[0]["title"] == "Overview - Figures"
    said = f"lake: {tmp_path / 'mine.sql'} has no .toml beside it. Write its panels.\n"
    assert done.err == said
