"""What is remembered of runs, which ratios are told as worse, and what a command takes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bench.history import Entry, Run, append, read, table, worse
from bench.measurement import Measurement
from bench.processes import run
from bench.report import markdown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("before", "ratio", "expected"),
    [
        ([], 9.0, False),  # nothing to compare with
        ([2.0], 2.3, False),  # 15 % is not more than 15 %
        ([2.0], 2.31, True),
        ([2.0], 1.0, False),  # better
        ([2.0, 2.0, 9.0], 2.2, False),  # one bad run is not the measure
        ([2.0, 2.0, 9.0], 2.4, True),
        ([1.0, 1.0, 1.0, 4.0, 4.0, 4.0, 4.0, 4.0], 4.1, False),  # five count
    ],
)
def test_worse(before: list[float], ratio: float, expected: bool) -> None:
    assert worse(ratio, before) is expected


def entries(*ratios: float | None, title: str = "ingest: alb", size: str = "full") -> list[Entry]:
    """A run a day."""
    return [
        Entry(f"2025-03-{day:02}T10:00:00+00:00", f"c{day}", size, title, ratio)
        for day, ratio in enumerate(ratios, 1)
    ]


def test_the_last_runs_stand_side_by_side_and_worse_ones_are_marked() -> None:
    known = [
        *entries(2.0, 2.1, 2.5, 2.2),
        *entries(None, 1.0, None, 1.2, title="start: lake status"),
        *entries(None, None, title="all kinds: ingest"),
        *entries(1.0, 9.0, size="small"),
    ]
    assert table(known, "full", last=3) == [
        ["ratio", "c2 2025-03-02T10:00", "c3 2025-03-03T10:00", "c4 2025-03-04T10:00"],
        ["ingest: alb", "2.10", "2.50 worse", "2.20"],
        ["start: lake status", "1.00", "-", "1.20 worse"],
    ]


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    began = datetime(2025, 3, 10, 8, tzinfo=UTC)
    one = Measurement("ingest", "alb", {"cpu": 3.0}, {"parse": 1.5}, 2.0)
    append(file, Run.begin("small", began), one)
    append(file, Run.begin("full", began), one)
    append(file, Run.begin("full", began), Measurement("all kinds", "ingest"))
    found = read(file)
    assert [(e.size, e.title, e.ratio) for e in found] == [
        ("small", "ingest: alb", 2.0),
        ("full", "ingest: alb", 2.0),
        ("full", "all kinds: ingest", None),
    ]
    assert {e.run for e in found} == {"2025-03-10T08:00:00+00:00"}
    assert '"yardsticks": {"parse": 1.5}' in file.read_text()


def test_nothing_is_remembered_at_first(tmp_path: Path) -> None:
    assert read(tmp_path / "none.jsonl") == []


def test_a_report_has_a_table_a_group() -> None:
    one = Measurement(
        "start", "lake status", {"best": 0.25, "median": 0.3, "cpu": 0.5}, {"python": 0.01}, 30.0
    )
    assert markdown([one], "a run") == (
        "# a run\n\n## start\n\nCommands that do next to nothing. The ratio is median / bare "
        "Python.\n\n"
        "| start       |  best | median |   CPU | ratio |\n"
        "| :---------- | ----: | -----: | ----: | ----: |\n"
        "| lake status | 250.0 |  300.0 | 500.0 | 30.00 |\n"
    )


CHILD = "import time; held = bytearray(b'x' * (96 << 20)); time.sleep(1.5)"
BUSY = "import time\nwhile time.process_time() < 0.4: pass"


def test_memory_is_that_of_the_whole_tree() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
    assert run([sys.executable, "-c", parent]).memory > 96 << 20


def test_cpu_is_that_of_the_whole_tree() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    took = run([sys.executable, "-c", parent], memory=False)
    assert took.cpu >= 0.4
    assert took.memory == 0


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nno"):
        run([sys.executable, "-c", "import sys; print('no', file=sys.stderr); sys.exit(3)"])
