"""Application Load Balancer logs: access log entries (30 fields) and connection logs (12 fields).

Format: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
and .../load-balancer-connection-logs.html. A connection's trace id stands last in both, so the
two can be joined. The bucket also holds the test file that switching the logs on leaves behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo.chance import LOWER, fixed_hex, iso_micro, stream, text_id
from lake.demo.objects import DemoObject, day_path, deliveries, gzip_lines, minute_stamp
from lake.demo.web_traffic import shop_requests
from lake.demo.world import BALANCERS, PRODUCTION, SHOP_EU, SHOP_HOST, SHOP_US, hosts_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.web import Request, Visitor
    from lake.demo.world import Vpc

CIPHERS = {
    True: ("TLS_AES_128_GCM_SHA256", "TLSv1.3"),
    False: ("ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"),
}


def alb_objects(seed: int) -> Iterator[DemoObject]:
    """The objects of both load balancers of the shop."""
    rng = stream(seed, "alb")
    for vpc, name in ((SHOP_US, "alb-us"), (SHOP_EU, "alb-eu")):
        american = vpc is SHOP_US
        requests = [r for r in shop_requests(seed) if (r.host == SHOP_HOST) == american]
        balancer = BALANCERS[name]
        folder = f"AWSLogs/{PRODUCTION.id}/elasticloadbalancing/{vpc.region}"
        stem = f"{PRODUCTION.id}_elasticloadbalancing_{vpc.region}_{balancer.replace('/', '.')}"
        node = hosts_of(vpc, "alb")[0].public
        for end, batch in deliveries(requests, lambda request: request.at, 3):
            tail = f"{stem}_{minute_stamp(end)}_{node}_{text_id(rng, 8, LOWER)}.log.gz"
            lines = [_access(rng, request, vpc, balancer) for request in batch]
            yield gzip_lines(f"{folder}/{day_path(end)}/{tail}", "alb", lines)
        opened = {request.connection: request for request in reversed(requests)}
        for end, batch in deliveries(opened.values(), lambda request: request.at, 6):
            tail = f"conn_log.{stem}_{minute_stamp(end)}_{node}_{text_id(rng, 8, LOWER)}.log.gz"
            lines = [_connection(rng, request) for request in batch]
            yield gzip_lines(f"{folder}/{day_path(end)}/{tail}", "alb_connection", lines)
    text = b"Enable AccessLog for ELB: halden-shop at 2025-03-03T09:12:44.115Z"
    yield DemoObject(f"AWSLogs/{PRODUCTION.id}/ELBAccessLogTestFile", None, 0, text)


def endpoint(address: str, port: int) -> str:
    """An address with its port, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _access(rng: random.Random, request: Request, vpc: Vpc, balancer: str) -> str:
    visitor = request.visitor
    cipher, protocol = CIPHERS[visitor.tls13]
    target = rng.choice(hosts_of(vpc, "web")).address + ":8080"
    group = (
        f"arn:aws:elasticloadbalancing:{vpc.region}:{PRODUCTION.id}:targetgroup/web/"
        + fixed_hex(f"target group {vpc.region}", 16)
    )
    certificate = (
        f"arn:aws:acm:{vpc.region}:{PRODUCTION.id}:certificate/0c9a7d1e-2b44-4f0e-9a51-"
        + fixed_hex(f"certificate {vpc.region}", 12)
    )
    times, answered, actions, reason = (
        f"0.001 {request.seconds:.3f} 0.000",
        str(request.status),
        "waf,forward",
        "-",
    )
    if request.rule:
        times, answered, actions, target, group = "-1 -1 -1", "-", "waf", "-", "-"
    elif request.status == 301:
        times, answered, actions, target, group = "-1 -1 -1", "-", "waf,redirect", "-", "-"
    elif request.status == 502:
        times, answered = f"0.001 {request.seconds:.3f} -1", "-"
    redirect = f"https://{request.host}:443/catalogue" if request.status == 301 else "-"
    version = "HTTP/2.0" if visitor.http2 else "HTTP/1.1"
    created = iso_micro(round(request.at - request.seconds - 0.002, 3))
    return (
        f"{'h2' if visitor.http2 else 'https'} {iso_micro(request.at)} {balancer} "
        f"{endpoint(visitor.address, request.port)} {target} {times} {request.status} {answered} "
        f"{request.received} {request.sent} "
        f'"{request.method} https://{request.host}:443{request.target} {version}" '
        f'"{visitor.agent}" {cipher} {protocol} {group} "Root={request.trace}" "{request.host}" '
        f'"{certificate}" 0 {created} "{actions}" "{redirect}" "{reason}" "{target}" '
        f'"{answered}" "-" "-" {request.connection}'
    )


def _connection(rng: random.Random, request: Request) -> str:
    visitor: Visitor = request.visitor
    cipher, protocol = CIPHERS[visitor.tls13]
    start = iso_micro(request.at - rng.uniform(0.02, 0.2))
    if rng.random() < 0.02:  # gave up before the handshake was done
        protocol, cipher, latency = "-", "-", "-"
    else:
        latency = f"{rng.uniform(0.008, 0.31):.3f}"
    return (
        f"{start} {visitor.address} {request.port} 443 {protocol} {cipher} {latency} "
        f'"-" - - - {request.connection}'
    )
