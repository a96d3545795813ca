"""How long the program takes to begin: commands that do next to nothing, beside bare Python."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from bench.processes import LAKE, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BARE = "python -c pass"


def measure_starts(lake: Path, times: int) -> Iterator[Measurement]:
    """Each command so many times, in turn, so that all of them see the same machine."""
    commands = {
        BARE: (sys.executable, "-c", "pass"),
        "import lake": (sys.executable, "-c", "import lake"),
        "lake.open": (sys.executable, "-c", f"import lake; lake.open({str(lake)!r})"),
        "lake sql 'SELECT 1'": (*LAKE, "sql", "SELECT 1", "--lake", str(lake)),
        "lake status": (*LAKE, "status", "--lake", str(lake)),
    }
    runs = [
        {name: run(command, memory=False) for name, command in commands.items()}
        for _ in range(times)
    ]
    bare = statistics.median(turn[BARE].wall for turn in runs)
    for name in commands:
        walls = [turn[name].wall for turn in runs]
        median = statistics.median(walls)
        found = {
            "best": min(walls),
            "median": median,
            "cpu": statistics.median(turn[name].cpu for turn in runs),
        }
        yield Measurement("start", name, found, {"python": bare}, median / bare)
