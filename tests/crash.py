"""Kills the whole process tree of `lake ingest` at random moments and looks at what is left: whole
batches at once, and after the same command again exactly the rows of a run that nobody killed.

In the suite by test_crash.py; by hand, with more kills: `python tests/crash.py --kills 400 --s3`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import duckdb
import logs
from engine import contents, put
from logs import FLOW_KEY, TRAIL_KEY
from servers import serving_s3

from lake.query import Lake, open_lake
from lake.store.table import Store

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = [str(Path(sys.executable).with_name("lake"))]
PIECES = 12_000
IN_PIECES = [
    sys.executable,
    "-c",
    "from lake.stage import batches as b, commits as c\n"
    f"b.BATCH_BYTES = b.GROUP_BYTES = {PIECES}; c.COMMIT_EVERY = 0.0\n"
    "from lake.cli import main; main()",
]
"""The same command, with a commit for every few objects."""
AGAIN = 0.4
"""How often the run that recovers is killed as well."""
EARLY = 0.15
"""How many kills fall anywhere; the others fall after the lake has been touched, since before it
there are only imports."""
EVERY = 6
"""Each so manieth command is the installed one. The others are forked from a process that has
imported it already, which spares each two seconds."""

UNEVEN = """
WITH told AS (
  SELECT path, unnest([('row', rows), ('duplicate', duplicates), ('reject', rejects)]) AS one
  FROM objects
), found AS (
  SELECT log.file.path AS path, 'row' AS kind FROM events
  UNION ALL SELECT path, 'duplicate' FROM duplicates
  UNION ALL SELECT path, 'reject' FROM rejects
), sums AS (
  SELECT path, one[1] AS kind, sum(one[2]) AS told FROM told GROUP BY ALL
), counts AS (SELECT path, kind, count(*) AS found FROM found GROUP BY ALL)
SELECT path, kind, told, found FROM sums FULL JOIN counts USING (path, kind)
WHERE coalesce(told, 0) <> coalesce(found, 0)
UNION ALL SELECT path, 'record', records, rows + duplicates + rejects FROM objects
WHERE records <> rows + duplicates + rejects
UNION ALL SELECT event.dataset, 'twice', 1, count(*) FROM events GROUP BY event.dataset, event.hash
HAVING count(*) > 1
"""
"""Where what `objects` says and what the tables hold are not the same; no row in a whole lake."""

LOOK = f"""
SELECT (SELECT count(*) FROM objects WHERE NOT superseded) AS objects,
       (SELECT string_agg(u::VARCHAR, '; ') FROM ({UNEVEN}) u) AS wrong
"""

TIMELESS = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "no-time"}


def lay_out(folder: Path) -> Path:
    """Two sources over three days; events delivered twice, a record without a time, an object that
    is cut, and one that is no log."""
    for number in range(12):
        day = number % 3
        first = 86_400 * day + 200 * number  # every third object repeats 100 events
        trail = TRAIL_KEY.replace("a1b2", f"{number:04x}").replace("/02/01/", f"/02/0{day + 1}/")
        put(folder, trail, logs.trail([*logs.events(700, first), TIMELESS]))
        flow = FLOW_KEY.replace("1a2b", f"{number:04x}").replace("/02/01/", f"/02/0{day + 1}/")
        put(folder, flow, logs.flow_file(logs.flows(300, first)))
    cut = put(folder, "cut/flow.log.gz", logs.flow_file(logs.flows(500, first=9_000)))
    cut.write_bytes(cut.read_bytes()[:-2_000])
    put(folder, "notes.txt", b"Call the owner of the key on Monday.\n")
    return folder


@dataclass(frozen=True, slots=True)
class Place:
    """What is ingested: a WHERE with its options, and the environment that reaches it."""

    where: tuple[str, ...]
    environment: dict[str, str]

    def arguments(self, lake: Path) -> list[str]:
        return ["ingest", *self.where, "--lake", str(lake), "--jobs", "2"]


class Command:
    """`lake` with arguments, at work in a process group of its own; what it says goes to `told`."""

    def __init__(
        self, arguments: list[str], environment: dict[str, str], told: Path, how: str
    ) -> None:
        self._told = told
        told.write_bytes(b"")
        if how != "installed":
            pieces = PIECES if how == "pieces" else None
            given = (arguments, environment, str(told), pieces)
            self._forked = _FORKING.Process(target=_forked, args=given)
            self._forked.start()
            self.pid = self._forked.pid
            return
        self._forked = None
        with told.open("wb") as out:
            self._process = subprocess.Popen(
                [*INSTALLED, *arguments],
                env=environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def code(self, seconds: float | None = None) -> int | None:
        """The exit code, where there is one within so many seconds."""
        if self._forked is not None:
            self._forked.join(seconds)
            return self._forked.exitcode
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode

    def kill(self) -> None:
        """End the whole process tree at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.code()

    @property
    def told(self) -> str:
        return self._told.read_text("utf-8")


