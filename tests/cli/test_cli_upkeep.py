"""The commands that keep a lake, from the command line: results on stdout, words on stderr, exit
codes 0, 1 and 2."""

from __future__ import annotations

import json
import shlex
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb
import logs
import pytest
from command import Ran, run_lake
from engine import put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.serve.client_file import write_client_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of two calls a batch and two flows, and the logs that it was read from."""
    folder = tmp_path_factory.mktemp("upkeep")
    for number in range(2):
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        calls = logs.trail(logs.events(2, first=1 + 2 * number))
        read(folder / "lakehouse", put(folder / "logs", key, calls))
    flows = put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(2, first=86_400)))
    read(folder / "lakehouse", flows)
    return folder


@pytest.fixture
def lake(
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], Ran]:
    """Run a line of `lake` over a copy of that lake: exit code, stdout, stderr."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    write_client_file(tmp_path / "lakehouse")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKE_DIR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str) -> Ran:
        return run_lake(shlex.split(line), monkeypatch, capsys)

    return run


def test_compact_and_then_verify(lake: Callable[[str], Ran], tmp_path: Path) -> None:
    code, out, err = lake("compact")
    assert (code, err) == (0, "")
    first, last = out.splitlines()
    assert first.startswith("1 partition, 4 rows: 2 files (")
    assert ") became 1 (" in first
    assert last == "deleted 0 files (0 B) of versions that ended before the grace"
    code, out, err = lake("verify")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith(f"{tmp_path / 'lakehouse'}, batch 4: ")
    assert lines[0].endswith("6 rows")
    assert lines[1].startswith("2 files (")
    assert lines[1].endswith("of earlier versions; `lake compact` deletes them after its grace")
    assert lines[2] == "sound: every file and every count is as committed"
    assert lake("compact --grace 0")[1].splitlines()[-1].startswith("deleted 2 files (")
    with duckdb.connect(str(tmp_path / "lakehouse" / "lake.duckdb"), read_only=True) as con:
        assert con.sql("SELECT count(*) FROM events").fetchall() == [(6,)]


def test_verify_names_what_is_amiss(lake: Callable[[str], Ran], tmp_path: Path) -> None:
    path = next((tmp_path / "lakehouse" / "vpcflow").rglob("0*.parquet"))
    where = path.relative_to(tmp_path / "lakehouse").as_posix()
    path.unlink()
    code, out, err = lake("verify")
    assert (code, err) == (1, "")
    assert f"missing: {where}\n  it is gone, with 2 rows\n  next: bring it back from" in out
    assert out.endswith("\n1 finding\n")
    code, out, _ = lake("verify --format json")
    found = json.loads(out)
    assert code == 1
    assert found["sound"] is False
    assert found["path"] == str(tmp_path / "lakehouse")
    assert [(f["kind"], f["where"]) for f in found["findings"]] == [("missing", where)]
    assert set(found["findings"][0]) == {"kind", "where", "what", "next"}


def test_rebuild(lake: Callable[[str], Ran]) -> None:
    code, out, _ = lake("rebuild vpcflow")
    assert code == 0
    assert out.splitlines()[0] == "vpcflow: 2 rows, of which 0 stay as they were"
    code, _, err = lake("rebuild nothing")
    assert (code, err) == (
        2, "lake: unknown table 'nothing'. Known: cloudtrail, vpcflow.\n",
    )  # fmt: skip


def test_forget_asks_first(lake: Callable[[str], Ran]) -> None:
    count = "sql 'SELECT count(*) AS n FROM cloudtrail' --format csv"
    code, out, err = lake("forget --before 2024-02-02")
    assert code == 2
    assert out.splitlines()[0].startswith(
        "cloudtrail, before 2024-02-02: 4 rows of 1 day in 2 files ("
    )
    assert out.splitlines()[1] == "vpcflow, before 2024-02-02: 0 rows of 0 days in 0 files (0 B)"
    assert err == "lake: nothing was forgotten. Say --yes to forget what stands above.\n"
    assert lake(count)[1] == "n\n4\n"
    code, out, err = lake("forget --before 2024-02-02 --yes")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == (
        "4 rows forgotten; their files go with the next `lake compact` after its grace"
    )
    assert lake(count)[1] == "n\n0\n"
    assert "cloudtrail: days before 2024-02-02 are forgotten\n" in lake("status")[1]
    assert lake("verify")[0] == 0
    out = lake("forget --before 2024-02-02 --yes --now")[1]
    assert out.splitlines()[-1].startswith("0 rows forgotten; 2 files (")


@pytest.mark.parametrize(
    "line", ["ingest logs --jobs 1", "compact", "rebuild", "forget --yes --before 2024-02-02"]
)
@pytest.mark.parametrize("by", ["the program", "DuckDB"])
def test_an_interrupt_says_what_to_do(
    line: str, by: str, lake: Callable[[str], Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        if by == "DuckDB":
            raise duckdb.InterruptException("INTERRUPT Error: Query interrupted")
        raise KeyboardInterrupt

    (tmp_path / "lakehouse" / "lake.duckdb").unlink()
    with monkeypatch.context() as patched:
        patched.setattr("lake.serve.client_file._copy", interrupted)
        code, _, err = lake(line)
    assert (code, err) == (
        130,
        "lake: interrupted. What was committed stays; the same command goes on from there.\n",
    )
    assert not list((tmp_path / "lakehouse").glob(".lake.duckdb*"))
    assert lake(line)[0] == 0


def test_a_time_before_what_was_done(lake: Callable[[str], Ran]) -> None:
    """--as-of over a compaction, a rebuild and forgetting, until the files are deleted."""
    times = {}
    for line in ("compact", "rebuild", "forget --before 2024-02-02 --yes"):
        times[line] = datetime.now(UTC).isoformat()
        assert lake(line)[0] == 0
    query = "sql --format csv 'SELECT count(*) AS n, sum(event.hash) AS h FROM events'"
    found = {line: lake(f"{query} --as-of {when}") for line, when in times.items()}
    assert {code for code, _, _ in found.values()} == {0}
    assert len({out for _, out, _ in found.values()}) == 1
    assert found["compact"][1].startswith("n,h\n6,")
    assert lake(query)[1].startswith("n,h\n2,")
    assert lake("compact --grace 0")[0] == 0
    for when in times.values():
        code, out, err = lake(f"{query} --as-of {when}")
        assert (code, out) == (1, "")
        assert "files of that time have been deleted" in err
        assert " can be read.\n" in err
    assert lake(query)[1].startswith("n,h\n2,")


WRONG = {
    "verify --format yaml": "lake verify prints text or json",
    "forget --before tomorrow": "write a day as 2024-02-01",
    "forget --before 2999-01-01": "that day has not come yet",
    "forget --before 2024-02-02 --source nothing": "unknown source 'nothing'",
    "compact --lake nowhere": "no lake at nowhere",
    "verify --lake nowhere": "no lake at nowhere",
    "rebuild --lake nowhere": "no lake at nowhere",
    "rebuild --geoip logs --no-geoip": "--geoip and --no-geoip contradict each other",
    "compact --grace -1": "grace",
}


@pytest.mark.parametrize(("line", "said"), WRONG.items())
def test_wrong_use(line: str, said: str, lake: Callable[[str], Ran]) -> None:
    code, out, err = lake(line)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("command", ["compact", "verify", "rebuild", "forget"])
def test_help(command: str, lake: Callable[[str], Ran]) -> None:
    code, out, err = lake(f"{command} --help")
    assert (code, err) == (0, "")
    assert "--lake" in out
