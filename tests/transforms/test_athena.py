# ruff: noqa: E501
"""Results of Athena over the tables that AWS's documentation makes of logs: a row gives what the
line or the record gives that it was made of. Names: docs.aws.amazon.com/athena/latest/ug, "Query AWS
service logs", of today and, where a table was once named otherwise, of then."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import compact, event, read
from query_results import selected

ALB = "type time elb client_ip:client_port target_ip:target_port request_processing_time target_processing_time response_processing_time elb_status_code target_status_code received_bytes sent_bytes request_verb/request_url/request_proto user_agent ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url lambda_error_reason target_port_list target_status_code_list classification classification_reason conn_trace_id"
CLB = "timestamp elb_name request_ip:request_port backend_ip:backend_port request_processing_time backend_processing_time client_response_time elb_response_code backend_response_code received_bytes sent_bytes request_verb/url/protocol quoted=user_agent ssl_cipher ssl_protocol"
NLB = "type version time elb listener_id client_ip:client_port target_ip:target_port tcp_connection_time_ms tls_handshake_time_ms received_bytes sent_bytes incoming_tls_alert cert_arn certificate_serial tls_cipher_suite tls_protocol_version tls_named_group domain_name alpn_fe_protocol alpn_be_protocol alpn_client_preference_list tls_connection_creation_time"
S3 = "bucketowner bucket_name requestdatetime remoteip requester requestid operation key quoted=request_uri httpstatus errorcode bytessent objectsize totaltime turnaroundtime quoted=referrer quoted=useragent versionid hostid sigv ciphersuite authtype endpoint tlsversion accesspointarn aclrequired"
FLOW = "version account interfaceid sourceaddress destinationaddress sourceport destinationport protocol numpackets numbytes starttime endtime action logstatus"
CDN = "date time location bytes request_ip method host uri status referrer user_agent query_string cookie result_type request_id host_header request_protocol request_bytes time_taken xforwarded_for ssl_protocol ssl_cipher response_result_type http_version fle_status fle_encrypted_fields"

HTTPS = 'https 2025-01-02T03:04:05.186641Z app/lb/50dc {0} 0.086 0.048 0.037 200 200 3 57 "{1}" "curl/7.46.0 (x)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73 "Root=1-5" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/1" 1 2025-01-02T03:04:04.364000Z "waf,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1'
CLASSIC = (
    '2025-05-13T23:39:43.945958Z my-lb {0} 0.000073 0.001048 0.000057 {1} 0 29 "{2}" "{3}" - -'
)
OBJECT = '79a5 my-bucket [06/Feb/2025:00:00:38 +0000] 192.0.2.3 arn:aws:iam::123456789012:user/joe 3E57427F3EXAMPLE REST.GET.OBJECT a/%25E3%2581%2582.txt "{0}" 200 - 113 113 7 6 "{1}" "{2}" - s9lz= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader my-bucket.s3.us-west-1.amazonaws.com TLSv1.2 - -'
VIEWED = "2025-10-11\t22:33:27\tSIN2-P8\t808\t114.119.135.98\tGET\td111.cloudfront.net\t/a.html\t302\thttps://e.example/x\tMozilla/5.0%20(Linux)\ta=b\t-\tMiss\t5fnl==\twww.example.com\thttps\t470\t0.382\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tMiss\tHTTP/1.1\t-\t-"

CASES = {
    "alb": (ALB, HTTPS.format("192.0.2.9:2817 10.0.0.1:80", "GET https://h.example:443/a?b HTTP/2.0")),
    "alb, no target": (ALB, HTTPS.format("2001:db8::9:2817 -", "- http://h.example:80- -")),
    "clb": (CLB, CLASSIC.format("192.0.2.9:1 10.0.0.1:80", "200 200", "GET http://h:80/ HTTP/1.1", "curl/7 (x)")),
    "clb, tcp": (CLB, CLASSIC.format("192.0.2.9:1 10.0.0.1:80", "- -", "- - - ", "-")),
    "nlb": (NLB, 'tls 2.0 2025-04-01T08:51:42 net/n/c6 g3d4 2001:db8::9:51341 172.31.0.5:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a - ECDHE-RSA-AES128-SHA tlsv12 x25519 n.example h2 h2 "h2","http/1.1" 2025-04-01T08:51:20'),
    "s3access": (S3, OBJECT.format("GET /my-bucket/a.txt?x=1 HTTP/1.1", "https://e.example/", "S3 Console")),
    "s3access, no words": (S3, OBJECT.format("-", "-", "-")),
    "s3access, request in parts": (
        S3.replace("quoted=request_uri", "requesturi_operation/requesturi_key/requesturi_httpprotoversion").replace("bucket_name", "bucket"),
        OBJECT.format("GET /my-bucket/a.txt?x=1 HTTP/1.1", "-", 'an agent'),
    ),
    "vpcflow": (FLOW, "2 123456789012 eni-1 10.0.0.5 52.1.2.3 50000 443 6 10 840 1700000000 1700000060 REJECT OK"),
    "vpcflow, no data": (FLOW, "2 123456789012 eni-1 - - - - - - - 1700000000 1700000060 - NODATA"),
    "cloudfront": (CDN, VIEWED),
}  # fmt: skip


def cells(name: str, field: str) -> list[tuple[str, str]]:
    """The columns that a field of a line is in the table, and what they hold."""
    if name == "requestdatetime":
        return [(name, field.strip("[]"))]
    if name.startswith("quoted="):
        return [(name.removeprefix("quoted="), field)]
    field = field.strip('"') if field.count('"') <= 2 else field
    if "/" in name:
        return list(zip(name.split("/"), field.split(" ", 2), strict=True))
    if ":" in name:
        address, _, port = field.rpartition(":")
        return list(zip(name.split(":"), (address, port) if address else ("", ""), strict=True))
    return [(name, field)]


def result(names: str, line: str, form: str) -> bytes:
    """The file that Athena writes: of a SELECT every cell in quotes, or what UNLOAD is asked for."""
    cut = r'\[.*?\]|"(?:.*?)"(?= |$)|[^\s]+'
    fields = line.split("\t") if "\t" in line else re.findall(cut, line)
    found = [cell for name, f in zip(names.split(), fields, strict=True) for cell in cells(name, f)]
    if form == "JSON":
        return json.dumps(dict(found)).encode()
    if form == "Parquet":
        table = io.BytesIO()
        pq.write_table(pa.table({name: [text] for name, text in found}), table)
        return table.getvalue()
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(zip(*found, strict=True))
    return text.getvalue().encode()


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what tells where its record lay and how it was written."""
    event = {n: v for n, v in row["event"].items() if n not in ("original", "hash", "ingested")}
    return row | {"event": event, "log": None}


