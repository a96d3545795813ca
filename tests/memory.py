"""How much memory `lake ingest` takes, by hand: one object of many gigabytes, of `Records` or of
lines, or very many small objects. Prints the peak of the whole process tree against `--memory`.

`python tests/memory.py records --gigabytes 5`, `... lines`, `... objects --count 100000`
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import logs
from logs import FLOW_KEY, TRAIL_KEY

from bench.processes import pss, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

LAKE = str(Path(sys.executable).with_name("lake"))
NOTE = "a note that makes the record larger, " * 100


def records(size: int) -> Iterator[bytes]:
    """One CloudTrail object of so many bytes, in pieces."""
    one = logs.compact(logs.event(0, requestParameters={"note": NOTE}))
    before, after = one.split(b"%012d" % 0)
    yield b'{"Records":['
    for first in range(0, size // len(one), 1_000):
        numbers = range(first, first + 1_000)
        comma = b"," if first else b""
        yield comma + b",".join(before + b"%012d" % number + after for number in numbers)
    yield b"]}"


def lines(size: int) -> Iterator[bytes]:
    """One flow log of so many bytes, in pieces. Its lines recur: their places tell them apart."""
    yield logs.FLOW_HEADER.encode() + b"\n"
    piece = "\n".join([*logs.flows(10_000), ""]).encode()
    for _ in range(size // len(piece)):
        yield piece


def write(path: Path, pieces: Iterator[bytes]) -> None:
    """A gzip of many members."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for piece in pieces:
            file.write(gzip.compress(piece, 1))


def small_objects(folder: Path, count: int) -> None:
    """So many flow logs of ten lines, over ten days."""
    for number in range(count):
        name = FLOW_KEY.replace("1a2b3c4d", f"{number:08x}")
        path = folder / name.replace("/02/01/", f"/02/{number % 10 + 1:02}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(logs.flow_file(logs.flows(10, number)), 1))


def peak_of(command: list[str]) -> tuple[int, int]:
    """Run a command; its exit code, and the peak of its tree in bytes."""
    process = subprocess.Popen(command)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(pss, tree(process.pid))))
        time.sleep(0.2)
    return process.returncode, peak


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["records", "lines", "objects"])
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--jobs", default="2")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memory-") as work:
        folder = Path(work)
        size = int(given.gigabytes * 1e9)
        if given.what == "records":
            write(folder / "logs" / TRAIL_KEY, records(size))
        elif given.what == "lines":
            write(folder / "logs" / FLOW_KEY, lines(size))
        else:
            small_objects(folder / "logs", given.count)
        stored = sum(path.stat().st_size for path in (folder / "logs").rglob("*.gz"))
        command = [LAKE, "ingest", str(folder / "logs"), "--lake", str(folder / "lake")]
        command += ["--memory", given.memory, "--jobs", given.jobs]
        code, peak = peak_of(command)
        print(f"{given.what}, {stored:,} bytes as stored, --memory {given.memory}: "
              f"exit {code}, peak {peak / 1e6:,.0f} MB", flush=True)  # fmt: skip
        if given.what == "objects":
            code, peak = peak_of(command)
            print(f"the same again: exit {code}, peak {peak / 1e6:,.0f} MB")
    return code


if __name__ == "__main__":
    sys.exit(main())
