"""The command line: results on stdout, words on stderr, exit codes 0, 1 and 2, the same values in
every format, and what is said of wrong use: what is wrong, and what to do."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import logs
import pytest
from command import run_lake
from engine import hashes, put
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY
from servers import free_port

from lake.catalogue import catalogue
from lake.compact_ledger import compact_ledger
from lake.errors import SourceError, StorageError
from lake.output import write
from lake.table import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
TIMELESS = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "no-time"}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> Any:  # noqa: ANN401  JSON
        return json.loads(self.out)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs: three calls, a record without a time, two flows, a note, a digest."""
    folder = tmp_path_factory.mktemp("cli")
    put(folder / "logs", TRAIL_KEY, logs.trail([*logs.events(3), TIMELESS]))
    put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(2)))
    put(folder / "logs", "notes.txt", b"Call the owner of the key on Monday.\n")
    return folder


@pytest.fixture
def lake(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Done]:
    """Run a line as the shell would, in this process and in the folder of the logs."""
    monkeypatch.chdir(place)
    for name in [n for n in os.environ if n.startswith(("AWS_", "LAKE_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(place / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str) -> Done:
        return Done(*run_lake(shlex.split(line), monkeypatch, capsys))

    return run


def few_addresses() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1_400_000_000, resource.RLIM_INFINITY))


@pytest.mark.parametrize("command", ["ingest logs --lake few", "status --lake few"])
def test_a_process_that_may_map_little(place: Path, command: str) -> None:
    """The libraries would end it, in words of their own or of a disk."""
    done = process(place, command, few_addresses)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("lake: a process may map 1.4 GB of memory here, and needs 2.6: ")
    assert "ulimit -v unlimited" in done.err
    assert not (place / "few").exists()


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOMEM, "no"), KeyError("other")])
def test_memory_that_is_refused(
    error: Exception,
    lake: Callable[[str], Done],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In words of memory, whatever was made of it on the way."""

    def fails(*_: object) -> None:
        try:
            raise error
        except Exception as caught:
            raise StorageError("the commit of batch 1 failed") from caught

    monkeypatch.setattr("lake.ingest.ingest", fails)
    done = lake("ingest logs --lake short")
    assert done.code == 1
    short = "lake: there was not enough memory. What was committed stays."
    assert done.err.startswith(short) == (not isinstance(error, KeyError))


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """The lake of these logs, made by the command."""
    done = process(place, "ingest logs --lake made --jobs 1")
    assert done.code == 0, done.err
    return place / "made"


def process(where: Path, line: str, before: Callable[[], None] | None = None) -> Done:
    """Run a line in a process of its own."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "LAKE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "lake.cli", *shlex.split(line)],
        cwd=where,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=before,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


# -- ingest --------------------------------------------------------------------------------------


def test_the_report_of_an_ingest(lake: Callable[[str], Done], tmp_path: Path) -> None:
    done = lake(f"ingest logs --lake {tmp_path / 'lake'} --jobs 1")
    assert (done.code, done.out) == (0, "")
    lines = [" ".join(line.split()) for line in done.err.splitlines()]
    assert lines[0].startswith("3 objects (")
    assert lines[0].endswith("): 2 read, 1 unknown")
    assert "cloudtrail 1 4 3 0 1" in lines
    assert "vpcflow 1 2 2 0 0" in lines
    assert any(
        line.startswith("6 records found = 5 rows + 0 duplicates + 1 rejects") for line in lines
    )
    assert "rejected records: lake rejects" in lines
    assert "1 unknown: text that no source knows" in lines
    assert any(line.startswith("e.g. ") and "/logs/notes.txt" in line for line in lines)
    assert (tmp_path / "lake" / "lake.duckdb").exists()
    again = lake(f"ingest logs --lake {tmp_path / 'lake'} --jobs 1")
    assert again.code == 0
    assert "3 objects (0 B read): 3 unchanged since they were read" in again.err


