"""The pictures of the docs: every page over the demo lake, in Chromium, by hand.

`make pictures`, or `python tests/pictures.py LAKE`. The machine wants a Japanese font (Debian:
fonts-ipafont-gothic), else the name of the language is drawn as boxes; and pages show the lake's
path, so give one that says nothing of the machine.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pages import PATIENCE, QUIET, ROOT, served, settled, unfold
from PIL import Image
from playwright.sync_api import sync_playwright

from lake.ask.explore import NAME as EXPLORE
from lake.dashboards.dashboards import dashboards

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = ROOT / "docs" / "images"
FIRST = "dashboard.png"
"""What a window shows first of CloudTrail's page, for the README."""
WIDTH = 1280
COLOURS = 128
ADDRESSES = {
    "overview": "",
    "entity": "entity?entity=halden-customer-exports",
    EXPLORE: f"{EXPLORE}?logs=cloudtrail&values=event.action",
}
"""Of pages that are not under their name, or show more of a thing that is named."""


def picture(page: Page, address: str, target: Path) -> None:
    """A page from its head to its end, or what a window shows of it first, in few colours, so that
    it stays small."""
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.goto(address)
    settled(page)
    if target.name != FIRST:
        unfold(page, WIDTH)
        settled(page)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def main() -> int:
    """By hand."""
    if len(sys.argv) != 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with served(Path(sys.argv[1]).absolute()) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=list(QUIET))
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        for name in (*dashboards(), EXPLORE):
            where = ADDRESSES.get(name, name)
            picture(page, f"{address}/{where}", IMAGES / f"{name}.png")
        picture(page, f"{address}/cloudtrail", IMAGES / FIRST)
        picture(
            page, f"{address}/{EXPLORE}?logs=cloudtrail&values=event.action", IMAGES / "explore.png"
        )
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
