"""What narrows a page, each as a chip over it: a button turns it around, so that what was clicked
is left out, another takes it away. The same stands as a sentence under the page's title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from lake.filters import Filter, TimeRange
from lake.ui.choosing import all_times, drop_filter, turn_filter
from lake.ui.text import named, plain
from lake.ui.words import say
from lake.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lake.words import Sentence

_LONGEST = 120


def draw_chips(time: TimeRange, written: Mapping[str, Filter], listed: Iterable[Filter]) -> None:
    """The range of time, the filters by how they are written, and what the lists of accounts and
    regions have; nothing where nothing is chosen."""
    filters = [*written.items(), *(("", one) for one in listed)]
    timed = time != TimeRange()
    if not filters and not timed:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="chips"):
        if timed:
            _chip("time", time.words(), all_times)
        for n, (text, one) in enumerate(filters):
            _chip(str(n), one.words(), drop_filter, one, text)
        if len(filters) + timed > 1:
            st.button(
                say("Remove all"),
                key="chips:none",
                type="tertiary",
                on_click=_none,
                args=(filters,),
            )


def _chip(key: str, words: Sentence, drop: Callable[..., None], *what: Filter | str) -> None:
    said = say(words)
    one = next((one for one in what if isinstance(one, Filter)), None)
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="xsmall", width="content",
        key=f"chip:{key}",
    ):  # fmt: skip
        st.markdown(plain(shortened(said, _LONGEST)), width="content")
        if one is not None and one.opposite is not None:
            kept = one.op in ("is", "set")
            st.button(
                named(say("Not this") if kept else say("Only this"), said),
                key=f"chip:{key}:turn",
                type="tertiary",
                help=say("Leave out what this filter takes")
                if kept
                else say("Take what this filter leaves out"),
                on_click=turn_filter,
                args=what,
            )
        st.button(
            named("", say("Remove {name}", name=said)),
            key=f"chip:{key}:drop",
            type="tertiary",
            icon=":material/close:",
            on_click=drop,
            args=what,
        )


def _none(filters: list[tuple[str, Filter]]) -> None:
    all_times()
    for text, one in filters:
        drop_filter(one, text)