def test_strict_makes_a_reject_an_exit_code(lake: Callable[[str], Done], tmp_path: Path) -> None:
    assert lake(f"ingest logs --lake {tmp_path / 'lake'} --jobs 1 --strict").code == 1


def test_a_failed_object_is_an_exit_code(lake: Callable[[str], Done], tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(1)))
    (tmp_path / "logs" / "gone.json").symlink_to("nowhere")
    done = lake(f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'lake'} --jobs 1")
    assert done.code == 1
    assert "1 failed: a link to nothing: nowhere" in done.err
    (tmp_path / "logs" / TRAIL_KEY).unlink()
    alone = lake(f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'other'} --jobs 1")
    assert alone.code == 1
    assert "No AWS logs were found" not in alone.err


def test_no_logs_were_found_and_what_was_there(lake: Callable[[str], Done], tmp_path: Path) -> None:
    put(tmp_path / "logs", "notes.txt", b"Call the owner of the key on Monday.\n")
    done = lake(f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'lake'} --jobs 1")
    assert done.code == 1
    assert "1 object (37 B read): 1 unknown" in done.err
    assert "notes.txt" in done.err
    assert "No AWS logs were found there. What was there instead stands above" in done.err
    assert "`lake sources`" in done.err


def test_options_reach_the_ingest(lake: Callable[[str], Done], tmp_path: Path) -> None:
    put(tmp_path / "logs", "bare.log", "\n".join(logs.flows(2)).encode())
    lake(
        f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'lake'} --jobs 1 --source vpcflow "
        "--account 000000000012 --memory 600MB --since 2024-01-01 --until 2024-12-31"
    )
    query = f"sql 'SELECT count(*) AS n FROM vpcflow' --lake {tmp_path / 'lake'} --format json"
    assert lake(query).rows == [{"n": 2}]


WRONG = {
    "ingest nowhere": "no such folder or file: nowhere. ",
    "ingest log": "Did you mean logs?",
    "ingest empty --lake new": "no objects at empty: the place is empty. Name another.",
    "ingest logs --lake made --source trail": "unknown source 'trail'. Known: alb, alb_connection,",
    "ingest logs --lake made --since yesterday": "--since yesterday: write a day as 2024-02-01, or",
    "ingest logs --lake made --since \uff17d": "write a day as 2024-02-01, or",
    "ingest logs --lake made --since 2024-02-02 --until 2024-02-01": "Exchange --since and --until",
    "ingest logs --lake made --account 12": "--account 12: an account id has twelve digits.",
    "ingest logs --lake made --memory lots": "--memory lots: write a size as 4GB or 800MB.",
    "ingest logs --lake made --geoip nowhere": "nowhere",
    "ingest made --lake other": "made is the lake itself. Give the folder that holds the raw logs.",
    "ingest logs --lake logs": "logs holds the logs. Name another folder with --lake for the lake.",
    "ingest logs/AWSLogs --lake logs": "logs holds other files and no lake. Name an empty or new",
    "ingest logs --lake logs/notes.txt": "logs/notes.txt is a file. Name a folder with --lake.",
    "ingest s3:///x --lake new": "'s3:///x' names no bucket. Write s3://bucket or s3://bucket/prefix",
    "ingest s3://bucket --lake new": "no AWS credentials for s3://bucket/. Set AWS_ACCESS_KEY_ID",
    "ingest s3://bucket --lake new --profile me": "unknown AWS profile 'me'. Known: none.",
    "ingest ftp://host/x --lake new": "is neither a folder, a file nor s3://bucket/prefix",
    "ingest": "Missing argument",
    "ingest logs --jobs 0": "--jobs",
    "sql 'SELECT 1' --lake nowhere": "no lake at nowhere: the folder is not there. Make one with",
    "sql 'SELECT 1' --lake empty": "no lake at empty: the folder is empty.",
    "sql 'SELECT 1'": "no lake at lakehouse",
    "sql --lake made ' '": "no query. Try: lake sql 'SELECT count(*) FROM events'.",
    "sql --lake made 'SELEC 1'": 'syntax error at or near "SELEC"',
    "sql --lake made 'FROM trail'": "Tables with rows: cloudtrail, vpcflow.",
    "sql --lake made 'SELECT nobody FROM cloudtrail'": "nobody",
    "sql --lake made 'SELECT 1; FROM events'": "the rows of SELECT would be lost: only the last",
    "sql --lake made 'EXPLAIN SELECT 1; SET threads = 1'": "the rows of EXPLAIN SELECT would be",
    "sql --lake made 'SELECT 1' --format xml": (
        "unknown format 'xml'. Known: csv, documents, json, jsonl, parquet, table."
    ),
    "sql --lake made 'SELECT 1' --format parquet": "--format parquet writes a file: name it",
    "sql --lake made 'SELECT 1' --as-of noon": "--as-of noon: write a time as 2024-02-01T10",
    "sql --lake made 'SELECT 1' -o no/such/folder.csv": (
        "no/such/folder.csv cannot be written: its folder is not there."
    ),
    "panels trails --lake made": ("unknown dashboard 'trails'. Known: "),
    "panels cloudtrail --lake made --from noon": "--from noon: write a time as",
    "panels cloudtrail --lake made --where 'nobody = 1'": "nobody",
    "panels cloudtrail --lake made --format csv": "lake panels prints json: leave --format away.",
    "status --lake nowhere": "no lake at nowhere",
    "rejects --lake nowhere": "no lake at nowhere",
    "compact --lake made --grace nan": "--grace nan: give a number of hours.",
    "sql 'SELECT 1' --lake made --as-of 0001-02-03": "no state as of 0001-02-03T00:00:00Z: it was",
    "dashboard --lake nowhere": "nowhere: the folder is not there.",
    "demo logs": "logs is not empty. Name a new folder.",
    "geoip update --folder new": "no MaxMind account is set. Set MAXMIND_ACCOUNT_ID and",
    "nonsense": "No such command 'nonsense'",
}


