"""What an eye needs of a page, in a real Chromium: contrast on both themes, figures beside bars and
not on them, cards of a row on one line; and times that somebody wrote into a link."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from pages import served, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

FAINT = """() => {
  const parts = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const over = (top, below, alpha) => below.map((part, n) => top[n] * alpha + part * (1 - alpha));
  const light = colour => colour.slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const around = element => element ? [...around(element.parentElement), element] : [];
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim(), element = texts.currentNode.parentElement;
    const { width, height } = element.getBoundingClientRect();
    const unseen = "script, style, [data-testid=stIconMaterial], [data-testid=stPagination]";
    const off = "label:has(:disabled), :disabled, [data-testid=stCheckbox]:has(:disabled)";
    if (!text || !width || !height || element.closest(`${unseen}, ${off}`)) continue;
    const style = getComputedStyle(element), drawn = element instanceof SVGElement;
    const [red, green, blue, own = 1] = parts(drawn ? style.fill : style.color);
    let alpha = own * (drawn ? style.fillOpacity : 1), below = [255, 255, 255];
    if (matchMedia("(prefers-color-scheme: dark)").matches) below = [16, 21, 29];
    for (const one of around(element)) {
      const [r, g, b, a = 1] = parts(getComputedStyle(one).backgroundColor);
      below = over([r, g, b], below, a);
      alpha *= getComputedStyle(one).opacity;
    }
    if (!alpha || style.visibility === "hidden") continue;  // a label of an axis that has no room
    const two = [light(over([red, green, blue], below, alpha)), light(below)].sort((a, b) => b - a);
    const contrast = (two[0] + 0.05) / (two[1] + 0.05);
    if (contrast < 4.5) found.push(`${text}: ${contrast.toFixed(1)}`);
  }
  return found;
}"""
"""The texts with a contrast below the 4.5 that WCAG 2.2 wants of them (1.4.3); what cannot be used
is left out, as there."""


@pytest.fixture(scope="module")
def address(demo_folder: Path) -> Iterator[str]:
    """The app over the demo lake."""
    with served(demo_folder / "lakehouse") as found:
        yield found


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_texts_have_contrast(page: Page, address: str) -> None:
    for link in ("cloudtrail?f=user.name is ci-deployer", "guardduty?span=Last 24 hours"):
        page.goto(f"{address}/{link}&compare=true")
        settled(page)
        assert page.evaluate(FAINT) == []
    page.goto(f"{address}/sql")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("20 rows").wait_for()
    page.get_by_role("button", name="Run").hover()
    page.wait_for_timeout(500)  # colours change slowly
    assert page.evaluate(FAINT) == []


def test_no_bar_reaches_its_figure(page: Page, address: str) -> None:
    page.goto(f"{address}/vpcflow")
    settled(page)
    gaps = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].flatMap(chart => {
          const end = one => one.getBoundingClientRect().right;
          const bars = [...chart.querySelectorAll('path[aria-roledescription=bar]')].map(end);
          return [...chart.querySelectorAll('text')]
            .filter(text => getComputedStyle(text).fontWeight === '700')
            .map(figure => figure.getBoundingClientRect().left - Math.max(...bars));
        })"""
    )
    assert len(gaps) > 50
    assert min(gaps) > 0


@pytest.mark.parametrize(
    "name", ["cloudtrail", "guardduty", "cloudtrail?from=2025-03-11&to=2025-03-12&compare=true"]
)
def test_figures_of_a_row_stand_on_one_line(page: Page, address: str, name: str) -> None:
    """Also where one's label takes two; with the button to the events beside each."""
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{address}/{name}")
    settled(page)
    cards = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMetricValue]')].map(figure => {
          const card = figure.closest('[class*=st-key-figure]');
          const middle = part => {
            const box = part.getBoundingClientRect();
            return Math.round(box.top + box.height / 2);
          };
          return {
            row: Math.round(card.getBoundingClientRect().top),
            figure: middle(figure),
            buttons: [...card.querySelectorAll('[data-testid=stButton]')].map(middle),
            changes: [...card.querySelectorAll('[data-testid=stMetricDelta]')].map(middle),
          };
        })"""
    )
    rows = {card["row"] for card in cards}
    assert len(rows) == 2
    for row in rows:
        beside = [card for card in cards if card["row"] == row]
        figures = {card["figure"] for card in beside}
        assert len(figures) == 1
        assert {button for card in beside for button in card["buttons"]} <= figures
        assert len({change for card in beside for change in card["changes"]}) == ("compare" in name)


@pytest.mark.parametrize(
    ("link", "start", "end"),
    [
        ("from=2025-03-11&to=2025-03-12", "2025-03-11T00:00", "2025-03-12T00:00"),
        (
            "from=2025-03-11T02:00:59Z&to=2025-03-11T02:00:01Z",
            "2025-03-11T02:00",
            "2025-03-11T02:01",
        ),
        ("from=2025-03-11 02:00", "2025-03-11T02:00", None),
        ("from=2025-03-11T02:00%2B09:00", "2025-03-10T17:00", None),
        ("from=2025-03-11T02:00-0900", None, None),
    ],
)
def test_a_time_that_somebody_wrote_into_a_link(
    page: Page, address: str, link: str, start: str | None, end: str | None
) -> None:
    """Streamlit drops what its widget does not read, without a word."""
    page.goto(f"{address}/cloudtrail?{link}")
    settled(page)
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked.get("from"), asked.get("to")) == tuple(one and [one] for one in (start, end))
    said = page.get_by_text("Not applied")
    assert said.count() == ("T03" in link or "0900" in link)
