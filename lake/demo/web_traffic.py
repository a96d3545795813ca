"""What the shop and the site are asked for: by visitors in sessions, by the attacker's tools, and
by scanners that come by.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from lake.demo import story
from lake.demo.chance import END, VISITORS, hex_id, moments, pick, stream
from lake.demo.places import PLACES, SCANNERS
from lake.demo.web import Request, Visitor, make_request, visitors
from lake.demo.world import SHOP_EU_HOST, SHOP_HOST, WEB_HOST

if TYPE_CHECKING:
    import random

# fmt: off
_SHOP = (
    (22, "GET", "/", "", 200, "text/html", 18400),
    (20, "GET", "/products/{n}", "", 200, "text/html", 24600),
    (12, "GET", "/search", "q={word}", 200, "text/html", 15100),
    (12, "GET", "/api/v1/cart", "", 200, "application/json", 900),
    (9, "POST", "/api/v1/cart/items", "", 201, "application/json", 420),
    (5, "POST", "/api/v1/login", "", 200, "application/json", 610),
    (2, "POST", "/api/v1/login", "", 401, "application/json", 140),
    (4, "POST", "/api/v1/orders", "", 201, "application/json", 730),
    (3, "PUT", "/api/v1/profile", "", 204, "-", 0),
    (2, "DELETE", "/api/v1/cart/items/{n}", "", 204, "-", 0),
    (3, "GET", "/old/catalogue", "", 301, "text/html", 240),
    (3, "GET", "/products/{n}/manual.pdf", "", 404, "text/html", 1900),
    (1, "GET", "/api/v1/stock", "sku={n}", 502, "text/html", 520),
    (1, "OPTIONS", "/api/v1/cart", "", 200, "-", 0),
)
# fmt: on
# fmt: off
_SITE = (
    (24, "GET", "/index.html", "", 200, "text/html", 14200),
    (20, "GET", "/static/app.{n}.js", "", 200, "application/javascript", 182000),
    (18, "GET", "/static/site.css", "", 200, "text/css", 31000),
    (26, "GET", "/images/tent-{n}.webp", "", 200, "image/webp", 96000),
    (8, "GET", "/images/hero.webp", "", 304, "image/webp", 0),
    (6, "GET", "/blog/", "page={n}", 200, "text/html", 21000),
    (5, "GET", "/favicon.ico", "", 200, "image/x-icon", 4286),
    (4, "GET", "/videos/stove.mp4", "", 206, "video/mp4", 1048576),
    (3, "GET", "/press/{n}", "", 404, "text/html", 1300),
    (2, "HEAD", "/index.html", "", 200, "text/html", 0),
    (1, "GET", "/stores", "", 503, "text/html", 570),
)
# fmt: on
_WORDS = ("tent", "stove", "rain+jacket", "boots", "sleeping+bag", "headlamp", "map+case", "rope")


@lru_cache(maxsize=4)
def shop_requests(seed: int) -> tuple[Request, ...]:
    """What reached the two load balancers of the shop, the probe included, in order of time."""
    rng = stream(seed, "shop requests")
    found = _browse(rng, seed, 4300, SHOP_HOST, _SHOP, american=True)
    found += _browse(rng, seed, 1100, SHOP_EU_HOST, _SHOP, american=False)
    found += _probe(rng, SHOP_HOST, 150)
    return tuple(sorted(found, key=lambda request: request.at))


@lru_cache(maxsize=4)
def site_requests(seed: int) -> tuple[Request, ...]:
    """What reached the CDN, in order of time."""
    rng = stream(seed, "site requests")
    found = _browse(rng, seed, 5600, WEB_HOST, _SITE, american=None)
    found += _probe(rng, WEB_HOST, 70)
    return tuple(sorted(found, key=lambda request: request.at))


def _browse(
    rng: random.Random,
    seed: int,
    count: int,
    host: str,
    pages: tuple[tuple[int, str, str, str, int, str, int], ...],
    american: bool | None,
) -> list[Request]:
    """About `count` requests in sessions of one to twelve, each session over one connection."""
    crowd = [
        v
        for v in visitors(seed)
        if american is None or american == (v.place.country.continent not in ("EU", "AF"))
    ]
    choices = [(page[0], page[1:]) for page in pages]
    found: list[Request] = []
    for start in moments(rng, round(count / 5.2), VISITORS, utc_offset=-1):
        visitor = rng.choice(crowd)
        port = rng.randrange(32768, 61000)
        connection = "TID_" + hex_id(rng, 32)
        at, referer = start, "-"
        for _ in range(rng.randint(1, 9)):
            method, path, query, status, content, size = pick(rng, choices)
            number = str(rng.randrange(100, 160))
            path = path.replace("{n}", number)
            query = query.replace("{n}", number).replace("{word}", rng.choice(_WORDS))
            if rng.random() < 0.004:
                status, content, size = 500, "text/html", 520
            found.append(
                make_request(
                    rng,
                    at,
                    visitor,
                    port,
                    connection,
                    method,
                    host,
                    path,
                    query,
                    status,
                    size,
                    referer,
                    content,
                    counted="SignalNonBrowserUserAgent" if "python" in visitor.agent else "",
                )
            )
            referer = f"https://{host}{path}"
            at = round(at + rng.expovariate(1 / 14), 6)
            if at >= END:
                break
    return found


def _probe(rng: random.Random, host: str, count: int) -> list[Request]:
    """The attacker's injections and traversals, a few scanners' too; the firewall stops most."""
    own = PLACES[[place.owner for place in PLACES].index("Hrafn Example Hosting")]
    sqlmap = Visitor(story.ATTACKER, own, story.PROBE_AGENT, False, True)
    nmap = Visitor(story.ATTACKER, own, story.TRAVERSAL_AGENT, False, True)
    found = []
    at = float(story.PROBE)
    for number in range(count):
        at = round(at + rng.uniform(1, 12), 6)
        port, connection = rng.randrange(32768, 61000), "TID_" + hex_id(rng, 32)
        tried = partial(_tried, rng, at, port, connection, host)
        if number % 5 == 4:  # looks around between its tries, and is answered
            found.append(tried(nmap, "/robots.txt"))
        elif number % 3:
            attempt = story.SQL_INJECTIONS[number % len(story.SQL_INJECTIONS)]
            query = "q=" + quote(attempt, safe="")
            found.append(tried(sqlmap, "/search", query, rule="SQLi_QUERYARGUMENTS"))
        else:
            path = story.TRAVERSALS[number % len(story.TRAVERSALS)]
            found.append(tried(nmap, path, rule="GenericLFI_URIPATH"))
    for at in moments(rng, count // 2):
        address, agent = SCANNERS.address(rng.randrange(256, 65000)), "Mozilla/5.0 zgrab/0.x"
        robot = Visitor(address, SCANNERS, agent, False, rng.random() < 0.5)
        port, connection = rng.randrange(32768, 61000), "TID_" + hex_id(rng, 32)
        path = rng.choice(("/.env", "/wp-login.php", "/phpmyadmin/", "/solr/"))
        rule = "AWSManagedIPReputationList"
        found.append(_tried(rng, at, port, connection, host, robot, path, rule=rule))
    return found


def _tried(
    rng: random.Random,
    at: float,
    port: int,
    connection: str,
    host: str,
    visitor: Visitor,
    path: str,
    query: str = "",
    *,
    rule: str = "",
) -> Request:
    """A request that a rule of the firewall stops, or none."""
    status, size, content = (403, 118, "text/html") if rule else (200, 310, "text/plain")
    return make_request(
        rng,
        at,
        visitor,
        port,
        connection,
        "GET",
        host,
        path,
        query,
        status,
        size,
        "-",
        content,
        rule,
    )
