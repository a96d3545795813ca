"""Bulk requests: parallel, as large as they may be, tried again, no document's fate unknown.

What a server refuses for now (429, 503, no answer) is sent again, slower and slower, until it takes
it or has taken nothing for `patience`. What it refuses for good is given back with its reason. The
requests themselves are opensearch-py's helpers'.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from lake.errors import LakeError
from lake.export.target import explained, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensearchpy import OpenSearch

    from lake.export.target import Place

LATER = (429, 502, 503, 504, "N/A", "TIMEOUT")
"""Statuses after which the same request may succeed; the texts are the client's, for no answer."""
_DONE = {("delete", 404), ("create", 409)}
"""It is as was asked already: an earlier request did it, or an earlier run."""
_SLOWEST = 30.0
_TOLD = "errors,items.*.status,items.*.error"
"""What is asked of an answer: the rest names each document once more. Serverless is not known to
take this parameter."""


class ExportError(LakeError):
    """An export that could not go on; what was sent is remembered."""


class Item(msgspec.Struct, frozen=True):
    """One line or two of a bulk body: what to do, the document's JSON where there is one, and
    whose it is."""

    action: dict[str, dict[str, str]]
    data: str | None
    owner: Any = None

    @property
    def kind(self) -> str:
        """`index`, `create` (what a data stream takes) or `delete`."""
        return next(iter(self.action))

    @property
    def size(self) -> int:
        """Bytes in a body, about."""
        data = self.data or ""
        return 100 + (len(data) if data.isascii() else len(data.encode()))


@dataclass(slots=True)
class Pace:
    """How long a request waits before it is sent: longer with each refusal, less after success.
    What was on its way when the pace fell says nothing new: `slowed` is when that was."""

    delay: float = 0.0
    slowed: float = 0.0
    succeeded: float = field(default_factory=time.monotonic)
    stopped: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Let a request wait for its turn."""
        if self.delay:
            self.stopped.wait(self.delay * (0.5 + random.random()))  # noqa: S311  no secret

    def refused(self) -> None:
        """Go slower: the cluster took nothing for now."""
        now = time.monotonic()
        if now - self.slowed >= self.delay / 2:  # as long as a request waits at least
            self.delay, self.slowed = min(max(0.25, self.delay * 2), _SLOWEST), now

    def accepted(self) -> None:
        """Go faster: the cluster took a request."""
        self.succeeded = time.monotonic()
        self.delay = self.delay / 4 if self.delay > 0.1 else 0.0


class Bulk:
    """Sends items in the background; `settle(items, refusals)` is called in the caller's thread for
    each request that is through, with the reason of each refused item by its place."""

    def __init__(
        self,
        client: OpenSearch,
        place: Place,
        settle: Callable[[list[Item], dict[int, str]], None],
        *,
        jobs: int = 2,
        size: int = 5 << 20,
        patience: float = 300.0,
    ) -> None:
        self._client, self._place, self._settle = client, place, settle
        self._jobs, self._size, self._patience = jobs, size, patience
        self._asked: dict[str, Any] = {} if place.serverless else {"filter_path": _TOLD}
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="bulk")
        self._running: set[Future[tuple[list[Item], dict[int, str]]]] = set()
        self._items: list[Item] = []
        self._bytes = 0
        self.pace = Pace()

    def add(self, item: Item) -> None:
        """Send an item with others; waits while enough are on their way."""
        size = item.size
        if self._items and self._bytes + size > self._size:
            self._submit()
        self._items.append(item)
        self._bytes += size

    def finish(self) -> None:
        """Send what is left, and wait for everything."""
        if self._items:
            self._submit()
        self._drain(0)

    def close(self) -> None:
        """End the threads; what is on its way is not waited for beyond its request."""
        self.pace.stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self) -> None:
        self._drain(self._jobs)
        self._running.add(self._pool.submit(self._sent, self._items))
        self._items, self._bytes = [], 0

    def _drain(self, most: int) -> None:
        while len(self._running) > most:
            done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                self._settle(*future.result())

    def _sent(self, items: list[Item]) -> tuple[list[Item], dict[int, str]]:
        refused: dict[int, str] = {}
        began = time.monotonic()
        parts = [list(range(len(items)))]
        while parts:
            part = parts.pop()
            later, broken = self._try(items, part, refused)
            if broken and len(part) == 1:
                refused[part[0]] = broken
            elif broken:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            if later:
                parts.append(later)
                self.pace.refused()
                if time.monotonic() - max(began, self.pace.succeeded) > self._patience:
                    raise ExportError(
                        f"{self._place.url} has taken nothing for {self._patience:.0f} s. What was "
                        "sent is remembered: run the same command again when it is well."
                    )
            elif not broken:
                self.pace.accepted()
        return items, refused

    def _try(
        self, items: list[Item], part: list[int], refused: dict[int, str]
    ) -> tuple[list[int], str]:
        """One request. Gives what is to be sent again, or why the request as a whole failed."""
        from opensearchpy import helpers

        self.pace.wait()
        if self.pace.stopped.is_set():
            raise ExportError("the export was ended. What was sent is remembered.")
        given = ((items[at].action, items[at].data) for at in part)
        later: list[int] = []
        answers = helpers.streaming_bulk(
            self._client,
            given,
            chunk_size=len(part),
            max_chunk_bytes=1 << 30,
            expand_action_callback=lambda pair: pair,
            raise_on_error=False,
            raise_on_exception=False,
            **self._asked,
        )
        for at, (taken, answer) in zip(part, answers, strict=True):
            ((_, told),) = answer.items()
            status = told.get("status")
            if taken or (items[at].kind, status) in _DONE:
                continue
            if status in LATER:
                later.append(at)
            elif (error := told.get("exception")) is not None:
                if status in (401, 403):
                    raise explained(error, self._place)
                return [], f"{status}: {reason(error)}"
            else:
                refused[at] = _refusal(told.get("error"))
        return later, ""


def _refusal(error: Any) -> str:  # noqa: ANN401  as OpenSearch answers
    """OpenSearch's reason for a refused document, with its cause."""
    if not isinstance(error, dict):
        return str(error)[:2_000]
    texts = [str(error.get("reason") or error.get("type"))]
    cause = error.get("caused_by")
    while isinstance(cause, dict):
        texts.append(str(cause.get("reason") or cause.get("type")))
        cause = cause.get("caused_by")
    return ": ".join(dict.fromkeys(texts))[:2_000]
