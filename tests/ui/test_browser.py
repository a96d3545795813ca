"""The pages in a real Chromium: they are drawn whole, nothing is asked of any other machine, a
click and a drag become part of the address, and the address brings the same page back.

Skips where there is no Chromium; `CI_REQUIRE_SERVERS=1` makes that a failure. Pictures of the pages
are left in the test's temporary folder, to be looked at.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from pages import (
    at_least,
    click_first_row,
    on_paper,
    open_first_row,
    served,
    settled,
    shades,
    unfold,
)
from small_lake import event

from lake.ingest import IngestOptions, ingest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(demo_folder: Path) -> Iterator[str]:
    """The app over the demo lake."""
    with served(demo_folder / "lakehouse") as found:
        yield found


def card(page: Page, label: str) -> Locator:
    """The chart of the card with this label."""
    heading = page.locator("[data-testid=stMain]").get_by_text(label, exact=True)
    cell = heading.locator("xpath=ancestor::*[@data-testid='stGridCell'][1]")
    found = cell.locator("[data-testid=stVegaLiteChart]").first
    found.scroll_into_view_if_needed()
    return found


def drag(page: Page, label: str) -> None:
    """Over a range of a chart of time."""
    box = card(page, label).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] * 0.6
    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=6)
    page.mouse.up()


def click_bar(page: Page, label: str, moved: int = 0) -> None:
    """On the highest slice of a chart of time, told at once: what moves meanwhile is missed. The
    hand may move by some pixels while the button is down."""
    bars = card(page, label).locator("path[aria-roledescription=bar]")
    highest = bars.evaluate_all(
        "bars => bars.map(bar => bar.getBoundingClientRect().height)"
        ".reduce((best, height, at, all) => height > all[best] ? at : best, 0)"
    )
    box = bars.nth(highest).bounding_box()
    assert box is not None
    across, middle = box["x"] + (box["width"] - moved) / 2, box["y"] + box["height"] / 2
    page.mouse.move(across, middle)
    page.mouse.down()
    page.mouse.move(across + moved, middle)
    page.mouse.up()


def whole(page: Page, target: Path) -> None:
    """A picture of the whole page, not only of what the window holds."""
    unfold(page, 1440)
    page.screenshot(path=target)
    assert target.stat().st_size > 50_000


def sentence(page: Page) -> str:
    return page.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first.inner_text()


@pytest.mark.parametrize(
    "page", ["light", pytest.param("dark", marks=pytest.mark.long)], indirect=True
)
@pytest.mark.parametrize("name", ["", "cloudtrail"])
def test_a_page_is_drawn_whole(
    page: Page, address: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    page.goto(f"{address}/{name}")
    settled(page)
    at_least(page, "[data-testid=stMetric]", 8)
    at_least(page, "[data-testid=stMain] [data-testid=stVegaLiteChart]", 5)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    whole(page, tmp_path / f"{name or 'overview'}-{request.node.callspec.params['page']}.png")


CUT = """() => [...document.querySelectorAll('[data-testid=stMetric] *')]
  .filter(e => getComputedStyle(e).textOverflow === 'ellipsis' && e.scrollWidth > e.clientWidth)
  .map(e => e.innerText)"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["hunting", "cloudtrail"])
