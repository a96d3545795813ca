"""The pages without a browser: every figure equals its SQL, a link restores what was chosen, what
cannot be applied is said, hostile text stays text, an empty lake says what to do.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from apptest import APP, choose_row, drawn, figures, open_page, shows, wanted
from engine import put, read
from logs import TRAIL_KEY, events, trail
from small_lake import HOSTILE, A, B
from streamlit.testing.v1 import AppTest

from lake.ask.output import as_text
from lake.dashboards.dashboards import dashboards, find_dashboard
from lake.dashboards.panels import PanelResult, run_dashboard, run_panel
from lake.filters.filters import Filter, TimeRange
from lake.filters.search import read_search
from lake.filters.selection import Selection
from lake.ingest import IngestOptions, ingest
from lake.serve import extent
from lake.ui import rows

if TYPE_CHECKING:
    from pathlib import Path

    from lake.query import Lake

pytestmark = pytest.mark.usefixtures("as_if_alone")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("small"))


SELECTIONS = [
    ({}, Selection()),
    (
        {"span": "From, to", "from": "2024-03-01T10:00", "to": "2024-03-01T11:03"},
        Selection(
            TimeRange(datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 1, 11, 3, tzinfo=UTC))
        ),
    ),
    ({"account": [B]}, Selection(filters=(Filter("account", "is", B),))),
    (
        {"region": ["eu-west-1", "moon"]},
        Selection(filters=(Filter("region", "is", ("eu-west-1", "moon")),)),
    ),
    (
        {"span": "Last hour", "f": ["source.ip is 8.8.4.4"]},
        Selection(
            TimeRange(datetime(2024, 3, 1, 11, 45, tzinfo=UTC)),
            (Filter("source.ip", "is", "8.8.4.4"),),
        ),
    ),
    (
        {"span": "Last 15 minutes"},
        Selection(TimeRange(datetime(2024, 3, 1, 12, 30, tzinfo=UTC))),
    ),
    ({"q": "event.outcome:failure"}, Selection(search=read_search("event.outcome:failure"))),
]


@pytest.mark.parametrize("name", ["overview", "cloudtrail"])
@pytest.mark.parametrize(("params", "selection"), SELECTIONS, ids=lambda v: str(v)[:30])
def test_a_link_shows_what_its_selection_gives(
    lake: Lake, app: AppTest, name: str, params: dict[str, Any], selection: Selection
) -> None:
    results = wanted(lake, name, selection)
    open_page(app, name, **params)
    for chart, result in shows(app, results):
        assert chart["name"] == [row[-2] for row in result.rows]


def test_a_link_fills_the_widgets(app: AppTest) -> None:
    open_page(
        app,
        "cloudtrail",
        span="From, to",
        **{"from": "2024-03-01T10:00", "to": "2024-03-01T11:03"},
        account=[A],
        f=["native.eventName is GetObject,PutBucketPolicy", "source.ip set"],
    )
    assert app.selectbox(key="span").value == "From, to"
    assert app.session_state["from"] == datetime(2024, 3, 1, 10)  # noqa: DTZ001  the widget's
    assert app.multiselect(key="account").value == [A]
    assert app.multiselect(key="f").value == [
        "native.eventName is GetObject,PutBucketPolicy",
        "source.ip set",
    ]
    words = app.main.caption[0].value.replace("\\", "")
    assert "1 of 13 events" in words
    assert "native.eventName is GetObject or PutBucketPolicy" in words


def test_a_search_is_in_the_box_and_in_the_sentence(app: AppTest) -> None:
    open_page(app, "cloudtrail", q="event.action:GetObject")
    assert app.text_input(key="q").value == "event.action:GetObject"
    assert "search event.action:GetObject" in app.main.caption[0].value.replace("\\", "")


def test_a_filter_without_a_value_is_none(app: AppTest) -> None:
    open_page(app, "cloudtrail")
    add = next(b for b in app.sidebar.button if b.label == "Add")
    assert "may be anything" not in app.selectbox(key="filter:op").options
    add.click().run()
    assert "A filter wants a value" in app.sidebar.error[0].value
    assert app.multiselect(key="f").value == []
    app.text_input(key="filter:value").set_value("192.0.2.1")
    next(b for b in app.sidebar.button if b.label == "Add").click().run()
    assert app.multiselect(key="f").value == ["source.ip is 192.0.2.1"]
    assert app.text_input(key="filter:value").value == ""
    assert not app.sidebar.error


def test_other_events_are_shown_from_the_first_page(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ROWS_SHOWN", 5)
    open_page(app, "cloudtrail")
    app.session_state["page"] = 2
    app.run()
    assert app.session_state["page"] == 2
    app.text_input(key="q").set_value("event.outcome:success").run()
    assert app.session_state["page"] == 1


def test_a_search_that_cannot_be_read_is_said(app: AppTest) -> None:
    open_page(app, "overview", q="sourc.ip:192.0.2.1")
    said = app.main.error[0].value.replace("\\", "")
    assert said.startswith("Not applied: Search, at character 1: unknown field 'sourc.ip'")
    assert figures(app)[0] == 14
    app.text_input(key="q").set_value("native.eventName:GetObject").run()
    assert figures(app)[0] == 1
    assert not app.main.warning


def test_a_search_for_what_no_row_has_is_said(app: AppTest) -> None:
    open_page(app, "cloudtrail", q="native.log_status:OK")
    said = app.main.warning[0].value.replace("\\", "")
    assert said == "No CloudTrail row has native.log_status; searching it finds none."


def test_every_country_is_on_the_map(app: AppTest) -> None:
    """One has a shape, Singapore is a point."""
    open_page(app, "cloudtrail")
    assert "United Kingdom" in str(drawn(app))
    assert not [one for one in app.main.caption if "Not on the map" in one.value]


def test_a_word_finds_no_row_without_its_record_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "logs", TRAIL_KEY, trail(events(3)))
    read(tmp_path / "lake", tmp_path / "logs", originals=False)
    monkeypatch.setenv("LAKE_DIR", str(tmp_path / "lake"))
    words, field = (AppTest.from_file(str(APP), default_timeout=60) for _ in range(2))
    open_page(words, "cloudtrail", q="GetBucketAcl")
    assert "3 rows of this lake were read without their records" in words.main.warning[0].value
    assert "No event fits the search" in words.main.info[0].value
    open_page(field, "cloudtrail", q="event.action:GetBucketAcl")
    assert not field.main.warning
    assert "3 events" in field.main.caption[0].value


def test_many_small_files_are_told(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page(app, "cloudtrail")
    assert not any("lake compact" in one.value for one in app.main.caption)
    monkeypatch.setattr(extent, "are_scattered", lambda files, partitions: files >= partitions > 0)
    app.run()
    said = [one.value for one in app.main.caption if "lake compact" in one.value]
    assert len(said) == 1
    assert said[0].startswith("3 files for 3 accounts, regions and days")


def test_what_cannot_be_applied_is_said(app: AppTest) -> None:
    open_page(app, "cloudtrail", f=["sourc.ip is 192.0.2.1", "native.log_status is OK"])
    assert "unknown field 'sourc.ip'" in app.main.error[0].value.replace("\\", "")
    said = app.main.warning[0].value.replace("\\", "")
    assert said == "Not applied here: no CloudTrail row has native.log_status."
    assert "13 events" in app.main.caption[0].value


def test_the_rest_of_a_list_is_not_a_value(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser calls an unknown agent `Other`, as the original calls the rest of a list."""
    answer = (("curl", 9), ("Other", 5), ("Other", 2))
    keys = ({"_rest": False}, {"_rest": False}, {"_rest": True})
    from lake.ui import page

    def answered(view: Any, panel: Any, ask: Any, **more: Any) -> PanelResult:  # noqa: ANN401
        result = run_panel(view, panel, ask, **more)
        if panel.query != "user_agents":
            return result
        return replace(result, rows=answer, keys=keys)

    monkeypatch.setattr(page, "run_panel", answered)
    open_page(app, "cloudtrail")
    shown = next(chart for chart in drawn(app) if chart["name"][0] == "curl")
    assert shown["name"] == ["curl", "Other", "all others"]


