"""The DuckDBs of a worker process: one goes on from batch to batch, and from ingest to ingest.

To plan every SELECT anew takes half of a small ingest.
"""

from __future__ import annotations

import atexit
import os
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lake.normalize.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_idle: defaultdict[int, list[Engine]] = defaultdict(list)
"""The engines that no batch uses at the moment, by process: a forked process must not use those of
its parent. A process has one, unless several of its threads ingest at once."""


@atexit.register
def _close() -> None:
    """Close the DuckDBs before the interpreter ends, which would warn of what they still hold."""
    while _idle[os.getpid()]:
        _idle[os.getpid()].pop().close()


@contextmanager
def borrowed_engine(memory: int, spill: Path) -> Iterator[Engine]:
    """An engine for one batch, with so many bytes of memory, that spills into a folder. Nobody else
    has it meanwhile."""
    taken = _take(memory, str(spill))
    try:
        yield taken
    finally:
        _idle[os.getpid()].append(taken)


def _take(memory: int, spill: str) -> Engine:
    try:
        idle = _idle[os.getpid()].pop()
    except IndexError:
        return Engine(memory, temp=spill)
    if idle.temp == spill:
        return idle
    if idle.memory == memory and idle.spill_to(spill):
        return idle
    idle.close()
    return Engine(memory, temp=spill)
