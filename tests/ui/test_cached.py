"""Answers of a page: kept by the lake's version, the quick ones before the slow, and those that
nobody waits for any more are ended."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest
import small_lake

from lake.errors import UsageError
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake
from lake.serve.queries import Query
from lake.ui import cached
from lake.ui.cached import Asker

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from lake.serve.queries import Answer

SLOW = Query("SELECT count(*) FROM range(100000000000) t(x) WHERE x % 7 = 1")
QUICK = Query("SELECT count(*) AS n FROM cloudtrail")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    small_lake.make(folder)
    return folder


@pytest.fixture
def lake(made: Path) -> Lake:
    return open_lake(made / "lakehouse", locked=True)


class _Gone(BaseException):
    """As Streamlit ends a run."""


class _ReaderWhoGoesOn:
    def __contains__(self, key: str) -> bool:
        raise _Gone


def future_of(asker: Asker, query: Query) -> Future[Answer]:
    return asker._running[asker._key(query)].future


def begun(future: Future[Answer]) -> None:
    """Wait until it runs: threads may be at the end of an earlier test's queries."""
    while not future.running():
        time.sleep(0.01)


def test_a_slow_query_holds_up_no_other(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(_Gone), Asker(lake) as asker:
        asker.ahead([SLOW, QUICK])
        assert asker.settled([[SLOW], [SLOW, QUICK], [QUICK]]) == 2
        assert asker(QUICK).rows == ((13,),)
        slow = future_of(asker, SLOW)
        assert not slow.done()
        monkeypatch.setattr(cached.st, "session_state", _ReaderWhoGoesOn())
        began = time.monotonic()
        asker(SLOW)
    assert time.monotonic() - began < 2
    with pytest.raises(UsageError, match="INTERRUPT"):
        slow.result(timeout=30)


def test_what_waits_for_its_turn_is_never_asked(lake: Lake) -> None:
    """Wherever the run of a page ends, as it may while it draws."""
    many = [Query(f"{SLOW.sql} AND x > {n}") for n in range(2 * cached.AT_ONCE)]
    with pytest.raises(_Gone), Asker(lake) as asker:
        asker.ahead(many)
        futures = [future_of(asker, query) for query in many]
        for future in futures[: cached.AT_ONCE]:
            begun(future)
        raise _Gone
    assert all(future.cancelled() for future in futures[cached.AT_ONCE :])
    for future in futures[: cached.AT_ONCE]:
        with pytest.raises(UsageError):
            future.result(timeout=30)


def test_what_two_ask_runs_once_until_both_have_gone(lake: Lake) -> None:
    query = Query(f"{SLOW.sql} AND x > 99")
    with Asker(lake) as one:
        with Asker(lake) as other:
            one.ahead([query])
            other.ahead([query])
            run = future_of(one, query)
            assert future_of(other, query) is run
            begun(run)
        time.sleep(0.2)
        assert not run.done()
    with pytest.raises(UsageError, match="INTERRUPT"):
        run.result(timeout=30)
    with Asker(lake) as third:
        third.ahead([query])
        assert future_of(third, query) is not run


def test_a_reader_takes_over_what_is_asked_beforehand(lake: Lake) -> None:
    query = Query(f"{SLOW.sql} AND x > 98")
    with Asker(lake, waits=lambda: None) as ready:
        ready.ahead([query])
        run = future_of(ready, query)
        with Asker(lake) as reader:
            reader.ahead([query])
            assert future_of(reader, query) is run
            begun(run)
        with pytest.raises(UsageError, match="INTERRUPT"):
            run.result(timeout=30)


def test_an_answer_is_asked_once(lake: Lake, asked: list[Query]) -> None:
    query = Query("SELECT max(event.action) AS last FROM cloudtrail")
    first = Asker(lake)
    assert first(query) == first(query) == Asker(lake)(query)
    first.ahead([query])
    assert first.settled([[query]]) == 0
    assert asked == [query]


def test_an_answer_that_another_reader_had_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at what is kept."""
    query = Query("SELECT min(event.action) AS first FROM cloudtrail")
    answer = Asker(lake)(query)
    kept = cached._kept.get
    looks = iter([None])
    monkeypatch.setattr(cached._kept, "get", lambda key: next(looks, kept(key)))
    assert Asker(lake)(query) == answer


def test_a_mistake_is_not_kept(lake: Lake) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match="nonsense"):
            Asker(lake)(Query("SELECT nonsense FROM cloudtrail"))


def test_no_answer_outlives_its_data(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "lakehouse", tmp_path / "lakehouse")
    lake = open_lake(tmp_path / "lakehouse", locked=True)
    before = Asker(lake)(QUICK).rows
    (tmp_path / "logs").mkdir()
    new = small_lake.event(77, "13:00:00", "ec2", "RunInstances")
    small_lake._put(tmp_path / "logs" / "more.json.gz", [new])
    ingest(tmp_path / "lakehouse", [str(tmp_path / "logs")], IngestOptions(jobs=1))
    lake.refresh()
    assert (before, Asker(lake)(QUICK).rows) == (((13,),), ((14,),))


def test_answers_of_one_page_are_of_one_version(made: Path, tmp_path: Path) -> None:
    """Also where another session takes up a new one in between; and each is kept under its own."""
    shutil.copytree(made / "lakehouse", tmp_path / "lakehouse")
    lake = open_lake(tmp_path / "lakehouse", locked=True)
    page = Asker(lake)
    (tmp_path / "logs").mkdir()
    new = small_lake.event(78, "13:00:00", "ec2", "RunInstances")
    small_lake._put(tmp_path / "logs" / "more.json.gz", [new])
    ingest(tmp_path / "lakehouse", [str(tmp_path / "logs")], IngestOptions(jobs=1))
    lake.refresh()
    assert page(QUICK).rows == ((13,),)
    assert Asker(lake)(QUICK).rows == ((14,),)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from lake.serve.queries import Answer

    monkeypatch.setattr(cached, "MOST", 50)
    kept = cached._Kept()
    keys = [("lake", 1, Query(str(n))) for n in range(10)]
    for key in keys:
        kept.put(key, Answer(("a",), ((1,),) * 6))  # 14 values
        kept.put(key, Answer(("a",), ((2,),) * 6))
    assert [kept.get(key) is not None for key in keys] == [False] * 7 + [True] * 3
    assert kept._held == 42


def test_typed_sql_may_take_more_than_pages(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lake, opened for both: pages stay small, a reader's own query need not."""
    copied = shutil.copytree(made / "lakehouse", tmp_path / "lakehouse")
    monkeypatch.setattr(cached, "page_memory", lambda: 600 << 20)
    pages = cached.open_lake(str(copied))
    typed = cached.for_typed_sql(pages)
    assert pages.locked
    assert typed.locked
    ask = "SELECT current_setting('memory_limit')"
    assert pages.sql(ask).fetchall() == [("600.0 MiB",)]
    assert typed.sql(ask).fetchall() != pages.sql(ask).fetchall()
    assert cached.for_typed_sql(pages) is typed
