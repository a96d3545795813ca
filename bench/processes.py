"""Commands, measured: CPU, wall and memory of a command and all the processes below it.

CPU is what the kernel counts for the command and its waited-for children (wait4). Memory is the
largest sum of proportional set sizes (PSS: what is shared counts by its part) that was seen, looked
at every 0.2 seconds. Linux only, as /proc is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LAKE = (sys.executable, "-m", "lake.cli")
LOOK = 0.2
_PSS = re.compile(rb"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took: seconds of CPU (user and system), seconds by the clock, bytes at the
    peak (0 where nobody looked); and what it printed on stdout."""

    cpu: float
    wall: float
    memory: int
    out: str


def run(command: Sequence[str], *, memory: bool = True) -> Run:
    """Run a command to its end. Raises RuntimeError with its words if it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment()
        )
        peak, ended = 0, 0
        while not ended:
            # without looking at memory the end is waited for, so that the clock is exact
            ended, status, used = os.wait4(process.pid, os.WNOHANG if memory else 0)
            if not ended:
                peak = max(peak, sum(map(pss, tree(process.pid))))
                time.sleep(LOOK)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said = [_text(stream) for stream in (out, err)]
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said[1]}")
    return Run(used.ru_utime + used.ru_stime, wall, peak, said[0])


def environment() -> dict[str, str]:
    """Ours, with which Python keeps compiled modules: compiling them at each start takes longer
    than the start."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_bytes().split())
            except OSError:  # it ended while we looked
                continue
    return found


def cpu_of(pid: int) -> float:
    """Seconds of CPU (user and system) that a running process and its ended children have had."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, told[11:15])) / os.sysconf("SC_CLK_TCK")


def pss(pid: int) -> int:
    """The proportional set size of a process in bytes; 0 where it is gone."""
    try:
        told = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_bytes())
    except OSError:
        return 0
    return int(told[1]) << 10 if told else 0


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")
