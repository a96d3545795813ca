"""The page Explore: any table, chosen columns, values of a field, and files of what is shown."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from apptest import drawn, open_page
from small_lake import A

from lake.ask.explore import COLUMNS, columns_for, countable, explored, rows_file, values_of
from lake.dashboards.scope import view_of
from lake.errors import SourceError
from lake.filters.fields import fields_behind, fields_of
from lake.filters.search import read_search
from lake.filters.selection import Selection
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake
from lake.serve.extent import extent_of
from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import log_views
from lake.upkeep.compact import CompactOptions, compact

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from lake.dashboards.scope import View

pytestmark = pytest.mark.usefixtures("as_if_alone")


def viewed(lake: Lake, table: str, search: str = "", columns: tuple[str, ...] = COLUMNS) -> View:
    return view_of(explored(table, columns), Selection(search=read_search(search)), lake.answer)


def test_what_can_be_looked_at(lake: Lake) -> None:
    assert log_views(lake.tables()) == ["events", "cloudtrail", "cloudtrail_insight"]
    for table in log_views(lake.tables()):
        assert set(COLUMNS) <= set(fields_of(table))


@pytest.mark.parametrize("table", ["events", "cloudtrail"])
def test_a_page_shows_the_rows_that_its_search_finds(lake: Lake, app: AppTest, table: str) -> None:
    search = "event.outcome:failure"
    due = lake.sql(
        f"SELECT count(*), max(event.action) FROM {table} WHERE event.outcome = 'failure'"
    ).fetchall()[0]
    open_page(app, "explore", logs=table, q=search, columns=["event.action", "native.x"])
    assert app.selectbox(key="logs").value == table
    table_shown = app.main.dataframe[0].value
    assert list(table_shown.columns) == ["@timestamp", "event.action"]
    assert (len(table_shown), max(table_shown["event.action"])) == due
    (volume,) = drawn(app)
    assert sum(volume["n"]) == due[0]
    assert f"The files have all {due[0]} rows" in app.main.caption[-1].value


def test_every_field_of_every_table_can_be_a_column(lake: Lake) -> None:
    for table in log_views(lake.tables()):
        every = tuple(fields_behind(table))
        view = viewed(lake, table, columns=every)
        (_, rows) = view.dashboard.panels
        from lake.dashboards.panels import run_panel

        result = run_panel(view, rows, lake.answer)
        assert result.columns == ("@timestamp", *every)
        assert len(result.rows) == view.whole.events


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3))])
def test_the_values_of_every_field(lake: Lake, part: int) -> None:
    """Each as often as it is there; and a filter on it leaves as many."""
    for table in log_views(lake.tables()):
        view = viewed(lake, table)
        for field in countable(table)[part::4]:
            found = values_of(view, [field], lake.answer)
            assert len(found) <= 15
            if found:
                value, events = found[0]
                quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
                chosen = Selection(search=read_search(f"{field}:{quoted}"))
                assert extent_of(table, chosen, lake.answer).events == events, field


def test_a_value_of_the_list_beside_the_rows(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail", values="event.outcome")
    assert app.multiselect(key="values").value == ["event.outcome"]
    charts = [e for e in app.sidebar.get("vega_lite_chart") if "success" in str(e.proto.data.data)]
    assert charts


def test_the_values_of_several_fields_stand_below_each_other(app: AppTest) -> None:
    fields = ["event.outcome", "native.awsRegion", "awsRegion", "no.such"]
    open_page(app, "explore", logs="cloudtrail", values=fields)
    named = [one.value.replace("\\", "") for one in app.sidebar.markdown]
    assert named == ["**event.outcome**", "**native.awsRegion**"]
    charts = [str(one.proto.data.data) for one in app.sidebar.get("vega_lite_chart")]
    assert ["success" in chart for chart in charts[:2]] == [True, False]
    assert ["us-east-1" in chart for chart in charts[:2]] == [False, True]
    assert [error.value.replace("\\", "") for error in app.error] == [
        "These logs have no field 'no.such' to show."
    ]


def test_what_is_within_json_is_shown_and_counted(lake: Lake, app: AppTest) -> None:
    typed = "requestParameters.policy.Effect"
    open_page(app, "explore", logs="events", columns=["event.action", typed], values=typed)
    shown = app.main.dataframe[0].value
    assert list(shown.columns) == ["@timestamp", "event.action", f"native.{typed}"]
    found = shown.dropna()[["event.action", f"native.{typed}"]].to_numpy().tolist()
    assert found == [["PutBucketPolicy", "Allow"]]
    assert "Allow" in str(app.sidebar.get("vega_lite_chart")[0].proto.data.data)
    assert not app.error
    assert values_of(viewed(lake, "cloudtrail"), [f"native.{typed}"], lake.answer) == [("Allow", 1)]
    file = rows_file(lake, viewed(lake, "cloudtrail"), [f"native.{typed}"], "jsonl")
    assert b'"native.requestParameters.policy.Effect":"Allow"' in file.replace(b": ", b":")


def test_a_field_that_was_typed_and_is_not_there(app: AppTest) -> None:
    wrong = ["no such", "native.log_status"]
    open_page(app, "explore", logs="cloudtrail", columns=["event.action", *wrong], values="no.such")
    said = [error.value.replace("\\", "") for error in app.error]
    due = [f"These logs have no field '{name}' to show." for name in (*wrong, "no.such")]
    assert said == due
    assert list(app.main.dataframe[0].value.columns) == ["@timestamp", "event.action"]


def test_files_hold_what_is_shown(lake: Lake) -> None:
    view = viewed(lake, "cloudtrail", "event.outcome:failure")
    columns = ("event.action", "source.ip")
    due = lake.sql(
        "SELECT event.action AS a, source.ip AS i FROM cloudtrail "
        "WHERE event.outcome = 'failure' ORDER BY \"@timestamp\" DESC, event.hash"
    ).fetchall()
    rows = list(csv.reader(io.StringIO(rows_file(lake, view, columns, "csv").decode())))
    assert rows[0] == ["@timestamp", *columns]
    assert [(a, i or None) for _, a, i in rows[1:]] == due
    lines = [json.loads(line) for line in rows_file(lake, view, (), "jsonl").splitlines()]
    assert [line["event"]["action"] for line in lines] == [a for a, _ in due]
    assert all("original" in line["event"] for line in lines)
    table = pq.read_table(io.BytesIO(rows_file(lake, view, columns, "parquet")))
    assert table["source.ip"].to_pylist() == [i for _, i in due]


def test_a_file_of_a_page_whose_lake_was_compacted_since(tmp_path: Path) -> None:
    """The files that the page was drawn from are deleted; the button did nothing."""
    for minute in (1, 2):
        logs = tmp_path / f"{minute}.log"
        logs.write_text(
            "version account-id srcaddr start end action log-status\n"
            f"2 {A} 192.0.2.{minute} 1709287200 {1709287200 + 60 * minute} ACCEPT OK\n"
        )
        ingest(tmp_path / "lake", [str(logs)], IngestOptions(jobs=1))
    lake = open_lake(tmp_path / "lake", locked=True)
    view = viewed(lake, "vpcflow")
    due = rows_file(lake, view, ("source.ip",), "csv")
    assert due.count(b"\n") == 3
    compact(tmp_path / "lake", CompactOptions(grace=timedelta(0), jobs=1))
    assert rows_file(lake, view, ("source.ip",), "csv") == due


def test_a_hostile_search_reaches_no_file_but_its_own(lake: Lake) -> None:
    view = viewed(lake, "events", "\"'; COPY events TO '/tmp/x' --\"")
    assert rows_file(lake, view, ("event.action",), "csv").count(b"\n") == 1


def test_columns_that_a_table_has_not() -> None:
    assert columns_for("events", ["nothing", "user.name"]) == ["user.name"]
    assert columns_for("events", ["nothing"]) == list(COLUMNS)
    assert columns_for("cloudtrail", ["native.log_status"]) == list(COLUMNS)


@pytest.fixture(scope="module")
def demo(demo_folder: Path) -> Lake:
    return open_lake(demo_folder / "lakehouse", locked=True)


OWN = ("event.dataset", "native.eventName", "native.log_status", "native.type", "native.resources")
"""Of one source, of two, of several as different things, and a list of structures of one."""


def test_all_logs_show_what_only_some_have(demo: Lake) -> None:
    """Beside each other, as the rows of each source have it; narrowed as rows are."""
    view = viewed(demo, "events", "region:us-east-1", OWN)
    found = [json.loads(line) for line in rows_file(demo, view, OWN, "jsonl").splitlines()]
    assert len(found) == view.shown.events
    for name in OWN[1:]:
        holders = [t for t in catalogue().sources if name in fields_of(t)]
        assert 0 < len(holders) < len(catalogue().sources)
        for table in catalogue().sources:
            shown = sorted(str(one[name]) for one in found if one["event.dataset"] == table)
            one = viewed(demo, table, "region:us-east-1", (name,) if table in holders else COLUMNS)
            lines = rows_file(demo, one, one.dashboard.fields, "jsonl").splitlines()
            due = [json.loads(line).get(name) for line in lines]
            assert shown == sorted(map(str, due)), (name, table)


def test_all_logs_count_the_values_of_what_only_some_have(demo: Lake) -> None:
    for table, name in (("cloudtrail", "native.eventName"), ("vpcflow", "native.interface_id")):
        for search in ("", "event.outcome:failure", f"{name}:*"):
            due = values_of(viewed(demo, table, search), [name], demo.answer)
            assert due == values_of(viewed(demo, "events", search), [name], demo.answer) != []


def test_a_page_of_all_logs_with_a_column_of_one(app: AppTest) -> None:
    search = "event.dataset:cloudtrail"
    columns = ["event.action", "native.eventName"]
    open_page(app, "explore", logs="events", q=search, columns=columns)
    shown = app.main.dataframe[0].value
    assert list(shown.columns) == ["@timestamp", "event.action", "native.eventName"]
    assert list(shown["event.action"]) == list(shown["native.eventName"])


def test_no_dashboard_takes_its_place(tmp_path: Path) -> None:
    from lake.dashboards.dashboards import load_dashboard

    (tmp_path / "explore.toml").write_text('title = "x"\n')
    (tmp_path / "explore.sql").write_text("-- name: a\n-- b\nSELECT 1\n")
    with pytest.raises(SourceError, match="`explore` is the page to look at any table"):
        load_dashboard(tmp_path / "explore.toml")
