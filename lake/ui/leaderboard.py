"""A sorted list of names as bars, each with its name on it and its figure at the right: share and
order at a glance, with room for long names. Names come from logs, so they are drawn as marks and
tooltips only, never as markup. A click on one is handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from lake.ui.accounts import with_name
from lake.ui.clicks import LONGEST, Spec, draw_chart, leave, leaving, on_pick, picks
from lake.ui.look import ACCENT
from lake.ui.text import figure, width
from lake.ui.words import eye, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BAR = 25
"""Height of a bar in pixels."""

MOST = 12
"""Bars in view, unless told otherwise."""
_BESIDE, _DIGIT = 10, 7.6
"""Pixels between a bar and its figure, and of a digit of that."""
_AROUND = 17
"""Pixels of a chart that are no bar's: with less, a bar alone is lower than one of many."""


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
    most: int = MOST,
) -> None:
    """Names with their figures, in the order given; `painted` has colours for some of them. More
    than `most` scroll. A name that is clicked is handed on with `is`, or with `not` where Shift was
    held."""
    shown = [eye(with_name(name), LONGEST) for name, _ in rows]
    figures = [figure(n, unit) for _, n in rows]
    counted = say(unit or "count")
    data = pa.table(
        {
            "place": list(range(len(rows))),
            "name": [name for name, _ in rows],
            "shown": shown,
            "n": [float(n) for _, n in rows],
            "figure": figures,
            "heard": [f"{name}, {counted}: {n}" for name, n in zip(shown, figures, strict=True)],
            "colour": [(painted or {}).get(name, colour) for name, _ in rows],
            **leaving(len(rows)),
        }
    )
    beside = _BESIDE + _DIGIT * max(map(width, figures), default=0)
    spec = _spec(rows, label or say("value"), counted, beside, clickable=bool(clicked))
    long = len(rows) > most
    with st.container(height=BAR * most + BAR // 2 if long else "content", border=False):
        draw_chart(key, data, spec, on_pick(clicked) if clicked else None, about)


def _spec(
    rows: Sequence[tuple[str, float]], label: str, unit: str, beside: float, *, clickable: bool
) -> Spec:
    """Bars with their names on them and their figures at the right, which take as many pixels as
    `beside` says. In a tooltip `label` stands before the name, `unit` before the figure."""
    room = f"max(width - {beside:g}, 40)"
    # Told, as everywhere: a chart is there before its rows are, and looks for an extent in vain.
    most = max((n for _, n in rows), default=0)
    cursor = "pointer" if clickable else "default"
    # The colour of the text around the chart, so that it reads on any theme.
    ink = {"type": "text", "fill": "currentColor", "fontSize": 13, "cursor": cursor, "aria": False}
    spec: Spec = {
        "height": BAR * len(rows) + _AROUND,
        "encoding": {
            "y": {
                "field": "place",
                "type": "ordinal",
                "axis": None,
                "scale": {"paddingInner": 0.18, "paddingOuter": 0.05},
            },
            "description": {"field": "heard", "type": "nominal"},
            "tooltip": [
                {"field": "shown", "type": "nominal", "title": label},
                {"field": "figure", "type": "nominal", "title": unit},
                *([leave()] if clickable else ()),
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
                        "scale": {"domain": [0, most or 1], "range": [0, {"expr": room}]},
                    },
                    "color": {"field": "colour", "type": "nominal", "scale": None, "legend": None},
                },
            },
            {
                "mark": {**ink, "align": "left", "limit": {"expr": f"{room} - 7"}},
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
    if clickable:
        spec["params"] = picks("name", "bars")
    return spec
