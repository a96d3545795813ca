"""What a dashboard costs, by hand: every panel of the original's CloudTrail and flow dashboards, by
its own definition, asked of a real OpenSearch that holds as many documents as asked, beside our
page of the same lake, in one run on one machine. Prints time by the clock and CPU of both.

OpenSearch is asked as a browser asks it: some panels at a time, of caches that are empty and, once
more, of a server that has just answered the same. Ours is `lake panels` as a whole, with its start.

`python tests/panels_load.py --documents 1000000 --heap 2g`; the shared definitions are needed. With
`--history` the ratio goes where `python -m bench history` shows it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from export_load import prepare, put_templates, send_ready
from opensearch_panels import Asked, definition
from opensearch_server import OpenSearchServer, fetch

from bench.history import Run, append
from bench.measurement import Measurement
from bench.processes import LAKE, cpu_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_ONCE = 6
"""Requests that a browser has open to one server."""
PAGES = {
    "cloudtrail": ("cloudtrail-summary.json",),
    "vpcflow": (
        "vpcflowlogs-summary.json",
        "vpcflowlogscustom-summary-with-v5-custom-formats.json",
    ),
}


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:7.2f} s {self.cpu:7.2f} s CPU"


def timed(server: OpenSearchServer, action: Callable[[], object]) -> Took:
    """What an action takes by the clock, and the server's CPU meanwhile."""
    cpu, began = cpu_of(server.pid), time.perf_counter()
    action()
    return Took(time.perf_counter() - began, cpu_of(server.pid) - cpu)


def ask(server: OpenSearchServer, file: str) -> None:
    """Every panel of an original's dashboard, several at a time."""
    dashboard, asked = definition(file), Asked(server, "day", exact=False)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda panel: asked.panel(dashboard, panel), dashboard["panels"]))


def forget(server: OpenSearchServer) -> None:
    server.ask("POST", "/log-*/_cache/clear")


def compare(server: OpenSearchServer, lake: Path) -> Iterator[Measurement]:
    """Print a line for each dashboard of the original's and each page of ours; give each page's
    time by the clock over that of the dashboards."""
    for page, files in PAGES.items():
        theirs = 0.0
        for file in files:
            again = partial(ask, server, file)
            again()  # not measured: the server's code is compiled as it is used
            forget(server)
            panels = len(definition(file)["panels"])
            plain = timed(server, again)
            theirs += plain.wall
            print(f"{file:<58}{panels:3} panels, no caches {plain}")
            print(f"{'':<61}         once more {timed(server, again)}")
        command = [*LAKE, "panels", page, "--lake", str(lake), "--format", "json"]
        best = min((run(command) for _ in range(3)), key=lambda one: one.wall)
        took, panels = Took(best.wall, best.cpu), len(json.loads(best.out))
        print(f"{f'lake panels {page}':<58}{panels:3} panels, a process {took}")
        print(f"{'':<61}{best.memory / 1e6:.0f} MB at the most")
        figures = {"wall": best.wall, "cpu": best.cpu, "memory": best.memory}
        yield Measurement("pages", page, figures, {"opensearch": theirs}, best.wall / theirs)


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--heap", default="2g", help="of the server")
    parser.add_argument("--work", type=Path, help="logs, lake and bodies, kept for the next run")
    parser.add_argument("--history", type=Path, help="a file of `bench`, to add the ratios to")
    given = parser.parse_args()
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="panels-") as name:
        work: Path = given.work or Path(name)
        if not (work / "made").exists():
            prepare(work, given.documents)
        shutil.rmtree(work / "node", ignore_errors=True)
        server = OpenSearchServer(*fetch(), work / "node", heap=given.heap, quick=False)
        server.start()
        try:
            put_templates(server.url)
            send_ready(server.url, work / "bodies")
            server.ask("POST", "/log-*/_refresh")
            measured = list(compare(server, work / "lakehouse"))
        finally:
            server.stop()
        due = int((work / "made").read_text())
    for one in measured if given.history else ():
        append(given.history, Run.begin(f"{due:,} documents", began), one)
    return 0


if __name__ == "__main__":
    sys.exit(main())
