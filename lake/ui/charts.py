"""A panel as bars, or as bars over time. A list of bars is the legend of the chart over time that
is like it: both take one set of colours. A click on a bar adds a filter, a drag over time chooses
a range.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from lake.errors import UsageError
from lake.filters import Filter, show_time
from lake.panels import PanelResult, run_panel
from lake.ui.leaderboard import LONGEST, Spec, draw_chart, draw_leaderboard
from lake.ui.look import ACCENT, GREY, MEANING, OTHERS, SHADES, colours
from lake.ui.sidebar import add_filter, set_time
from lake.ui.text import BYTES, figure, size_unit, width
from lake.ui.words import say, say_error
from lake.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.dashboards import Panel
    from lake.queries import Ask
    from lake.scope import View

TIME_HEIGHT = 250
UNKNOWN = "unknown"
REST = "all others"
"""The bar that sums up what a list has no room for: a query writes Other, and marks the row with
`_rest`, since that may be a value too."""
_OTHER = "Other"
OURS = ("filters", "series", "Figure", "Outcome", "Filter")
"""Columns whose values are words of a query, not of a log."""
_COUNT_LABEL = "datum.value < 1e5 ? format(datum.value, ',~r') : format(datum.value, '.3~s')"
_LEGEND, _LETTER = 30, 6.5
"""Pixels of an entry's mark and gaps in a legend, and of a letter of its name."""
_LONGEST = 46
"""Letters of a name that a legend shows."""


def draw_bars(view: View, panel: Panel, result: PanelResult) -> None:
    """A panel's names and figures; where a chart over time is like it, in that chart's colours. A
    name is of all columns but the figure; the first of them is what a click filters on."""
    bars = named_values(result)
    names = [name for name, _ in bars]
    paired = any(other.like == panel.title for other in view.dashboard.panels)
    meant = paired or panel.tone in (*MEANING, "http")
    plainly = [_name(row, key) for row, key in _keyed(result)]
    known = colours(plainly, panel.tone) if meant else {}
    told = dict(zip(plainly, names, strict=True))
    painted = {told.get(name, name): colour for name, colour in known.items()}
    painted[say(REST)] = GREY
    draw_leaderboard(
        f"{view.dashboard.name}:{panel.title}",
        [(name, row[-1]) for name, row in zip(names, result.rows, strict=True)],
        partial(picked, panel, dict(bars)) if panel.field else None,
        colour=painted.get(OTHERS, SHADES.get(panel.tone, (ACCENT,))[0]),
        painted=painted,
        label=say(panel.label),
        unit=panel.unit,
        about=say(panel.about),
    )


def draw_time(
    view: View, panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime], ask: Ask
) -> None:
    """Stacked bars over time; the largest of the panel it is like stand at the bottom. An answer of
    a time and a figure alone is one series, without a legend."""
    alone = len(result.columns) == 2
    given = [(row[0], panel.label if alone else _shown(row[1]), row[-1]) for row in result.rows]
    if panel.like:
        like = run_panel(view, view.dashboard.panel(panel.like), ask)
        painted = colours([_shown(row[0]) for row in like.rows], panel.tone)
    else:
        painted = colours(_in_order(given, panel.tone), panel.tone)
    painted |= {OTHERS: GREY}
    order = list(painted)
    series = [name if name in painted else OTHERS for _, name, _ in given]
    shown = [name for name in order if name in set(series)]
    ours = not alone and result.columns[1] in OURS
    told = {name: say(name) if ours or name == OTHERS else name for name in order}
    unit, times, highest = _axis(given, panel.unit)
    one = alone or (len(shown) == 1 and panel.tone == "neutral")
    data = pa.table(
        {
            "start": [at for at, _, _ in given],
            "end": [ends.get(at, at) for at, _, _ in given],
            "from": [f"{show_time(at)} UTC" for at, _, _ in given],
            "name": [say(name) if ours or alone else name for _, name, _ in given],
            "series": [told[name] for name in series],
            "place": [order.index(name) for name in series],
            "n": [n for _, _, n in given],
            "up": [float(n) * times for _, _, n in given],
            "figure": [figure(n, panel.unit) for _, _, n in given],
        }
    )
    spec: Spec = {
        "height": TIME_HEIGHT,
        "params": [{"name": "brush", "select": {"type": "interval", "encodings": ["x"]}}],
        "mark": {"type": "bar", "orient": "vertical", "binSpacing": 0.5, "strokeWidth": 0},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "title": "UTC",
                "scale": {"type": "utc", "domain": time_domain(min(ends), max(ends.values()))},
                "axis": {
                    "grid": False,
                    "labelOverlap": True,
                    "tickCount": 8,
                    "labelExpr": time_label(),
                },
            },
            "x2": {"field": "end", "type": "temporal"},
            "y": {
                "field": "up",
                "type": "quantitative",
                "title": unit,
                "stack": "zero",
                "scale": {"domain": [0, highest or 1], "nice": True},
                "axis": {"tickCount": 5, "labelExpr": _COUNT_LABEL}
                | ({} if panel.unit in BYTES else {"tickMinStep": 1}),
            },
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {
                    "domain": [told[name] for name in shown],
                    "range": [painted[name] for name in shown],
                },
                "legend": None if panel.like or one else legend([told[name] for name in shown]),
            },
            "order": {"field": "place", "type": "quantitative"},
            "tooltip": [
                {"field": "from", "type": "nominal", "title": say(view.interval)},
                {"field": "name", "type": "nominal", "title": say(panel.label)},
                {"field": "figure", "type": "nominal", "title": say(panel.unit)},
            ],
        },
    }
    draw_chart(f"{view.dashboard.name}:{panel.title}", data, spec, brushed, say(panel.about))


