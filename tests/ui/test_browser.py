"""The pages in a real Chromium: they are drawn whole, nothing is asked of any other machine, a
click and a drag become part of the address, and the address brings the same page back.

Skips where there is no Chromium; `CI_REQUIRE_SERVERS=1` makes that a failure. Pictures of the pages
are left in the test's temporary folder, to be looked at.
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
QUIET = (  # what Chromium asks its maker for by itself
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 60_000


def absent(reason: str) -> None:
    if os.environ.get("CI_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        absent("there is no chromium on this machine")
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=executable, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(demo_folder: Path) -> Iterator[str]:
    """The app over the demo lake, served as `lake dashboard` serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app_streamlit.py"]
    server = subprocess.Popen(
        [*command, f"--server.port={port}"],
        cwd=ROOT,
        env={
            **os.environ,
            "LAKE_DIR": str(demo_folder / "lakehouse"),
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{found}/_stcore/health", server)
        yield found
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert server.poll() is None, "the app ended before it was ready"
        try:
            with urlopen(url, timeout=1):  # noqa: S310  our own server
                return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"{url} did not answer within 30 seconds")


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page; no request of it may leave this machine, no script of it may fail."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme=getattr(request, "param", "light")
    )
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    asked: set[str] = set()
    failed: list[str] = []
    opened.on("request", lambda r: asked.add(urlsplit(r.url).hostname or urlsplit(r.url).scheme))
    opened.on("websocket", lambda s: asked.add(urlsplit(s.url).hostname or ""))
    opened.on("pageerror", lambda error: failed.append(str(error)))
    yield opened
    context.close()
    assert asked <= {"127.0.0.1", "data", "blob"}
    assert failed == []


READY = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const charts = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')];
  const idle = app && app.getAttribute('data-test-script-state') === 'notRunning';
  return idle && charts.length > 0 && charts.every(c => c.querySelector('svg, canvas'));
}"""


def settled(page: Page) -> None:
    """Wait until no run goes on and every chart has been drawn, twice: a run may follow a run."""
    for _ in range(2):
        page.wait_for_selector("[data-testid=stMain] [data-testid=stHeading]")
        page.wait_for_function(READY)
        page.wait_for_timeout(700)
    assert page.locator("[data-testid=stException]").count() == 0


def at_least(page: Page, selector: str, count: int) -> None:
    """Wait until the page has so many of them: on a busy machine it pauses while it is drawn."""
    page.wait_for_function(
        "([selector, count]) => document.querySelectorAll(selector).length >= count",
        arg=[selector, count],
    )


def card(page: Page, label: str) -> Locator:
    """The chart of the card with this label."""
    heading = page.locator("[data-testid=stMain]").get_by_text(label, exact=True)
    cell = heading.locator("xpath=ancestor::*[.//*[@data-testid='stVegaLiteChart']][1]")
    found = cell.locator("[data-testid=stVegaLiteChart]").first
    found.scroll_into_view_if_needed()
    return found


def colours(chart: Locator) -> int:
    from PIL import Image

    image = Image.open(io.BytesIO(chart.screenshot())).convert("RGB")
    return len(image.getcolors(1 << 24) or [])


def whole(page: Page, target: Path) -> None:
    """A picture of the whole page, not only of what the window holds."""
    page.set_viewport_size({"width": 1440, "height": 900})
    script = "document.querySelector('[data-testid=stMain]').scrollHeight"
    for _ in range(2):
        page.set_viewport_size({"width": 1440, "height": min(page.evaluate(script) + 20, 9000)})
        page.wait_for_timeout(700)
    page.screenshot(path=target)
    assert target.stat().st_size > 50_000


def sentence(page: Page) -> str:
    return page.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first.inner_text()


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
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


def test_the_map_is_drawn_without_a_network(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail")
    settled(page)
    world = card(page, "Source countries on the map")
    page.wait_for_timeout(500)
    # An empty box has a handful of colours; land, borders and shades of six countries have many.
    assert colours(world) > 100


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
    table = page.locator("[data-testid=stDataFrame]").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + 34 * 1.5)  # the mark before the first row
    page.wait_for_selector("[data-testid=stJson]")
    held, came = (page.locator("[data-testid=stJson]").nth(n).inner_text() for n in (0, 1))
    assert "SendSSHPublicKey" in held
    assert "eventVersion" in came


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
    box = card(page, "Events by outcome").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] * 0.6
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=6)
    page.mouse.up()
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


def test_what_is_chosen_stays_from_page_to_page(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail?region=us-east-1")
    settled(page)
    assert "region is us-east-1" in sentence(page)
    page.locator("[data-testid=stSidebarNav]").get_by_text("Overview").click()
    page.wait_for_selector("text=What was read")
    settled(page)
    assert "region is us-east-1" in sentence(page)
    assert "region=us-east-1" in page.url
