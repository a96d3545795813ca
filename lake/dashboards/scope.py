"""What a dashboard is asked under: its tables narrowed by a selection, the time that they span and
the width of a bar in it. A panel adds its query to this (`lake.dashboards.panels`); nothing here
knows charts.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.filters.filters import Filter, TimeRange
from lake.filters.selection import Selection
from lake.filters.spans import about, read_span, span_text
from lake.serve.chosen import chosen
from lake.serve.extent import Extent, extent_of, extent_over, files_of, lake_blocks, places_of
from lake.serve.gather import gathering
from lake.serve.queries import Ask, Gathering, Interval, Query, relation
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.dashboards.dashboards import Dashboard, Panel
    from lake.serve.chosen import Chosen

_BARS = 150
MOST_BARS = 200_000
"""Of a width that a reader chose."""
NEWEST = (2_000, 100_000)
"""Events among which a page of the newest is looked for, before it is looked for among all: to find
fifty of nine million flows took 3.5 s, of all files' times."""
SAMPLED = 10
"""A day that has at most one of so many events tells how many a condition leaves."""
STEPS = [
    ("1 second", 1),
    ("5 seconds", 5),
    ("15 seconds", 15),
    ("1 minute", 60),
    ("5 minutes", 300),
    ("15 minutes", 900),
    ("1 hour", 3600),
    ("3 hours", 10_800),
    ("12 hours", 43_200),
    ("1 day", 86_400),
    ("7 days", 604_800),
    ("1 month", 2_629_746),
    ("3 months", 7_889_238),
    ("1 year", 31_556_952),
]


@dataclass(frozen=True, slots=True)
class View:
    """A dashboard under a selection. `whole` is the extent of its table, `shown` of what is left;
    `further` has the title and the events left of each further table;
    `time` is what a time axis spans, `interval` the width of its bars; `gather` is what the panels
    of the table have in common, where it is not too much; `recent` are moments since when there may
    be enough events for a page of the newest, the latest first."""

    dashboard: Dashboard
    selection: Selection
    whole: Extent
    shown: Extent
    further: tuple[tuple[str, int], ...]
    time: TimeRange
    interval: Interval
    relations: tuple[tuple[str, str], ...]
    params: tuple[tuple[str, Any], ...]
    gather: Gathering | None = None
    recent: tuple[datetime, ...] = ()

    def drawn(self, panels: Iterable[Panel]) -> list[Panel]:
        """Those of the panels that a page draws: where no event is shown, what is of the whole lake
        alone."""
        return [panel for panel in panels if self.shown.events or panel.whole]


def view_of(
    dashboard: Dashboard, selection: Selection, ask: Ask, interval: str | None = None
) -> View:
    """Bring a dashboard and a selection together; `interval` is the width of a bar, instead of one
    that fits the time. Raises UsageError where a condition or the width is wrong."""
    selection = dashboard.narrowed(selection)
    logs = chosen(dashboard.table, selection, dashboard.fields)
    whole = extent_of(dashboard.table, Selection(), ask)
    shown = whole
    if logs.condition != "":
        shown = extent_over(
            places_of(dashboard.table, selection, ask, _common(dashboard, selection, ask))
        )
    also = [table for _, table in dashboard.also if table in catalogue().sources]
    extents = [whole, *(extent_of(table, Selection(), ask) for table in also)]
    applied = _applied(dashboard, selection)
    further = _further(dashboard, applied, ask)
    named = {
        name: further[table].sql if table in further else _none_of(table, dashboard)
        for name, table in dashboard.also
    }
    # What one table has no field for, another may have.
    params = {name: value for rows in (logs, *further.values()) for name, value in rows.params}
    # What the view over all tables counts already is no further event.
    counted = {} if dashboard.table == EVENTS else further
    time = selection.time.within(_around(extents))
    width = _width(interval, time) if interval else interval_for(time)
    return View(
        dashboard=dashboard,
        selection=selection,
        whole=whole,
        shown=shown,
        further=tuple(
            (catalogue()[table].title, extent_of(table, applied, ask).events) for table in counted
        ),
        time=time,
        interval=width,
        relations=(("logs", logs.sql), *named.items()),
        params=(
            *params.items(),
            ("interval", width),
            ("entity", selection.entity),
        ),
        gather=_gathering(dashboard, logs, shown.events),
        recent=_recent(dashboard.table, selection, time, ask),
    )


def _gathering(dashboard: Dashboard, logs: Chosen, rows: int) -> Gathering | None:
    """What the panels of a page have in common, where so many rows are not too much."""
    asked = [_figures_of(panel) for panel in dashboard.panels]
    return gathering(logs, [sql for sql in asked if re.search(r"\blogs\b", sql)], rows)


