"""CloudFront real-time logs: all fields of a year without a header, chosen ones as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from logs import subscription
from rows import flat, only, taken

from lake.sources.catalogue import catalogue

Row = dict[str, Any]
KEY = "cf-rt-E2EXAMPLE12345/2024/11/20/12/cf-rt-delivery-1-2024-11-20-12-09-13-aa11bb32"
VALUES = {
    "timestamp": "1732104551.814",
    "c-ip": "198.51.100.7",
    "s-ip": "203.0.113.9",
    "time-to-first-byte": "0.002",
    "sc-status": "200",
    "sc-bytes": "16599",
    "cs-method": "GET",
    "cs-protocol": "https",
    "cs-host": "www.example.com:8443",
    "cs-uri-stem": "/view/3.HTML?id=7&b=%2520",
    "cs-bytes": "412",
    "x-edge-location": "BOS50-P2",
    "x-edge-request-id": "rid==",
    "x-host-header": "d111111abcdef8.cloudfront.net",
    "time-taken": "0.25",
    "cs-protocol-version": "HTTP/2.0",
    "c-ip-version": "IPv4",
    "cs-user-agent": "curl/8.4.0%20(x)",
    "cs-referer": "https://r.example/",
    "cs-cookie": "a=1",
    "cs-uri-query": "id=7&b=%2520",
    "x-edge-response-result-type": "Hit",
    "x-forwarded-for": "192.0.2.44,%20192.0.2.45",
    "ssl-protocol": "TLSv1.3",
    "ssl-cipher": "TLS_AES_128_GCM_SHA256",
    "x-edge-result-type": "RefreshHit",
    "fle-encrypted-fields": "-",
    "fle-status": "-",
    "sc-content-type": "text/html;%20charset=utf-8",
    "sc-content-len": "16000",
    "sc-range-start": "-",
    "sc-range-end": "-",
    "c-port": "4040",
    "x-edge-detailed-result-type": "RefreshHit",
    "c-country": "US",
    "cs-accept-encoding": "gzip,%20br",
    "cs-accept": "*/*",
    "cache-behavior-path-pattern": "/view/*",
    "cs-headers": "host:www.example.com%0Auser-agent:curl",
    "cs-header-names": "host%0Auser-agent",
    "cs-headers-count": "2",
    "primary-distribution-id": "E9PRIMARY",
    "primary-distribution-dns-name": "d9.cloudfront.net",
    "origin-fbl": "0.101",
    "origin-lbl": "0.102",
    "asn": "64500",
}
COLUMNS = catalogue()["cloudfront_realtime"].delimited.columns  # type: ignore[union-attr]


def line(upto: str, without: tuple[str, ...] = (), **given: str) -> str:
    names = [n.replace("_", "-") for n in COLUMNS]
    names = names[: names.index(upto) + 1]
    values = VALUES | {n.replace("_", "-"): v for n, v in given.items()}
    return "\t".join(values.get(n, "-") for n in names if n not in without) + "\n"


def row(text: str, key: str = KEY) -> Row:
    (found,) = flat(text, key, "cloudfront_realtime")
    return found


def test_a_line_field_by_field() -> None:
    assert row(line("asn", ("s-ip",))) == {
        "@timestamp": datetime(2024, 11, 20, 12, 9, 11, 814000, UTC),
        "event.category": ["web"],
        "event.type": ["access"],
        "event.action": "RefreshHit",
        "event.outcome": "success",
        "event.start": datetime(2024, 11, 20, 12, 9, 11, 564000, UTC),
        "event.end": datetime(2024, 11, 20, 12, 9, 11, 814000, UTC),
        "event.duration": 250_000_000,
        "event.dataset": "cloudfront_realtime",
        "event.module": "cloudfront-realtime",
        "cloud.region": "global",
        "source.address": "198.51.100.7",
        "source.ip": "198.51.100.7",
        "source.port": 4040,
        "source.bytes": 412,
        "destination.address": "www.example.com",
        "destination.domain": "www.example.com",
        "destination.bytes": 16599,
        "network.bytes": 17011,
        "network.protocol": "http",
        "network.transport": "tcp",
        "network.iana_number": "6",
        "network.type": "ipv4",
        "http.version": "2.0",
        "http.request.id": "rid==",
        "http.request.method": "GET",
        "http.request.referrer": "https://r.example/",
        "http.request.bytes": 412,
        "http.response.status_code": 200,
        "http.response.mime_type": "text/html",
        "http.response.bytes": 16599,
        "http.response.body.bytes": 16000,
        "url.scheme": "https",
        "url.domain": "www.example.com",
        "url.port": 8443,
        "url.path": "/view/3.HTML",
        "url.extension": "html",
        "url.query": "id=7&b=%2520",
        "url.full": "https://www.example.com:8443/view/3.HTML?id=7&b=%2520",
        "user_agent.original": "curl/8.4.0 (x)",
        "user_agent.name": "curl",
        "user_agent.version": "8.4.0",
        "user_agent.os.name": "Other",
        "user_agent.os.full": "Other",
        "user_agent.device.name": "Other",
        "tls.version": "1.3",
        "tls.version_protocol": "tls",
        "tls.cipher": "TLS_AES_128_GCM_SHA256",
        "tls.established": True,
        "related.ip": ["192.0.2.44", "192.0.2.45", "198.51.100.7"],
        "related.hosts": ["d111111abcdef8.cloudfront.net", "www.example.com"],
        "native.distribution_id": "E2EXAMPLE12345",
        "native.x_edge_location": "BOS50-P2",
        "native.x_edge_result_type": "RefreshHit",
        "native.x_edge_response_result_type": "Hit",
        "native.x_edge_detailed_result_type": "RefreshHit",
        "native.x_edge_request_id": "rid==",
        "native.cs_method": "GET",
        "native.cs_host": "www.example.com:8443",
        "native.x_host_header": "d111111abcdef8.cloudfront.net",
        "native.cs_protocol": "https",
        "native.cs_protocol_version": "HTTP/2.0",
        "native.cs_cookie": "a=1",
        "native.cs_accept": "*/*",
        "native.cs_accept_encoding": "gzip,%20br",
        "native.cs_headers": "host:www.example.com%0Auser-agent:curl",
        "native.cs_header_names": "host%0Auser-agent",
        "native.cs_headers_count": 2,
        "native.cs_bytes": 412,
        "native.sc_bytes": 16599,
        "native.sc_status": 200,
        "native.time_taken": 0.25,
        "native.time_to_first_byte": 0.002,
        "native.x_forwarded_for": "192.0.2.44,%20192.0.2.45",
        "native.ssl_protocol": "TLSv1.3",
        "native.ssl_cipher": "TLS_AES_128_GCM_SHA256",
        "native.sc_content_type": "text/html;%20charset=utf-8",
        "native.sc_content_len": 16000,
        "native.c_country": "US",
        "native.c_ip_version": "IPv4",
        "native.cache_behavior_path_pattern": "/view/*",
        "native.primary_distribution_id": "E9PRIMARY",
        "native.primary_distribution_dns_name": "d9.cloudfront.net",
        "native.origin_fbl": 0.101,
        "native.origin_lbl": 0.102,
        "native.asn": 64500,
    }


STAGING = ("s-ip", "primary-distribution-id", "primary-distribution-dns-name")


@pytest.mark.parametrize(
    ("upto", "without", "asn", "s_ip"),
    [
        ("cs-headers-count", ("s-ip",), None, None),
        ("cs-headers-count", (), None, "203.0.113.9"),
        ("primary-distribution-dns-name", ("s-ip",), None, None),
        ("asn", ("s-ip",), 64500, None),
        ("asn", STAGING, 64500, None),
        ("asn", (*STAGING, "sc-status"), 64500, None),
        ("asn", (), 64500, "203.0.113.9"),
        ("cmcd-version", (), 64500, "203.0.113.9"),
        ("x-edge-mqcs", (), 64500, "203.0.113.9"),
        ("connection-id", (), 64500, "203.0.113.9"),
    ],
)
def test_all_fields_of_a_year(
    upto: str, without: tuple[str, ...], asn: int | None, s_ip: str | None
) -> None:
    found = row(line(upto, without), "some/where")
    assert found["source.ip"] == "198.51.100.7"
    assert found["url.path"] == "/view/3.HTML"
    assert found["native.c_country"] == "US"
    assert found.get("native.asn") == asn
    assert found.get("native.s_ip") == s_ip
    assert found.get("destination.ip") == s_ip


def test_media_client_data_and_what_came_after_it() -> None:
    given = {name: f"v{i}" for i, name in enumerate(COLUMNS[46:])}
    found = row(line("connection-id", (), **given))
    assert only(found, "native.cmcd", "native.r_host", "native.sr", "native.x_edge_mqcs") == {
        f"native.{name}": value
        for name, value in given.items()
        if name.startswith(("cmcd", "r_host", "sr_", "x_edge_mqcs"))
    }
    assert found["native.cmcd_version"] == "v17"
    assert found["native.r_host"] == "v18"
    assert found["native.connection_id"] == "v22"
    assert "v18" in found["related.hosts"]


@pytest.mark.parametrize(
    ("status", "result", "outcome", "types", "reason"),
    [
        ("200", "Hit", "success", ["access"], None),
        ("403", "Error", "failure", ["access", "denied"], "Error"),
        ("503", "CapacityExceeded", "failure", ["access", "error"], "CapacityExceeded"),
        ("000", "Error", "failure", ["access", "error"], "Error"),
    ],
)
def test_how_it_ended(
    status: str, result: str, outcome: str, types: list[str], reason: str | None
) -> None:
    found = row(
        line(
            "asn", ("s-ip",), sc_status=status, x_edge_result_type=result,
            x_edge_detailed_result_type=result,
        )
    )  # fmt: skip
    assert found["event.outcome"] == outcome
    assert found["event.type"] == types
    assert found.get("event.reason") == reason
    assert found["native.sc_status"] == int(status)


def test_a_websocket_of_an_ipv6_viewer_over_http_1() -> None:
    found = row(
        line("asn", ("s-ip",), c_ip="2001:DB8::0:7", cs_protocol="wss", c_ip_version="IPv6",
             cs_uri_stem="/chat", cs_uri_query="-", cs_protocol_version="HTTP/1.1")
    )  # fmt: skip
    assert found["source.ip"] == "2001:db8::7"
    assert found["url.full"] == "wss://www.example.com:8443/chat"
    assert "url.query" not in found
    assert only(found, "network.protocol", "network.type", "http.version") == {
        "network.protocol": "websocket",
        "network.type": "ipv6",
        "http.version": "1.1",
    }


@pytest.mark.parametrize(
    ("form", "count"),
    [
        (json.dumps(VALUES) + "\n", 1),
        (json.dumps(VALUES) * 2, 2),
        (json.dumps([VALUES, VALUES]), 2),
        (json.dumps({n.replace("-", "_"): v for n, v in VALUES.items()}), 1),
        (json.dumps(subscription([json.dumps(VALUES)])), 1),
    ],
)
def test_the_same_row_as_json(form: str, count: int) -> None:
    found = flat(form, KEY, "cloudfront_realtime")
    expected = row(line("asn"))
    assert len(found) == count
    for one in found:
        one.pop("cloud.account.id", None)  # the envelope's
        assert one == expected


@pytest.mark.parametrize(
    "record",
    [
        {"timestamp": "1732104551.814", "c-ip": "192.0.2.1", "sc-status": "404"},
        {"timestamp": 1732104551.814, "c-ip": "192.0.2.1", "sc-status": 404},
    ],
)
def test_chosen_fields_as_json_are_told_by_the_key(record: Row) -> None:
    found = row(json.dumps(record))
    assert found == {
        "@timestamp": datetime(2024, 11, 20, 12, 9, 11, 814000, UTC),
        "event.category": ["web"],
        "event.type": ["access", "error"],
        "event.outcome": "failure",
        "event.end": datetime(2024, 11, 20, 12, 9, 11, 814000, UTC),
        "event.dataset": "cloudfront_realtime",
        "event.module": "cloudfront-realtime",
        "cloud.region": "global",
        "source.address": "192.0.2.1",
        "source.ip": "192.0.2.1",
        "network.type": "ipv4",
        "http.response.status_code": 404,
        "related.ip": ["192.0.2.1"],
        "native.distribution_id": "E2EXAMPLE12345",
        "native.sc_status": 404,
    }


def test_chosen_fields_without_names_are_not_guessed() -> None:
    result = taken("1732104551.814\t198.51.100.7\t200\tGET\n", KEY)
    assert result.status == "unknown"
    assert result.reason is not None
    assert result.reason.startswith("lines of cloudfront_realtime without a header")


def test_a_line_without_a_time_is_a_reject() -> None:
    result = taken(line("asn") + line("asn", timestamp="-"), KEY)
    assert [(r.position, r.reason) for r in result.rejects] == [(2, "no valid time")]
    assert len(result.rows) == 1
