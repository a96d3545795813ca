"""The original's dashboards over the exported indices show what our pages show of the lake: each
panel's own definition (`reference/panels.json`), asked of a real OpenSearch, against `lake panels`.

What differs stands with its reason in `tests/panel_differences/opensearch.toml`. `ELB Summary` and
`S3Accesslog Summary` have no page here; they are compared with the original's own figures
(`panels-expected`) over the records that the original kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from opensearch_panels import Asked, definition
from original import ORIGINALS, Original, lay_out_samples, require, rows_in, rows_of, surviving
from panel_rows import Row, Rows, as_ours, compared, differences, explained, in_order

from lake.dashboards.panels import panels_json, run_dashboard
from lake.enrich.geoip import GeoIP
from lake.export.opensearch import export
from lake.export.report import ExportOptions
from lake.export.target import Place
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opensearch_server import OpenSearchServer

pytestmark = pytest.mark.opensearch
WITHOUT_PAGE = (
    Original("elb-summary.json", 19, "", "log-aws-elb", 29),
    Original("s3accesslog-summary.json", 17, "", "log-aws-s3accesslog", 15),
)
INTERVALS = {"samples": ("month", "1 month"), "demo": ("day", "1 day")}
NEARLY = 0.02
"""How far percentiles may differ: the server estimates them."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A lake, and the server that holds all of it."""

    name: str
    lake: Lake
    server: OpenSearchServer

    def asked(self, *only: dict[str, Any]) -> Asked:
        return Asked(self.server, INTERVALS[self.name][0], only)

    def ours(self, page: str) -> dict[str, dict[str, Any]]:
        results = run_dashboard(self.lake, page, interval=INTERVALS[self.name][1])
        return {panel["title"]: panel for panel in panels_json(results)}


def samples(folder: Path) -> Path:
    """All of the shared corpus and the made samples, with MaxMind's test databases."""
    corpus, geoip = require("corpus"), GeoIP.open([require("geoip")])
    logs = [str(corpus), str(lay_out_samples(folder / "samples"))]
    ingest(folder / "lakehouse", logs, IngestOptions(geoip=geoip, jobs=1))
    return folder / "lakehouse"


@pytest.fixture(scope="module", params=INTERVALS)
def exported(
    request: pytest.FixtureRequest,
    opensearch_node: OpenSearchServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Exported]:
    require("reference", "panels.json")
    opensearch_node.clear()
    if request.param == "demo":
        path = request.getfixturevalue("demo_folder") / "lakehouse"
    else:
        path = samples(tmp_path_factory.mktemp("panels"))
    assert export(path, Place(opensearch_node.url), ExportOptions(again=True)).complete
    opensearch_node.ask("POST", "/log-*/_refresh")
    yield Exported(request.param, open_lake(path), opensearch_node)
    opensearch_node.clear()


def columns(file: str) -> dict[str, list[str]]:
    """Title -> the columns of the panel as recorded."""
    found = json.loads(require("panels-expected", file).read_text())
    return {panel["title"]: panel["columns"] for panel in found if "skipped" not in panel}


def answers(original: Original, asked: Asked) -> dict[str, dict[str, Any]]:
    """Title -> the panel's answer, for those that show figures.

    GuardDuty's dashboard of 2020 counted sample findings, which ours and the original's present one
    leave out: it is asked with the present one's filter."""
    dashboard = definition(original.file)
    if original.file == "2020-guardduty-sammary.json":
        dashboard |= {
            "dashboard_filters": definition("guardduty-summary.json")["dashboard_filters"]
        }
    assert len(dashboard["panels"]) == original.panels
    found = {p["title"]: asked.panel(dashboard, p) for p in dashboard["panels"]}
    shown = {title: panel for title, panel in found.items() if panel is not None}
    assert {title: panel["columns"] for title, panel in shown.items()} == columns(original.file)
    return shown


def entries(lake: str, file: str, titles: set[str], version: int) -> list[dict[str, Any]]:
    """The reasons for a dashboard; `version` is the server's, of which an entry may be."""
    here = {"lake": lake, "of": file, "opensearch": version}
    return [
        entry
        for entry in differences("opensearch")
        if entry["title"] in titles and all(entry.get(k, v) == v for k, v in here.items())
    ]


def without_nearly_equal(rows: Rows) -> Rows:
    """Rows of percentiles that differ by more than an estimate may."""
    theirs, ours = rows
    by_name = {row[0]: row for row in ours}
    for row in theirs:
        own = by_name.get(row[0])
        if own and all(abs(a - b) <= NEARLY * b for a, b in zip(row[1:], own[1:], strict=True)):
            del by_name[row[0]]
    left = {row[0] for row in by_name.values()}
    return [row for row in theirs if row[0] in left], list(by_name.values())


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda o: o.file.removesuffix(".json"))
def test_the_same_rows_but_for_what_is_explained(exported: Exported, original: Original) -> None:
    ours = exported.ours(original.ours)
    shown = answers(original, exported.asked())
    levels = {p["title"]: len(p.get("buckets", [])) for p in definition(original.file)["panels"]}
    found: dict[str, Rows] = {}
    for title, panel in shown.items():
        found[title] = compared(panel, ours, ordered=levels[title] == 1)
        if "percentile" in panel["columns"][-1]:
            found[title] = without_nearly_equal(found[title])
    reasons = entries(exported.name, original.file, set(shown), exported.server.version)
    for title in (entry["title"] for entry in reasons if entry.get("whole")):
        assert any(found.pop(title))
    assert in_order(found) == in_order(explained(reasons))


@pytest.mark.parametrize("original", WITHOUT_PAGE, ids=lambda o: o.file.removesuffix(".json"))
def test_the_figures_of_the_original(exported: Exported, original: Original) -> None:
    """On the records that it kept, of dashboards that have no page here."""
    if exported.name != "samples":
        pytest.skip("its records are of the samples")
    left = surviving(original.index)
    assert len(left) == original.documents
    found, missing = rows_of(left, rows_in(exported.lake))
    assert missing == []
    only = {"terms": {"event.hash": [row.hash for row in found]}}
    shown = answers(original, exported.asked(only))
    recorded = json.loads(require("panels-expected", original.file).read_text())
    theirs = [panel for panel in recorded if "skipped" not in panel]
    levels = {p["title"]: len(p.get("buckets", [])) for p in definition(original.file)["panels"]}
    own = {}
    for title, panel in shown.items():
        names, rows = as_ours(panel)
        own[title] = {"columns": names, "rows": rows}
    compare = {p["title"]: compared(p, own, ordered=levels[p["title"]] == 1) for p in theirs}
    reasons = entries("original", original.file, set(shown), exported.server.version)
    assert in_order(compare) == in_order(explained(reasons))


def test_every_difference_has_a_reason() -> None:
    known = {o.file: set(columns(o.file)) for o in (*ORIGINALS, *WITHOUT_PAGE)}
    for entry in differences("opensearch"):
        assert entry["lake"] in (*INTERVALS, "original")
        of = [entry["of"]] if "of" in entry else list(known)
        assert any(entry["title"] in known[file] for file in of)
        assert entry["reason"].strip()


def test_percentiles_that_are_nearly_equal() -> None:
    near: list[Row] = [("a", 1.0, 2.0), ("b", 1.0, 2.0)]
    own: list[Row] = [("a", 1.01, 1.99), ("b", 1.1, 2.0)]
    assert without_nearly_equal((near, own)) == ([near[1]], [own[1]])
