"""What narrows a page, each as a chip over it: a button turns it around, so that what was clicked
is left out, another leads to all logs that know it, a third sets it aside, the last takes it away.
The same stands as a sentence under the page's title.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lake.filters.entities import kind_named_by
from lake.filters.filters import Filter, TimeRange
from lake.ui.accounts import spoken
from lake.ui.choosing import add_filter, all_times, drop_filter, set_aside, turn_filter
from lake.ui.follow import follow
from lake.ui.text import named, plain
from lake.ui.words import say
from lake.visible import shortened
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_LONGEST = 120


def draw_chips(
    time: TimeRange,
    written: Mapping[str, Filter],
    listed: Iterable[Filter],
    own: Sequence[Filter] = (),
    aside: Mapping[str, Filter] | None = None,
) -> None:
    """The range of time, the filters by how they are written, what the lists of accounts and
    regions have, the page's `own` filters, in whose place a reader's comes, and those set `aside`,
    by how they are written; nothing where there is none of these."""
    filters = [*written.items(), *(("", one) for one in listed)]
    timed = time != TimeRange()
    idle = list((aside or {}).items())
    if not filters and not timed and not own and not idle:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chips"):
        if timed:
            _chip("time", say(time.words()), {}, all_times)
        for n, (text, one) in enumerate(filters):
            _chip(
                str(n),
                say(spoken(one).words()),
                _buttons(one, text),
                partial(drop_filter, one, text),
                partial(set_aside, text) if text else None,
            )
        for n, (text, one) in enumerate(idle):
            words = say(Sentence("Set aside: {filter}", filter=spoken(one).words()))
            again = say("Apply"), say("Have this filter narrow the page again")
            buttons = {"again": (*again, partial(set_aside, text))}
            _chip(f"aside:{n}", words, buttons, partial(drop_filter, one, text))
        for n, one in enumerate(own):
            words = say(Sentence("This page's own: {filter}", filter=spoken(one).words()))
            _chip(f"own:{n}", words, _buttons(one, ""), partial(add_filter, _anything(one)))
        if len(filters) + len(idle) + timed > 1:
            said, drop = say("Remove all"), partial(_drop_all, [*filters, *idle])
            st.button(said, key="chips:none", type="tertiary", on_click=drop)


def _anything(one: Filter) -> Filter:
    """In place of a filter of the page's own: every row."""
    return Filter(one.field, "any")


def _buttons(one: Filter, text: str) -> dict[str, tuple[str, str, Callable[[], None]]]:
    """What can be done with a filter: by name, with the label, what it means, and the doing."""
    found: dict[str, tuple[str, str, Callable[[], None]]] = {}
    turn = partial(turn_filter, one, text)
    if one.op in ("is", "set"):
        found["turn"] = say("Not this"), say("Leave out what this filter takes"), turn
    elif one.opposite is not None:
        found["turn"] = say("Only this"), say("Take what this filter leaves out"), turn
    if one.op == "is" and len(one.value) == 1 and kind_named_by(one.field):
        go = partial(follow, one.field, one.value[0])
        found["follow"] = say("Everywhere"), say("All logs that know it"), go
    return found


def _chip(
    key: str,
    said: str,
    buttons: Mapping[str, tuple[str, str, Callable[[], None]]],
    drop: Callable[[], None],
    aside: Callable[[], None] | None = None,
) -> None:
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        gap="xsmall",
        width="content",
        key=f"chip:{key}",
    ):
        st.markdown(plain(shortened(said, _LONGEST)), width="content")
        for name, (label, means, act) in buttons.items():
            st.button(
                named(label, said),
                key=f"chip:{key}:{name}",
                type="tertiary",
                help=means,
                on_click=act,
            )
        if aside:
            st.button(
                named("", say("Set aside {name}", name=said)),
                key=f"chip:{key}:aside",
                type="tertiary",
                icon=":material/pause:",
                help=say("Keep this filter at hand without its narrowing the page"),
                on_click=aside,
            )
        st.button(
            named("", say("Remove {name}", name=said)),
            key=f"chip:{key}:drop",
            type="tertiary",
            icon=":material/close:",
            on_click=drop,
        )


def _drop_all(filters: list[tuple[str, Filter]]) -> None:
    all_times()
    for text, one in filters:
        drop_filter(one, text)
