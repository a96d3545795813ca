"""Route 53 Resolver query logs: what the machines ask for, and the bad domain among it.

Format: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html,
JSON Lines. The taken machine asks for the domain before every beacon of the flow logs, and sends
data out in the labels of TXT queries; from the morning on the DNS firewall blocks both.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from lake.demo import story
from lake.demo.chance import MACHINES, at_utc, fixed_hex, hex_id, iso, moments, stream
from lake.demo.flow_traffic import S3_ADDRESSES
from lake.demo.objects import DemoObject, deliveries, gzip_lines
from lake.demo.world import DEPOT, SHOP_EU, SHOP_US, hosts_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.world import Host, Vpc

_FIREWALL = {
    "firewall_rule_group_id": "rslvr-frg-" + fixed_hex("dns firewall group", 17),
    "firewall_domain_list_id": "rslvr-fdl-" + fixed_hex("dns firewall list", 17),
}
_Answer = tuple[str, str]  # type, data
# fmt: off
_NAMES: tuple[tuple[str, str, tuple[_Answer, ...]], ...] = (
    ("sts.{region}.amazonaws.com.", "A", (("A", "52.94.10.21"),)),
    ("sqs.{region}.amazonaws.com.", "A", (("A", "52.94.21.80"),)),
    ("halden-customer-exports.s3.us-east-1.amazonaws.com.", "A", (("A", S3_ADDRESSES[0]),)),
    ("halden-shop-assets.s3.us-east-1.amazonaws.com.", "A",
     (("CNAME", "s3-r-w.us-east-1.amazonaws.com."), ("A", S3_ADDRESSES[1]),
      ("A", S3_ADDRESSES[2]))),
    ("secretsmanager.{region}.amazonaws.com.", "A", (("A", "52.94.30.5"),)),
    ("db-1.{region}.rds.internal.halden.example.", "A", (("A", "10.10.30.121"),)),
    ("orders.internal.halden.example.", "A", (("A", "10.10.20.111"), ("A", "10.10.21.112"))),
    ("orders.internal.halden.example.", "AAAA", ()),
    ("packages.mirror.example.", "A", (("CNAME", "cdn.mirror.example."), ("A", "52.94.101.7"))),
    ("packages.mirror.example.", "AAAA", (("AAAA", "3ffe:b000:f::7"),)),
    ("time.halden.example.", "A", (("A", "33.10.1.2"),)),
    ("halden.example.", "MX", (("MX", "10 mail.halden.example."),)),
    ("api.payments.example.", "A", (("A", "52.94.200.14"),)),
    ("101.10.10.10.in-addr.arpa.", "PTR", (("PTR", "web-1.internal.halden.example."),)),
)
# fmt: on


def dns_objects(seed: int) -> Iterator[DemoObject]:
    """The logs of every VPC, cut every six hours."""
    rng = stream(seed, "dns objects")
    for vpc, count in ((SHOP_US, 2600), (SHOP_EU, 1600), (DEPOT, 1000)):
        account = vpc.account.id
        queries = _everyday(stream(seed, f"dns {vpc.id}"), vpc, count)
        if vpc is SHOP_US:
            queries += _calls_home(seed)
        for end, batch in deliveries(queries, lambda item: item[0], 6):
            mark = at_utc(end - 300)
            name = f"{vpc.id}_vpcdnsquerylogs_{account}_{mark.strftime('%Y%m%dT%H%MZ')}"
            folder = f"AWSLogs/{account}/vpcdnsquerylogs/{vpc.id}/{mark.strftime('%Y/%m/%d')}"
            lines = [json.dumps(record, separators=(",", ":")) for _, record in batch]
            key = f"{folder}/{name}_{hex_id(rng, 8)}.log.gz"
            yield gzip_lines(key, "route53resolver", lines)


def _everyday(rng: random.Random, vpc: Vpc, count: int) -> list[tuple[float, dict[str, Any]]]:
    hosts = hosts_of(vpc, "web", "app", "bastion")
    queries = []
    for at in moments(rng, count, MACHINES):
        host = rng.choice(hosts)
        if rng.random() < 0.05:  # a search suffix that leads nowhere
            name = f"{rng.choice(('wpad', 'metrics', 'cache'))}.{vpc.region}.compute.internal."
            queries.append((at, _record(rng, at, host, name, "A", "NXDOMAIN", ())))
            continue
        name, kind, answers = rng.choice(_NAMES)
        code = "SERVFAIL" if rng.random() < 0.004 else "NOERROR"
        filled = tuple((k, data.format(region=vpc.region)) for k, data in answers)
        name = name.format(region=vpc.region)
        queries.append(
            (at, _record(rng, at, host, name, kind, code, filled if code == "NOERROR" else ()))
        )
    return queries


def _calls_home(seed: int) -> list[tuple[float, dict[str, Any]]]:
    """The bad domain: a query before each beacon, and data in the names of TXT queries."""
    rng = stream(seed, "dns of the taken machine")
    domain = story.STORY.bad_domain
    answer = (("A", story.STORY.bad_domain_address),)
    queries = []
    for at in story.beacons(stream(seed, "beacons")):
        blocked = at >= story.DNS_BLOCKED
        record = _record(
            rng,
            at,
            story.TAKEN,
            f"{domain}.",
            "A",
            "NXDOMAIN" if blocked else "NOERROR",
            () if blocked else answer,
            action="BLOCK" if blocked else "",
        )
        queries.append((at, record))
    for number in range(90):
        at = story.EXFILTRATION + 1200 + number * 7.5
        data = base64.b32encode(rng.randbytes(35)).decode().lower().rstrip("=")
        name = f"{number:04x}.{data}.x.{domain}."
        queries.append(
            (
                at,
                _record(
                    rng, at, story.TAKEN, name, "TXT", "NOERROR", (("TXT", '"ok"'),), action="ALERT"
                ),
            )
        )
    return queries


def _record(
    rng: random.Random,
    at: float,
    host: Host,
    name: str,
    kind: str,
    code: str,
    answers: tuple[_Answer, ...],
    action: str = "",
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "version": "1.100000",
        "account_id": host.vpc.account.id,
        "region": host.vpc.region,
        "vpc_id": host.vpc.id,
        "query_timestamp": iso(at),
        "query_name": name,
        "query_type": kind,
        "query_class": "IN",
        "rcode": code,
        "answers": [{"Rdata": data, "Type": k, "Class": "IN"} for k, data in answers],
        "srcaddr": host.address,
        "srcport": str(rng.randrange(1024, 65535)),
        "transport": "TCP" if len(name) > 120 else "UDP",
        "srcids": {"instance": host.instance},
    }
    if action:
        record |= {"firewall_rule_action": action, **_FIREWALL}
    return record
