"""What a page's panels have in common is gathered once: the same answers as from the view, for each
dashboard of the project; what does not fit, or asks for more, is asked of the view."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import flow_lake
import pyarrow.parquet as pq
import pytest
import small_lake

from lake.dashboards import scope
from lake.dashboards.dashboards import Dashboard, dashboards, find_dashboard
from lake.dashboards.panels import _is_newest_first, prepare, run_dashboard, run_panel
from lake.dashboards.scope import view_of
from lake.errors import SourceError, UsageError
from lake.filters.filters import Filter, TimeRange
from lake.filters.search import Search
from lake.filters.selection import Selection
from lake.query import Lake, open_lake
from lake.serve import gather
from lake.serve.chosen import Chosen, chosen
from lake.serve.extent import Extent
from lake.serve.gather import Gatherer, gathering, gathering_sql, named_leaves
from lake.serve.queries import Block, Gathering, Query, read_blocks, relation
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import leaves
from lake.sources.rowmodel import EVENTS, columns_of
from lake.store.delta import footer_times

if TYPE_CHECKING:
    from pathlib import Path

    from lake.serve.queries import Answer

ALL = Selection(TimeRange(None, None), (), None)
HALF_PAST_TEN_ON = TimeRange(datetime(2024, 3, 1, 10, 30, tzinfo=UTC), None)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("gather"))


def test_named_leaves() -> None:
    query = """
    SELECT source.geo.country_name AS "source.ip", t."source"."as".organization.name, -- user.name
           'event.action' AS dns, Native.UserIdentity.type, native.resources[1].ARN, region
    FROM logs AS t
    """
    assert named_leaves("cloudtrail", query) == (
        "source.as.organization.name",
        "source.geo.country_name",
        "native.resources",
        "native.userIdentity.type",
        "region",
    )
    assert named_leaves("cloudtrail", "SELECT related.user FROM logs") == ("related.user",)
    whole = named_leaves("cloudtrail", "SELECT native.tlsDetails FROM logs")
    assert "native.tlsDetails.tlsVersion" in whole
    assert all(name.startswith("native.tlsDetails.") for name in whole)


CHOSEN = (
    ALL,
    Selection(filters=(Filter("account", "is", (small_lake.A,)),)),
    Selection(filters=(Filter("region", "not", ("us-east-1",)), Filter("date", "set"))),
    Selection(filters=(Filter("event.outcome", "is", ("success",)),)),
    Selection(HALF_PAST_TEN_ON),
    Selection(TimeRange(None, datetime(2024, 3, 1, 12, tzinfo=UTC))),
    Selection(where="source.ip IS NOT NULL"),
    Selection(filters=(Filter("native.eventName", "is", ("GetObject", "ConsoleLogin")),)),
    Selection(search=Search("NOT native.eventName:GetObject"), time=HALF_PAST_TEN_ON),
)


def of_calls(condition: str, rows: int) -> Gathering | None:
    """What a query of actions needs of CloudTrail's rows under a condition."""
    calls = Chosen("cloudtrail", relation("cloudtrail", condition), (), condition)
    return gathering(calls, ["SELECT event.action FROM logs"], rows)


def shares_of(dashboard: Dashboard) -> set[Block]:
    return {shared for panel in dashboard.panels for shared in panel.block.shares}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of lakes that are opened from now on."""
    found: list[str] = []

    class Noting:
        def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
            self._cursor = cursor

        def execute(self, query: Any, *given: Any) -> Noting:  # noqa: ANN401
            found.append(str(getattr(query, "query", query)))
            self._cursor.execute(query, *given)
            return self

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(self._cursor, name)

    cursor, make = Lake.cursor, Gatherer.__init__

    def noting(self: Gatherer, con: duckdb.DuckDBPyConnection) -> None:
        make(self, con)
        self._maker = Noting(self._maker)  # type: ignore[assignment]

    monkeypatch.setattr(Lake, "cursor", lambda lake: Noting(cursor(lake)))
    monkeypatch.setattr(Gatherer, "__init__", noting)
    return found


@pytest.mark.parametrize("name", dashboards())
def test_every_panel_answers_as_from_the_view(
    lake: Lake, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is gathered, what is chosen of it, and what the newest files have."""
    monkeypatch.setattr(scope, "NEWEST", (1, 4))
    dashboard = find_dashboard(name)
    for selection in CHOSEN:
        view = view_of(dashboard, selection, lake.answer)
        for panel in dashboard.panels:
            for limit, offset in ((50, 0), (2, 0), (2, 1)) if panel.chart == "rows" else ((50, 0),):
                found = [
                    run_panel(view, panel, ask, limit=limit, offset=offset)
                    for ask in (lake.answer, lambda query: query.ask(lake.cursor()))
                ]
                assert found[0] == found[1]
                assert gather.PLACE not in found[0].sql