@pytest.mark.parametrize(("line", "words"), WRONG.items(), ids=WRONG)
def test_wrong_use_says_what_to_do(
    line: str, words: str, lake: Callable[[str], Done], made: Path, place: Path
) -> None:
    (place / "empty").mkdir(exist_ok=True)
    done = lake(line)
    assert (done.code, done.out) == (2, "")
    assert words in " ".join(done.err.replace("│", " ").split())
    assert "Traceback" not in done.err
    assert not (place / "new").exists()


def test_a_profile_of_the_environment_that_is_not_there(
    lake: Callable[[str], Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile me]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    line = "ingest s3://bucket --lake new --endpoint-url http://127.0.0.1:9"
    by_option = lake(f"{line} --profile ghost")
    monkeypatch.setenv("AWS_PROFILE", "ghost")
    assert lake(line) == by_option
    said = "lake: unknown AWS profile 'ghost'. Known: me.\n"
    assert (by_option.code, by_option.out, by_option.err) == (2, "", said)


LONG = "a" * 300
UNWRITABLE = {
    f"sql 'SELECT 1' --lake made -o {LONG}": f"{LONG} cannot be written: File name too long. Name",
    "demo /proc/x": "/proc/x cannot be written: No such file or directory. Name another folder.",
    f"demo {LONG}": f"{LONG} cannot be written: File name too long. Name another folder.",
}


@pytest.mark.parametrize("line", UNWRITABLE, ids=["file", "proc", "folder"])
def test_a_place_that_cannot_be_made(line: str, lake: Callable[[str], Done], made: Path) -> None:
    done = lake(line)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"lake: {UNWRITABLE[line]}")


def test_a_folder_of_sources_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> Iterator[Path]:
        if path == tmp_path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    listed = Path.iterdir
    monkeypatch.setenv("LAKE_TRANSFORMS", str(tmp_path))
    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(SourceError, match=r"cannot be read: Permission denied\. Allow to read it"):
        catalogue.__wrapped__()


