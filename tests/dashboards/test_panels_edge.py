"""The panels of GuardDuty, AWS WAF and CloudFront over a lake small enough to count by hand, and
what these pages have of their own: sample findings stay out, panels share an answer, a panel has
its former titles, an empty one says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import edge_lake
import pytest
import small_lake
from edge_lake import BUCKET, CLUSTER, DISTRIBUTION, HOST, INSTANCE
from pinned import ask_of, has_rows, shows_its_sql
from small_lake import FIREFOX, LONDON, SINGAPORE, A, B

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import panels_json, prepare, run_dashboard, run_panel
from lake.dashboards.scope import facet, view_of
from lake.errors import SourceError
from lake.filters.filters import Filter
from lake.filters.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from lake.dashboards.scope import View
    from lake.query import Lake

TEN, ELEVEN = "2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z"
BOTS, MALWARE = "Backdoor:EC2/C&CActivity.B!DNS", "Execution:S3/MaliciousFile"

# Title -> all of its rows, or (which row, that row), counted by hand over `edge_lake`.
PINNED: dict[str, dict[str, Any]] = {
    "guardduty": {
        "GuardDuty - AWS Account(Bar)": [[A, 5], [B, 1]],
        "GuardDuty - Region(Bar)": [["us-east-1", 5], ["eu-west-1", 1]],
        "GuardDuty - Severity Count by Findings": [
            ["Critical", 1],
            ["High", 2],
            ["Medium", 2],
            ["Low", 1],
        ],
        "GuardDuty - Severity Count by Logs": (1, ["High", 3]),
        "GuardDuty - Severity Count": (1, ["High", 3]),
        "GuardDuty - Severity Count by Logs (Bar)": (4, [ELEVEN, "Critical", 0]),
        "GuardDuty - Severity(Bar)": (5, [ELEVEN, "High", 1]),
        "GuardDuty - Findings": [
            ["EC2 finding types", 1],
            ["IAM finding types", 1],
            ["Kubernetes Protection", 1],
            ["Malware Protection", 2],
            ["S3 Protection", 1],
            ["Other finding types", 1],
        ],
        "GuardDuty - Source Countries Geo Map": [["GB", 1]],
        "GuardDuty - source": [["10.0.0.5", None, 2], [LONDON, "United Kingdom", 1]],
        "GuardDuty - Network Direction": [["outbound", 1]],
        "GuardDuty - Type Table": (0, [BOTS, 2]),
        "GuardDuty - ThreatPurpose": (1, ["Execution", 2]),
        "GuardDuty - ThreatFamilyName": (0, ["MaliciousFile", 2]),
        "GuardDuty - Resource Type Affected": (0, ["EC2", 2]),
        "GuardDuty - user.name": [["alice", 1]],
        "GuardDuty - user.id": [["AIDA0", 1]],
        "GuardDuty - Affected Instance": [[INSTANCE, 3]],
        "GuardDuty - EKS Cluster Name": [[CLUSTER, 1]],
        "GuardDuty - Malware name": [["EICAR-Test-File", 1]],
        "GuardDuty - S3 Bucket Name": [[BUCKET, 1]],
        "search - GuardDuty": (
            4,
            ["2024-03-01T10:20:00Z", B, "medium", MALWARE, None, 1, None, None],
        ),
    },
    "waf": {
        "AWSWAF - AWS Account(Bar)": [[A, 4]],
        "AWSWAF - Region(Bar)": [["us-east-1", 4]],
        "AWSWAF - Number of All Requests": [[4]],
        "AWSWAF - Number of Blocked Requests": [[1]],
        "AWSWAF - Unique IP Count": [[2]],
        "AWSWAF - Actions": [["ALLOW", 2], ["BLOCK", 1], ["COUNT", 1]],
        "AWSWAF - Allowed vs Blocked Requests": [
            [TEN, "Allowed Requests", 2],
            [TEN, "Blocked Requests", 1],
        ],
        "AWSWAF - Executed WAF Rules": [["Default_Action", 3], ["SQLi", 1]],
        "AWSWAF - Requests Count": (1, [ELEVEN, "Requests Count", 1]),
        "AWSWAF - Filters": (8, ["Client IP", SINGAPORE, 2]),
        "AWSWAF - Countries By Number of Request": [["GB", 2], ["SG", 2]],
        "AWSWAF - Top 10 Countries": [["GB", 2], ["SG", 2]],
        "AWSWAF - Top 10 IP Addresses": [[SINGAPORE, 2], [LONDON, 2]],
        "AWSWAF - Top 10 WebACL": [["shop", 4]],
        "AWSWAF - Top 10 URI": [["/", 3], ["/basket", 1]],
        "AWSWAF - Top 10 Hosts": [[HOST, 4]],
        "AWSWAF - Top 10 Rules": [["Default_Action", 3], ["SQLi", 1]],
        "AWSWAF - Top 10 User-Agents": [[FIREFOX, 4]],
        "AWSWAF - HTTP Methods": [["GET", 4]],
        "AWSWAF - HTTP Versions": [["HTTP/1.1", 4]],
        "search - AWSWAF": (
            1,
            [
                "2024-03-01T10:10:00Z",
                A,
                "us-east-1",
                "ALB",
                "shop",
                "SQLi",
                "BLOCK",
                SINGAPORE,
                "Singapore",
            ],
        ),
    },
    "cloudfront": {
        "CloudFront - AWS Account(Bar)": [["unknown", 5]],
        "CloudFront - Edge Location(Bar)": [["LHR62-C2", 3], ["SIN2-C1", 2]],
        "CloudFront - Distribution Domain Name": [
            [DISTRIBUTION, HOST, 4],
            ["Missing", "live.example.com", 1],
        ],
        "CloudFront - Outcomes": [
            ["Requests", 5],
            ["Client errors (4xx)", 1],
            ["Server errors (5xx)", 1],
            ["Closed by the viewer", 1],
        ],
        "CloudFront - Status Code (Pie)": [[200, 2], [0, 1], [404, 1], [503, 1]],
        "CloudFront - Status Code Trend": (0, [TEN, 200, 2]),
        "CloudFront - Result Type(Pie)": [["Error", 3], ["Hit", 2]],
        "CloudFront - Request Size": (0, [TEN, 2048 / 2**30]),
        "CloudFront - Response Size": (1, [ELEVEN, 3 / 1024]),
        "CloudFront - Response Time (seconds)": [["Hit", 0.3, 0.3, 0.3], ["Error", 1.5, 2.5, 2.5]],
        "CloudFront - Source Country": [["GB", 3], ["SG", 2]],
        "CloudFront - Source Country (Table)": [["United Kingdom", 3], ["Singapore", 2]],
        "CloudFront - Maximum Latency per Country": [["SG", 2.5], ["GB", 0.3]],
        "CloudFront - Maximum Latency per Country (Table)": (0, ["Singapore", 2.5]),
        "CloudFront - Source IP(Pie)": [[LONDON, 3], [SINGAPORE, 2]],
        "CloudFront - Source Country(Pie)": [["GB", 3], ["SG", 2]],
        "CloudFront - Top 10 Access": [
            ["GET", HOST, "/index.html", 2],
            ["GET", HOST, "/.env", 1],
            ["GET", HOST, "/a.css", 1],
            ["GET", "live.example.com", "/live", 1],
        ],
        "CloudFront - Top 10 Referer": [["https://www.example.com/", 4]],
        "CloudFront - Top 10 UserAgent": [[FIREFOX, 5]],
        "CloudFront - UserAgent (PIE)": [["Firefox", 5]],
        "CloudFront - UserAgent OS": [["Linux", 5]],
        "CloudFront - UserAgent Device": [["Other", 5]],
        "CloudFront - URL Scheme(Pie)": [["https", 4], ["http", 1]],
        "CloudFront - SSL Protocol(Pie)": [["TLSv1.3", 3], ["TLSv1.2", 1]],
        "CloudFront - SSL Cipher": (0, ["TLS_AES_128_GCM_SHA256", 3]),
        "search - CloudFront": (
            1,
            [
                "2024-03-01T11:00:00.250000Z",
                None,
                "live.example.com",
                "GET",
                "/live",
                503,
                "Error",
                SINGAPORE,
                "Singapore",
            ],
        ),
    },
}
EMPTY = {"GuardDuty - destination": "No finding here names a destination address."}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return edge_lake.make(tmp_path_factory.mktemp("edge"))


@pytest.fixture(scope="module")
def other_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("small"))


def view(lake: Lake, name: str, *filters: Filter) -> View:
    return view_of(find_dashboard(name), Selection(filters=filters), ask_of(lake))


@pytest.mark.parametrize("name", PINNED)
def test_the_rows_of_every_panel(lake: Lake, name: str) -> None:
    found = {p["title"]: p for p in panels_json(run_dashboard(lake, name, interval="1 hour"))}
    has_rows(found, PINNED[name])
    empty = {title: p["note"] for title, p in found.items() if not p["rows"]}
    assert empty == {title: note for title, note in EMPTY.items() if title in found}
    assert set(found) == set(PINNED[name]) | set(empty), "a panel without a pinned row"


@pytest.mark.parametrize("name", PINNED)
def test_the_sql_that_is_shown_gives_the_rows_that_are_shown(lake: Lake, name: str) -> None:
    shown = view(lake, name, Filter("source.ip", "is", (LONDON, SINGAPORE, "10.0.0.5", "it's")))
    shows_its_sql(lake, shown)


@pytest.mark.parametrize("name", PINNED)
def test_no_question_is_asked_twice(lake: Lake, name: str) -> None:
    """Two panels have one query, or queries that differ in more than their limit."""
    shown = view(lake, name)
    queries = {prepare(shown, panel).sql for panel in shown.dashboard.panels}
    bare = [sql.rpartition("LIMIT")[0] or sql for sql in queries]
    assert len(set(bare)) == len(queries)
    assert len(queries) < len(shown.dashboard.panels)


@pytest.mark.parametrize("name", PINNED)
def test_an_empty_page_says_why(other_lake: Lake, name: str) -> None:
    label = find_dashboard(name).label
    notes = {panel.note for panel in run_dashboard(other_lake, name)}
    assert notes == {f"This lake has no logs of {label}. Read some with `lake ingest WHERE`."}


def test_sample_findings_stay_out_unless_a_filter_names_them(lake: Lake) -> None:
    shown = view(lake, "guardduty")
    assert (shown.shown.events, shown.whole.events) == (7, 8)
    regions = facet(shown.dashboard, Selection(), "region", ask_of(lake))
    assert regions == [("us-east-1", 6), ("eu-west-1", 1)]
    sample = Filter("native.service.additionalInfo.sample", "is", "true")
    samples = view(lake, "guardduty", sample)
    types = run_panel(samples, samples.dashboard.panel("GuardDuty - Type Table"), ask_of(lake))
    assert types.rows == (("Trojan:EC2/DropPoint", 1),)
    every = view(lake, "guardduty", Filter(sample.field, "any"))
    assert (every.shown.events, every.selection.filters) == (8, ())
    elsewhere = view(lake, "waf", Filter(sample.field, "any"))
    assert elsewhere.shown.events == view(lake, "waf").shown.events
    assert elsewhere.selection.unanswered("waf") == []


def test_a_selection_without_findings_names_the_filter_of_the_page(lake: Lake) -> None:
    nothing = view(lake, "guardduty", Filter("rule.id", "is", "Trojan:EC2/DropPoint"))
    note = run_panel(nothing, nothing.dashboard.panel("search - GuardDuty"), ask_of(lake)).note
    assert note == (
        "No event fits the filters, whatever the time. This page has one of its own: "
        "native.service.additionalInfo.sample is not true."
    )


def test_a_dashboard_and_a_panel_are_found_by_former_titles() -> None:
    assert find_dashboard("GuardDuty Sammary") is find_dashboard("guardduty")
    panel = find_dashboard("guardduty").panel("GuardDuty - Severity(Bar)")
    assert panel.title == "GuardDuty - Severity Count by Logs (Bar)"


def test_a_panel_with_a_column_that_its_query_lacks_is_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "T"\nlabel = "T"\ntable = "waf"\n[[panel]]\ntitle = "P"\nquery = "one"\n'
        'chart = "bar"\ncolumns = { "a" = "b" }\n'
    )
    (tmp_path / "mine.sql").write_text("-- name: one\n-- About it.\nSELECT 1 AS a FROM logs\n")
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    with pytest.raises(SourceError, match=r"panel 'P': query one has no column 'b'\. Known: a"):
        run_dashboard(lake, "mine")
