# ruff: noqa: E501
"""Results of Athena over the tables that AWS's documentation makes of logs of lines: a row gives
what the line gives that it was cut from. Names: docs.aws.amazon.com/athena/latest/ug, "Query AWS
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
from logs import read

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
