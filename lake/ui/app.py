"""One page for each dashboard, all drawn by one renderer. Decides which lake is shown (the argument
after `--`, else `$LAKE_DIR`, else `./lakehouse`) and what stands beside every page; what a page
holds is the dashboard's toml, how it looks `lake.ui.page`'s.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from lake.ask.explore import NAME as EXPLORE
from lake.dashboards.dashboards import Dashboard, dashboards
from lake.errors import LakeError, UsageError
from lake.paths import shown_lake
from lake.ui import sqlpage
from lake.ui.cached import Asker, open_lake
from lake.ui.entitypage import draw_entity
from lake.ui.explorepage import draw_explore
from lake.ui.follow import go, page_of
from lake.ui.page import draw_page
from lake.ui.sidebar import choose, keep_choice
from lake.ui.text import plain
from lake.ui.words import begin, say, say_error, say_unknown
from lake.visible import visible
from lake.words import Sentence

if TYPE_CHECKING:
    from lake.query import Lake

PRODUCT = "siem-lake"
ICON = Path(__file__).with_name("icon.svg")
STYLE = Path(__file__).with_name("style.css")
PARAMETERS = frozenset(
    (
        *("account", "columns", "compare", "entity", "f", "from", "kind", "lang", "logs", "page"),
        *("q", "refresh", "region", "span", sqlpage.PARAMETER, "to", "values"),
    )
)
"""Of an address: what some page takes."""
_DARK = (
    "@media print { body, [data-testid^=stApp] { background: white !important } "
    "[data-testid=stMain] { filter: invert(1) hue-rotate(180deg) brightness(1.12) } }"
)
"""Paper is light, whatever the screen."""
NO_DATA = Sentence(
    "There is nothing in this lake yet. Read some logs with `lake ingest WHERE`, where WHERE is a "
    "folder, an archive or `s3://bucket/prefix`; or make some with `lake demo DIR` and read those. "
    "Then load this page again."
)


def main() -> None:
    """Draw the page that the address names."""
    # A named icon of the page would be fetched from a font server; a file is not.
    st.set_page_config(page_title=PRODUCT, page_icon=str(ICON), layout="wide")
    st.html(f"<style>{_style()}{_DARK if st.context.theme.type == 'dark' else ''}</style>")
    begin("span", "refresh")
    say_unknown(PARAMETERS)
    lake = _lake(shown_lake())
    if lake is None:
        return
    wrong: list[LakeError] = []
    found = dashboards(wrong)
    for error in wrong:  # of one's own: the others are there all the same
        st.error(plain(say_error(error)))
    pages = {name: _page(dashboard) for name, dashboard in found.items()}
    first = next(iter(pages))
    looking = page_of(EXPLORE, say("Explore"), "search")
    own = page_of(sqlpage.NAME, "SQL", "terminal")
    about = [pages.pop(name) for name, dashboard in found.items() if dashboard.entity]
    chosen = st.navigation(
        {"": [pages.pop(first), looking, *about, own], say("Dashboards"): list(pages.values())},
        expanded=True,
    )
    go(chosen.url_path)
    # of many tabs, and for whoever hears them, which page it is; a page's own title is Markdown
    label = {EXPLORE: say("Explore"), sqlpage.NAME: "SQL"}.get(chosen.url_path)
    label = label or say(found[chosen.url_path or first].label)
    st.set_page_config(page_title=visible(f"{label} - {PRODUCT}"))
    if chosen.url_path == sqlpage.NAME:
        keep_choice(lake)
        sqlpage.draw_sql(lake)
        return
    sqlpage.leave(lake)
    try:
        with Asker(lake) as ask:
            _draw(lake, found, chosen.url_path or first, ask)
    except LakeError as error:
        st.error(plain(say_error(error)))


def _draw(lake: Lake, found: dict[str, Dashboard], name: str, ask: Asker) -> None:
    if name == EXPLORE:
        draw_explore(lake, ask)
        return
    dashboard = found[name]
    if dashboard.entity:
        draw_entity(lake, dashboard, ask)
        return
    # Widgets made here, not in a page, keep their values from page to page.
    selection = choose(lake, dashboard, ask)
    draw_page(dashboard, selection, ask)


@cache
def _style() -> str:
    return STYLE.read_text("utf-8")


def _lake(path: Path) -> Lake | None:
    try:
        lake = open_lake(str(path))
        lake.refresh()
    except UsageError as error:
        st.title(PRODUCT)
        st.info(say(NO_DATA), icon=":material/water:")
        st.caption(plain(say_error(error)))
        return None
    except LakeError as error:
        st.error(plain(say_error(error)))
        return None
    if not lake.tables() and not lake.status().objects:
        st.title(PRODUCT)
        st.info(say(NO_DATA), icon=":material/water:")
        st.caption(plain(say("The lake is {path}.", path=str(path))))
        return None
    return lake


def _page(dashboard: Dashboard) -> st.Page:
    icon = dashboard.icon or "bar_chart"
    first = dashboard.name == "overview"
    return page_of(dashboard.name, plain(say(dashboard.label)), icon, default=first)
