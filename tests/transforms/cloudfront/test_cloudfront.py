"""CloudFront standard logs of version 1.0: what a line becomes, vintages, statuses, URLs, RTMP."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from rows import flat, only, taken

Row = dict[str, Any]
KEY = "logs/EMLARXS9EXAMPLE.2019-11-14-20.RT4KCN4SGK9.gz"
VALUES = {
    "date": "2019-12-04",
    "time": "21:02:31",
    "x-edge-location": "LAX1",
    "sc-bytes": "392",
    "c-ip": "192.0.2.100",
    "cs-method": "GET",
    "cs(Host)": "d111111abcdef8.cloudfront.net",
    "cs-uri-stem": "/a%20b/index.html",
    "sc-status": "200",
    "cs(Referer)": "https://example.com/?x=%22",
    "cs(User-Agent)": "curl/7.55.1%20(x86_64;%20Linux)",
    "cs-uri-query": "id=7&b=%2520",
    "cs(Cookie)": "session=1;theme=%22dark%22",
    "x-edge-result-type": "Hit",
    "x-edge-request-id": "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==",
    "x-host-header": "www.example.com",
    "cs-protocol": "https",
    "cs-bytes": "23",
    "time-taken": "0.001",
    "x-forwarded-for": "203.0.113.5,%20198.51.100.9",
    "ssl-protocol": "TLSv1.2",
    "ssl-cipher": "ECDHE-RSA-AES128-GCM-SHA256",
    "x-edge-response-result-type": "Hit",
    "cs-protocol-version": "HTTP/2.0",
    "fle-status": "Processed",
    "fle-encrypted-fields": "2",
    "c-port": "11040",
    "time-to-first-byte": "0.0005",
    "x-edge-detailed-result-type": "MissGeneratedResponse",
    "sc-content-type": "text/HTML;%20charset=utf-8",
    "sc-content-len": "78",
    "sc-range-start": "0",
    "sc-range-end": "77",
}
NAMES = list(VALUES)


def text(*lines: dict[str, str], names: list[str] | None = None) -> str:
    names = names or NAMES
    return "\n".join(
        [
            "#Version: 1.0",
            "#Fields: " + " ".join(names),
            *("\t".join((VALUES | line)[n] for n in names) for line in lines),
            "",
        ]
    )


def row(given: dict[str, str] | None = None, names: list[str] | None = None) -> Row:
    (found,) = flat(gzip.compress(text(given or {}, names=names).encode()), KEY, "cloudfront")
    return found


def test_a_line_field_by_field() -> None:
    assert row() == {
        "@timestamp": datetime(2019, 12, 4, 21, 2, 31, tzinfo=UTC),
        "event.category": ["web"],
        "event.type": ["access"],
        "event.action": "Hit",
        "event.outcome": "success",
        "event.duration": 1_000_000,
        "event.dataset": "cloudfront",
        "event.module": "cloudfront-standard",
        "cloud.region": "global",
        "source.address": "192.0.2.100",
        "source.ip": "192.0.2.100",
        "source.port": 11040,
        "source.bytes": 23,
        "destination.address": "www.example.com",
        "destination.domain": "www.example.com",
        "destination.bytes": 392,
        "network.bytes": 415,
        "network.protocol": "http",
        "network.transport": "tcp",
        "network.iana_number": "6",
        "network.type": "ipv4",
        "http.version": "2.0",
        "http.request.id": "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==",
        "http.request.method": "GET",
        "http.request.referrer": "https://example.com/?x=%22",
        "http.request.bytes": 23,
        "http.response.status_code": 200,
        "http.response.mime_type": "text/html",
        "http.response.bytes": 392,
        "http.response.body.bytes": 78,
        "url.scheme": "https",
        "url.domain": "www.example.com",
        "url.path": "/a%20b/index.html",
        "url.extension": "html",
        "url.query": "id=7&b=%2520",
        "url.full": "https://www.example.com/a%20b/index.html?id=7&b=%2520",
        "user_agent.original": "curl/7.55.1 (x86_64; Linux)",
        "user_agent.name": "curl",
        "user_agent.version": "7.55.1",
        "user_agent.os.name": "Linux",
        "user_agent.os.full": "Linux",
        "user_agent.device.name": "Other",
        "tls.version": "1.2",
        "tls.version_protocol": "tls",
        "tls.cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "tls.established": True,
        "related.ip": ["192.0.2.100", "198.51.100.9", "203.0.113.5"],
        "related.hosts": ["d111111abcdef8.cloudfront.net", "www.example.com"],
        "native.distribution_id": "EMLARXS9EXAMPLE",
        "native.x_edge_location": "LAX1",
        "native.x_edge_result_type": "Hit",
        "native.x_edge_response_result_type": "Hit",
        "native.x_edge_detailed_result_type": "MissGeneratedResponse",
        "native.x_edge_request_id": "SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==",
        "native.cs_method": "GET",
        "native.cs_host": "d111111abcdef8.cloudfront.net",
        "native.x_host_header": "www.example.com",
        "native.cs_protocol": "https",
        "native.cs_protocol_version": "HTTP/2.0",
        "native.cs_cookie": "session=1;theme=%22dark%22",
        "native.cs_bytes": 23,
        "native.sc_bytes": 392,
        "native.sc_status": 200,
        "native.time_taken": 0.001,
        "native.time_to_first_byte": 0.0005,
        "native.x_forwarded_for": "203.0.113.5,%20198.51.100.9",
        "native.ssl_protocol": "TLSv1.2",
        "native.ssl_cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "native.fle_status": "Processed",
        "native.fle_encrypted_fields": 2,
        "native.sc_content_type": "text/HTML;%20charset=utf-8",
        "native.sc_content_len": 78,
        "native.sc_range_start": 0,
        "native.sc_range_end": 77,
    }


@pytest.mark.parametrize("count", [15, 18, 19, 20, 23, 24, 26, 33])
def test_each_vintage_has_the_fields_of_its_time(count: int) -> None:
    found = row(names=NAMES[:count])
    assert found["url.path"] == "/a%20b/index.html"
    assert found["http.request.id"] == VALUES["x-edge-request-id"]
    assert found.get("event.duration") == (1_000_000 if count >= 19 else None)
    assert found.get("tls.version") == ("1.2" if count >= 21 else None)
    assert found.get("native.fle_status") == ("Processed" if count >= 25 else None)
    assert found.get("source.port") == (11040 if count >= 27 else None)


def test_fields_of_the_future_break_nothing() -> None:
    data = f"#Fields: {' '.join(NAMES)} x-new\n" + "\t".join([*VALUES.values(), "new"]) + "\n"
    assert flat(data, KEY, "cloudfront") == [row()]


@pytest.mark.parametrize(
    ("status", "result", "detail", "outcome", "types", "reason"),
    [
        ("200", "Hit", "Hit", "success", ["access"], None),
        ("304", "RefreshHit", "RefreshHit", "success", ["access"], None),
        ("301", "Redirect", "Redirect", "success", ["access"], None),
        ("401", "Error", "Error", "failure", ["access", "denied"], "Error"),
        ("403", "Error", "AccessDenied", "failure", ["access", "denied"], "AccessDenied"),
        ("404", "Error", "Error", "failure", ["access", "error"], "Error"),
        ("502", "Error", "OriginDnsError", "failure", ["access", "error"], "OriginDnsError"),
        ("503", "LimitExceeded", "LimitExceeded", "failure", ["access", "error"], "LimitExceeded"),
        ("000", "Error", "ClientCommError", "failure", ["access", "error"], "ClientCommError"),
        ("-", "Miss", "Miss", "success", ["access"], None),
        ("-", "Error", "Error", "failure", ["access", "error"], "Error"),
        ("-", "-", "-", "unknown", ["access"], None),
    ],
)
def test_how_it_ended(
    status: str, result: str, detail: str, outcome: str, types: list[str], reason: str | None
) -> None:
    found = row(
        {"sc-status": status, "x-edge-result-type": result, "x-edge-detailed-result-type": detail}
    )
    assert found["event.outcome"] == outcome
    assert found["event.type"] == types
    assert found.get("event.reason") == reason
    code = int(status) if status not in ("-", "000") else None
    assert found.get("http.response.status_code") == code
    assert found.get("native.sc_status") == (int(status) if status != "-" else None)


@pytest.mark.parametrize(
    ("scheme", "version", "protocol", "transport", "number", "established"),
    [
        ("http", "HTTP/1.1", "http", "tcp", "6", False),
        ("https", "HTTP/2.0", "http", "tcp", "6", True),
        ("https", "HTTP/3.0", "http", "udp", "17", True),
        ("ws", "HTTP/1.1", "websocket", "tcp", "6", False),
        ("wss", "HTTP/1.1", "websocket", "tcp", "6", True),
        ("grpcs", "HTTP/2.0", "grpc", "tcp", "6", True),
    ],
)
def test_protocols(
    scheme: str, version: str, protocol: str, transport: str, number: str, established: bool
) -> None:
    tls = {} if established else {"ssl-protocol": "-", "ssl-cipher": "-"}
    found = row({"cs-protocol": scheme, "cs-protocol-version": version, **tls})
    assert found["url.scheme"] == scheme
    assert found["http.version"] == version[5:]
    assert found["tls.established"] is established
    assert only(found, "network.protocol", "network.transport", "network.iana") == {
        "network.protocol": protocol,
        "network.transport": transport,
        "network.iana_number": number,
    }


@pytest.mark.parametrize(
    ("host", "stem", "query", "full", "domain", "port", "extension"),
    [
        ("a.com:8443", "/ws", "-", "https://a.com:8443/ws", "a.com", 8443, None),
        ("[2001:db8::1]", "/", "-", "https://[2001:db8::1]/", "2001:db8::1", None, None),
        ("h", "/a.TXT", "q=1", "https://h/a.TXT?q=1", "h", None, "txt"),
        ("h", "/%E4%BD%A0/.git/config", "-", "https://h/%E4%BD%A0/.git/config", "h", None, None),
        ("h", "/a.tar.gz", "x=/b.txt", "https://h/a.tar.gz?x=/b.txt", "h", None, "gz"),
    ],
)
def test_the_url_in_its_parts(
    host: str,
    stem: str,
    query: str,
    full: str,
    domain: str,
    port: int | None,
    extension: str | None,
) -> None:
    found = row({"x-host-header": host, "cs-uri-stem": stem, "cs-uri-query": query})
    assert found["url.full"] == full
    assert found["url.domain"] == domain
    assert found.get("url.port") == port
    assert found["url.path"] == stem
    assert found.get("url.extension") == extension
    assert found.get("url.query") == (query if query != "-" else None)


def test_without_the_viewers_host_the_distributions_is_taken() -> None:
    found = row({"x-host-header": "-"})
    assert found["url.domain"] == "d111111abcdef8.cloudfront.net"
    assert found["related.hosts"] == ["d111111abcdef8.cloudfront.net"]


@pytest.mark.parametrize(
    ("logged", "original"),
    [
        ("Mozilla/5.0%20(X11)", "Mozilla/5.0 (X11)"),
        ("Mozilla/5.0%2520(X11)", "Mozilla/5.0 (X11)"),
        ("Mozilla/5.0\\x20(X11)", "Mozilla/5.0 (X11)"),
        ("a+b%20%22c%22", 'a+b "c"'),
        ("%FF%20x", "%FF x"),
        ("-", None),
    ],
)
def test_the_user_agent_is_unescaped(logged: str, original: str | None) -> None:
    assert row({"cs(User-Agent)": logged}).get("user_agent.original") == original


def test_an_ipv6_viewer_and_forwarded_addresses() -> None:
    found = row({"c-ip": "2001:DB8:0::7", "x-forwarded-for": "2001:db8::9, unknown,10.0.0.1"})
    assert found["source.ip"] == "2001:db8::7"
    assert found["network.type"] == "ipv6"
    assert found["related.ip"] == ["10.0.0.1", "2001:db8::7", "2001:db8::9"]


def test_forwarded_addresses_with_ports() -> None:
    found = row({"x-forwarded-for": "198.51.100.9:4711,[2001:db8::9]:443"})
    assert {"198.51.100.9", "2001:db8::9"} <= set(found["related.ip"])


def test_a_line_of_dashes() -> None:
    dashes = dict.fromkeys(NAMES[2:], "-")
    assert row(dashes) == {
        "@timestamp": datetime(2019, 12, 4, 21, 2, 31, tzinfo=UTC),
        "event.category": ["web"],
        "event.type": ["access"],
        "event.outcome": "unknown",
        "event.dataset": "cloudfront",
        "event.module": "cloudfront-standard",
        "cloud.region": "global",
        "native.distribution_id": "EMLARXS9EXAMPLE",
    }


def test_an_rtmp_line_of_the_documentation() -> None:
    data = (
        "#Version: 1.0\n#Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status "
        "x-cf-client-id cs-uri-stem cs-uri-query c-referrer x-page-url c-user-agent x-sname "
        "x-sname-query x-file-ext x-sid\n"
        "2010-03-12\t23:51:21\tSEA4\t192.0.2.222\tplay\t3914\tOK\tbfd8a98bee0840d9b871b7f6adf9908f"
        "\trtmp://shqshne4jdp4b6.cloudfront.net/cfx/st\tkey=value\thttp://player.example.com/p.swf"
        "\thttp://www.example.com/\tLNX%2010,0,32,18\tmyvideo\tp=2&q=4\tflv\t1\n"
    )
    (found,) = flat(data, KEY, "cloudfront")
    assert only(found, "event.action", "event.outcome", "url", "native.x_", "user_agent.orig") == {
        "event.action": "play",
        "event.outcome": "success",
        "url.scheme": "rtmp",
        "url.domain": "shqshne4jdp4b6.cloudfront.net",
        "url.path": "/cfx/st",
        "url.query": "key=value",
        "url.full": "rtmp://shqshne4jdp4b6.cloudfront.net/cfx/st",
        "user_agent.original": "LNX 10,0,32,18",
        "native.x_edge_location": "SEA4",
        "native.x_event": "play",
        "native.x_cf_status": "OK",
        "native.x_cf_client_id": "bfd8a98bee0840d9b871b7f6adf9908f",
        "native.x_page_url": "http://www.example.com/",
        "native.x_sname": "myvideo",
        "native.x_sname_query": "p=2&q=4",
        "native.x_file_ext": "flv",
        "native.x_sid": "1",
    }


def test_several_headers_in_one_object() -> None:
    data = text({}, names=NAMES[:26]) + text({"sc-status": "404"}, names=NAMES)
    found = flat(data, KEY, "cloudfront")
    assert [r["http.response.status_code"] for r in found] == [200, 404]
    assert [r.get("source.port") for r in found] == [None, 11040]


def test_lines_without_their_header_are_in_the_order_of_the_documentation() -> None:
    (found,) = flat("\t".join(VALUES.values()) + "\n", "some/where", "cloudfront")
    assert found == {n: v for n, v in row().items() if n != "native.distribution_id"}


def test_a_line_of_another_width_is_a_reject() -> None:
    result = taken(text({}) + "2019-12-04\t21:02:31\tLAX1\n", KEY)
    assert [(r.position, r.reason) for r in result.rejects] == [(4, "3 fields, expected 33")]
    assert len(result.rows) == 1
