"""The pages of GuardDuty, AWS WAF and CloudFront without a browser: what stands on them equals its
SQL, sections fold, lists and bars choose filters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import edge_lake
import pytest
from apptest import drawn, explains_every_panel, figures, open_page, shows, wanted
from small_lake import SINGAPORE

from lake.dashboards.dashboards import find_dashboard
from lake.filters.filters import Filter
from lake.filters.selection import Selection
from lake.ui.charts import picked
from lake.ui.look import colours
from lake.ui.text import figure
from lake.ui.timechart import _axis, legend

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from lake.query import Lake

PAGES = ["guardduty", "waf", "cloudfront"]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return edge_lake.make(tmp_path_factory.mktemp("edge"))


@pytest.mark.parametrize("params", [{}, {"f": [f"source.ip is {SINGAPORE}"]}], ids=["all", "one"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_its_sql_gives(
    lake: Lake, app: AppTest, name: str, params: dict[str, list[str]]
) -> None:
    chosen = Selection(filters=tuple(map(Filter.parse, params.get("f", []))))
    results = wanted(lake, name, chosen)
    open_page(app, name, **params)
    if all(result.note for result in results):
        assert [info.value.replace("\\", "") for info in app.info] == [results[0].note]
        return
    for chart, result in shows(app, results):
        if len(result.columns) == 3 or result.chart == "bar":
            assert chart["name"] == [str(row[-2]) for row in result.rows]
    if not params:
        explains_every_panel(app, name)


def test_a_folded_section_asks_and_shows_nothing_on_the_next_visit_too(app: AppTest) -> None:
    open_page(app, "guardduty")
    before = len(drawn(app))
    app.session_state["guardduty:What:section:en"] = False
    app.run()
    assert not app.exception
    assert len(drawn(app)) == before - 4
    open_page(app, "waf")
    open_page(app, "guardduty")
    assert len(drawn(app)) == before - 4
    app.session_state["lang"] = "ja"
    app.run()
    assert len(drawn(app)) == before - 4
    app.session_state["lang"] = "en"
    app.run()
    assert len(drawn(app)) == before - 4
    app.session_state["guardduty:What:section:en"] = True
    app.run()
    open_page(app, "waf")
    open_page(app, "guardduty")
    assert len(drawn(app)) == before


def test_a_list_chooses_a_filter(app: AppTest) -> None:
    open_page(app, "waf")
    rules = next(box for box in app.main.selectbox if box.label == "Rule")
    assert rules.options == ["Default_Action (3)", "SQLi (1)"]
    rules.select("SQLi").run()
    assert not app.exception
    assert app.session_state["f"] == ["native.terminatingRuleId is SQLi"]
    assert figures(app) == [1, 1, 1]
    assert next(box for box in app.main.selectbox if box.label == "Rule").value is None


def test_a_bar_filters_on_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Critical` is how a page writes the value `critical`."""
    chosen: list[Any] = []
    monkeypatch.setattr("lake.ui.charts.add_filter", chosen.append)
    panel = find_dashboard("guardduty").panel("GuardDuty - Severity Count by Logs")
    picked(panel, {"Critical": "critical"}, "Critical", "is")
    assert chosen == [Filter("native.severitylabel", "is", "critical")]


SAMPLE = "native.service.additionalInfo.sample"


def test_a_filter_of_the_pages_own_is_a_chip_that_can_be_taken_away(app: AppTest) -> None:
    open_page(app, "guardduty")
    app.button(key="chip:own:0:turn").click().run()
    assert app.session_state["f"] == [f"{SAMPLE} is true"]
    app.button(key="chip:0:drop").click().run()
    assert app.session_state["f"] == []
    chip = app.button(key="chip:own:0:drop")
    assert chip.label.replace("\\", "") == f":small[Remove This page's own: {SAMPLE} is not true]"
    chip.click().run()
    assert not app.exception
    assert app.session_state["f"] == [f"{SAMPLE} any"]
    assert app.main.caption[0].value.startswith("8 events")
    assert "chip:own:0:drop" not in [button.key for button in app.main.button]
    open_page(app, "waf")
    assert not app.warning
    open_page(app, "guardduty")
    app.button(key="chip:0:drop").click().run()
    assert app.main.caption[0].value.startswith("7 of 8 events")
    assert app.button(key="chip:own:0:drop").label == chip.label


FIGURES = [
    ((1234567, "events"), "1,234,567"),
    ((0.2, "seconds"), "0.2 s"),
    ((12.3456, "seconds"), "12.346 s"),
    ((0.0, "GiB"), "0 B"),
    ((2048 / 2**30, "GiB"), "2 KiB"),
    ((1000 / 1024, "GiB"), "1,000 MiB"),
    ((1500.0, "GiB"), "1.46 TiB"),
]


@pytest.mark.parametrize(("given", "written"), FIGURES)
def test_a_figure_has_its_unit(given: tuple[float, str], written: str) -> None:
    assert figure(*given) == written


SIZES = [
    (([], "bytes"), ("B", 1, 0)),
    (([("a", 1000), ("b", 1)], "bytes"), ("B", 1, 1000)),
    (([("a", 600), ("a", 600), ("b", 1)], "bytes"), ("KiB", 1 / 1024, 1200 / 1024)),
    (([("a", 3 / 1024)], "GiB"), ("MiB", 1024, 3)),
    (([("a", 2.5)], "GiB"), ("GiB", 1, 2.5)),
    (([("a", 5000)], "requests"), ("requests", 1, 5000)),
]


@pytest.mark.parametrize(("given", "axis"), SIZES)
def test_an_axis_of_sizes_has_the_unit_of_its_highest_bar(
    given: tuple[list[tuple[str, float]], str], axis: tuple[str, float, float]
) -> None:
    rows, unit = given
    hours = {"a": datetime(2024, 3, 1, 10, tzinfo=UTC), "b": datetime(2024, 3, 1, 11, tzinfo=UTC)}
    assert _axis([(hours[at], "name", n) for at, n in rows], unit) == axis


def test_a_legend_has_as_many_columns_as_there_is_room_for() -> None:
    """A column is as wide as its widest name, at 30 pixels and 6.5 a letter; an axis takes 60."""
    place = "(width ? containerSize()[0] : 0)"
    assert legend(["a" * 10, "b" * 2, "c" * 4])["columns"] == {
        "expr": f"{place} >= 254 ? 3 : {place} >= 198 ? 2 : 1"
    }
    assert legend(["a"])["columns"] == {"expr": "1"}


def test_status_codes_are_shaded_by_their_class() -> None:
    painted = colours(["404", "200", "503", "403", "0"], "http")
    assert len(set(painted.values())) == 5
    assert painted["200"] == colours(["200"], "http")["200"]
    assert painted["0"] == "#8a93a6"
