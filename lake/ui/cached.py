"""One open lake for all sessions, and answers kept by (lake, version, SQL, parameters): a commit
changes the version, so no answer outlives its data.

Queries run in threads of their own, each by its own cursor: a slow one holds up no other, one that
two readers ask runs once, and those that nobody waits for any more, since the reader has gone on,
are interrupted. Streamlit by itself cannot stop a script that waits inside DuckDB.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

import lake as lake_package
from lake.machine import page_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    import duckdb

    from lake.query import Lake
    from lake.serve.queries import Answer, Query

    _Key = tuple[str, int, Query]

AT_ONCE = 4
"""Queries of all sessions that run at once; DuckDB shares its threads among them."""
MOST = 2_000_000
"""Values in the answers that are kept; a text takes 50 bytes and more."""
_STEP = 0.05
"""Seconds between two looks at whether the reader has gone on."""
_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="panel")


@st.cache_resource(show_spinner=False)
def open_lake(path: str) -> Lake:
    """The lake at a path, opened once for the process, locked: a page reads the lake and nothing
    else. Raises UsageError where there is none."""
    return lake_package.open(path, locked=True, memory=page_memory())


def for_typed_sql(lake: Lake) -> Lake:
    """The same lake for a reader's own queries, which may take more memory than pages."""
    typed = _open_for_typed_sql(str(lake.path))
    typed.refresh()
    return typed


@st.cache_resource(show_spinner=False)
def _open_for_typed_sql(path: str) -> Lake:
    return lake_package.open(path, locked=True)


class _Kept:
    """Answers of all sessions, the last used, at most `MOST` values in them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._answers: OrderedDict[_Key, Answer] = OrderedDict()
        self._held = 0

    def get(self, key: _Key) -> Answer | None:
        """An answer that is kept."""
        with self._guard:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: _Key, answer: Answer) -> None:
        """Keep an answer, and let go of those that were used longest ago."""
        with self._guard:
            if key in self._answers:
                return
            self._answers[key] = answer
            self._held += _values(answer)
            while self._held > MOST and len(self._answers) > 1:
                _, oldest = self._answers.popitem(last=False)
                self._held -= _values(oldest)


def _values(answer: Answer) -> int:
    return (len(answer.rows) + 1) * (len(answer.columns) + 1)


_kept = _Kept()


@dataclass(eq=False, slots=True)
class _Run:
    """A query at work or in the queue: how many readers wait for it, and how many pages that are
    made ready before a reader comes."""

    lake: Lake
    cursor: duckdb.DuckDBPyConnection
    future: Future[Answer] = field(init=False)
    readers: int = 0
    beforehand: int = 0


class _AtWork:
    """What runs for all sessions: each query once, for as long as somebody wants its answer."""

    def __init__(self) -> None:
        self._guard = threading.RLock()  # a run that has ended already is told of while it is held
        self._runs: dict[_Key, _Run] = {}
        self._last = 0.0

    def join(self, key: _Key, lake: Lake, *, beforehand: bool) -> _Run:
        """Have a query asked, or wait with those who asked it. A reader takes over what was asked
        beforehand: it ends when the reader goes."""
        with self._guard:
            run = self._runs.get(key)
            if run is None:
                run = self._runs[key] = _Run(lake, lake.cursor())
                run.future = _pool.submit(_answer, key, lake, run.cursor)
                run.future.add_done_callback(lambda _: self._forget(key, run))
            if beforehand:
                run.beforehand += not run.readers
            else:
                run.readers += 1
                run.beforehand = 0
                self.expect()
        return run

    def leave(self, runs: dict[_Key, _Run], *, beforehand: bool) -> None:
        """Wait for these no more; what nobody else wants ends."""
        unwanted = []
        with self._guard:
            for key, run in runs.items():
                if not beforehand:
                    run.readers -= 1
                elif run.beforehand:
                    run.beforehand -= 1
                if not run.readers and not run.beforehand and not run.future.done():
                    self._forget(key, run)
                    if not run.future.cancel():
                        unwanted.append(run)
        if unwanted:
            threading.Thread(target=_interrupt, args=(unwanted,), daemon=True).start()

    def expect(self) -> None:
        """Note that a reader is about to ask."""
        self._last = time.monotonic()

    def asked_within(self, seconds: float) -> bool:
        """Whether a reader waits, or was about to ask in the last seconds."""
        with self._guard:
            waiting = any(run.readers for run in self._runs.values())
        return waiting or time.monotonic() - self._last < seconds

    def _forget(self, key: _Key, run: _Run) -> None:
        with self._guard:
            if self._runs.get(key) is run:
                del self._runs[key]


def _answer(key: _Key, lake: Lake, cursor: duckdb.DuckDBPyConnection) -> Answer:
    answer = _kept.get(key)  # another may have ended since it was looked for
    if answer is None:
        answer = lake.answer(key[-1], cursor)
        _kept.put(key, answer)
    return answer


def _interrupt(running: list[_Run]) -> None:
    """Again and again: one may be between two statements, or wait for its turn."""
    while running:
        for run in running:
            run.lake.interrupt(run.cursor)
        time.sleep(_STEP)
        running = [run for run in running if not run.future.done()]


_at_work = _AtWork()


def reader_comes() -> None:
    """Tell of a reader who will ask in a moment, or asks elsewhere."""
    _at_work.expect()


def readers_ask(within: float) -> bool:
    """Whether a reader waits for an answer, or began to in the last seconds."""
    return _at_work.asked_within(within)


def _reader_waits() -> None:
    """Where the state is asked Streamlit ends a run whose reader has gone on."""
    _ = "anything" in st.session_state


class Asker:
    """Whoever answers queries on a lake as it is now, for one drawing of a page. When that ends, in
    whatever way, nobody waits any more for what has no answer yet."""

    def __init__(self, lake: Lake, waits: Callable[[], None] = _reader_waits) -> None:
        """`waits` is called while there is no answer, and raises to wait no longer."""
        self._lake = lake = lake.still()
        self._place = str(lake.path), lake.version
        self._waits = waits
        self._beforehand = waits is not _reader_waits
        self._running: dict[_Key, _Run] = {}

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _at_work.leave(self._running, beforehand=self._beforehand)
        self._running = {}

    def __call__(self, query: Query) -> Answer:
        """The answer, kept from before or waited for. Raises UsageError as `Query.ask` does."""
        key = self._key(query)
        kept = _kept.get(key)
        if kept is not None:
            return kept
        future = self._joined(key).future
        while not future.done():
            self._pause({future})
        return future.result()

    def ahead(self, queries: Iterable[Query]) -> None:
        """Begin with what will be asked, in this order."""
        for key in map(self._key, queries):
            if _kept.get(key) is None:
                self._joined(key)

    def settled(self, groups: Iterable[Iterable[Query]]) -> int:
        """The place of the first group of queries that can be answered without waiting, once there
        is one."""
        keys = [[self._key(query) for query in group] for group in groups]
        left = [[self._running[k].future for k in group if k in self._running] for group in keys]
        while True:
            for place, group in enumerate(left):
                if all(one.done() for one in group):
                    return place
            self._pause({one for group in left for one in group if not one.done()})

    def _joined(self, key: _Key) -> _Run:
        """What has this query asked; one whose answer has come meanwhile has it at once."""
        if key not in self._running:
            self._running[key] = _at_work.join(key, self._lake, beforehand=self._beforehand)
        return self._running[key]

    def _key(self, query: Query) -> _Key:
        return (*self._place, query)

    def _pause(self, futures: set[Future[Answer]]) -> None:
        wait(futures, _STEP, FIRST_COMPLETED)
        self._waits()