def test_a_lake_of_a_newer_version(lake: Callable[[str], Done], made: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made, tmp_path / "newer")
    log = sorted((tmp_path / "newer" / "_lake" / "_delta_log").glob("*.json"))[0]
    log.write_text(log.read_text().replace('{\\"format\\": 1}', '{\\"format\\": 99}'))
    for line in ("sql 'SELECT 1'", "status", "ingest logs"):
        done = lake(f"{line} --lake {tmp_path / 'newer'}")
        assert (done.code, done.out) == (2, "")
        assert "made by a newer siem-lake (format 99; this one reads up to 1). Upgrade" in done.err


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of a file stands for a disk without room."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(4_000)))
    line = "ingest logs --lake lake --jobs 1"
    done = process(tmp_path, line, full)
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "File too large" in done.err
    assert "run the same command again" in done.err
    assert process(tmp_path, line).code == 0
    assert len(set(hashes(tmp_path / "lake"))) == 4_000


# -- results -------------------------------------------------------------------------------------

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
    "CREATE TEMP TABLE t AS SELECT 1 AS n": "Count\n1\n",
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
@pytest.mark.parametrize(
    "query", ["SET threads = 1", "CREATE TABLE t (n INT); INSERT INTO t VALUES (1)"]
)
def test_a_statement_without_rows_leaves_the_file_as_it_was(
    form: str, query: str, lake: Callable[[str], Done], made: Path, tmp_path: Path
) -> None:
    target = tmp_path / "kept"
    target.write_text("kept")
    done = lake(f"sql '{query}' --lake made --format {form} -o {target}")
    assert (done.code, done.err) == (0, "no rows, so nothing was written to the file\n")
    assert target.read_text() == "kept"


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


