"""The way from a value to all logs that know it: to the page about it where it is a thing of a kind
(`lake.filters.entities`), else to a search for its text.
"""

from __future__ import annotations

import streamlit as st

from lake.ask.explore import NAME as EXPLORE
from lake.filters.entities import kind_named_by
from lake.sources.rowmodel import EVENTS

ENTITY = "entity"
_GOING = "going"


def follow(field: str, value: str) -> None:
    """Go there, and leave behind what narrowed this page: a filter that only one log knows would
    hide all others. Time, accounts and regions stay. For callbacks. What a widget of this page is
    bound to can only be set here, what one of the next page is bound to only on the way (`go`)."""
    kind = kind_named_by(field)
    if kind is None:
        search_everywhere(value)
    else:
        _leave_for(ENTITY, {"kind": kind.title, "entity": value})


def search_everywhere(value: str) -> None:
    """Go to where all logs are searched for a text, in the same way."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    _leave_for(EXPLORE, {"logs": EVENTS, "q": f'"{quoted}"'})


def _leave_for(page: str, params: dict[str, str]) -> None:
    here = {key: text for key, text in params.items() if key in st.session_state}
    narrowing = {"f": [], "q": ""}
    for key, given in {**narrowing, **here}.items():
        if key in st.session_state:
            st.session_state[key] = given
    st.session_state[_GOING] = page, {k: v for k, v in params.items() if k not in here}


def go(current: str) -> None:
    """Leave for the page that `follow` named, unless it is this one; before a page draws."""
    page, params = st.session_state.pop(_GOING, (current, {}))
    if page != current:
        st.switch_page(page_of(page), query_params=params)


def page_of(name: str, title: str = "", icon: str = "", *, default: bool = False) -> st.Page:
    """A page by its place in the address; what it shows is drawn by `lake.ui.app`."""
    return st.Page(
        _nothing,
        title=title or name,
        icon=f":material/{icon}:" if icon else None,
        url_path=name,
        default=default,
    )


def _nothing() -> None:
    return
