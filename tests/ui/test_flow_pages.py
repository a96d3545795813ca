"""The pages of the flow logs and of threat hunting without a browser: what stands on them equals
its SQL, bars of several columns filter on the first, sizes and ports are written as such.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flow_lake
import pytest
from apptest import drawn, explains_every_panel, open_page, shows, wanted
from flow_lake import WEB
from small_lake import LONDON

from lake.dashboards.dashboards import find_dashboard
from lake.filters.filters import Filter
from lake.filters.selection import Selection
from lake.ui.charts import _value, picked
from lake.ui.look import GREEN, RED
from lake.ui.table import column_config
from lake.ui.text import figure

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from lake.query import Lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return flow_lake.make(tmp_path_factory.mktemp("flow"))


@pytest.mark.parametrize("params", [{}, {"f": [f"source.ip is {LONDON}"]}], ids=["all", "one"])
@pytest.mark.parametrize("name", ["vpcflow", "hunting"])
def test_a_page_shows_what_its_sql_gives(
    lake: Lake, app: AppTest, name: str, params: dict[str, list[str]]
) -> None:
    results = wanted(lake, name, Selection(filters=tuple(map(Filter.parse, params.get("f", [])))))
    open_page(app, name, **params)
    for chart, result in shows(app, results):
        if result.chart == "bar":
            names = [[str(v) for v in row[:-1] if v is not None] for row in result.rows]
            assert chart["name"] == [" · ".join(parts) for parts in names]
    if not params:
        explains_every_panel(app, name)


def test_what_was_let_in_is_green_and_what_was_not_is_red(app: AppTest) -> None:
    open_page(app, "hunting")
    actions = next(chart for chart in drawn(app) if chart["name"] == ["ACCEPT", "REJECT"])
    assert actions["colour"] == [GREEN, RED]
    open_page(app, "vpcflow")
    assert [metric.value for metric in app.metric[:4]] == ["10", "6", ":red[3]", ":red[2]"]


def test_a_page_without_its_logs_stands(
    tmp_path_factory: pytest.TempPathFactory, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the default format alone: no finding, no trail, no field of a custom format."""
    plain = flow_lake.make(tmp_path_factory.mktemp("plain"), custom=False)
    monkeypatch.setenv("LAKE_DIR", str(plain.path))
    open_page(app, "vpcflow")
    said = [caption.value.replace("\\", "") for caption in app.main.caption]
    assert sum("the default format has none" in text for text in said) == 3


@pytest.mark.parametrize("name", ["vpcflow", "hunting", "entity"])
def test_a_page_of_sums_greater_than_any_counter_stands(
    tmp_path: Path, app: AppTest, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    lake = flow_lake.of_the_greatest_counters(tmp_path)
    monkeypatch.setenv("LAKE_DIR", str(lake.path))
    open_page(app, name, f=[f"entity.address is {LONDON}"])
    assert not app.exception
    assert not app.error
    assert drawn(app)


def test_a_bar_of_two_columns_filters_on_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Any] = []
    monkeypatch.setattr("lake.ui.charts.add_filter", chosen.append)
    page = find_dashboard("vpcflow")
    panel = page.panel("VPCFlowLogsCustom - Accept Src Packets(Pie)")
    values = {
        f"{WEB} · egress": _value((WEB, "egress", 9), {"_rest": False}),
        "all others · egress": _value(("Other", "egress", 9), {"_rest": True}),
    }
    picked(panel, values, f"{WEB} · egress", "not")
    picked(panel, values, "all others · egress", "is")
    path = page.panel("VPCFlowLogsCustom - Packets via traffic path(Pie)")
    picked(path, {"a local gateway": "6"}, "a local gateway", "is")
    assert chosen == [Filter("source.ip", "not", WEB), Filter("native.traffic_path", "is", "6")]


def test_the_rest_is_named_where_it_stands() -> None:
    from lake.ui.charts import _name

    assert _name(("GB", "Other", 9), {"_rest": True}) == "GB · all others"
    assert _name(("Other", "egress", 9), {"_rest": True}) == "all others · egress"
    assert _name(("Other", None, 9), {"_rest": False}) == "Other"


def test_sizes_and_ports_are_written_as_such() -> None:
    assert figure(6100, "bytes") == "5.96 KiB"
    shown = column_config(["source.port", "Packets", "Bytes"], [[51822, 51822, 51822]])
    formats = [column["type_config"]["format"] for column in shown.values()]
    assert formats == ["%.0f", "localized", "localized"]
