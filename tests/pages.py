"""The app as `lake dashboard` serves it, and a page of it in a browser that has come to rest."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[1]
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


OWN = ("-m", "lake.ui.serve", "{port}")
"""What `lake dashboard` starts."""
STREAMLITS = ("-m", "streamlit", "run", "app_streamlit.py", "--server.port", "{port}")


@contextmanager
def served(lake: Path, command: Sequence[str] = OWN) -> Iterator[str]:
    """The address of the app over a lake."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, *(word.format(port=port) for word in command)],
        cwd=ROOT,
        env={**os.environ, "LAKE_DIR": str(lake), "PYTHONPATH": str(ROOT)},
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


STILL = """since => {
  const app = document.querySelector('[data-testid=stApp]');
  const charts = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')];
  const idle = app && app.getAttribute('data-test-script-state') === 'notRunning'
    && document.querySelector('[data-testid=stMain] [data-testid=stHeading]')
    && charts.length > 0 && charts.every(c => c.querySelector('svg, canvas'));
  if (!idle || window.asked !== since) window.looks = 0;
  window.asked = since;
  return window.looks++ >= 8;
}"""
"""Eight looks in a row, not a span of time: a browser that is held up for a second has seen nothing
of what it was sent meanwhile, and would take the first look after that for the end of a second of
rest, before half of the charts are there."""


def settled(page: Page) -> None:
    """Wait until no run goes on and every chart has been drawn, for a while: a run may follow a
    run."""
    page.wait_for_function(STILL, arg=time.monotonic(), polling=100)
    assert page.locator("[data-testid=stException]").count() == 0


def on_paper(page: Page) -> None:
    """As it is printed. What is told of the medium holds a moment later."""
    page.emulate_media(media="print")
    page.locator("[data-testid=stSidebar]").wait_for(state="hidden")


def unfold(page: Page, width: int) -> None:
    """Make the window as high as the page, not only what it held at first: what comes into sight
    may grow."""
    page.set_viewport_size({"width": width, "height": 900})
    script = "document.querySelector('[data-testid=stMain]').scrollHeight"
    for _ in range(2):
        page.set_viewport_size({"width": width, "height": min(page.evaluate(script) + 20, 9000)})
        page.wait_for_timeout(700)


def shades(chart: Locator) -> int:
    """How many colours a chart has."""
    from PIL import Image

    image = Image.open(io.BytesIO(chart.screenshot())).convert("RGB")
    return len(image.getcolors(1 << 24) or [])


def at_least(page: Page, selector: str, count: int) -> None:
    """Wait until the page has so many of them: on a busy machine it pauses while it is drawn."""
    page.wait_for_function(
        "([selector, count]) => document.querySelectorAll(selector).length >= count",
        arg=[selector, count],
    )


def click_first_row(page: Page, table: Locator, across: int) -> None:
    """Click the first row of a table, so many pixels from its left edge."""
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    across, down = box["x"] + across, box["y"] + 34 * 1.5
    # A table takes a click of a pointer that it has seen move within it, and has drawn since.
    page.mouse.move(across + 9, down + 5)
    page.wait_for_timeout(500)
    page.mouse.click(across, down, delay=50)


def open_first_row(page: Page) -> None:
    """Choose the first cell of the last table, and wait for the record."""
    from playwright.sync_api import TimeoutError as Late

    record = page.locator("[data-testid=stJson]").first
    for _ in range(3):  # a busy machine may not have drawn it by then
        click_first_row(page, page.locator("[data-testid=stDataFrame]").last, 40)
        with suppress(Late):
            record.wait_for(timeout=10_000)
            return
    record.wait_for()
