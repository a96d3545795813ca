"""A figure's search finds what it counts: narrowed by it, the figure stays as it is, and the page
has as many events, or where the figure counts something else, such as findings, no fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.dashboards import Panel, dashboards
from lake.errors import SourceError
from lake.filters import Selection
from lake.panels import run_panel
from lake.query import Lake, open_lake
from lake.scope import view_of
from lake.search import read_search

if TYPE_CHECKING:
    from pathlib import Path

    from lake.dashboards import Dashboard
    from lake.queries import Answer, Query

OF_OTHERS = ("GuardDuty - Severity Count by Findings", "GuardDuty - Findings", "Sources rejected")
"""Figures of findings and of addresses, each of which may have several events."""
SEARCHES = [
    (page, panel, figure)
    for page in dashboards().values()
    for panel in page.panels
    for figure, _ in panel.search
]


@pytest.fixture(scope="module")
def demo(demo_folder: Path) -> Lake:
    return open_lake(demo_folder / "lakehouse", locked=True)


def figure_of(lake: Lake, page: Dashboard, panel: Panel, name: str, search: str) -> tuple[int, int]:
    """A figure under a search, and how many events the page has under it."""

    def ask(query: Query) -> Answer:
        return lake.answer(query)

    view = view_of(page, Selection(search=read_search(search)), ask)
    rows = run_panel(view, panel, ask).rows
    (value,) = [row[-1] for row in rows if not name or row[0] == name]
    return value, view.shown.events


@pytest.mark.parametrize(
    ("page", "panel", "name"), SEARCHES, ids=[f"{p.name}: {q.title} {n}" for p, q, n in SEARCHES]
)
def test_a_search_finds_what_its_figure_counts(
    demo: Lake, page: Dashboard, panel: Panel, name: str
) -> None:
    whole, _ = figure_of(demo, page, panel, name, "")
    narrowed, events = figure_of(demo, page, panel, name, panel.search_for(name))
    assert narrowed == whole
    if panel.title in OF_OTHERS or name in OF_OTHERS:
        assert events >= whole
    else:
        assert events == whole


@pytest.mark.parametrize("figure", ["fields", "search"])
def test_a_field_that_no_table_has_is_refused(figure: str) -> None:
    given = {"fields": (("Name", "no.such"),), "search": (("", "no.such:1"),)}[figure]
    block = dashboards()["cloudtrail"].panels[0].block
    with pytest.raises(SourceError, match=r"panel 'Odd': .*field 'no\.such'"):
        Panel(title="Odd", query="odd", chart="metric", block=block, **{figure: given})
