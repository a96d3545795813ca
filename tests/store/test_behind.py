"""A lake that was copied while it was written, the tables before the ledger."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import logs
import pytest
from command import run_lake
from engine import balance, hashes, put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from command import Ran

COUNT = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM objects)"


def _one_more(folder: Path, number: int) -> None:
    """An object of each source, a batch each."""
    first = 1 + 2 * number
    calls = put(
        folder / "logs",
        TRAIL_KEY.replace("a1b2", f"{number:04x}"),
        logs.trail(logs.events(2, first)),
    )
    flows = put(
        folder / "logs",
        FLOW_KEY.replace("1a2b", f"{number:04x}"),
        logs.flow_file(logs.flows(2, first)),
    )
    for path in (calls, flows):
        read(folder / "lake", path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Of a lake of six batches, with the tables as they were after four, beside it."""
    for number in range(2):
        _one_more(tmp_path, number)
    shutil.copytree(tmp_path / "lake", tmp_path / "copy", ignore=shutil.ignore_patterns("_lake"))
    _one_more(tmp_path, 2)
    shutil.copytree(tmp_path / "lake" / "_lake", tmp_path / "copy" / "_lake")
    return tmp_path / "copy"


@pytest.fixture
def run(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """A command on the copy."""
    return lambda *command: run_lake([*command, "--lake", str(copy)], monkeypatch, capsys)


def test_every_command_says_what_is_whole(copy: Path, run: Callable[..., Ran]) -> None:
    logs_of_it = str(copy.parent / "logs")
    commands = (["status"], ["sql", COUNT], ["ingest", "--jobs", "1", logs_of_it], ["compact"])
    for command in commands:
        code, _, err = run(*command)
        assert code == 1, command
        assert "batch 6 stands on version 3 of cloudtrail, whose log ends with 2" in err
        assert "What to do: copy it again, `_lake` first" in err
    code, out, _ = run("verify")
    assert code == 1
    assert "next: copy it again, `_lake` first" in out
    as_of = re.findall(r"--as-of (\S+Z)`", out)
    assert len(set(as_of)) == 1
    code, out, _ = run("sql", COUNT, "--as-of", as_of[0], "--format", "csv")
    assert (code, out.splitlines()[1]) == (0, "8,4")


def test_it_is_an_earlier_lake_without_the_versions_that_are_named(
    copy: Path, run: Callable[..., Ran]
) -> None:
    (last,) = re.findall(r"the versions after (\d+) out of _lake/_delta_log", run("status")[2])
    for path in (copy / "_lake" / "_delta_log").glob("*.json"):
        if int(path.stem) > int(last):
            path.unlink()
    assert len(hashes(copy)) == 8
    report = read(copy, copy.parent / "logs")
    assert (report.unchanged, report.rows) == (4, 4)
    balance(copy)
    assert hashes(copy) == hashes(copy.parent / "lake")
    assert verify(copy).findings == []


def test_a_table_that_is_gone(copy: Path, run: Callable[..., Ran]) -> None:
    shutil.rmtree(copy / "vpcflow")
    shutil.rmtree(copy / "cloudtrail")
    for command in (["status"], ["sql", COUNT]):
        code, _, err = run(*command)
        assert (code, "of cloudtrail, which is not there: files are gone" in err) == (1, True)
        assert "it is whole" not in err
    assert [f.where for f in verify(copy).findings] == [
        "cloudtrail/_delta_log", "vpcflow/_delta_log",
    ]  # fmt: skip
