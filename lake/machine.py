"""What this machine has: memory and processors."""

from __future__ import annotations

import errno
import os
import sys

from lake.errors import UsageError

ADDRESSES = 2_500_000 << 10
"""Bytes of addresses that a command on two processors takes, whatever it holds of them: libraries
and threads. Under 2.1 GB the libraries end the process, in words of their own."""


def check_addresses() -> None:
    """Raises UsageError where this process may not map what the libraries take."""
    if sys.platform == "win32":
        return
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if resource.RLIM_INFINITY != most < ADDRESSES:
        raise UsageError(
            f"a process may map {most / 1e9:.1f} GB of memory here, and needs "
            f"{ADDRESSES / 1e9:.1f}: lift the limit (`ulimit -v unlimited`). What an ingest holds "
            "of it, --memory and --jobs say."
        )


def is_short_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it comes of, is that memory was refused."""
    chain: BaseException | None = error
    while chain is not None:
        no_room = isinstance(chain, OSError) and chain.errno == errno.ENOMEM
        if no_room or isinstance(chain, MemoryError):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def default_memory() -> int:
    """A quarter of the machine's memory, in bytes."""
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def page_memory() -> int:
    """What the DuckDB of pages may take, in bytes: 300 MB for each processor and for two at least,
    a quarter of the machine's memory at most. What needs more goes through the disk: three pages
    over ten million rows took 1.4 GB in the app without it, 0.85 with it, and as long."""
    return min(default_memory(), max(cores(), 2) * 300_000_000)
