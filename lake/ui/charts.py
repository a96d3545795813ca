"""Bars and bars over time as Altair charts. Names come from logs, so they are drawn as marks and
tooltips only, never as markup. A click on a bar adds a filter, a drag over time chooses a range.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd
import streamlit as st

from lake.errors import UsageError
from lake.filters import Filter, show_time
from lake.panels import PanelResult, run_panel
from lake.ui.look import ACCENT, OTHERS, RED, colours
from lake.ui.sidebar import add_filter, set_time
from lake.ui.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.dashboards import Panel
    from lake.queries import Ask
    from lake.scope import View

BAR = 25
"""Height of a bar in pixels."""

TIME_HEIGHT = 250
UTC_SCALE = "utc"
_TIME_LABEL = (
    "utcseconds(datum.value) > 0 ? utcFormat(datum.value, '%H:%M:%S')"
    " : utchours(datum.value) + utcminutes(datum.value) > 0 ? utcFormat(datum.value, '%H:%M')"
    " : utcdate(datum.value) > 1 ? utcFormat(datum.value, '%d %b')"
    " : utcmonth(datum.value) > 0 ? utcFormat(datum.value, '%b %Y')"
    " : utcFormat(datum.value, '%Y')"
)

_COUNTS = alt.Axis(
    tickCount=5,
    tickMinStep=1,
    labelExpr="datum.value < 1e5 ? format(datum.value, ',d') : format(datum.value, '.3~s')",
)


def draw_bars(view: View, panel: Panel, result: PanelResult) -> None:
    """A sorted list of bars, each with its name on it and its figure at the right."""
    names = [_name(row[0]) for row in result.rows]
    paired = any(other.like == panel.title for other in view.dashboard.panels)
    painted = colours(names, panel.tone) if paired or panel.tone in ("outcome", "status") else {}
    single = RED if panel.tone == "bad" else ACCENT
    data = pd.DataFrame(
        {
            "place": range(len(names)),
            "name": names,
            "n": [row[-1] for row in result.rows],
            "figure": [count(row[-1]) for row in result.rows],
            "colour": [painted.get(name, painted.get(OTHERS, single)) for name in names],
        }
    )
    pick = alt.selection_point(name="pick", fields=["name"])
    base = alt.Chart(data).encode(
        y=alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.18, paddingOuter=0.05)),
        tooltip=[alt.Tooltip("name:N", title=panel.label), alt.Tooltip("figure:N", title="events")],
    )
    bars = base.mark_bar(cornerRadius=3, opacity=0.42, cursor="pointer").encode(
        x=alt.X("n:Q", axis=None, scale=alt.Scale(domainMin=0)),
        color=alt.Color("colour:N", scale=None, legend=None),
    )
    # The colour of the text around the chart, so that it reads on any theme.
    ink: dict[str, Any] = {"fill": "currentColor", "fontSize": 13}
    written = base.mark_text(align="left", limit=alt.expr("max(width - 70, 40)"), **ink)
    figures = base.mark_text(align="right", fontWeight="bold", **ink)
    chart = alt.layer(
        bars.add_params(pick),
        written.encode(x=alt.value(7), text="name:N"),
        figures.encode(x=alt.value("width"), text="figure:N"),
    ).properties(height=BAR * len(names) + 12)
    _show(view, panel, chart, partial(picked, panel))


def draw_time(
    view: View, panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime], ask: Ask
) -> None:
    """Stacked bars over time; the largest of the panel it is like stand at the bottom."""
    legend: Any = None
    if panel.like:
        like = run_panel(view, view.dashboard.panel(panel.like), ask)
        painted = colours([_name(row[0]) for row in like.rows], panel.tone)
    else:
        painted = colours(sorted({_name(row[1]) for row in result.rows}, reverse=True), panel.tone)
        legend = alt.Legend(orient="top", title=None)
    painted = painted | colours([OTHERS], "status")
    order = list(painted)
    rows = [
        (row[0], _name(row[1]) if len(row) > 2 else panel.label, row[-1]) for row in result.rows
    ]
    series = [name if name in painted else OTHERS for _, name, _ in rows]
    data = pd.DataFrame(
        {
            "start": [at for at, _, _ in rows],
            "end": [ends.get(at, at) for at, _, _ in rows],
            "from": [f"{show_time(at)} UTC" for at, _, _ in rows],
            "name": [name for _, name, _ in rows],
            "series": series,
            "place": [order.index(name) for name in series],
            "n": [n for _, _, n in rows],
        }
    )
    brush = alt.selection_interval(name="brush", encodings=["x"])
    shown = [name for name in order if name in set(series)]
    chart = (
        alt.Chart(data)
        .mark_bar(orient="vertical", binSpacing=0.5, strokeWidth=0)
        .encode(
            x=alt.X(
                "start:T",
                title=None,
                scale=alt.Scale(type=UTC_SCALE, domain=_domain(ends)),
                axis=alt.Axis(grid=False, labelOverlap=True, tickCount=8, labelExpr=_TIME_LABEL),
            ),
            x2="end:T",
            y=alt.Y("n:Q", title=None, stack="zero", axis=_COUNTS),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=shown, range=[painted[name] for name in shown]),
                legend=legend,
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("from:N", title=str(view.interval)),
                alt.Tooltip("name:N", title=panel.label),
                alt.Tooltip("n:Q", title=panel.unit or "count", format=","),
            ],
        )
        .add_params(brush)
        .properties(height=TIME_HEIGHT)
    )
    _show(view, panel, chart, brushed)


def picked(panel: Panel, key: str) -> None:
    """A bar or a country was clicked: only events with its value."""
    for point in _selection(key, "pick") or []:
        value = point.get("name") if isinstance(point, dict) else None
        if value is None or not panel.field:
            continue
        if value == "unknown" and panel.field in ("cloud.account.id", "cloud.region"):
            add_filter(Filter(panel.field, "unset"))
            continue
        try:
            add_filter(Filter(panel.field, "is", str(value)))
        except UsageError as error:
            st.session_state["filter_problem"] = str(error)


def brushed(key: str) -> None:
    """A range was dragged: that time, to the minute."""
    span = (_selection(key, "brush") or {}).get("start")
    if span and len(span) == 2:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in sorted(span))
        set_time(start, end)


def _show(view: View, panel: Panel, chart: alt.LayerChart | alt.Chart, chosen: Any) -> None:  # noqa: ANN401
    turn = st.session_state.get(f"{panel.title}:turn", 0)
    key = f"{view.dashboard.name}:{panel.title}:{turn}"

    def on_select() -> None:
        # A fresh key, so that a chart does not keep the mark of what has become a filter.
        chosen(key)
        st.session_state[f"{panel.title}:turn"] = turn + 1

    st.altair_chart(chart, key=key, on_select=on_select, alt=panel.about)


def _selection(key: str, name: str) -> Any:  # noqa: ANN401  a point's list or a range's dict
    state = st.session_state.get(key) or {}
    return (state["selection"] if "selection" in state else {}).get(name)


def _domain(ends: Mapping[datetime, datetime]) -> list[alt.DateTime]:
    """The time axis: from the first bar's begin to the last one's end."""
    return [_date_time(moment) for moment in (min(ends), max(ends.values()))]


def _date_time(moment: datetime) -> alt.DateTime:
    return alt.DateTime(
        year=moment.year,
        month=moment.month,
        date=moment.day,
        hours=moment.hour,
        minutes=moment.minute,
        seconds=moment.second,
        utc=True,
    )


def _name(value: Any) -> str:  # noqa: ANN401  whatever a panel groups by
    return "none" if value is None else str(value)
