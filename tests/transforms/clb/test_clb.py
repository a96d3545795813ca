"""Classic Load Balancer access logs: HTTP and TCP listeners, both vintages, quotes, addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rows import filled, only_row, value

from lake.stage.preview import Preview, preview

Row = dict[str, Any]
NAME = "123456789012_elasticloadbalancing_us-west-2_my-lb_20150513T2340Z_172.160.1.192_20sg8hgm.log"
KEY = f"AWSLogs/123456789012/elasticloadbalancing/us-west-2/2015/05/13/{NAME}"


def line(**given: str) -> str:
    values = {
        "time": "2015-05-13T23:39:43.945958Z",
        "elb": "my-lb",
        "client": "81.2.69.142:2817",
        "backend": "10.0.0.1:8080",
        "t1": "0.000086",
        "t2": "0.001048",
        "t3": "0.001337",
        "status": "200",
        "backend_status": "201",
        "received": "34",
        "sent": "57",
        "request": '"GET https://www.example.com:443/a?b=c HTTP/1.1"',
        "agent": '"curl/7.38.0"',
        "cipher": "DHE-RSA-AES128-SHA",
        "protocol": "TLSv1.2",
    }
    wanted = int(given.pop("fields", "15"))
    assert set(given) <= set(values), given
    return " ".join(list((values | given).values())[:wanted])


TCP = {
    "status": "-", "backend_status": "-", "request": '"- - - "', "agent": '"-"', "cipher": "-",
    "protocol": "-",
}  # fmt: skip


def read(*lines: str, key: str = KEY) -> Preview:
    return preview("\n".join(lines).encode() + b"\n", key)


def row(text: str, key: str = KEY) -> Row:
    return only_row(read(text, key=key), "clb")


def test_a_request_field_by_field() -> None:
    text = line()
    found = row(text)
    assert found["@timestamp"] == datetime(2015, 5, 13, 23, 39, 43, 945958, UTC)
    event = filled(found["event"])
    del event["hash"], event["ingested"]
    assert event == {
        "kind": "event",
        "category": ["web"],
        "type": ["access"],
        "action": "request",
        "outcome": "success",
        "duration": 2_471_000,
        "dataset": "clb",
        "module": "clb",
        "original": text,
    }
    assert filled(found["source"]) == {
        "address": "81.2.69.142",
        "ip": "81.2.69.142",
        "port": 2817,
        "bytes": 34,
    }
    assert filled(found["destination"]) == {
        "address": "10.0.0.1",
        "ip": "10.0.0.1",
        "port": 8080,
        "bytes": 57,
    }
    assert filled(found["network"]) == {"transport": "tcp", "protocol": "http", "bytes": 91}
    assert filled(found["http"]) == {
        "request": {"method": "GET", "bytes": 34},
        "response": {"status_code": 200, "bytes": 57},
        "version": "1.1",
    }
    assert filled(found["url"]) == {
        "full": "https://www.example.com:443/a?b=c",
        "scheme": "https",
        "domain": "www.example.com",
        "port": 443,
        "path": "/a",
        "query": "b=c",
    }
    assert value(found, "user_agent.original") == "curl/7.38.0"
    assert filled(found["tls"]) == {
        "cipher": "DHE-RSA-AES128-SHA",
        "version": "1.2",
        "version_protocol": "tls",
        "established": True,
    }
    assert found["related"]["ip"] == ["10.0.0.1", "81.2.69.142"]
    assert filled(found["cloud"]) == {
        "provider": "aws",
        "account": {"id": "123456789012"},
        "region": "us-west-2",
    }
    assert filled(found["native"]) == {
        "elb": "my-lb",
        "request_processing_time": 0.000086,
        "backend_processing_time": 0.001048,
        "response_processing_time": 0.001337,
        "backend_status_code": 201,
        "ssl_protocol": "TLSv1.2",
    }


@pytest.mark.parametrize("request_line", ['"- - - "', '"- - -"', '"-"'])
def test_a_tcp_listeners_line_is_a_connection(request_line: str) -> None:
    found = row(line(**(TCP | {"request": request_line, "received": "82", "sent": "305"})))
    assert value(found, "event.category") == ["network"]
    assert value(found, "event.type") == ["connection"]
    assert value(found, "event.action") == "connect"
    assert value(found, "event.outcome") == "unknown"
    assert filled(found.get("http") or {}) == {}
    assert filled(found.get("url") or {}) == {}
    assert value(found, "source.bytes") == 82
    assert value(found, "destination.bytes") == 305
    assert value(found, "network.bytes") == 387
    assert value(found, "network.protocol") is None
    assert value(found, "user_agent.original") is None


def test_bytes_that_were_not_counted_are_none() -> None:
    """Such a line is one of this log under whatever key."""
    found = row(line(**(TCP | {"received": "-1", "sent": "-1"})), key="a.log")
    for path in ("source.bytes", "destination.bytes", "network.bytes"):
        assert value(found, path) is None, path


def test_an_ssl_listeners_line_has_the_handshake() -> None:
    found = row(line(**(TCP | {"cipher": "ECDHE-ECDSA-AES128-GCM-SHA256", "protocol": "SSLv3"})))
    assert filled(found["tls"]) == {
        "cipher": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "version": "3",
        "version_protocol": "ssl",
        "established": True,
    }
    assert value(found, "native.ssl_protocol") == "SSLv3"


def test_a_request_that_reached_no_backend() -> None:
    found = row(line(backend="-", t1="-1", t2="-1", t3="-1", status="503", backend_status="0"))
    assert value(found, "destination.ip") is None
    assert value(found, "destination.port") is None
    assert value(found, "event.duration") is None
    assert value(found, "event.outcome") == "failure"
    assert value(found, "event.type") == ["access", "error"]
    assert value(found, "native.request_processing_time") == -1.0
    assert value(found, "native.backend_status_code") == 0


def test_a_request_that_could_not_be_read() -> None:
    found = row(line(status="400", request='"- http://www.example.com:80- - "'))
    assert value(found, "event.category") == ["web"]
    assert filled(found["url"]) == {
        "full": "http://www.example.com:80",
        "scheme": "http",
        "domain": "www.example.com",
        "port": 80,
    }
    assert value(found, "http.request.method") is None
    assert value(found, "http.request.bytes") == 34


def test_a_user_is_no_part_of_the_host() -> None:
    found = row(line(request='"GET http://user:pw@h.example:65536/ HTTP/1.1"'))
    assert value(found, "url.domain") == "h.example"
    assert value(found, "url.port") is None
    assert value(found, "url.full") == "http://user:pw@h.example:65536/"


@pytest.mark.parametrize(
    ("host", "ips"),
    [
        ("198.51.100.7:80", ["10.0.0.1", "198.51.100.7", "81.2.69.142"]),
        ("[2001:db8::1]:80", ["10.0.0.1", "2001:db8::1", "81.2.69.142"]),
        ("5.334.234.101:80", ["10.0.0.1", "81.2.69.142"]),
        ("my-lb:80", ["10.0.0.1", "81.2.69.142"]),
    ],
)
def test_a_request_by_address_is_related_to_it(host: str, ips: list[str]) -> None:
    assert value(row(line(request=f'"GET http://{host}/ HTTP/1.1"')), "related.ip") == ips


@pytest.mark.parametrize("end", ["", " "])
def test_a_blank_at_the_end_of_a_request_is_none_of_it(end: str) -> None:
    text = line(request=f'"GET http://h:80/?q="a b" HTTP/1.0{end}"')
    found = row(text)
    assert value(found, "event.original") == text
    assert value(found, "url.full") == 'http://h:80/?q="a b"'
    assert value(found, "http.version") == "1.0"


def test_lines_of_early_2014_have_twelve_fields() -> None:
    found = row(line(fields="12"))
    assert value(found, "http.request.method") == "GET"
    assert value(found, "user_agent.original") is None
    result = read(line(), line(fields="11"))
    assert [(r.position, r.reason) for r in result.rejects] == [
        (2, "11 fields, expected at least 12")
    ]


@pytest.mark.parametrize(
    ("client", "ip"),
    [("[2001:db8::1]:80", "2001:db8::1"), ("2001:db8::1:80", "2001:db8::1")],
)
def test_an_ipv6_client(client: str, ip: str) -> None:
    found = row(line(client=client))
    assert (value(found, "source.ip"), value(found, "source.port")) == (ip, 80)


@pytest.mark.parametrize(
    "agent", ['say "hi" there', r"back\"slash\" end", 'x" "y', '" SHA TLSv1', 'x" - -']
)
def test_quotes_in_a_user_agent_shift_no_field(agent: str) -> None:
    found = row(line(agent=f'"{agent}"'))
    assert value(found, "user_agent.original") == agent
    assert value(found, "tls.cipher") == "DHE-RSA-AES128-SHA"
    assert value(found, "native.ssl_protocol") == "TLSv1.2"


def test_equal_lines_stay_two() -> None:
    one, other = read(line(), line()).rows
    assert value(one, "event.hash") != value(other, "event.hash")


@pytest.mark.parametrize("key", [KEY, NAME, "x.txt", KEY.replace("_my-lb_", "_app.my-lb.5_")])
def test_told_by_its_lines_whatever_the_key(key: str) -> None:
    assert list(read(line(), key=key).tables) == ["clb"]
    assert list(read(line(**TCP), key=key).tables) == ["clb"]
