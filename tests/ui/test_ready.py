"""Answers that are there before a reader asks for them: all that a page asks, and never in a
reader's way."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from apptest import open_page

from lake.errors import UsageError
from lake.serve.queries import Query
from lake.ui import cached, ready, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from lake.query import Lake

PAGES = {"": "overview"} | {
    name: name
    for name in ("explore", "cloudtrail", "cloudfront", "guardduty", "hunting", "vpcflow", "waf")
}
SLOW = Query("SELECT count(*) FROM range(100000000000) t(x) WHERE x % 7 = 2")
QUICK = Query("SELECT count(*) + 1 AS n FROM cloudtrail")
OWN = """title = "Slow"
label = "Slow"
table = "cloudtrail"
[[panel]]
title = "Slow - One"
label = "One"
query = "one"
chart = "table"
"""
OWN_SQL = """-- name: one
-- One.
SELECT count(*) + 42 AS "Count" FROM logs
"""


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "_kept", cached._Kept())


def nobody_asked_lately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "_at_work", cached._AtWork())
    monkeypatch.setattr(ready, "QUIET", 0.2)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_whose_address_is_opened_asks_nothing_more(
    page: str, app: AppTest, lake: Lake, asked: list[Query]
) -> None:
    ready.begin(lake.path, page)
    assert asked
    asked.clear()
    open_page(app, PAGES[page])
    assert asked == []


def test_every_page_is_ready_when_nobody_asks(
    lake: Lake, app: AppTest, asked: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_asked_lately(monkeypatch)
    ready.make_ready(lake.path)
    assert len(asked) == len(set(asked))
    asked.clear()
    app.run()
    assert len(app.metric) > 0
    assert asked == []


def test_nothing_begins_while_a_reader_waits(
    lake: Lake, asked: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_asked_lately(monkeypatch)
    made = threading.Thread(target=ready.make_ready, args=(lake.path,))
    with cached.Asker(lake) as reader:
        reader.ahead([SLOW])
        made.start()
        time.sleep(0.7)
        assert asked == [SLOW]
    made.join(60)
    assert not made.is_alive()
    assert len(asked) > 20


def test_what_is_asked_for_nobody_ends_when_a_reader_comes(
    lake: Lake, asked: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And goes on when the reader has what was asked for."""
    nobody_asked_lately(monkeypatch)
    left = [[SLOW], *[[QUICK]] * 20]
    monkeypatch.setattr(ready, "_queries", lambda page, ask: left.pop(0))
    made = threading.Thread(target=ready.make_ready, args=(lake.path,))
    made.start()
    until(lambda: asked == [SLOW])
    (run,) = cached._at_work._runs.values()
    query = Query("SELECT count(*) + 2 AS n FROM cloudtrail")
    with cached.Asker(lake) as reader:
        assert reader(query).rows == ((15,),)
    with pytest.raises(UsageError, match="INTERRUPT"):
        run.future.result(timeout=30)
    made.join(60)
    assert not made.is_alive()
    assert asked == [SLOW, query, QUICK]


def test_what_takes_too_long_is_not_asked_for_nobody(
    lake: Lake, asked: list[Query], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of its page neither; a reader who waits for the same keeps it."""
    nobody_asked_lately(monkeypatch)
    monkeypatch.setattr(ready, "LONGEST", 0.5)
    left = [[SLOW, QUICK], *[[]] * 20]
    monkeypatch.setattr(ready, "_queries", lambda page, ask: left.pop(0) if left else [SLOW])
    ready.make_ready(lake.path)
    assert asked == [SLOW]
    with cached.Asker(lake) as reader:
        reader.ahead([SLOW])
        left.clear()
        ready.begin(lake.path, "hunting")
        (run,) = cached._at_work._runs.values()
        assert not run.future.done()
    with pytest.raises(UsageError, match="INTERRUPT"):
        run.future.result(timeout=30)


def test_a_page_of_a_users_own_is_asked_when_it_is_opened(
    lake: Lake, asked: list[Query], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_asked_lately(monkeypatch)
    (tmp_path / "slow.toml").write_text(OWN)
    (tmp_path / "slow.sql").write_text(OWN_SQL)
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    ready.make_ready(lake.path)
    assert not any("42" in query.sql for query in asked)
    ready.begin(lake.path, "slow")
    assert any("42" in query.sql for query in asked)


@pytest.mark.usefixtures("as_if_alone")
def test_where_no_lake_is_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_DIR", str(tmp_path / "none"))
    serve._begin("hunting")
    with pytest.raises(UsageError):
        ready.make_ready(tmp_path / "none")


@pytest.mark.parametrize(
    ("looks", "made"),
    [
        ([1, 1, 1], [1]),
        ([1, 2, 2, 2], [1, 2]),
        ([1, 2, 3, 4, 4], [1, 4]),  # not while an ingest commits
        ([None, None, 1, 1], [1]),  # a lake that is made later
        ([1, None, 2, 2], [1, 2]),
    ],
    ids=str,
)
def test_pages_are_ready_again_once_a_change_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: list[int | None], made: list[int]
) -> None:
    left, done = list(looks), []
    now: list[int] = []

    class Seen:
        def refresh(self) -> int:
            return now[-1]

    def opened(path: str) -> Seen:
        version = left.pop(0)
        if version is None:
            raise UsageError("no lake")
        now.append(version)
        return Seen()

    def pause(seconds: float) -> None:
        if not left:
            raise InterruptedError

    monkeypatch.setattr(ready, "open_lake", opened)
    monkeypatch.setattr(ready, "make_ready", lambda path: done.append(now[-1]))
    with pytest.raises(InterruptedError):
        ready.stay_ready(tmp_path, pause)
    assert done == made


def test_an_address_of_no_page_asks_nothing(lake: Lake, asked: list[Query]) -> None:
    for name in ("sql", "entity", "favicon.ico", "../etc"):
        ready.begin(lake.path, name)
    assert asked == []
