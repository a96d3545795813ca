"""What a page's panels have in common is gathered once: the same answers as from the view, for each
dashboard of the project; what does not fit, or asks for more, is asked of the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
import small_lake

from lake import gather
from lake.dashboards import dashboards, find_dashboard
from lake.errors import UsageError
from lake.filters import Filter, Selection, TimeRange
from lake.gather import Gatherer, gathering, gathering_sql, named_leaves
from lake.panels import run_dashboard, run_panel
from lake.queries import Query, relation
from lake.scope import view_of

if TYPE_CHECKING:
    from pathlib import Path

    from lake.queries import Answer
    from lake.query import Lake

ALL = Selection(TimeRange(None, None), (), None)


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
    whole = named_leaves("cloudtrail", "SELECT native.tlsDetails FROM logs")
    assert "native.tlsDetails.tlsVersion" in whole
    assert all(name.startswith("native.tlsDetails.") for name in whole)


@pytest.mark.parametrize("name", dashboards())
def test_every_panel_answers_as_from_the_view(lake: Lake, name: str) -> None:
    dashboard = find_dashboard(name)
    chosen = Selection(TimeRange(None, None), (Filter("account", "is", (small_lake.A,)),), None)
    for selection in (ALL, chosen):
        view = view_of(dashboard, selection, lake.answer)
        for panel in dashboard.panels:
            asked: list[Query] = []

            def from_view(query: Query, asked: list[Query] = asked) -> Answer:
                asked.append(query)
                return query.ask(lake.cursor())

            assert run_panel(view, panel, lake.answer) == run_panel(view, panel, from_view)
            assert all(gather.PLACE not in query.written_out() for query in asked)


def test_the_files_are_read_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the panels of CloudTrail none but the one of rows asks the view."""
    plain: list[str] = []
    ask = Query.ask

    def noted(self: Query, cursor: duckdb.DuckDBPyConnection, limit: int | None = None) -> Answer:
        if 'FROM "cloudtrail"' in self.sql:
            plain.append(self.sql)
        return ask(self, cursor, limit)

    monkeypatch.setattr(Query, "ask", noted)
    panels = run_dashboard(lake, "cloudtrail")
    assert len(panels) > 25
    gathered = [p for p in find_dashboard("cloudtrail").panels if p.chart != "rows"]
    ends = [panel.block.sql[-80:] for panel in gathered]
    # the extent, what notes of empty panels ask, the table of rows
    assert 2 <= len(plain) <= 6
    assert [sql for sql in plain if any(end in sql for end in ends)] == []


def test_what_is_too_much_is_asked_of_the_view(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run_dashboard(lake, "cloudtrail")
    monkeypatch.setattr(gather, "CELLS", 10)
    assert view_of(find_dashboard("cloudtrail"), ALL, lake.answer).gather is None
    assert run_dashboard(lake, "cloudtrail") == before


def test_the_tables_that_were_asked_for_last_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE cloudtrail AS "
        "SELECT {'action': n} AS event, n::VARCHAR AS region FROM range(10) t(n)"
    )
    gatherer = Gatherer(con)
    monkeypatch.setattr(gather, "CELLS", 25)
    for number in (1, 2, 3, 1):
        text = relation("cloudtrail", f"region <> '{number}'")
        told = gathering("cloudtrail", text, (), ["SELECT event.action FROM logs"], 10)
        query = Query(
            f"WITH logs AS NOT MATERIALIZED ({text}) SELECT sum(event.action) FROM logs", (), told
        )
        assert gatherer.answer(query, con.cursor()).rows == ((45 - number,),)
        held = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'gathered'")
        assert held.fetchall()[0][0] <= 2


def test_a_query_of_everything_or_of_more_is_asked_of_the_view(lake: Lake) -> None:
    text = relation("cloudtrail", "")
    told = gathering("cloudtrail", text, (), ["SELECT event.action FROM logs"], 13)
    assert told is not None
    assert gathering_sql(told) == (
        f'SELECT struct_pack("action" := "event"."action") AS "event" FROM ({text})'
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
        told = gathering("cloudtrail", text, (), ["SELECT event.action FROM logs"], 13)
        with pytest.raises(UsageError):
            lake.answer(Query(f"WITH logs AS ({text}) SELECT event.action FROM logs", (), told))
    assert not target.exists()