@pytest.mark.parametrize("name", ["overview", "cloudtrail"])
def test_every_panel_tells_its_whole_title(app: AppTest, name: str) -> None:
    """The original's titles, such as `(CIS3.1)`, stand where a short label leaves them out."""
    open_page(app, name)
    helps = [element.proto.help.replace("\\", "") for element in [*app.metric, *app.main.markdown]]
    told = {text.split(": ")[0] for text in helps if text}
    assert told == {panel.title for panel in find_dashboard(name).panels}


def test_the_sentence_counts_what_the_panels_count(app: AppTest) -> None:
    open_page(app, "cloudtrail")
    words = app.main.caption[0].value.replace("\\", "")
    assert words.startswith("13 events and 1 of CloudTrail Insights · ")


def test_a_range_without_events_names_the_nearest(app: AppTest) -> None:
    open_page(app, "cloudtrail", span="From, to", **{"from": "2025-01-01T00:00"})
    note = "Nothing from 2025-01-01 00:00 UTC on. The nearest data is of 2024-03-01 12:30 UTC."
    assert [info.value.replace("\\", "") for info in app.info] == [note]
    assert list(app.metric) == []
    (there,) = [button for button in app.main.button if button.label.startswith("Show 20")]
    assert there.label == "Show 2024-03-01"
    there.click().run()
    assert list(app.info) == [] and list(app.metric)
    assert app.session_state["from"] == datetime(2024, 3, 1)  # noqa: DTZ001  as the widget has it