@pytest.mark.parametrize("form", ["CSV", "JSON", "Parquet"])
@pytest.mark.parametrize("case", CASES)
def test_a_row_of_the_table_gives_what_its_line_gives(case: str, form: str) -> None:
    names, line = CASES[case]
    key = "results/0f1e2d3c-0000-4000-8000-000000000001"
    found = read(result(names, line, form), key)
    assert (found.status, found.rejects, len(found.rows)) == ("read", [], 1)
    assert found.rows[0]["event"]["dataset"] == case.split(",")[0]
    (wanted,) = read(line.encode(), key).rows
    assert told(found.rows[0]) == told(wanted)


WAF = {
    "timestamp": 1706781600123,
    "formatVersion": 1,
    "webaclId": "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1a2b",
    "terminatingRuleId": "AWS-Common",
    "terminatingRuleType": "MANAGED_RULE_GROUP",
    "action": "BLOCK",
    "terminatingRuleMatchDetails": [],
    "httpSourceName": "ALB",
    "httpSourceId": "111122223333-app/shop/50dc",
    "ruleGroupList": [
        {
            "ruleGroupId": "AWS#AWSManagedRulesCommonRuleSet",
            "terminatingRule": {"ruleId": "NoUserAgent_HEADER", "action": "BLOCK", "ruleMatchDetails": None},
            "nonTerminatingMatchingRules": [{"ruleId": "Size_BODY", "action": "COUNT", "ruleMatchDetails": []}],
            "excludedRules": None,
        }
    ],
    "rateBasedRuleList": [{"rateBasedRuleId": "r1", "limitKey": "IP", "maxRateAllowed": 100}],
    "nonTerminatingMatchingRules": [],
    "httpRequest": {
        "clientIp": "192.0.2.9",
        "country": "DE",
        "headers": [{"name": "Host", "value": "shop.example"}, {"name": "User-Agent", "value": "curl/8 (a, b)"},
            {"name": "Authorization", "value": "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c"},
            {"name": "X-Api-Version", "value": "${jndi:ldap://x/${a}}"}],
        "uri": "/login",
        "args": "next=%2F&a={{7*7}}&b={",
        "httpVersion": "HTTP/2.0",
        "httpMethod": "POST",
        "requestId": "1-65bb-0a",
    },
    "labels": [{"name": "awswaf:managed:aws:core-rule-set:NoUserAgent_Header"}],
    "responseCodeSent": None,
}  # fmt: skip
FINDING: dict[str, Any] = {
    "schemaVersion": "2.0",
    "accountId": "111122223333",
    "region": "eu-west-1",
    "partition": "aws",
    "id": "1ab2c3",
    "arn": "arn:aws:guardduty:eu-west-1:111122223333:detector/d1/finding/1ab2c3",
    "type": "Recon:EC2/PortProbeUnprotectedPort",
    "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0a1b"}},
    "service": {
        "serviceName": "guardduty",
        "detectorId": "d1",
        "count": 3,
        "archived": False,
        "action": {
            "actionType": "PORT_PROBE",
            "portProbeAction": {
                "blocked": False,
                "portProbeDetails": [
                    {
                        "localPortDetails": {"port": 22, "portName": "SSH"},
                        "remoteIpDetails": {"ipAddressV4": "198.51.100.9"},
                    }
                ],
            },
        },
    },
    "severity": 2,
    "createdAt": "2024-02-01T10:00:00.000Z",
    "updatedAt": "2024-02-01T11:00:00.000Z",
    "title": "An unprotected port is probed.",
    "description": "i-0a1b, port 22",
}
QUERY = {
    "version": "1.100000",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "vpc_id": "vpc-1",
    "query_timestamp": "2024-02-01T10:00:00Z",
    "query_name": "example.com.",
    "query_type": "A",
    "query_class": "IN",
    "rcode": "NOERROR",
    "answers": [{"Rdata": "192.0.2.1", "Type": "A", "Class": "IN"}],
    "srcaddr": "10.0.0.5",
    "srcport": "40000",
    "transport": "UDP",
    "srcids": {"instance": "i-0a1b", "resolver_endpoint": None},
}
TEXT = {"cloudtrail": ["requestParameters"], "guardduty": ["resource", "service"]}
"""Members that are JSON text in their table."""
RECORDS = {"cloudtrail": event(1), "guardduty": FINDING, "waf": WAF, "route53resolver": QUERY}


@pytest.mark.parametrize("form", ["CSV", "JSON", "Parquet"])
@pytest.mark.parametrize("source", RECORDS)
def test_a_row_of_the_table_gives_what_its_record_gives(source: str, form: str) -> None:
    record = RECORDS[source]
    as_text = {name: json.dumps(record[name]) for name in TEXT.get(source, [])}
    found = read(selected(record | as_text, form=form), "results/0f1e2d3c")
    assert (found.status, found.rejects, found.decoding.lossy_members) == ("read", [], {})
    assert found.decoding.unknown_members == {}
    (wanted,) = read(compact(record), "one").rows
    (row,) = found.rows
    assert told(row) == told(wanted)
