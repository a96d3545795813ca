"""Rows as a table: numbers with thousands, times in UTC, text as it is written."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from lake.ask.output import distinct_names
from lake.ui.accounts import with_name
from lake.ui.charts import OURS, REASONS, UNRECOGNISED, choose_cell
from lake.ui.paper import EMPTY, draw_on_paper
from lake.ui.words import heard, say, say_known
from lake.visible import LONGEST, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lake.dashboards.dashboards import Panel
    from lake.dashboards.panels import PanelResult

ROW = 34
"""Height of a row in pixels."""

_MOST = 10


def height(rows: int, most: int = _MOST) -> Any:  # noqa: ANN401  Streamlit's type
    """As high as its rows; a table of half as many again as `most`, and more, scrolls."""
    return "content" if rows < most + most // 2 else ROW * (most + 1) + 3


def frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as an Arrow table, each column typed by its values, NULLs kept."""
    values = [[for_the_eye(row[n]) for row in rows] for n in range(len(columns))]
    return pa.table([_array(column) for column in values], names=distinct_names(columns))


def named_accounts(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The rows with the names of accounts beside their numbers."""
    return [tuple(map(with_name, row)) for row in rows]


def column_config(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """How each column is written."""
    found: dict[str, Any] = {}
    told = zip(distinct_names(columns), labels(columns, rows), strict=True)
    for n, (name, label) in enumerate(told):
        first = _first(rows, n)
        if isinstance(first, datetime):
            found[name] = st.column_config.DatetimeColumn(
                label, format="YYYY-MM-DD HH:mm:ss", timezone="UTC"
            )
        elif isinstance(first, date):
            found[name] = st.column_config.DateColumn(label, format="YYYY-MM-DD")
        elif isinstance(first, (int, float)) and not isinstance(first, bool):
            shape = "%.0f" if columns[n].endswith("port") else _shape([row[n] for row in rows])
            found[name] = st.column_config.NumberColumn(label, format=shape)
        else:
            found[name] = st.column_config.TextColumn(label)
    return found


def _shape(values: Sequence[Any]) -> str:
    """How numbers are written: with thousands, and three decimals at most; where all are small,
    with six digits. ("plain" writes 443 as 442.99999999999994, "bytes" counts in thousands.)"""
    parts = [abs(value) for value in values if isinstance(value, float)]
    return "%.6g" if parts and max(parts) < 1 else "localized"


def labels(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """What stands above each column: a field's own name, which begins with a small letter, or our
    words; of times, which zone they are in."""
    found = []
    for n, column in enumerate(columns):
        label = column if column[:1].islower() else say_known(column)
        found.append(f"{label} (UTC)" if isinstance(_first(rows, n), datetime) else label)
    return found


def _first(rows: Sequence[Sequence[Any]], n: int) -> Any:  # noqa: ANN401  whatever a query gives
    """A column's first value."""
    return next((row[n] for row in rows if row[n] is not None), None)


def draw_table(key: str, panel: Panel, result: PanelResult) -> None:
    """A panel's rows, all of them; beyond ten the table scrolls. A click on a cell whose column is
    of a field filters on it; a keyboard goes past such a table, since its focus alone would choose
    (`page.js`), and has the cells behind the card's button."""
    turn = st.session_state.get(f"{key}:turn", 0)
    # a fresh one after each choice, which is not to stay marked
    name = f"{'cells:' if panel.fields else ''}{key}:{turn}"

    def on_select() -> None:
        cells = st.session_state[name]["selection"]["cells"]
        for row, column in cells:
            choose_cell(panel, result, row, distinct_names(result.columns).index(column))
        st.session_state[f"{key}:turn"] = turn + 1

    words: dict[int, Callable[[str], str]] = {}
    for n, column in enumerate(result.columns):
        if column in OURS or column in REASONS:
            words[n] = say if column in OURS else say_known
        elif column == "Source":
            words[n] = _source
    rows = [
        tuple(words[n](str(value)) if n in words else value for n, value in enumerate(row))
        for row in named_accounts(result.rows)
    ]
    st.dataframe(
        frame(result.columns, rows),
        hide_index=True,
        height=height(len(rows)),
        row_height=ROW,
        placeholder=EMPTY,
        column_config=column_config(result.columns, rows),
        key=name,
        on_select=on_select if panel.fields else "ignore",
        selection_mode="single-cell",
        alt=heard(panel),
    )
    draw_on_paper(labels(result.columns, rows), rows)


def for_the_eye(value: Any, longest: int = LONGEST) -> Any:  # noqa: ANN401
    """A value of a log, or a tree of them, whose texts print and are not endless."""
    if isinstance(value, str):
        return shortened(value, longest)
    if isinstance(value, dict):
        return {shortened(k, longest): for_the_eye(v, longest) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_the_eye(item, longest) for item in value]
    return value


def _source(name: str) -> str:
    """A source's name, which is nobody's word to translate, or that there is none."""
    return say(name) if name == UNRECOGNISED else name


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values])
