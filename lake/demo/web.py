"""A request to the shop or the site, and the people who make them.

The load balancers, the CDN, the web firewall and the flow logs all tell of the same requests,
each in its own format, so that addresses, ports and request ids agree between the sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lake.demo.chance import URLSAFE, hex_id, pick, stream, text_id
from lake.demo.places import PLACES

if TYPE_CHECKING:
    import random

    from lake.demo.places import Place


@dataclass(frozen=True, slots=True)
class Visitor:
    address: str
    place: Place
    agent: str
    http2: bool
    tls13: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `at` is when the answer was sent; sizes are bytes, `seconds` the server's time.

    `rule` names the firewall rule that blocked it, `counted` one that only counted it; `trace` is
    the load balancer's trace id without `Root=`, `edge_id` the CDN's request id.
    """

    at: float
    visitor: Visitor
    port: int
    method: str
    host: str
    path: str
    query: str
    status: int
    received: int
    sent: int
    seconds: float
    referer: str
    content: str
    connection: str
    trace: str
    edge_id: str
    rule: str = ""
    counted: str = ""

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
# fmt: off
AGENTS = (
    (22, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format("133.0.0.0")),
    (12, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + _CHROME.format("133.0.0.0")),
    (14, "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/132.0.0.0 Mobile Safari/537.36"),
    (18, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 "
         "(KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1"),
    (9, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.3 Safari/605.1.15"),
    (9, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:135.0) Gecko/20100101 Firefox/135.0"),
    (6, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + _CHROME.format("132.0.0.0")
        + " Edg/132.0.0.0"),
    (4, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    (4, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (2, "python-requests/2.32.3"),
)
# fmt: on


@lru_cache(maxsize=4)
def visitors(seed: int) -> tuple[Visitor, ...]:
    """The people of the three days, by country as `places` weighs them."""
    rng = stream(seed, "visitors")
    weighted = [(place.visits, place) for place in PLACES if place.visits]
    crowd = []
    for _ in range(420):
        place = pick(rng, weighted)
        address = place.address(rng.randrange(256, 65000))
        crowd.append(
            Visitor(address, place, pick(rng, AGENTS), rng.random() < 0.7, rng.random() < 0.8)
        )
    return tuple(crowd)


def make_request(
    rng: random.Random,
    at: float,
    visitor: Visitor,
    port: int,
    connection: str,
    method: str,
    host: str,
    path: str,
    query: str,
    status: int,
    size: int,
    referer: str,
    content: str,
    rule: str = "",
    counted: str = "",
) -> Request:
    body = rng.randrange(60, 900) if method in ("POST", "PUT") else 0
    header = 180 + len(visitor.agent) + len(path) + len(query) + (0 if referer == "-" else 40)
    sent = 0 if method == "HEAD" else round(size * rng.uniform(0.82, 1.18))
    return Request(
        at,
        visitor,
        port,
        method,
        host,
        path,
        query,
        status,
        header + body,
        sent + rng.randrange(140, 420),
        round(rng.expovariate(1 / 0.045) + 0.002, 3),
        referer,
        content,
        connection,
        f"1-{int(at):08x}-{hex_id(rng, 24)}",
        text_id(rng, 54, URLSAFE) + "==",
        rule,
        counted,
    )
