"""Resolver query logs: answers, the machine that asked, the DNS firewall."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lake.stage.preview import Preview, preview

Json = dict[str, Any]
KEY = "AWSLogs/123456789012/vpcdnsquerylogs/vpc-1/2024/02/01/vpc-1_vpcdnsquerylogs_123456789012_20240201T1000Z_abc.log.gz"  # noqa: E501
SHARED = Path(__file__).resolve().parents[4] / "shared"


def record(*answers: tuple[str, str], **more: Any) -> Json:  # noqa: ANN401
    base: Json = {
        "version": "1.100000",
        "account_id": "012345678901",
        "region": "us-west-2",
        "vpc_id": "vpc-1",
        "query_timestamp": "2024-02-01T10:00:01Z",
        "query_name": "www.Example.com.",
        "query_type": "A",
        "query_class": "IN",
        "rcode": "NOERROR",
        "answers": [{"Rdata": data, "Type": kind, "Class": "IN"} for kind, data in answers],
        "srcaddr": "10.0.0.5",
        "srcport": "54321",
        "transport": "UDP",
        "srcids": {"instance": "i-0123456789abcdef0"},
    }
    return base | more


def read(*records: Json) -> Preview:
    return preview("\n".join(json.dumps(r) for r in records).encode(), KEY)


def row_of(one: Json) -> Json:
    found = read(one)
    assert found.rejects == []
    (row,) = found.rows
    return row


def at(row: Any, path: str) -> Any:  # noqa: ANN401
    for name in path.split("."):
        row = None if row is None else row.get(name)
    return row


def answer(kind: str, data: str) -> Json:
    return {"class": "IN", "data": data, "name": None, "ttl": None, "type": kind}


FIREWALL = {"firewall_rule_group_id": "rslvr-frg-1", "firewall_domain_list_id": "rslvr-fdl-1"}
CASES: list[tuple[str, Json, Json]] = [
    (
        "several answers",
        record(("CNAME", "cdn.example.com."), ("A", "93.184.216.34"), ("A", "93.184.216.35")),
        {
            "@timestamp": datetime(2024, 2, 1, 10, 0, 1, tzinfo=UTC),
            "event.kind": "event",
            "event.category": ["network"],
            "event.type": ["protocol"],
            "event.action": "QUERY",
            "event.outcome": "success",
            "cloud.account.id": "012345678901",
            "cloud.region": "us-west-2",
            "cloud.vpc.id": "vpc-1",
            "cloud.instance.id": "i-0123456789abcdef0",
            "source.ip": "10.0.0.5",
            "source.port": 54321,
            "network.transport": "udp",
            "network.protocol": "dns",
            "network.type": "ipv4",
            "dns.type": "answer",
            "dns.question.name": "www.Example.com",
            "dns.question.type": "A",
            "dns.question.class": "IN",
            "dns.question.top_level_domain": "com",
            "dns.question.registered_domain": "example.com",
            "dns.question.subdomain": "www",
            "dns.response_code": "NOERROR",
            "dns.answers": [
                answer("CNAME", "cdn.example.com"),
                answer("A", "93.184.216.34"),
                answer("A", "93.184.216.35"),
            ],
            "dns.resolved_ip": ["93.184.216.34", "93.184.216.35"],
            "related.ip": ["10.0.0.5", "93.184.216.34", "93.184.216.35"],
            "related.hosts": ["cdn.example.com", "www.Example.com"],
            "rule.id": None,
            "rule.category": None,
            "native.query_name": "www.Example.com.",
        },
    ),
    (
        "no answer",
        record(rcode="NXDOMAIN", query_name="bad.example.", query_type="AAAA"),
        {
            "event.outcome": "failure",
            "dns.answers": None,
            "dns.resolved_ip": None,
            "dns.question.name": "bad.example",
            "related.ip": ["10.0.0.5"],
            "related.hosts": ["bad.example"],
        },
    ),
    (
        "IPv6, over TCP",
        record(("AAAA", "2001:db8::1"), srcaddr="2001:db8::5", transport="TCP", query_type="AAAA"),
        {
            "source.ip": "2001:db8::5",
            "network.transport": "tcp",
            "network.type": "ipv6",
            "dns.resolved_ip": ["2001:db8::1"],
        },
    ),
    (
        "answers that name hosts, text and mail servers",
        record(("PTR", "web.example."), ("TXT", '"v=spf1."'), ("MX", "10 mail.example.")),
        {
            "dns.answers": [
                answer("PTR", "web.example"),
                answer("TXT", '"v=spf1."'),
                answer("MX", "10 mail.example"),
            ],
            "dns.resolved_ip": None,
            "related.hosts": ["mail.example", "web.example", "www.Example.com"],
        },
    ),
    (
        "a service",
        record(("SRV", "0 100 389 dc1.corp.example."), query_name="_ldap._tcp.corp.example."),
        {"related.hosts": ["_ldap._tcp.corp.example", "dc1.corp.example"]},
    ),
    (
        "a mail server and a service that are none",
        record(("MX", "0 ."), ("SRV", "0 0 0 ."), query_name="example.", query_type="MX"),
        {
            "dns.answers": [answer("MX", "0 ."), answer("SRV", "0 0 0 .")],
            "related.hosts": ["example"],
        },
    ),
    (
        "where a service is, with addresses of it as hints",
        record(
            ("CNAME", "edge.example."),
            ("HTTPS", "1 . alpn=h3,h2 ipv4hint=192.0.2.7,192.0.2.8 ipv6hint=2001:DB8::7"),
            ("HTTPS", "2 pool.example. alpn=h2"),
            query_type="HTTPS",
        ),
        {
            "dns.answers": [
                answer("CNAME", "edge.example"),
                answer("HTTPS", "1 . alpn=h3,h2 ipv4hint=192.0.2.7,192.0.2.8 ipv6hint=2001:DB8::7"),
                answer("HTTPS", "2 pool.example. alpn=h2"),
            ],
            "dns.resolved_ip": ["192.0.2.7", "192.0.2.8", "2001:db8::7"],
            "related.ip": ["10.0.0.5", "192.0.2.7", "192.0.2.8", "2001:db8::7"],
            "related.hosts": ["edge.example", "pool.example", "www.Example.com"],
        },
    ),
    (
        "the name of an address",
        record(("PTR", "web.example."), query_name="7.113.0.203.IN-ADDR.arpa.", query_type="PTR"),
        {
            "dns.question.name": "7.113.0.203.IN-ADDR.arpa",
            "dns.resolved_ip": None,
            "related.ip": ["10.0.0.5", "203.0.113.7"],
        },
    ),
    (
        "the name of an IPv6 address, which has none",
        record(
            query_name=f"B.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa", query_type="PTR", rcode="NXDOMAIN"
        ),
        {"related.ip": ["10.0.0.5", "2001:db8::b"], "dns.resolved_ip": None},
    ),
    (
        "a network's zone, asked for as if it were an address",
        record(query_name=f"{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa.", query_type="PTR"),
        {"related.ip": ["10.0.0.5"]},
    ),
    (
        "another type of an address's name",
        record(query_name="7.113.0.203.in-addr.arpa.", query_type="SOA"),
        {"related.ip": ["10.0.0.5"]},
    ),
    (
        "an address written in full, a response code in other letters",
        record(("AAAA", "2001:0DB8:0000:0000:0000:0000:0000:0001"), rcode="NoError"),
        {
            "event.outcome": "success",
            "dns.response_code": "NOERROR",
            "dns.answers": [answer("AAAA", "2001:db8::1")],
            "dns.resolved_ip": ["2001:db8::1"],
            "related.ip": ["10.0.0.5", "2001:db8::1"],
        },
    ),
    (
        "the root",
        record(("NS", "a.root-servers.net."), query_name=".", query_type="NS"),
        {
            "dns.question.name": ".",
            "dns.question.top_level_domain": None,
            "related.hosts": ["a.root-servers.net"],
        },
    ),
    (
        "blocked by the DNS firewall",
        record(firewall_rule_action="BLOCK", **FIREWALL),
        {
            "event.kind": "alert",
            "event.type": ["protocol", "denied"],
            "event.action": "BLOCK",
            "event.outcome": "failure",
            "rule.id": "rslvr-fdl-1",
            "rule.ruleset": "rslvr-frg-1",
            "rule.category": "DNS Firewall",
        },
    ),
    (
        "an alert of the DNS firewall, through an inbound endpoint",
        record(
            ("A", "127.0.0.62"),
            firewall_rule_action="ALERT",
            srcids={"resolver_endpoint": "rslvr-in-1", "resolver_network_interface": "rni-1"},
            **FIREWALL,
        ),
        {
            "event.kind": "alert",
            "event.action": "ALERT",
            "event.outcome": "success",
            "cloud.instance.id": None,
            "observer.name": "rslvr-in-1",
            "observer.ingress.interface.id": "rni-1",
        },
    ),
    (
        "allowed by the DNS firewall",
        record(("A", "192.0.2.1"), firewall_rule_action="ALLOW", **FIREWALL),
        {"event.kind": "event", "event.action": "ALLOW", "event.type": ["protocol", "allowed"]},
    ),
    (
        "answers null, no source ids",
        record(answers=None, srcids=None),
        {"dns.answers": None, "cloud.instance.id": None, "related.ip": ["10.0.0.5"]},
    ),
]


@pytest.mark.parametrize(("one", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_query_of_each_kind(one: Json, expected: Json) -> None:
    row = row_of(one)
    assert {path: at(row, path) for path in expected} == expected


def test_equal_lines_of_an_object_are_two_queries() -> None:
    first, second = (r["event"]["hash"] for r in read(record(), record()).rows)
    assert first != second


def test_a_query_without_a_time_is_rejected() -> None:
    found = read(record(), record(query_timestamp="yesterday"))
    assert len(found.rows) == 1
    assert [(r.position, r.reason) for r in found.rejects] == [(2, "no valid time")]


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared with the corpus is not there")
def test_every_event_of_the_corpus_is_a_row() -> None:
    with (SHARED / "corpus" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        objects = [r for r in rows if r["source"] == "route53resolver"]
    assert len(objects) == 4
    for entry in objects:
        found = preview((SHARED / "corpus" / entry["s3_key"]).read_bytes(), entry["s3_key"])
        assert (len(found.rows), found.rejects) == (int(entry["events"]), []), entry["s3_key"]


def firewall_event(action: str, *resources: Json) -> Json:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/events-detail-reference.html"""
    return {
        "version": "0",
        "id": "8e5622f9-d81c-4d81-612a-9319e7ee2506",
        "detail-type": f"DNS Firewall {action.capitalize()}",
        "source": "aws.route53resolver",
        "account": "123456789012",
        "time": "2024-02-01T10:05:00Z",
        "region": "us-west-2",
        "resources": [],
        "detail": {
            "account-id": "123456789012",
            "last-observed-at": "2024-02-01T10:00:01.900Z",
            "query-name": "www.Example.com.",
            "query-type": "A",
            "query-class": "IN",
            "transport": "UDP",
            "firewall-rule-action": action,
            "firewall-rule-group-id": "rslvr-frg-1",
            "firewall-domain-list-id": "rslvr-fdl-1",
            "firewall-protection": "DGA",
            "resources": list(resources),
            "src-addr": "10.0.0.5",
            "src-port": "54321",
            "vpc-id": "vpc-1",
        },
    }


