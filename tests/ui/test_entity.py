"""The page about one thing: how it is named, what it shows, and the way there from a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import small_lake
from apptest import choose_row, explains_every_panel, figures, open_page, shows, wanted

from lake.filters.entities import kinds
from lake.filters.filters import Filter
from lake.filters.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from lake.query import Lake

ROWS = "explore:Explore - Rows"
pytestmark = pytest.mark.usefixtures("as_if_alone")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("bob", "user", "bob"),
        (small_lake.BOB, "user", "bob"),
        (f" {small_lake.SINGAPORE}", "address", small_lake.SINGAPORE),
    ],
)
def test_a_page_about_one_thing(lake: Lake, app: AppTest, text: str, kind: str, value: str) -> None:
    open_page(app, "entity", entity=text)
    assert app.title[0].value.replace("\\", "") == f"{kinds()[kind].title} {value}"
    chosen = Selection(filters=(Filter(f"entity.{kind}", "is", value),))
    shows(app, wanted(lake, "entity", chosen))
    explains_every_panel(app, "entity")
    assert figures(app)[0] > 0


def test_under_the_filters_of_the_reader(lake: Lake, app: AppTest) -> None:
    open_page(app, "entity", entity="bob", f="event.outcome is failure")
    both = (Filter("entity.user", "is", "bob"), Filter("event.outcome", "is", "failure"))
    shows(app, wanted(lake, "entity", Selection(filters=both)))
    assert 0 < figures(app)[0] == figures(app)[1]


def test_nothing_named_shows_those_with_most_events(lake: Lake, app: AppTest) -> None:
    open_page(app, "entity")
    assert app.title[0].value == "Entity"
    charts = [str(e.proto.data.data) for e in app.main.get("vega_lite_chart")]
    assert any("bob" in data for data in charts)
    assert any(small_lake.SINGAPORE in data for data in charts)
    assert not app.metric


@pytest.mark.parametrize(
    ("text", "kind", "title", "said"),
    [
        ("nobody", "Any kind", "nobody", "Looked for as: User, Role, S3 bucket."),
        ("nobody", "Role", "Role nobody", "No event names it, whatever the time."),
    ],
)
def test_what_nobody_knows_is_of_no_kind_and_can_be_searched_for(
    app: AppTest, text: str, kind: str, title: str, said: str
) -> None:
    open_page(app, "entity", entity=text, kind=kind)
    assert app.title[0].value == title
    assert said in app.main.info[0].value.replace("\\", "")
    assert not app.metric
    assert app.selectbox(key="span").value == "All"
    app.button(key="entity:search").click().run()
    assert not app.exception
    assert app.text_input(key="q").value == '"nobody"'
    assert app.main.info[0].value.replace("\\", "") == (
        "No event fits the search, whatever the time."
    )


def test_what_the_filters_leave_nothing_of(app: AppTest) -> None:
    open_page(app, "entity", entity="bob", f="event.action is Nothing")
    assert app.title[0].value == "User bob"
    assert "No event fits the filters" in app.main.info[0].value


def test_a_name_that_would_be_markup(app: AppTest) -> None:
    open_page(app, "entity", entity='**x** <img src="http://evil.example"> :red[y]')
    title = app.title[0].value
    assert "\\*\\*x" in title
    assert "\\<img" in title


def choose_the_newest(app: AppTest, field: str, value: str) -> None:
    """Open the first row and take one of its values; nothing is drawn for it yet."""
    choose_row(app, ROWS, 0)
    next(b for b in app.selectbox if b.label.startswith("Turn a value")).select((field, value))


def test_a_value_of_a_row_leads_there(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail", q="user.name:bob")
    choose_the_newest(app, "source.ip", small_lake.SINGAPORE)
    next(b for b in app.button if b.label == "Everywhere").click().run()
    assert not app.exception
    assert app.title[0].value.replace("\\", "") == f"IP address {small_lake.SINGAPORE}"


def test_what_narrowed_the_page_hides_no_other_log(lake: Lake, app: AppTest) -> None:
    """Time stays; what was searched for, and filtered by, is left behind."""
    given = {"q": "user.name:bob", "f": "native.eventName set", "span": "Last 30 days"}
    open_page(app, "explore", logs="cloudtrail", **given)
    choose_the_newest(app, "source.ip", small_lake.SINGAPORE)
    next(b for b in app.button if b.label == "Everywhere").click().run()
    chosen = Filter("entity.address", "is", small_lake.SINGAPORE)
    shows(app, wanted(lake, "entity", Selection(filters=(chosen,))))
    assert (app.session_state["f"], app.session_state["q"]) == ([], "")
    assert app.session_state["span"] == "Last 30 days"


def test_a_value_that_is_no_thing_is_searched_for(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail", q="event.action:GetObject")
    choose_the_newest(app, "event.action", "GetObject")
    next(b for b in app.button if b.label == "Everywhere").click().run()
    assert app.text_input(key="q").value == '"GetObject"'
    assert app.selectbox(key="logs").value == "events"


def test_the_time_around_an_event(lake: Lake, app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail", q="event.action:GetObject")
    choose_the_newest(app, "event.action", "GetObject")
    next(b for b in app.button if b.label.startswith("±")).click().run()
    (at,) = lake.sql(
        "SELECT max(\"@timestamp\") FROM cloudtrail WHERE event.action = 'GetObject'"
    ).fetchall()[0]
    start, end = app.session_state["from"], app.session_state["to"]
    assert start < at.replace(tzinfo=None) < end
    assert 10 <= (end - start).total_seconds() / 60 <= 11


def test_another_row_has_its_own_values_to_follow(app: AppTest) -> None:
    """What was taken from one row is never followed from another that has no such value."""
    open_page(app, "explore", logs="cloudtrail")
    for row in range(13):
        choose_row(app, ROWS, row)
        box = next(b for b in app.selectbox if b.label.startswith("Turn a value"))
        field, value = box.value
        assert f"{field}: {value}"[:160] in box.options
        field, _, value = box.options[-1].partition(": ")
        box.set_value((field, value)).run()
        assert not app.exception


def test_a_name_of_two_kinds_says_so_and_leads_to_the_other(
    demo_folder: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_DIR", str(demo_folder / "lakehouse"))
    open_page(app, "entity", entity="metrics-reader")
    assert app.title[0].value == "User metrics\\-reader"
    assert "Also of this name:" in [caption.value for caption in app.main.caption]
    app.button(key="entity:namesake:role").click().run()
    assert app.title[0].value == "Role metrics\\-reader"
    assert figures(app)[0] > 0


def test_a_name_of_one_kind_is_told_nothing(app: AppTest) -> None:
    open_page(app, "entity", entity="bob")
    assert "Also of this name:" not in [caption.value for caption in app.main.caption]
