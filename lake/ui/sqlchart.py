"""A query's rows as a chart, in the looks of the pages' own: names are bars with their figure on
them, times run along the bottom in UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from lake.ui.leaderboard import BAR, draw_leaderboard
from lake.ui.look import ACCENT, MEANING, OTHERS, READABLE, colours
from lake.ui.text import count
from lake.ui.timechart import TIME_HEIGHT, legend, sized, time_domain, time_label
from lake.ui.words import say

if TYPE_CHECKING:
    from lake.ui.clicks import Spec

_HEIGHT = TIME_HEIGHT + 110
_NONE = "none"
"""What a NULL is called."""
_FEW = 60
"""Points of a line that are marked."""
_BARS = 40
"""Bars of names one above the other; of more the first."""
_FIGURE = "abs(datum.value) < 1e5 ? format(datum.value, ',~r') : format(datum.value, '.3~s')"


def draw_points(rows: pa.Table, kind: str, across: str, labels: dict[str, str]) -> None:
    """Rows of `lake.ask.plot.points`; `across` is the role of their `x`, `labels` name x, y and
    name."""
    about = say("{figure} by {name}", figure=labels["y"], name=labels["x"])
    if kind == "bar" and across == "text":
        _bars(rows, labels, about)
        return
    spec: Spec = {
        **sized(_HEIGHT),
        "mark": _mark(kind, rows.num_rows),
        "encoding": {
            "x": _along(across, labels["x"], rows),
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": labels["y"],
                "stack": "zero" if kind in ("bar", "area") else None,
                "axis": {"tickCount": 6, "labelExpr": _FIGURE},
                "scale": _heights(rows, "x", stacked=kind in ("bar", "area")),
            },
            "tooltip": _told(labels),
            **_painted(rows, labels),
        },
    }
    if kind in ("line", "point"):  # a line's order is that of its points
        spec["encoding"].pop("order", None)
    if kind == "bar" and across == "time":
        spec["encoding"]["x2"] = {"field": "end", "type": "temporal"}
    st.vega_lite_chart(_coloured(rows, labels), {"config": READABLE, **spec}, alt=about)


def _bars(rows: pa.Table, labels: dict[str, str], about: str) -> None:
    """Names with their figures; coloured ones stand one behind the other."""
    names, values = rows["at"].to_pylist(), rows["y"].to_pylist()
    if not labels["name"] and len(set(names)) == len(names) and min(values) >= 0:
        given = [int(value) if value.is_integer() else value for value in values]
        draw_leaderboard(
            "sql:bars",
            list(zip(names, given, strict=True)),
            None,
            label=labels["x"],
            unit=labels["y"],
            about=about,
        )
        return
    order = list(dict.fromkeys(names))[:_BARS]
    nth = {name: place for place, name in enumerate(order)}
    shown = rows.filter(pa.array([name in nth for name in names]))
    shown = shown.append_column("nth", pa.array([nth[name] for name in names if name in nth]))
    spec: Spec = {
        **sized(BAR * len(order)),
        "mark": {"type": "bar", "cornerRadius": 2},
        "encoding": {
            "y": {
                "field": "at",
                "type": "nominal",
                # by number: in a list of names `__proto__` leaves Vega without a chart
                "sort": {"field": "nth", "op": "min"},
                "title": None,
                "axis": {"labelLimit": 320, "ticks": False, "domain": False},
            },
            "x": {
                "field": "y",
                "type": "quantitative",
                "title": labels["y"],
                "stack": "zero",
                "axis": {"tickCount": 6, "labelExpr": _FIGURE},
                "scale": _heights(shown, "at", stacked=True),
            },
            "tooltip": _told(labels),
            **_painted(shown, labels),
        },
    }
    st.vega_lite_chart(_coloured(shown, labels), {"config": READABLE, **spec}, alt=about)
    if len(set(names)) > len(order):
        st.caption(
            say("The first {some} of {all} names.", some=str(_BARS), all=count(len(set(names))))
        )


def _mark(kind: str, rows: int) -> dict[str, Any]:
    marks: dict[str, dict[str, Any]] = {
        "bar": {"type": "bar", "orient": "vertical", "binSpacing": 0.5, "strokeWidth": 0},
        "line": {"type": "line", "point": rows <= _FEW, "strokeWidth": 2},
        "area": {"type": "area", "opacity": 0.85, "line": False},
        "point": {"type": "point", "filled": True, "size": 45, "opacity": 0.75},
    }
    return marks[kind]


def _heights(rows: pa.Table, along: str, *, stacked: bool) -> dict[str, Any]:
    """The scale of the figures. It is told its ends, as is that of times and numbers: a chart is
    there before its rows are, and looks for their extent in vain."""
    values = rows["y"].to_pylist()
    ends = [min(values), max(values)]
    if stacked:
        sums: dict[tuple[Any, bool], float] = {}
        for place, value in zip(rows[along].to_pylist(), values, strict=True):
            sums[place, value > 0] = sums.get((place, value > 0), 0) + value
        ends = [min(0, *sums.values()), max(0, *sums.values())]
    return {"domain": ends if any(ends) else [0, 1], "nice": True}


def _along(across: str, title: str, rows: pa.Table) -> dict[str, Any]:
    ends = [pc.min(rows["x"]).as_py(), pc.max(rows["end"]).as_py()]
    if across == "time":
        return {
            "field": "x",
            "type": "temporal",
            "title": f"{title} (UTC)",
            "scale": {"type": "utc", "domain": time_domain(*ends)},
            "axis": {
                "grid": False,
                "labelOverlap": True,
                "tickCount": 8,
                "labelExpr": time_label(),
            },
        }
    if across == "number":
        return {
            "field": "x",
            "type": "quantitative",
            "title": title,
            "axis": {"tickCount": 8, "labelExpr": _FIGURE},
            "scale": {"domain": ends, "nice": True},
        }
    return {
        "field": "x",
        "type": "nominal",
        "title": title,
        "sort": None,
        "axis": {"labelAngle": -40, "labelLimit": 160, "labelOverlap": True},
    }


def _told(labels: dict[str, str]) -> list[dict[str, str]]:
    named = [("at", labels["x"]), ("name", labels["name"]), ("figure", labels["y"])]
    return [{"field": f, "type": "nominal", "title": title} for f, title in named if title]


def _colours(rows: pa.Table) -> dict[str, str]:
    """A colour for each name, the largest first; those that mean something on the pages have it
    here, too, and their order."""
    sums = rows.group_by("name").aggregate([("y", "sum")]).sort_by([("y_sum", "descending")])
    names = sums["name"].to_pylist()
    named = set(names) - {_NONE}
    tone = next((tone for tone, known in MEANING.items() if named <= set(known)), "neutral")
    meant = [*MEANING.get(tone, {}), _NONE]
    return colours(sorted(names, key=meant.index) if named <= set(meant) else names, tone)


def _coloured(rows: pa.Table, labels: dict[str, str]) -> pa.Table:
    """The rows with the name of their colour: some, or the others."""
    known = _colours(rows) if labels["name"] else {}
    series = [name if name in known else OTHERS for name in rows["name"].to_pylist()]
    order = [*known, OTHERS]
    places = [order.index(name) for name in series]
    return rows.append_column("series", pa.array(series)).append_column("place", pa.array(places))


def _painted(rows: pa.Table, labels: dict[str, str]) -> dict[str, Any]:
    if not labels["name"]:
        return {"color": {"value": ACCENT}}
    known = _colours(rows)
    shown = [*(name for name in known if name != OTHERS), *([OTHERS] if OTHERS in known else [])]
    return {
        "color": {
            "field": "series",
            "type": "nominal",
            "scale": {"domain": shown, "range": [known[name] for name in shown]},
            "legend": legend(shown),
        },
        "order": {"field": "place", "type": "quantitative"},
    }
