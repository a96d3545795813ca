"""Good records of every source, each unlike any other, from which the broken objects are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import logs
from logs import ACCOUNT, FLOW_HEADER, FLOW_KEY, GATEWAY_HEADER, TRAIL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEGIN = datetime(2024, 2, 1, 10, 0, tzinfo=UTC)
_numbers = count(1)
_ELB = f"{ACCOUNT}_elasticloadbalancing_eu-west-1"
_ELB_KEY = f"AWSLogs/{ACCOUNT}/elasticloadbalancing/eu-west-1/2024/02/01"
MTLS_HEADER = (
    "#Version: 1.0\n#Fields: eventTimestamp connectionId connectionStatus clientIp clientPort "
    "serverIp distributionId tlsProtocol tlsHandshakeDuration tlsSni clientLeafCertSubject"
)
CDN_HEADER = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) "
    "cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type "
    "x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
)


def at(number: int) -> datetime:
    """The time of a record: so many seconds after 2024-02-01T10:00:00Z."""
    return BEGIN + timedelta(seconds=number)


def finding(number: int, **members: object) -> dict[str, Any]:
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": "eu-west-1",
        "partition": "aws",
        "id": f"finding-{number}",
        "arn": f"arn:aws:guardduty:eu-west-1:{ACCOUNT}:detector/d/finding/finding-{number}",
        "type": "Recon:EC2/PortProbeUnprotectedPort",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-1"}},
        "service": {"serviceName": "guardduty", "detectorId": "d", "count": 1},
        "severity": 2.0,
        "createdAt": f"{at(number):%Y-%m-%dT%H:%M:%S.000Z}",
        "updatedAt": f"{at(number):%Y-%m-%dT%H:%M:%S.000Z}",
        "title": "An unprotected port is being probed.",
        **members,
    }


def aggregated(number: int) -> dict[str, Any]:
    counted = [{"name": "PutObject", "value": number}]
    return {
        "eventVersion": "1.0",
        "accountId": ACCOUNT,
        "eventId": f"{number:08x}-6248-48e1-a6b3-000000000001",
        "eventCategory": "Aggregated",
        "eventType": "AwsAggregatedEvent",
        "awsRegion": "eu-west-1",
        "eventSource": "s3.amazonaws.com",
        "timeWindow": {
            "windowStart": f"{at(number):%Y-%m-%dT%H:%M:%SZ}",
            "windowEnd": f"{at(number + 300):%Y-%m-%dT%H:%M:%SZ}",
            "windowSize": "PT5M",
        },
        "summary": {
            "primaryDimension": {"dimension": "eventName", "statistics": counted},
            "details": [],
        },
    }


def insight(number: int) -> dict[str, Any]:
    return {
        "eventVersion": "1.07",
        "eventTime": f"{at(number):%Y-%m-%dT%H:%M:%SZ}",
        "awsRegion": "eu-west-1",
        "eventID": f"00000000-0000-4000-9000-{number:012d}",
        "eventType": "AwsCloudTrailInsight",
        "recipientAccountId": ACCOUNT,
        "sharedEventID": f"00000000-0000-4000-a000-{number:012d}",
        "insightDetails": {
            "state": "Start",
            "eventSource": "autoscaling.amazonaws.com",
            "eventName": "CompleteLifecycleAction",
            "insightType": "ApiCallRateInsight",
        },
        "eventCategory": "Insight",
    }


def request(number: int, **members: object) -> dict[str, Any]:
    return {
        "timestamp": int(at(number).timestamp() * 1000),
        "formatVersion": 1,
        "webaclId": f"arn:aws:wafv2:eu-west-1:{ACCOUNT}:regional/webacl/acl/a1",
        "terminatingRuleId": "Default_Action",
        "terminatingRuleType": "REGULAR",
        "action": "ALLOW",
        "httpSourceName": "ALB",
        "httpSourceId": f"{ACCOUNT}-app/my-alb/x",
        "httpRequest": {
            "clientIp": "198.51.100.7",
            "country": "DE",
            "headers": [{"name": "Host", "value": "www.example.com"}],
            "uri": "/",
            "args": f"id={number}",
            "httpVersion": "HTTP/1.1",
            "httpMethod": "GET",
            "requestId": f"1-65bb-{number}",
        },
        **members,
    }


def query(number: int) -> dict[str, Any]:
    time = f"{at(number):%Y-%m-%dT%H:%M:%SZ}"
    return logs.QUERY | {"query_timestamp": time, "query_name": f"n{number}.example.com."}


def _alb(n: int) -> str:
    return (
        f"https {at(n):%Y-%m-%dT%H:%M:%S.186641Z} app/my-lb/50dc6c495c0c9188 198.51.100.7:2817 "
        f'10.0.0.1:8080 0.086 0.048 0.037 200 200 34 366 "GET https://www.example.com:443/{n} '
        f'HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-58337281-{n:024d}" '
        f'"www.example.com" "-" 1 {at(n):%Y-%m-%dT%H:%M:%S.010000Z} "forward" "-" "-" '
        '"10.0.0.1:8080" "200" "-" "-"'
    )


def _connection(n: int) -> str:
    return (
        f"{at(n):%Y-%m-%dT%H:%M:%S.514108Z} 198.51.100.7 {1024 + n % 60_000} 443 TLSv1.2 "
        f'ECDHE-RSA-AES128-GCM-SHA256 4.036 "-" - - - TID_{n:032d}'
    )


def _nlb(n: int) -> str:
    return (
        f"tls 2.0 {at(n):%Y-%m-%dT%H:%M:%S} net/my-lb/c6e77e28c25b2234 g3d4b5e8bb8464cd "
        f"198.51.100.7:{1024 + n % 60_000} 10.0.0.185:443 5 2 {n} 246 - - - "
        "ECDHE-RSA-AES128-SHA tlsv12 - my.example.com h2 http/1.1 "
        f'"h2","http/1.1" {at(n):%Y-%m-%dT%H:%M:%S}'
    )


def _clb(n: int) -> str:
    return (
        f"{at(n):%Y-%m-%dT%H:%M:%S.945958Z} my-lb 198.51.100.7:2817 10.0.0.1:8080 0.000086 "
        f'0.001048 0.001337 200 200 {n} 57 "GET https://www.example.com:443/{n} HTTP/1.1" '
        '"curl/7.38.0" DHE-RSA-AES128-SHA TLSv1.2'
    )


def _cdn(n: int) -> str:
    return "\t".join(
        (
            *(f"{at(n):%Y-%m-%d}", f"{at(n):%H:%M:%S}", "LAX1", str(n), "192.0.2.100", "GET"),
            *("d111111abcdef8.cloudfront.net", f"/{n}", "200", "-", "curl/7.55.1", "-", "-", "Hit"),
            *(f"rid-{n}==", "www.example.com", "https", "23", "0.001"),
        )
    )


def _handshake(n: int) -> str:
    return "\t".join(
        (
            *(f"{int(at(n).timestamp())}814", f"c-{n}==", "Success", "198.51.100.7", "12137"),
            *("203.0.113.71", "E2EXAMPLE", "TLSv1.3", "153", "www.example.com", "C=US, CN=a b"),
        )
    )


def _realtime(n: int) -> str:
    return "\t".join(
        (
            *(f"{int(at(n).timestamp())}.814", "198.51.100.7", "0.002", "200", "16599", "GET"),
            *("https", "www.example.com", f"/{n}", "412", "BOS50-P2", f"rid-{n}=="),
            *("d1.cloudfront.net", "0.25", "HTTP/2.0", "IPv4", "curl/8.4.0", "-", "-", "-", "Hit"),
            *("-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "RefreshHit", "-", "-", "text/html"),
            *("16000", "-", "-", "4040", "RefreshHit", "US", "gzip", "*/*", "*"),
            *("host:www.example.com", "host", "1"),
        )
    )


def _s3access(n: int) -> str:
    return (
        f"79a59df900b949e5 bucket [{at(n):%d/%b/%Y:%H:%M:%S} +0000] 198.51.100.7 - {n:016X} "
        f'REST.GET.OBJECT a/{n}.txt "GET /bucket/a/{n}.txt HTTP/1.1" 200 - 113 4406583 7 6 "-" '
        '"S3Console/0.4" - host-id SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader '
        "bucket.s3.eu-west-1.amazonaws.com TLSv1.2"
    )


def _transit(n: int) -> str:
    end = int(at(n).timestamp())
    return (
        f"6 TransitGateway {ACCOUNT} tgw-0a1b tgw-attach-0c 222222222222 333333333333 vpc-1 vpc-2 "
        "subnet-1 subnet-2 eni-1 eni-2 use1-az1 use1-az2 tgw-attach-0d 10.20.33.164 10.40.2.236 "
        f"40010 443 6 6 {n} {end - 60} {end} OK IPv4 0 0 0 0 27 eu-west-1 ingress - -"
    )


@dataclass(frozen=True, slots=True)
class Good:
    """A source's objects: where they lie, one record by its number, and how records are joined."""

    source: str
    key: str
    one: Callable[[int], str | dict[str, Any]]
    head: str = ""
    between: str = "\n"
    tail: str = "\n"

    @property
    def is_json(self) -> bool:
        return self.source in JSON

    @property
    def first(self) -> int:
        """The place of the first record: its line where there are lines above it."""
        return 1 if self.is_json else self.head.count("\n") + 1

    def records(self, number: int) -> list[bytes]:
        """So many records that no other object has."""
        made = (self.one(next(_numbers)) for _ in range(number))
        return [r.encode() if isinstance(r, str) else logs.compact(r) for r in made]

    def holding(self, records: Sequence[bytes]) -> bytes:
        """The object with these records, without compression."""
        inner = self.between.encode().join(records)
        return self.head.encode() + inner + self.tail.encode()

    def object(self, number: int) -> bytes:
        return self.holding(self.records(number))


