"""CloudFront logs of the site: standard logs with 33 fields, and a sample of real-time logs.

Formats: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
and .../real-time-logs.html. Real-time logs have no header: 42 fields in the documented order, up
to the two of a staging distribution, which stay empty. Both logs tell of the same requests; the
request id joins them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from lake.demo.alb import CIPHERS
from lake.demo.chance import at_utc, fixed_hex, hex_id, stream, uuid
from lake.demo.objects import DemoObject, deliveries, gzip_lines
from lake.demo.web_traffic import site_requests
from lake.demo.world import DISTRIBUTION, EDGE_HOST, PRODUCTION, WEB_HOST

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.web import Request

_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
_HEADER = f"#Version: 1.0\n#Fields: {_FIELDS}\n"
# fmt: off
_EDGES = {
    "US": ("HIO52-P1", "DFW57-P2", "EWR53-C1"), "DE": ("HAM50-P2", "MUC50-P1"),
    "GB": ("MAN51-P3",), "FR": ("CDG50-P1",), "JP": ("KIX50-P1", "NRT57-P2"), "IN": ("BOM78-P5",),
    "BR": ("GRU3-P2",), "AU": ("PER50-C1",), "CA": ("YUL62-P1",), "NL": ("AMS58-P3",),
    "SE": ("ARN56-P1",), "SG": ("SIN2-P1",), "KE": ("NBO50-P1",), "MX": ("QRO51-P1",),
    "PL": ("WAW51-P2",), "ES": ("MAD51-C1",), "IT": ("MXP63-P1",), "KR": ("ICN57-P1",),
    "ZA": ("JNB50-C1",), "IS": ("LHR61-P4",), "PA": ("MIA50-P1",), "SC": ("JNB50-C1",),
}
# fmt: on
_FOLDER = f"AWSLogs/{PRODUCTION.id}/CloudFront/global/{DISTRIBUTION}"


def cloudfront_objects(seed: int) -> Iterator[DemoObject]:
    """Standard logs, one object every four hours, named after the hour they begin with."""
    rng = stream(seed, "cloudfront")
    for end, batch in deliveries(site_requests(seed), lambda request: request.at, 4):
        hour = at_utc(end - 4 * 3600).strftime("%Y-%m-%d-%H")
        lines = [_standard(request) for request in batch]
        key = f"{_FOLDER}/standard/{DISTRIBUTION}.{hour}.{hex_id(rng, 8)}.gz"
        yield gzip_lines(key, "cloudfront", lines, _HEADER)


def realtime_objects(seed: int) -> Iterator[DemoObject]:
    """Real-time logs of a quarter of the requests, as Firehose delivers them."""
    rng = stream(seed, "cloudfront realtime")
    sampled = [request for request in site_requests(seed) if rng.random() < 0.25]
    for _, batch in deliveries(sampled, lambda request: request.at, 8):
        first = at_utc(batch[0].at)
        name = f"halden-cf-realtime-1-{first.strftime('%Y-%m-%d-%H-%M-%S')}-{uuid(rng)}.gz"
        key = f"{_FOLDER}/realtime/{first.strftime('%Y/%m/%d/%H')}/{name}"
        yield gzip_lines(key, "cloudfront_realtime", [_realtime(rng, r) for r in batch])


def _escaped(text: str) -> str:
    """Text as CloudFront escapes it (RFC 1738); a % that the viewer sent becomes %25."""
    return quote(text, safe="/:;,()=&?+-_.!~*'@$[]")


def _edge(request: Request) -> str:
    edges = _EDGES[request.visitor.place.country.code]
    return edges[int(fixed_hex(request.visitor.address, 2), 16) % len(edges)]


def _result(request: Request) -> str:
    if request.status >= 400:
        return "Error"
    if request.status == 304:
        return "RefreshHit"
    return "Miss" if request.content == "text/html" and request.seconds > 0.03 else "Hit"


def _standard(request: Request) -> str:
    visitor = request.visitor
    cipher, protocol = CIPHERS[visitor.tls13]
    result = _result(request)
    first_byte = f"{request.seconds:.3f}"
    length = "-" if request.status in (304, 204) else str(max(request.sent - 300, 0))
    span = ("0", str(max(request.sent - 301, 0))) if request.status == 206 else ("-", "-")
    return "\t".join(
        (
            *at_utc(request.at).strftime("%Y-%m-%d %H:%M:%S").split(),
            _edge(request),
            str(request.sent),
            visitor.address,
            request.method,
            EDGE_HOST,
            _escaped(request.path),
            str(request.status),
            _escaped(request.referer),
            _escaped(visitor.agent),
            _escaped(request.query) or "-",
            "-",
            result,
            request.edge_id,
            WEB_HOST,
            "https",
            str(request.received),
            f"{request.seconds + 0.001:.3f}",
            "-",
            protocol,
            cipher,
            result,
            "HTTP/2.0" if visitor.http2 else "HTTP/1.1",
            "-",
            "-",
            str(request.port),
            first_byte,
            result,
            request.content,
            length,
            *span,
        )
    )


def _realtime(rng: random.Random, request: Request) -> str:
    visitor = request.visitor
    cipher, protocol = CIPHERS[visitor.tls13]
    result = _result(request)
    length = "-" if request.status in (304, 204) else str(max(request.sent - 300, 0))
    span = ("0", str(max(request.sent - 301, 0))) if request.status == 206 else ("-", "-")
    version = 6 if ":" in visitor.address else 4
    accept = "*/*" if request.content != "text/html" else "text/html,*/*;q=0.8"
    headers = {
        "Host": WEB_HOST,
        "User-Agent": visitor.agent,
        "Accept": accept,
        "Accept-Encoding": "gzip, br",
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    names = "".join(f"{name}\n" for name in headers)
    return "\t".join(
        (
            f"{request.at:.3f}",
            visitor.address,
            f"{request.seconds:.3f}",
            str(request.status),
            str(request.sent),
            request.method,
            "https",
            WEB_HOST,
            _escaped(request.target),
            str(request.received),
            _edge(request),
            request.edge_id,
            EDGE_HOST,
            f"{request.seconds + 0.001:.3f}",
            "HTTP/2.0" if visitor.http2 else "HTTP/1.1",
            f"IPv{version}",
            _escaped(visitor.agent),
            _escaped(request.referer),
            "-",
            _escaped(request.query) or "-",
            result,
            "-",
            protocol,
            cipher,
            result,
            "-",
            "-",
            request.content,
            length,
            *span,
            str(request.port),
            result,
            visitor.place.country.code,
            "gzip,%20br",
            accept,
            rng.choice(("*", "/static/*")) if "static" in request.path else "*",
            _escaped(lines),
            _escaped(names),
            str(len(headers)),
            "-",
            "-",
        )
    )