def test_an_ingest_that_finds_nothing_takes_nothing_away(
    lake: Callable[[str], Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with hidden files, and with what could be a lake's, is as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing").mkdir()
    for name in (".git/HEAD", "_mine/notes"):
        (tmp_path / "place" / name).parent.mkdir(parents=True)
        (tmp_path / "place" / name).write_text("precious")
    done = lake("ingest nothing --lake place")
    assert done.code == 2
    kept = sorted(str(p.relative_to(tmp_path / "place")) for p in (tmp_path / "place").rglob("*"))
    assert kept == [".git", ".git/HEAD", "_mine", "_mine/notes"]
    assert lake("ingest nothing --lake new").code == 2
    assert not (tmp_path / "new").exists()


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
    told = "lake.duckdb was written anew: the lake had moved, or it was behind\n"
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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shell(words: str, **environment: str) -> Done:
    """Run `lake` with these words as bash has them."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m lake.cli {words}"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


# -- the other commands --------------------------------------------------------------------------


def test_status(lake: Callable[[str], Done], made: Path) -> None:
    rows = lake("status --lake made --format json").rows
    assert [(r["table"], r["rows"], r["files"], r["accounts"], r["first"]) for r in rows] == [
        ("cloudtrail", 3, 1, 1, "2024-02-01"),
        ("vpcflow", 2, 1, 1, "2024-02-01"),
    ]
    done = lake("status --lake made")
    assert "objects: 2 read, 1 unknown; 0 duplicates, 1 rejects" in done.out
    assert "days are UTC" in done.out
    assert done.err == ""


def test_sources(lake: Callable[[str], Done]) -> None:
    names = [row["source"] for row in lake("sources --format json").rows]
    assert names == sorted(p.parent.name for p in (ROOT / "transforms").glob("*/source.toml"))


def test_rejects(lake: Callable[[str], Done], made: Path) -> None:
    (row,) = lake("rejects --lake made --format json").rows
    assert (row["source"], row["position"], row["reason"]) == ("cloudtrail", 4, "no valid time")
    assert json.loads(row["text"]) == TIMELESS
    assert row["path"].endswith(TRAIL_KEY)


def test_rejects_that_are_cut_say_so(lake: Callable[[str], Done], tmp_path: Path) -> None:
    records = [{**TIMELESS, "eventID": str(number)} for number in range(5)]
    put(tmp_path / "logs", TRAIL_KEY, logs.trail([*records, logs.event(1)]))
    at = f"--lake {tmp_path / 'lake'}"
    lake(f"ingest {tmp_path / 'logs'} {at} --jobs 1")
    done = lake(f"rejects {at} --limit 2")
    assert len(done.out.splitlines()) == 3
    assert done.err == "2 of 5 shown; --limit 0 shows all.\n"
    assert len(lake(f"rejects {at} --limit 0").out.splitlines()) == 6
    assert len(lake(f"rejects {at} --limit 2 --format json").rows) == 5


def test_a_file_that_grows_tells_its_rejects_once(
    lake: Callable[[str], Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.compact_ledger.LEFT", 1)
    flows = logs.flows(3)
    at = f"--lake {tmp_path / 'lake'}"
    for count in (1, 2, 3):
        grown = logs.flow_file([flows[0], "no flow at all", *flows[1:count]])
        put(tmp_path / "logs", FLOW_KEY, grown)
        assert lake(f"ingest {tmp_path / 'logs'} {at} --jobs 1").code == 0
    for _ in range(2):
        assert "objects: 1 read; 2 duplicates, 1 rejects" in lake(f"status {at}").out
        (row,) = lake(f"rejects {at} --format json").rows
        assert (row["position"], row["text"]) == (3, "no flow at all")
        assert len(lake(f"rejects {at}").out.splitlines()) == 2
        assert lake(f"sql 'SELECT batch FROM rejects ORDER BY ALL' {at} --format csv").out == (
            "batch\n1\n2\n3\n"
        )
        compact_ledger(Store.open(tmp_path / "lake"), tmp_path)


def test_panels(lake: Callable[[str], Done], made: Path) -> None:
    line = (
        "panels 'CloudTrail Summary' --lake made --from 2024-02-01T10:00:02Z --to 2024-02-01T11:00Z"
    )
    panels = {panel["title"]: panel for panel in lake(line).rows}
    assert panels["CloudTrail - AWS Account(Bar)"]["rows"] == [[ACCOUNT, 2]]
    assert panels["CloudTrail - Login Failed"]["rows"][0][-1] == 0
    assert panels["CloudTrail - Error Code(Pie)"]["note"] == "No event has an error code."
    narrowed = lake(f"{line} --where \"event.id LIKE '%3'\"").rows
    assert next(p for p in narrowed if p["title"] == "CloudTrail - AWS Account(Bar)")["rows"] == [
        [ACCOUNT, 1]
    ]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_who_ends_the_dashboard_ends_its_server(by: signal.Signals, made: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "lake.cli", "dashboard", "--lake", str(made), "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}".encode() in process.stderr.readline()
        assert _listens(port, 60)
        process.send_signal(by)
        process.wait(20)
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait(20)
    assert not _listens(port, 0)


def test_a_port_that_is_in_use(lake: Callable[[str], Done], made: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = lake(f"dashboard --lake made --port {port}")
    said = (
        f"lake: port {port} cannot be served: Address already in use. Name another with --port.\n"
    )
    assert (done.code, done.out, done.err) == (2, "", said)


def _listens(port: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)


def test_the_package_is_the_command() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "lake", "--version"]
    assert subprocess.check_output(words, env=environment).startswith(b"siem-lake ")


def test_help_and_version(lake: Callable[[str], Done]) -> None:
    assert lake("--version").out.startswith("siem-lake ")
    for command in ("ingest", "sql", "status", "sources", "rejects", "demo", "dashboard", "panels"):
        done = lake(f"{command} --help")
        assert (done.code, done.err) == (0, "")
        assert "--help" in done.out