def _records(source: str, key: str, one: Callable[[int], dict[str, Any]]) -> Good:
    return Good(source, key, one, '{"Records":[', ",", "]}")


GOOD = {
    good.source: good
    for good in (
        _records("cloudtrail", TRAIL_KEY, logs.event),
        _records(
            "cloudtrail_insight", TRAIL_KEY.replace("CloudTrail", "CloudTrail-Insight"), insight
        ),
        _records(
            "cloudtrail_aggregated",
            TRAIL_KEY.replace("CloudTrail", "CloudTrail-Aggregated"),
            aggregated,
        ),
        Good("guardduty", f"AWSLogs/{ACCOUNT}/GuardDuty/eu-west-1/2024/02/01/f.jsonl.gz", finding),
        Good(
            "waf",
            f"AWSLogs/{ACCOUNT}/WAFLogs/eu-west-1/acl/2024/02/01/10/00/"
            f"{ACCOUNT}_waflogs_eu-west-1_acl_20240201T1000Z_abc.log.gz",
            request,
        ),
        Good(
            "route53resolver",
            f"AWSLogs/{ACCOUNT}/vpcdnsquerylogs/vpc-1/2024/02/01/"
            f"vpc-1_vpcdnsquerylogs_{ACCOUNT}_20240201T1000Z_abc.log.gz",
            query,
        ),
        Good("vpcflow", FLOW_KEY, logs.flow, FLOW_HEADER + "\n"),
        Good("tgwflow", FLOW_KEY.replace("fl-0a", "fl-0b"), _transit, GATEWAY_HEADER + "\n"),
        Good("alb", f"{_ELB_KEY}/{_ELB}_app.my-lb.50dc_20240201T1005Z_192.0.2.1_x.log.gz", _alb),
        Good(
            "alb_connection",
            f"{_ELB_KEY}/conn_log.{_ELB}_app.my-lb.50dc_20240201T1005Z_192.0.2.1_x.log.gz",
            _connection,
        ),
        Good("nlb", f"{_ELB_KEY}/{_ELB}_net.my-lb.1234_20240201T1005Z_x.log.gz", _nlb),
        Good("clb", f"{_ELB_KEY}/{_ELB}_my-lb_20240201T1005Z_192.0.2.1_x.log", _clb),
        Good(
            "cloudfront",
            "cdn/EMLARXS9EXAMPLE.2024-02-01-10.RT4KCN4SGK9.gz",
            _cdn,
            CDN_HEADER + "\n",
        ),
        Good(
            "cloudfront_connection",
            "cloudfront-connection-logs/2024/02/01/a.gz",
            _handshake,
            MTLS_HEADER + "\n",
        ),
        Good("cloudfront_realtime", "cf-rt-E2EXAMPLE/2024/02/01/10/cf-rt-1-2024-02-01", _realtime),
        Good("s3access", "access/2024-02-01-10-05-12-0123456789ABCDEF", _s3access),
    )
}
"""Every source by its name."""
JSON = (
    *("cloudtrail", "cloudtrail_insight", "cloudtrail_aggregated", "guardduty", "waf"),
    "route53resolver",
)
LINES = tuple(name for name in GOOD if name not in JSON)
