"""The page for SQL in Chromium: what only a browser shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import small_lake
from pages import on_paper, served, shades

from lake.ui.paper import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FOREVER = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"
LIST = "[data-testid=stTabs] [data-testid=stDataFrame]:visible"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(small_lake.make(tmp_path_factory.mktemp("small")).path) as found:
        yield found


def ask(page: Page, text: str, wait: str) -> None:
    page.locator("textarea").fill(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(wait)


def click_row(page: Page, row: int) -> None:
    """Tick the row of the list in the open tab, the first is 0."""
    page.wait_for_timeout(700)  # it is drawn on a canvas
    box = page.locator(LIST).bounding_box()
    assert box is not None
    place = (box["x"] + 18, box["y"] + 34 * (row + 1.5))
    page.mouse.move(*place)  # a table takes no click where no mouse has come
    page.wait_for_timeout(300)
    page.mouse.click(*place)


def editor_has(page: Page, text: str) -> None:
    page.wait_for_function("text => document.querySelector('textarea').value === text", arg=text)


def test_a_query_runs_beside_a_page_that_stays_usable_and_ends(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}/sql")
    page.wait_for_selector("textarea")
    ask(page, "FROM range(10001)", "text=Cut: these are the first 10,000 rows")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "all.csv")
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 10_002

    counted = "SELECT event.outcome AS outcome, count(*) AS n FROM cloudtrail GROUP BY 1"
    ask(page, counted, "text=2 rows")
    page.get_by_text("Chart", exact=True).click()
    page.wait_for_selector("[data-testid=stVegaLiteChart] :is(svg, canvas)")
    page.get_by_placeholder("Name to save it as").fill("Outcomes")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved as Outcomes.")

    ask(page, FOREVER, "text=Running for")
    page.get_by_role("tab", name="Saved").click()
    page.wait_for_selector(LIST)
    assert page.get_by_role("button", name="Stop", exact=True).is_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector("text=as asked.")
    click_row(page, 0)
    editor_has(page, counted)

    ask(page, FOREVER, "text=Running for")
    page.get_by_role("link", name="CloudTrail").click()
    page.wait_for_selector("h1:has-text('CloudTrail')")
    page.get_by_role("link", name="SQL", exact=True).click()
    page.wait_for_selector("text=the page was left")
    page.get_by_role("tab", name="History").click()
    page.wait_for_selector(LIST)
    click_row(page, 3)
    editor_has(page, "FROM range(10001)")
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    [
        'SELECT "@timestamp" AS at, native.errorCode AS code, 1 AS n FROM cloudtrail',
        "SELECT range AS a, range * range AS b FROM range(20)",
        "SELECT event.action AS name, -count(*) AS n FROM cloudtrail GROUP BY 1",
    ],
)
def test_a_chart_of_each_kind_is_drawn_without_a_warning(
    page: Page, address: str, text: str
) -> None:
    page.goto(f"{address}/sql")
    page.wait_for_selector("textarea")
    ask(page, text, "text=rows in")
    page.get_by_text("Chart", exact=True).click()
    chart = page.locator("[data-testid=stVegaLiteChart]")
    for kind in ("Points", "Lines", "Areas", "Bars"):
        page.get_by_label("Chart", exact=True).click()
        page.get_by_role("option", name=kind).click()
        page.wait_for_timeout(1500)
        assert shades(chart) > 20  # an empty one has a few


def test_a_page_is_printed_without_its_widgets(page: Page, address: str) -> None:
    page.goto(f"{address}/sql")
    page.wait_for_selector("textarea")
    ask(page, "SELECT 1 AS n, TIMESTAMPTZ '2024-02-01 10:00:00.5Z' AS at, NULL AS no", "text=1 row")
    on_paper(page)
    for hidden in ("stTabs", "stButtonGroup", "stFormSubmitButton", "stSelectbox", "stTextInput"):
        assert not page.locator(f"[data-testid={hidden}]").first.is_visible()
    assert page.locator("textarea").is_visible()
    page.locator("table.paper").wait_for()
    cells = page.locator("table.paper td").all_inner_texts()
    assert cells == ["1", "2024-02-01 10:00:00.500", EMPTY]
    assert page.locator("[data-testid=stDataFrame]:visible").count() == 0


def test_enter_in_its_name_saves_a_query_and_back_goes_to_the_one_before(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/sql")
    page.wait_for_selector("textarea")
    ask(page, "SELECT 41 AS n", "text=1 row")
    page.wait_for_url("**?sql=SELECT+41+AS+n")
    ask(page, "SELECT 42 AS n", "text=1 row")
    page.wait_for_url("**?sql=SELECT+42+AS+n")
    page.locator("textarea").fill("SELECT 43 AS n")
    name = page.get_by_placeholder("Name to save it as")
    name.fill("By Enter")
    name.press("Enter")
    page.wait_for_selector("text=Saved as By Enter.")
    page.wait_for_timeout(700)
    assert page.url.endswith("?sql=SELECT+42+AS+n")  # nothing was asked
    page.go_back()
    editor_has(page, "SELECT 41 AS n")
    page.go_forward()
    editor_has(page, "SELECT 42 AS n")
    page.reload()
    page.wait_for_selector("textarea")
    editor_has(page, "SELECT 42 AS n")
    page.wait_for_selector("text=has not run")


@pytest.mark.long
def test_a_keyboard_in_a_list_leaves_the_editor_as_it_is(page: Page, address: str) -> None:
    page.goto(f"{address}/sql")
    page.wait_for_selector("textarea")
    ask(page, "SELECT 7 AS n", "text=1 row")
    page.locator("textarea").fill("SELECT 8 AS n")
    page.get_by_role("tab", name="History").click()
    page.wait_for_selector(LIST)
    page.locator(f"{LIST} canvas").first.focus()
    for key in ("ArrowDown", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_timeout(1500)
    editor_has(page, "SELECT 8 AS n")
    click_row(page, 0)
    editor_has(page, "SELECT 7 AS n")
