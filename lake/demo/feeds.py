"""Network Load Balancer TLS logs and Classic Load Balancer access logs: the warehouses' feeds.

Suppliers send stock levels through the NLB; an old partner portal still sits behind a Classic
Load Balancer. Formats (22 and 15 fields):
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo.alb import CIPHERS
from lake.demo.chance import (
    LOWER,
    MACHINES,
    OFFICE,
    at_utc,
    fixed_hex,
    hex_id,
    iso_micro,
    moments,
    stream,
    text_id,
)
from lake.demo.objects import (
    DemoObject,
    day_path,
    deliveries,
    gzip_lines,
    minute_stamp,
    plain_lines,
)
from lake.demo.story import ATTACKER, PROBE
from lake.demo.web import visitors
from lake.demo.world import BALANCERS, DEPOT, LOGISTICS, hosts_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.web import Visitor

_FOLDER = f"AWSLogs/{LOGISTICS.id}/elasticloadbalancing/{DEPOT.region}"
_STEM = f"{LOGISTICS.id}_elasticloadbalancing_{DEPOT.region}_"
_PATHS = (
    ("GET", "/partner/orders", 200, 5200),
    ("GET", "/partner/orders?state=open", 200, 3100),
    ("POST", "/partner/shipments", 201, 310),
    ("GET", "/partner/labels/8841.pdf", 200, 88000),
    ("GET", "/partner/rates", 404, 240),
    ("GET", "/", 302, 0),
)


def nlb_objects(seed: int) -> Iterator[DemoObject]:
    """TLS connections to the suppliers' feed, cut every eight hours."""
    rng = stream(seed, "nlb")
    balancer = BALANCERS["nlb"]
    stem = _STEM + balancer.replace("/", ".")
    times = moments(rng, 1500, MACHINES)
    for end, batch in deliveries(times, float, 8):
        lines = [_tls_line(rng, at, seed) for at in batch]
        tail = f"{stem}_{minute_stamp(end)}_{text_id(rng, 8, LOWER)}.log.gz"
        yield gzip_lines(f"{_FOLDER}/{day_path(end)}/{tail}", "nlb", lines)


def clb_objects(seed: int) -> Iterator[DemoObject]:
    """Requests to the partner portal, cut every eight hours; these objects are not gzipped."""
    rng = stream(seed, "clb")
    stem = _STEM + BALANCERS["clb"]
    node = hosts_of(DEPOT, "nat")[0].public
    times = [(at, "") for at in moments(rng, 1100, OFFICE, utc_offset=9)]
    times += [(PROBE + 3600 + 7.25 * number, ATTACKER) for number in range(12)]
    for end, batch in deliveries(times, lambda item: item[0], 8):
        lines = [_classic_line(rng, at, seed, who) for at, who in batch]
        tail = f"{stem}_{minute_stamp(end)}_{node}_{text_id(rng, 8, LOWER)}.log"
        yield plain_lines(f"{_FOLDER}/{day_path(end)}/{tail}", "clb", lines)


def _partners(seed: int) -> list[Visitor]:
    """Those of the visitors that come over IPv4: neither balancer is dual-stack."""
    return [visitor for visitor in visitors(seed) if ":" not in visitor.address]


def _tls_line(rng: random.Random, at: float, seed: int) -> str:
    visitor = rng.choice(_partners(seed)[:60])
    balancer = BALANCERS["nlb"]
    number = balancer.rsplit("/", 1)[1]
    address = visitor.address
    host = hosts_of(DEPOT, "nlb")[0]
    created = at_utc(at - rng.uniform(0.2, 240)).strftime("%Y-%m-%dT%H:%M:%S")
    certificate = (
        f"arn:aws:acm:{DEPOT.region}:{LOGISTICS.id}:certificate/5f1b6a3c-90de-4c7a-8f22-"
        + fixed_hex("nlb certificate", 12)
    )
    cipher = "TLS_AES_128_GCM_SHA256" if visitor.tls13 else "ECDHE-RSA-AES128-GCM-SHA256"
    protocol, group, handshake = "tlsv13" if visitor.tls13 else "tlsv12", "x25519", "4"
    alert, front, offered = "-", "h2", '"h2","http/1.1"'
    if rng.random() < 0.03:  # a client that does not know our issuer hangs up
        alert, cipher, protocol, group, handshake = "unknown_ca", "-", "-", "-", "-"
        front, offered = "-", "-"
    elif not visitor.http2:
        front, offered = "-", "-"
    return (
        f"tls 2.0 {at_utc(at).strftime('%Y-%m-%dT%H:%M:%S')} {balancer} "
        f"{fixed_hex('nlb listener', 16)} {address}:{rng.randrange(32768, 61000)} "
        f"{host.address}:443 {rng.randrange(40, 240000)} {handshake} "
        f"{rng.randrange(600, 90000)} {rng.randrange(3000, 240000)} {alert} {certificate} - "
        f"{cipher} {protocol} {group} halden-depot-feed-{number}.elb.{DEPOT.region}.amazonaws.com "
        f"{front} {front} {offered} {created}"
    )


def _classic_line(rng: random.Random, at: float, seed: int, who: str) -> str:
    visitor = rng.choice(_partners(seed)[60:90])
    address = who or visitor.address
    method, path, status, size = _PATHS[rng.randrange(len(_PATHS))]
    target = f"{rng.choice(hosts_of(DEPOT, 'web')).address}:80"
    agent, times = visitor.agent, f"0.000{rng.randrange(20, 99)} 0.{rng.randrange(2000, 90000):06d}"
    times += f" 0.0000{rng.randrange(11, 99)}"
    answered = str(status)
    cipher, protocol = CIPHERS[False]
    if who:
        method, path, status, size = "GET", f"/partner/.%2e/{hex_id(rng, 4)}", 400, 0
        target, times, answered, agent = "-", "-1 -1 -1", "0", "-"
    elif rng.random() < 0.015:
        status, size, target, times, answered = 503, 0, "-", "-1 -1 -1", "0"
    request = f"{method} https://partner.halden.example:443{path} HTTP/1.1"
    codes = f"{status} {answered}"
    if rng.random() < 0.06 and not who:  # a TCP listener stands beside the HTTPS one
        request, agent, cipher, protocol, codes = "- - - ", "-", "-", "-", "- -"
    sent = round(size * rng.uniform(0.8, 1.2))
    return (
        f"{iso_micro(at)} {BALANCERS['clb']} {address}:{rng.randrange(32768, 61000)} {target} "
        f"{times} {codes} {rng.randrange(0, 900)} {sent} "
        f'"{request}" "{agent}" {cipher} {protocol}'
    )
