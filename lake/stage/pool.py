"""The worker processes of a command."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

from lake.errors import StorageError
from lake.lean import start_lean
from lake.machine import cores
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def workers(jobs: int, fork: bool) -> Iterator[Executor | None]:
    """So many processes; None where that is one, this one. With `fork` they are forked at once,
    before a library has started a thread; else they begin with the first work. Raises StorageError
    where one ends by itself."""
    if jobs == 1:
        yield None
        return
    alone = fork and sys.platform == "linux" and threading.active_count() == 1
    context = get_context("fork" if alone else "spawn")
    try:
        with ProcessPoolExecutor(jobs, context, _ready, (os.getpid(),)) as pool:
            if alone:
                catalogue()
                pool.submit(cores).result()
            try:
                yield pool
            except BaseException:
                pool.shutdown(cancel_futures=True)  # what runs is waited for
                raise
    except BrokenProcessPool as error:
        raise StorageError(
            "a worker process was killed (out of memory?). What was committed stays. Run again "
            "with fewer --jobs."
        ) from error


def _ready(driver: int) -> None:
    """A worker's first act: it ends when its driver does, however that ends. Ctrl-C is for the
    driver, which lets what runs come to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start_lean()

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