def test_no_figure_is_cut_beside_that_of_the_period_before(
    page: Page, address: str, name: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    day = "from=2025-03-11T00:00&to=2025-03-12T00:00"
    page.goto(f"{address}/{name}?lang=ja&compare=true&{day}")
    settled(page)
    page.wait_for_selector("[data-testid=stMetricDeltaDescription]")
    assert page.evaluate(CUT) == []


BROKEN = """() => [...document.querySelectorAll('[data-testid=stMetricLabel] p')].filter(one => {
  const range = document.createRange();
  range.selectNodeContents(one);
  return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size > 1;
}).map(one => one.innerText)"""


@pytest.mark.long
@pytest.mark.parametrize("name", ["cloudtrail", "vpcflow", "hunting"])
def test_no_label_of_a_figure_breaks_in_japanese(page: Page, address: str, name: str) -> None:
    """Japanese would break within a word."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/{name}?lang=ja")
    settled(page)
    unfold(page, 1280)
    at_least(page, "[data-testid=stMetric]", 5)
    assert page.evaluate(BROKEN) == []


@pytest.mark.long
def test_the_map_is_drawn_without_a_network(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    world = card(page, "Source countries on the map")
    page.wait_for_timeout(500)
    # An empty box has a handful of colours; land, borders and shades of six countries have many.
    assert shades(world) > 100


FOCUS = """() => {
  const now = document.activeElement;
  const shown = one => one ? getComputedStyle(one).opacity * shown(one.parentElement) : 1;
  return [(now.getAttribute('aria-label') || now.innerText).split(':')[0], shown(now),
          getComputedStyle(now).outlineStyle !== 'none'];
}"""


def test_what_a_keyboard_reaches_is_seen(page: Page, address: str) -> None:
    """A link to a page, and what a chart offers; its rows and its query are behind its card."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    reached = []
    for _ in range(50):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUS))
    named = {name for name, _, _ in reached}
    assert {"home\n\nOverview", "Download as PNG", "Fullscreen"} <= named
    assert not named & {"Show data", "Copy Vega-Lite spec"}
    assert min(opacity for _, opacity, _ in reached) > 0.5
    marked = {name for name, _, outlined in reached if outlined}
    assert {"home\n\nOverview", "Download as PNG", "Fullscreen"} <= marked


LEGEND = """() => {
  const chart = document.querySelector('[data-testid=stMain] [data-testid=stVegaLiteChart] svg');
  const [all, ...names] = [chart, ...chart.querySelectorAll('.role-legend-label text')]
    .map(one => one.getBoundingClientRect());
  const bars = [...chart.querySelectorAll('path[aria-roledescription=bar]')]
    .map(one => one.getBoundingClientRect());
  const within = names.filter(one => one.top >= all.top && one.right <= all.right + 1);
  const high = Math.max(...bars.map(one => one.bottom)) - Math.min(...bars.map(one => one.top));
  return [names.length, within.length, high];
}"""


