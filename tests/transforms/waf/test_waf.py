"""WAF logs: every scope and format version, rules, headers, redaction, and bad lines among good."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.stage.preview import Preview, preview

Json = dict[str, Any]
KEY = "AWSLogs/123456789012/WAFLogs/us-west-2/MyACL/2024/02/01/10/00/123456789012_waflogs_us-west-2_MyACL_20240201T1000Z_abc.log.gz"  # noqa: E501
FIREHOSE = "aws-waf-logs-x/2024/02/01/10/aws-waf-logs-x-1-2024-02-01-10-00-00-abc"
REGIONAL = "arn:aws:wafv2:us-west-2:123456789012:regional/webacl/MyACL/a1b2"
SHARED = Path(__file__).resolve().parents[4] / "shared"


def record(request: Json | None = None, **more: Any) -> Json:  # noqa: ANN401
    base: Json = {
        "timestamp": 1706781600123,
        "formatVersion": 1,
        "webaclId": REGIONAL,
        "terminatingRuleId": "Default_Action",
        "terminatingRuleType": "REGULAR",
        "action": "ALLOW",
        "terminatingRuleMatchDetails": [],
        "httpSourceName": "ALB",
        "httpSourceId": "123456789012-app/my-alb/x",
        "ruleGroupList": [],
        "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [],
        "requestHeadersInserted": None,
        "responseCodeSent": None,
        "httpRequest": {
            "clientIp": "81.2.69.142",
            "country": "GB",
            "headers": [
                {"name": "Host", "value": "www.example.com:8443"},
                {"name": "User-Agent", "value": "curl/7.88.1"},
                {"name": "Referer", "value": "https://example.com/"},
                {"name": "Authorization", "value": "Bearer secret"},
            ],
            "uri": "/login/index.php",
            "args": "id=1",
            "httpVersion": "HTTP/1.1",
            "httpMethod": "GET",
            "requestId": "1-65bb-1",
        }
        | (request or {}),
        "labels": [{"name": "awswaf:managed:x"}],
    }
    return base | more


def group(inner: str | None, *counted: str, excluded: Any = None) -> Json:  # noqa: ANN401
    return {
        "ruleGroupId": "AWS#AWSManagedRulesCommonRuleSet",
        "terminatingRule": {"ruleId": inner, "action": "BLOCK", "ruleMatchDetails": None}
        if inner
        else None,
        "nonTerminatingMatchingRules": [{"ruleId": c, "action": "COUNT"} for c in counted],
        "excludedRules": excluded,
        "customerConfig": None,
    }


def read(*records: Json, key: str = KEY) -> Preview:
    return preview("\n".join(json.dumps(r) for r in records).encode(), key)


def row_of(one: Json, key: str = KEY) -> Json:
    found = read(one, key=key)
    assert found.rejects == []
    (row,) = found.rows
    return row


def at(row: Any, path: str) -> Any:  # noqa: ANN401
    for name in path.split("."):
        row = None if row is None else row.get(name)
    return row


EXCLUDED = [{"exclusionType": "EXCLUDED_AS_COUNT", "ruleId": "Excluded_C"}]
NO_TOKEN = {"responseCode": 405, "solveTimestamp": 0, "failureReason": "TOKEN_MISSING"}
CASES: list[tuple[str, Json, Json]] = [
    (
        "an allowed request",
        record(),
        {
            "@timestamp": datetime(2024, 2, 1, 10, 0, 0, 123000, UTC),
            "event.kind": "event",
            "event.category": ["web"],
            "event.type": ["access", "allowed"],
            "event.action": "ALLOW",
            "event.outcome": "success",
            "cloud.account.id": "123456789012",
            "cloud.region": "us-west-2",
            "source.ip": "81.2.69.142",
            "rule.name": None,
            "rule.id": None,
            "rule.ruleset": "MyACL",
            "network.protocol": "http",
            "network.transport": "tcp",
            "http.request.method": "GET",
            "http.request.referrer": "https://example.com/",
            "http.request.id": "1-65bb-1",
            "http.version": "1.1",
            "url.domain": "www.example.com",
            "url.port": 8443,
            "url.path": "/login/index.php",
            "url.query": "id=1",
            "url.original": "/login/index.php?id=1",
            "url.extension": "php",
            "user_agent.original": "curl/7.88.1",
            "user_agent.name": "curl",
            "related.ip": ["81.2.69.142"],
            "related.hosts": ["www.example.com"],
            "native.terminatingRuleId": "Default_Action",
            "native.httpRequest.country": "GB",
            "native.labels": [{"name": "awswaf:managed:x"}],
            "native.countedRules": None,
        },
    ),
    (
        "blocked by a rule of the web ACL, after a group that is set to count",
        record(action="BLOCK", terminatingRuleId="geo", ruleGroupList=[group("Inner", "Seen")]),
        {"rule.name": "geo", "rule.id": "geo", "native.countedRules": ["Inner", "Seen"]},
    ),
    (
        "allowed, after a group that is set to count",
        record(ruleGroupList=[group("Inner")]),
        {"rule.name": None, "rule.id": None, "native.countedRules": ["Inner"]},
    ),
    (
        "blocked by the second of two groups, of which the first is set to count",
        record(
            action="BLOCK",
            terminatingRuleId="managed",
            terminatingRuleType="MANAGED_RULE_GROUP",
            ruleGroupList=[group("First"), group("Second")],
        ),
        {"rule.name": "Second", "rule.id": "managed", "native.countedRules": ["First"]},
    ),
    (
        "blocked by a rule of the web ACL, with a response",
        record(action="BLOCK", terminatingRuleId="geo", responseCodeSent=403),
        {
            "event.kind": "alert",
            "event.type": ["access", "denied"],
            "event.outcome": "failure",
            "rule.name": "geo",
            "rule.id": "geo",
            "rule.category": "REGULAR",
            "http.response.status_code": 403,
        },
    ),
    (
        "blocked by a rule inside a rule group, after others counted",
        record(
            action="BLOCK",
            terminatingRuleId="AWS-AWSManagedRulesCommonRuleSet",
            terminatingRuleType="MANAGED_RULE_GROUP",
            ruleGroupList=[
                group(None, "Counted_B", excluded=EXCLUDED),
                group("GenericLFI_URIPATH", "Counted_A"),
            ],
            nonTerminatingMatchingRules=[{"ruleId": "count-all", "action": "COUNT"}],
        ),
        {
            "rule.name": "GenericLFI_URIPATH",
            "rule.id": "AWS-AWSManagedRulesCommonRuleSet",
            "rule.category": "MANAGED_RULE_GROUP",
            "rule.ruleset": "MyACL",
            "native.countedRules": ["Counted_A", "Counted_B", "Excluded_C", "count-all"],
        },
    ),
    (
        "blocked by a rate",
        record(
            action="BLOCK",
            terminatingRuleId="RateLimit",
            terminatingRuleType="RATE_BASED",
            rateBasedRuleList=[
                {
                    "rateBasedRuleId": REGIONAL + "_RateLimit",
                    "rateBasedRuleName": "RateLimit",
                    "limitKey": "CUSTOMKEYS",
                    "maxRateAllowed": 100,
                    "evaluationWindowSec": 120,
                    "customValues": [{"key": "HEADER", "name": "x", "value": "y"}],
                }
            ],
        ),
        {
            "rule.name": "RateLimit",
            "rule.category": "RATE_BASED",
            "native.rateBasedRuleList": [
                {
                    "rateBasedRuleId": REGIONAL + "_RateLimit",
                    "rateBasedRuleName": "RateLimit",
                    "limitKey": "CUSTOMKEYS",
                    "limitValue": None,
                    "maxRateAllowed": 100,
                    "evaluationWindowSec": 120,
                    "customValues": '[{"key":"HEADER","name":"x","value":"y"}]',
                }
            ],
        },
    ),
    (
        "a rule in a group that only counted, then the default action",
        record(ruleGroupList=[group(None, "Log4JRCE_BODY")]),
        {"event.kind": "event", "rule.name": None, "native.countedRules": ["Log4JRCE_BODY"]},
    ),
    (
        "COUNT",
        record(action="COUNT", terminatingRuleId="watch"),
        {"event.kind": "alert", "event.outcome": "success", "event.type": ["access", "allowed"]},
    ),
    (
        "CAPTCHA without a token",
        record(
            action="CAPTCHA",
            terminatingRuleId="ask",
            captchaResponse=NO_TOKEN,
            responseCodeSent=405,
        ),
        {
            "event.kind": "alert",
            "event.action": "CAPTCHA",
            "event.outcome": "failure",
            "native.captchaResponse.failureReason": "TOKEN_MISSING",
        },
    ),
    (
        "CHALLENGE",
        record(action="CHALLENGE", terminatingRuleId="ask"),
        {"event.kind": "alert", "event.outcome": "failure", "event.type": ["access", "denied"]},
    ),
    (
        "MONETIZE: 402, payment required",
        record(action="MONETIZE", terminatingRuleId="crawlers", responseCodeSent=402),
        {"event.kind": "alert", "event.outcome": "failure", "event.type": ["access", "denied"]},
    ),
    (
        "MONETIZE, and not told whether it was paid",
        record(action="MONETIZE", terminatingRuleId="crawlers"),
        {"event.outcome": "unknown", "event.type": ["access"]},
    ),
    (
        "a global web ACL",
        record(webaclId="arn:aws:wafv2:us-east-1:012345678901:global/webacl/CF/a"),
        {"cloud.region": "global", "cloud.account.id": "012345678901", "rule.ruleset": "CF"},
    ),
    (
        "a web ACL in another partition",
        record(webaclId="arn:aws-us-gov:wafv2:us-gov-west-1:123456789012:regional/webacl/G/a"),
        {"cloud.region": "us-gov-west-1", "rule.ruleset": "G"},
    ),
    (
        "Classic, an id alone: of CloudFront",
        record(webaclId="f9ae72b9-0000", httpSourceName="CF"),
        {"cloud.region": "global", "cloud.account.id": "123456789012"},
    ),
    (
        "Classic, an id alone: of a load balancer, region from the key",
        record(webaclId="f9ae72b9-0000"),
        {"cloud.region": "us-west-2", "rule.ruleset": "f9ae72b9-0000"},
    ),
    (
        "Classic, regional ARN",
        record(webaclId="arn:aws:waf-regional:eu-west-1:123456789012:webacl/f9ae"),
        {"cloud.region": "eu-west-1", "rule.ruleset": "f9ae"},
    ),
    (
        "redacted",
        record({"clientIp": "X.X.X.X", "uri": "REDACTED", "args": "REDACTED"}),
        {"source.ip": None, "source.address": "X.X.X.X", "url.path": "REDACTED"},
    ),
    (
        "headers null",
        record({"headers": None, "host": "api.example.com", "scheme": "https", "fragment": "top"}),
        {
            "url.domain": "api.example.com",
            "url.scheme": "https",
            "url.fragment": "top",
            "user_agent.original": None,
            "http.request.referrer": None,
        },
    ),
    (
        "addresses that proxies told, with ports, in two headers",
        record(
            {
                "headers": [
                    {"name": "X-Forwarded-For", "value": "198.51.100.7:4711, _hidden"},
                    {"name": "x-forwarded-for", "value": "[2001:DB8:0::1]:99,10:00:00"},
                ]
            }
        ),
        {"related.ip": ["198.51.100.7", "2001:db8::1", "81.2.69.142"]},
    ),
    (
        "HTTP/2: names in lower case, addresses that proxies told",
        record(
            {
                "clientIp": "2001:218::1",
                "httpVersion": "HTTP/2.0",
                "args": "",
                "headers": [
                    {"name": "host", "value": "www.example.com"},
                    {"name": "user-agent", "value": "curl/8.1.2"},
                    {"name": "x-forwarded-for", "value": "203.0.113.7, unknown, 10.0.0.9"},
                ],
            },
            ja3Fingerprint="a" * 32,
            ja4Fingerprint="t13d1516h2_8daaf6152771_02713d6af862",
            requestBodySize=2048,
            requestBodySizeInspectedByWAF=2048,
            clientAsn=64500,
        ),
        {
            "source.ip": "2001:218::1",
            "http.version": "2.0",
            "network.transport": "tcp",
            "http.request.body.bytes": 2048,
            "url.domain": "www.example.com",
            "url.query": None,
            "url.original": "/login/index.php",
            "user_agent.original": "curl/8.1.2",
            "related.ip": ["10.0.0.9", "2001:218::1", "203.0.113.7"],
            "tls.client.ja3": "a" * 32,
            "tls.client.ja4": "t13d1516h2_8daaf6152771_02713d6af862",
            "native.clientAsn": 64500,
        },
    ),
    (
        "HTTP/3",
        record({"httpVersion": "HTTP/3.0"}),
        {"http.version": "3.0", "network.protocol": "http", "network.transport": "udp"},
    ),
    (
        "an address as host",
        record({"headers": [{"name": "HOST", "value": "[2001:db8::1]:443"}]}),
        {"url.domain": "2001:db8::1", "url.port": 443, "related.hosts": ["2001:db8::1"]},
    ),
    (
        "an address as host without a port",
        record({"headers": [{"name": "Host", "value": "[2001:db8::1]"}]}),
        {"url.domain": "2001:db8::1", "url.port": None},
    ),
    (
        "a host that is none",
        record({"headers": [{"name": "Host", "value": "http://[x]y:1/"}]}),
        {"url.domain": "http://[x]y:1/", "url.port": None},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_record_of_each_kind(one: Json, expected: Json) -> None:
    row = row_of(one)
    assert {path: at(row, path) for path in expected} == expected


@pytest.mark.parametrize(
    "source", ["ALB", "APIGW", "APPSYNC", "COGNITO", "APPRUNNER", "AMPLIFY", "-"]
)
def test_every_scope_is_read(source: str) -> None:
    assert row_of(record(httpSourceName=source))["native"]["httpSourceName"] == source


def test_nothing_is_taken_from_the_evidence() -> None:
    row = row_of(record())
    assert row["event"]["original"] == json.dumps(record())
    assert {"name": "Authorization", "value": "Bearer secret"} in row["native"]["httpRequest"][
        "headers"
    ]


def test_few_members_are_enough() -> None:
    few = {"clientIp": "203.0.113.45"}
    row = row_of({"timestamp": 1710931800000, "webaclId": REGIONAL, "httpRequest": few})
    assert at(row, "cloud.region") == "us-west-2"
    assert at(row, "url.domain") is None
    assert row["@timestamp"] == datetime(2024, 3, 20, 10, 50, tzinfo=UTC)


def test_firehose_writes_no_line_ends_and_gives_the_same_identities() -> None:
    records = [record({"requestId": f"r{n}"}) for n in range(3)]
    delivered = preview("".join(json.dumps(r) for r in records).encode(), FIREHOSE)
    assert [r["event"]["hash"] for r in delivered.rows] == [
        r["event"]["hash"] for r in read(*records).rows
    ]
    assert at(delivered.rows[0], "cloud.account.id") == "123456789012"


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (None, "no valid time"),
        (0, "no valid time"),
        ("soon", "no valid time"),
        (10**17, "no valid time"),
    ],
)
def test_a_record_without_a_time_is_rejected(time: Any, reason: str) -> None:  # noqa: ANN401
    found = read(record(timestamp=time))
    assert found.rows == []
    assert [r.reason for r in found.rejects] == [reason]


def test_bad_lines_among_good_ones_cost_themselves() -> None:
    good = json.dumps(record()).encode()
    data = (
        good + b'\n{"invalid json",\n{"timestamp":1592357192516}\n\n[]\n\xff\xfe not utf8\n' + good
    )
    found = preview(data, KEY)
    assert len(found.rows) == 2
    assert sorted((r.position, r.reason) for r in found.rejects) == [
        (2, "no valid JSON"),
        (3, "no record of waf"),
        (4, "no record of waf"),
        (5, "no valid JSON"),
    ]


@pytest.mark.parametrize(
    "bad", [b'{"cut":', b'{"cut":{"a":1},{"b":', b"garbage", b"{", b'{"x":"\xff"']
)
def test_a_bad_line_costs_that_line(bad: bytes) -> None:
    good = [json.dumps(record({"requestId": f"r{n}"})).encode() for n in range(3)]
    found = preview(b"\n".join([good[0], bad, good[1], good[2]]), KEY)
    assert [at(r, "http.request.id") for r in found.rows] == ["r0", "r1", "r2"]
    assert [r.position for r in found.rejects] == [2]


def test_a_line_cut_short_is_one_reject() -> None:
    good = json.dumps(record()).encode()
    found = preview(good + b"\n" + good[:-80], KEY)
    assert (len(found.rows), [r.reason for r in found.rejects]) == (1, ["no valid JSON"])


def test_bytes_that_are_no_utf8_stay_in_the_original() -> None:
    data = json.dumps(record({"uri": "/a-X"})).encode().replace(b"/a-X", b"/a-\xff")
    (row,) = preview(data, KEY).rows
    assert row["log"]["encoding"] == "base64"
    assert row["url"]["path"] == "/a-\ufffd"


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the corpus is not there")
def test_every_event_of_the_corpus_is_a_row() -> None:
    with (SHARED / "corpus" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        objects = [r for r in csv.DictReader(file, delimiter="\t") if "_waflogs_" in r["s3_key"]]
    assert len(objects) == 10
    for entry in objects:
        found = preview((SHARED / "corpus" / entry["s3_key"]).read_bytes(), entry["s3_key"])
        assert len(found.rows) == int(entry["events"]), entry["s3_key"]
        assert bool(found.rejects) == (entry["source"] == "edge"), entry["s3_key"]


def test_lists_that_datadogs_forwarder_made_objects() -> None:
    """Headers by their names, rules by their ids: the row is that of the record with lists."""
    request = {
        "headers": [
            {"name": "Host", "value": "www.example.com"},
            {"name": "user-agent", "value": "curl/8"},
            {"name": "X-Forwarded-For", "value": "203.0.113.7"},
        ]
    }
    common: Json = {
        "action": "BLOCK",
        "terminatingRuleId": "AWS-Common",
        "terminatingRuleType": "MANAGED_RULE_GROUP",
    }
    listed = record(
        request,
        **common,
        ruleGroupList=[group("NoUserAgent_HEADER", "SizeRestrictions_BODY")],
        nonTerminatingMatchingRules=[{"ruleId": "count-all", "action": "COUNT"}],
    )
    keyed = record(
        {"headers": {one["name"]: one["value"] for one in request["headers"]}},
        **common,
        ruleGroupList={
            "AWS#AWSManagedRulesCommonRuleSet": {
                "terminatingRule": {"NoUserAgent_HEADER": {"action": "BLOCK"}},
                "nonTerminatingMatchingRules": {"SizeRestrictions_BODY": {"action": "COUNT"}},
            }
        },
        nonTerminatingMatchingRules={"count-all": {"action": "COUNT"}},
    )
    one, other = row_of(listed), row_of(keyed)
    assert other["native"]["countedRules"] == ["SizeRestrictions_BODY", "count-all"]
    assert at(other, "rule.name") == "NoUserAgent_HEADER"
    assert at(other, "related.ip") == ["203.0.113.7", "81.2.69.142"]
    for name in ("http", "related", "rule", "url", "user_agent"):
        assert other[name] == one[name], name
