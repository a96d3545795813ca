"""What a click, a drag or a button changes of what is chosen beside every page (`lake.ui.sidebar`).
All of it is for callbacks: they run before the widgets are drawn, and may set what these have.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from lake.filters.entities import PREFIX, kinds
from lake.filters.search import read_search
from lake.ui.accounts import names

if TYPE_CHECKING:
    from lake.filters.entities import Kind
    from lake.filters.filters import Filter

ALL, DATES = "All", "From, to"
"""Of the quick ranges: every event, and those between two dates."""
OFF = "off "
"""Before a filter that is set aside: it stays on the page and in the address, narrowing nothing."""
LISTED = ("account", "region")
"""Fields with a list of their own."""


def set_time(start: datetime, end: datetime) -> None:
    """Choose a range, to the minute."""
    st.session_state["span"] = DATES
    st.session_state["from"] = _to_minute(start)
    st.session_state["to"] = _to_minute(end + timedelta(seconds=59))


def all_times() -> None:
    """Choose no range."""
    st.session_state["span"] = ALL
    st.session_state["from"] = st.session_state["to"] = None


def add_filter(chosen: Filter) -> None:
    """Add a filter, in place of the one that takes what it leaves out; an entity is named instead,
    on the page about it."""
    if chosen.field.startswith(PREFIX) and chosen.op == "is":
        look_at(kinds()[chosen.field.removeprefix(PREFIX)], *chosen.value)
        return
    if chosen.opposite is not None:
        drop_filter(chosen.opposite)
    _drop("f", f"{OFF}{chosen.url()}")
    _put(chosen)


def drop_filter(dropped: Filter, text: str = "") -> None:
    """Take a filter away, which may have been written as `text`; of a list, its values."""
    if dropped.field in LISTED and dropped.op == "is":
        known = names()  # a link may have those
        _drop(dropped.field, *dropped.value, *(known.get(one, one) for one in dropped.value))
    _drop("f", text or dropped.url())


def turn_filter(turned: Filter, text: str = "") -> None:
    """Leave out what a filter takes, or the other way round, in its place among the filters."""
    opposite = turned.opposite
    if opposite is None:
        return
    written = text or turned.url()
    before = st.session_state.get("f", [])
    if written in before and opposite.field not in LISTED:
        new = [opposite.url() if one == written else one for one in before]
        st.session_state["f"] = list(dict.fromkeys(new))
    else:
        drop_filter(turned, text)
        _put(opposite)


def set_aside(text: str) -> None:
    """Have a filter, as it is written, narrow nothing for now; or narrow again, in its place."""
    other = text.removeprefix(OFF) if text.startswith(OFF) else f"{OFF}{text}"
    before = st.session_state.get("f", [])
    st.session_state["f"] = list(dict.fromkeys(other if one == text else one for one in before))


def add_search(text: str) -> None:
    """Narrow by a search of a panel: by filters, or, where it is more than these, in the search."""
    search = read_search(text)
    if search and search.filters:
        for one in search.filters:
            add_filter(one)
        return
    before = (st.session_state.get("q") or "").strip()
    if text not in before:
        st.session_state["q"] = f"({before}) AND ({text})" if before else text


def look_at(kind: Kind, value: str) -> None:
    """Name what the page about one thing is about, on that page."""
    st.session_state["kind"], st.session_state["entity"] = kind.title, value


def _put(chosen: Filter) -> None:
    """Accounts and regions go where their own lists are."""
    if chosen.field in LISTED and chosen.op == "is":
        _add(chosen.field, *chosen.value)
    else:
        _add("f", chosen.url())


def _add(key: str, *values: str) -> None:
    st.session_state[key] = list(dict.fromkeys([*st.session_state.get(key, []), *values]))


def _drop(key: str, *values: str) -> None:
    kept = [value for value in st.session_state.get(key, []) if value not in values]
    if key in st.session_state:
        st.session_state[key] = kept


def _to_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
