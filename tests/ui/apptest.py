"""A page of the app without a browser: opened as a link opens it, and what stands on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from streamlit.util import calc_hash

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import PanelResult, run_panel
from lake.dashboards.scope import view_of

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from lake.filters.selection import Selection
    from lake.query import Lake

APP = Path(__file__).resolve().parents[2] / "app_streamlit.py"
DRAWN = ("bar", "area", "line")


def open_page(app: AppTest, name: str, **params: str | list[str]) -> AppTest:
    """The page as a link with these parameters opens it."""
    for key, value in params.items():
        app.query_params[key] = value
    if name != "overview":
        app._page_hash = calc_hash(name)  # as st.navigation counts it
    app.run()
    assert not app.exception
    return app


def choose_row(app: AppTest, table: str, row: int, column: str = "@timestamp") -> None:
    """Choose a cell of a row of the page's table of rows, whose key begins so, and run."""
    key = next(key for key in app.session_state if key.startswith(f"{table}:rows:"))
    app.session_state[key] = {"selection": {"rows": [], "columns": [], "cells": [[row, column]]}}
    app.run()


def wanted(lake: Lake, name: str, selection: Selection) -> list[PanelResult]:
    def ask(query: Any) -> Any:  # noqa: ANN401
        return query.ask(lake.cursor())

    view = view_of(find_dashboard(name), selection, ask)
    return [run_panel(view, panel, ask) for panel in view.dashboard.panels]


def figures(app: AppTest) -> list[int]:
    """The metrics, which may be written in a colour."""
    return [int(re.sub(r"^:\w+\[|[\],]", "", metric.value)) for metric in app.metric]


def drawn(app: AppTest) -> list[dict[str, list[Any]]]:
    """The data of each chart on the page itself, in page order; the map has its own kind."""
    found = []
    for element in app.main.get("vega_lite_chart"):
        if element.proto.data.data:
            found.append(pa.ipc.open_stream(element.proto.data.data).read_all().to_pydict())
    return found


def shows(
    app: AppTest, results: list[PanelResult]
) -> list[tuple[dict[str, list[Any]], PanelResult]]:
    """The page has the metrics and the charts of these results. Gives each chart's data with its
    result."""
    numbers = [row[-1] for result in results if result.chart == "metric" for row in result.rows]
    assert figures(app) == numbers
    charts = [r for r in results if r.chart in DRAWN and not r.note]
    shown = drawn(app)
    assert [chart["n"] for chart in shown] == [[row[-1] for row in r.rows] for r in charts]
    return list(zip(shown, charts, strict=True))


def explains_every_panel(app: AppTest, name: str) -> None:
    """Each panel of the page tells its full title and what it counts."""
    helps = [e.proto.help.replace("\\", "") for e in [*app.metric, *app.main.markdown]]
    titles = {panel.title for panel in find_dashboard(name).panels}
    assert {text.split(": ")[0] for text in helps if text} == titles
