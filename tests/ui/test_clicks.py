"""Figures and tables lead on: a figure to the events behind it, a cell to those with its value;
what looks alike on a page has names of its own for a screen reader."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from apptest import figures, open_page

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import PanelResult
from lake.ui.charts import cell_filter, choose_value, named_values
from lake.ui.leaderboard import draw_leaderboard
from lake.ui.values import cells

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

REFUSED = "native.errorCode:(*UnauthorizedOperation OR AccessDenied*)"
UNAUTHORISED = "cloudtrail:CloudTrail - Unauthorized API Calls(CIS3.1):Unauthorized API Calls:only"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", REFUSED),
        ("region:us-* OR account:1*", f"(region:us-* OR account:1*) AND ({REFUSED})"),
        (REFUSED, REFUSED),
    ],
)
def test_a_figure_leads_to_its_events(app: AppTest, before: str, after: str) -> None:
    open_page(app, "cloudtrail", q=before)
    (shown,) = [m for m in app.metric if m.label == "Unauthorized calls"]
    app.button(key=UNAUTHORISED).click().run()
    assert not app.exception
    assert not app.error
    assert app.session_state["q"] == after
    (narrowed,) = [m for m in app.metric if m.label == "Unauthorized calls"]
    assert narrowed.value == shown.value
    sentence = app.main.caption[0].value.replace("\\", "")
    assert sentence.startswith(f"{figures(app)[2]} of ")


def test_a_figure_of_values_leads_to_filters(app: AppTest) -> None:
    """Which can be turned around and taken away, and leave the search to the reader."""
    open_page(app, "hunting", q="us-east-1")
    figure = "hunting:All - Figures:Failed or refused:only"
    app.button(key=figure).click().run()
    assert not app.exception
    assert (app.session_state["f"], app.session_state["q"]) == (
        ["event.outcome is failure"],
        "us-east-1",
    )


def test_a_figure_of_nothing_leads_nowhere(app: AppTest) -> None:
    open_page(app, "cloudtrail", q=f"NOT {REFUSED}")
    assert figures(app)[2] == 0
    assert UNAUTHORISED not in [button.key for button in app.button]


DENIED = find_dashboard("cloudtrail").panel("CloudTrail - Denied Calls")
ARN = "arn:aws:iam::111111111111:user/alice"


def denied(identity: str, arn: str | None) -> PanelResult:
    columns = ("Identity", "eventName", "Last", "Count")
    row = (identity, None, None, 3)
    return PanelResult("", "table", "", columns, (row,), None, ({"_Identity": arn},))


@pytest.mark.parametrize(
    ("result", "column", "found"),
    [
        (denied(ARN, ARN), 0, ("native.userIdentity.arn", ARN)),
        (denied("AIDAEXAMPLE", None), 0, None),  # what stands for an ARN is none
        (denied(ARN, ARN), 1, ("native.eventName", None)),
        (denied(ARN, ARN), 3, None),
    ],
)
def test_a_cell_is_a_filter(result: PanelResult, column: int, found: Any) -> None:  # noqa: ANN401
    assert cell_filter(DENIED, result, 0, column) == found


@pytest.mark.parametrize(
    ("value", "op", "text"),
    [("x", "is", "is x"), ("x", "not", "not x"), (None, "is", "unset"), (None, "not", "set")],
)
def test_a_cell_without_a_value_is_one_too(
    monkeypatch: pytest.MonkeyPatch, value: str | None, op: str, text: str
) -> None:
    chosen: list[Any] = []
    monkeypatch.setattr("lake.ui.charts.add_filter", chosen.append)
    choose_value("native.eventName", value, op)
    assert [one.url() for one in chosen] == [f"native.eventName {text}"]


def test_the_cells_of_a_table_stand_behind_its_button(app: AppTest) -> None:
    key = f"cloudtrail:{DENIED.title}:data"
    open_page(app, "cloudtrail")
    app.session_state[key] = True
    app.run()
    cells = app.selectbox(key=f"{key}:value")
    named = {option.partition(": ")[0] for option in cells.options}
    assert named == {"Identity", "eventName"}
    event = next(option for option in cells.options if option.startswith("eventName: "))
    cells.select(event)
    app.button(key=f"{key}:value:Not this").click().run()
    assert not app.exception
    assert app.session_state["f"] == [f"native.eventName not {event.removeprefix('eventName: ')}"]


def test_cells_that_begin_alike_are_told_apart() -> None:
    """Sessions of one role differ at the end of a long ARN: a list that cuts both had the last."""
    role = f"arn:aws:sts::111111111111:assumed-role/{'r' * 60}"
    rows = tuple((f"{role}/{n}", "GetObject", None, 3) for n in "aba")
    keys = tuple({"_Identity": row[0]} for row in rows)
    columns = ("Identity", "eventName", "Last", "Count")
    found = cells(DENIED, PanelResult("", "table", "", columns, rows, None, keys))
    assert list(found.values()) == [
        ("native.userIdentity.arn", f"{role}/a"),
        ("native.userIdentity.arn", f"{role}/b"),
        ("native.eventName", "GetObject"),
    ]


@pytest.mark.parametrize("name", ["cloudtrail", "overview", "hunting"])
def test_no_two_buttons_of_a_page_have_one_name(app: AppTest, name: str) -> None:
    open_page(app, name)
    names = Counter(
        [button.label for button in app.main.button]
        + [one.proto.popover.label for one in popovers(app.main)]
    )
    assert [label for label, n in names.items() if n > 1] == []
    assert sum(label.startswith("Data :small[") for label in names) > 3


def popovers(block: Any) -> list[Any]:  # noqa: ANN401  a block of AppTest's
    inside = [child for child in getattr(block, "children", {}).values()]
    found = [child for child in inside if getattr(child, "type", "") == "popover"]
    return found + [one for child in inside for one in popovers(child)]


def test_an_empty_text_has_a_name_and_filters_on_itself(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar without one cannot be told from a fault of the page."""
    result = PanelResult("", "bar", "", ("errorCode", "Count"), (("", 2), ("AccessDenied", 1)))
    drawn: list[Any] = []
    monkeypatch.setattr("lake.ui.leaderboard.draw_chart", lambda _, data, *__: drawn.append(data))
    draw_leaderboard("x", [("", 2), ("AccessDenied", 1), ("  ", 1)], None)
    assert drawn[0]["shown"].to_pylist() == ["(empty)", "AccessDenied", "(blank)"]
    assert drawn[0]["name"].to_pylist() == ["", "AccessDenied", "  "]
    assert named_values(result)[0] == ("", "")
    open_page(app, "cloudtrail", f="native.errorCode is ")
    assert 'native.errorCode is ""' in app.main.caption[0].value.replace("\\", "")


def test_a_bar_without_a_value_filters_on_none() -> None:
    columns = ("event.outcome", "Count")
    result = PanelResult("", "bar", "", columns, (("success", 2), (None, 1)))
    assert named_values(result) == [("success", "success"), ("none", None)]
