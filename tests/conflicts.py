"""CloudTrail events whose members change type from one to the next, as they do in the field: an
index that maps what comes refuses them (aws-samples/siem-on-amazon-opensearch-service, issues 66,
75, 106, 167, 240, 412, 474), and what an attacker can choose."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from small_lake import event

if TYPE_CHECKING:
    from pathlib import Path

DEEP = json.loads('{"a":' * 300 + "1" + "}" * 300)
PARAMETERS: list[Any] = [
    {"source": {"s3": "bucket"}},
    {"source": "text"},
    {"result": 5},
    {"result": {"id": "r"}},
    {"command": ["ls", "-l"]},
    {"command": {"name": "ls"}},
    {"parameters": "text"},
    {"parameters": {"commands": ["id"]}},
    {"partitionInputList": json.dumps([{"values": ["v" * 40]}] * 2000)},
    {"bucketName": {"Ref": "Logs"}},
    {"bucketName": ["one", {"Ref": "Logs"}]},
    {"bucketName": "b" * 40_000},
    {"bucketName": 7, "bucketName.inner": 1},
    {"": 1, " ": 2, ".": 3, "a..b": 4, "c.": 5, ".d": 6},
    {"k" * 40_000: "v"},
    {f"key-{number}": {"inner": number} for number in range(5_000)},
    {"number": 10**30, "date": "not a date", "text": "\ud800 \u0000 \u202e"},
    [{"list": 1}, {"list": "two"}, "three"],
    [[1, 2], [3]],
    "text alone",
    17,
    True,
    [],
    {},
    {"none": None, "nones": [None, {"none": None}]},
    DEEP,
]
MORE: list[dict[str, Any]] = [
    {"apiVersion": "v20160216"},
    {"apiVersion": "2016-11-15"},
    {"managementEvent": "True"},
    {"managementEvent": True},
    {"additionalEventData": {"bytesTransferredIn": 1.5e3, "bytesTransferredOut": "many"}},
    {"additionalEventData": {"bytesTransferredIn": {"of": 1}, "MFAUsed": False}},
    {"responseElements": {"ConsoleLogin": {"is": "Failure"}, "endpoint": "e"}},
    {"responseElements": {"endpoint": {"address": "e"}}},
    {"errorMessage": "m" * 100_000},
    {"userAgent": "u" * 50_000},
]


def conflicting() -> list[dict[str, Any]]:
    """All of them, under ids from 1,000 on."""
    given = [{"requestParameters": one} for one in PARAMETERS] + MORE
    return [
        event(1_000 + number, "09:00:00", "glue", "BatchCreatePartition", **members)
        for number, members in enumerate(given)
    ]


def write_conflicts(folder: Path) -> None:
    """An object with all of them below `folder`."""
    path = folder / "AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01/conflicts.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps({"Records": conflicting()}).encode()))
