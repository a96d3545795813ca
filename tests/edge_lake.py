"""A lake small enough to count by hand, of what stands at the edge: six GuardDuty findings, one of
them updated, and a sample; four requests that AWS WAF looked at; five that CloudFront answered,
one told by its real-time logs. All of one morning.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import small_lake
from small_lake import FIREFOX, LONDON, SINGAPORE, A, B

from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

INSTANCE, BUCKET, CLUSTER, HOST = "i-0123456789abcdef0", "letters", "shop", "www.example.com"
DISTRIBUTION = "E1A2B3C4D5E6F7"


def finding(name: str, severity: float, kind: str, time: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """A finding of account A in us-east-1, unless told otherwise; `service` is added to."""
    service = {"serviceName": "guardduty", "detectorId": "d", "count": 1} | more.pop("service", {})
    return {
        "schemaVersion": "2.0",
        "accountId": A,
        "region": "us-east-1",
        "id": name,
        "type": kind,
        "severity": severity,
        "createdAt": "2024-03-01T10:00:00.000Z",
        "updatedAt": f"2024-03-01T{time}.000Z",
        "title": "A finding.",
        "description": "What it is.",
        "resource": {},
        **more,
        "service": service,
    }


def asked_for(domain: str, count: int) -> dict[str, Any]:
    question = {"domain": domain, "protocol": "UDP", "blocked": False}
    return {"count": count, "action": {"actionType": "DNS_REQUEST", "dnsRequestAction": question}}


HOST_OF = {
    "instanceDetails": {
        "instanceId": INSTANCE,
        "networkInterfaces": [{"privateIpAddress": "10.0.0.5", "publicIp": ""}],
    }
}
CALLED = {
    "action": {
        "actionType": "AWS_API_CALL",
        "awsApiCallAction": {
            "api": "ListUsers",
            "serviceName": "iam.amazonaws.com",
            "remoteIpDetails": {"ipAddressV4": LONDON},
        },
    }
}
SCANNED = {
    "ebsVolumeScanDetails": {
        "scanDetections": {"threatDetectedByName": {"threatNames": [{"name": "EICAR-Test-File"}]}}
    }
}
ALICE = {"accessKeyId": "AKIA0", "principalId": "AIDA0", "userName": "alice", "userType": "IAMUser"}
BOTS = "Backdoor:EC2/C&CActivity.B!DNS"

FINDINGS = [
    finding("f1", 9.5, "AttackSequence:IAM/CompromisedCredentials", "10:05:00"),
    finding("f2", 8, BOTS, "10:10:00", resource=HOST_OF, service=asked_for("bad.example", 1)),
    finding("f2", 8, BOTS, "11:10:00", resource=HOST_OF, service=asked_for("bad.example", 2)),
    finding(
        "f3",
        5,
        "Execution:S3/MaliciousFile",
        "10:20:00",
        accountId=B,
        region="eu-west-1",
        resource={"s3BucketDetails": [{"name": BUCKET}, {"name": BUCKET}]},
    ),
    finding(
        "f4",
        2,
        "Recon:IAMUser/MaliciousIPCaller.Custom",
        "10:30:00",
        resource={"accessKeyDetails": ALICE},
        service=CALLED,
    ),
    finding(
        "f5",
        5,
        "PrivilegeEscalation:Kubernetes/PrivilegedContainer",
        "10:40:00",
        resource={"eksClusterDetails": {"name": CLUSTER}},
    ),
    finding("f6", 8, "Execution:EC2/MaliciousFile", "10:50:00", resource=HOST_OF, service=SCANNED),
    finding(
        "s1", 8, "Trojan:EC2/DropPoint", "10:55:00", service={"additionalInfo": {"sample": True}}
    ),
]


def request(minute: int, action: str, rule: str, ip: str, country: str, uri: str) -> dict[str, Any]:
    return {
        "timestamp": 1709287200000 + minute * 60_000,  # 2024-03-01T10:00:00Z
        "formatVersion": 1,
        "webaclId": f"arn:aws:wafv2:us-east-1:{A}:regional/webacl/shop/a1",
        "terminatingRuleId": rule,
        "terminatingRuleType": "REGULAR",
        "action": action,
        "httpSourceName": "ALB",
        "httpSourceId": "app/shop/1",
        "httpRequest": {
            "clientIp": ip,
            "country": country,
            "headers": [{"name": "Host", "value": HOST}, {"name": "User-Agent", "value": FIREFOX}],
            "uri": uri,
            "args": "",
            "httpVersion": "HTTP/1.1",
            "httpMethod": "GET",
            "requestId": f"r{minute}",
        },
    }


REQUESTS = [
    request(0, "ALLOW", "Default_Action", LONDON, "GB", "/"),
    request(5, "ALLOW", "Default_Action", LONDON, "GB", "/basket"),
    request(10, "BLOCK", "SQLi", SINGAPORE, "SG", "/"),
    request(70, "COUNT", "Default_Action", SINGAPORE, "SG", "/"),
]

FIELDS = [
    name
    for line in (
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status",
        "cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id",
        "x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher",
        "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port",
        "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len",
        "sc-range-start sc-range-end",
    )
    for name in line.split()
]
MIB = 1024 * 1024
HOUR = {  # what every line has, unless told otherwise
    "date": "2024-03-01",
    "time": "10:00:00",
    "x-edge-location": "LHR62-C2",
    "sc-bytes": str(MIB),
    "c-ip": LONDON,
    "cs-method": "GET",
    "cs(Host)": "d1.cloudfront.net",
    "cs-uri-stem": "/index.html",
    "sc-status": "200",
    "cs(Referer)": "https://www.example.com/",
    "cs(User-Agent)": FIREFOX.replace(" ", "%20"),
    "x-edge-result-type": "Hit",
    "x-host-header": HOST,
    "cs-protocol": "https",
    "cs-bytes": "1024",
    "time-taken": "0.100",
    "ssl-protocol": "TLSv1.3",
    "ssl-cipher": "TLS_AES_128_GCM_SHA256",
}
VISITS = [
    {},
    {"time": "10:30:00", "time-taken": "0.300", "cs-uri-stem": "/a.css"},
    {
        "time": "11:00:00",
        "c-ip": SINGAPORE,
        "x-edge-location": "SIN2-C1",
        "sc-status": "404",
        "x-edge-result-type": "Error",
        "time-taken": "1.500",
        "cs-uri-stem": "/.env",
    },
    {
        "time": "11:30:00",
        "sc-status": "000",
        "sc-bytes": "0",
        "x-edge-result-type": "Error",
        "cs-protocol": "http",
        "ssl-protocol": "-",
        "ssl-cipher": "-",
    },
]
REALTIME = {
    "timestamp": "1709290800.250",  # 2024-03-01T11:00:00.250Z
    "c-ip": SINGAPORE,
    "sc-status": 503,
    "sc-bytes": 2 * MIB,
    "cs-method": "GET",
    "cs-protocol": "https",
    "cs-host": "live.example.com",
    "cs-uri-stem": "/live?x=1",
    "cs-bytes": 1024,
    "x-edge-location": "SIN2-C1",
    "x-edge-request-id": "q5",
    "time-taken": 2.5,
    "c-ip-version": "IPv4",
    "cs-user-agent": FIREFOX.replace(" ", "%20"),
    "ssl-protocol": "TLSv1.2",
    "ssl-cipher": "ECDHE-RSA-AES128-GCM-SHA256",
    "x-edge-result-type": "Error",
}


def make(folder: Path) -> Lake:
    """Write the logs, ingest them, open the lake."""
    logs = folder / "logs"
    day = "2024/03/01"
    for account, region in ((A, "us-east-1"), (B, "eu-west-1")):
        own = [record for record in FINDINGS if record["accountId"] == account]
        _put(logs / f"AWSLogs/{account}/GuardDuty/{region}/{day}/f.jsonl.gz", map(json.dumps, own))
    _put(
        logs / f"AWSLogs/{A}/WAFLogs/us-east-1/shop/{day}/10/00/{A}_waflogs_us-east-1_shop_x.gz",
        map(json.dumps, REQUESTS),
    )
    visits = (HOUR | {"x-edge-request-id": f"q{n}"} | visit for n, visit in enumerate(VISITS))
    lines = ["\t".join(visit.get(name, "-") for name in FIELDS) for visit in visits]
    head = ["#Version: 1.0", f"#Fields: {' '.join(FIELDS)}"]
    _put(logs / f"cdn/{DISTRIBUTION}.2024-03-01-10.abcd1234.gz", [*head, *lines])
    _put(logs / "cloudfront-realtime/2024/03/01/11/x.gz", [json.dumps(REALTIME)])
    options = IngestOptions(geoip=small_lake.geoip(folder), jobs=1)
    ingest(folder / "lakehouse", [str(logs)], options)
    return open_lake(folder / "lakehouse")


def _put(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
