"""What `lake panels` prints for people: the figures of a dashboard as one table, every other panel
under its title, and why a panel has nothing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from lake.jsonvalues import cell_value, shown
from lake.serve.accounts import with_name
from lake.terminal import keep_wide
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from lake.dashboards.panels import PanelResult

ROWS = 20
"""Rows of a panel that are printed; a chart over time has hundreds."""


def print_panels(
    results: Sequence[PanelResult], console: Console, names: Mapping[str, str] | None = None
) -> None:
    """A dashboard's panels in the order of its page, each once: under its present title. `names`
    are those of accounts, which stand beside the numbers."""
    own = [next(same) for _, same in groupby(results, lambda r: (r.sql, r.columns, r.chart))]
    for figures, group in groupby(own, _is_figure):
        if figures:
            console.print(_figures(list(group)))
            console.print()
            continue
        for result in group:
            console.print(Text(visible(result.title), "bold"))
            if result.rows:
                console.print(_rows(result, names or {}))
            if len(result.rows) > ROWS:
                more = len(result.rows) - ROWS
                console.print(Text(f"... and {more:,} more rows: --format json"))
            if result.note:
                console.print(Text(visible(result.note)))
            console.print()


def _is_figure(result: PanelResult) -> bool:
    return result.chart == "metric" and len(result.columns) <= 2 and not result.note


def _figures(results: list[PanelResult]) -> Table:
    """What is counted and its figure, and that of the period before where it was asked for."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    for result in results:
        earlier = {row[:-1]: row[-1] for row in result.before or ()}
        for *name, figure in result.rows:
            title = result.title
            if len(result.rows) > 1:
                title = ": ".join([title, *map(str, name)])
            before = earlier.get(tuple(name))
            told = "" if before is None else f"before: {shown(before)}"
            table.add_row(Text(visible(title)), Text(shown(figure)), Text(told))
    return keep_wide(table, 0)


def _rows(result: PanelResult, names: Mapping[str, str]) -> Table:
    """The first rows of a panel."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    rows = result.rows[:ROWS]
    texts = []
    for at, name in enumerate(result.columns):
        numbers = all(_is_number(row[at]) for row in rows)
        texts += [] if numbers else [at]
        table.add_column(
            Text(visible(name)), justify="right" if numbers else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(shown(with_name(value, names))) for value in row))
    return keep_wide(table, *texts)


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return isinstance(cell_value(value), (int, float)) and not isinstance(value, bool)
