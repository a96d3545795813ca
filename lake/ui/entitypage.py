"""A page about one thing: which one a reader means, and the way there from a value elsewhere. What
the page shows of it is a dashboard like the others, under one more filter.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lake.ask.explore import values_of
from lake.dashboards.scope import view_of
from lake.filters.entities import entities_of, kinds
from lake.filters.filters import Filter
from lake.filters.selection import Selection
from lake.serve.extent import extent_of
from lake.sources.rowmodel import EVENTS
from lake.ui.choosing import add_filter, look_at
from lake.ui.follow import search_everywhere
from lake.ui.leaderboard import draw_leaderboard
from lake.ui.page import draw_page, draw_sentence
from lake.ui.sidebar import choose
from lake.ui.text import plain
from lake.ui.words import pick, say
from lake.visible import shortened
from lake.words import Sentence

if TYPE_CHECKING:
    from lake.dashboards.dashboards import Dashboard
    from lake.dashboards.scope import View
    from lake.filters.entities import Kind
    from lake.query import Lake
    from lake.serve.queries import Ask
    from lake.ui.cached import Asker

ANY = "Any kind"
SHOWN = 8
_LONGEST = 200
_EXAMPLES = Sentence(
    "198.51.100.7, alice, AKIA..., i-0123456789abcdef0, a bucket, example.com, or an ARN"
)


def draw_entity(lake: Lake, dashboard: Dashboard, ask: Asker) -> None:
    """The thing that was named, or those that there are most events of to choose one from."""
    meant = _named()
    if not meant:
        selection = choose(lake, dashboard, ask)
        st.title(plain(say(dashboard.label)), anchor=False)
        how = Sentence("Name one above, or choose one of those with most events.")
        about = Sentence(dashboard.about)
        st.caption(plain(say("{first} {second}", first=about, second=how)))
        view = view_of(dashboard, selection, ask)
        draw_sentence(view, None, ask)
        _directory(view, ask)
        return
    known = (one for one in meant if extent_of(EVENTS, _only(*one), ask).events)
    found = meant[0] if len(meant) == 1 else next(known, None)
    if found is None:
        choose(lake, dashboard, ask)
        _draw_unknown(meant)
        return
    kind, value = found
    namesakes = st.container(horizontal=True, vertical_alignment="center")
    chosen = Filter(kind.field, "is", value)
    selection = choose(lake, dashboard, ask, (chosen,))
    label = Sentence("{kind} {value}", kind=Sentence(kind.title), value=value)
    view = draw_page(replace(dashboard, label=label), selection, ask)
    if not view.shown.events:
        _offer_search(value)
    if len(meant) > 1 and (others := list(known)):
        with namesakes:
            _namesakes(others)


def _draw_unknown(meant: list[tuple[Kind, str]]) -> None:
    """That no log knows a name, of whatever kind it may be."""
    st.title(plain(shortened(meant[0][1], _LONGEST)), anchor=False)
    said = say(
        "No event names it, whatever the time. Looked for as: {kinds}.",
        kinds=", ".join(say(kind.title) for kind, _ in meant),
    )
    st.info(plain(said), icon=":material/search_off:")
    _offer_search(meant[0][1])


def _offer_search(value: str) -> None:
    """The way on for what is only a part of a name, or stands where no kind looks."""
    st.button(
        say("Search every record for this text"),
        key="entity:search",
        icon=":material/search:",
        on_click=search_everywhere,
        args=(value,),
    )


def _namesakes(others: list[tuple[Kind, str]]) -> None:
    """Things of other kinds that have the same name, for whoever means one of these."""
    st.caption(say("Also of this name:"), width="content")
    for kind, value in others:
        st.button(
            say(kind.title),
            key=f"entity:namesake:{kind.name}",
            type="tertiary",
            icon=f":material/{kind.icon}:",
            on_click=look_at,
            args=(kind, value),
        )


def _named() -> list[tuple[Kind, str]]:
    """What a reader wrote: the kinds that it may be of, the likeliest first; a page is about the
    first of which there are events."""
    titles = {kind.title: kind.name for kind in kinds().values()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            say("Look at"),
            key="entity",
            bind="query-params",
            max_chars=1000,
            placeholder=say(_EXAMPLES),
            icon=":material/person_search:",
            on_change=_of_any_kind,
        )
        title = pick(say("Kind"), [ANY, *titles], "kind", width=180)
    return entities_of(text, titles.get(title)) if text and text.strip() else []


def _of_any_kind() -> None:
    """What is typed anew may be of another kind than what was clicked before."""
    st.session_state["kind"] = ANY


def _only(kind: Kind, value: str) -> Selection:
    return Selection(filters=(Filter(kind.field, "is", value),))


def _directory(view: View, ask: Ask) -> None:
    """Those of each kind with most events; a click looks at one."""
    grid = st.grid(4, min_column_width=220, border=True)
    for kind in kinds().values():
        with grid.cell():
            title = say(kind.title)
            counted = say(
                "Counted by {fields}; its page has every event that names it.",
                fields=", ".join(kind.counted),
            )
            st.markdown(f"**{plain(title)}**", help=plain(counted))
            known = values_of(view, kind.counted, ask)[:SHOWN]
            if known:
                draw_leaderboard(
                    f"entity:{kind.name}",
                    known,
                    partial(_clicked, kind),
                    label=title,
                    about=say("{kind}: those with most events", kind=title),
                )
            else:
                st.caption(say("None in these events."))


def _clicked(kind: Kind, value: str, op: str) -> None:
    """Look at it, or leave it out of these lists."""
    add_filter(Filter(kind.field, op, value))