_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(
    ["lake.cli", "lake.ingest", "lake.query", "lake.objects.s3", "lake.ask.output"]
)


def _forked(
    arguments: list[str], environment: dict[str, str], told: str, pieces: int | None
) -> None:
    """What the command does, in a process that has imported it."""
    from lake.cli import main
    from lake.stage import batches, commits

    os.setsid()
    out = os.open(told, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(environment)
    if pieces is not None:
        commits.COMMIT_EVERY, batches.BATCH_BYTES, batches.GROUP_BYTES = 0.0, pieces, pieces
    sys.argv = ["lake", *arguments]
    main()


@dataclass(slots=True)
class Findings:
    """What so many kills came to; `errors` in words, none where all is well."""

    kills: int = 0
    late: int = 0
    """Runs that had ended before their kill."""
    unmade: int = 0
    """Kills before there was a lake."""
    partway: int = 0
    """Kills that left some of the objects read, and others not."""
    recovered: int = 0
    lost: int = 0
    doubled: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({self.late} after the end, {self.unmade} before there was a "
            f"lake, {self.partway} part of the way), {self.recovered} lakes recovered: "
            f"{self.lost} rows lost, {self.doubled} rows doubled, {len(self.errors)} errors"
        )


@dataclass(slots=True)
class Killer:
    """Kills ingests of one place, each lake in a folder of its own below `work`."""

    place: Place
    work: Path
    moments: random.Random
    findings: Findings = field(default_factory=Findings)
    _wanted: dict[str, dict[int, int]] = field(default_factory=dict)
    _objects: int = 0
    _commands: int = 0
    _seconds: dict[str, float] = field(default_factory=dict)
    """How long a run may take before its kill; follows the machine, so that few end before it."""

    def unbroken(self, how: str) -> None:
        """Ingest once without a kill: what every lake must hold in the end."""
        lake = self.work / "unbroken"
        shutil.rmtree(lake, ignore_errors=True)
        began = time.monotonic()
        self._finish(how, lake)
        self._seconds[how] = time.monotonic() - began
        self._wanted = rows_of(open_lake(lake))
        self._objects = self._look(lake)

    def kill(self, how: str, name: str) -> None:
        """One lake: killed, perhaps killed again while it recovers, then finished and compared."""
        lake = self.work / name
        while True:
            self._killed(how, lake)
            kept = counted(lake) if is_made(lake) else {}
            self._look(lake)
            if self.moments.random() > AGAIN:
                break
        self._finish(how, lake)
        self.findings.recovered += 1
        self._compare(lake, name)
        after = counted(lake)
        if gone := [path for path, stamp in kept.items() if after.get(path) != stamp]:
            self._wrong(f"{name}: committed files were touched: {gone}")
        if left := leftovers(lake, after):
            self._wrong(f"{name}: left behind: {left}")
        shutil.rmtree(lake)

    def _command(self, how: str, arguments: list[str]) -> Command:
        self._commands += 1
        if self._commands % EVERY == 1 and how == "forked":
            how = "installed"
        return Command(arguments, self.place.environment, self.work / "told.txt", how)

    def _killed(self, how: str, lake: Path) -> None:
        early = self.moments.random() < EARLY
        before = _touched(lake)
        command = self._command(how, self.place.arguments(lake))
        while not early and command.code(0) is None and _touched(lake) == before:
            time.sleep(0.005)
        if command.code(self.moments.uniform(0, self._seconds[how])) is None:
            command.kill()
            self._seconds[how] *= 1.03
        else:
            self.findings.late += 1
            self._seconds[how] *= 0.6
        self.findings.kills += 1

    def _finish(self, how: str, lake: Path) -> None:
        command = self._command(how, self.place.arguments(lake))
        if command.code():
            self._wrong(f"{lake.name}: the same command again: {command.code()}: {command.told}")

    def _look(self, lake: Path) -> int:
        """What `lake sql` sees at once is whole; gives the number of objects read."""
        arguments = ["sql", "--lake", str(lake), "--format", "json", LOOK]
        command = self._command("forked", arguments)
        if command.code():
            if is_made(lake) or "no lake at" not in command.told:
                self._wrong(f"{lake.name}: lake sql: {command.told}")
            self.findings.unmade += not is_made(lake)
            return 0
        (seen,) = json.loads(command.told)
        objects, wrong = int(seen["objects"]), seen["wrong"]
        if wrong:
            self._wrong(f"{lake.name}: uneven: {wrong}")
        self.findings.partway += 0 < objects < self._objects
        return objects

    def _compare(self, lake: Path, name: str) -> None:
        opened = open_lake(lake)
        found = rows_of(opened)
        for table in sorted({*found, *self._wanted}):
            has, wanted = found.get(table, {}), self._wanted.get(table, {})
            self.findings.lost += len(wanted.keys() - has.keys())
            if more := len(has.keys() - wanted.keys()):
                self._wrong(f"{name}: {more} rows of {table} that nobody logged")
            if other := [h for h in has.keys() & wanted.keys() if has[h] != wanted[h]]:
                self._wrong(f"{name}: {len(other)} rows of {table} with another content")
        count = opened.sql("SELECT count(*) FROM events").fetchall()[0][0]
        self.findings.doubled += count - sum(map(len, found.values()))
        if self._look(lake) != self._objects:
            self._wrong(f"{name}: not every object was read")
        try:
            with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
                told = client.sql("SELECT (SELECT count(*) FROM events), count(*) FROM objects")
                seen = told.fetchall()
        except duckdb.Error as error:
            self._wrong(f"{name}: lake.duckdb: {error}")
        else:
            if seen != [(count, self._objects)]:
                self._wrong(f"{name}: lake.duckdb shows {seen}, the lake holds {count} rows")

    def _wrong(self, words: str) -> None:
        self.findings.errors.append(words)


def is_made(lake: Path) -> bool:
    """Whether there is a lake; before its first version there is none."""
    return (lake / "_lake" / "_delta_log" / f"{0:020}.json").exists()


def _touched(lake: Path) -> set[Path]:
    """The staging folders of a lake, or that it is there at all."""
    return {lake, *lake.glob("_staging/*")} if lake.exists() else set()


def rows_of(opened: Lake) -> dict[str, dict[int, int]]:
    """Every table's rows: their identities and a hash of what they hold."""
    return {table: contents(opened, table) for table in opened.tables()}


def counted(lake: Path) -> dict[str, tuple[int, int]]:
    """The Parquet files that the last batch counts, below the lake, with their size and time."""
    store = Store.open(lake)
    now = store.snapshot()
    paths = [file.path for table in now.tables for file in store.files(table, now)]
    for kind in ("batch", "object", "reject", "duplicate"):
        paths += store.ledger_files(kind, now)
    stats = {path: Path(path).stat() for path in paths}
    return {
        str(Path(path).relative_to(store.path)): (stat.st_size, stat.st_mtime_ns)
        for path, stat in stats.items()
    }


def leftovers(lake: Path, counting: dict[str, tuple[int, int]]) -> list[str]:
    """Files of the lake that are neither counted nor part of its layout."""
    found = []
    for path in lake.rglob("*"):
        name = path.relative_to(lake).as_posix()
        log = path.parent.name == "_delta_log" and path.suffix == ".json"
        view = name.startswith("_views/")  # empty files, made by readers too
        if path.is_dir() and not name.startswith("_staging/"):
            continue
        if not (
            name in counting or log or view or name in ("lake.duckdb", "_lake.lock", "_ingest.lock")
        ):
            found.append(name)
    return found


def run(kills: int, seed: int, s3: bool, work: Path, patience: bool = False) -> Findings:
    """So many kills, the command as it is and the one in pieces in turn."""
    folder = lay_out(work / "logs")
    with ExitStack() as stack:
        if s3:
            server = stack.enter_context(serving_s3(work / "s3"))
            server.upload("evidence", folder)
            options = ("s3://evidence", "--endpoint-url", server.url)
            place = Place(options, server.environment(work / "home"))
        else:
            place = Place((str(folder),), dict(os.environ))
        before = {path: path.stat() for path in folder.rglob("*")}
        killer = Killer(place, work, random.Random(seed))
        lakes = 0
        killer.unbroken("forked")
        killer.unbroken("pieces")
        while killer.findings.kills < kills and not killer.findings.errors:
            killer.kill(("forked", "pieces")[lakes % 2], f"lake-{lakes}")
            lakes += 1
            if patience and lakes % 4 == 0:
                print(killer.findings, flush=True)
        now = {path: path.stat() for path in folder.rglob("*")}
        if {p: (s.st_size, s.st_mtime_ns) for p, s in before.items()} != {
            p: (s.st_size, s.st_mtime_ns) for p, s in now.items()
        }:
            killer.findings.errors.append("the logs were touched")
    return killer.findings


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", action="store_true", help="from a real S3 server")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crash-") as work:
        findings = run(given.kills, given.seed, given.s3, Path(work), patience=True)
    print(findings)
    print(*findings.errors, sep="\n")
    return bool(findings.errors or findings.lost or findings.doubled)


if __name__ == "__main__":
    sys.exit(main())
