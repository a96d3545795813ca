"""What a link says that a page cannot take is said, never dropped."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from apptest import open_page

from lake.normalize.flat import EARLIEST, LATEST

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.usefixtures("as_if_alone")


def warned(app: AppTest) -> list[str]:
    return [w.value.replace("\\", "") for w in app.warning]


@pytest.mark.parametrize(
    ("page", "key", "value"),
    [
        ("cloudtrail", "span", "Last fortnight"),
        ("cloudtrail", "from", "yesterday"),
        ("cloudtrail", "to", "9999-01-01T00:00"),
        ("cloudtrail", "compare", "perhaps"),
        ("cloudtrail", "refresh", "Always"),
        ("cloudtrail", "page", "last"),
        ("explore", "logs", "nosuch"),
        ("cloudtrail", "accounts", "111111111111"),
        ("entity", "kind", "Elephant"),
        ("cloudtrail", "lang", "xx"),
        ("sql", "lang", "jp"),
    ],
)
def test_what_is_not_taken_is_said(app: AppTest, page: str, key: str, value: str) -> None:
    open_page(app, page, **{key: value})
    assert warned(app) == [f"Not applied: '{key}={value}', which is in the link."]


def test_what_is_taken_is_not_warned_of(app: AppTest) -> None:
    link = {"logs": "cloudtrail", "columns": "source.ip", "values": "event.action", "page": "1"}
    dates = {"span": "From, to", "from": "2020-01-01T00:00", "compare": "true"}
    open_page(app, "explore", **link, **dates)
    assert not warned(app)


def test_dates_without_a_span_are_taken(app: AppTest) -> None:
    open_page(app, "cloudtrail", **{"from": "2001-01-01T00:00", "to": "2001-01-02T00:00"})
    assert app.session_state["span"] == "From, to"
    said = app.main.info[0].value.replace("\\", "")
    assert said.startswith("Nothing 2001-01-01 00:00 to 2001-01-02 00:00 UTC.")
    assert not warned(app)


@pytest.mark.parametrize("year", [1970, 1999, 2150, 2261])
def test_a_bar_of_any_time_that_a_row_can_have_can_be_chosen(app: AppTest, year: int) -> None:
    """As a click on it does; beyond the widget's bounds the choice was gone, and all was shown."""
    bar = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001  the widget's
    assert EARLIEST < bar[1].isoformat() <= f"{LATEST}T00:00:00"
    open_page(app, "cloudtrail")
    state = app.session_state
    state["span"], state["from"], state["to"] = "From, to", *bar
    app.run()
    assert (app.session_state["from"], app.session_state["to"]) == bar
    said = app.main.info[0].value.replace("\\", "")
    assert said.startswith(f"Nothing {year}-01-01 00:00 to {year + 1}-01-01 00:00 UTC.")


def test_a_search_that_is_too_long_is_said_and_not_cut(app: AppTest) -> None:
    """A search of its first 4,000 characters is another one."""
    open_page(app, "cloudtrail", q="a " * 2_001)
    assert [error.value.replace("\\", "") for error in app.error] == [
        "Not applied: The search is longer than 4,000 characters. Shorten it."
    ]
    assert len(app.session_state["q"]) == 4_002


@pytest.mark.parametrize("link", [{"q": "x" * 3_000}, {"f": f"user.name is {'x' * 3_000}"}])
def test_a_long_text_leaves_the_page_in_sight(app: AppTest, link: dict[str, str]) -> None:
    open_page(app, "cloudtrail", **link)
    sentence = app.main.caption[0].value.replace("\\", "")
    assert sentence.startswith("0 of 13 events · ")
    assert sentence.endswith("(3,007 characters)" if "q" in link else "(3,013 characters)")
    assert len(sentence) < 300
