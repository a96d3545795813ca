"""A figure's search finds what it counts: narrowed by it, or by the filters that it is, the figure
stays as it is, and the page has as many events, or where the figure counts something else, such as
findings, no fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.dashboards.dashboards import Panel, dashboards
from lake.dashboards.panels import run_panel
from lake.dashboards.scope import view_of
from lake.errors import SourceError
from lake.filters.filters import Filter
from lake.filters.search import read_search
from lake.filters.selection import Selection
from lake.query import Lake, open_lake
from lake.ui.charts import cell_filter

if TYPE_CHECKING:
    from pathlib import Path

    from lake.dashboards.dashboards import Dashboard
    from lake.dashboards.panels import PanelResult
    from lake.serve.queries import Answer, Query

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


def figure_of(
    lake: Lake, page: Dashboard, panel: Panel, name: str, chosen: Selection
) -> tuple[int, int]:
    """A figure under a selection, and how many events the page has under it."""

    def ask(query: Query) -> Answer:
        return lake.answer(query)

    view = view_of(page, chosen, ask)
    rows = run_panel(view, panel, ask).rows
    (value,) = [row[-1] for row in rows if not name or row[0] == name]
    return value, view.shown.events


@pytest.mark.parametrize(
    ("page", "panel", "name"), SEARCHES, ids=[f"{p.name}: {q.title} {n}" for p, q, n in SEARCHES]
)
def test_a_search_finds_what_its_figure_counts(
    demo: Lake, page: Dashboard, panel: Panel, name: str
) -> None:
    whole, _ = figure_of(demo, page, panel, name, Selection())
    search = read_search(panel.search_for(name))
    assert search is not None
    narrowed, events = figure_of(demo, page, panel, name, Selection(search=search))
    assert narrowed == whole
    as_filters = figure_of(demo, page, panel, name, Selection(filters=search.filters))
    assert as_filters == (narrowed, events) or not search.filters
    if panel.title in OF_OTHERS or name in OF_OTHERS:
        assert events >= whole
    else:
        assert events == whole


CELLS = [(page, panel) for page in dashboards().values() for panel in page.panels if panel.fields]


@pytest.mark.parametrize(
    ("page", "panel"), CELLS, ids=[f"{page.name}: {panel.title}" for page, panel in CELLS]
)
def test_a_cell_finds_the_rows_that_have_it(demo: Lake, page: Dashboard, panel: Panel) -> None:
    """The first cell of each column that leads on: its row stays, and every row left has it."""
    about = (Filter("entity.address", "is", "26.77.13.201"),) if page.entity else ()

    def rows(*chosen: Filter) -> PanelResult:
        return run_panel(view_of(page, Selection(filters=about + chosen), ask), panel, ask)

    def ask(query: Query) -> Answer:
        return demo.answer(query)

    result = rows()
    for column, _ in panel.fields:
        at = result.columns.index(column)
        place = next(n for n, row in enumerate(result.rows) if row[at] is not None)
        found = cell_filter(panel, result, place, at)
        assert found is not None
        assert found[1] is not None
        narrowed = rows(Filter(found[0], "is", found[1])).rows
        assert result.rows[place] in narrowed
        assert {row[at] for row in narrowed} == {result.rows[place][at]}


@pytest.mark.parametrize("figure", ["fields", "search"])
def test_a_field_that_no_table_has_is_refused(figure: str) -> None:
    given = {"fields": (("Name", "no.such"),), "search": (("", "no.such:1"),)}[figure]
    block = dashboards()["cloudtrail"].panels[0].block
    with pytest.raises(SourceError, match=r"panel 'Odd': .*field 'no\.such'"):
        Panel(title="Odd", query="odd", chart="metric", block=block, **{figure: given})