@pytest.mark.long
def test_a_window_made_narrow_cuts_no_line_of_a_legend(page: Page, address: str) -> None:
    """Nor does a legend of many lines take its place from the bars."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/entity?entity=26.77.13.201")
    settled(page)
    wide = page.evaluate(LEGEND)
    page.set_viewport_size({"width": 400, "height": 900})
    settled(page)
    names, within, high = page.evaluate(LEGEND)
    assert names == within == wide[0] == wide[1] > 8
    assert high == pytest.approx(wide[2], abs=2)
    assert high > 120


def test_a_lake_of_one_moment_has_its_bars(page: Page, tmp_path: Path) -> None:
    """Vega draws nothing at all where it does not know what lies between two marks of an axis."""
    (tmp_path / "one.json").write_text(json.dumps({"Records": [event(1, "10:00:00", "s3", "Get")]}))
    ingest(tmp_path / "lake", [str(tmp_path / "one.json")], IngestOptions(jobs=1))
    with served(tmp_path / "lake") as own:
        page.goto(f"{own}/cloudtrail")
        settled(page)
        bars = card(page, "Events by outcome").locator("path[aria-roledescription=bar]")
        assert bars.count() == 1
        page.goto("about:blank")  # before its server ends


def test_a_click_on_a_bar_is_a_filter_in_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    before = sentence(page)
    card(page, "Event name").click(position={"x": 20, "y": 15})
    page.wait_for_url("**f=native.eventName*")
    settled(page)
    after = sentence(page)
    assert after != before
    assert "native.eventName is" in after
    page.goto(page.url)
    settled(page)
    assert sentence(page) == after


def test_shift_and_a_click_leave_out_and_a_chip_turns_it_around(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    card(page, "Event name").click(position={"x": 20, "y": 15}, modifiers=["Shift"])
    page.wait_for_url("**f=native.eventName+not+GetObject")
    settled(page)
    legend = card(page, "Events by outcome").locator(".role-legend-label text")
    legend.get_by_text("failure").click()
    page.wait_for_url("**f=native.eventName+not+GetObject&f=event.outcome+is+failure")
    settled(page)
    assert page.evaluate("getSelection().toString()") == ""
    page.get_by_text("What and when").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    chip = page.get_by_role("button", name="Only this native.eventName is not GetObject")
    box = chip.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 60  # in sight, however far below a reader is
    chip.click()
    page.wait_for_url("**f=native.eventName+is+GetObject&f=event.outcome+is+failure")
    settled(page)
    assert "native.eventName is GetObject · event.outcome is failure" in sentence(page)


def test_a_chip_of_a_long_value_keeps_its_buttons(page: Page, address: str) -> None:
    """A value that has no place to break at pushed them out of the chip, and out of the window."""
    page.goto(f"{address}/cloudtrail?f=user.name+is+{'x' * 300}")
    page.locator(".st-key-chip-0-drop").wait_for()
    for width in (1280, 700):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)
        chip = page.locator(".st-key-chip-0").bounding_box()
        drop = page.locator(".st-key-chip-0-drop button").bounding_box()
        assert chip is not None
        assert drop is not None
        assert drop["x"] + drop["width"] < chip["x"] + chip["width"] < width


def test_a_cell_and_a_figure_narrow_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    click_first_row(page, page.locator("[data-testid=stDataFrame]").first, 60)
    page.wait_for_url("**f=native.userIdentity.arn+is+*metrics-reader*")
    settled(page)
    page.get_by_role("button", name="Only these: Unauthorized calls").click()
    page.wait_for_url("**q=native.errorCode*")
    settled(page)
    assert "search native.errorCode:(" in sentence(page)


@pytest.mark.long
def test_no_two_buttons_sound_alike(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    buttons = page.locator("[data-testid=stMain] button:visible")
    names = [
        name.strip()
        for name in buttons.evaluate_all("all => all.map(one => one.ariaLabel ?? one.innerText)")
    ]
    helps = [name for name in names if name.startswith("Help")]
    assert len(helps) == len(set(helps)) > 20
    opened = page.get_by_role("button", name="Data Event name", exact=True)
    assert opened.count() == 1
    assert opened.evaluate("one => one.getBoundingClientRect().width") < 80


@pytest.mark.parametrize("name", ["vpcflow", pytest.param("hunting", marks=pytest.mark.long)])
def test_no_two_charts_sound_alike(page: Page, address: str, name: str) -> None:
    """Several have one query, and what explains it."""
    page.goto(f"{address}/{name}")
    settled(page)
    unfold(page, 1440)
    settled(page)
    charts = page.locator("[data-testid=stMain] [data-testid=stVegaLiteChart]").count()
    heard = page.locator("[data-testid=stMain] [data-testid=stVegaLiteChart]").evaluate_all(
        "all => all.map(one => (one.matches('[aria-label]') ? one"
        " : one.querySelector('[aria-label]')).getAttribute('aria-label'))"
    )
    assert len(set(heard)) == charts > 10


@pytest.mark.long
def test_a_bar_sounds_as_its_tooltip_reads(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    named = card(page, "Event name").locator("path[aria-roledescription=bar]").first
    assert re.fullmatch(r"GetObject, events: [\d,]+", named.get_attribute("aria-label") or "")
    at = card(page, "Events by outcome").locator("path[aria-roledescription=bar]").first
    told = r"2025-03-10 00:00 UTC, (success|failure), events: [\d,]+"
    assert re.fullmatch(told, at.get_attribute("aria-label") or "")
    drawn = card(page, "Source countries on the map")
    countries = drawn.locator("path[aria-roledescription=geoshape][aria-label]")
    heard = [one.get_attribute("aria-label") or "" for one in countries.all()]
    assert any(re.fullmatch(r"Japan, events: [\d,]+", one) for one in heard)


def test_a_value_that_is_typed_is_the_filter(page: Page, address: str) -> None:
    """Typed and added at once: the box has not told the page of it before."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    page.get_by_text("Add a filter", exact=True).click()
    page.get_by_label("Value", exact=True).fill("26.77.13.201")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**f=source.ip+is+26.77.13.201*")
    settled(page)
    assert "source.ip is 26.77.13.201" in sentence(page)