def time_label() -> str:
    """How an axis writes a time in UTC: days and months as a reader does."""
    return (
        "utcseconds(datum.value) > 0 ? utcFormat(datum.value, '%H:%M:%S')"
        " : utchours(datum.value) + utcminutes(datum.value) > 0 ? utcFormat(datum.value, '%H:%M')"
        f" : utcdate(datum.value) > 1 ? utcFormat(datum.value, '{say('%d %b')}')"
        f" : utcmonth(datum.value) > 0 ? utcFormat(datum.value, '{say('%b %Y')}')"
        " : utcFormat(datum.value, '%Y')"
    )


def legend(names: Sequence[str]) -> dict[str, Any]:
    """Names above a chart, in as many columns as its width has room for."""
    wide = [_LEGEND + _LETTER * min(width(name), _LONGEST) for name in names]
    columns = "1"
    for n in range(2, len(names) + 1):  # a column is as wide as the widest name in it
        room = sum(max(wide[place::n]) for place in range(n))
        columns = f"width >= {room:.0f} ? {n} : {columns}"
    limit = int(_LETTER * _LONGEST)
    return {"orient": "top", "title": None, "labelLimit": limit, "columns": {"expr": columns}}


def picked(panel: Panel, values: Mapping[str, str | None], name: str) -> None:
    """A bar or a country was clicked: only events with its value, which `values` has where it is
    not the name. The rest has none."""
    value = values.get(name, name)
    if value is not None:
        choose_value(panel.field, value)


def choose_value(field: str, value: str, op: str = "is") -> None:
    """Only events with this value of a field; with `not` only those without it."""
    unknown = value == UNKNOWN and field in ("cloud.account.id", "cloud.region")
    none = "unset" if op == "is" else "set"
    try:
        add_filter(Filter(field, none if unknown else op, () if unknown else value))
    except UsageError as error:
        st.session_state["filter_problem"] = say_error(error)


def brushed(selection: dict[str, Any]) -> None:
    """A range was dragged: that time, to the minute."""
    span = (selection.get("brush") or {}).get("start")
    if span and len(span) == 2:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in sorted(span))
        set_time(start, end)


def named_values(result: PanelResult) -> list[tuple[str, str | None]]:
    """The name of each bar, and what a click on it filters on; None where that is nothing."""
    ours = result.columns[0] in OURS
    return [(_name(row, key, ours), _value(row, key)) for row, key in _keyed(result)]


def _keyed(result: PanelResult) -> list[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    return list(zip(result.rows, result.keys or ({},) * len(result.rows), strict=True))


def _name(row: tuple[Any, ...], key: Mapping[str, Any], ours: bool = False) -> str:
    """A bar's name: what all columns but the figure say; the first may be words of ours."""
    parts = [name_of(value) for n, value in enumerate(row[:-1]) if n == 0 or value is not None]
    if ours:
        parts[0] = say(parts[0])
    rest = say(REST) if key.get("_rest") else _OTHER
    return " · ".join(rest if part == _OTHER else part for part in parts)


def _value(row: tuple[Any, ...], key: Mapping[str, Any]) -> str | None:
    """What a click on a bar filters on: its first column, or what the query says in its stead."""
    rest = key.get("_rest") and row[0] == _OTHER
    return None if rest else name_of(key.get("_value", row[0]))


def name_of(value: Any) -> str:  # noqa: ANN401  whatever a panel groups by
    """A value as a chart writes it."""
    return "none" if value is None else str(value)


def _shown(value: Any) -> str:  # noqa: ANN401
    """The same, as it is drawn where nothing is filtered by it."""
    return shortened(name_of(value), LONGEST)


def _in_order(rows: list[tuple[datetime, str, Any]], tone: str) -> list[str]:
    """Names as their meaning orders them, the first at the bottom; others by their figures."""
    meant = list(MEANING.get(tone, {}))
    sums: dict[str, float] = {}
    for _, name, n in rows:
        sums[name] = sums.get(name, 0) + n
    return sorted(
        sums, key=lambda name: (meant.index(name) if name in meant else 99, -sums[name], name)
    )


def _axis(rows: Sequence[tuple[datetime, str, Any]], unit: str) -> tuple[str, float, float]:
    """What an axis of figures is called, how many of that one of them is, and how high it is: sizes
    in the unit of the highest bar, so that the axis has round numbers."""
    bars: dict[datetime, float] = {}
    for at, _, n in rows:
        bars[at] = bars.get(at, 0) + n
    highest = float(max(bars.values(), default=0))
    if unit not in BYTES:
        return say(unit), 1, highest
    name, times = size_unit(highest, unit)
    return name, times, highest * times


def time_domain(*ends: datetime) -> list[dict[str, int | bool]]:
    """What an axis of time spans, as Vega-Lite reads it."""
    return [
        {
            "year": moment.year,
            "month": moment.month,
            "date": moment.day,
            "hours": moment.hour,
            "minutes": moment.minute,
            "seconds": moment.second,
            "milliseconds": moment.microsecond // 1000,
            "utc": True,
        }
        for moment in ends
    ]
