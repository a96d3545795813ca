"""Application Load Balancer access logs of 30 fields.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.made.chance import AGENTS, addresses, hexes, moments, numbers, skewed, weighted
from bench.made.place import iso_micro

if TYPE_CHECKING:
    from bench.made.chance import Stream
    from bench.made.place import Place

STATUSES = {200: 80.0, 404: 8.0, 301: 6.0, 403: 2.0, 500: 2.0, 502: 2.0}
KINDS = {("h2", "2.0"): 60.0, ("https", "1.1"): 30.0, ("http", "1.1"): 10.0}
METHODS = {"GET": 80.0, "POST": 17.0, "PUT": 2.0, "DELETE": 1.0}
VISITORS, PAGES = 50_000, 400
HOST = "shop.bench.example"
BALANCER = "app/bench/50dc6c495c0c9188"


def requests(rng: Stream, place: Place, count: int) -> list[str]:
    """Lines: visitors with few pages, half of the requests with a query."""
    group = f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:targetgroup/web/73e2d6bc"
    certificate = f"arn:aws:acm:{place.region}:{place.account}:certificate/0b7f6d4e-91aa-4c3b"
    columns = zip(
        *(weighted(rng, KINDS, count), moments(rng, place.begin, place.seconds, count)),
        *(skewed(rng, addresses(place.seed, "alb", VISITORS), count),),
        *(numbers(rng, 1_024, 65_535, count), numbers(rng, 1, 254, count)),
        *((rng.exponential(0.08, count)).tolist(), weighted(rng, STATUSES, count)),
        *(numbers(rng, 60, 3_000, count), numbers(rng, 120, 90_000, count)),
        *(weighted(rng, METHODS, count), skewed(rng, range(PAGES), count)),
        *(numbers(rng, 0, 19_999, count), skewed(rng, AGENTS, count)),
        *(hexes(rng, 24, count), hexes(rng, 32, count), numbers(rng, 1, 9, count)),
        strict=True,
    )
    lines = []
    for (scheme, version), at, visitor, port, host, seconds, status, got, sent, *asked in columns:
        method, page, query, agent, trace, connection, rule = asked
        port_told = 80 if scheme == "http" else 443
        url = f"{'http' if scheme == 'http' else 'https'}://{HOST}:{port_told}/catalogue/{page}"
        if query < 10_000:
            url += f"?item={query}&from={trace[:8]}"
        target = f"10.0.{page % 8}.{host}:8080"
        tls = "- -" if scheme == "http" else "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2"
        lines.append(
            f"{scheme} {iso_micro(at)} {BALANCER} {visitor}:{port} {target} 0.001 {seconds:.3f} "
            f'0.000 {status} {status} {got} {sent} "{method} {url} HTTP/{version}" "{agent}" '
            f'{tls} {group} "Root=1-{int(at):08x}-{trace}" "{HOST}" "{certificate}" {rule} '
            f'{iso_micro(at - seconds)} "forward" "-" "-" "{target}" "{status}" "-" "-" '
            f"TID_{connection}"
        )
    return lines