@pytest.mark.long
def test_a_keyboard_goes_past_a_table_without_choosing(page: Page, address: str) -> None:
    """Its focus alone was taken for a click on its first cell, which narrowed the page."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    page.get_by_role("button", name="Data Denied calls, by identity and call").focus()
    reached = "document.activeElement.innerText.includes('Event name')"
    for _ in range(9):
        page.keyboard.press("Tab")
        page.wait_for_timeout(200)
        if page.evaluate(reached):
            break
    assert page.evaluate(reached)
    page.wait_for_timeout(1500)
    assert page.url == f"{address}/cloudtrail"


def test_a_chosen_row_is_never_another(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    open_first_row(page)
    page.get_by_label("Search", exact=True).fill("event.action:SendSSHPublicKey")
    page.get_by_label("Search", exact=True).press("Enter")
    page.wait_for_url("**q=*")
    settled(page)
    page.wait_for_selector("text=Choose a cell to")
    assert page.locator("[data-testid=stJson]").count() == 0


@pytest.mark.long
def test_a_chart_gives_its_values_without_a_mouse(page: Page, address: str) -> None:
    """A value is left out, a bar of time is the range, and the focus is where it was."""
    page.goto(f"{address}/cloudtrail")
    settled(page)

    def opened(label: str) -> Locator:
        heading = page.locator("[data-testid=stMain]").get_by_text(label, exact=True)
        cell = heading.locator("xpath=ancestor::*[.//*[@data-testid='stPopover']][1]")
        opener = cell.locator("[data-testid=stPopover] button").first
        opener.press("Enter")
        page.wait_for_selector("[data-testid=stPopoverBody] input:focus")
        page.wait_for_timeout(700)
        return opener

    def pressed(label: str) -> None:
        while page.evaluate("document.activeElement.innerText") != label:
            page.keyboard.press("Tab")
            inside = "document.activeElement.closest('[data-testid=stPopoverBody]') !== null"
            assert page.evaluate(inside)
        page.keyboard.press("Enter")

    opener = opened("Event name")
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(1500)
    value = page.locator("[data-testid=stPopoverBody] input").input_value().partition(" (")[0]
    pressed("Not this")
    page.wait_for_url(f"**f=native.eventName+not+{value}*")
    settled(page)
    assert f"native.eventName is not {value}" in sentence(page)
    assert opener.evaluate("element => element === document.activeElement")
    opened("Events by outcome")
    pressed("Only this time")
    page.wait_for_url("**from=2025-03-10T00%3A00&to=2025-03-10T01%3A00*")


@pytest.mark.long
def test_a_click_on_a_country_is_a_filter_in_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    world = card(page, "Source countries on the map")
    box = world.bounding_box()
    assert box is not None
    world.click(position={"x": box["width"] * 0.24, "y": box["height"] * 0.33})  # Kansas, about
    page.wait_for_url("**f=source.geo.country_iso_code*")
    settled(page)
    assert "source.geo.country_iso_code is US" in sentence(page)


def test_a_click_on_a_row_opens_the_record(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail?f=native.eventName+is+SendSSHPublicKey")
    settled(page)
    open_first_row(page)
    held, came = (page.locator("[data-testid=stJson]").nth(n).inner_text() for n in (0, 1))
    assert "SendSSHPublicKey" in held
    assert "eventVersion" in came


def test_the_search_explains_itself(page: Page, address: str) -> None:
    """Its mark was there and not in sight."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    page.get_by_role("button", name="Help for Search").hover()
    page.wait_for_selector("text=Words are looked for anywhere in a record")


