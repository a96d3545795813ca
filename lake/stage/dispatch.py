"""Hands batches to the workers and their results to the driver.

A batch that fails as a whole is halved until the object at fault is alone; that one is `failed`,
the others are read. The executor is any of `concurrent.futures`; without one this process reads.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lake.errors import is_interrupt
from lake.model import ObjectResult
from lake.stage.worker import BatchResult, run_batch

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future

    from lake.stage.batches import Batch
    from lake.stage.worker import WorkerSetup

LONGEST_WAIT = 1.0
"""Seconds after which the driver has its turn though no batch has ended."""


def batch_results(
    setup: WorkerSetup, queue: deque[Batch], jobs: int, pool: Executor | None
) -> Iterator[list[BatchResult]]:
    """The results of the batches, as they end; now and then none, so that the driver can do what is
    due. Takes batches out of the queue, so that one that is done is let go.

    Raises OSError where the disk refuses, BrokenProcessPool where a worker was killed,
    KeyboardInterrupt where a worker was interrupted.
    """
    if jobs == 1 or pool is None:
        while queue:
            batch = queue.popleft()
            yield _result(partial(run_batch, setup, batch), batch, queue)
        return
    running: dict[Future[BatchResult], Batch] = {}
    while queue or running:
        while queue and len(running) < jobs + 1:
            batch = queue.popleft()
            running[pool.submit(run_batch, setup, batch)] = batch
        finished, _ = wait(running, timeout=LONGEST_WAIT, return_when=FIRST_COMPLETED)
        for future in finished:
            yield _result(future.result, running.pop(future), queue)
        yield []


def _result(get: Callable[[], BatchResult], batch: Batch, queue: deque[Batch]) -> list[BatchResult]:
    """A batch's result; none where the batch failed, and its halves are in the queue now."""
    try:
        return [get()]
    except (BrokenProcessPool, OSError):
        raise
    except Exception as error:
        if is_interrupt(error):
            raise KeyboardInterrupt from error
        if half := len(batch.objects) // 2:
            halves = batch.objects[half:], batch.objects[:half]
            queue.extendleft(replace(batch, objects=objects) for objects in halves)
            return []
        return [_failed(batch, error)]


def _failed(batch: Batch, error: Exception) -> BatchResult:
    """The result of a batch of one object that cannot be read."""
    message = str(error).splitlines()[0][:300] if str(error) else ""
    reason = f"{type(error).__name__}: {message}"
    failed = ObjectResult(batch.objects[0][1], "failed", reason=reason)
    return BatchResult(batch.number, (), (), (failed,))
