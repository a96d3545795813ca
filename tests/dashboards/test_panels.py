"""Every panel of the project's dashboards over a lake small enough to count by hand, what an empty
one says, and which dashboards are refused.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import small_lake
from pinned import ask_of, has_rows, shows_its_sql
from small_lake import ALICE, BOB, LONDON, SINGAPORE, A, B

from lake.dashboards.dashboards import dashboards, find_dashboard
from lake.dashboards.panels import PanelResult, panels_json, run_dashboard, run_panel
from lake.dashboards.scope import View, bars_of, facet, interval_for, view_of
from lake.errors import UsageError
from lake.filters.fields import moment_in
from lake.filters.filters import Filter, TimeRange
from lake.filters.selection import Selection
from lake.serve.extent import lake_blocks
from lake.serve.queries import Answer, Interval, Query
from lake.serve.status import read_status

if TYPE_CHECKING:
    from lake.query import Lake

TEN = "2024-03-01T10:00:00Z"

# Title -> (which row, that row), counted by hand over `small_lake.EVENTS`.
PINNED: dict[str, dict[str, tuple[int, list[Any]]]] = {
    "cloudtrail": {
        "CloudTrail - Login Failed": (0, ["Login Failed", 1]),
        "CloudTrail - Root Login(CIS3.3)": (0, ["Root Login", 1]),
        "CloudTrail - Unauthorized API Calls(CIS3.1)": (0, ["Unauthorized API Calls", 2]),
        "CloudTrail - Security Group Changed(CIS3.10)": (0, ["SG Changed", 1]),
        "CloudTrail - NACL Changed(CIS3.11)": (0, ["NACL Changed", 1]),
        "CloudTrail - Network Gateway Changd(CIS3.12)": (0, ["Network Gateway Changed", 1]),
        "CloudTrail - Route Table Changd(CIS3.13)": (0, ["Route Table Changed", 1]),
        "CloudTrail - VPC Changed(CIS3.14)": (0, ["VPC Changed", 1]),
        "CloudTrail - S3 Bucket Changed(CIS3.8)": (0, ["S3 Bucket Changed", 1]),
        "CloudTrail - KMS Key Changed": (0, ["KMS Key Changed", 1]),
        "CloudTrail - Events by Outcome": (0, [TEN, "failure", 3]),
        "CloudTrail - AWS Account(Bar)": (0, [A, 12]),
        "CloudTrail - Region(Bar)": (1, ["eu-west-1", 1]),
        "CloudTrail - Source AS": (0, ["Example", 12]),
        "CloudTrail - Source Countries(Geo)": (1, ["GB", 2]),
        "CloudTrail - Source Countries": (0, ["Singapore", 10]),
        "CloudTrail - Source IP": (1, [LONDON, 2]),
        "CloudTrail - UserIdentity.arn": (0, [BOB, 9]),
        "CloudTrail - Denied Calls": (0, [BOB, "DescribeInstances", "2024-03-01T10:10:00Z", 1]),
        "CloudTrail - Event Name(Pie)": (0, ["ConsoleLogin", 2]),
        "CloudTrail - Event Name(Area)": (0, [TEN, "ConsoleLogin", 2]),
        "CloudTrail - Event Type(Pie)": (2, ["AwsCloudTrailInsight", 1]),
        "CloudTrail - Event Type(Area)": (0, [TEN, "AwsApiCall", 2]),
        "CloudTrail - Error Code(Pie)": (0, ["AccessDenied", 1]),
        "CloudTrail - Error Code(Area)": (1, [TEN, "Client.UnauthorizedOperation", 1]),
        "CloudTrail - Event Source(Pie)": (0, ["ec2.amazonaws.com", 6]),
        "CloudTrail - Event Source(Area)": (0, [TEN, "signin.amazonaws.com", 2]),
        "CloudTrail - User Agent Browser": (1, ["Firefox", 2]),
        "CloudTrail - TLS version": (0, ["TLSv1.3", 2]),
        "search - CloudTrail": (
            12,
            [TEN, A, "us-east-1", "signin.amazonaws.com", "ConsoleLogin", "alice", LONDON],
        ),
    },
    "overview": {
        "Overview - Figures": (0, ["Events", 14]),
        "Overview - Events by Source over Time": (0, [TEN, "cloudtrail", 4]),
        "Overview - Events by Source": (1, ["cloudtrail_insight", 1]),
        "Overview - Events by Account": (2, ["unknown", 1]),
        "Overview - Events by Region": (0, ["us-east-1", 13]),
        "Overview - Coverage": (0, ["cloudtrail", TEN, "2024-03-01T12:30:00Z", 1, 0, 2, 2, 13]),
        "Overview - Records": (2, ["Duplicates", 2]),
        "Overview - Objects by Status": (1, ["unknown", 1]),
    },
}
# Panels whose rows name today or a temporary folder: only these cells are pinned.
IN_PART = {
    "Overview - Read by Day": (0, {1: "cloudtrail", 2: 4, 4: 16, 5: 13, 6: 2, 7: 1}),
    "Overview - Objects Not Read": (0, {0: "unknown", 1: "text that no source knows", 3: 1}),
    "Overview - Rejects by Reason": (0, {0: "cloudtrail", 1: "no valid time", 3: 1}),
}
EMPTY = {
    "CloudTrail - Matched IoC": "No threat list is loaded, or nothing here stands on one.",
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("small"))


def results(lake: Lake, name: str, **options: datetime | str) -> dict[str, dict[str, Any]]:
    found = run_dashboard(lake, name, interval="1 hour", **options)  # type: ignore[arg-type]
    return {panel["title"]: panel for panel in panels_json(found)}


def view(lake: Lake, name: str, selection: Selection | None = None) -> View:
    return view_of(find_dashboard(name), selection or Selection(), ask_of(lake))


@pytest.mark.parametrize("name", PINNED)
def test_a_row_of_every_panel(lake: Lake, name: str) -> None:
    found = results(lake, name)
    has_rows(found, PINNED[name])
    for title, (place, cells) in IN_PART.items():
        if title in found:
            row = found[title]["rows"][place]
            assert {n: row[n] for n in cells} == cells, title
    for title, note in EMPTY.items():
        if title in found:
            assert (found[title]["rows"], found[title]["note"]) == ([], note)
    assert set(found) <= {*PINNED[name], *IN_PART, *EMPTY}, "a panel without a pinned row"


def test_every_dashboard_of_the_project_is_pinned() -> None:
    assert set(dashboards()) >= set(PINNED)


@pytest.mark.parametrize("name", PINNED)
def test_the_sql_that_is_shown_gives_the_rows_that_are_shown(lake: Lake, name: str) -> None:
    chosen = Selection(
        TimeRange(datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, 12, tzinfo=UTC)),
        (Filter("region", "is", ("us-east-1", "it's")), Filter("source.port", "unset")),
    )
    shown = view(lake, name, chosen)
    shows_its_sql(lake, shown)


def test_the_dashboards_answer_to_the_original_titles(lake: Lake) -> None:
    titled = run_dashboard(lake, "CloudTrail Summary")
    assert titled == run_dashboard(lake, "cloudtrail")
    with pytest.raises(UsageError, match=r"unknown dashboard 'nothing'.*cloudtrail \(CloudTrail"):
        run_dashboard(lake, "nothing")


def test_time_and_a_condition_narrow_every_panel(lake: Lake) -> None:
    found = results(
        lake,
        "cloudtrail",
        time_from=datetime(2024, 3, 1, 11, tzinfo=UTC),
        time_to=datetime(2024, 3, 1, 11, 4, tzinfo=UTC),
        where="event.action <> 'CreateRoute'",
    )
    names = [row[0] for row in found["CloudTrail - Event Name(Pie)"]["rows"]]
    assert names == ["AuthorizeSecurityGroupIngress", "CreateInternetGateway", "CreateNetworkAcl"]
    assert found["CloudTrail - Route Table Changd(CIS3.13)"]["rows"] == [["Route Table Changed", 0]]


def test_a_wrong_condition_says_what_the_engine_says(lake: Lake) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        run_dashboard(lake, "cloudtrail", where="nonsense = 1")
    with pytest.raises(UsageError, match="Parser Error"):
        run_dashboard(lake, "cloudtrail", where="1=1) OR (1=1; DROP TABLE x")


@pytest.mark.parametrize("field", ["native.eventName", "native.interface_id", "native.webaclId"])
def test_every_page_under_a_filter_on_another_logs_field(lake: Lake, field: str) -> None:
    """A table without the field has no such event; a page says so and does not fail."""
    for dashboard in dashboards().values():
        results = run_dashboard(lake, dashboard.name, filters=[f"{field} is none of these"])
        assert len(results) == len([p for p in dashboard.panels for _ in (p.title, *p.former)])


def test_a_condition_on_fields_that_a_further_table_lacks_leaves_that_table_out(lake: Lake) -> None:
    found = results(lake, "cloudtrail", where="native.userIdentity.arn IS NOT NULL")
    types = [row[0] for row in found["CloudTrail - Event Type(Pie)"]["rows"]]
    assert "AwsCloudTrailInsight" not in types
    found = results(lake, "cloudtrail", where="cloud.region = 'us-east-1'")
    types = [row[0] for row in found["CloudTrail - Event Type(Pie)"]["rows"]]
    assert "AwsCloudTrailInsight" in types


def test_a_filter_that_a_page_does_not_apply_leaves_its_further_tables_whole(lake: Lake) -> None:
    """The page says that it is not applied: the Insight events of the same lists went all the same,
    and where these alone have the field, they went by it."""
    title = "CloudTrail - Event Type(Pie)"
    whole = results(lake, "cloudtrail")[title]["rows"]
    assert "AwsCloudTrailInsight" in [row[0] for row in whole]
    for field in ("native.httpRequest.uri", "native.insightDetails.insightType"):
        chosen = Selection(filters=(Filter(field, "is", "none of these"),))
        shown = view(lake, "cloudtrail", chosen)
        found = run_panel(shown, shown.dashboard.panel(title), ask_of(lake))
        assert [list(row) for row in found.rows] == whole
        assert shown.further == view(lake, "cloudtrail").further
        assert facet(shown.dashboard, chosen, "account", ask_of(lake)) == facet(
            shown.dashboard, Selection(), "account", ask_of(lake)
        )


NOTES = [
    (
        Selection(TimeRange(datetime(2025, 1, 1, tzinfo=UTC))),
        "Nothing from 2025-01-01 00:00 UTC on. The nearest data is of 2024-03-01 12:30 UTC.",
    ),
    (
        Selection(
            TimeRange(
                datetime(2024, 3, 1, 10, 20, tzinfo=UTC), datetime(2024, 3, 1, 10, 30, tzinfo=UTC)
            )
        ),
        "Nothing 2024-03-01 10:20 to 2024-03-01 10:30 UTC. The nearest data is of 2024-03-01 10:11"
        " and of 2024-03-01 11:00 UTC.",
    ),
    (
        Selection(filters=(Filter("source.ip", "is", "192.0.2.77"),)),
        "No event fits the filters, whatever the time.",
    ),
    (Selection(where="1 = 2"), "No event fits the filters, whatever the time."),
]


@pytest.mark.parametrize(("selection", "note"), NOTES)
def test_an_empty_panel_says_why(lake: Lake, selection: Selection, note: str) -> None:
    shown = view(lake, "cloudtrail", selection)
    panel = shown.dashboard.panel("CloudTrail - Event Name(Pie)")
    result = run_panel(shown, panel, ask_of(lake))
    assert (result.rows, result.note) == ((), note)


def test_figures_of_the_whole_lake_are_not_narrowed(lake: Lake) -> None:
    shown = view(lake, "overview", NOTES[0][0])
    result = run_panel(shown, shown.dashboard.panel("Overview - Records"), ask_of(lake))
    assert result.rows[0] == ("Records found", 17)
    assert result.note is None


def test_no_places_without_a_database(lake: Lake) -> None:
    selection = Selection(filters=(Filter("source.address", "is", "AWS Internal"),))
    shown = view(lake, "cloudtrail", selection)
    result = run_panel(shown, shown.dashboard.panel("CloudTrail - Source AS"), ask_of(lake))
    assert result.rows == ()
    assert result.note is not None
    assert "lake geoip update" in result.note


def test_unknown_is_no_account_and_no_region(lake: Lake) -> None:
    """As many as `lake status` tells; one record names no account."""
    found = {panel.title: panel.rows for panel in run_dashboard(lake, "overview")}
    coverage = [(row[0], *row[5:8]) for row in found["Overview - Coverage"]]
    tables = read_status(lake.path).tables
    assert sorted(coverage) == [(t.table, t.accounts, t.regions, t.rows) for t in tables]
    nobody = run_dashboard(lake, "entity", filters=["account is unknown"])
    assert dict(nobody[0].rows) | {"Events": 1, "AWS accounts": 0} == dict(nobody[0].rows)


def test_facets_count_what_the_selection_leaves(lake: Lake) -> None:
    ask = ask_of(lake)
    trail = find_dashboard("cloudtrail")
    # Eleven calls and an Insight event, as the page's panel of accounts has them.
    assert facet(trail, Selection(), "account", ask) == [(A, 12), (B, 1), ("unknown", 1)]
    chosen = Selection(filters=(Filter("user.name", "is", "alice"),))
    assert facet(trail, chosen, "region", ask) == [("us-east-1", 1)]


def test_handles_of_rows_stay_out_of_what_is_printed(lake: Lake) -> None:
    shown = view(lake, "cloudtrail")
    result = run_panel(shown, shown.dashboard.panel("search - CloudTrail"), ask_of(lake), limit=2)
    assert len(result.rows) == 2
    assert "_hash" not in result.columns
    assert [set(key) for key in result.keys] == [{"_hash"}, {"_hash"}]


def test_hostile_text_reaches_a_panel_as_it_is(lake: Lake) -> None:
    chosen = Selection(filters=(Filter("user_agent.original", "is", small_lake.HOSTILE),))
    shown = view(lake, "cloudtrail", chosen)
    assert shown.shown.events == 1
    result = run_panel(shown, shown.dashboard.panel("CloudTrail - UserIdentity.arn"), ask_of(lake))
    assert result.rows == ((BOB, 1),)


def test_the_panels_read_their_leaves_alone(lake: Lake) -> None:
    shown = view(lake, "cloudtrail")
    panel = shown.dashboard.panel("CloudTrail - Event Name(Pie)")
    sql = run_panel(shown, panel, ask_of(lake)).sql
    plan = lake.cursor().execute(f"EXPLAIN {sql}").fetchall()[0][1]
    assert "native.eventName" in plan
    assert "original" not in plan


def test_printed_values_are_json() -> None:
    result = PanelResult(
        title="t",
        chart="table",
        sql="",
        columns=("a",),
        rows=((datetime(2024, 1, 1, 0, 0, 0, 5000, tzinfo=UTC),), (float("nan"),), (["x"],)),
    )
    assert json.loads(json.dumps(panels_json([result])))[0]["rows"] == [
        ["2024-01-01T00:00:00.005000Z"],
        ["nan"],
        [["x"]],
    ]


INTERVALS = [
    (("2024-01-01", "2024-01-01T00:01:00"), "1 second"),
    (("2024-01-01", "2024-01-02"), "15 minutes"),
    (("2024-01-01", "2024-01-04"), "1 hour"),
    (("2024-01-01", "2024-03-01"), "12 hours"),
    (("2014-01-01", "2026-01-01"), "1 month"),
    (("1990-01-01", "2026-01-01"), "3 months"),
    ((None, None), "1 day"),
]


@pytest.mark.parametrize(("ends", "width"), INTERVALS)
def test_bars_are_as_narrow_as_150_of_them_allow(
    ends: tuple[str | None, str | None], width: str
) -> None:
    assert interval_for(_between(*ends)) == width


def _between(*ends: str | None) -> TimeRange:
    return TimeRange(*(moment_in(end) if end else None for end in ends))


def test_a_month_is_a_calendar_month(lake: Lake) -> None:
    time = _between("2024-01-15", "2024-03-02")
    dashboard = find_dashboard("cloudtrail")
    shown = view_of(dashboard, Selection(time), ask_of(lake), "1 month")
    # The lake's data is of one day; bars cover that part of the range.
    assert bars_of(shown, ask_of(lake)) == {
        datetime(2024, 3, 1, tzinfo=UTC): datetime(2024, 4, 1, tzinfo=UTC)
    }
    query = Query(
        "SELECT time_bucket($interval, DATE '2024-02-29')", (("interval", shown.interval),)
    )
    assert query.ask(duckdb.connect()).rows == ((date(2024, 2, 1),),)
    assert query.written_out() == "SELECT time_bucket(INTERVAL '1 month', DATE '2024-02-29')"


@pytest.mark.parametrize(
    ("start", "end", "bars"), [(0, 120, 2), (0, 121, 3), (30, 120, 2), (30, 30, 1)]
)
def test_no_bar_begins_where_the_range_ends(start: int, end: int, bars: int) -> None:
    begin = datetime(2024, 3, 1, tzinfo=UTC)
    given = {"interval": Interval("1 minute")}
    given |= {"from": begin + timedelta(seconds=start), "to": begin + timedelta(seconds=end)}
    query = Query.over(lake_blocks()["bars"], {}, given)
    assert len(query.ask(duckdb.connect()).rows) == bars


def test_an_answer_is_found_again_by_its_query() -> None:
    first = Query("SELECT $interval", (("interval", Interval("1 day")),))
    assert {first: Answer(("a",), ())}[
        Query("SELECT $interval", (("interval", Interval("1 day")),))
    ]


def test_the_identity_of_alice_is_in_the_lake(lake: Lake) -> None:
    rows = results(lake, "cloudtrail")["CloudTrail - UserIdentity.arn"]["rows"]
    assert [ALICE, 1] in rows
    assert SINGAPORE in [
        row[0] for row in results(lake, "cloudtrail")["CloudTrail - Source IP"]["rows"]
    ]
