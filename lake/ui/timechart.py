"""A panel as stacked bars over time. A drag chooses a range; a click on a slice the events with its
value, or, where slices have none, the time of the bar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from lake.dashboards.panels import run_panel
from lake.filters.filters import show_time
from lake.ui.charts import OURS, choose_value, name_of, named_values
from lake.ui.choosing import set_time
from lake.ui.clicks import LONGEST, Spec, clicked_in, draw_chart, leave, leaving, picks
from lake.ui.look import GREY, MEANING, OTHERS, colours
from lake.ui.text import BYTES, figure, size_unit, width
from lake.ui.words import eye, heard, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult
    from lake.dashboards.scope import View
    from lake.serve.queries import Ask

Act = Callable[[str], None]
"""What a click does: with `is`, or with `not`."""

TIME_HEIGHT = 165
_COUNT_LABEL = "datum.value < 1e5 ? format(datum.value, ',~r') : format(datum.value, '.3~s')"
_LEGEND, _LETTER = 30, 6.5
"""Pixels of an entry's mark and gaps in a legend, and of a letter of its name."""
_PLACE = "(width ? containerSize()[0] : 0)"
"""How wide a chart's place is, looked at anew whenever its width changes. Not the width itself:
that of the bars is found after the legend has its place, of which more lines would be cut off."""
_BESIDE = 60
"""Pixels of a chart's place beside its bars: the axis of figures."""
_LONGEST = 46
"""Letters of a name that a legend shows."""
_NO_TITLE = {"padding": 2, "titlePadding": 0, "titleFontSize": 0}
"""Of a legend: a title takes its 33 pixels from the bars also where there is none."""
_TICKS = 8
"""Marks of an axis of time, more or less."""
_PARTS = 50
"""Of an axis: a drag over less than one, 8 to 20 pixels, is the click of a hand that moved."""


@dataclass(frozen=True, slots=True)
class _Series:
    """What the slices of a chart are of. Row by row: the `names` of the slices, and the series that
    each is drawn as (`of`). By series, the first at the bottom: colours, and the names in the
    reader's language (`told`)."""

    names: list[str]
    of: list[str]
    colours: dict[str, str]
    told: dict[str, str]

    @property
    def shown(self) -> list[str]:
        """Those that have a slice."""
        drawn = set(self.of)
        return [name for name in self.colours if name in drawn]


def draw_time(
    view: View, panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime], ask: Ask
) -> None:
    """Stacked bars over time; the largest of the panel it is like stand at the bottom. An answer of
    a time and a figure alone is one series, without a legend."""
    series = _series(view, panel, result, ask)
    alone = len(result.columns) == 2
    bare = bool(panel.like) or alone or (len(series.shown) == 1 and panel.tone == "neutral")
    acts = _acts(panel, result, ends)
    entries = {} if bare else _entries(panel, result, acts, [series.told[n] for n in series.of])
    axis = _axis(result.rows, panel.unit)
    spec = _spec(view, panel, ends, series, axis, None if bare else entries)
    if any(value is not None for _, value in slices(panel, result)):
        spec["encoding"]["tooltip"].append(leave())
    key = f"{view.dashboard.name}:{panel.title}"
    least = (max(ends.values()) - min(ends)) / _PARTS
    data = _data(panel, result, ends, series, axis)
    draw_chart(key, data, spec, partial(chosen, acts, entries, least), heard(panel))


def _series(view: View, panel: Panel, result: PanelResult, ask: Ask) -> _Series:
    alone = len(result.columns) == 2
    names = [panel.label if alone else _shown(row[1]) for row in result.rows]
    painted = _painted(view, panel, result, names, ask)
    ours = not alone and result.columns[1] in OURS
    return _Series(
        [say(name) if ours or alone else name for name in names],
        [name if name in painted else OTHERS for name in names],
        painted,
        {name: say(name) if ours or name == OTHERS else name for name in painted},
    )