def test_the_files_tell_what_their_rows_do(lake: Lake) -> None:
    """First and last event, and the number by account and region, of every table and view."""
    assert any(lake.sql(f"FROM {gather.FILES}").fetchall())
    for table in (*catalogue().sources, *catalogue().families, EVENTS):
        for selection in CHOSEN:
            rows = chosen(table, selection)
            logs = f"({rows.sql})"
            given = dict(rows.params)
            first, last, events = lake.sql(
                f'SELECT min("@timestamp"), max("@timestamp"), count(*) FROM {logs}', given
            ).fetchall()[0]
            assert scope.extent_of(table, selection, lake.answer) == Extent(first, last, events)
    rows = [one.sql for one in asked_for(lake, ALL) if "FROM logs" in one.sql]
    assert all("sample" in sql for sql in rows)  # a page that leaves rows out


def asked_for(lake: Lake, selection: Selection) -> list[Query]:
    """What is asked to lay out a page and its sidebar."""
    asked: list[Query] = []

    def ask(query: Query) -> Answer:
        asked.append(query)
        return lake.answer(query)

    for name in dashboards():
        view_of(find_dashboard(name), selection, ask)
        scope.facet(find_dashboard(name), selection, "account", ask)
    return [one for one in asked if gather.FILES not in one.sql]


