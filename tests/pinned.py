"""Panels against rows that were counted by hand, and against the SQL that they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lake.dashboards.panels import run_panel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.dashboards.scope import View
    from lake.query import Lake
    from lake.serve.queries import Ask


def ask_of(lake: Lake) -> Ask:
    """Asks the views of a lake."""
    return lambda query: query.ask(lake.cursor())


def has_rows(found: Mapping[str, dict[str, Any]], pinned: Mapping[str, Any]) -> None:
    """Each panel has the rows that are pinned by its title, all of them or (which row, that row),
    and no note."""
    for title, rows in pinned.items():
        if isinstance(rows, tuple):
            place, row = rows
            assert found[title]["rows"][place] == row, title
        else:
            assert found[title]["rows"] == rows, title
        assert found[title]["note"] is None


def shows_its_sql(lake: Lake, view: View) -> None:
    """The SQL that each panel shows gives the rows that it shows."""
    for panel in view.dashboard.panels:
        result = run_panel(view, panel, ask_of(lake))
        again = lake.cursor().execute(result.sql).fetchall()
        assert [row[: len(result.columns)] for row in again] == list(result.rows), panel.title
