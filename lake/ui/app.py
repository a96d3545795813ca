"""One page for each dashboard, all drawn by one renderer. Decides which lake is shown (the argument
after `--`, else `$LAKE_DIR`, else `./lakehouse`) and what stands beside every page; what a page
holds is the dashboard's toml, how it looks `lake.ui.page`'s.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from lake.dashboards import Dashboard, dashboards
from lake.errors import LakeError, UsageError
from lake.explore import NAME as EXPLORE
from lake.paths import default_lake
from lake.ui import sqlpage
from lake.ui.cached import asker, open_lake
from lake.ui.explorepage import draw_explore
from lake.ui.page import draw_page
from lake.ui.sidebar import choose, keep_choice
from lake.ui.text import plain

if TYPE_CHECKING:
    from lake.query import Lake

ICON = Path(__file__).with_name("icon.svg")
_NO_UNGUARDED_FILE = '<style>[aria-label^="Download as CSV"] { display: none }</style>'
"""A table's own button makes a CSV in the browser, where nothing guards it against formulas."""
NO_DATA = (
    "There is nothing in this lake yet. Read some logs with `lake ingest WHERE`, where WHERE is a "
    "folder, an archive or `s3://bucket/prefix`; or make some with `lake demo DIR` and read those. "
    "Then load this page again."
)


def main() -> None:
    """Draw the page that the address names."""
    # A named icon of the page would be fetched from a font server; a file is not.
    st.set_page_config(page_title="siem-lake", page_icon=str(ICON), layout="wide")
    st.html(_NO_UNGUARDED_FILE)
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default_lake()
    lake = _lake(path.absolute())
    if lake is None:
        return
    try:
        found = dashboards()
    except LakeError as error:
        st.error(plain(str(error)))
        return
    pages = {name: _page(dashboard) for name, dashboard in found.items()}
    first = next(iter(pages))
    looking = st.Page(lambda: None, title="Explore", icon=":material/search:", url_path=EXPLORE)
    own = st.Page(lambda: None, title="SQL", icon=":material/terminal:", url_path=sqlpage.NAME)
    chosen = st.navigation(
        {"": [pages.pop(first), looking, own], "Dashboards": list(pages.values())}, expanded=True
    )
    if chosen.url_path == sqlpage.NAME:
        keep_choice(lake)
        sqlpage.draw_sql(lake)
        return
    sqlpage.leave(lake)
    ask = asker(lake)
    try:
        if chosen.url_path == EXPLORE:
            draw_explore(lake, ask)
            return
        dashboard = found[chosen.url_path or first]
        # Widgets made here, not in a page, keep their values from page to page.
        selection = choose(lake, dashboard, ask)
        draw_page(dashboard, selection, ask)
    except LakeError as error:
        st.error(plain(str(error)))


def _lake(path: Path) -> Lake | None:
    try:
        lake = open_lake(str(path))
        lake.refresh()
    except UsageError as error:
        st.title("siem-lake")
        st.info(NO_DATA, icon=":material/water:")
        st.caption(plain(str(error)))
        return None
    except LakeError as error:
        st.error(plain(str(error)))
        return None
    if not lake.tables():
        st.title("siem-lake")
        st.info(NO_DATA, icon=":material/water:")
        st.caption(plain(f"The lake is {path}."))
        return None
    return lake


def _page(dashboard: Dashboard) -> st.Page:
    return st.Page(
        lambda: None,
        title=plain(dashboard.label),
        icon=f":material/{dashboard.icon or 'bar_chart'}:",
        url_path=dashboard.name,
        default=dashboard.name == "overview",
    )