def test_a_part_is_taken_of_what_is_held(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrowed by what was gathered, nothing is gathered anew."""
    run_dashboard(lake, "cloudtrail")
    gathered: list[str] = []
    monkeypatch.setattr(gather, "gathering_sql", lambda told: gathered.append(told.condition) or "")
    run_dashboard(lake, "cloudtrail", filters=["region is us-east-1", "source.ip is 192.0.2.1"])
    run_dashboard(lake, "cloudtrail", datetime(2024, 3, 1, 10, 30, tzinfo=UTC))
    assert gathered == []
    run_dashboard(lake, "cloudtrail", filters=["event.id set"])
    assert len(gathered) > 0


def test_a_file_whose_times_the_log_does_not_tell(lake: Lake) -> None:
    path, first, last = lake.sql(
        'SELECT filename, epoch_us(min("@timestamp")), epoch_us(max("@timestamp")) '
        f"FROM read_parquet('{lake.path}/cloudtrail/**/*.parquet', filename = true) "
        "GROUP BY 1 ORDER BY 1 LIMIT 1"
    ).fetchall()[0]
    assert footer_times(pq.read_metadata(path)) == (first, last)


def test_the_files_are_read_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the panels of CloudTrail none but the one of rows asks the view."""
    plain: list[str] = []
    ask = Query.ask

    def noted(self: Query, cursor: duckdb.DuckDBPyConnection) -> Answer:
        if 'FROM "cloudtrail"' in self.sql:
            plain.append(self.sql)
        return ask(self, cursor)

    monkeypatch.setattr(Query, "ask", noted)
    panels = run_dashboard(lake, "cloudtrail")
    assert len(panels) > 25
    gathered = [p for p in find_dashboard("cloudtrail").panels if p.chart != "rows"]
    ends = [panel.block.sql[-80:] for panel in gathered]
    # the table of rows, and what notes of empty panels ask
    assert 1 <= len(plain) <= 5
    assert [sql for sql in plain if any(end in sql for end in ends)] == []


def test_what_is_too_much_is_asked_of_the_view(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_dashboard(lake, "cloudtrail")
    monkeypatch.setattr(gather, "HELD", 100)
    assert view_of(find_dashboard("cloudtrail"), ALL, lake.answer).gather is None
    assert run_dashboard(lake, "cloudtrail") == before


def ten_events() -> duckdb.DuckDBPyConnection:
    """A DuckDB whose `cloudtrail` has what is gathered besides what a query names."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE cloudtrail AS SELECT TIMESTAMPTZ '2024-01-01 00:00:00Z' AS \"@timestamp\", "
        "{'action': n} AS event, '1' AS account, n::VARCHAR AS region, DATE '2024-01-01' AS date "
        "FROM range(10) t(n)"
    )
    return con


def test_the_tables_that_were_asked_for_last_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    con = ten_events()
    gatherer = Gatherer(con)
    monkeypatch.setattr(gather, "HELD", 1_600)  # of ten rows with 64 bytes each
    for number in (1, 2, 3, 1):
        text = relation("cloudtrail", f"region <> '{number}'")
        told = of_calls(f"region <> '{number}'", 10)
        query = Query(
            f"WITH logs AS NOT MATERIALIZED ({text}) SELECT sum(event.action) FROM logs", (), told
        )
        assert gatherer.answer(query, con.cursor()).rows == ((45 - number,),)
        held = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'gathered'")
        assert 1 <= held.fetchall()[0][0] <= 2


def test_a_guess_that_was_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is gathered than may be held, and the view answers."""
    con = ten_events()
    gatherer = Gatherer(con)
    monkeypatch.setattr(gather, "HELD", 9 * 64)
    text = relation("cloudtrail", "true")
    told = of_calls("true", 1)
    assert told is not None
    assert told.size == 64
    query = Query(
        f"WITH logs AS NOT MATERIALIZED ({text}) SELECT count(event.action) FROM logs", (), told
    )
    made: list[str] = []
    make = Gatherer._make
    monkeypatch.setattr(Gatherer, "_make", lambda *given: made.append(given[2]) or make(*given))
    for _ in range(2):
        assert gatherer.answer(query, con.cursor()).rows == ((10,),)
    assert [sql.rpartition("LIMIT ")[2] for sql in made] == ["10"]  # one more than fits
    held = con.execute("FROM duckdb_tables() WHERE database_name = 'gathered'").fetchall()
    assert held == []


def test_a_condition_that_leaves_little_is_gathered_before_it_is_counted(
    lake: Lake, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what a day of the rows tells; the extent and the lists of places are asked of it too."""
    dashboard = find_dashboard("cloudtrail")
    chosen = Selection(filters=(Filter("event.outcome", "is", ("failure",)),))
    plain = view_of(dashboard, chosen, lambda query: query.ask(lake.cursor()))
    assert plain.gather is not None
    monkeypatch.setattr(scope, "SAMPLED", 1)
    for size in (gather.HELD, 3 * plain.gather.size):  # all events may be held, or not
        monkeypatch.setattr(gather, "HELD", size)
        opened = open_lake(lake.path)
        asked.clear()
        assert view_of(dashboard, chosen, opened.answer) == plain
        scope.facet(dashboard, chosen, "account", opened.answer)
        looks = [sql for sql in asked if '"cloudtrail"' in sql and "$f0_0" in sql]
        made = [sql for sql in looks if sql.startswith("CREATE")]
        assert len(made) == 1
        assert [sql for sql in looks if "$f1_0" not in sql] == made  # besides of that day


def test_what_is_gathered_for_nobody_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the view is not asked in its stead."""
    asked: list[str] = []
    ask = Query.ask
    monkeypatch.setattr(Query, "ask", lambda *given: asked.append(given[0].sql) or ask(*given))
    con = ten_events()
    gatherer, mine, other = Gatherer(con), con.cursor(), con.cursor()
    endless = "(SELECT count(*) FROM range(1_000_000) a, range(1_000_000) b) > 0"
    told = of_calls(endless, 1)
    query = Query(
        f"WITH logs AS NOT MATERIALIZED ({relation('cloudtrail', endless)}) "
        "SELECT event.action FROM logs",
        (),
        told,
    )
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(gatherer.answer, query, mine)
        while gatherer._made_for is not mine:
            time.sleep(0.01)
        gatherer.interrupt(other)
        time.sleep(0.1)
        assert gatherer._made_for is mine
        while not answer.done():  # an interrupt that comes before the statement ends nothing
            gatherer.interrupt(mine)
            time.sleep(0.01)
        with pytest.raises(UsageError, match=r"[Ii]nterrupt"):
            answer.result()
    assert gatherer._made_for is None
    assert asked == []
    assert gatherer.answer(Query("SELECT 1"), mine).rows == ((1,),)


@pytest.fixture
def nothing_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the rows are too many to gather their leaves."""
    monkeypatch.setattr(scope, "gathering", lambda *_: None)


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flow_lake.make(tmp_path_factory.mktemp("flows")).path


@pytest.mark.parametrize("gathered", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", [n for n, d in dashboards().items() if any(shares_of(d))])
def test_what_queries_share_is_asked_once(
    flows: Path, name: str, gathered: bool, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not gathered:
        monkeypatch.setattr(scope, "gathering", lambda *_: None)
    monkeypatch.setattr(scope, "NEWEST", (1, 4))
    dashboard, lake = find_dashboard(name), open_lake(flows)
    for selection in [one for one in CHOSEN if not one.unanswered(dashboard.table)]:
        view = view_of(dashboard, selection, lake.answer)
        asked.clear()
        for panel in dashboard.panels:
            found = run_panel(view, panel, lake.answer)
            assert found == run_panel(view, panel, lambda query: query.ask(lake.cursor()))
            assert gather.PLACE not in found.sql
        for shared in shares_of(dashboard):
            text = shared.sql.removeprefix("WITH ")  # where what it is made of is named first
            made = [sql for sql in asked if sql.startswith("CREATE") and text in sql]
            assert len(made) == 1


@pytest.mark.usefixtures("nothing_gathered")
def test_what_is_shared_is_made_once_however_much_it_is(
    flows: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    before = run_dashboard(open_lake(flows), "vpcflow")
    lake, shares = open_lake(flows), len(shares_of(find_dashboard("vpcflow")))
    monkeypatch.setattr(gather, "HELD", 0)
    asked.clear()
    assert run_dashboard(lake, "vpcflow") == before
    made = [sql for sql in asked if sql.startswith("CREATE OR REPLACE TABLE")]
    assert len(made) == shares
    others = ("hunting", "overview")  # in its place: what two pages share is held
    for name in others:
        run_dashboard(lake, name)
    held = lake.sql("FROM duckdb_tables() WHERE table_name LIKE 'rows_%'").fetchall()
    assert len(held) == sum(len(shares_of(find_dashboard(name))) for name in others)


@pytest.mark.usefixtures("nothing_gathered")
def test_a_page_beside_the_period_before_shares_as_much(
    flows: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """Its panels ask of both in turn."""
    counts = []
    for held in (gather.HELD, 0):
        monkeypatch.setattr(gather, "HELD", held)
        asked.clear()
        run_dashboard(open_lake(flows), "vpcflow", HALF_PAST_TEN_ON.start, compare=True)
        counts.append(len([sql for sql in asked if sql.startswith("CREATE OR REPLACE TABLE")]))
    assert counts[0] == counts[1] > len(shares_of(find_dashboard("vpcflow")))


def test_what_is_shared_does_not_drive_out_what_it_is_made_of(
    flows: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each panel of a page would gather the rows anew."""
    first, dashboard = open_lake(flows), find_dashboard("vpcflow")
    before = run_dashboard(first, "vpcflow")
    held = first._current.gatherer._held
    told = view_of(dashboard, ALL, first.answer).gather
    assert told in held
    assert len(held) == 1 + len(shares_of(dashboard))
    lake = open_lake(flows)
    monkeypatch.setattr(gather, "HELD", max(held.values()))
    asked.clear()
    assert run_dashboard(lake, "vpcflow") == before
    made = [sql for sql in asked if sql.startswith("CREATE OR REPLACE TABLE")]
    assert len(made) == 1 + len(shares_of(dashboard))
    assert [gathering_sql(told) in sql for sql in made] == [True] + [False] * (len(made) - 1)
    assert {*lake._current.gatherer._held} == {*held}


def test_what_a_panel_of_rows_shares_is_asked_of_what_is_gathered(
    flows: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many rows there are in all, however few the newest files have."""
    monkeypatch.setattr(scope, "NEWEST", (1, 4))
    dashboard, lake = find_dashboard("vpcflow"), open_lake(flows)
    panel = next(one for one in dashboard.panels if one.chart == "rows")
    (told,) = panel.block.shares
    for selection in [one for one in CHOSEN if not one.unanswered(dashboard.table)]:
        view = view_of(dashboard, selection, lake.answer)
        asked.clear()
        found = run_panel(view, panel, lake.answer, limit=2)
        assert found == run_panel(view, panel, lambda query: query.ask(lake.cursor()), limit=2)
        made = [sql for sql in asked if sql.startswith("CREATE") and told.sql in sql]
        assert [gather.PLACE in sql.partition(" AS ")[2] for sql in made] == [True]
        clause = selection.clause("vpcflow")
        ((due,),) = lake.sql(
            f"SELECT count(*) FROM ({relation('vpcflow', clause.sql)}) "
            "WHERE native.log_status = 'OK'",
            dict(clause.params),
        ).fetchall()
        assert {keys["_of"] for keys in found.keys} <= {due}


def test_a_relation_of_a_file_stands_before_the_queries_that_name_it(tmp_path: Path) -> None:
    path = tmp_path / "one.sql"
    text = "-- relation: calls\n-- All.\nSELECT event.id AS id, count(*) AS n FROM logs GROUP BY id"
    path.write_text(
        f"{text}\n-- name: all_of_them\n-- How many.\nWITH a AS (FROM calls) SELECT sum(n) FROM a"
    )
    (found,) = read_blocks(path).values()
    query = Query.over(found, {"logs": relation("cloudtrail", "region = $f0")}, {"f0": "eu-west-1"})
    assert [one.sql in query.sql for one in query.shares] == [True]
    assert query.params == query.shares[0].params == (("f0", "eu-west-1"),)
    assert "FROM logs" in found.whole_sql
    days = "-- relation: days\n-- Of each id.\nSELECT id, n, $from AS since FROM calls"
    path.write_text(f"{text}\n{days}\n-- name: ids\n-- Them.\nSELECT sum(n) FROM days")
    (found,) = read_blocks(path).values()
    given = {"f0": "eu-west-1", "from": None}
    query = Query.over(found, {"logs": relation("cloudtrail", "region = $f0")}, given)
    calls, of_days = query.shares
    assert [one.name for one in found.shares] == ["calls", "days"]
    assert of_days.shares == (calls,)
    assert query.sql.count(calls.sql) == of_days.sql.count(calls.sql) == 1
    assert "(SELECT id, n, $from AS since FROM calls)" in query.sql
    taken = query.over_shared(calls, "a").over_shared(of_days, "b")
    assert taken.sql.count("FROM a)") == taken.sql.count("FROM b)") == 1
    assert taken.params == ()
    path.write_text(f"{text}\n-- name: calls\n-- The same name.\nSELECT 1")
    with pytest.raises(SourceError, match="stands twice"):
        read_blocks(path)
    path.write_text(f"-- name: before\n-- It.\nSELECT 1 AS calls\n{text}")
    with pytest.raises(SourceError, match="no query behind relation calls names it"):
        read_blocks(path)


@pytest.mark.parametrize("name", dashboards())
def test_the_queries_of_the_pages_name_their_leaves(lake: Lake, name: str) -> None:
    """Else they are asked of the files, each by itself."""
    dashboard = find_dashboard(name)
    view = view_of(dashboard, ALL, lake.answer)
    for panel in dashboard.panels:
        assert not panel.figures or not gather.takes_whole_rows(prepare(view, panel).sql), (
            panel.query
        )


@pytest.mark.parametrize("name", dashboards())
def test_no_page_gathers_a_whole_set_of_fields(lake: Lake, name: str) -> None:
    """As one does that calls a column of its own `user`, or `source`."""
    dashboard = find_dashboard(name)
    told = view_of(dashboard, ALL, lake.answer).gather
    gathered = set(told.leaves) if told else set()
    for field, kind in columns_of(dashboard.table).items():
        whole = {f"{field}.{leaf.name}" for leaf in leaves(kind)} if isinstance(kind, dict) else {}
        assert len(whole) < 4 or not gathered.issuperset(whole), field


def test_a_query_of_everything_or_of_more_is_asked_of_the_view(lake: Lake) -> None:
    text = relation("cloudtrail", "")
    told = of_calls("", 13)
    assert told is not None
    assert gathering_sql(told) == (
        'SELECT "@timestamp" AS "@timestamp", struct_pack("action" := "event"."action") '
        f'AS "event", "account" AS "account", "region" AS "region", "date" AS "date" FROM ({text})'
    )
    for select in ("SELECT * FROM logs", "SELECT logs.* FROM logs", "SELECT source.ip FROM logs"):
        query = Query(f"WITH logs AS NOT MATERIALIZED ({text}) {select} ORDER BY ALL", (), told)
        assert lake.answer(query) == query.ask(lake.cursor())


def test_a_condition_gathers_and_does_nothing_else(lake: Lake, tmp_path: Path) -> None:
    """A reader's own condition stands in the SELECT that gathers."""
    target = tmp_path / "out.csv"
    for where in (
        f"true); COPY (SELECT 1) TO '{target}'; SELECT (1",
        f"true)); COPY (SELECT 1) TO '{target}'; --",
    ):
        with pytest.raises(UsageError):
            run_dashboard(lake, "cloudtrail", where=where)
        text = relation("cloudtrail", where)
        told = of_calls(where, 13)
        with pytest.raises(UsageError):
            lake.answer(Query(f"WITH logs AS ({text}) SELECT event.action FROM logs", (), told))
    assert not target.exists()


@pytest.mark.parametrize(
    ("sql", "cut"),
    [
        ('SELECT a FROM logs ORDER BY "@timestamp" DESC, b LIMIT $limit OFFSET $offset', True),
        ('SELECT a FROM logs ORDER BY b, "@timestamp" DESC LIMIT $limit OFFSET $offset', False),
        ('SELECT a FROM logs ORDER BY "@timestamp" LIMIT $limit OFFSET $offset', False),
        ('SELECT a FROM logs ORDER BY "@timestamp" DESC', False),
        (
            'SELECT a, max("@timestamp") AS "@timestamp" FROM logs GROUP BY a '
            'ORDER BY "@timestamp" DESC LIMIT $limit OFFSET $offset',
            False,
        ),
        (
            "SELECT a FROM logs WHERE b = (SELECT max(b) FROM logs) "
            'ORDER BY "@timestamp" DESC LIMIT $limit OFFSET $offset',
            False,
        ),
    ],
)
def test_only_the_newest_rows_are_looked_for_among_fewer(sql: str, cut: bool) -> None:
    assert _is_newest_first(sql) is cut


@pytest.mark.parametrize(
    ("sql", "whole"),
    [
        ("FROM logs", True),
        ("TABLE logs", True),
        ("SELECT event.action AS a, * FROM logs", True),
        ("SELECT ALL * FROM logs", True),
        ("SELECT DISTINCT ON (account) * FROM logs", True),
        ('SELECT "logs".* FROM logs', True),
        ("SELECT COLUMNS('a.*') FROM logs", True),
        ("SELECT to_json(logs) FROM logs", True),
        ("SELECT l FROM logs l", True),
        ("PIVOT logs ON account USING count(*)", True),
        ("SELECT count(*), max(source.bytes * 2) FROM logs", False),
        ("SELECT l.source.ip FROM logs l", False),
        ("SELECT a FROM (VALUES (1)) AS v(a)", False),
    ],
)
def test_what_takes_whole_rows_is_told(sql: str, whole: bool) -> None:
    relation = "WITH logs AS NOT MATERIALIZED (SELECT * FROM cloudtrail WHERE account = $a) "
    assert gather.takes_whole_rows(sql) is whole
    if not sql.startswith("PIVOT"):
        assert gather.takes_whole_rows(relation + sql) is whole
