"""CloudFront logging v2: chosen fields as W3C, JSON and Parquet, in its own key layouts."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import WRAPPERS, subscription
from rows import flat, only, taken

Row = dict[str, Any]
NAME = "EMLARXS9EXAMPLE.2024-11-14-22.RT4KCN4SGK9"
KEY = f"AWSLogs/111122223333/CloudFront/{NAME}.gz"
DOCUMENTED = {
    "date": "2024-11-14",
    "time": "22:34:06",
    "x-edge-location": "SOF50-P2",
    "asn": "16509",
    "timestamp(ms)": "1731623646814",
    "origin-fbl": "0.251",
    "origin-lbl": "0.252",
    "x-host-header": "d111111abcdef8.cloudfront.net",
    "cs(Cookie)": "examplecookie=value",
}


def as_json(record: dict[str, object], key: str = KEY) -> Row:
    (found,) = flat(json.dumps(record) + "\n", key, "cloudfront")
    return found


def as_w3c(record: dict[str, str], delimiter: str = "\t", key: str = KEY) -> Row:
    text = f"#Version: 1.0\n#Fields: {' '.join(record)}\n{delimiter.join(record.values())}\n"
    (found,) = flat(text, key, "cloudfront")
    return found


def as_parquet(record: dict[str, object], key: str = KEY) -> Row:
    buffer = io.BytesIO()
    pq.write_table(pa.table({n: pa.array([v]) for n, v in record.items()}), buffer)
    (found,) = flat(buffer.getvalue(), key, "cloudfront")
    return found


def underscored(record: dict[str, str]) -> dict[str, object]:
    """The names as the Parquet delivery writes them."""
    return {n.lower().replace("-", "_").replace("(", "_").rstrip(")"): v for n, v in record.items()}


DOCUMENTED_ROW = {
    "@timestamp": datetime(2024, 11, 14, 22, 34, 6, 814000, UTC),
    "event.category": ["web"],
    "event.type": ["access"],
    "event.outcome": "unknown",
    "event.end": datetime(2024, 11, 14, 22, 34, 6, 814000, UTC),
    "event.dataset": "cloudfront",
    "event.module": "cloudfront-standard",
    "cloud.account.id": "111122223333",
    "cloud.region": "global",
    "destination.address": "d111111abcdef8.cloudfront.net",
    "destination.domain": "d111111abcdef8.cloudfront.net",
    "url.domain": "d111111abcdef8.cloudfront.net",
    "related.hosts": ["d111111abcdef8.cloudfront.net"],
    "native.distribution_id": "EMLARXS9EXAMPLE",
    "native.x_edge_location": "SOF50-P2",
    "native.x_host_header": "d111111abcdef8.cloudfront.net",
    "native.cs_cookie": "examplecookie=value",
    "native.origin_fbl": 0.251,
    "native.origin_lbl": 0.252,
    "native.asn": 16509,
}


def test_the_documented_record_in_every_format() -> None:
    assert as_json({**DOCUMENTED}) == DOCUMENTED_ROW
    assert as_w3c(DOCUMENTED) == DOCUMENTED_ROW
    assert as_parquet({**DOCUMENTED}) == DOCUMENTED_ROW
    assert as_parquet(underscored(DOCUMENTED)) == DOCUMENTED_ROW


@pytest.mark.parametrize("delimiter", ["\t", ",", " ", ";", "|"])
def test_fields_end_at_what_the_delivery_was_told(delimiter: str) -> None:
    assert as_w3c(DOCUMENTED, delimiter) == DOCUMENTED_ROW


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_in_every_compression(wrapper: str) -> None:
    text = f"#Version: 1.0\n#Fields: {' '.join(DOCUMENTED)}\n" + "\t".join(DOCUMENTED.values())
    assert flat(WRAPPERS[wrapper](text.encode()), KEY, "cloudfront") == [DOCUMENTED_ROW]


def test_through_cloudwatch_logs() -> None:
    (found,) = flat(json.dumps(subscription([json.dumps(DOCUMENTED)])), "any/key", "cloudfront")
    without_key = {n: v for n, v in DOCUMENTED_ROW.items() if n != "native.distribution_id"}
    assert found == without_key  # the envelope's account is the key's


@pytest.mark.parametrize(
    ("name", "given", "leaves"),
    [
        ("DistributionId", "E2ABC", {"native.distribution_id": "E2ABC"}),
        ("distribution-tenant-id", "dt_1", {"native.distribution_tenant_id": "dt_1"}),
        ("c-country", "BG", {"native.c_country": "BG"}),
        ("cache-behavior-path-pattern", "/i/*", {"native.cache_behavior_path_pattern": "/i/*"}),
        ("connection-id", "c-1", {"native.connection_id": "c-1"}),
        ("viewer-request-log-data", "a", {"native.viewer_request_log_data": "a"}),
        ("viewer-response-log-data", "b", {"native.viewer_response_log_data": "b"}),
        ("primary-distribution-id", "E9", {"native.primary_distribution_id": "E9"}),
        ("sc-content-len", "12", {"native.sc_content_len": 12, "http.response.body.bytes": 12}),
        ("cs(Referer)", "http://r/", {"http.request.referrer": "http://r/"}),
        ("cs-method", "PUT", {"http.request.method": "PUT", "native.cs_method": "PUT"}),
        ("x-of-tomorrow", "z", {}),
    ],
)
def test_a_field_that_may_be_chosen(name: str, given: str, leaves: Row) -> None:
    assert as_json({**DOCUMENTED, name: given}) == DOCUMENTED_ROW | leaves
    assert as_w3c({**DOCUMENTED, name: given}) == DOCUMENTED_ROW | leaves


@pytest.mark.parametrize(
    ("fields", "moment", "start", "time_source"),
    [
        ({"timestamp(ms)": "1731623646814"}, "22:34:06.814", "22:34:06.314", None),
        ({"timestamp": "1731623646"}, "22:34:06", None, None),
        ({"date": "2024-11-14", "time": "22:34:06"}, "22:34:06", None, None),
        ({}, "22:00:00", None, "key"),
    ],
)
def test_the_time_in_each_form_else_the_keys(
    fields: dict[str, str], moment: str, start: str | None, time_source: str | None
) -> None:
    found = as_w3c({"c-ip": "192.0.2.1", "sc-status": "404", "time-taken": "0.5", **fields})
    assert found["@timestamp"] == datetime.fromisoformat(f"2024-11-14T{moment}Z")
    begun = datetime.fromisoformat(f"2024-11-14T{start}Z") if start else None
    assert found.get("event.start") == begun
    assert found["event.duration"] == 500_000_000
    assert found.get("native.time_source") == time_source
    assert only(found, "event.outcome", "event.type", "source", "http") == {
        "event.outcome": "failure",
        "event.type": ["access", "error"],
        "source.address": "192.0.2.1",
        "source.ip": "192.0.2.1",
        "http.response.status_code": 404,
    }


@pytest.mark.parametrize(
    "key",
    [
        f"AWSLogs/111122223333/CloudFront/{NAME}.gz",
        f"AWSLogs/aws-account-id=111122223333/CloudFront/{NAME}.gz",
        "MyLogs/aws-account-id=111122223333/distributionid=EMLARXS9EXAMPLE/year=2024/month=11/"
        f"day=14/hour=22/{NAME}.parquet",
        f"MyLogs/111122223333/EMLARXS9EXAMPLE/2024/11/14/22/{NAME}.json",
    ],
)
def test_each_key_layout_says_account_and_distribution(key: str) -> None:
    chosen = {"c-ip": "192.0.2.1", "sc-status": "200", "timestamp(ms)": "1731623646814"}
    for found in (as_json({**chosen}, key), as_parquet({**chosen}, key), as_w3c(chosen, key=key)):
        assert only(found, "cloud", "native.distribution") == {
            "cloud.account.id": "111122223333",
            "cloud.region": "global",
            "native.distribution_id": "EMLARXS9EXAMPLE",
        }


def test_json_of_members_that_many_sources_have_is_told_by_the_key() -> None:
    found = as_json({"timestamp": 1731623646, "c-ip": "192.0.2.1", "sc-status": 200})
    assert found["@timestamp"] == datetime(2024, 11, 14, 22, 34, 6, tzinfo=UTC)
    assert found["http.response.status_code"] == 200
    other = taken('{"timestamp": 1731623646, "c-ip": "192.0.2.1", "sc-status": 200}', "some/key")
    assert other.status == "unknown"


def test_a_member_that_only_later_records_have() -> None:
    text = json.dumps({**DOCUMENTED}) + "\n" + json.dumps({**DOCUMENTED, "c-ip": "192.0.2.9"})
    found = flat(text, KEY, "cloudfront")
    assert [r.get("source.ip") for r in found] == [None, "192.0.2.9"]


@pytest.mark.parametrize(
    "chosen",
    [
        "timestamp c-ip sc-status cs(Host) cs-uri-stem",
        " ".join(n for n in DOCUMENTED if n != "sc-bytes"),
    ],
)
def test_chosen_fields_without_their_names_are_not_guessed(chosen: str) -> None:
    """They were read in the order of version 1: what was a host became an address."""
    line = "\t".join(DOCUMENTED.get(name, "1731621600") for name in chosen.split())
    found = taken(f"{line}\n", KEY)
    assert (found.status, found.rows) == ("unknown", [])
    assert found.reason is not None
    assert found.reason.startswith("lines of cloudfront without a header and with other fields")
