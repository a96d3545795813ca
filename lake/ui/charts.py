"""A panel as bars, and what a click on one of them does. A list of bars is the legend of the chart
over time that is like it (`lake.ui.timechart`): both take one set of colours.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.errors import UsageError
from lake.filters.filters import Filter
from lake.ui.accounts import with_name
from lake.ui.choosing import add_filter
from lake.ui.leaderboard import draw_leaderboard
from lake.ui.look import ACCENT, GREY, MEANING, OTHERS, SHADES, colours
from lake.ui.words import heard, say, say_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult
    from lake.dashboards.scope import View

UNKNOWN = "unknown"
REST = "all others"
"""The bar that sums up what a list has no room for: a query writes Other, and marks the row with
`_rest`, since that may be a value too."""
_OTHER = "Other"
OURS = ("filters", "series", "Figure", "Outcome", "Filter", "Status")
"""Columns whose values are words of a query or of the ledger, not of a log."""
UNRECOGNISED = "not recognised"
"""In a column of sources: what a query writes where an object is of none."""
REASONS = ("Why",)
"""The column of reasons of the ledger: ours, but for those that tell something of the log."""


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
        about=heard(panel),
    )


def picked(panel: Panel, values: Mapping[str, str | None], name: str, op: str) -> None:
    """A bar or a country was clicked: only events with its value, or, with `not`, only others;
    `values` has it where it is not the name. The rest has none."""
    value = values.get(name, name)
    if value is not None:
        choose_value(panel.field, value, op)


def choose_value(field: str, value: str | None, op: str = "is") -> None:
    """Only events with this value of a field, or with none; with `not` only the others."""
    unknown = value == UNKNOWN and field in ("cloud.account.id", "cloud.region")
    none = "unset" if op == "is" else "set"
    try:
        if value is None or unknown:
            add_filter(Filter(field, none))
        else:
            add_filter(Filter(field, op, value))
    except UsageError as error:
        st.session_state["filter_problem"] = say_error(error)


def cell_filter(
    panel: Panel, result: PanelResult, row: int, column: int
) -> tuple[str, str | None] | None:
    """What a cell of a table filters on: a field and its value, None where it has none; nothing
    where the column is of no field, or the cell is put together of others. A column whose name is
    the cell's after `_` says what the query has in its stead."""
    name = result.columns[column]
    field = dict(panel.fields).get(name)
    key = result.keys[row] if result.keys else {}
    if field is None:
        return None
    if f"_{name}" not in key:
        value = result.rows[row][column]
        return field, None if value is None else str(value)
    return None if key[f"_{name}"] is None else (field, str(key[f"_{name}"]))


def choose_cell(panel: Panel, result: PanelResult, row: int, column: int) -> None:
    """A cell was clicked: only events with its value, or with none where it has none."""
    found = cell_filter(panel, result, row, column)
    if found is not None:
        choose_value(*found)


def named_values(result: PanelResult, since: int = 0) -> list[tuple[str, str | None]]:
    """The name of each bar, and what a click on it filters on; None where that is nothing. `since`
    is the column with the value: of bars over time the second."""
    ours = result.columns[since] in OURS
    rows = [(row[since:], key) for row, key in _keyed(result)]
    return [(_name(row, key, ours), _value(row, key)) for row, key in rows]


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
    value = key.get("_value", row[0])
    rest = key.get("_rest") and row[0] == _OTHER
    return None if rest or value is None else str(value)


def name_of(value: Any) -> str:  # noqa: ANN401  whatever a panel groups by
    """A value as a chart writes it."""
    return say("none") if value is None else str(with_name(value))
