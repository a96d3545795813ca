"""One open lake for all sessions, and answers kept by (lake, version, SQL, parameters): a commit
changes the version, so no answer outlives its data.

Queries run in threads of their own, each by its own cursor: a slow one holds up no other, and those
that nobody waits for any more, since the reader has gone on, are interrupted. Streamlit by itself
cannot stop a script that waits inside DuckDB.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import streamlit as st

import lake as lake_package
from lake.machine import page_memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from lake.queries import Answer, Query
    from lake.query import Lake

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
        with self._guard:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: _Key, answer: Answer) -> None:
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


class Asker:
    """Whoever answers queries on a lake as it is now, for one drawing of a page."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake = lake.still()
        self._place = str(lake.path), lake.version
        self._running: dict[Query, tuple[Future[Answer], duckdb.DuckDBPyConnection]] = {}

    def __call__(self, query: Query) -> Answer:
        """The answer, kept from before or waited for. Raises UsageError as `Query.ask` does."""
        kept = _kept.get((*self._place, query))
        if kept is not None:
            return kept
        self.ahead([query])
        future, _ = self._running[query]
        while not future.done():
            self._pause({future})
        return future.result()

    def keep(self, query: Query) -> Answer:
        """The same outside of a reader's run: nothing ends it."""
        kept = _kept.get((*self._place, query))
        return self._answer(query, self._lake.cursor()) if kept is None else kept

    def ahead(self, queries: Iterable[Query]) -> None:
        """Begin with what will be asked, in this order."""
        for query in queries:
            if query not in self._running and _kept.get((*self._place, query)) is None:
                cursor = self._lake.cursor()
                self._running[query] = _pool.submit(self._answer, query, cursor), cursor

    def settled(self, groups: Iterable[Iterable[Query]]) -> int:
        """The place of the first group of queries that can be answered without waiting, once there
        is one."""
        left = [[self._running[q][0] for q in group if q in self._running] for group in groups]
        while True:
            for place, group in enumerate(left):
                if all(one.done() for one in group):
                    return place
            self._pause({one for group in left for one in group if not one.done()})

    def _answer(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Answer:
        answer = self._lake.answer(query, cursor)
        _kept.put((*self._place, query), answer)
        return answer

    def _pause(self, futures: set[Future[Answer]]) -> None:
        try:
            wait(futures, _STEP, FIRST_COMPLETED)
            # where the state is asked Streamlit ends a run whose reader has gone on
            _ = "anything" in st.session_state
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """End what still runs: nobody will ask for it."""
        left = [(f, c) for f, c in self._running.values() if not f.cancel() and not f.done()]
        if left:
            threading.Thread(target=_interrupt, args=(self._lake, left), daemon=True).start()


def _interrupt(lake: Lake, running: list[tuple[Future[Answer], duckdb.DuckDBPyConnection]]) -> None:
    """Again and again: one may be between two statements, or wait for its turn."""
    while running:
        for _, cursor in running:
            lake.interrupt(cursor)
        time.sleep(_STEP)
        running = [(future, cursor) for future, cursor in running if not future.done()]
