"""Values that say nothing: a member that is '' or '-' is no bar of a list, as the original leaves
both out of its documents. And lists with ties, in the order of what they show.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import edge_lake
import pytest
import small_lake
from small_lake import FIREFOX, LONDON, SINGAPORE, A

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import run_dashboard
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DAY, REGION = "2024/03/01", "us-east-1"
SILENT = {
    "errorCode": "",
    "tlsDetails": {"tlsVersion": "-"},
    "userIdentity": {"type": "IAMUser", "arn": "", "accountId": A, "userName": "-"},
    "requestParameters": {"bucketName": ""},
}
NAMELESS = {"eventType": "", "eventSource": ""}
ROOTS = {
    number: {"userIdentity": {"type": "Root", "arn": "-", "accountId": A, "invokedBy": service}}
    for number, service in ((5, ""), (6, "-"), (7, "kms.amazonaws.com"))
}
"""Calls by root, the last by a service for it."""
EVENTS = [
    small_lake.event(
        1,
        "10:00:00",
        "s3",
        "GetObject",
        errorCode="NoSuchKey",
        tlsDetails={"tlsVersion": "TLSv1.3"},
        requestParameters={"bucketName": "logs"},
    ),
    *(small_lake.event(n, f"10:00:0{n}", "s3", "GetObject", **SILENT) for n in (2, 3)),
    small_lake.event(4, "11:00:00", "s3", "-", eventType="-", eventSource=""),
    *(small_lake.event(n, "11:00:00", "-", "-", **NAMELESS | root) for n, root in ROOTS.items()),
]
SAYS_NOTHING = {"httpVersion": "", "httpMethod": "-", "uri": ""}


def _requests() -> list[dict[str, Any]]:
    """One that names everything, and two that name nothing."""
    whole = edge_lake.request(0, "BLOCK", "SQLi", LONDON, "GB", "/login")
    found = [whole]
    for minute, word in ((1, "-"), (2, "")):
        one = edge_lake.request(minute, word, word, SINGAPORE, word, "")
        headers = [{"name": "Host", "value": word}, {"name": "User-Agent", "value": word}]
        one["httpRequest"] |= {"headers": headers} | SAYS_NOTHING
        one["httpSourceName"] = "-"
        found.append(one)
    return found


FINDINGS = [
    edge_lake.finding(
        name,
        5,
        edge_lake.BOTS,
        "10:00:00",
        resource={
            "instanceDetails": {"instanceId": instance},
            "eksClusterDetails": {"name": cluster},
            "s3BucketDetails": [{"name": cluster}],
        },
    )
    for name, instance, cluster in (("f1", edge_lake.INSTANCE, "shop"), ("f2", "", ""))
]
FINDINGS.append(edge_lake.finding("f3", 5, ":EC2/Odd", "10:00:00"))
VISITS = [{"c-ip": LONDON, "time-taken": "0.2"}, {"c-ip": SINGAPORE, "time-taken": "0.2"}]
# by method: a host that nothing was asked of, by most, and ten hosts
POSTS = [{"x-host-header": "none.example", "cs-uri-stem": "-"}] * 3
POSTS += [{"x-host-header": f"h{n}.example", "cs-uri-stem": "/"} for n in range(10)]
VISITS += [{"c-ip": "-", "cs-method": "POST"} | post for post in POSTS]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("nothing")
    logs = folder / "logs"
    trail = f"AWSLogs/{A}/CloudTrail/{REGION}/{DAY}/{A}_CloudTrail_{REGION}_20240301T1000Z_a.json"
    _put(logs / f"{trail}.gz", [json.dumps({"Records": EVENTS})])
    _put(logs / f"AWSLogs/{A}/GuardDuty/{REGION}/{DAY}/f.jsonl.gz", map(json.dumps, FINDINGS))
    firewall = f"AWSLogs/{A}/WAFLogs/{REGION}/shop/{DAY}/10/00/{A}_waflogs_{REGION}_shop_x.gz"
    _put(logs / firewall, map(json.dumps, _requests()))
    visits = (edge_lake.HOUR | {"x-edge-request-id": f"q{n}"} | v for n, v in enumerate(VISITS))
    lines = ["\t".join(visit.get(name, "-") for name in edge_lake.FIELDS) for visit in visits]
    head = ["#Version: 1.0", f"#Fields: {' '.join(edge_lake.FIELDS)}"]
    _put(logs / "cdn" / f"{edge_lake.DISTRIBUTION}.2024-03-01-10.abcd1234.gz", [*head, *lines])
    ingest(folder / "lakehouse", [str(logs)], IngestOptions(geoip=small_lake.geoip(folder), jobs=1))
    return open_lake(folder / "lakehouse")


def _put(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


TEN = "2024-03-01T10:00:00+00:00"

# Page -> title -> all of its rows, a time as text.
LISTS: dict[str, dict[str, list[list[Any]]]] = {
    "cloudtrail": {
        "CloudTrail - Root Login(CIS3.3)": [["Root Login", 2]],
        "CloudTrail - UserIdentity.arn": [[small_lake.BOB, 2]],
        "CloudTrail - Event Name(Pie)": [["GetObject", 3]],
        "CloudTrail - Event Name(Area)": [[TEN, "GetObject", 3]],
        "CloudTrail - Event Type(Pie)": [["AwsApiCall", 3]],
        "CloudTrail - Event Type(Area)": [[TEN, "AwsApiCall", 3]],
        "CloudTrail - Event Source(Pie)": [["s3.amazonaws.com", 3]],
        "CloudTrail - Error Code(Pie)": [["NoSuchKey", 1]],
        "CloudTrail - Error Code(Area)": [[TEN, "NoSuchKey", 1]],
        "CloudTrail - TLS version": [["TLSv1.3", 1]],
    },
    "hunting": {"S3Trail - Bucket Access Count": [["logs", 1]]},
    "guardduty": {
        "GuardDuty - ThreatPurpose": [["Backdoor", 2]],
        "GuardDuty - Affected Instance": [[edge_lake.INSTANCE, 1]],
        "GuardDuty - EKS Cluster Name": [["shop", 1]],
        "GuardDuty - S3 Bucket Name": [["shop", 1]],
    },
    "waf": {
        "AWSWAF - Actions": [["BLOCK", 1]],
        "AWSWAF - Executed WAF Rules": [["SQLi", 1]],
        "AWSWAF - Countries By Number of Request": [["GB", 1]],
        "AWSWAF - Top 10 Countries": [["GB", 1]],
        "AWSWAF - HTTP Methods": [["GET", 1]],
        "AWSWAF - HTTP Versions": [["HTTP/1.1", 1]],
        "AWSWAF - Top 10 URI": [["/login", 1]],
        "AWSWAF - Top 10 Hosts": [[edge_lake.HOST, 1]],
        "AWSWAF - Top 10 User-Agents": [[FIREFOX, 1]],
        "AWSWAF - Top 10 Rules": [["SQLi", 1]],
        "AWSWAF - Number of All Requests": [[3]],
        "AWSWAF - Filters": [
            ["WebACL", "shop", 3],
            ["Rule", "SQLi", 1],
            ["Action", "BLOCK", 1],
            ["Country", "GB", 1],
            ["Client IP", SINGAPORE, 2],
            ["Client IP", LONDON, 1],
            ["Host", edge_lake.HOST, 1],
            ["Rule Type", "REGULAR", 3],
        ],
    },
    "cloudfront": {
        "CloudFront - Top 10 Access": [
            ["GET", edge_lake.HOST, "/index.html", 2],
            *(["POST", f"h{n}.example", "/", 1] for n in range(9)),
        ],
        "CloudFront - Source Country": [["GB", 1], ["SG", 1]],
        "CloudFront - Source Country(Pie)": [["GB", 1], ["SG", 1]],
        "CloudFront - Source Country (Table)": [["Singapore", 1], ["United Kingdom", 1]],
        "CloudFront - Maximum Latency per Country": [["GB", 0.2], ["SG", 0.2]],
        "CloudFront - Maximum Latency per Country (Table)": [
            ["Singapore", 0.2],
            ["United Kingdom", 0.2],
        ],
    },
}


@pytest.mark.parametrize("page", LISTS)
def test_no_value_that_says_nothing_is_a_bar(lake: Lake, page: str) -> None:
    found = {panel.title: panel.rows for panel in run_dashboard(lake, page, interval="1 hour")}
    rows = {title: [list(map(_plain, row)) for row in found[title]] for title in LISTS[page]}
    assert rows == LISTS[page]


def _plain(value: Any) -> Any:  # noqa: ANN401
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_a_row_has_no_dash_for_a_value(lake: Lake) -> None:
    (rows,) = (p for p in run_dashboard(lake, "waf") if p.title == "search - AWSWAF")
    names = [row[rows.columns.index("httpSourceName")] for row in rows.rows]
    assert names == [None, None, "ALB"]


def test_the_search_of_a_figure_finds_what_says_nothing(lake: Lake) -> None:
    search = find_dashboard("cloudtrail").panel("CloudTrail - Root Login(CIS3.3)").search_for("")
    found = {p.title: p.rows for p in run_dashboard(lake, "cloudtrail", search=search)}
    assert found["CloudTrail - AWS Account(Bar)"] == ((A, 2),)
    assert found["CloudTrail - Root Login(CIS3.3)"] == (("Root Login", 2),)


def test_a_dash_is_no_user(lake: Lake) -> None:
    (figures,) = (p for p in run_dashboard(lake, "hunting") if p.title == "All - Figures")
    assert ("Users", 2) in figures.rows  # bob and root