def _common(dashboard: Dashboard, selection: Selection, ask: Ask) -> Gathering | None:
    """The same before it is known how many rows there are, where a day of them tells that they are
    few: then that is asked of what is gathered too, and the files are looked at once less."""
    table, logs = dashboard.table, chosen(dashboard.table, selection)
    every = files_of(table, Selection())
    if every is None or files_of(table, selection) is not None:
        return None
    events = extent_of(table, Selection(), ask).events
    small = _gathering(dashboard, logs, events)
    if small is not None:
        return small
    days = ask(Query.over(lake_blocks()["largest_day_of_files"], {"files": every}, {})).rows
    if not days or days[0][1] * SAMPLED > events:
        return None
    day, held = days[0]
    sample = replace(selection, filters=(*selection.filters, Filter("date", "is", (str(day),))))
    expected = extent_of(table, sample, ask).events * events // held
    return _gathering(dashboard, logs, 1 + expected * 5 // 4)


def _figures_of(panel: Panel) -> str:
    """What a panel asks of rows that may be gathered: of a panel of rows what it shares."""
    return panel.block.whole_sql if panel.figures else panel.block.shared_sql


def _none_of(table: str, dashboard: Dashboard) -> str:
    """No row of a further table; where there is no such source, of the dashboard's own."""
    return relation(table if table in catalogue().sources else dashboard.table, "false")


def _recent(table: str, selection: Selection, time: TimeRange, ask: Ask) -> tuple[datetime, ...]:
    """Moments within a time since when files hold as many events as `NEWEST` says."""
    places = Selection(filters=tuple(f for f in selection.filters if f.field in PARTITION))
    files = files_of(table, places)
    if not files or time.end is None:
        return ()
    params = dict(places.clause(table).params)
    found = []
    for events in NEWEST:
        given = params | {"to": time.end, "events": events}
        query = Query.over(lake_blocks()["newest_of_files"], {"files": files}, given)
        since = ask(query).one()["since"]
        if since is not None and (time.start is None or since > time.start):
            found.append(since)
    return tuple(found)


def view_before(view: View, ask: Ask) -> View | None:
    """The same under the period before, which is as long and ends where this one begins; None
    where no range is chosen, or there is no such period. A range that is open to its end ends with
    the last event."""
    chosen = view.selection.time
    last = view.time.end - timedelta(microseconds=1) if view.time.end else None
    end = chosen.end or last
    if not chosen.start or not end or end <= chosen.start:
        return None
    try:
        before = TimeRange(chosen.start - (end - chosen.start), chosen.start)
    except OverflowError:  # before the year 1
        return None
    return view_of(view.dashboard, replace(view.selection, time=before), ask, str(view.interval))


def interval_for(time: TimeRange) -> Interval:
    """The narrowest step that cuts the range into at most 150 bars; a month is a calendar month."""
    if not time.start or not time.end:
        return Interval("1 day")
    seconds = (time.end - time.start).total_seconds()
    fitting = (name for name, width in STEPS if seconds <= width * _BARS)
    return Interval(next(fitting, "1 year"))


def _width(text: str, time: TimeRange) -> Interval:
    """A width that was written: `15 minutes`, `1 month`."""
    span = read_span(text, "--interval")
    if time.start and time.end:
        bars = (time.end - time.start) / about(*span)
        if bars > MOST_BARS:
            raise UsageError(
                f"--interval {text}: that would be {bars:,.0f} bars, more than {MOST_BARS:,}. "
                "Choose wider ones, or a shorter time."
            )
    return Interval(span_text(*span))


def bars_of(view: View, ask: Ask) -> dict[datetime, datetime]:
    """Where each bar of a time chart begins -> where it ends."""
    if not view.time.start or not view.time.end:
        return {}
    given = {"interval": view.interval, "from": view.time.start, "to": view.time.end}
    return dict(ask(Query.over(lake_blocks()["bars"], {}, given)).rows)


def facet(
    dashboard: Dashboard, selection: Selection, field: str, ask: Ask
) -> list[tuple[str, int]]:
    """The values of `account` or `region` with their events, most first: of all tables that the
    dashboard counts, as its panels do."""
    selection = _applied(dashboard, dashboard.narrowed(selection))
    further = {} if dashboard.table == EVENTS else _further(dashboard, selection, ask)
    found: Counter[str] = Counter()
    for table in (dashboard.table, *further):
        gather = _common(dashboard, selection, ask) if table == dashboard.table else None
        for place in places_of(table, selection, ask, gather):
            found[getattr(place, field)] += place.events
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _around(extents: list[Extent]) -> TimeRange:
    """The range that holds several extents."""
    firsts = [extent.time.start for extent in extents if extent.time.start]
    ends = [extent.time.end for extent in extents if extent.time.end]
    return TimeRange(min(firsts, default=None), max(ends, default=None))


def _applied(dashboard: Dashboard, selection: Selection) -> Selection:
    """A selection without the filters that the dashboard's own table has no field for: they do not
    narrow it, so they narrow none of its further tables."""
    idle = selection.unanswered(dashboard.table)
    return replace(selection, filters=tuple(f for f in selection.filters if f not in idle))


def _further(dashboard: Dashboard, selection: Selection, ask: Ask) -> dict[str, Chosen]:
    """The rows of a dashboard's further tables, under the same selection. A table is left
    out that there is none of, or that has no field of the user's own condition."""
    found = {}
    for _, table in dashboard.also:
        if table not in catalogue().sources or selection.fits_none(table):
            continue
        found[table] = chosen(table, selection)
        if selection.where:
            try:
                extent_of(table, selection, ask)
            except UsageError:
                del found[table]
    return found
