"""A sorted list of names as bars, each with its name on it and its figure at the right: share and
order at a glance, with room for long names. Names come from logs, so they are drawn as marks and
tooltips only, never as markup. A click on one is handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from lake.ui.look import ACCENT
from lake.ui.text import figure
from lake.ui.words import say
from lake.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BAR = 25
"""Height of a bar in pixels."""

MOST = 12
"""Bars in view; more of them scroll."""

LONGEST = 200
"""Characters of a name that a chart shows."""

CLICKS = {"is": "click[!event.shiftKey]", "not": "click[event.shiftKey]"}
"""What is done with a click's value -> the click, in Vega's words."""

Spec = dict[str, Any]
"""A chart in Vega-Lite's own words. Altair writes the same, but its checks and copies took 3.7 of
the 3.9 seconds that a click on the CloudTrail page (20 charts, answers cached) waited."""


def draw_leaderboard(
    key: str,
    rows: Sequence[tuple[str, float]],
    clicked: Callable[[str, str], None] | None,
    *,
    colour: str = ACCENT,
    painted: Mapping[str, str] | None = None,
    label: str = "",
    unit: str = "events",
    about: str | None = None,
) -> None:
    """Names with their figures, in the order given; `painted` has colours for some of them. A name
    that is clicked is handed on with `is`, or with `not` where Shift was held."""
    data = pa.table(
        {
            "place": list(range(len(rows))),
            "name": [name for name, _ in rows],
            "shown": [shortened(name, LONGEST) for name, _ in rows],
            "n": [float(n) for _, n in rows],
            "figure": [figure(n, unit) for _, n in rows],
            "colour": [(painted or {}).get(name, colour) for name, _ in rows],
            **leaving(len(rows)),
        }
    )
    # Told, as everywhere: a chart is there before its rows are, and looks for an extent in vain.
    most = max((n for _, n in rows), default=0)
    cursor = "pointer" if clicked else "default"
    # The colour of the text around the chart, so that it reads on any theme.
    ink = {"type": "text", "fill": "currentColor", "fontSize": 13, "cursor": cursor}
    spec: Spec = {
        "height": BAR * len(rows) + 12,
        "encoding": {
            "y": {
                "field": "place",
                "type": "ordinal",
                "axis": None,
                "scale": {"paddingInner": 0.18, "paddingOuter": 0.05},
            },
            "tooltip": [
                {"field": "shown", "type": "nominal", "title": label or say("value")},
                {"field": "figure", "type": "nominal", "title": say(unit or "count")},
                *([leave()] if clicked else ()),
            ],
        },
        "layer": [
            {
                "name": "bars",
                "mark": {"type": "bar", "cornerRadius": 3, "opacity": 0.42, "cursor": cursor},
                "encoding": {
                    "x": {
                        "field": "n",
                        "type": "quantitative",
                        "axis": None,
                        "stack": None,
                        "scale": {"domain": [0, most or 1], "nice": True},
                    },
                    "color": {"field": "colour", "type": "nominal", "scale": None, "legend": None},
                },
            },
            {
                "mark": {**ink, "align": "left", "limit": {"expr": "max(width - 70, 40)"}},
                "encoding": {"x": {"value": 7}, "text": {"field": "shown", "type": "nominal"}},
            },
            {
                "mark": {**ink, "align": "right", "fontWeight": "bold"},
                "encoding": {
                    "x": {"value": "width"},
                    "text": {"field": "figure", "type": "nominal"},
                },
            },
        ],
    }
    if clicked:
        spec["params"] = picks("name", "bars")
    long = len(rows) > MOST
    with st.container(height=BAR * MOST + BAR // 2 if long else "content", border=False):
        draw_chart(key, data, spec, on_pick(clicked) if clicked else None, about)


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
