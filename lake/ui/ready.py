"""Answers that are there before a reader asks: a page's when its address is opened, since a browser
takes a while to load its own part; and those of every page, one after the other, while nobody asks
for anything. A reader who does comes first: what is made ready then ends, and goes on afterwards.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.ask.explore import NAME as EXPLORE
from lake.ask.explore import columns_for, explored
from lake.dashboards.dashboards import dashboards, user_dashboards
from lake.dashboards.panels import prepare
from lake.dashboards.scope import bars_of, facet, view_of
from lake.errors import LakeError
from lake.filters.selection import Selection
from lake.serve.extent import extent_of, scattered
from lake.sources.rowmodel import EVENTS, log_views
from lake.ui.cached import Asker, open_lake, reader_comes, readers_ask
from lake.ui.sidebar import PLACES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lake.dashboards.dashboards import Dashboard
    from lake.query import Lake
    from lake.serve.queries import Query

QUIET = 2.0
"""Seconds without a reader's query before anything is asked for nobody."""
LOOK = 10.0
"""Seconds between two looks at whether the lake has changed."""
LONGEST = 20.0
"""Seconds that a query may take that nobody waits for, or a page whose reader does not come."""


class _GivenWay(Exception):
    """A reader asks for something."""


class _TooLong(Exception):
    """A query is not worth its time when nobody waits for it."""


def make_ready(path: Path) -> None:
    """Open the lake and ask what each page asks as it is first opened, whenever nobody asks; not of
    a user's own pages, which may ask anything. Ends with the last page. Raises LakeError."""
    lake = open_lake(str(path))
    own = user_dashboards()
    for page in _pages(lake).values():
        if own is not None and (own / f"{page.name}.toml").exists():
            continue
        while not _asked_for_nobody(lake, page):
            time.sleep(QUIET / 4)


def stay_ready(path: Path, pause: Callable[[float], object] = time.sleep) -> None:
    """Make ready at once, and anew after each change that nothing has followed until the next look:
    an ingest commits many times. Does not end. What is amiss with the lake its pages say."""
    made = seen = None
    while True:
        with suppress(LakeError):
            now = open_lake(str(path)).refresh()
            if now != made and (now == seen or made is None):
                made = now
                make_ready(path)
            seen = now
        pause(LOOK)


def begin(path: Path, name: str) -> None:
    """Ask what a page asks whose address has just been opened; its reader will wait for the same.
    Raises LakeError."""
    reader_comes()
    lake = open_lake(str(path))
    lake.refresh()
    page = _pages(lake).get(name)
    if page is not None:
        with Asker(lake, _Patience()) as ask, suppress(CancelledError, _TooLong):
            asked = [(query,) for query in _queries(page, ask)]
            ask.ahead(query for group in asked for query in group)
            while asked:
                del asked[ask.settled(asked)]


def _asked_for_nobody(lake: Lake, page: Dashboard) -> bool:
    """Have a page's answers, if none takes too long; False where a reader came between."""
    patience = _Patience(gives_way=True)
    try:
        patience()
        with Asker(lake, patience) as ask:
            for query in _queries(page, ask):
                patience.since = time.monotonic()
                ask(query)
    except _GivenWay:
        return False
    except (LakeError, CancelledError, _TooLong):
        pass  # whoever opens the page is told, or waits
    return True


@dataclass
class _Patience:
    """How long is waited for an answer that no reader has asked for. Raises when that is over."""

    gives_way: bool = False
    since: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        if self.gives_way and readers_ask(QUIET):
            raise _GivenWay
        if time.monotonic() - self.since > LONGEST:
            raise _TooLong


def _pages(lake: Lake) -> dict[str, Dashboard]:
    """The pages by the name in their address: the first, which has none, Explore, and the rest but
    those about one thing."""
    found = {name: page for name, page in dashboards([]).items() if not page.entity}
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
    for place in PLACES:
        facet(page, nothing_chosen, place, ask)
    view = view_of(page, nothing_chosen, ask)
    bars_of(view, ask)
    scattered(page.table, ask)
    return [prepare(view, panel) for panel in view.drawn(page.panels)]
