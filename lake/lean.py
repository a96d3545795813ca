"""What keeps the processes of an ingest small; `start_lean` is for the command line's alone."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("the command line does without pandas", name=name)


def start_lean() -> None:
    """Spare this process what it has no use for; before numpy and pyarrow are imported.

    pyarrow imports pandas, where it is installed, when given its first Python list: 0.3 s for every
    command and every worker. numpy's OpenBLAS starts threads that spin for 0.1 s. Arrow's own
    allocator gives memory back so eagerly that a quarter of the system's time goes into getting it
    again, and takes a fifth more. Python's collector walks texts, places and documents by the ten
    thousand and hardly finds a cycle: a thirtieth of an ingest, a third of what sending takes. When
    the process ends it would walk all modules once more, a tenth of a short command.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(100_000, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
    sys.meta_path.insert(0, _NoPandas())


LARGE = 280 << 20
"""Bytes of its own that a worker may hold before it gives back what is free of them."""


def give_back(above: int = 0) -> None:
    """Give back what the C library keeps of the memory that was freed, where this process holds
    more than so many bytes of its own. A chunk costs 2 % more after it. Only glibc has the call,
    and Linux tells what a process holds; elsewhere nothing is done."""
    if sys.platform != "linux" or (above and _own() <= above):
        return
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _own() -> int:
    """The bytes that this process holds and shares with none."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text("ascii").split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
