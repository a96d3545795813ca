"""Charts whose marks can be clicked: what a click is in Vega's words, what was clicked, and what a
tooltip tells of it. A click takes what it hits, with Shift it leaves that out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.ui.look import READABLE
from lake.ui.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

LONGEST = 200
"""Characters of a name that a chart shows."""

CLICKS = {"is": "click[!event.shiftKey]", "not": "click[event.shiftKey]"}
"""What is done with a click's value -> the click, in Vega's words."""

Spec = dict[str, Any]
"""A chart in Vega-Lite's own words. Altair writes the same, but its checks and copies took 3.7 of
the 3.9 seconds that a click on the CloudTrail page (20 charts, answers cached) waited."""


def draw_chart(
    key: str,
    data: pa.Table | None,
    spec: Spec,
    chosen: Callable[[dict[str, Any]], None] | None,
    about: str | None,
) -> None:
    """A chart whose selection, if it has one, is handed to `chosen` and then forgotten.

    A fresh key after each choice, so that a chart does not keep the mark of what has become a
    filter.
    """
    turn = st.session_state.get(f"{key}:turn", 0)
    name = f"{key}:{turn}"

    def on_select() -> None:
        state = st.session_state.get(name) or {}
        if chosen and "selection" in state:
            chosen(dict(state["selection"]))
        st.session_state[f"{key}:turn"] = turn + 1

    spec = {"config": READABLE, **spec}
    st.vega_lite_chart(data, spec, key=name, on_select=on_select if chosen else "ignore", alt=about)


def leaving(rows: int) -> dict[str, list[str]]:
    """The column of `leave`."""
    return {"leave": [say("not this")] * rows}


def leave() -> Spec:
    """The line of a tooltip that tells of the second click."""
    return {"field": "leave", "type": "nominal", "title": say("Shift+click")}


def picks(field: str, *layers: str, bind: str = "") -> list[Spec]:
    """The clicks of a chart: on a mark of these layers, or of the whole chart, or, with `bind`, on
    its legend. Each gives the field of what was clicked."""
    found = []
    for place, layer in enumerate(layers or ("",)):
        for op, click in CLICKS.items():
            select = {"type": "point", "fields": [field], "toggle": False}
            one: Spec = {"name": f"{op}_{bind}{place}", "select": select}
            if bind:
                one["bind"] = {bind: click}
            else:
                select["on"] = click
            found.append(one | ({"views": [layer]} if layer else {}))
    return found


def clicked_in(selection: dict[str, Any], field: str) -> Iterator[tuple[str, str]]:
    """What was clicked, each with what is done with it."""
    for name, points in selection.items():
        op = name.partition("_")[0]
        for point in points if op in CLICKS else ():
            if isinstance(point, dict) and field in point:
                yield str(point[field]), op


def on_pick(clicked: Callable[[str, str], None]) -> Callable[[dict[str, Any]], None]:
    """What was clicked, handed on name by name."""

    def chosen(selection: dict[str, Any]) -> None:
        for name, op in clicked_in(selection, "name"):
            clicked(name, op)

    return chosen
