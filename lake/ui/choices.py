"""Lists to choose a filter from: each value with its events. The panel's rows are a list's name, a
value and its figure; `_field` says what the value filters on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from lake.ui.accounts import with_name
from lake.ui.charts import choose_value
from lake.ui.text import count, plain
from lake.ui.words import say
from lake.visible import shortened

if TYPE_CHECKING:
    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult
    from lake.dashboards.scope import View

_NARROWEST = 190
_LONGEST = 80


def draw_choices(view: View, panel: Panel, result: PanelResult) -> None:
    """A list for each name, side by side; what is chosen becomes a filter of the page."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (name, value, n), handle in zip(result.rows, result.keys, strict=True):
        found.setdefault((name, handle["_field"]), {})[value] = n
    grid = st.grid(4, min_column_width=_NARROWEST)
    for (name, field), values in found.items():
        key = f"{view.dashboard.name}:{panel.title}:{name}"
        with grid.cell():
            st.selectbox(
                plain(say(name)),
                list(values),
                index=None,
                placeholder=say("{count} values", count=count(len(values))),
                format_func=partial(_words, values),
                key=key,
                on_change=_chosen,
                args=(key, field),
            )


def _words(values: dict[str, int], value: str) -> str:
    return f"{shortened(with_name(value), _LONGEST)} ({count(values.get(value, 0))})"


def _chosen(key: str, field: str) -> None:
    value = st.session_state[key]
    if value is not None:
        choose_value(field, value)
        st.session_state[key] = None
