"""The page for looking: any table, its volume, the values of a field, rows in columns of one's own
choice, and what is shown as a file. All that is chosen stands in the address.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lake.ask.adhoc import FILE_ROWS
from lake.ask.explore import (
    columns_for,
    countable,
    countable_as,
    explored,
    rows_file,
    values_of,
)
from lake.filters.fields import asked_as, fields_behind
from lake.filters.filters import Filter
from lake.sources.rowmodel import log_views
from lake.ui.choosing import add_filter
from lake.ui.downloads import draw_downloads
from lake.ui.leaderboard import draw_leaderboard
from lake.ui.page import draw_page
from lake.ui.sidebar import choose
from lake.ui.text import count, plain
from lake.ui.words import say, say_unread
from lake.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.dashboards.scope import View
    from lake.query import Lake
    from lake.serve.queries import Ask
    from lake.ui.cached import Asker


def draw_explore(lake: Lake, ask: Asker) -> None:
    """One table under what is chosen."""
    with st.sidebar:
        known = log_views(lake.tables())
        say_unread("logs", known.__contains__)
        table = st.selectbox(say("Logs"), known, key="logs", bind="query-params")
        fields = list(fields_behind(table))
        chosen = st.multiselect(
            say("Columns"),
            fields,
            key="columns",
            bind="query-params",
            placeholder=say("The usual ones"),
            help=say(
                "Fields to show as columns of the rows, in this order. One within JSON can be "
                "typed: requestParameters.bucketName."
            ),
            accept_new_options=True,
            select_all=False,  # which Enter would take for what was typed
        )
        for name in chosen:
            if not asked_as(table, name):
                _say_unknown(name)
        beside = st.container()
    columns = columns_for(table, chosen)
    dashboard = explored(table, columns)
    selection = choose(lake, dashboard, ask)
    view = draw_page(dashboard, selection, ask)
    with beside:
        _values(view, ask)
    if view.shown.events:
        _files(lake, view, columns)


def _values(view: View, ask: Ask) -> None:
    """The values of fields, one list below the other."""
    table = view.dashboard.table
    chosen = st.multiselect(
        say("Values of"),
        countable(table),
        key="values",
        bind="query-params",
        placeholder=say("a field"),
        help=say(
            "Counts the values of fields; a click on one is a filter. A field within JSON can be "
            "typed: requestParameters.bucketName."
        ),
        accept_new_options=True,
        select_all=False,  # which Enter would take for what was typed
    )
    fields = {typed: countable_as(table, typed) for typed in chosen}
    for field in dict.fromkeys(filter(None, fields.values())):
        _values_of(field, view, ask, alone=len(fields) == 1)
    for typed in chosen:
        if fields[typed] is None:
            _say_unknown(typed)


def _values_of(field: str, view: View, ask: Ask, *, alone: bool) -> None:
    """A field's values, under its name where it is one of several; a click on one filters on it."""
    if not alone:
        st.markdown(f"**{plain(field)}**")
    found = values_of(view, [field], ask)
    if not found:
        st.caption(say("No row has it."))
        return

    def clicked(value: str, op: str) -> None:
        add_filter(Filter(field, op, value))

    about = say("Values of {field}", field=field)
    draw_leaderboard(f"explore:{field}", found, clicked, label=field, about=about)


def _say_unknown(field: str) -> None:
    """That a field that was typed cannot be shown."""
    st.error(plain(say("These logs have no field '{name}' to show.", name=shortened(field, 80))))


def _files(lake: Lake, view: View, columns: Sequence[str]) -> None:
    """What is shown, as files: the columns, or the whole rows."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(_what(view.shown.events)), width="stretch")
        whole = st.toggle(
            say("Every field"), key="explore:whole", help=say("Not only the columns shown")
        )
        file = partial(rows_file, lake, view, () if whole else columns)
        draw_downloads("explore:file", view.dashboard.table, file)


def _what(events: int) -> str:
    if events > FILE_ROWS:
        return say(
            "The files have the newest {some} of {all} rows; lake sql, with the query behind Data, "
            "writes all of them.",
            some=count(FILE_ROWS),
            all=count(events),
        )
    if events == 1:
        return say("The files have the one row under these filters.")
    return say("The files have all {count} rows under these filters.", count=count(events))