@pytest.mark.long
def test_names_above_bars_leave_them_room(page: Page, address: str) -> None:
    """Of a chart of 250 pixels: a title that no legend has took 33 from them, and on a telephone,
    where names stand in many lines, nearly all."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/hunting")
    settled(page)
    bars = card(page, "Failed or refused, and alerts, by log type").locator(".marks.role-mark path")
    highest = bars.evaluate_all(
        "all => Math.max(...all.map(one => one.getBoundingClientRect().height))"
    )
    assert highest > 50
    page.goto(f"{address}/cloudfront")
    settled(page)
    one, many = (
        card(page, label)
        .locator(".bars_marks path")
        .first.evaluate("bar => bar.getBoundingClientRect().height")
        for label in ("AWS account as logged", "Edge location")
    )
    assert abs(one - many) < 1


@pytest.mark.long
def test_two_figures_share_a_line_on_a_telephone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/cloudtrail?lang=ja")
    settled(page)
    figures = page.locator("[data-testid=stMetric]")
    tops = figures.evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert [tops.count(top) for top in sorted(set(tops))] == [2] * 5


@pytest.mark.long
@pytest.mark.parametrize("name", ["", "cloudtrail"])
def test_cards_fill_a_narrow_window(page: Page, address: str, name: str) -> None:
    page.set_viewport_size({"width": 1000, "height": 1000})
    page.goto(f"{address}/{name}")
    settled(page)
    script = """() => {
      const main = document.querySelector('[data-testid=stMainBlockContainer]');
      const edge = parseFloat(getComputedStyle(main).paddingRight);
      const kinds = '[data-testid=stVegaLiteChart], [data-testid=stDataFrame]';
      const boxes = [...main.querySelectorAll(kinds)].map(e => e.getBoundingClientRect());
      const right = main.getBoundingClientRect().right - edge;
      return [right - Math.max(...boxes.map(b => b.right)), Math.min(...boxes.map(b => b.width))];
    }"""
    rest, narrowest = page.evaluate(script)
    assert 0 <= rest < 40  # the frame of a card
    assert narrowest > 200


def test_a_drag_over_time_is_a_range_in_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    drag(page, "Events by outcome")
    page.wait_for_url("**to=2*")
    settled(page)
    chosen = parse_qs(urlsplit(page.url).query)
    assert chosen["span"] == ["From, to"]
    assert chosen["from"] < chosen["to"]
    after = sentence(page)
    assert " of " in after
    page.goto(page.url)
    settled(page)
    assert sentence(page) == after


@pytest.mark.long
@pytest.mark.parametrize("moved", [0, 1, 3])
def test_a_click_on_a_slice_is_a_filter_in_the_address(
    page: Page, address: str, moved: int
) -> None:
    """Also of a hand that moves by a pixel: what that marks for a drag lay over the bar, and the
    click was six minutes of time."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    click_bar(page, "Events by outcome", moved)
    page.wait_for_url("**f=event.outcome+is+success*")
    settled(page)
    assert "event.outcome is success" in sentence(page)
    assert "from=" not in page.url


@pytest.mark.long
def test_a_click_on_a_bar_that_has_no_value_is_its_time(page: Page, address: str) -> None:
    page.goto(f"{address}/vpcflow")
    settled(page)
    click_bar(page, "Accepted packets over time (with TGW)")
    page.wait_for_url("**to=2*")
    settled(page)
    chosen = parse_qs(urlsplit(page.url).query)
    start, end = (datetime.fromisoformat(chosen[name][0]) for name in ("from", "to"))
    assert end - start == timedelta(hours=1)
    assert "f" not in chosen


