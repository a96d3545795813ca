"""CloudFront connection logs of mutual TLS: chosen fields as JSON, W3C and Parquet, each status."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import WRAPPERS, subscription
from rows import flat

Row = dict[str, Any]
KEY = "AWSLogs/111122223333/CloudFront/E2DX1SLDPK0123.2025-11-24-21.RT4KCN4SGK9.gz"
SUBJECT = "C=NO, O=Halden, OU=Terminals, CN=till-7.halden.example"
RECORD = {
    "eventTimestamp": "1764019966814",
    "connectionId": "oLHiEKbQSn8lkvJfA3D4gFowK3_iZ0g4i5nMUjE1Akod8TuAzn5nzg==",
    "connectionStatus": "Success",
    "clientIp": "2001:0db8:0000:0000:0000:8a2e:0370:7334",
    "clientPort": "12137",
    "serverIp": "198.51.100.136",
    "distributionId": "E2DX1SLDPK0123",
    "distributionTenantId": "dt_2te1",
    "tlsProtocol": "TLSv1.3",
    "tlsCipher": "TLS_AES_128_GCM_SHA256",
    "tlsHandshakeDuration": "153",
    "tlsSni": "d111111abcdef8.cloudfront.net",
    "clientLeafCertSerialNumber": "00:b1:43:ed",
    "clientLeafCertSubject": SUBJECT,
    "clientLeafCertIssuer": "C=NO, O=Halden, CN=Halden device authority",
    "clientLeafCertValidity": "NotBefore=2025-06-05T23:28:21Z;NotAfter=2125-05-12T23:28:21Z",
    "connectionLogCustomData": "checked:00:b1:43:ed",
}
ROW = {
    "@timestamp": datetime(2025, 11, 24, 21, 32, 46, 814000, UTC),
    "event.category": ["network"],
    "event.type": ["connection", "start"],
    "event.action": "connect",
    "event.outcome": "success",
    "event.duration": 153_000_000,
    "event.dataset": "cloudfront_connection",
    "event.module": "cloudfront-connection",
    "cloud.account.id": "111122223333",
    "cloud.region": "global",
    "source.address": "2001:0db8:0000:0000:0000:8a2e:0370:7334",
    "source.ip": "2001:db8::8a2e:370:7334",
    "source.port": 12137,
    "destination.address": "d111111abcdef8.cloudfront.net",
    "destination.domain": "d111111abcdef8.cloudfront.net",
    "destination.ip": "198.51.100.136",
    "network.protocol": "tls",
    "network.type": "ipv6",
    "tls.cipher": "TLS_AES_128_GCM_SHA256",
    "tls.version": "1.3",
    "tls.version_protocol": "tls",
    "tls.established": True,
    "tls.client.server_name": "d111111abcdef8.cloudfront.net",
    "tls.client.subject": SUBJECT,
    "tls.client.issuer": "C=NO, O=Halden, CN=Halden device authority",
    "tls.client.not_before": datetime(2025, 6, 5, 23, 28, 21, tzinfo=UTC),
    "tls.client.not_after": datetime(2125, 5, 12, 23, 28, 21, tzinfo=UTC),
    "tls.client.x509.serial_number": "00:b1:43:ed",
    "related.hosts": ["d111111abcdef8.cloudfront.net"],
    "related.ip": ["198.51.100.136", "2001:db8::8a2e:370:7334"],
    "native.connectionId": "oLHiEKbQSn8lkvJfA3D4gFowK3_iZ0g4i5nMUjE1Akod8TuAzn5nzg==",
    "native.connectionStatus": "Success",
    "native.distributionId": "E2DX1SLDPK0123",
    "native.distributionTenantId": "dt_2te1",
    "native.serverIp": "198.51.100.136",
    "native.tlsProtocol": "TLSv1.3",
    "native.tlsHandshakeDuration": 153.0,
    "native.clientLeafCertValidity": RECORD["clientLeafCertValidity"],
    "native.connectionLogCustomData": "checked:00:b1:43:ed",
}


def as_json(record: dict[str, Any], key: str = KEY) -> Row:
    (found,) = flat(json.dumps(record) + "\n", key, "cloudfront_connection")
    return found


def as_w3c(record: dict[str, str], delimiter: str = "\t", key: str = KEY) -> Row:
    text = f"#Version: 1.0\n#Fields: {' '.join(record)}\n{delimiter.join(record.values())}\n"
    (found,) = flat(text, key, "cloudfront_connection")
    return found


def as_parquet(record: dict[str, Any], key: str = KEY) -> Row:
    buffer = io.BytesIO()
    pq.write_table(pa.table({n: pa.array([v]) for n, v in record.items()}), buffer)
    (found,) = flat(buffer.getvalue(), key, "cloudfront_connection")
    return found


def test_the_documented_record_in_every_format() -> None:
    assert as_json(RECORD) == ROW
    assert as_json(RECORD | {"clientPort": 12137, "tlsHandshakeDuration": 153}) == ROW
    assert as_w3c(RECORD) == ROW
    assert as_parquet(RECORD) == ROW
    assert as_parquet({name.lower(): value for name, value in RECORD.items()}) == ROW


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_in_every_compression(wrapper: str) -> None:
    text = WRAPPERS[wrapper]((json.dumps(RECORD) + "\n").encode())
    assert flat(text, KEY, "cloudfront_connection") == [ROW]


def test_through_cloudwatch_logs() -> None:
    text = json.dumps(subscription([json.dumps(RECORD)]))
    assert flat(text, "any/key", "cloudfront_connection") == [ROW]


def test_the_time_in_each_form_else_the_envelopes() -> None:
    for told in ("1764019966814", "1764019966.814", "2025-11-24T21:32:46.814Z"):
        assert as_json(RECORD | {"eventTimestamp": told}) == ROW
    named = {"timestamp" if n == "eventTimestamp" else n: v for n, v in RECORD.items()}
    assert as_json(named) == ROW  # as an earlier list of the fields has it
    timeless = {name: value for name, value in RECORD.items() if name != "eventTimestamp"}
    (found,) = flat(
        json.dumps(subscription([json.dumps(timeless)])), "any/key", "cloudfront_connection"
    )
    assert found["native.time_source"] == "envelope"


@pytest.mark.parametrize(
    ("status", "outcome", "kind", "reason"),
    [
        ("Success", "success", None, None),
        ("Failed", "failure", "error", None),
        ("Failed:ClientCertMissing", "failure", "denied", "ClientCertMissing"),
        ("Failed:ClientCertUntrusted", "failure", "denied", "ClientCertUntrusted"),
        ("Failed:ConnectionFunctionDenied", "failure", "denied", "ConnectionFunctionDenied"),
        ("Failed:ConnectionFunctionError", "failure", "error", "ConnectionFunctionError"),
        ("Failed:TcpTimeout", "failure", "error", "TcpTimeout"),
        ("-", "unknown", None, None),
    ],
)
def test_a_status(status: str, outcome: str, kind: str | None, reason: str | None) -> None:
    found = as_w3c(RECORD | {"connectionStatus": status})
    assert found["event.outcome"] == outcome
    assert found["event.type"] == ["connection", "start", *([kind] if kind else [])]
    assert (found.get("event.reason"), found.get("error.code")) == (reason, reason)
    assert found.get("tls.established") == {"success": True, "failure": False}.get(outcome)


@pytest.mark.parametrize(
    "chosen",
    [
        ("eventTimestamp", "connectionStatus", "clientIp"),
        ("eventTimestamp", "connectionId", "connectionStatus"),
        ("eventTimestamp", "clientIp", "clientLeafCertSubject"),
        ("eventTimestamp", "clientIp", "connectionLogCustomData"),
    ],
)
def test_chosen_fields_tell_it_under_any_key(chosen: tuple[str, ...]) -> None:
    """A key may look like that of standard logs, or like nothing."""
    record = {name: RECORD[name] for name in chosen}
    for key in (KEY, "some/where/object"):
        for found in (as_json(record, key), as_w3c(record, key=key), as_parquet(record, key)):
            assert found["@timestamp"] == ROW["@timestamp"]
            assert found.get("source.ip") == (ROW["source.ip"] if "clientIp" in chosen else None)


def test_a_connection_id_among_standard_fields_is_a_standard_log() -> None:
    record = {"timestamp(ms)": "1764019966814", "x-edge-location": "OSL50-P1", "connection-id": "c"}
    (found,) = flat(json.dumps(record) + "\n", KEY, "cloudfront")
    assert found["native.connection_id"] == "c"
