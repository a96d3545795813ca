"""CloudTrail Insights: both ends of an Insight, of trails and of event data stores.

Records are shaped as the user guide's pages on Insights events show them.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

from lake.stage.preview import Preview, preview

KEY = (
    "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2024/02/01/"
    "111122223333_CloudTrail-Insight_us-east-1_20240201T1000Z_AbCdEfGhIjKlMnOp.json.gz"
)


def insight(state: str, time: str, **details: Any) -> dict[str, Any]:  # noqa: ANN401
    statistics: dict[str, Any] = {
        "baseline": {"average": 0.0017857143},
        "insight": {"average": 4},
        "baselineDuration": 10080,
    }
    if state == "End":
        statistics["insightDuration"] = 3
    return {
        "eventVersion": "1.07",
        "eventTime": time,
        "awsRegion": "us-east-1",
        "eventID": "55ed45c5-0b0c-4228-9fe5-000000000001",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": "111122223333",
        "sharedEventID": "ee9a2c6f-0b8d-4d0b-8d23-000000000002",
        "insightDetails": {
            "state": state,
            "eventSource": "autoscaling.amazonaws.com",
            "eventName": "CompleteLifecycleAction",
            "insightType": "ApiErrorRateInsight",
            "errorCode": "ValidationError",
            "insightContext": {
                "statistics": statistics,
                "attributions": [
                    {
                        "attribute": "userIdentityArn",
                        "insight": [
                            {"value": "arn:aws:sts::111122223333:assumed-role/B/b", "average": 3},
                            {"value": "arn:aws:sts::111122223333:assumed-role/A/a", "average": 1},
                        ],
                        "baseline": [{"value": "arn:aws:iam::111122223333:user/c", "average": 1}],
                    },
                    {"attribute": "userAgent", "insight": [{"value": "x", "average": 4}]},
                ],
            },
        }
        | details,
        "eventCategory": "Insight",
    }


START = insight("Start", "2024-02-01T10:00:00Z")
END = insight("End", "2024-02-01T10:03:00Z")


def read(*records: dict[str, Any], key: str = KEY) -> Preview:
    return preview(gzip.compress(json.dumps({"Records": records}).encode()), key)


def at(found: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    """A member by its dotted name; None where it, or a struct around it, is NULL or not there."""
    value: Any = found
    for name in path.split("."):
        value = (value or {}).get(name)
    return value


def test_the_start_of_an_insight() -> None:
    result = read(START)
    assert list(result.tables) == ["cloudtrail_insight"]
    (found,) = result.rows
    event = {n: v for n, v in found["event"].items() if v is not None}
    for moving in ("ingested", "original", "hash"):
        event.pop(moving)
    assert event == {
        "action": "CompleteLifecycleAction",
        "category": ["intrusion_detection"],
        "dataset": "cloudtrail_insight",
        "id": "55ed45c5-0b0c-4228-9fe5-000000000001",
        "kind": "alert",
        "module": "cloudtrail",
        "outcome": "unknown",
        "provider": "autoscaling.amazonaws.com",
        "reason": "ApiErrorRateInsight start",
        "start": datetime(2024, 2, 1, 10, tzinfo=UTC),
        "type": ["info"],
    }
    assert at(found, "rule.name") == "ApiErrorRateInsight"
    assert at(found, "error.code") == "ValidationError"
    assert at(found, "cloud.account.id") == "111122223333"
    assert at(found, "cloud.region") == "us-east-1"
    assert at(found, "cloud.service.name") == "autoscaling"
    assert at(found, "related.user") == [
        "A",
        "B",
        "a",
        "arn:aws:sts::111122223333:assumed-role/A/a",
        "arn:aws:sts::111122223333:assumed-role/B/b",
        "b",
    ]
    assert at(found, "native.insightDetails.state") == "Start"
    assert at(found, "native.sharedEventID") == "ee9a2c6f-0b8d-4d0b-8d23-000000000002"
    assert at(found, "native.baselineAverage") == 0.0017857143
    assert at(found, "native.insightAverage") == 4.0
    assert at(found, "native.baselineDuration") == 10080
    assert at(found, "native.insightDuration") is None
    context = json.loads(at(found, "native.insightDetails.insightContext"))
    assert context == START["insightDetails"]["insightContext"]


def test_the_end_tells_how_long_it_lasted() -> None:
    (found,) = read(END).rows
    assert at(found, "event.start") == datetime(2024, 2, 1, 10, tzinfo=UTC)
    assert at(found, "event.end") == datetime(2024, 2, 1, 10, 3, tzinfo=UTC)
    assert at(found, "event.duration") == 180_000_000_000
    assert at(found, "native.insightDuration") == 3


def test_a_time_that_no_event_lasts_leaves_the_row() -> None:
    lasted = json.loads(json.dumps(END))
    lasted["insightDetails"]["insightContext"]["statistics"]["insightDuration"] = 2**63 - 1
    found = read(lasted)
    assert not found.rejects
    (row,) = found.rows
    assert (at(row, "event.start"), at(row, "event.duration")) == (None, None)
    assert at(row, "native.insightDuration") == 2**63 - 1


def test_an_insight_on_data_events_says_so() -> None:
    trail = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all"
    told = {"sourceEventCategory": "Data", "insightSource": trail}
    (found,) = read(insight("Start", "2024-02-01T10:00:00Z", **told)).rows
    details = at(found, "native.insightDetails")
    assert (details["sourceEventCategory"], details["insightSource"]) == ("Data", trail)


def test_start_and_end_are_two_rows_though_they_share_ids() -> None:
    same_minute = insight("End", "2024-02-01T10:00:00Z")
    hashes = {r["event"]["hash"] for r in read(START, same_minute, END, START).rows}
    assert len(hashes) == 3


def test_an_insight_without_attributions_or_statistics() -> None:
    bare = insight("Start", "2024-02-01T10:00:00Z", insightContext=None, errorCode=None)
    (found,) = read(bare).rows
    assert at(found, "related.user") is None
    assert at(found, "native.baselineAverage") is None
    assert at(found, "event.action") == "CompleteLifecycleAction"


def test_an_event_data_store_names_the_members_otherwise() -> None:
    store = {n: v for n, v in START.items() if n != "insightDetails"} | {
        "insightSource": "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/x",
        "insightState": "End",
        "insightEventSource": "iam.amazonaws.com",
        "insightEventName": "CreateUser",
        "insightErrorCode": "null",
        "insightType": "ApiCallRateInsight",
        "insightContext": {
            "baselineAverage": 0.5,
            "insightAverage": 9,
            "baselineDuration": 60,
            "insightDuration": 2,
        },
    }
    (found,) = read(store, key="exports/insights.json").rows
    assert at(found, "event.action") == "CreateUser"
    assert at(found, "event.provider") == "iam.amazonaws.com"
    assert at(found, "event.duration") == 120_000_000_000
    assert at(found, "native.baselineAverage") == 0.5
    assert at(found, "error.code") is None


def test_a_record_without_time_is_rejected() -> None:
    result = read(START | {"eventTime": "soon"}, END)
    assert [r.reason for r in result.rejects] == ["no valid time"]
    assert len(result.rows) == 1
