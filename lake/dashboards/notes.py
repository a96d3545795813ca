"""Why a panel is empty, in a sentence with what to do next: no such logs, nothing at this time and
where the nearest data is, a filter that nothing fits, a database or a list that was not there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lake.filters.entities import PREFIX
from lake.filters.filters import Filter, TimeRange, show_time
from lake.filters.search_hints import hint_for
from lake.serve.chosen import chosen
from lake.serve.extent import extent_of, lake_blocks
from lake.serve.queries import Answer, Ask, Query
from lake.sources.rowmodel import EVENTS
from lake.words import Sentence

if TYPE_CHECKING:
    from datetime import datetime

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.scope import View
    from lake.filters.selection import Selection


def note_of(view: View, panel: Panel, answer: Answer, ask: Ask) -> str | None:
    """The sentence for an answer that shows nothing; None where it shows something."""
    if panel.whole:
        return None if answer.rows else panel.empty or Sentence("None in this lake.")
    drawn = panel.chart in ("bar", "area", "line")
    nothing = drawn and panel.empty and not any(row[-1] for row in answer.rows)
    if answer.rows and view.shown.events and not nothing:
        return None
    if not view.shown.events:
        return why_nothing(view, ask)
    if panel.needs == "geoip":
        return Sentence(
            "No address that counts here has a place. There is none, all are private, or there was "
            "no GeoIP database when the logs were read: `lake geoip update`, then `lake rebuild`."
        )
    if panel.needs == "threat":
        return Sentence("No threat list is loaded, or nothing here stands on one.")
    return panel.empty or Sentence("Nothing of this kind in the selection.")


def why_nothing(view: View, ask: Ask) -> str:
    """Why a selection leaves no event at all."""
    table, selection = view.dashboard.table, view.selection
    if not view.whole.events:
        if table == EVENTS:
            return Sentence("This lake has no logs. Read some with `lake ingest WHERE`.")
        return Sentence(
            "This lake has no logs of {name}. Read some with `lake ingest WHERE`.",
            name=Sentence(view.dashboard.label),
        )
    rest = replace(selection, time=TimeRange())
    if not extent_of(table, rest, ask).events:
        own = [
            one.words()
            for one in map(Filter.parse, view.dashboard.filters)
            if one in selection.filters
        ]
        none = _none_fits(selection)
        if not own:
            return none
        also = Sentence("This page has one of its own: {filters}.", filters=_listed(own))
        return Sentence("{first} {second}", first=none, second=also)
    return Sentence(
        "{first} {second}",
        first=Sentence("Nothing {time}.", time=selection.time.words()),
        second=_nearest(view, ask),
    )


def _listed(words: list[Sentence]) -> Sentence:
    """All of them, as one."""
    first, *rest = words
    return Sentence("{first}, {second}", first=first, second=_listed(rest)) if rest else first


def _none_fits(selection: Selection) -> Sentence:
    """What no event fits, at any time."""
    filters = selection.filters
    named = bool(filters) and all(one.field.startswith(PREFIX) for one in filters)
    if not selection.search:
        return Sentence(
            "No event names it, whatever the time."
            if named
            else "No event fits the filters, whatever the time."
        )
    none = Sentence(
        "No event fits the search and the filters, whatever the time."
        if filters
        else "No event fits the search, whatever the time."
    )
    hint = hint_for(selection.search)
    return Sentence("{first} {second}", first=none, second=hint) if hint else none


def nearest(view: View, ask: Ask) -> list[datetime]:
    """The last event before the range of a view and the first behind it, under its other filters
    (UTC); one of them or none where there is no such event."""
    time = view.selection.time
    if time == TimeRange():
        return []
    rows = chosen(view.dashboard.table, replace(view.selection, time=TimeRange()))
    ends = {"from": time.start or time.end, "to": time.end or time.start}
    query = Query.over(lake_blocks()["nearest"], {"logs": rows.sql}, dict(rows.params) | ends)
    return [at for at in ask(query).rows[0] if at]


def _nearest(view: View, ask: Ask) -> Sentence:
    near = [show_time(at) for at in nearest(view, ask)]
    if len(near) == 1:
        return Sentence("The nearest data is of {time} UTC.", time=near[0])
    return Sentence(
        "The nearest data is of {before} and of {after} UTC.", before=near[0], after=near[1]
    )
