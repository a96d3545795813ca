"""A sorted list of names as bars, each with its name on it and its figure at the right: share and
order at a glance, with room for long names. Names come from logs, so they are drawn as marks and
tooltips only, never as markup. A click on one is handed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import pyarrow as pa
import streamlit as st

from lake.ui.look import ACCENT
from lake.ui.text import count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BAR = 25
"""Height of a bar in pixels."""


def draw_leaderboard(
    key: str,
    rows: Sequence[tuple[str, float]],
    clicked: Callable[[str], None] | None,
    *,
    colour: str = ACCENT,
    painted: Mapping[str, str] | None = None,
    label: str = "",
    unit: str = "events",
    about: str | None = None,
) -> None:
    """Names with their figures, in the order given; `painted` has colours for some of them."""
    data = pa.table(
        {
            "place": list(range(len(rows))),
            "name": [name for name, _ in rows],
            "n": [n for _, n in rows],
            "figure": [count(n) for _, n in rows],
            "colour": [(painted or {}).get(name, colour) for name, _ in rows],
        }
    )
    cursor: Literal["pointer", "default"] = "pointer" if clicked else "default"
    base = alt.Chart(data).encode(
        y=alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.18, paddingOuter=0.05)),
        tooltip=[
            alt.Tooltip("name:N", title=label or "value"),
            alt.Tooltip("figure:N", title=unit or "count"),
        ],
    )
    bars = base.mark_bar(cornerRadius=3, opacity=0.42, cursor=cursor).encode(
        x=alt.X("n:Q", axis=None, scale=alt.Scale(domainMin=0)),
        color=alt.Color("colour:N", scale=None, legend=None),
    )
    # The colour of the text around the chart, so that it reads on any theme.
    ink: dict[str, Any] = {"fill": "currentColor", "fontSize": 13}
    written = base.mark_text(
        align="left", limit=alt.expr("max(width - 70, 40)"), cursor=cursor, **ink
    )
    figures = base.mark_text(align="right", fontWeight="bold", cursor=cursor, **ink)
    if clicked:
        bars = bars.add_params(alt.selection_point(name="pick", fields=["name"]))
    chart = alt.layer(
        bars,
        written.encode(x=alt.value(7), text="name:N"),
        figures.encode(x=alt.value("width"), text="figure:N"),
    ).properties(height=BAR * len(rows) + 12)
    draw_chart(key, chart, on_pick(clicked) if clicked else None, about)


def draw_chart(
    key: str,
    chart: Any,  # noqa: ANN401  any Altair chart
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

    st.altair_chart(chart, key=name, on_select=on_select if chosen else "ignore", alt=about)


def on_pick(clicked: Callable[[str], None]) -> Callable[[dict[str, Any]], None]:
    """What a selection `pick` holds, handed on name by name."""

    def chosen(selection: dict[str, Any]) -> None:
        for point in selection.get("pick") or []:
            if isinstance(point, dict) and "name" in point:
                clicked(str(point["name"]))

    return chosen
