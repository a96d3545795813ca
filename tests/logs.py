"""Small made logs for tests of the engine, in every form that they are delivered in, and a way to
read one object without a lake."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import zstandard

from lake.stage.preview import preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.decode.decode import Decoding
    from lake.model import Reject

ACCOUNT = "111122223333"
TRAIL_KEY = (
    f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2024/02/01/"
    f"{ACCOUNT}_CloudTrail_eu-west-1_20240201T1005Z_a1b2c3d4e5f60718.json.gz"
)
SECOND_KEY = TRAIL_KEY.replace("a1b2", "b2c3")
FLOW_KEY = (
    f"AWSLogs/{ACCOUNT}/vpcflowlogs/eu-west-1/2024/02/01/"
    f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-0a1b2c3d4e5f60718_20240201T1005Z_1a2b3c4d.log.gz"
)
FLOW_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)
GATEWAY_HEADER = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
    "tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id "
    "tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr "
    "srcport dstport protocol packets bytes start end log-status type packets-lost-no-route "
    "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
    "flow-direction pkt-src-aws-service pkt-dst-aws-service"
)
GATEWAY_FLOW = (
    "6 TransitGateway 444455556666 tgw-0a tgw-attach-0b 111122223333 444455556666 vpc-1 vpc-2 "
    "subnet-1 subnet-2 eni-1 eni-2 euw1-az1 euw1-az2 tgw-attach-0c 10.0.0.5 10.9.0.5 5 443 6 3 300 "
    "1700000000 1700000060 OK IPv4 0 0 0 0 2 eu-west-1 ingress - -"
)
BALANCER_LINES = {
    "alb": "http 2024-02-01T10:00:00.186641Z app/front/50dc6c495c0c9188 198.51.100.7:2817 "
    '10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" '
    '"curl/8.5.0" - - - "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 '
    '2024-02-01T10:00:00.100000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"',
    "nlb": "tls 2.0 2024-02-01T10:00:01 net/back/c6e77e28c25b2234 g3d4b5e8bb8464cd "
    "198.51.100.7:2818 10.0.0.1:443 5 2 98 246 - - - ECDHE-RSA-AES128-SHA tlsv12 - "
    "back.example.com h2 h2 - 2024-02-01T09:59:59",
    "alb_connection": "2024-02-01T10:00:02.514108Z 198.51.100.7 2819 443 TLSv1.2 "
    'ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=a,O=b" '
    "NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success",
    "clb": "2024-02-01T10:00:03.945958Z my-lb 198.51.100.7:2820 10.0.0.1:80 0.000073 0.001048 "
    '0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/8.5.0" - -',
}
"""A line of each kind that lies in the folder `elasticloadbalancing`."""
BEGIN = datetime(2024, 2, 1, 10, 0, tzinfo=UTC)
INGESTED = datetime(2024, 3, 1, tzinfo=UTC)
TIMELESS = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "no-time"}
"""A call whose record has no time."""


def event(number: int, **members: object) -> dict[str, Any]:
    """A CloudTrail record; its time is `number` seconds after 2024-02-01T10:00:00Z."""
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
            "accountId": ACCOUNT,
            "userName": "ana",
        },
        "eventTime": f"{BEGIN + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetBucketAcl",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"bucketName": f"bucket-{number}"},
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        **members,
    }


def events(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [event(number) for number in range(first, first + count)]


def flow(number: int, **fields: object) -> str:
    """A flow log line of the default format; its end is `number` seconds after 10:00:00."""
    end = int(BEGIN.timestamp()) + number
    given = {
        "version": 2,
        "account": ACCOUNT,
        "interface": "eni-0a1b2c3d",
        "src": "10.0.0.5",
        "dst": "203.0.113.9",
        "srcport": 40_000 + number % 20_000,
        "dstport": 443,
        "protocol": 6,
        "packets": 10,
        "bytes": 1_000 + number,
        "start": end - 60,
        "end": end,
        "action": "ACCEPT",
        "status": "OK",
        **fields,
    }
    return " ".join(str(value) for value in given.values())


def flows(count: int, first: int = 1) -> list[str]:
    return [flow(number) for number in range(first, first + count)]


QUERY = {
    "version": "1.100000",
    "account_id": ACCOUNT,
    "region": "eu-west-1",
    "query_timestamp": "2024-02-01T10:00:00Z",
    "query_name": "example.com.",
    "query_type": "A",
    "query_class": "IN",
    "rcode": "NOERROR",
    "answers": [],
    "srcaddr": "10.0.0.5",
    "srcport": "40000",
    "transport": "UDP",
}
"""A query that the Resolver logged; nothing in it tells it from one like it."""


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


def trail(records: Sequence[object]) -> bytes:
    """As CloudTrail delivers, before gzip."""
    return compact({"Records": list(records)})


def flow_file(lines: Sequence[str]) -> bytes:
    """As flow logs are delivered, before gzip."""
    return "\n".join([FLOW_HEADER, *lines, ""]).encode()


def subscription(messages: Sequence[str], kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""
    return {
        "messageType": kind,
        "owner": ACCOUNT,
        "logGroup": "trail-or-flows",
        "logStream": f"{ACCOUNT}_eu-west-1",
        "subscriptionFilters": ["all"],
        "logEvents": [
            {"id": f"{number:056d}", "timestamp": 1_706_781_600_000 + number, "message": message}
            for number, message in enumerate(messages)
        ],
    }


def bus_event(detail: object, number: int = 1) -> dict[str, Any]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    return {
        "version": "0",
        "id": f"6a7e8feb-b491-4cf7-a9f1-{number:012d}",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": "2024-02-01T10:00:09Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    }


def looked_up(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What `aws cloudtrail lookup-events` prints."""
    return {
        "Events": [
            {
                "EventId": record["eventID"],
                "EventName": record["eventName"],
                "ReadOnly": "true",
                "EventTime": "2024-02-01T11:00:00+01:00",
                "EventSource": record["eventSource"],
                "Username": "ana",
                "Resources": [{"ResourceType": "AWS::S3::Bucket", "ResourceName": "b"}],
                "CloudTrailEvent": json.dumps(record),
            }
            for record in records
        ]
    }


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