@pytest.mark.long
def test_each_change_is_one_entry_of_the_history(page: Page, address: str) -> None:
    """And Back goes to what was looked at before it."""
    page.goto(f"{address}/cloudtrail")
    settled(page)
    seen = [(page.url, sentence(page))]

    def changed(begun: int) -> None:
        settled(page)
        assert page.evaluate("history.length") == begun + len(seen)
        seen.append((page.url, sentence(page)))

    begun = page.evaluate("history.length")
    card(page, "Event name").click(position={"x": 20, "y": 15})
    page.wait_for_url("**f=native.eventName*")
    changed(begun)
    drag(page, "Events by outcome")
    page.wait_for_url("**to=2*")
    changed(begun)
    page.get_by_label("Search", exact=True).fill("us-east-1")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=us-east-1*")
    changed(begun)
    page.get_by_text("Compare with the period before").click()
    page.wait_for_url("**compare=true*")
    changed(begun)
    open_first_row(page)
    page.get_by_role("button", name="Everywhere").click()
    page.wait_for_url("**/explore?*")
    changed(begun)
    assert len({said for _, said in seen}) == len(seen)
    for url, said in seen[-2::-1]:
        page.go_back()
        settled(page)
        assert (page.url, sentence(page)) == (url, said)


@pytest.mark.long
def test_what_is_chosen_stays_from_page_to_page(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail?region=us-east-1")
    settled(page)
    assert "region is us-east-1" in sentence(page)
    page.locator("[data-testid=stSidebarNav]").get_by_text("Overview").click()
    page.wait_for_selector("text=What was read")
    settled(page)
    assert "region is us-east-1" in sentence(page)
    assert "region=us-east-1" in page.url


@pytest.mark.long
def test_what_is_typed_into_the_search_is_in_the_address(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    box = page.get_by_label("Search", exact=True)
    box.fill("event.action:Get*")
    box.press("Enter")
    page.wait_for_url("**q=event.action*")
    settled(page)
    assert "search event.action:Get*" in sentence(page)
    page.goto(page.url)
    settled(page)
    assert "search event.action:Get*" in sentence(page)
    assert box.input_value() == "event.action:Get*"


@pytest.mark.long
def test_another_thing_is_read_from_its_head(page: Page, address: str) -> None:
    page.goto(f"{address}/entity?entity=26.77.13.201")
    settled(page)
    card(page, "Users and roles taken on").click(position={"x": 20, "y": 12})
    page.wait_for_url("**entity=ci-deployer*")
    settled(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


@pytest.mark.long
def test_what_is_followed_everywhere_from_a_row_is_read_from_its_head(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/explore?logs=cloudtrail")
    settled(page)
    open_first_row(page)
    page.get_by_role("button", name="Everywhere", exact=True).click()
    page.wait_for_url("**q=*")
    settled(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


FRAME = """() => getComputedStyle(
  document.querySelector('[data-testid=stMain]'), '::before').boxShadow"""


@pytest.mark.long
def test_shift_frames_no_page_and_takes_no_shade_from_a_map(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    card(page, "Source countries on the map")
    for label in ("Event name", "Event type"):
        card(page, label).click(position={"x": 20, "y": 15}, modifiers=["Shift"])
        page.wait_for_url(f"**native.event{label[6:].capitalize()}+not*")
        settled(page)
        assert page.evaluate(FRAME) == "none"
    legend = card(page, "Source countries on the map").locator(".role-legend-gradient path")
    page.wait_for_timeout(500)
    assert (legend.get_attribute("fill") or "").startswith("url(#")
    page.keyboard.press("Tab")
    assert page.evaluate("document.documentElement.dataset.moves") == "key"


def test_a_thing_is_followed_from_a_row_and_on_from_there(page: Page, address: str) -> None:
    """From a call that names a bucket to the page about it, to an address that used it; each is in
    the address. What narrowed the first page would hide all other logs of the bucket: it is left
    behind, and the way back has it."""
    page.goto(f"{address}/cloudtrail?q=event.action:DeleteBucketPolicy")
    settled(page)
    open_first_row(page)
    page.get_by_label("Turn a value into a filter").click()
    page.keyboard.type("related.buckets")
    page.get_by_role("option", name="related.buckets: halden-customer-exports").click()
    page.get_by_role("button", name="Everywhere").click()
    page.wait_for_url("**/entity?*kind=S3+bucket*")
    settled(page)
    title = page.locator("[data-testid=stMain] h1")
    assert title.inner_text() == "S3 bucket halden-customer-exports"
    assert "search" not in sentence(page)
    card(page, "Addresses").click(position={"x": 20, "y": 15})
    page.wait_for_url("**kind=IP+address*")
    settled(page)
    assert title.inner_text().startswith("IP address ")
    page.goto(page.url)
    settled(page)
    assert title.inner_text().startswith("IP address ")


@pytest.mark.long
def test_a_page_is_printed_whole_and_without_its_widgets(
    page: Page, address: str, tmp_path: Path
) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    on_paper(page)
    for hidden in ("stSidebar", "stTextInput", "stPopover"):
        assert not page.locator(f"[data-testid={hidden}]").first.is_visible()
    printed = tmp_path / "cloudtrail.pdf"
    page.pdf(path=printed, print_background=True, prefer_css_page_size=True)
    assert printed.read_bytes().count(b"/Type /Page\n") >= 5


@pytest.mark.long
@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_paper_is_light_and_lists_on_it_are_whole(page: Page, address: str, tmp_path: Path) -> None:
    from PIL import Image

    page.goto(f"{address}/hunting")
    settled(page)
    page.locator("table.paper").first.wait_for(state="attached")
    assert page.locator("table.paper:visible").count() == 0
    on_paper(page)
    cut = """() => [...document.querySelectorAll('[data-testid=stGridCell] div')].filter(
      e => getComputedStyle(e).overflowY !== 'visible' && e.scrollHeight > e.clientHeight + 5
           && e.querySelector('[data-testid=stVegaLiteChart]')).length"""
    assert page.evaluate(cut) == 0
    rows = page.locator("table.paper").last
    assert rows.locator("tbody tr").count() == 50
    inside = "e => e.getBoundingClientRect().right <= e.parentElement.getBoundingClientRect().right"
    assert rows.evaluate(inside)
    assert page.locator("[data-testid=stDataFrame]:visible").count() == 0
    page.screenshot(path=tmp_path / "paper.png")
    paper = Image.open(tmp_path / "paper.png").convert("L")
    assert sum(paper.histogram()[200:]) > 0.7 * paper.width * paper.height


@pytest.mark.long
def test_a_page_that_watches_shows_what_was_ingested_since(
    page: Page, demo_folder: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lakehouse"
    logs = sorted((demo_folder / "logs").rglob("*CloudTrail_*.json.gz"))
    ingest(lake, [str(logs[0])], IngestOptions(jobs=1))
    with served(lake) as address:
        page.goto(f"{address}/?refresh=Every+10+seconds")
        settled(page)
        before = sentence(page)
        ingest(lake, [str(logs[-1])], IngestOptions(jobs=1))
        page.wait_for_function(
            "before => document.querySelector('[data-testid=stMain] "
            "[data-testid=stCaptionContainer]').innerText !== before",
            arg=before,
        )
        settled(page)
        assert sentence(page) != before
        page.goto("about:blank")  # it goes on asking, of a server that ends now


@pytest.mark.parametrize(
    ("label", "typed", "chosen"),
    [
        pytest.param(
            "Columns",
            "userIdentity.type",
            "columns=native.userIdentity.type",
            marks=pytest.mark.long,
        ),
        pytest.param("Values of", "event.act", "values=event.action", marks=pytest.mark.long),
        ("Accounts", "111", "account=111122223333"),
    ],
)
def test_enter_takes_one_of_a_list(
    page: Page, address: str, label: str, typed: str, chosen: str
) -> None:
    """Not all that are like what was typed."""
    page.goto(f"{address}/explore?logs=cloudtrail")
    settled(page)
    page.get_by_role("combobox", name=label).click()
    page.keyboard.type(typed)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{chosen}*")
    assert page.url.count(chosen.partition("=")[0] + "=") == 1
