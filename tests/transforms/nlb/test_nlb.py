"""NLB access logs: both versions, ALPN lists, handshakes that fail, times without a zone."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from rows import filled, only_row, value

from lake.stage.preview import Preview, preview

Row = dict[str, Any]
NAME = "123456789012_elasticloadbalancing_us-east-2_net.my-lb.1234567890abcdef_201812200300Z_20sg8hgm.log.gz"  # noqa: E501
KEY = f"AWSLogs/123456789012/elasticloadbalancing/us-east-2/2018/12/20/{NAME}"
CERT = "arn:aws:acm:eu-west-1:310987654321:certificate/2a10"


def line(**given: str) -> str:
    values = {
        "type": "tls",
        "version": "2.0",
        "time": "2020-04-01T08:51:42",
        "elb": "net/my-lb/c6e77e28c25b2234",
        "listener": "g3d4b5e8bb8464cd",
        "client": "81.2.69.142:51341",
        "destination": "10.0.0.185:443",
        "connection": "5",
        "handshake": "2",
        "received": "98",
        "sent": "246",
        "alert": "-",
        "cert": CERT,
        "serial": "-",
        "cipher": "ECDHE-RSA-AES128-SHA",
        "protocol": "tlsv12",
        "group": "-",
        "domain": "my.example.com",
        "alpn_fe": "h2",
        "alpn_be": "http/1.1",
        "alpn": '"h2","http/1.1"',
        "created": "2020-04-01T08:51:37",
    }
    wanted = int(given.pop("fields", "22"))
    more = given.pop("more", "")
    assert set(given) <= set(values), given
    return " ".join(list((values | given).values())[:wanted]) + more


def read(*lines: str, key: str = KEY) -> Preview:
    return preview(gzip.compress("\n".join(lines).encode() + b"\n"), key)


def row(text: str, key: str = KEY) -> Row:
    return only_row(read(text, key=key), "nlb")


def test_a_connection_field_by_field() -> None:
    text = line()
    found = row(text)
    assert found["@timestamp"] == datetime(2020, 4, 1, 8, 51, 42, tzinfo=UTC)
    event = filled(found["event"])
    del event["hash"], event["ingested"]
    assert event == {
        "kind": "event",
        "category": ["network"],
        "type": ["connection", "end"],
        "action": "connect",
        "outcome": "success",
        "start": datetime(2020, 4, 1, 8, 51, 37, tzinfo=UTC),
        "end": datetime(2020, 4, 1, 8, 51, 42, tzinfo=UTC),
        "duration": 5_000_000,
        "dataset": "nlb",
        "module": "nlb",
        "original": text,
    }
    assert filled(found["source"]) == {
        "address": "81.2.69.142",
        "ip": "81.2.69.142",
        "port": 51341,
        "bytes": 98,
    }
    assert filled(found["destination"]) == {
        "address": "10.0.0.185",
        "ip": "10.0.0.185",
        "port": 443,
        "bytes": 246,
    }
    assert filled(found["network"]) == {
        "bytes": 344,
        "transport": "tcp",
        "protocol": "tls",
        "application": "h2",
    }
    assert filled(found["url"]) == {"domain": "my.example.com", "port": 443}
    assert filled(found["tls"]) == {
        "cipher": "ECDHE-RSA-AES128-SHA",
        "version": "1.2",
        "version_protocol": "tls",
        "established": True,
        "next_protocol": "h2",
        "client": {"server_name": "my.example.com"},
    }
    assert found["related"]["ip"] == ["10.0.0.185", "81.2.69.142"]
    # a stream of bytes is no HTTP
    assert filled(found.get("http") or {}) == {}
    assert filled(found["native"]) == {
        "listener_type": "tls",
        "log_entry_version": "2.0",
        "elb": "net/my-lb/c6e77e28c25b2234",
        "listener": "g3d4b5e8bb8464cd",
        "tls_handshake_time": 2,
        "chosen_cert_arn": CERT,
        "tls_protocol_version": "tlsv12",
        "alpn_be_protocol": "http/1.1",
        "alpn_client_preference_list": ["h2", "http/1.1"],
    }


@pytest.mark.parametrize("fields", [18, 21, 22])
def test_each_version_has_its_fields(fields: int) -> None:
    found = row(line(fields=str(fields)))
    assert value(found, "tls.client.server_name") == "my.example.com"
    assert (value(found, "tls.next_protocol") == "h2") == (fields >= 21)
    assert (value(found, "event.start") is not None) == (fields >= 22)


def test_fields_of_the_future_break_nothing() -> None:
    found = row(line(more=' X25519 "a b"'))
    assert value(found, "event.start") == datetime(2020, 4, 1, 8, 51, 37, tzinfo=UTC)


def test_a_failed_handshake() -> None:
    found = row(
        line(
            client="2001:218::1:51341", handshake="-", alert="unknown_ca", cipher="-", protocol="-",
            domain="-", alpn_fe="-", alpn_be="-", alpn="-", created="-", sent="0",
        )
    )  # fmt: skip
    assert value(found, "event.outcome") == "failure"
    assert value(found, "event.type") == ["connection", "end", "error"]
    assert value(found, "error.code") == "unknown_ca"
    assert value(found, "native.incoming_tls_alert") == "unknown_ca"
    assert value(found, "source.ip") == "2001:218::1"
    assert value(found, "source.port") == 51341
    assert value(found, "tls.established") is False
    assert value(found, "network.bytes") == 98
    assert value(found, "native.alpn_client_preference_list") is None


def test_an_alert_on_an_established_connection_is_no_failure() -> None:
    found = row(line(alert="0"))
    assert value(found, "event.outcome") == "success"
    assert value(found, "native.incoming_tls_alert") == "0"
    assert value(found, "error.code") is None


def test_the_account_is_the_balancers_not_the_certificates() -> None:
    assert value(row(line()), "cloud.account.id") == "123456789012"
    assert value(row(line()), "cloud.region") == "us-east-2"
    assert value(row(line(), key="x.log"), "cloud.account.id") == "310987654321"
    assert value(row(line(), key="x.log"), "cloud.region") == "eu-west-1"


def test_equal_lines_may_be_two_connections() -> None:
    """Times to the second and no id: the place in the object tells them apart."""
    one, other = read(line(), line()).rows
    assert value(one, "event.hash") != value(other, "event.hash")
    again = read(line(), line(), key="copy.log").rows
    assert [value(r, "event.hash") for r in again] == [
        value(one, "event.hash"),
        value(other, "event.hash"),
    ]


@pytest.mark.parametrize("key", [KEY, NAME, "x.txt", KEY.replace("_net.", "_app.")])
def test_told_by_its_lines_whatever_the_key(key: str) -> None:
    assert list(read(line(), key=key).tables) == ["nlb"]


def test_a_short_line_is_a_reject() -> None:
    result = read(line(), line(fields="17"))
    assert len(result.rows) == 1
    assert [(r.position, r.reason) for r in result.rejects] == [
        (2, "17 fields, expected at least 18")
    ]
