"""Rows as a table: numbers with thousands, times in UTC, text as it is written."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.dashboards import Panel
    from lake.panels import PanelResult

ROW = 34
"""Height of a row in pixels."""

_MOST = 10


def height(rows: int, most: int = _MOST) -> Any:  # noqa: ANN401  Streamlit's type
    """As high as its rows; beyond `most` the table scrolls."""
    return "content" if rows <= most else ROW * (most + 1) + 3


def frame(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Rows as a data frame whose text stays text, numbers numbers and NULLs empty."""
    values = {n: [row[n] for row in rows] for n in range(len(columns))}
    found = pd.DataFrame({n: pd.Series(values[n], dtype=_kind(values[n])) for n in values})
    found.columns = pd.Index(_distinct(columns))
    return found


def column_config(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """How each column is written."""
    found: dict[str, Any] = {}
    for n, name in enumerate(_distinct(columns)):
        first = next((row[n] for row in rows if row[n] is not None), None)
        if isinstance(first, datetime):
            found[name] = st.column_config.DatetimeColumn(
                f"{columns[n]} (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"
            )
        elif isinstance(first, date):
            found[name] = st.column_config.DateColumn(columns[n], format="YYYY-MM-DD")
        elif isinstance(first, (int, float)) and not isinstance(first, bool):
            shape = "bytes" if columns[n] == "Bytes" else "localized"
            found[name] = st.column_config.NumberColumn(columns[n], format=shape)
        else:
            found[name] = st.column_config.TextColumn(columns[n])
    return found


def draw_table(panel: Panel, result: PanelResult) -> None:
    """A panel's rows, all of them; beyond ten the table scrolls."""
    st.dataframe(
        frame(result.columns, result.rows),
        hide_index=True,
        height=height(len(result.rows)),
        row_height=ROW,
        column_config=column_config(result.columns, result.rows),
        alt=panel.about,
    )


def _kind(values: list[Any]) -> Any:  # noqa: ANN401  a pandas dtype
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return "boolean"
    if present and all(isinstance(value, int) for value in present):
        return "Int64"
    if present and all(isinstance(value, datetime) for value in present):
        return pd.DatetimeTZDtype("us", "UTC")
    return None if present and isinstance(present[0], (float, date)) else "object"


def _distinct(columns: Sequence[str]) -> list[str]:
    """The names, told apart where two are equal: a frame for Arrow needs that."""
    return [
        name if columns.index(name) == n else f"{name} {n + 1}" for n, name in enumerate(columns)
    ]
