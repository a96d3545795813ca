"""A table for paper. On the screen a table is a drawing of the part that is in sight; a printer
gets all of its rows and columns, from a plain one beside it that nothing else shows (`style.css`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from lake.ui.text import count
from lake.ui.words import say
from lake.visible import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

PRINTED = 200
"""Rows that are printed: five sheets, about. A file has more."""
EMPTY = "–"  # noqa: RUF001
"""What a cell without a value has, on the screen too: an empty text has none."""
_LONGEST = 200
_ACROSS = 180
"""Letters that go on a sheet side by side: a column takes its part before its values are broken."""


def draw_on_paper(
    labels: Sequence[str], rows: Sequence[Sequence[Any]], of: int | None = None
) -> None:
    """The rows of the table that was drawn right before, the first of so many."""
    of = len(rows) if of is None else of
    shown = [[_text(value, labels[n]) for n, value in enumerate(row)] for row in rows[:PRINTED]]
    part = _ACROSS // max(len(labels), 1)
    head = ""
    for n, label in enumerate(labels):
        wide = min(max((len(row[n]) for row in shown), default=0), part)
        head += (
            f'<th style="min-width: {wide}ch">{escape(visible(label)).replace(".", ".<wbr>")}</th>'
        )
    body = "".join(
        f"<tr>{''.join(map(_cell, row, given))}</tr>"
        for row, given in zip(shown, rows, strict=False)
    )
    more = ""
    if of > len(shown):
        told = say("{some} of {all} rows", some=count(len(shown)), all=count(of))
        more = f"<caption>{escape(told)}</caption>"
    st.html(
        f'<table class="paper" aria-hidden="true">{more}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _cell(text: str, value: Any) -> str:  # noqa: ANN401  whatever a query gives
    kind = ' class="number"' if isinstance(value, (int, float)) else ""
    return f"<td{kind}>{escape(text)}</td>"


def _text(value: Any, label: str) -> str:  # noqa: ANN401
    if value is None:
        return EMPTY
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (bool, date)) or label.endswith("port"):
        return str(value)
    return f"{value:,}" if isinstance(value, (int, float)) else shortened(str(value), _LONGEST)
