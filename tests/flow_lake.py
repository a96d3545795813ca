"""A lake small enough to count by hand, of what the networks carry: six flow records of a custom
format with all fields up to version 5, three of the default one, a minute without data, one of a
transit gateway; and for hunting a finding and three S3 calls. All of one morning.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import small_lake
from edge_lake import finding
from small_lake import LONDON, SINGAPORE, A, B

from lake.demo.flow import CUSTOM, DEFAULT
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from pathlib import Path

    from lake.enrich.geoip import GeoIP

WEB, DATABASE, NAT = "10.0.0.5", "10.0.0.9", "10.0.1.4"
INSTANCE, CARD = "i-0123456789abcdef0", "eni-0a"
SUBNET, OTHER_SUBNET = "subnet-1", "subnet-2"
GREATEST = 2**63 - 1
"""What a counter of a row can hold."""
_TEN = 1709287200  # 2024-03-01T10:00:00Z


def flow(minute: int, ends: str, packets: int, action: str = "ACCEPT", **more: Any) -> str:  # noqa: ANN401
    """A record of the custom format; `ends` is source, port, target, port."""
    source, source_port, target, target_port = ends.split()
    end = _TEN + minute * 60
    given = {"flags": 2, "subnet": SUBNET, "direction": "ingress", "path": "-"} | more
    return (
        f"5 {A} {CARD} {source} {target} {source_port} {target_port} 6 {packets} {packets * 100} "
        f"{end - 60} {end} {action} OK vpc-1 {given['subnet']} {INSTANCE} {given['flags']} IPv4 "
        f"{source} {target} us-east-1 use1-az1 - - - - {given['direction']} {given['path']}"
    )


def plain(minute: int, source: str, target: str, packets: int, action: str) -> str:
    """A record of the default format."""
    end = _TEN + minute * 60
    head = f"2 {B} eni-0b {source} {target} 40000 443 6 {packets} {packets * 100}"
    return f"{head} {end - 60} {end} {action} OK"


CUSTOM_LINES = [
    flow(1, f"{LONDON} 5555 {WEB} 443", 10),
    flow(1, f"{WEB} 443 {LONDON} 5555", 20, direction="egress", flags=18, path=8),
    flow(2, f"{LONDON} 5555 {WEB} 443", 5, flags=1),
    flow(3, f"{WEB} 5432 {DATABASE} 5432", 4, direction="egress", path=1, subnet=OTHER_SUBNET),
    flow(4, f"{SINGAPORE} 6666 {WEB} 22", 1, "REJECT"),
    flow(65, f"{SINGAPORE} 7777 {WEB} 23", 2, "REJECT"),
]
PLAIN_LINES = [
    plain(5, WEB, SINGAPORE, 30, "ACCEPT"),
    plain(6, LONDON, NAT, 3, "REJECT"),
    plain(70, NAT, LONDON, 40, "ACCEPT"),
    f"2 {B} eni-0b - - - - - - - {_TEN} {_TEN + 420} - NODATA",
]
TRANSIT = (
    f"6 TransitGateway {A} tgw-1 tgw-attach-1 {WEB} 10.9.0.1 1 2 6 7 700 {_TEN} {_TEN + 480} OK"
)
_TRANSIT_HEADER = (
    "version resource-type account-id tgw-id tgw-attachment-id srcaddr dstaddr srcport dstport "
    "protocol packets bytes start end log-status"
)


def s3_call(number: int, name: str, bucket: str, **moved: int) -> dict[str, Any]:
    return small_lake.event(
        number,
        f"10:3{number}:00",
        "s3",
        name,
        requestParameters={"bucketName": bucket, "key": "a"},
        additionalEventData=moved or None,
    )


CALLS = [
    s3_call(1, "PutObject", "letters", bytesTransferredIn=100, bytesTransferredOut=1),
    s3_call(2, "GetObject", "letters", bytesTransferredIn=0, bytesTransferredOut=2000),
    s3_call(3, "ListBuckets", "drafts", errorCode=None),
]
FINDING = finding("f1", 8, "Recon:EC2/Portscan", "10:20:00")


def make(folder: Path, *, custom: bool = True) -> Lake:
    """Write the logs, ingest them, open the lake; without the custom format if asked so."""
    logs = folder / "logs" / "AWSLogs"
    if custom:
        _put(logs / A / "vpcflowlogs/us-east-1/2024/03/01" / _name(A, "a"), CUSTOM, CUSTOM_LINES)
        transit = logs / A / "vpcflowlogs/us-east-1/2024/03/01" / _name(A, "t")
        _put(transit, _TRANSIT_HEADER, [TRANSIT])
        trail = logs / A / f"CloudTrail/us-east-1/2024/03/01/{A}_CloudTrail_us-east-1_a.json.gz"
        _put(trail, json.dumps({"Records": CALLS}), [])
        findings = logs / A / "GuardDuty/us-east-1/2024/03/01/a.jsonl.gz"
        _put(findings, json.dumps(FINDING), [])
    region = "eu-west-1"
    _put(
        logs / B / f"vpcflowlogs/{region}/2024/03/01" / _name(B, "b", region), DEFAULT, PLAIN_LINES
    )
    return _read(folder)


def ingest_lines(folder: Path, day: Path, lines: list[str], geoip: GeoIP | None = None) -> Lake:
    """A lake with one more object of these records of the custom format."""
    _put(day / _name(A, "a"), CUSTOM, lines)
    return _read(folder, geoip)


def of_the_greatest_counters(folder: Path) -> Lake:
    """A lake of two rejected flows and two S3 calls that claim as much as a row can hold."""
    logs = folder / "logs" / "AWSLogs" / A
    calls = [s3_call(n, "PutObject", "a", bytesTransferredIn=GREATEST) for n in (1, 2)]
    trail = logs / f"CloudTrail/us-east-1/2024/03/01/{A}_CloudTrail_us-east-1_a.json.gz"
    _put(trail, json.dumps({"Records": calls}), [])
    lines = [flow(1, f"{LONDON} {port} {WEB} 22", 1, "REJECT") for port in (5, 6)]
    claimed = [line.replace(" 6 1 100 ", f" 6 {GREATEST} {GREATEST} ") for line in lines]
    return ingest_lines(folder, logs / "vpcflowlogs/us-east-1/2024/03/01", claimed)


def _read(folder: Path, geoip: GeoIP | None = None) -> Lake:
    options = IngestOptions(geoip=geoip or small_lake.geoip(folder), jobs=1)
    ingest(folder / "lakehouse", [str(folder / "logs")], options)
    return open_lake(folder / "lakehouse")


def _name(account: str, tail: str, region: str = "us-east-1") -> str:
    return f"{account}_vpcflowlogs_{region}_fl-0{tail}_20240301T1015Z_{tail}.log.gz"


def _put(path: Path, head: str, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join([head, *lines, ""]).encode()))