def _data(
    panel: Panel,
    result: PanelResult,
    ends: Mapping[datetime, datetime],
    series: _Series,
    axis: _Axis,
) -> pa.Table:
    """A row a slice: its bar, what it is called, how high it is, and where a click finds it."""
    order = list(series.colours)
    began = [f"{show_time(row[0])} UTC" for row in result.rows]
    figures = [figure(row[-1], panel.unit) for row in result.rows]
    told = zip(began, series.names, figures, strict=True)
    return pa.table(
        {
            "start": [row[0] for row in result.rows],
            "end": [ends.get(row[0], row[0]) for row in result.rows],
            "from": began,
            "name": series.names,
            "series": [series.told[name] for name in series.of],
            "place": [order.index(name) for name in series.of],
            "n": [float(row[-1]) for row in result.rows],
            "up": [float(row[-1]) * axis.times for row in result.rows],
            "figure": figures,
            "heard": [f"{at}, {name}, {say(panel.unit)}: {n}" for at, name, n in told],
            "row": list(range(len(result.rows))),
            **leaving(len(result.rows)),
        }
    )


def _spec(
    view: View,
    panel: Panel,
    ends: Mapping[datetime, datetime],
    series: _Series,
    axis: _Axis,
    entries: Mapping[str, Act] | None,
) -> Spec:
    """The chart; without a legend where there are no `entries` of one (None)."""
    shown = [series.told[name] for name in series.shown]
    return {
        **sized(TIME_HEIGHT),
        "params": [
            {"name": "brush", "select": {"type": "interval", "encodings": ["x"]}},
            *picks("row"),
            *(picks("series", bind="legend") if entries else ()),
        ],
        "mark": {
            "type": "bar",
            "orient": "vertical",
            "binSpacing": 0.5,
            "strokeWidth": 0,
            "cursor": "pointer",
        },
        "encoding": {
            **_axes(axis, ends, whole=panel.unit not in BYTES),
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": {
                    "domain": shown,
                    "range": [series.colours[name] for name in series.shown],
                },
                "legend": None if entries is None else legend(shown),
            },
            "order": {"field": "place", "type": "quantitative"},
            "description": {"field": "heard", "type": "nominal"},
            "tooltip": [
                {"field": "from", "type": "nominal", "title": say(view.interval)},
                {"field": "name", "type": "nominal", "title": say(panel.label)},
                {"field": "figure", "type": "nominal", "title": say(panel.unit)},
            ],
        },
    }


def slices(panel: Panel, result: PanelResult) -> list[tuple[str, str | None]]:
    """What each row's slice is called and what it filters on; None where that is nothing."""
    if not panel.field or len(result.columns) == 2:
        return [("", None)] * len(result.rows)
    return named_values(result, since=1)


def chosen(
    acts: Sequence[Act], entries: Mapping[str, Act], least: timedelta, selection: dict[str, Any]
) -> None:
    """A range was dragged: that time, to the minute; not where it is shorter than `least` and a
    slice was clicked as well. A slice was clicked, or an entry of the legend: what its row does."""
    rows = list(clicked_in(selection, "row"))
    span = (selection.get("brush") or {}).get("start")
    if span and len(span) == 2:
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in sorted(span))
        if not rows or end - start >= least:
            set_time(start, end)
            return
    for row, op in rows:
        acts[int(row)](op)
    for name, op in clicked_in(selection, "series"):
        if name in entries:
            entries[name](op)


def time_label() -> str:
    """How an axis writes a time in UTC: days and months as a reader does."""
    return (
        "utcmilliseconds(datum.value) > 0 ? utcFormat(datum.value, '%H:%M:%S.%L')"
        " : utcseconds(datum.value) > 0 ? utcFormat(datum.value, '%H:%M:%S')"
        " : utchours(datum.value) + utcminutes(datum.value) > 0 ? utcFormat(datum.value, '%H:%M')"
        f" : utcdate(datum.value) > 1 ? utcFormat(datum.value, '{say('%d %b')}')"
        f" : utcmonth(datum.value) > 0 ? utcFormat(datum.value, '{say('%b %Y')}')"
        " : utcFormat(datum.value, '%Y')"
    )


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


def sized(height: int) -> dict[str, Any]:
    """As wide as its place, and so high without what stands around it: a legend takes a line more
    wherever it has no room, from the bars in a chart whose height is fixed."""
    return {"height": height, "autosize": {"type": "fit-x", "contains": "padding"}}


