"""Tables of Log Analytics (Microsoft Sentinel): what its page exports as CSV, with times as the
reader's language writes them, and what its API answers as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from logs import ACCOUNT, compact, read
from query_results import quoted_csv

from lake.decode.local_times import utc_cells
from lake.decode.rows import row_paths
from lake.sources.catalogue import catalogue

TIME = datetime(2025, 4, 21, 9, 45, 54, 250000, tzinfo=UTC)
PAGE = "21/04/2025, 09:45:54.250"
EVENT = {
    "TenantId": "aaaaaaaa-0000-1111-2222-333333333333",
    "AwsEventId": "00000000-0000-4000-8000-000000000001",
    "EventVersion": "1.09",
    "EventSource": "iam.amazonaws.com",
    "EventTypeName": "AwsApiCall",
    "EventName": "DeleteUser",
    "UserIdentityType": "AssumedRole",
    "UserIdentityPrincipalid": "AROAEXAMPLE:night",
    "UserIdentityArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Ops/night",
    "UserIdentityAccountId": ACCOUNT,
    "UserIdentityAccessKeyId": "ASIAEXAMPLE",
    "UserIdentityUserName": "",
    "SessionMfaAuthenticated": "true",
    "SessionIssuerType": "Role",
    "SessionIssuerUserName": "Ops",
    "AWSRegion": "us-east-1",
    "SourceIpAddress": "203.0.113.9",
    "UserAgent": "aws-cli/2.15",
    "ErrorCode": "AccessDenied",
    "ErrorMessage": "no",
    "RequestParameters": '{"userName":"bob"}',
    "ReadOnly": "false",
    "RecipientAccountId": ACCOUNT,
    "TlsVersion": "TLSv1.3",
    "ClientProvidedHostHeader": "iam.amazonaws.com",
    "Type": "AWSCloudTrail",
}
FINDING = {
    "Type": "AWSGuardDuty",
    "Title": "A guess",
    "Severity": "5",
    "ServiceDetails": json.dumps(
        {
            "detectorId": "d1",
            "action": {
                "actionType": "NETWORK_CONNECTION",
                "networkConnectionAction": {
                    "connectionDirection": "INBOUND",
                    "protocol": "TCP",
                    "localPortDetails": {"port": 22},
                    "remoteIpDetails": {"ipAddressV4": "198.51.100.10"},
                },
            },
        }
    ),
    "SchemaVersion": "2.0",
    "ResourceDetails": '{"resourceType":"Instance","instanceDetails":{"instanceId":"i-01"}}',
    "Region": "eu-west-2",
    "Id": "c01",
    "ActivityType": "UnauthorizedAccess:EC2/SSHBruteForce",
    "AccountId": ACCOUNT,
}
REQUEST = {
    "Action": "BLOCK",
    "ClientIp": "",
    "HttpRequest": json.dumps(
        {
            "clientIp": "203.0.113.9",
            "headers": [{"name": "Host", "value": "shop.example"}],
            "uri": "/orders",
            "args": "",
            "httpMethod": "PUT",
            "httpVersion": "HTTP/1.1",
        }
    ),
    "HttpSourceName": "ALB",
    "TerminatingRuleId": "limit",
    "TerminatingRuleType": "RATE_BASED",
    "WebAclId": f"arn:aws:wafv2:eu-west-1:{ACCOUNT}:regional/webacl/shop/f1",
    "Type": "AWSWAF",
}
QUERY = {
    "AccountId": ACCOUNT,
    "Region": "us-east-1",
    "VpcId": "vpc-0a1b",
    "QueryName": "example.com.",
    "QueryType": "A",
    "Rcode": "NOERROR",
    "Answers": '[{"Rdata":"198.51.100.4","Type":"A","Class":"IN"}]',
    "SrcAddr": "10.0.0.5",
    "SrcIds": '{"instance":"i-0a1b"}',
    "Type": "AWSRoute53Resolver",
}
FLOW = {
    "Version": "5",
    "AccountId": ACCOUNT,
    "InterfaceId": "eni-0a1b2c3d",
    "SrcAddr": "203.0.113.7",
    "DstAddr": "10.0.0.5",
    "SrcPort": "51515",
    "DstPort": "443",
    "Protocol": "6",
    "Packets": "10",
    "Bytes": "4200",
    "Action": "REJECT",
    "LogStatus": "OK",
    "TrafficType": "IPv4",
    "FlowDirection": "ingress",
    "Type": "AWSVPCFlow",
}
BALANCED = {
    "ALBType": "https",
    "Alb": "app/shop/50dc6c495c0c9188",
    "ClientIp": "203.0.113.9",
    "ClientPort": "46532",
    "TargetIp": "10.0.0.66",
    "TargetPort": "80",
    "ElbStatusCode": "403",
    "ReceivedBytes": "34",
    "SentBytes": "366",
    "RequestRaw": "GET https://shop.example:443/a?b=1 HTTP/1.1",
    "UserAgent": "curl/7.46.0",
    "ActionsExecuted": "waf,fixed-response",
    "Type": "AWSALBAccessLogs",
}
SHAKEN = {
    "NLBType": "tls",
    "Version": "2.0",
    "Nlb": "net/mail/c6e77e28c25b2234",
    "Listener": "g3d4b5e8bb8464cd",
    "ClientIP_Port": "203.0.113.9:51341",
    "TargetIP_Port": "10.0.0.7:443",
    "Tls_Handshake_Time": "2",
    "Received_Bytes": "29",
    "Sent_Bytes": "1984",
    "TLS_Protocol_Version": "tlsv12",
    "Domain_Name": "mail.example",
    "ALPN_Client_Pref_List": '"h2","http/1.1"',
    "Type": "AWSNLBAccessLogs",
}
ACCESS = {
    "BucketOwner": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
    "Bucket": "amzn-s3-demo",
    "RemoteIp": "203.0.113.3",
    "Requester": f"arn:aws:iam::{ACCOUNT}:user/bob",
    "RequestId": "3E57427F3EXAMPLE",
    "Operation": "REST.GET.OBJECT",
    "Key": "a/c.txt",
    "RequestUri": "GET /amzn-s3-demo/a/c.txt HTTP/1.1",
    "HttpStatus": "403",
    "ErrorCode": "AccessDenied",
    "BytesSent": "243",
    "UserAgent": "S3Console/0.4, x",
    "Type": "AWSS3ServerAccess",
}
CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "cloudtrail": (
        EVENT,
        {
            "event.action": "DeleteUser",
            "event.id": "00000000-0000-4000-8000-000000000001",
            "event.outcome": "failure",
            "user.name": "night",
            "user.roles": ["Ops"],
            "user.access_key.id": "ASIAEXAMPLE",
            "user.target.name": "bob",
            "source.ip": "203.0.113.9",
            "cloud.account.id": ACCOUNT,
            "cloud.region": "us-east-1",
            "tls.version": "1.3",
        },
    ),
    "guardduty": (
        FINDING,
        {
            "event.action": "NETWORK_CONNECTION",
            "rule.id": "UnauthorizedAccess:EC2/SSHBruteForce",
            "source.ip": "198.51.100.10",
            "destination.port": 22,
            "cloud.instance.id": "i-01",
            "cloud.account.id": ACCOUNT,
        },
    ),
    "waf": (
        REQUEST,
        {
            "event.action": "BLOCK",
            "rule.name": "limit",
            "source.ip": "203.0.113.9",
            "url.domain": "shop.example",
            "url.path": "/orders",
            "cloud.region": "eu-west-1",
        },
    ),
    "route53resolver": (
        QUERY,
        {
            "dns.question.name": "example.com",
            "dns.resolved_ip": ["198.51.100.4"],
            "source.ip": "10.0.0.5",
            "cloud.instance.id": "i-0a1b",
        },
    ),
    "vpcflow": (
        FLOW,
        {
            "event.action": "REJECT",
            "source.ip": "203.0.113.7",
            "destination.port": 443,
            "network.bytes": 4200,
            "network.type": "ipv4",
            "network.direction": "ingress",
            "cloud.account.id": ACCOUNT,
        },
    ),
    "alb": (
        BALANCED,
        {
            "event.action": "fixed-response",
            "event.outcome": "failure",
            "source.ip": "203.0.113.9",
            "source.port": 46532,
            "destination.port": 80,
            "url.query": "b=1",
            "native.request_type": "https",
        },
    ),
    "nlb": (
        SHAKEN,
        {
            "source.port": 51341,
            "destination.ip": "10.0.0.7",
            "tls.version": "1.2",
            "native.alpn_client_preference_list": ["h2", "http/1.1"],
        },
    ),
    "s3access": (
        ACCESS,
        {
            "event.outcome": "failure",
            "user.name": "bob",
            "source.ip": "203.0.113.3",
            "url.path": "/amzn-s3-demo/a/c.txt",
            "user_agent.original": "S3Console/0.4, x",
        },
    ),
}
OWN_TIMES = {"vpcflow": "End"}
"""The column of the record's own time, where it is not the table's `TimeGenerated`."""


def leaf(row: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    value: Any = row
    for name in path.split("."):
        value = value[name]
    return value


def page(source: str, row: dict[str, str], time: str = PAGE) -> bytes:
    return quoted_csv([{f"{OWN_TIMES.get(source, 'TimeGenerated')} [UTC]": time} | row])


def exported(source: str, row: dict[str, str]) -> bytes:
    return quoted_csv([{OWN_TIMES.get(source, "TimeGenerated"): f"{TIME:%FT%T.%fZ}"} | row])


def answered(source: str, row: dict[str, str]) -> bytes:
    """As `az monitor log-analytics query` prints it."""
    time = {OWN_TIMES.get(source, "TimeGenerated"): f"{TIME:%FT%T.%fZ}"}
    filled = {name: cell or None for name, cell in row.items()}
    return compact([{"TableName": "PrimaryResult"} | filled | time])


@pytest.mark.parametrize("form", [page, exported, answered])
@pytest.mark.parametrize("source", CASES)
def test_rows_of_its_tables(source: str, form: Any) -> None:  # noqa: ANN401
    fields, due = CASES[source]
    found = read(form(source, fields), "query_data")
    assert (found.status, found.rejects) == ("read", [])
    (row,) = found.rows
    assert row["event"]["dataset"] == source
    assert row["@timestamp"].replace(microsecond=0) == TIME.replace(microsecond=0)
    assert {path: leaf(row, path) for path in due} == due


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("21/04/2025, 09:45:54.000", "2025-04-21T09:45:54.000Z"),
        ("4/21/2025, 9:45:54.250 PM", "2025-04-21T21:45:54.250Z"),
        ("4/1/2025, 12:00:00.000 AM", "2025-04-01T00:00:00.000Z"),
        ("4/1/2025, 12:00:00.000 pm", "2025-01-04T12:00:00.000Z"),
        ("04/01/2025, 09:45:54.000", "2025-01-04T09:45:54.000Z"),
        ("04/21/2025, 09:45:54.000", "2025-04-21T09:45:54.000Z"),
        ("21.4.2025, 09:45:54,250", "2025-04-21T09:45:54.250Z"),
        ("2025/4/21 9:45:54.000", "2025-04-21T09:45:54.000Z"),
        ("2025-04-21T09:45:54.250Z", "2025-04-21T09:45:54.250Z"),
        ("31/02/2025, 09:45:54.000", "31/02/2025, 09:45:54.000"),
        ("2025/4/21 下午9:45:54", "2025/4/21 下午9:45:54"),  # PM, which is not read as AM
        ("4/21/2025, 9:45:54 in the evening", "4/21/2025, 9:45:54 in the evening"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_times_in_the_readers_language(text: str, time: str) -> None:
    assert utc_cells(["EventName", "TimeGenerated [UTC]"], [text, text]) == [text, time]


def test_a_time_of_another_zone_is_none() -> None:
    """`[Local Time]` names a zone that nobody else knows."""
    rows = quoted_csv([{"TimeGenerated [Local Time]": PAGE} | EVENT])
    assert [reject.reason for reject in read(rows).rejects] == ["no valid time"]


def test_a_tables_own_column_gives_way() -> None:
    names = ("Type", "ActivityType", "TimeGenerated [UTC]")
    assert row_paths(catalogue()["guardduty"], names) == [None, "type", "updatedAt"]
