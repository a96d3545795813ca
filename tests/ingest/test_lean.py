"""What a process gives back of its memory."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import pytest

from lake.lean import give_back

BLOCK, BLOCKS = 2_000, 40_000


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_process_that_holds_much_gives_back_what_is_free() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("this C library keeps nothing")
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    for block in blocks[:-1]:  # the last one keeps the heap from being given back at its end
        libc.free(block)
    held = resident()
    give_back(above=held)
    assert held - resident() < BLOCK * BLOCKS // 2
    give_back(above=BLOCK * BLOCKS)
    assert held - resident() > BLOCK * BLOCKS // 2
    libc.free(blocks[-1])
