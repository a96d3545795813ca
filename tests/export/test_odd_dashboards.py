"""Our figures against the original's definitions over a lake of odd values (`odd_lake`): of all of
it, of one account, under a range of time and under a search. Not those that
`panel_differences/opensearch.toml` says are no figures of the same thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import odd_lake
import pytest
from opensearch_panels import Asked, definition
from original import require
from panel_rows import compared
from small_lake import B

from lake.dashboards.panels import panels_json, run_dashboard
from lake.export.opensearch import export
from lake.export.report import ExportOptions
from lake.export.target import Place
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opensearch_server import OpenSearchServer

pytestmark = pytest.mark.opensearch
PAGES = {
    "cloudtrail-summary.json": "cloudtrail",
    "vpcflowlogs-summary.json": "vpcflow",
    "awswaf-summary.json": "waf",
    "cloudfront-summary.json": "cloudfront",
    "all-threat-hunting.json": "hunting",
}
NOT_ALIKE = {
    "AWSWAF - Executed WAF Rules",
    "AWSWAF - Top 10 Rules",
    "CloudFront - Response Time (seconds)",
    "All - LogType",
}
FROM, TO = odd_lake.EDGES
# What narrows -> ours, and the same for OpenSearch.
NARROWED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {"match_all": {}}),
    "account": ({"filters": [f"account is {B}"]}, {"term": {"cloud.account.id": B}}),
    "time": (
        {"time_from": FROM, "time_to": TO},
        {"range": {"@timestamp": {"gte": FROM.isoformat(), "lt": TO.isoformat()}}},
    ),
    "search": (
        {"search": "-source.ip:10.0.0.0/8"},
        {"bool": {"must_not": {"term": {"source.ip": "10.0.0.0/8"}}}},
    ),
}


@pytest.fixture(scope="module")
def exported(
    opensearch_node: OpenSearchServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lake, OpenSearchServer]]:
    require("reference", "panels.json")
    opensearch_node.clear()
    path = odd_lake.make(tmp_path_factory.mktemp("odd"), seed=7).path
    assert export(path, Place(opensearch_node.url), ExportOptions(again=True)).complete
    opensearch_node.ask("POST", "/log-*/_refresh")
    yield open_lake(path), opensearch_node
    opensearch_node.clear()


@pytest.mark.parametrize("narrowed", NARROWED)
@pytest.mark.parametrize("file", PAGES)
def test_the_same_figures(
    exported: tuple[Lake, OpenSearchServer], file: str, narrowed: str
) -> None:
    (lake, server), (given, only) = exported, NARROWED[narrowed]
    ours = {
        p["title"]: p
        for p in panels_json(run_dashboard(lake, PAGES[file], interval="1 hour", **given))
    }
    dashboard, asked = definition(file), Asked(server, "hour", (only,))
    differ = {}
    for panel in dashboard["panels"]:
        title = panel["title"]
        if title in NOT_ALIKE or panel["type"] == "search":
            continue
        if (theirs := asked.panel(dashboard, panel)) is not None:
            assert ours[title]["rows"] or not theirs["rows"]
            differ[title] = compared(theirs, ours, ordered=len(panel.get("buckets", [])) == 1)
    assert {title: rows for title, rows in differ.items() if any(rows)} == {}
    assert len(differ) > 10
