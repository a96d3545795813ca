"""A lake of logs drawn by chance from a few odd values, always the same: ties at every end of a
list, values that are empty or a dash, addresses that order as numbers alone, times at midnight,
more values than a list shows. CloudTrail, flows, AWS WAF and CloudFront, of two accounts.
"""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import edge_lake
import small_lake
from logs import flow, flow_file
from small_lake import CLI, FIREFOX, LONDON, SINGAPORE, A, B

from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2024, 2, 28, 20, tzinfo=UTC)
EDGES = [datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)]
ADDRESSES = [LONDON, SINGAPORE, "10.0.0.9", "10.0.0.10", "9.9.9.9", "0.0.0.0", "255.255.255.255"]  # noqa: S104
ADDRESSES += ["::", "::1", "2001:db8::a", "2001:db8::10", "fe80::1", "192.0.2.1", "192.0.2.10"]
AGENTS = [CLI, FIREFOX, "curl/8.0", "Boto3/1.28", "sqlmap/1.7", "", "-", "Other", "Wget/1.21"]
CALLS = [
    "CreateVpc",
    "createvpc",
    "CreateRoute",
    "PutBucketAcl",
    "DisableKey",
    "GetObject",
    "-",
    "",
]
CALLS += ["DeleteNetworkAcl", "CreateSecurityGroup", "AssumeRole", "ListUsers", "ListKeys", "Poll"]
ERRORS = [None, None, "", "-", "AccessDenied", "accessdenied", "Client.UnauthorizedOperation"]


def make(folder: Path, seed: int) -> Lake:
    """Write the logs, ingest them, open the lake."""
    chance = random.Random(seed)
    for account, region in ((A, "us-east-1"), (B, "eu-west-1")):
        place = folder / "logs" / "AWSLogs" / account
        name = f"{account}_{{}}_{region}_20240229T0000Z_a1b2c3d4"
        calls = [_call(chance, n, account, region) for n in range(250)]
        text = json.dumps({"Records": calls}).encode()
        _put(place / "CloudTrail" / region / f"{name.format('CloudTrail')}.json.gz", text)
        flows = flow_file([_flow(chance, account) for _ in range(250)])
        _put(place / "vpcflowlogs" / region / f"{name.format('vpcflowlogs')}.log.gz", flows)
        asked = [json.dumps(_request(chance, n, account, region)) for n in range(150)]
        _put(place / "WAFLogs" / region / f"{name.format('waflogs')}.gz", "\n".join(asked).encode())
        visits = [f"#Version: 1.0\n#Fields: {' '.join(edge_lake.FIELDS)}"]
        visits += [_visit(chance, n) for n in range(150)]
        _put(place / f"{account}ABCD.2024-02-29-10.a1.gz", "\n".join(visits).encode())
    options = IngestOptions(geoip=small_lake.geoip(folder), jobs=1)
    ingest(folder / "lakehouse", [str(folder / "logs")], options)
    return open_lake(folder / "lakehouse")


def _put(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text))


def _time(chance: random.Random) -> datetime:
    return chance.choice([*EDGES, *(BEGIN + timedelta(seconds=chance.randrange(170_000)),) * 8])


def _call(chance: random.Random, number: int, account: str, region: str) -> dict[str, Any]:
    one = chance.choice
    identity = {"type": one(["IAMUser", "Root", "AssumedRole"]), "accountId": account}
    identity["arn"] = one(["", "-", *(f"arn:aws:iam::{account}:user/u{n}" for n in range(12))])
    return small_lake.event(
        number,
        "10:00:00",
        one(["s3", "kms", "ec2", "iam"]),
        one(CALLS),
        eventTime=f"{_time(chance):%Y-%m-%dT%H:%M:%SZ}",
        eventType=one(["AwsApiCall", "AwsServiceEvent", "AwsConsoleSignIn", "", "-"]),
        awsRegion=region,
        recipientAccountId=account,
        sourceIPAddress=one([*ADDRESSES, "AWS Internal", ""]),
        userAgent=one(AGENTS),
        userIdentity=identity | {"invokedBy": one([None, "", "-", "kms.amazonaws.com"])},
        errorCode=one(ERRORS),
        tlsDetails=one([None, {"tlsVersion": one(["TLSv1.2", "TLSv1.3", "-"])}]),
        responseElements=one([None, {"ConsoleLogin": one(["Success", "Failure"])}]),
    )


def _flow(chance: random.Random, account: str) -> str:
    one, end = chance.choice, int(_time(chance).timestamp())
    silent = dict.fromkeys(("src", "dst", "srcport", "dstport", "protocol", "action"), "-")
    silent |= {"packets": "-", "bytes": "-", "status": one(["NODATA", "SKIPDATA"])}
    given = {
        "account": account,
        "src": one(ADDRESSES),
        "dst": one(ADDRESSES),
        "packets": one([0, 1, 1, 2, 2**33]),
        "bytes": one([0, 40, 2**40]),
        "start": end - 60,
        "end": end,
        "action": one(["ACCEPT", "REJECT"]),
    }
    return flow(0, **given | one([{}, {}, {}, silent]))


def _request(chance: random.Random, number: int, account: str, region: str) -> dict[str, Any]:
    one = chance.choice
    action = one(["ALLOW", "BLOCK", "COUNT", "CAPTCHA", "CHALLENGE"])
    uri, country = one(["", *(f"/p{n}" for n in range(12))]), one(["GB", "SG", "-", "US", "JP"])
    found = edge_lake.request(0, action, f"rule{number % 3}", one(ADDRESSES), country, uri)
    host, agent = one(["a.example", "b.example", "-"]), one(AGENTS)
    found["timestamp"] = int(_time(chance).timestamp()) * 1000
    found["webaclId"] = f"arn:aws:wafv2:{region}:{account}:regional/webacl/acl{number % 12}/a1"
    found["httpRequest"] |= {
        "headers": [{"name": "Host", "value": host}, {"name": "User-Agent", "value": agent}],
        "httpMethod": one(["GET", "POST", "get", "-"]),
        "httpVersion": one(["HTTP/1.1", "HTTP/2.0", ""]),
        "requestId": f"{account}-{number}",
    }
    return found


def _visit(chance: random.Random, number: int) -> str:
    one, time = chance.choice, _time(chance)
    visit = edge_lake.HOUR | {
        "date": f"{time:%Y-%m-%d}",
        "time": f"{time:%H:%M:%S}",
        "x-edge-location": f"E{number % 12}",
        "c-ip": one(ADDRESSES),
        "cs-method": one(["GET", "POST", "HEAD", "-"]),
        "cs-uri-stem": one(["/", "/a", "/b", "-"]),
        "x-host-header": one(["www.example.com", "a.example", "-"]),
        "sc-status": one(["200", "206", "301", "400", "403", "404", "499", "500", "503"]),
        "sc-bytes": one(["0", "-", "1048576"]),
        "cs(Referer)": one(["-", "https://a.example/", "https://b.example/"]),
        "x-edge-result-type": f"Type{number % 12}",
        "x-edge-request-id": f"q{chance.getrandbits(64)}",
        "time-taken": one(["0.000", "0.500", "1.500", "30.000"]),
    }
    return "\t".join(visit.get(name, "-") for name in edge_lake.FIELDS)
