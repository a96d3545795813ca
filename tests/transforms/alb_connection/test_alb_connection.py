"""ALB connection logs: handshakes that succeed and fail, client certificates, lines without TLS."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest
from rows import filled, only_row, value

from lake.stage.preview import Preview, preview

Row = dict[str, Any]
NAME = "123456789012_elasticloadbalancing_us-east-2_app.my-lb.50dc6c495c0c9188_20231004T1705Z_172.160.1.192_20sg8hgm.log.gz"  # noqa: E501
FOLDER = "AWSLogs/123456789012/elasticloadbalancing/us-east-2/2023/10/04"
SUBJECT = "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US"


def line(**given: str) -> str:
    values = {
        "time": "2023-10-04T17:05:15.514108Z",
        "ip": "203.0.113.1",
        "port": "36280",
        "listener": "443",
        "protocol": "TLSv1.2",
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "latency": "4.036",
        "subject": f'"{SUBJECT}"',
        "validity": "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z",
        "serial": "FEF257372D5C14D4",
        "status": "Success",
        "trace": "TID_3180a73013c8ca4bac2f731159d4b0fe",
    }
    more = given.pop("more", "")
    assert set(given) <= set(values), given
    return " ".join((values | given).values()) + more


def read(*lines: str, key: str = f"{FOLDER}/conn_log.{NAME}") -> Preview:
    return preview(gzip.compress("\n".join(lines).encode() + b"\n"), key)


def row(text: str, key: str = f"{FOLDER}/conn_log.{NAME}") -> Row:
    return only_row(read(text, key=key), "alb_connection")


def test_a_connection_with_a_client_certificate_field_by_field() -> None:
    text = line(more=" X25519MLKEM768 app/my-lb/50dc6c495c0c9188 10.0.3.7")
    found = row(text)
    assert found["@timestamp"] == datetime(2023, 10, 4, 17, 5, 15, 514108, UTC)
    event = filled(found["event"])
    del event["hash"], event["ingested"]
    assert event == {
        "kind": "event",
        "category": ["network"],
        "type": ["connection", "start"],
        "action": "connect",
        "outcome": "success",
        "duration": 4_036_000_000,
        "dataset": "alb_connection",
        "module": "alb_connection",
        "original": text,
    }
    assert filled(found["source"]) == {
        "address": "203.0.113.1",
        "ip": "203.0.113.1",
        "port": 36280,
    }
    assert filled(found["destination"]) == {"port": 443}
    assert filled(found["network"]) == {"transport": "tcp", "protocol": "tls"}
    assert filled(found["tls"]) == {
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "version": "1.2",
        "version_protocol": "tls",
        "established": True,
        "curve": "X25519MLKEM768",
        "client": {
            "subject": SUBJECT,
            "not_before": datetime(2023, 9, 21, 22, 43, 21, tzinfo=UTC),
            "not_after": datetime(2026, 6, 17, 22, 43, 21, tzinfo=UTC),
            "x509": {"serial_number": "FEF257372D5C14D4"},
        },
    }
    assert found["related"]["ip"] == ["203.0.113.1"]
    assert filled(found["cloud"]) == {
        "provider": "aws",
        "account": {"id": "123456789012"},
        "region": "us-east-2",
    }
    assert filled(found["native"]) == {
        "elb": "app/my-lb/50dc6c495c0c9188",
        "listener_port": 443,
        "tls_protocol": "TLSv1.2",
        "tls_handshake_latency": 4.036,
        "leaf_client_cert_validity": "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z",
        "tls_verify_status": "Success",
        "conn_trace_id": "TID_3180a73013c8ca4bac2f731159d4b0fe",
        "ip_address": "10.0.3.7",
    }


NO_CERT = {"subject": '"-"', "validity": "-", "serial": "-"}


@pytest.mark.parametrize(
    ("given", "outcome", "established", "failure"),
    [
        (
            {"latency": "-", "status": "Failed:ClientCertUntrusted"},
            "failure",
            False,
            "ClientCertUntrusted",
        ),
        ({"status": "Failed:ClientCertExpired"}, "failure", False, "ClientCertExpired"),
        # no client certificate asked for
        (NO_CERT | {"status": "-"}, "success", True, None),
        (NO_CERT | {"status": "-", "latency": "-"}, "failure", False, None),
        # no TLS, or none begun
        (
            NO_CERT | {"status": "-", "latency": "-", "protocol": "-", "cipher": "-"},
            "unknown",
            None,
            None,
        ),
    ],
)
def test_whether_a_connection_came_about(
    given: dict[str, str], outcome: str, established: bool | None, failure: str | None
) -> None:
    found = row(line(**given))
    assert value(found, "event.outcome") == outcome
    assert value(found, "tls.established") is established
    assert value(found, "error.code") == failure
    assert value(found, "event.reason") == failure
    types = ["connection", "start", "error"] if outcome == "failure" else ["connection", "start"]
    assert value(found, "event.type") == types


def test_an_ipv6_client() -> None:
    assert value(row(line(ip="2001:DB8::1")), "source.ip") == "2001:db8::1"
    bracketed = row(line(ip="[2001:db8::1]"))
    assert value(bracketed, "source.address") == "2001:db8::1"
    assert value(bracketed, "source.ip") == "2001:db8::1"


@pytest.mark.parametrize(
    "subject", ['O="Example, Inc.",CN=x', r"O=\"Example, Inc.\",CN=x", '"', 'CN=a" "b']
)
def test_quotes_in_a_subject_shift_no_field(subject: str) -> None:
    found = row(line(subject=f'"{subject}"', more=" - app/my-lb/5"))
    assert value(found, "tls.client.subject") == subject
    assert value(found, "native.tls_verify_status") == "Success"
    assert value(found, "native.elb") == "app/my-lb/5"


@pytest.mark.parametrize(
    "key", [f"{FOLDER}/conn_log.{NAME}", f"{FOLDER}/conn_log_{NAME}", f"{FOLDER}/{NAME}", "x.txt"]
)
def test_told_by_its_name_and_by_its_lines(key: str) -> None:
    assert list(read(line(), key=key).tables) == ["alb_connection"]


def test_the_connection_bears_the_trace_id_of_its_requests() -> None:
    """The line is unique by it: delivered twice, it is one event."""
    one, other = row(line()), row(line(), key="copy.log")
    assert value(one, "event.hash") == value(other, "event.hash")
    assert value(one, "native.conn_trace_id") == "TID_3180a73013c8ca4bac2f731159d4b0fe"


def test_a_short_line_is_a_reject() -> None:
    result = read(line(), line().rsplit(" ", 2)[0])
    assert len(result.rows) == 1
    assert [(r.position, r.reason) for r in result.rejects] == [
        (2, "10 fields, expected at least 11")
    ]


def test_a_line_of_the_first_year_has_no_trace_id() -> None:
    found = row(
        "2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 "
        '4.036 "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US" '
        "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success"
    )
    assert value(found, "source.ip") == "203.0.113.1"
    assert value(found, "tls.client.x509.serial_number") == "FEF257372D5C14D4"
    assert value(found, "event.outcome") == "success"
    assert value(found, "native.conn_trace_id") is None


CLASSIC = (
    "2023-10-04T17:05:16.945958Z my-lb 192.0.2.9:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 "
    '200 0 29 "GET http://example.com:80/ HTTP/1.1" "curl/7.38.0" - -'
)


@pytest.mark.parametrize("first", ["alb_connection", "clb"])
def test_a_classic_load_balancers_line_among_these_is_its_own(first: str) -> None:
    """Either log's line has enough fields for the other's, as where files were put together."""
    one, other = (line(), CLASSIC) if first == "alb_connection" else (CLASSIC, line())
    result = read(one, other, key="connections.log")
    second = "clb" if first == "alb_connection" else "alb_connection"
    assert [value(row, "event.dataset") for row in result.rows] == [first, second]
    assert not result.rejects