WRAPPERS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip in gzip": lambda data: gzip.compress(gzip.compress(data)),
    "gzip, several members": lambda data: b"".join(
        gzip.compress(data[at : at + 997]) for at in range(0, len(data), 997)
    ),
    "gzip, zeros after it": lambda data: gzip.compress(data) + b"\0" * 512,
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "xz": lambda data: lzma.compress(data, preset=1),
    "zip": lambda data: zipped(object=data),
}


# -- reading one object -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one object. Rows are in the order of their place in it."""

    decoding: Decoding
    rows: list[dict[str, Any]]
    rejects: list[Reject]

    @property
    def status(self) -> str:
        return self.decoding.status

    @property
    def reason(self) -> str | None:
        return self.decoding.reason

    @property
    def ids(self) -> list[int]:
        """The numbers that `event` gave."""
        return [int(row["event"]["id"][-12:]) for row in self.rows]

    @property
    def bytes(self) -> list[int]:
        """Bytes of flows: 1,000 and the number that `flow` gave."""
        return [row["network"]["bytes"] for row in self.rows]

    @property
    def places(self) -> list[int]:
        return [row["log"]["offset"] for row in self.rows]

    @property
    def hashes(self) -> list[int]:
        return [row["event"]["hash"] for row in self.rows]

    @property
    def originals(self) -> list[str]:
        return [row["event"]["original"] for row in self.rows]


def read(data: bytes, key: str = "logs/object", source: str | None = None) -> Read:
    """Decode and normalise the bytes of one object as if they lay under `key`."""
    found = preview(data, key, source=source, ingested=INGESTED)
    rows = sorted(found.rows, key=lambda row: (row["log"]["offset"], row["event"]["original"]))
    return Read(found.decoding, rows, sorted(found.rejects, key=lambda r: r.position))


def meaning(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what tells where it lay: the same in every form of delivery."""
    kept = {name: value for name, value in row.items() if name != "log"}
    kept["event"] = {
        name: value
        for name, value in row["event"].items()
        if name not in ("original", "ingested", "hash")
    }
    return kept
