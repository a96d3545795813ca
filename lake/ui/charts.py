"""A panel as bars, or as bars over time. A list of bars is the legend of the chart over time that
is like it: both take one set of colours. A click on a bar adds a filter, a drag over time chooses
a range.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import altair as alt
import pyarrow as pa
import streamlit as st

from lake.errors import UsageError
from lake.filters import Filter, show_time
from lake.panels import PanelResult, run_panel
from lake.ui.leaderboard import draw_chart, draw_leaderboard
from lake.ui.look import ACCENT, MEANING, OTHERS, RED, colours
from lake.ui.sidebar import add_filter, set_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.dashboards import Panel
    from lake.queries import Ask
    from lake.scope import View

TIME_HEIGHT = 250
UNKNOWN = "unknown"
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
    """A panel's names and figures; where a chart over time is like it, in that chart's colours."""
    names = [name_of(row[0]) for row in result.rows]
    paired = any(other.like == panel.title for other in view.dashboard.panels)
    meant = paired or panel.tone in MEANING
    painted = colours(names, panel.tone) if meant else {}
    draw_leaderboard(
        f"{view.dashboard.name}:{panel.title}",
        [(name_of(row[0]), row[-1]) for row in result.rows],
        partial(picked, panel) if panel.field else None,
        colour=painted.get(OTHERS, RED if panel.tone == "bad" else ACCENT),
        painted=painted,
        label=panel.label,
        unit=panel.unit,
        about=panel.about,
    )


def draw_time(
    view: View, panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime], ask: Ask
) -> None:
    """Stacked bars over time; the largest of the panel it is like stand at the bottom."""
    legend: Any = None
    if panel.like:
        like = run_panel(view, view.dashboard.panel(panel.like), ask)
        painted = colours([name_of(row[0]) for row in like.rows], panel.tone)
    else:
        painted = colours(
            sorted({name_of(row[1]) for row in result.rows}, reverse=True), panel.tone
        )
        legend = alt.Legend(orient="top", title=None)
    painted = painted | colours([OTHERS], "status")
    order = list(painted)
    rows = [
        (row[0], name_of(row[1]) if len(row) > 2 else panel.label, row[-1]) for row in result.rows
    ]
    series = [name if name in painted else OTHERS for _, name, _ in rows]
    data = pa.table(
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
                scale=alt.Scale(type="utc", domain=_domain(ends)),
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
    draw_chart(f"{view.dashboard.name}:{panel.title}", chart, brushed, panel.about)


def picked(panel: Panel, value: str) -> None:
    """A bar or a country was clicked: only events with its value."""
    unknown = value == UNKNOWN and panel.field in ("cloud.account.id", "cloud.region")
    try:
        add_filter(Filter(panel.field, "unset" if unknown else "is", () if unknown else value))
    except UsageError as error:
        st.session_state["filter_problem"] = str(error)


def brushed(selection: dict[str, Any]) -> None:
    """A range was dragged: that time, to the minute."""
    span = (selection.get("brush") or {}).get("start")
    if span and len(span) == 2:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in sorted(span))
        set_time(start, end)


def name_of(value: Any) -> str:  # noqa: ANN401  whatever a panel groups by
    """A value as a chart writes it."""
    return "none" if value is None else str(value)


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
