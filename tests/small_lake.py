"""A lake small enough to count by hand: thirteen CloudTrail events of one morning, one Insight
event, a duplicate delivery, a record without a time, and an object that is no log.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import mmdb_writer
from netaddr import IPSet

from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from pathlib import Path

A, B = "111111111111", "222222222222"
ALICE, BOB, ROOT = (
    f"arn:aws:iam::{A}:user/alice",
    f"arn:aws:iam::{A}:user/bob",
    f"arn:aws:iam::{A}:root",
)
LONDON, SINGAPORE = "81.2.69.142", "8.8.4.4"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
CLI = "aws-cli/2.13.0 Python/3.11.4 Linux/5.10 exe/x86_64"


def event(number: int, time: str, service: str, name: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A call by bob from Singapore, unless told otherwise."""
    record: dict[str, Any] = {
        "eventVersion": "1.09",
        "eventID": f"00000000-0000-0000-0000-{number:012}",
        "eventTime": f"2024-03-01T{time}Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": A,
        "sourceIPAddress": SINGAPORE,
        "userAgent": CLI,
        "userIdentity": {"type": "IAMUser", "arn": BOB, "userName": "bob", "accountId": A},
    }
    return {key: value for key, value in (record | more).items() if value is not None}


def sign_in(number: int, time: str, identity: dict[str, str], answer: str) -> dict[str, Any]:
    return event(
        number,
        time,
        "signin",
        "ConsoleLogin",
        eventType="AwsConsoleSignIn",
        userIdentity=identity,
        sourceIPAddress=LONDON,
        userAgent=FIREFOX,
        responseElements={"ConsoleLogin": answer},
    )


HOSTILE = "<script>alert(1)</script> **bold** [x](http://192.0.2.9/) =1+1"
"""What an attacker writes into a user agent."""

EVENTS = [
    sign_in(1, "10:00:00", {"type": "IAMUser", "arn": ALICE, "userName": "alice"}, "Failure"),
    sign_in(2, "10:05:00", {"type": "Root", "arn": ROOT}, "Success"),
    event(
        3,
        "10:10:00",
        "ec2",
        "DescribeInstances",
        errorCode="Client.UnauthorizedOperation",
        tlsDetails={"tlsVersion": "TLSv1.3"},
    ),
    event(
        4,
        "10:11:00",
        "s3",
        "GetObject",
        errorCode="AccessDenied",
        tlsDetails={"tlsVersion": "TLSv1.3"},
    ),
    event(5, "11:00:00", "ec2", "AuthorizeSecurityGroupIngress"),
    event(6, "11:01:00", "ec2", "CreateNetworkAcl"),
    event(7, "11:02:00", "ec2", "CreateInternetGateway"),
    event(8, "11:03:00", "ec2", "CreateRoute"),
    event(9, "11:04:00", "ec2", "CreateVpc"),
    event(
        10,
        "11:05:00",
        "s3",
        "PutBucketPolicy",
        userAgent=HOSTILE,
        requestParameters={"bucketName": "logs", "policy": [{"Effect": "Allow"}, {"a b": 1}]},
    ),
    event(11, "11:06:00", "kms", "ScheduleKeyDeletion", tlsDetails={"tlsVersion": "TLSv1.2"}),
    event(
        12,
        "12:00:00",
        "kms",
        "RotateKey",
        eventType="AwsServiceEvent",
        awsRegion="eu-west-1",
        recipientAccountId=B,
        sourceIPAddress="AWS Internal",
        userAgent="AWS Internal",
        userIdentity={"type": "Root", "arn": f"arn:aws:iam::{B}:root", "invokedBy": "kms"},
    ),
    event(13, "12:30:00", "sts", "GetCallerIdentity", recipientAccountId=None, userIdentity=None),
]
INSIGHT = {
    "eventVersion": "1.08",
    "eventID": "00000000-0000-0000-0000-000000000099",
    "eventTime": "2024-03-01T12:45:00Z",
    "eventType": "AwsCloudTrailInsight",
    "awsRegion": "us-east-1",
    "recipientAccountId": A,
    "sharedEventID": "00000000-0000-0000-0000-000000000098",
    "insightDetails": {
        "state": "Start",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances",
        "insightType": "ApiCallRateInsight",
    },
    "eventCategory": "Insight",
}
TIMELESS = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "no-time"}


def make(folder: Path) -> Lake:
    """Write the logs, ingest them, open the lake."""
    trail = f"AWSLogs/{A}/CloudTrail/us-east-1/2024/03/01/{A}_CloudTrail_us-east-1_20240301T1"
    _put(folder / "logs" / f"{trail}000Z_a.json.gz", [*EVENTS[:11], TIMELESS])
    _put(folder / "logs" / f"{trail}005Z_again.json.gz", EVENTS[:2])
    _put(folder / "logs" / trail.replace(A, B) / "b.json.gz", [EVENTS[11]])
    _put(folder / "logs" / "found" / "who.json.gz", [EVENTS[12]])
    insight = f"AWSLogs/{A}/CloudTrail-Insight/us-east-1/2024/03/01/x.json.gz"
    _put(folder / "logs" / insight, [INSIGHT])
    (folder / "logs" / "notes.txt").write_text("Call the owner of the key on Monday.\n")
    options = IngestOptions(geoip=geoip(folder), jobs=1)
    ingest(folder / "lakehouse", [str(folder / "logs")], options)
    return open_lake(folder / "lakehouse")


def _put(path: Path, records: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))


PLACES = {"81.2.69.0/24": ("GB", "United Kingdom"), "8.8.4.0/24": ("SG", "Singapore")}


def geoip(folder: Path, places: dict[str, tuple[str, str]] = PLACES) -> GeoIP:
    """Databases that tell countries of networks."""
    city = mmdb_writer.MMDBWriter(6, "Test-City", ["en"], ipv4_compatible=True)
    owner = mmdb_writer.MMDBWriter(6, "Test-ASN", ["en"], ipv4_compatible=True)
    for network, (code, name) in places.items():
        country = {"iso_code": code, "names": {"en": name}}
        city.insert_network(IPSet([network]), {"country": country})
        system = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}
        owner.insert_network(IPSet([network]), system)
    city.to_db_file(str(folder / "city.mmdb"))
    owner.to_db_file(str(folder / "asn.mmdb"))
    return GeoIP.open([folder / "city.mmdb", folder / "asn.mmdb"])
