"""What the same bytes cost with nothing but the bare work, in one process: unpack and split, parse,
write as Parquet. Each is seconds of CPU, without the reading from disk.
"""

from __future__ import annotations

import gzip
import os
import time
from concurrent.futures import ProcessPoolExecutor, wait
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bench.kinds import Kind


class Watch:
    """Seconds of CPU by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401
        """Do the work and count what it takes."""
        began = time.process_time()
        done = work(*given)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
        return done


class _Listed(msgspec.Struct):
    Records: list[msgspec.Raw]


_LIST = msgspec.json.Decoder(_Listed)


def unpack(kind: Kind, body: bytes) -> list[Any]:
    """An object's records as bytes: the lines, or the texts in its list."""
    text = gzip.decompress(body)
    if kind.listed:
        return list(_LIST.decode(text).Records)
    lines = text.split(b"\n")
    return lines[1 if kind.head else 0 : -1 if not lines[-1] else None]


def parse(kind: Kind, records: list[Any]) -> int:
    """Each record as Python's values, one after the other and let go; how many there are."""
    if kind.json:
        for record in records:
            orjson.loads(memoryview(record))
    else:
        for record in records:
            record.split(b" ")
    return len(records)


def write(table: pa.Table) -> int:
    """The rows as one Parquet file in memory, zstd; its bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return int(sink.getvalue().size)


def of_objects(kind: Kind, objects: Iterable[Path]) -> dict[str, float]:
    """`unpack` and `parse` in seconds, and the number of `records`."""
    watch, count = Watch(), 0
    for path in objects:
        records = watch.time("unpack", unpack, kind, path.read_bytes())
        count += watch.time("parse", parse, kind, records)
    return {**watch.seconds, "records": count}


def speedup(kind: Kind, objects: Sequence[Path], jobs: int) -> float:
    """How many times as quick the same is by so many processes at once as by one, each with a share
    of the objects: what the machine gives to work that shares nothing. The median of three."""
    shares = [objects[number::jobs] for number in range(jobs)]
    found = []
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:

        def seconds(parts: Sequence[Sequence[Path]]) -> float:
            began = time.perf_counter()
            wait([pool.submit(of_objects, kind, part) for part in parts])
            return time.perf_counter() - began

        seconds([objects] * jobs)  # not measured: the processes begin
        for _ in range(3):
            alone = seconds([objects])
            found.append(alone / seconds(shares))
    return median(found)


def of_rows(files: Iterable[Path]) -> dict[str, float]:
    """`write` in seconds, of the rows that a lake's files hold, file by file."""
    watch = Watch()
    for path in files:
        watch.time("write", write, pq.read_table(path, partitioning=None))
    return watch.seconds


def of_listing(folder: Path) -> float:
    """Seconds of CPU to walk a folder and ask for the size of every file."""
    watch = Watch()

    def walk() -> int:
        return sum(
            os.stat(os.path.join(at, name)).st_size  # noqa: PTH116, PTH118  a Path costs more
            for at, _, names in os.walk(folder)
            for name in names
        )

    watch.time("list", walk)
    return watch.seconds["list"]
