"""Answers that are there before a reader asks: a page's when its address is opened, since a browser
takes a while to load its own part; and those of every page, one after the other, while nobody asks
for anything. A reader who does comes first: what is made ready then ends, and goes on afterwards.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING

from lake.dashboards import dashboards
from lake.errors import LakeError
from lake.explore import NAME as EXPLORE
from lake.explore import columns_for, explored
from lake.filters import Selection
from lake.panels import prepare
from lake.rowmodel import EVENTS, log_views
from lake.scope import bars_of, extent_of, facet, scattered, view_of
from lake.ui.cached import Asker, open_lake, reader_comes, readers_ask
from lake.ui.sidebar import PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from lake.dashboards import Dashboard
    from lake.queries import Query
    from lake.query import Lake

QUIET = 2.0
"""Seconds without a reader's query before anything is asked for nobody."""


class _GivenWay(Exception):
    """A reader asks for something."""


def make_ready(path: Path) -> None:
    """Open the lake and ask what each page asks as it is first opened, whenever nobody asks. Ends
    with the last page. Raises LakeError."""
    lake = open_lake(str(path))
    pages = _pages(lake)
    for page in pages.values():
        while not _asked_for_nobody(lake, page):
            time.sleep(QUIET / 4)


def begin(path: Path, name: str) -> None:
    """Ask what a page asks whose address has just been opened; its reader will wait for the same.
    Raises LakeError."""
    reader_comes()
    lake = open_lake(str(path))
    lake.refresh()
    page = _pages(lake).get(name)
    if page is not None:
        with Asker(lake, _wait_on) as ask, suppress(CancelledError):
            asked = [(query,) for query in _queries(page, ask)]
            ask.ahead(query for group in asked for query in group)
            while asked:
                del asked[ask.settled(asked)]


def _asked_for_nobody(lake: Lake, page: Dashboard) -> bool:
    """Have a page's answers; False where a reader came between."""
    try:
        _give_way()
        with Asker(lake, _give_way) as ask:
            for query in _queries(page, ask):
                ask(query)
    except _GivenWay:
        return False
    except (LakeError, CancelledError):
        pass  # whoever opens the page is told
    return True


def _pages(lake: Lake) -> dict[str, Dashboard]:
    """The pages by the name in their address: the first, which has none, Explore, and the rest but
    those about one thing."""
    found = {name: page for name, page in dashboards().items() if not page.entity}
    tables = log_views(lake.tables())
    if not tables:
        return {}
    first = next(iter(found))
    looking = explored(tables[0], columns_for(tables[0], ()))
    return {"": found.pop(first), EXPLORE: looking, **found}


def _queries(page: Dashboard, ask: Asker) -> list[Query]:
    """What a page's cards ask, after what stands beside and above them was asked."""
    nothing_chosen = Selection()
    extent_of(EVENTS, nothing_chosen, ask)
    for field in PLACES:
        facet(page, nothing_chosen, field, ask)
    view = view_of(page, nothing_chosen, ask)
    bars_of(view, ask)
    scattered(page.table, ask)
    return [prepare(view, panel) for panel in page.panels if view.shown.events or panel.whole]


def _wait_on() -> None:
    """A page that was opened is worth its answers, whoever else asks."""


def _give_way() -> None:
    if readers_ask(QUIET):
        raise _GivenWay