@pytest.mark.parametrize(
    ("action", "outcome", "types"),
    [
        ("BLOCK", "failure", ["protocol", "denied"]),
        ("ALERT", "unknown", ["protocol", "allowed"]),
    ],
)
def test_an_event_of_the_dns_firewall(action: str, outcome: str, types: list[str]) -> None:
    sent = firewall_event(
        action,
        {"resource-type": "instance", "instance-details": {"id": "i-0123456789abcdef0"}},
        {"resource-type": "resolver-endpoint", "resolver-endpoint-details": {"id": "rslvr-in-1"}},
    )
    found = preview(json.dumps(sent).encode(), "bus/events.json")
    (row,) = found.rows
    assert (found.status, found.rejects) == ("read", [])
    assert row["@timestamp"] == datetime(2024, 2, 1, 10, 0, 1, 900_000, tzinfo=UTC)
    assert row["event"]["original"] == json.dumps(sent["detail"])
    expected = {
        "event.kind": "alert",
        "event.type": types,
        "event.action": action,
        "event.outcome": outcome,
        "event.dataset": "route53resolver",
        "cloud.account.id": "123456789012",
        "cloud.region": "us-west-2",
        "cloud.vpc.id": "vpc-1",
        "cloud.instance.id": "i-0123456789abcdef0",
        "observer.name": "rslvr-in-1",
        "source.ip": "10.0.0.5",
        "source.port": 54321,
        "dns.type": "query",
        "dns.question.name": "www.Example.com",
        "rule.id": "rslvr-fdl-1",
        "rule.ruleset": "rslvr-frg-1",
        "native.query_name": "www.Example.com.",
        "native.firewall_protection": "DGA",
    }
    assert {path: at(row, path) for path in expected} == expected


def test_what_is_said_of_a_late_delivery_is_kept() -> None:
    row = row_of(record(additional_properties={"is_delayed": True}))
    assert at(row, "native.additional_properties") == '{"is_delayed":true}'
    assert at(row, "dns.type") == "answer"