def legend(names: Sequence[str]) -> dict[str, Any]:
    """Names above a chart, in as many columns as its width has room for."""
    wide = [_LEGEND + _LETTER * min(width(name), _LONGEST) for name in names]
    columns = "1"
    for n in range(2, len(names) + 1):  # a column is as wide as the widest name in it
        room = sum(max(wide[place::n]) for place in range(n))
        columns = f"{_PLACE} >= {room + _BESIDE:.0f} ? {n} : {columns}"
    limit = int(_LETTER * _LONGEST)
    return {
        "orient": "top",
        "title": None,
        **_NO_TITLE,
        "offset": 6,
        "labelLimit": limit,
        "columns": {"expr": columns},
    }


def _acts(panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime]) -> list[Act]:
    """What a click on each row's slice does, with `is` or `not`."""
    return [
        partial(_time_of, row[0], ends.get(row[0], row[0]))
        if value is None
        else partial(choose_value, panel.field, value)
        for row, (_, value) in zip(result.rows, slices(panel, result), strict=True)
    ]


def _time_of(start: datetime, end: datetime, op: str) -> None:
    if op == "is":
        set_time(start, end)


def _entries(
    panel: Panel, result: PanelResult, acts: Sequence[Act], series: Sequence[str]
) -> dict[str, Act]:
    """What a click on an entry of the legend does: that of a slice of its name, where it is of one
    value."""
    values: dict[str, set[str | None]] = {}
    for name, (_, value) in zip(series, slices(panel, result), strict=True):
        values.setdefault(name, set()).add(value)
    alike = zip(series, acts, strict=True)
    return {name: act for name, act in alike if len(values[name]) == 1 and None not in values[name]}


def _painted(
    view: View, panel: Panel, result: PanelResult, names: Sequence[str], ask: Ask
) -> dict[str, str]:
    """The colour of each name, the first at the bottom; what has none of its own is grey."""
    if panel.like:
        like = run_panel(view, view.dashboard.panel(panel.like), ask)
        known = [_shown(row[0]) for row in like.rows]
    else:
        known = _in_order(names, [row[-1] for row in result.rows], panel.tone)
    return colours(known, panel.tone) | {OTHERS: GREY}


def _in_order(names: Sequence[str], figures: Sequence[float], tone: str) -> list[str]:
    """Names as their meaning orders them, the first at the bottom; others by their figures."""
    meant = list(MEANING.get(tone, {}))
    sums: dict[str, float] = {}
    for name, n in zip(names, figures, strict=True):
        sums[name] = sums.get(name, 0) + n
    return sorted(
        sums, key=lambda name: (meant.index(name) if name in meant else 99, -sums[name], name)
    )


def _axes(axis: _Axis, ends: Mapping[datetime, datetime], *, whole: bool) -> dict[str, Any]:
    """The axis of time, from the first bar to the end of the last, and that of figures. No bar is
    shorter than a second, and no mark stands within one."""
    short = max(ends.values()) - min(ends) <= timedelta(seconds=_TICKS)
    return {
        "x": {
            "field": "start",
            "type": "temporal",
            "title": "UTC",
            "scale": {"type": "utc", "domain": time_domain(min(ends), max(ends.values()))},
            "axis": {
                "grid": False,
                "titlePadding": 4,
                "labelOverlap": True,
                "tickCount": {"interval": "seconds", "step": 1} if short else _TICKS,
                "labelExpr": time_label(),
            },
        },
        "x2": {"field": "end", "type": "temporal"},
        "y": {
            "field": "up",
            "type": "quantitative",
            "title": axis.title,
            "stack": "zero",
            "scale": {"domain": [0, axis.highest or 1], "nice": True},
            "axis": {"tickCount": 5, "labelExpr": _COUNT_LABEL}
            | ({"tickMinStep": 1} if whole else {}),
        },
    }


class _Axis(NamedTuple):
    """An axis of figures: what it is called, how many of that one of them is, how high it is."""

    title: str
    times: float
    highest: float


def _axis(rows: Sequence[tuple[Any, ...]], unit: str) -> _Axis:
    """Sizes are in the unit of the highest bar, so that the axis has round numbers."""
    bars: dict[datetime, float] = {}
    for at, *_, n in rows:
        bars[at] = bars.get(at, 0) + n
    highest = float(max(bars.values(), default=0))
    if unit not in BYTES:
        return _Axis(say(unit), 1, highest)
    name, times = size_unit(highest, unit)
    return _Axis(name, times, highest * times)


def _shown(value: Any) -> str:  # noqa: ANN401  whatever a panel groups by
    """A value as a legend and a tooltip write it."""
    return eye(name_of(value), LONGEST)
