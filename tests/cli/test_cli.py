"""The commands: words on stderr, exit codes 0, 1 and 2, and what is said of wrong use: what is
wrong, and what to do."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import logs
import pytest
from command import ROOT, Done, process
from engine import hashes, put
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY

from lake.errors import SourceError, StorageError
from lake.sources.catalogue import catalogue
from lake.store.table import Store
from lake.upkeep.compact_ledger import compact_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
        line.startswith("6 records found = 5 rows + 0 duplicates + 1 reject") for line in lines
    )
    assert f"rejected records: lake rejects --lake {tmp_path / 'lake'}" in lines
    assert lines[-1].startswith("GeoIP: no database")
    assert "1 unknown: text that no source knows" in lines
    assert any(line.startswith("e.g. ") and "/logs/notes.txt" in line for line in lines)
    assert (tmp_path / "lake" / "lake.duckdb").exists()
    again = lake(f"ingest logs --lake {tmp_path / 'lake'} --jobs 1")
    assert again.code == 0
    told = "3 objects (0 B read): 3 unchanged since they were read, 1 of these no logs\n"
    assert again.err == told


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
    other = lake(f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'new'} --since 7d")
    assert "No AWS logs of the days that --since and --until ask for were found" in other.err
    again = lake(f"ingest {tmp_path / 'logs'} --lake {tmp_path / 'lake'} --jobs 1")
    assert again.code == 1
    assert "1 unchanged since they were read, 1 of these no logs" in again.err
    asking = f'lake sql --lake {tmp_path / "lake"} "SELECT path, status, reason FROM objects"'
    assert asking in " ".join(again.err.split())
    shown = lake(f"status --lake {tmp_path / 'lake'}")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[1] == "objects: 1 unknown; 0 duplicates, 0 rejects"


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
    "ingest empty --lake new": "no objects at empty. The place is empty: name another.",
    "ingest logs/AWSLogs --lake new --since 7d": (
        "no objects of the days that --since and --until ask for at logs/AWSLogs. Ask for others."
    ),
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
    "sql --lake made 'DELETE FROM trail'": "nothing would come of DELETE alone",
    "sql --lake made 'DELETE FROM cloudtrail'": "`lake forget --before DAY` takes days out",
    "sql --lake made 'WITH a AS (DELETE FROM cloudtrail) FROM a'": "SQL changes nothing",
    "sql --lake made 'DROP TABLE cloudtrail'": "`lake rebuild` derives rows anew",
    "sql --lake made 'SELECT nobody FROM cloudtrail'": "nobody",
    "sql --lake made 'SELECT eventName FROM cloudtrail'": "Did you mean native.eventName?",
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
    "panels cloudtrail --lake made --format csv": "unknown format 'csv'. Known: json, table.",
    "status --lake nowhere": "no lake at nowhere",
    "status --lake made --format parquet": "'parquet'. Known: csv, json, jsonl, table.",
    "sources --format documents": "unknown format 'documents'. Known: csv, json, jsonl, table.",
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


# -- the other commands --------------------------------------------------------------------------


def test_status(lake: Callable[[str], Done], made: Path) -> None:
    rows = lake("status --lake made --format json").rows
    assert [(r["table"], r["rows"], r["files"], r["accounts"], r["first"]) for r in rows] == [
        ("cloudtrail", 3, 1, 1, "2024-02-01"),
        ("vpcflow", 2, 1, 1, "2024-02-01"),
    ]
    done = lake("status --lake made")
    assert "objects: 2 read, 1 unknown; 0 duplicates, 1 reject" in done.out
    assert "days are UTC" in done.out
    assert done.err == ""


def test_sources(lake: Callable[[str], Done]) -> None:
    names = [row["source"] for row in lake("sources --format json").rows]
    assert names == sorted(p.parent.name for p in (ROOT / "transforms").glob("*/source.toml"))


def test_rejects(lake: Callable[[str], Done], made: Path) -> None:
    (row,) = lake("rejects --lake made --format json").rows
    assert (row["source"], row["position"], row["reason"]) == ("cloudtrail", 4, "no valid time")
    assert json.loads(row["text"]) == logs.TIMELESS
    assert row["path"].endswith(TRAIL_KEY)


def test_rejects_that_are_cut_say_so(lake: Callable[[str], Done], tmp_path: Path) -> None:
    records = [{**logs.TIMELESS, "eventID": str(number)} for number in range(5)]
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
    monkeypatch.setattr("lake.upkeep.compact_ledger.LEFT", 1)
    flows = logs.flows(3)
    at = f"--lake {tmp_path / 'lake'}"
    for count in (1, 2, 3):
        grown = logs.flow_file([flows[0], "no flow at all", *flows[1:count]])
        put(tmp_path / "logs", FLOW_KEY, grown)
        assert lake(f"ingest {tmp_path / 'logs'} {at} --jobs 1").code == 0
    for _ in range(2):
        assert "objects: 1 read; 2 duplicates, 1 reject" in lake(f"status {at}").out
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
    text = "\n".join(
        " ".join(row.split()) for row in lake(f"{line} --format table").out.splitlines()
    )
    assert f"\n\nCloudTrail - AWS Account(Bar)\ncloud.account.id Count\n{ACCOUNT} 2\n\n" in text
    assert text.startswith("CloudTrail - Login Failed 0\nCloudTrail - Root Login(CIS3.3) 0\n")
    assert "CloudTrail - Error Code(Pie)\nNo event has an error code.\n" in text
    narrowed = lake(f"{line} --where \"event.id LIKE '%3'\"").rows
    assert next(p for p in narrowed if p["title"] == "CloudTrail - AWS Account(Bar)")["rows"] == [
        [ACCOUNT, 1]
    ]


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


def test_help_says_what_holds_where_an_option_is_left_away(lake: Callable[[str], Done]) -> None:
    said = " ".join(lake("ingest --help").out.replace("│", " ").split())
    assert "The lake's folder. [default: ($LAKE_DIR, ./lakehouse)]" in said
    assert "Processes. [default: (cores)]" in said
    assert "MMDB files or folders. [default: (what geoip update loaded)]" in said
    said = " ".join(lake("rebuild --help").out.replace("│", " ").split())
    assert "One table. [default: (every table of the lake)]" in said


def test_help_is_not_broken_where_the_source_text_is(lake: Callable[[str], Done]) -> None:
    assert "and GeoIP databases and names of accounts for them." in lake("demo --help").out
    assert "time, accounts, regions, search, filters, and the period" in lake("panels --help").out
