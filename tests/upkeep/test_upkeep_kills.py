"""Compaction, vacuum, rebuild and forgetting, each killed at every step: the lake can be read at
once, and the same command again ends as it would have without the kill."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import logs
import pytest
from engine import put, read
from kills import KILLED, run
from logs import FLOW_KEY, TRAIL_KEY

from lake.query import open_lake
from lake.store.table import Store
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A command as Python lines, and the steps at which it is killed."""

    lines: str
    steps: tuple[str, ...]

    def run(self, lake: Path, step: str = "never") -> int:
        """Its exit code, or the signal that ended it."""
        return run(KILLED + self.lines, step, lake).wait(120)


COMPACT = """
from datetime import timedelta
from lake.upkeep.compact import CompactOptions, compact
compact(Path(lake), CompactOptions(timedelta(0)))
"""
REBUILD = """
from lake.enrich.geoip import GeoIP
from lake.upkeep.rebuild import RebuildOptions, rebuild
rebuild(Path(lake), RebuildOptions(geoip=GeoIP.none()))
"""
FORGET = """
from datetime import date
from lake.upkeep.forget import forget
forget(Path(lake), date(2024, 2, 2), now=True)
"""
COMMANDS = {
    # commits 1 to 3 are the tables' and `_lake`'s, 4 merges `_lake`'s files, 5 notes the vacuum
    "compact": Upkeep(
        COMPACT,
        (
            "journal",
            "before commit 1",
            "after commit 1",
            "before commit 3",
            "after commit 3",
            "before commit 4",
            "after commit 4",
            "before commit 5",
            "after commit 5",
            "after deletion 1",
            "after deletion 9",
        ),
    ),
    "rebuild": Upkeep(
        REBUILD,
        ("journal", "before commit 1", "after commit 1", "before commit 3", "after commit 3"),
    ),
    "forget": Upkeep(
        FORGET,
        (
            "journal",
            "before commit 1",
            "after commit 1",
            "before commit 3",
            "after commit 3",
            "after commit 4",
            "after deletion 2",
        ),
    ),
}
CASES = [(name, step) for name, command in COMMANDS.items() for step in command.steps]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of eight batches, a file each, of two days and two sources."""
    folder = tmp_path_factory.mktemp("made")
    for number in range(4):
        first = 86_400 * (number % 2) + 10 * number
        trail = put(
            folder, TRAIL_KEY.replace("a1b2", f"{number:04x}"), logs.trail(logs.events(5, first))
        )
        flow = put(
            folder, FLOW_KEY.replace("1a2b", f"{number:04x}"), logs.flow_file(logs.flows(5, first))
        )
        read(folder / "lake", trail)
        read(folder / "lake", flow)
    return folder / "lake"


def content(lake: Path) -> list[str]:
    """Every row with every leaf, sorted."""
    opened = open_lake(lake)
    found: list[str] = []
    for table in opened.tables():
        rows = opened.sql(f"SELECT to_json(t)::VARCHAR FROM {table} t").fetchall()
        found += [text for (text,) in rows]
    return sorted(found)


@pytest.fixture(scope="module")
def unkilled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each command leaves behind when nobody kills it."""
    found = {}
    for name, command in COMMANDS.items():
        lake = tmp_path_factory.mktemp("unkilled") / "lake"
        shutil.copytree(made, lake)
        assert command.run(lake) == 0
        assert verify(lake).findings == []
        found[name] = content(lake)
    return found


@pytest.mark.parametrize(("name", "step"), CASES, ids=[f"{n}: {s}" for n, s in CASES])
def test_a_kill_at_each_step(
    name: str, step: str, made: Path, unkilled: dict[str, list[str]], tmp_path: Path
) -> None:
    command, lake = COMMANDS[name], tmp_path / "lake"
    shutil.copytree(made, lake)
    before = content(lake)
    assert command.run(lake, step) == -signal.SIGKILL
    assert content(lake) in (before, unkilled[name])
    assert {f.kind for f in verify(lake).findings} <= {"unfinished"}
    assert command.run(lake) == 0
    assert content(lake) == unkilled[name]
    report = verify(lake)
    assert (report.findings, report.notes) == ([], [])
    assert not (lake / "_journal.json").exists()
    assert list((lake / "_staging").iterdir()) == []
    if name == "compact":
        assert report.earlier == 0
    if name == "forget":
        assert list(lake.rglob("date=2024-02-01/*.parquet")) == []
    assert read(lake, made.parent / "AWSLogs").unchanged == 8
    assert Store.open(lake).snapshot().batch >= 9
