"""What a chart offers to a click or a drag, as lists: for whoever has no mouse, and to leave a
value out. A panel's values become filters of the page, a bar of time its range.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.ask.output import distinct_names
from lake.filters.filters import show_time
from lake.ui.charts import cell_filter, choose_value, name_of, named_values
from lake.ui.choosing import set_time
from lake.ui.text import figure
from lake.ui.timechart import slices
from lake.ui.words import eye, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult

_LONGEST = 80


def draw_values(
    key: str, panel: Panel, result: PanelResult, ends: Mapping[datetime, datetime]
) -> None:
    """The list and its buttons, in the popover of this key; nothing for a panel whose chart takes
    no click."""
    if panel.chart in ("area", "line"):
        starts = sorted({row[0] for row in result.rows if row[0] in ends})
        times = {show_time(at): (at, ends[at]) for at in starts}
        _list(key, "time", say("At (UTC)"), times, {say("Only this time"): _chosen_time})
        sums: dict[tuple[str, str | None], float] = {}
        for one, row in zip(slices(panel, result), result.rows, strict=True):
            sums[one] = sums.get(one, 0) + row[-1]
        _draw_list(key, panel, sorted(sums.items(), key=lambda each: -each[1]))
    elif panel.chart in ("bar", "map") and panel.field:
        figures = (row[-1] for row in result.rows)
        _draw_list(key, panel, zip(named_values(result), figures, strict=True))
    elif panel.fields:
        found = cells(panel, result)
        if found:
            _list(key, "value", say("Value"), found, _both(_choose_cell))


def cells(panel: Panel, result: PanelResult) -> dict[str, tuple[str, str | None]]:
    """The cells of a table that filter, by how a list writes them: column and value, each once."""
    places = [(n, m) for m in range(len(result.columns)) for n in range(len(result.rows))]
    found = {
        (result.columns[m], name_of(result.rows[n][m])): cell
        for n, m in places
        if (cell := cell_filter(panel, result, n, m)) is not None
    }
    labels = [f"{column}: {eye(name, _LONGEST)}" for column, name in found]
    return dict(zip(distinct_names(labels), found.values(), strict=True))


def _draw_list(
    key: str, panel: Panel, named: Iterable[tuple[tuple[str, str | None], float]]
) -> None:
    """Names and figures, to filter by the value of each that has one."""
    given = [(name, value, n) for (name, value), n in named if value is not None]
    # two long names may be alike as far as they are shown
    labels = distinct_names(
        [f"{eye(name, _LONGEST)} ({figure(n, panel.unit)})" for name, _, n in given]
    )
    values = dict(zip(labels, (value for _, value, _ in given), strict=True))
    if values:
        both = _both(partial(choose_value, panel.field))
        _list(key, "value", say("Value"), values, both)


def _both(choose: Callable[[Any, str], None]) -> dict[str, Callable[[Any], None]]:
    """The buttons to choose a value, and to leave it out."""
    return {
        say("Only this"): lambda value: choose(value, "is"),
        say("Not this"): lambda value: choose(value, "not"),
    }


def _list(
    popover: str,
    kind: str,
    label: str,
    options: Mapping[str, Any],
    buttons: Mapping[str, Callable[[Any], None]],
) -> None:
    key = f"{popover}:{kind}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(label, list(options), key=key)
        for said, act in buttons.items():
            st.button(said, key=f"{key}:{said}", on_click=_act, args=(popover, key, options, act))


def _act(popover: str, key: str, options: Mapping[str, Any], act: Callable[[Any], None]) -> None:
    """What is chosen becomes what the page shows, which the popover would hide."""
    chosen = str(st.session_state.get(key))
    if chosen in options:
        act(options[chosen])
        st.session_state[popover] = False


def _choose_cell(cell: tuple[str, str | None], op: str) -> None:
    field, value = cell
    choose_value(field, value, op)


def _chosen_time(bar: tuple[datetime, datetime]) -> None:
    set_time(*bar)
