"""Several ingests into one lake at once, and readers all the while: what each reader sees is whole,
and in the end the lake holds what the same ingests give one after the other.

In the suite by test_at_once.py; by hand, with more of all: `python tests/at_once.py --rounds 20`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl
from crash import IN_PIECES, LOOK, Place, is_made, lay_out, leftovers, rows_of
from crash import counted as counted_files

from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(slots=True)
class Seen:
    """What the readers of a lake saw: looks at each number of objects, and what was wrong."""

    looks: int = 0
    states: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def note(self, reader: str, objects: int, wrong: str | None) -> None:
        self.looks += 1
        self.states.add(objects)
        if wrong:
            self.wrong.append(f"{reader}: {wrong}")


def by_client(lake: Path) -> tuple[int, str | None]:
    """Another DuckDB, through `lake.duckdb`."""
    while not (lake / "lake.duckdb").exists():  # until the first ingest has ended
        time.sleep(0.05)
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
        return client.sql(LOOK).fetchall()[0]


def by_polars(lake: Path) -> tuple[int, str | None]:
    """Polars, over the tables of a lake as `lake.open` finds it."""
    opened = open_lake(lake)
    told = dict(opened.sql("SELECT source, sum(rows) FROM objects GROUP BY 1").fetchall())
    objects = opened.sql("SELECT count(*) FROM objects WHERE NOT superseded").fetchall()[0][0]
    for table in opened.tables():
        rows = opened.scan(table).select(pl.col("event").struct.field("hash")).collect()
        if not len(rows) == rows["hash"].n_unique() == told.get(table, 0):
            return objects, f"{table}: {len(rows)} rows, {told.get(table)} told"
    return objects, None


class ByApp:
    """The one open lake that follows, as the app's does."""

    def __init__(self) -> None:
        self.opened: Lake | None = None

    def __call__(self, lake: Path) -> tuple[int, str | None]:
        self.opened = self.opened or open_lake(lake)
        self.opened.refresh()
        return self.opened.cursor().sql(LOOK).fetchall()[0]


def watch(
    name: str, look: Callable[[Path], tuple[int, str | None]], lake: Path, over: threading.Event
) -> Seen:
    """Look again and again until it is over, and once more then."""
    seen = Seen()
    ended = False
    while not ended and len(seen.wrong) < 5:
        ended = over.is_set()
        over.wait(0.02)
        if not is_made(lake):
            continue
        try:
            seen.note(name, *look(lake))
        except Exception as error:  # whatever a reader is told is a finding
            seen.wrong.append(f"{name}: {type(error).__name__}: {error}")
    return seen


def at_once(commands: Sequence[list[str]], lake: Path) -> tuple[list[str], Seen]:
    """Run the commands at once, three readers beside them; what went wrong, and what was seen."""
    over = threading.Event()
    readers = {"client": by_client, "polars": by_polars, "app": ByApp()}
    with ThreadPoolExecutor(len(readers)) as pool:
        watching = [pool.submit(watch, name, look, lake, over) for name, look in readers.items()]
        running = [
            subprocess.Popen(
                command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            for command in commands
        ]
        told = [process.communicate()[1] for process in running]
        over.set()
        every = [future.result() for future in watching]
    wrong = [
        f"exit {process.returncode}: {words.decode()}"
        for process, words in zip(running, told, strict=True)
        if process.returncode
    ]
    seen = Seen(sum(s.looks for s in every), set().union(*(s.states for s in every)))
    return wrong + [words for s in every for words in s.wrong], seen


def overlapping(folder: Path, ingests: int) -> list[tuple[str, ...]]:
    """WHEREs that share objects: the whole, and days of it under the whole's own paths."""
    days = sorted(str(path) for path in folder.glob("AWSLogs/*/*/*/*/*/*"))
    wheres = [(str(folder),), (*days[:4], *days[3:5]), tuple(days[2:]), (str(folder), days[0])]
    return [wheres[number % len(wheres)] for number in range(ingests)]


def compare(lake: Path, wanted: dict[str, dict[int, int]]) -> list[str]:
    """Where a lake's rows are others than those wanted, and what lies in it to no purpose."""
    found = rows_of(open_lake(lake))
    wrong = [f"{t} differs" for t in {*found, *wanted} if found.get(t) != wanted.get(t)]
    return wrong + [f"left behind: {name}" for name in leftovers(lake, counted_files(lake))]


def round_of(ingests: int, work: Path, same: bool) -> tuple[list[str], Seen]:
    """One lake filled by so many ingests at once, of the same or of overlapping places."""
    folder = work / "logs"
    places = [(str(folder),)] * ingests if same else overlapping(folder, ingests)
    commands = [[*IN_PIECES, *Place(where, {}).arguments(work / "lake")] for where in places]
    wrong, seen = at_once(commands, work / "lake")
    for number, where in enumerate(places):
        command = [*IN_PIECES, *Place(where, {}).arguments(work / "after")]
        done = subprocess.run(command, capture_output=True, text=True)
        wrong += [f"after {number}: {done.stderr}"] if done.returncode else []
    return wrong + compare(work / "lake", rows_of(open_lake(work / "after"))), seen


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    failed = looks = 0
    for number in range(given.rounds):
        ingests, same = (2, 4)[number % 2], number % 4 < 2
        with tempfile.TemporaryDirectory(prefix="at-once-") as folder:
            lay_out(Path(folder) / "logs")
            wrong, seen = round_of(ingests, Path(folder), same)
        failed += bool(wrong)
        looks += seen.looks
        print(f"{ingests} ingests, {'same' if same else 'overlapping'}: {seen.looks} looks at "
              f"{len(seen.states)} states", *wrong, sep="\n  ", flush=True)  # fmt: skip
    print(f"{given.rounds} rounds, {looks} looks, {failed} rounds with differences")
    return failed


if __name__ == "__main__":
    sys.exit(main())