def test_a_chosen_row_shows_the_record_as_it_came(lake: Lake, app: AppTest) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", 3)
    assert not app.exception
    row, original = (json.loads(element.value) for element in app.json)
    assert original == small_lake.EVENTS[9]
    assert row["native"]["eventName"] == "PutBucketPolicy"
    assert row["user_agent"]["original"] == HOSTILE
    assert "original" not in row["event"]
    # As text: a browser would round a number of 63 bits.
    query = "SELECT event.hash::VARCHAR FROM cloudtrail WHERE native.eventName = 'PutBucketPolicy'"
    assert lake.sql(query).fetchall() == [(row["event"]["hash"],)]
    assert None not in row["source"].values()


def test_a_chosen_row_as_opensearch_gets_it(lake: Lake, app: AppTest) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", 3)
    form = next(g for g in app.button_group if "As OpenSearch gets it" in g.options)
    form.set_value("As OpenSearch gets it").run()
    assert not app.exception
    shown = json.loads(app.json[0].value)
    (sent,) = as_text(
        lake.cursor(), "FROM cloudtrail WHERE native.eventName = 'PutBucketPolicy'", "documents"
    ).splitlines()
    body = json.loads(sent)
    body["event"]["hash"] = str(body["event"]["hash"])
    assert shown == body
    assert (shown["eventName"], shown["@log_type"]) == ("PutBucketPolicy", "cloudtrail")


def test_a_value_of_a_row_becomes_a_filter(app: AppTest) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", 3)
    pivot = next(s for s in app.selectbox if s.label.startswith("Turn a value into a filter"))
    pivot.set_value(("user_agent.original", HOSTILE))
    # at once, before a run has drawn the button for it
    next(b for b in app.button if b.label == "Only this").click().run()
    assert not app.exception
    assert app.session_state["f"] == [Filter("user_agent.original", "is", HOSTILE).url()]
    assert "1 of 13 events" in app.main.caption[0].value.replace("\\", "")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("native.eventName", "PutBucketPolicy"),  # a member, as Explore writes it
        ("eventName", "PutBucketPolicy"),  # and as the dashboard does
        ("cloud.region", "us-east-1"),
    ],
)
def test_the_value_of_a_chosen_cell_is_at_hand(app: AppTest, column: str, value: str) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", 3, column)
    next(b for b in app.button if b.label == "Not this").click().run()
    assert not app.exception
    field = column if "." in column else f"native.{column}"
    assert app.session_state["f"] == [f"{field} not {value}"]


