"""What a record has and its row's native STRUCT will not hold is counted: members that [native]
does not name, and values that from_json makes NULL or rounds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from logs import bus_event, compact, event, events, read, trail

from lake.ingest import IngestOptions, ingest
from lake.query import open_lake

if TYPE_CHECKING:
    from pathlib import Path

FINDING: dict[str, Any] = {
    "schemaVersion": "2.0",
    "accountId": "111122223333",
    "id": "f1",
    "type": "Recon:EC2/Portscan",
    "severity": 5,
    "updatedAt": "2024-02-01T10:00:00Z",
}


def finding(**service: Any) -> bytes:  # noqa: ANN401
    return compact(FINDING | {"service": {"serviceName": "guardduty", **service}})


@pytest.mark.parametrize(
    ("value", "native", "lost"),
    [
        (3, 3, 0),
        (3.0, 3, 0),
        ("3", 3, 0),
        (None, None, 0),
        ("", None, 0),
        (2**63 - 1, 2**63 - 1, 0),
        (1.5, 2, 1),
        ("1.5", 2, 1),
        ("abc", None, 1),
        (True, 1, 1),
        (2**63, None, 1),
        ([1], None, 1),
        ({"n": 1}, None, 1),
    ],
)
def test_whole_numbers(value: object, native: object, lost: int) -> None:
    found = read(finding(count=value))
    assert found.rows[0]["native"]["service"].get("count") == native
    assert found.decoding.lossy_members == ({"service.count": lost} if lost else {})


@pytest.mark.parametrize(
    ("value", "lost"), [(True, 0), ("false", 0), (1, 0), (None, 0), ("maybe", 1), (2, 1), ({}, 1)]
)
def test_truth_values(value: object, lost: int) -> None:
    found = read(trail([event(1, readOnly=value), event(2)]))
    assert found.ids == [1, 2]
    assert found.decoding.lossy_members == ({"readOnly": lost} if lost else {})


@pytest.mark.parametrize(("value", "lost"), [(5, 0), (5.5, 0), ("5.5", 0), ("high", 1), (False, 1)])
def test_numbers(value: object, lost: int) -> None:
    found = read(compact(FINDING | {"severity": value, "service": {"detectorId": "d"}}))
    assert found.decoding.lossy_members == ({"severity": lost} if lost else {})


def test_structs_and_lists() -> None:
    odd = [
        event(1, userIdentity="ana"),
        event(2, resources={"ARN": "arn:aws:s3:::b"}),
        event(3, resources=["arn:aws:s3:::b", {"ARN": "arn:aws:s3:::c"}]),
        event(4, userIdentity={"sessionContext": [], "userName": 7}),
        event(5, requestParameters=[1, "x"], errorCode=403),
    ]
    found = read(trail(odd))
    assert found.ids == [1, 2, 3, 4, 5]
    assert found.decoding.lossy_members == {
        "userIdentity": 1,
        "resources": 1,
        "resources[]": 1,
        "userIdentity.sessionContext": 1,
    }


def test_unknown_members_are_counted_by_name() -> None:
    new = [
        event(n, brandNew=n if n > 1 else None, **({"other": {}} if n == 3 else {}))
        for n in (1, 2, 3)
    ]
    found = read(trail([*new, event(4)]))
    assert found.decoding.unknown_members == {"brandNew": 3, "other": 1}
    assert found.decoding.lossy_members == {}


def test_members_that_are_no_column_are_counted_by_record() -> None:
    flows = [
        {"srcaddr": "10.0.0.1", "dstaddr": "10.0.0.2", "end": 1770120000 + n}
        | ({"brandNew": n} if n != 2 else {"other": None})
        for n in (1, 2, 3, 4)
    ]
    found = read(b"\n".join(map(compact, flows)))
    assert len(found.rows) == 4
    assert found.decoding.unknown_members == {"brandNew": 3, "other": 1}


def test_members_of_another_source_are_not_unknown() -> None:
    insight = event(2, eventType="AwsCloudTrailInsight", eventCategory="Insight")
    insight["insightDetails"] = {"state": "Start", "insightType": "ApiCallRateInsight"}
    found = read(trail([event(1), insight, event(3)]))
    assert [row["event"]["dataset"] for row in found.rows] == [
        "cloudtrail",
        "cloudtrail_insight",
        "cloudtrail",
    ]
    assert found.decoding.unknown_members == {
        name: 1
        for name in (
            "eventSource",
            "eventName",
            "sourceIPAddress",
            "requestParameters",
            "readOnly",
            "userIdentity",
        )
    }


def test_members_of_an_envelope_are_not_unknown() -> None:
    found = read(b"\n".join(compact(r) for r in (event(1), bus_event(event(2)))))
    assert (found.ids, found.decoding.unknown_members) == ([1, 2], {})


def test_pascal_case_and_envelopes() -> None:
    pascal = {name[0].upper() + name[1:]: value for name, value in FINDING.items()}
    data = compact({"Findings": [pascal | {"Service": {"Count": 1.5, "Archived": "x"}}]})
    assert read(data).decoding.lossy_members == {"service.count": 1, "service.archived": 1}
    assert read(compact(bus_event(event(1, readOnly="x")))).decoding.lossy_members == {
        "readOnly": 1
    }


def test_rows_of_the_console_s_csv() -> None:
    data = (
        b"Event name,Event time,Event source,Read-only\nGetUser,2024-02-01T10:00:00Z,iam,perhaps\n"
    )
    assert read(data).decoding.lossy_members == {"readOnly": 1}


def test_they_are_shown(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    records = [event(1, readOnly="maybe"), event(2, readOnly="no?"), *events(2, 3)]
    (tmp_path / "logs" / "a.json").write_bytes(trail(records))
    ingest(tmp_path / "lake", [str(tmp_path / "logs")], IngestOptions(jobs=1))
    lake = open_lake(tmp_path / "lake")
    (lossy,) = lake.cursor().execute("SELECT lossy_members FROM objects").fetchall()[0]
    assert json.loads(lossy) == {"readOnly": 2}
    assert lake.status().lossy_members == {"cloudtrail": {"readOnly": 2}}
