"""A page of the app without a browser: opened as a link opens it, and what stands on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from streamlit.util import calc_hash

from lake.dashboards import find_dashboard
from lake.panels import PanelResult, run_panel
from lake.scope import view_of

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from lake.filters import Selection
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