def test_what_is_within_json_of_a_row_becomes_a_filter(app: AppTest) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", 3)
    pivot = next(s for s in app.selectbox if s.label.startswith("Turn a value into a filter"))
    within = [text for text in pivot.options if text.startswith("native.requestParameters")]
    assert within == [
        "native.requestParameters.bucketName: logs",
        "native.requestParameters.policy.Effect: Allow",
    ]
    pivot.set_value(("native.requestParameters.policy.Effect", "Allow"))
    next(b for b in app.button if b.label == "Only this").click().run()
    assert not app.exception
    assert "1 of 13 events" in app.main.caption[0].value.replace("\\", "")


def test_a_row_among_all_logs_has_what_only_its_own_log_has(app: AppTest) -> None:
    """Also as a filter, which narrows the page to that log."""
    open_page(app, "hunting")
    panel = next(p for p in find_dashboard("hunting").panels if p.chart == "rows")
    choose_row(app, f"hunting:{panel.title}", 4)
    row, _ = (json.loads(element.value) for element in app.json)
    assert row["native"]["eventName"] == "PutBucketPolicy"
    pivot = next(s for s in app.selectbox if s.label.startswith("Turn a value into a filter"))
    pivot.set_value(("native.eventName", "PutBucketPolicy")).run()
    next(b for b in app.button if b.label == "Only this").click().run()
    assert not app.exception
    assert "1 of 14 events" in app.main.caption[0].value.replace("\\", "")
    fields = next(s for s in app.selectbox if s.label == "Field")
    assert {"native.eventName", "native.log_status", "source.ip"} <= {*fields.options}


def test_hostile_text_is_nowhere_markup(app: AppTest) -> None:
    open_page(app, "cloudtrail", f=[Filter("user_agent.original", "is", HOSTILE).url()])
    assert not any(element.allow_html for element in [*app.markdown, *app.caption])
    for element in [*app.markdown, *app.caption, *app.title, *app.subheader]:
        assert "<script" not in element.value.replace("\\<", "")
        assert "](http" not in element.value


def test_the_query_behind_a_card_is_shown(lake: Lake, app: AppTest) -> None:
    open_page(app, "cloudtrail")
    app.session_state["cloudtrail:CloudTrail - Source IP:data"] = True
    app.run()
    assert not app.exception
    wanted_sql = next(
        r.sql
        for r in wanted(lake, "cloudtrail", Selection())
        if r.title == "CloudTrail - Source IP"
    )
    assert [code.value for code in app.code] == [wanted_sql]


def test_the_values_of_a_card_become_filters(app: AppTest) -> None:
    """As a click on its chart, and the other way round; the list closes over what it changed."""
    key = "cloudtrail:CloudTrail - Source IP:data"
    open_page(app, "cloudtrail")
    app.session_state[key] = True
    app.run()
    listed = app.selectbox(key=f"{key}:value")
    value = listed.options[1].partition(" (")[0]
    listed.select(listed.options[1])
    app.button(key=f"{key}:value:Not this").click().run()
    assert app.query_params["f"] == f"source.ip not {value}"
    assert not app.session_state[key]


def test_a_chart_over_time_has_its_values_and_its_times(app: AppTest) -> None:
    key = "cloudtrail:CloudTrail - Event Name(Area):data"
    open_page(app, "cloudtrail")
    app.session_state[key] = True
    app.run()
    assert len(app.selectbox(key=f"{key}:time").options) > 1
    listed = app.selectbox(key=f"{key}:value")
    figures = [int(option.rpartition("(")[2].rstrip(")")) for option in listed.options]
    assert figures == sorted(figures, reverse=True)
    value = listed.options[-1].partition(" (")[0]
    listed.select(listed.options[-1])
    app.button(key=f"{key}:value:Only this").click().run()
    assert app.query_params["f"] == f"native.eventName is {value}"


@pytest.mark.parametrize("name", ["overview", "cloudtrail", "hunting"])
def test_every_card_opens(app: AppTest, name: str) -> None:
    open_page(app, name)
    for panel in find_dashboard(name).panels:
        app.session_state[f"{name}:{panel.title}:data"] = True
    app.run()
    assert not app.exception
    assert any(button.label == "Only this time" for button in app.button)


