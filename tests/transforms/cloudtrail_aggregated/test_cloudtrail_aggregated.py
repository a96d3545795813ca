"""CloudTrail aggregated events: what was counted in five minutes, in every way they are delivered.

Records are shaped as the user guide's pages on aggregating data events show them.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lake.stage.preview import Preview, preview

NAME = "111122223333_CloudTrail-Aggregated_us-west-2_20251117T1925Z_AbCdEfGhIjKlMnOp.json.gz"
KEY = f"AWSLogs/111122223333/CloudTrail-Aggregated/us-west-2/2025/11/17/{NAME}"


def figures(dimension: str, **values: int) -> dict[str, Any]:
    counted = [{"name": name, "value": value} for name, value in values.items()]
    return {"dimension": dimension, "statistics": counted, "aggregationType": "Count"}


def record(primary: dict[str, Any], *details: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "eventVersion": "1.0",
        "accountId": "111122223333",
        "eventId": "62759c1a-6248-48e1-a6b3-000000000001",
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": "us-west-2",
        "eventSource": "s3.amazonaws.com",
        "timeWindow": {
            "windowStart": "2025-11-17T19:20:00Z",
            "windowEnd": "2025-11-17T19:25:00Z",
            "windowSize": "PT5M",
        },
        "summary": {"primaryDimension": primary, "details": list(details)},
    } | more


CALLS = record(
    figures("eventName", PutObject=1000),
    figures("resourceARN", **{"arn:aws:s3:::b-1": 800, "arn:aws:s3:::b-2/x": 200}),
    figures("userIdentity", **{"arn:aws:iam::111122223333:user/ops/bob": 1000}),
    figures("sourceIpAddress", **{"198.51.100.7": 999, "s3.amazonaws.com": 1}),
)


def read(content: object, key: str = KEY) -> Preview:
    return preview(gzip.compress(json.dumps(content).encode()), key)


def test_calls_that_were_counted() -> None:
    (row,) = read({"Records": [CALLS]}).rows
    event = row["event"]
    assert row["@timestamp"] == event["start"] == datetime(2025, 11, 17, 19, 20, tzinfo=UTC)
    assert event["end"] == datetime(2025, 11, 17, 19, 25, tzinfo=UTC)
    assert event["duration"] == 300_000_000_000
    assert (event["kind"], event["action"]) == ("metric", "PutObject")
    assert (event["category"], event["type"], event["outcome"]) == (["api"], ["info"], "unknown")
    assert row["cloud"]["account"]["id"] == "111122223333"
    assert (row["cloud"]["region"], row["cloud"]["service"]["name"]) == ("us-west-2", "s3")
    assert row["related"]["ip"] == ["198.51.100.7"]
    assert row["related"]["buckets"] == ["b-1", "b-2"]
    assert row["related"]["user"] == ["arn:aws:iam::111122223333:user/ops/bob", "bob"]
    assert row["native"]["calls"] == 1000


def test_a_session_is_found_by_its_name_and_by_its_role() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/Deploy/ci"
    (row,) = read([record(figures("userIdentity", **{session: 3}))]).rows
    assert row["related"]["user"] == ["Deploy", session, "ci"]


def test_accesses_of_a_resource_by_several_calls() -> None:
    primary = figures("resourceARN", **{"arn:aws:s3:::b-1": 30})
    (row,) = read([record(primary, figures("eventName", PutObject=10, GetObject=20))]).rows
    assert row["event"]["action"] == "AwsAggregatedEvent"
    assert row["native"]["calls"] == 30


def test_figures_that_are_too_big_leave_the_row() -> None:
    many = record(figures("eventName", PutObject=2**63 - 1, GetObject=1))
    many["timeWindow"] |= {"windowEnd": "290000-01-01T00:00:00Z"}
    found = read([many])
    assert not found.rejects
    (row,) = found.rows
    assert row["native"].get("calls") is None
    assert row["event"].get("duration") is None


@pytest.mark.parametrize("key", [KEY, "elsewhere/x.json.gz", KEY.replace("-Aggregated", "")])
@pytest.mark.parametrize("content", [{"Records": [CALLS]}, [CALLS], CALLS])
def test_known_by_its_content(content: object, key: str) -> None:
    found = read(content, key)
    assert [row["event"]["dataset"] for row in found.rows] == ["cloudtrail_aggregated"]
    assert not found.rejects


def test_a_window_as_a_service_writes_it_without_a_zone() -> None:
    """Taken for UTC, as the guide says it is."""
    window = {"windowStart": "2025-11-17 19:20:00", "windowEnd": "2025-11-17 19:25:00"}
    (row,) = read([CALLS | {"timeWindow": window}]).rows
    assert row["@timestamp"] == datetime(2025, 11, 17, 19, 20, tzinfo=UTC)


def test_without_a_window_it_is_no_row() -> None:
    found = read([CALLS | {"timeWindow": {}}])
    assert not found.rows
    assert [reject.reason for reject in found.rejects] == ["no valid time"]
