"""What earlier runs measured: a line of JSON a measurement, and which ratios have become worse.

Seconds of two machines say nothing about the program; a ratio to the yardstick of the same run
does. It is compared with the median of the five runs before it, of the same size.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from lake.machine import cores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measurement import Measurement

ROOT = Path(__file__).resolve().parent.parent
FILE = Path(__file__).with_name("history.jsonl")
WORSE = 1.15
"""A ratio this many times that of before is marked."""
BEFORE = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One measurement of one run, as it is remembered. `run` is when it began (ISO 8601, UTC),
    `size` what was measured: only equal sizes are compared."""

    run: str
    commit: str
    size: str
    title: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """What a line says of the run that measured: when it began, which commit, how much, on what."""

    run: str
    commit: str
    size: str
    machine: dict[str, Any]

    @classmethod
    def begin(cls, size: str, began: datetime) -> Run:
        """A run of this checkout on this machine."""
        told = began.astimezone(UTC).isoformat(timespec="seconds")
        return cls(told, commit(), size, machine())


def append(path: Path, run: Run, one: Measurement) -> None:
    """Add a measurement to a file."""
    with path.open("a", encoding="utf-8") as out:
        told = {**asdict(run), **asdict(one), "title": one.title}
        out.write(json.dumps(told, default=float) + "\n")


def read(path: Path) -> list[Entry]:
    """Everything that is remembered, as it was written."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    names = Entry.__slots__
    return [Entry(**{name: found[name] for name in names}) for found in map(json.loads, lines)]


def worse(ratio: float, before: Sequence[float]) -> bool:
    """Whether a ratio is more than 15 % above the median of the last ones before it."""
    return bool(before) and ratio > WORSE * statistics.median(before[-BEFORE:])


def table(entries: Sequence[Entry], size: str, last: int) -> list[list[str]]:
    """The last runs of a size, a column each under its commit, worse ratios marked; first row and
    first column are headings."""
    of_size = [entry for entry in entries if entry.size == size]
    runs = sorted({entry.run for entry in of_size})
    shown = runs[-last:]
    commits = {entry.run: entry.commit for entry in of_size}
    rows = [["ratio", *(f"{commits[run]} {run[:16]}" for run in shown)]]
    for title in dict.fromkeys(entry.title for entry in of_size):
        ratios = {e.run: e.ratio for e in of_size if e.title == title and e.ratio is not None}
        if ratios:
            rows.append([title, *(_cell(ratios, run, runs) for run in shown)])
    return rows


def _cell(ratios: dict[str, float], run: str, runs: list[str]) -> str:
    if run not in ratios:
        return "-"
    before = [ratios[earlier] for earlier in runs if earlier < run and earlier in ratios]
    return f"{ratios[run]:.2f}{' worse' if worse(ratios[run], before) else ''}"


def commit() -> str:
    """The commit that was measured, with + where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """What ran it; no name of it."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": models[0] if models else "unknown",
        "cores": cores(),
        "duckdb": duckdb.__version__,
        "pyarrow": pa.__version__,
    }
