"""What narrows a page stands over it as chips: each can be turned around and taken away; and what a
chart hands on of a click says whether Shift was held."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from apptest import open_page
from small_lake import A, B

from lake.dashboards.panels import PanelResult
from lake.filters.filters import Filter
from lake.filters.named_accounts import numbers_of
from lake.ui import accounts, choosing
from lake.ui.charts import name_of, named_values
from lake.ui.clicks import clicked_in, picks
from lake.ui.timechart import chosen

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

DAYS = {"from": "2024-03-01T00:00", "to": "2024-03-02T00:00"}
ALICE = "user.name is alice"
HOUR = timedelta(hours=1)


def chips(app: AppTest) -> list[str]:
    """The texts of the chips, in their order."""
    keys = [button.key for button in app.main.button]
    named = [k.removesuffix(":drop") for k in keys if k and k.startswith("chip:") and "drop" in k]
    labels = [app.button(key=f"{key}:drop").label for key in named]
    return [label.replace("\\", "").removeprefix(":small[Remove ")[:-1] for label in labels]


def test_each_choice_is_a_chip_that_can_be_taken_away(app: AppTest) -> None:
    open_page(app, "cloudtrail", f=[ALICE, "source.ip not 192.0.2.1"], account="1", **DAYS)
    assert chips(app) == [
        "2024-03-01 00:00 to 2024-03-02 00:00 UTC",
        ALICE,
        "source.ip is not 192.0.2.1",
        "account is 1",
    ]
    app.button(key="chip:0:drop").click().run()
    app.button(key="chip:time:drop").click().run()
    assert chips(app) == ["source.ip is not 192.0.2.1", "account is 1"]
    app.button(key="chips:none").click().run()
    assert not app.exception
    assert chips(app) == []
    state = app.session_state
    assert (state["f"], state["account"], state["span"], state["from"]) == ([], [], "All", None)


@pytest.mark.parametrize(
    ("link", "turned"),
    [
        ({"f": [ALICE, "region set"]}, {"f": ["user.name not alice", "region set"]}),
        ({"f": ["user.name is not alice"]}, {"f": [ALICE]}),  # as somebody wrote it
        ({"f": ["region unset"]}, {"f": ["region set"]}),
        ({"f": ["entity.user not alice"]}, {"f": ["entity.user is alice"]}),
        ({"account": ["1", "2"]}, {"account": [], "f": ["account not 1,2"]}),
        ({"f": ["account not 1"]}, {"f": [], "account": ["1"]}),
    ],
)
def test_a_chip_turns_its_filter_around(
    app: AppTest, link: dict[str, list[str]], turned: dict[str, list[str]]
) -> None:
    open_page(app, "cloudtrail", **link)
    app.button(key="chip:0:turn").click().run()
    assert not app.exception
    assert not app.error
    assert {key: app.session_state[key] for key in turned} == turned


def test_a_filter_is_set_aside_and_applied_again(app: AppTest) -> None:
    """As Kibana disables one: it stays on the page and in the address, in its place."""
    open_page(app, "cloudtrail", f=[ALICE, "event.outcome is failure"])
    narrow = app.main.caption[0].value
    app.button(key="chip:0:aside").click().run()
    assert not app.exception
    assert app.session_state["f"] == [f"off {ALICE}", "event.outcome is failure"]
    assert chips(app) == ["event.outcome is failure", "Set aside: user.name is alice"]
    assert "alice" not in app.main.caption[0].value
    app.button(key="chip:aside:0:again").click().run()
    assert app.session_state["f"] == [ALICE, "event.outcome is failure"]
    assert app.main.caption[0].value == narrow
    app.button(key="chip:1:aside").click().run()
    app.button(key="chips:none").click().run()
    assert app.session_state["f"] == []


def test_a_link_may_have_a_filter_that_is_set_aside(app: AppTest) -> None:
    open_page(app, "cloudtrail", f="off user.name is nobody")
    assert not app.error
    assert chips(app) == ["Set aside: user.name is nobody"]
    assert app.main.caption[0].value.startswith("13 events")


def test_a_chip_of_a_thing_leads_to_the_page_about_it(app: AppTest) -> None:
    open_page(app, "cloudtrail", f=["source.ip is 8.8.4.4", "event.action is GetObject"], q="x")
    assert "chip:1:follow" not in [button.key for button in app.button]
    app.button(key="chip:0:follow").click().run()
    assert not app.exception
    assert app.title[0].value.replace("\\", "") == "IP address 8.8.4.4"
    assert (app.session_state["f"], app.session_state["q"]) == ([], "")


def test_what_has_no_opposite_can_only_be_taken_away(app: AppTest) -> None:
    open_page(app, "cloudtrail", f="source.port from 1024")
    assert "chip:0:turn" not in [button.key for button in app.button]
    assert chips(app) == ["source.port is at least 1024"]


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        ([ALICE], Filter("user.name", "not", "alice"), ["user.name not alice"]),
        (["user.name not alice"], Filter("user.name", "is", "alice"), [ALICE]),
        ([ALICE], Filter("user.name", "not", "bob"), [ALICE, "user.name not bob"]),
        ([ALICE], Filter("user.name", "is", "alice"), [ALICE]),
        ([f"off {ALICE}"], Filter("user.name", "is", "alice"), [ALICE]),
    ],
)
def test_a_filter_takes_the_place_of_its_opposite(
    monkeypatch: pytest.MonkeyPatch, before: list[str], added: Filter, after: list[str]
) -> None:
    """Both would leave nothing."""
    state: dict[str, Any] = {"f": before}
    monkeypatch.setattr(choosing.st, "session_state", state)
    choosing.add_filter(added)
    assert state["f"] == after


def test_a_click_and_one_with_shift_are_told_apart() -> None:
    on_marks, on_legend = picks("name", "bars"), picks("series", bind="legend")
    names = [one["name"] for one in (*on_marks, *on_legend)]
    assert len(set(names)) == 4
    selection = {name: [{"name": "x", "series": "y"}] for name in names}
    assert list(clicked_in(selection, "name")) == [("x", "is"), ("x", "not")] * 2
    assert list(clicked_in({"brush": {"start": [1, 2]}, names[0]: []}, "name")) == []


def test_a_slice_and_an_entry_of_the_legend_do_the_same() -> None:
    done: list[str] = []
    legend = {"failure": lambda op: done.append(f"failure {op}")}
    chosen([done.append], legend, HOUR, {"not_0": [{"row": 0}]})
    chosen([done.append], legend, HOUR, {"is_legend0": [{"series": "failure"}]})
    chosen([done.append], legend, HOUR, {"not_legend0": [{"series": "others"}]})  # of many values
    assert done == ["not", "failure is"]


@pytest.mark.parametrize(
    ("minutes", "click", "done", "range_chosen"),
    [
        (6, {"is_0": [{"row": 0}]}, ["is"], False),  # a hand that moved by a pixel
        (6, {"not_0": [{"row": 0}]}, ["not"], False),
        (6, {}, [], True),
        (60, {"is_0": [{"row": 0}]}, [], True),  # within one wide bar
    ],
)
def test_a_click_of_a_hand_that_moved_is_no_range(
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
    click: dict[str, Any],
    done: list[str],
    range_chosen: bool,
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(choosing.st, "session_state", state)
    found: list[str] = []
    brush = {"brush": {"start": [1_710_000_000_000, 1_710_000_000_000 + minutes * 60_000]}}
    chosen([found.append], {}, HOUR, brush | click)
    assert (found, "from" in state) == (done, range_chosen)


def test_accounts_are_shown_and_taken_by_name(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links keep the number: nobody else may know the name."""
    known = {A: "prod", "200000000002": "Test", "200000000003": "test"}
    monkeypatch.setattr(accounts, "names", lambda: known)
    monkeypatch.setattr("lake.ui.sidebar.names", lambda: known)
    monkeypatch.setattr("lake.ui.choosing.names", lambda: known)
    found = numbers_of(["PROD ", "test", A, "9"], known)
    assert found == (A, "200000000002", "200000000003", "9")
    rows = ((A, 5), (B, 1))
    result = PanelResult("", "bar", "", ("AWS Account", "Count"), rows)
    assert named_values(result) == [(f"prod ({A})", A), (B, B)]
    assert name_of(f"arn:aws:iam::{A}:root") == f"arn:aws:iam::{A}:root"  # one within a text stays
    within = Filter("event.original", "contains", A)
    assert accounts.spoken(within) is within
    app.session_state["account"] = ["prod"]
    open_page(app, "cloudtrail", **DAYS)
    assert chips(app)[1:] == [f"account is prod ({A})"]
    app.button(key="chip:0:drop").click().run()
    assert app.session_state["account"] == []