def test_labels_tell_what_a_log_says_from_what_the_lake_keeps() -> None:
    """The lists beside a page are of `account`, which is not always the text of a record."""
    asked = {
        (panel.label, panel.field)
        for dashboard in dashboards().values()
        for panel in dashboard.panels
        if panel.field in ("account", "cloud.account.id")
    }
    logged = {label for label, field in asked if field == "cloud.account.id"}
    assert not logged & {label for label, field in asked if field == "account"}
    assert all("as logged" in label for label in logged)


def test_no_lake_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_DIR", str(tmp_path / "nowhere"))
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not app.exception
    assert "lake ingest WHERE" in app.info[0].value
    assert "nowhere" in app.caption[0].value


@pytest.mark.parametrize("name", ["overview", "cloudtrail", "entity", "explore", "sql"])
def test_a_lake_without_rows_says_what_became_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It said that there was nothing in it, also where every record of a bucket was rejected."""
    (tmp_path / "logs").mkdir()
    timeless = small_lake.event(1, "10:00:00", "s3", "GetObject") | {"eventTime": "noon"}
    (tmp_path / "logs" / "calls.json").write_text(json.dumps({"Records": [timeless]}))
    (tmp_path / "logs" / "notes.txt").write_text("nothing to see\n")
    ingest(tmp_path / "lakehouse", [str(tmp_path / "logs")], IngestOptions(jobs=1))
    monkeypatch.setenv("LAKE_DIR", str(tmp_path / "lakehouse"))
    app = AppTest.from_file(str(APP), default_timeout=60)
    open_page(app, name)
    assert not app.exception
    assert not app.error
    if name in ("overview", "cloudtrail"):
        assert app.main.info[0].value.startswith("This lake has no logs")
    if name == "overview":
        assert figures(app) == [1, 0, 0, 1]  # found, rows, duplicates, rejects


def test_a_wrong_dashboard_of_ones_own_is_said(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text('title = "T"\nlabel = "T"\ntable = "nothing"\n')
    (tmp_path / "mine.sql").write_text("-- name: one\n-- About it.\nSELECT 1\n")
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    (tmp_path / "sjis.toml").write_text('title = "S"\nlabel = "S"\ntable = "cloudtrail"\n')
    (tmp_path / "sjis.sql").write_bytes("-- name: one\n-- 件数\nSELECT 1\n".encode("cp932"))
    (tmp_path / "lone.sql").write_text("-- name: one\n-- About it.\nSELECT 1\n")
    open_page(app, "cloudtrail")
    said = [one.value.replace("\\", "") for one in app.error]
    assert "unknown table 'nothing'" in said[0]
    assert said[1].endswith("Save it as UTF-8.")
    assert "lone.sql has no .toml beside it" in said[2]
    assert app.title[0].value == "CloudTrail"  # the other pages are there all the same


def test_hostile_text_makes_no_link() -> None:
    """A bare address becomes a link where Markdown is read, whatever is escaped."""
    from lake.ui.text import plain

    for text in (
        "http://evil.example/x",
        "HTTPS://evil.example",
        "www.evil.example",
        "a@evil.example",
    ):
        assert "\u2060" in plain(text)
    assert plain("a: b, c.d 1/2") == "a\\: b, c\\.d 1/2"


def test_figures_beside_those_of_the_period_before(lake: Lake, app: AppTest) -> None:
    time = {"span": "From, to", "from": "2024-03-01T11:00", "to": "2024-03-01T12:00"}
    open_page(app, "cloudtrail", compare="true", **time)
    hour = datetime(2024, 3, 1, 11, tzinfo=UTC)
    due = run_dashboard(lake, "cloudtrail", hour, hour.replace(hour=12), compare=True)
    for metric, result in zip(app.metric, [r for r in due if r.chart == "metric"], strict=False):
        (now,), (was,) = result.rows, result.before or ()
        change = now[-1] - was[-1]
        assert metric.delta == (f"{change:+,}" if change else "no change")
    assert "of 2024-03-01 10:00 to 2024-03-01 11:00 UTC" in app.main.caption[0].value.replace(
        "\\", ""
    )


def test_nothing_to_compare_all_time_with(app: AppTest) -> None:
    open_page(app, "cloudtrail", compare="true")
    assert app.toggle(key="compare").disabled
    assert not any(metric.delta for metric in app.metric)
