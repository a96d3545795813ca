"""S3 access logs: every vintage, zones, quotes, requesters, operations, and the CloudWatch form."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import logs
import pytest
from rows import filled, only_row, value

from lake.stage.preview import Preview, preview

Row = dict[str, Any]
KEY = "logs/2019-02-06-00-05-12-0123456789ABCDEF"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
HOST_ID = "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234="
BOB = "arn:aws:iam::123456789012:user/staff/bob"
POINT = "arn:aws:s3:us-west-1:210987654321:accesspoint/example-AP"


def line(**given: str) -> str:
    """A line of 27 fields (the time is one); `fields` cuts it, `more` is put behind."""
    values = {
        "owner": OWNER,
        "bucket": "amzn-s3-demo-bucket1",
        "time": "[06/Feb/2019:00:00:38 +0000]",
        "ip": "81.2.69.142",
        "requester": BOB,
        "id": "3E57427F3EXAMPLE",
        "operation": "REST.GET.OBJECT",
        "key": "a/b%2520c.txt",
        "request": '"GET /amzn-s3-demo-bucket1/a/b%20c.txt?versionId=1 HTTP/1.1"',
        "status": "200",
        "error": "-",
        "sent": "113",
        "size": "4406583",
        "total": "7",
        "turn": "6",
        "referrer": '"https://example.com/"',
        "agent": '"S3Console/0.4"',
        "version": "3HL4kqtJvjVBH40Nrjfkd",
        "host_id": HOST_ID,
        "sig": "SigV4",
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "auth": "AuthHeader",
        "host": "amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com",
        "tls": "TLSV1.2",
        "point": POINT,
        "acl": "Yes",
        "region": "us-east-1",
    }
    wanted = int(given.pop("fields", "27"))
    more = given.pop("more", "")
    assert set(given) <= set(values), given
    return " ".join(list((values | given).values())[:wanted]) + more


def read(*lines: str, key: str = KEY) -> Preview:
    return preview("\n".join(lines).encode() + b"\n", key)


def row(text: str, key: str = KEY) -> Row:
    return only_row(read(text, key=key), "s3access")


def test_a_line_field_by_field() -> None:
    text = line()
    found = row(text)
    assert found["@timestamp"] == datetime(2019, 2, 6, 0, 0, 38, tzinfo=UTC)
    event = filled(found["event"])
    del event["hash"], event["ingested"]
    assert event == {
        "kind": "event",
        "category": ["file", "web"],
        "type": ["access"],
        "action": "REST.GET.OBJECT",
        "outcome": "success",
        "id": "3E57427F3EXAMPLE",
        "duration": 7_000_000,
        "dataset": "s3access",
        "module": "s3accesslog",
        "original": text,
    }
    # the access point's region is the bucket's; us-east-1 is where the request came from
    assert filled(found["cloud"]) == {"provider": "aws", "region": "us-west-1"}
    assert filled(found["source"]) == {"address": "81.2.69.142", "ip": "81.2.69.142"}
    host = "amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com"
    assert filled(found["destination"]) == {"address": host, "domain": host}
    assert filled(found["user"]) == {"id": BOB, "name": "bob", "type": "IAMUser"}
    assert filled(found["http"]) == {
        "request": {
            "id": "3E57427F3EXAMPLE",
            "method": "GET",
            "referrer": "https://example.com/",
        },
        "response": {"status_code": 200, "bytes": 113, "body": {"bytes": 113}},
        "version": "1.1",
    }
    assert filled(found["url"]) == {
        "scheme": "https",
        "domain": host,
        "original": "/amzn-s3-demo-bucket1/a/b%20c.txt?versionId=1",
        "path": "/amzn-s3-demo-bucket1/a/b%20c.txt",
        "extension": "txt",
        "query": "versionId=1",
    }
    assert value(found, "user_agent.original") == "S3Console/0.4"
    assert filled(found["file"]) == {
        "path": "a/b c.txt",
        "name": "b c.txt",
        "extension": "txt",
        "size": 4406583,
    }
    assert filled(found["tls"]) == {
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "version": "1.2",
        "version_protocol": "tls",
        "established": True,
    }
    assert found["related"]["ip"] == ["81.2.69.142"]
    assert found["related"]["user"] == ["bob"]
    assert filled(found["native"]) == {
        "BucketOwner": OWNER,
        "Bucket": "amzn-s3-demo-bucket1",
        "Key": "a/b%2520c.txt",
        "TurnAroundTime": 6,
        "VersionId": "3HL4kqtJvjVBH40Nrjfkd",
        "HostId": HOST_ID,
        "SigV": "SigV4",
        "AuthType": "AuthHeader",
        "TLSVersion": "TLSV1.2",
        "S3AccessPointARN": POINT,
        "AclRequired": "Yes",
        "SourceRegion": "us-east-1",
    }


@pytest.mark.parametrize("fields", [17, 18, 23, 24, 25, 26, 27])
def test_each_vintage_has_the_fields_of_its_time(fields: int) -> None:
    for more in ("", " "):
        found = row(line(fields=str(fields), more=more))
        assert value(found, "user_agent.original") == "S3Console/0.4"
        assert (value(found, "native.VersionId") is not None) == (fields >= 18)
        assert (value(found, "url.domain") is not None) == (fields >= 23)
        assert (value(found, "native.TLSVersion") is not None) == (fields >= 24)
        assert (value(found, "native.S3AccessPointARN") is not None) == (fields >= 25)
        assert (value(found, "native.AclRequired") is not None) == (fields >= 26)
        assert (value(found, "native.SourceRegion") is not None) == (fields >= 27)


def test_fields_of_the_future_break_nothing() -> None:
    assert value(row(line(more=" Extra another")), "native.SourceRegion") == "us-east-1"


def test_a_short_line_and_a_wrong_time_are_rejects() -> None:
    result = read(line(), line(fields="16"), line(time="[31/Feb/2019:00:00:38 +0000]"), "x")
    assert len(result.rows) == 1
    assert [(r.position, r.reason) for r in result.rejects] == [
        (2, "17 fields, expected at least 18"),
        (3, "no valid time"),
        (4, "1 fields, expected at least 18"),
    ]


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("[06/Feb/2019:00:00:38 +0000]", datetime(2019, 2, 6, 0, 0, 38, tzinfo=UTC)),
        ("[06/Feb/2019:00:00:38 +0530]", datetime(2019, 2, 5, 18, 30, 38, tzinfo=UTC)),
        ("[05/Feb/2019:16:00:38 -0800]", datetime(2019, 2, 6, 0, 0, 38, tzinfo=UTC)),
    ],
)
def test_the_zone_counts(written: str, instant: datetime) -> None:
    assert row(line(time=written))["@timestamp"] == instant


AGENTS = [
    'Mozilla "bare" quotes',
    r"curl \"quoted\" agent",
    '"',
    'ends in "',
    'x" "y',
    # a client that writes a whole line's end into its user agent forges nothing
    f'x" - {HOST_ID} SigV4 - AuthHeader evil.s3.eu-north-1.amazonaws.com TLSv1.3 - -',
    'x" 200 - 1 2 3 4 "-" "y',
]


@pytest.mark.parametrize("agent", AGENTS)
def test_quotes_in_a_user_agent_shift_no_field(agent: str) -> None:
    found = row(line(agent=f'"{agent}"'))
    assert value(found, "user_agent.original") == agent
    assert value(found, "http.response.status_code") == 200
    assert value(found, "http.request.referrer") == "https://example.com/"
    assert value(found, "native.HostId") == HOST_ID
    assert value(found, "native.SourceRegion") == "us-east-1"
    assert value(found, "cloud.region") == "us-west-1"


@pytest.mark.parametrize("referrer", ['https://x/?q="a b"', 'a"b', r"x\"y", 'https://x/" - y'])
def test_quotes_in_a_referrer_shift_no_field(referrer: str) -> None:
    found = row(line(referrer=f'"{referrer}"'))
    assert value(found, "http.request.referrer") == referrer
    assert value(found, "user_agent.original") == "S3Console/0.4"
    assert value(found, "native.AclRequired") == "Yes"


def test_quotes_and_blanks_in_a_request_shift_no_field() -> None:
    found = row(line(request='"GET /b/say "hi there"?x="y" HTTP/1.1"'))
    assert value(found, "url.original") == '/b/say "hi there"?x="y"'
    assert value(found, "url.path") == '/b/say "hi there"'
    assert value(found, "url.query") == 'x="y"'
    assert value(found, "http.version") == "1.1"
    assert value(found, "http.response.status_code") == 200
    assert value(found, "user_agent.original") == "S3Console/0.4"


@pytest.mark.parametrize(
    "agent",
    ['" ' * 4000, '" 200 - 1 1 1 1 "' * 500, '"-" ' * 2000, r"\"" * 4000],
    ids=["quotes", "statuses", "hyphens", "backslashes"],
)
def test_a_hostile_user_agent_takes_no_time(agent: str) -> None:
    lines = [line(agent=f'"{agent}"', id=f"ID{n}") for n in range(20)]
    started = time.process_time()
    result = read(line(), *lines)
    assert len(result.rows) + len(result.rejects) == 21
    assert result.rows[0]["native"]["HostId"] == HOST_ID
    assert time.process_time() - started < 20


@pytest.mark.parametrize(
    ("requester", "user", "related"),
    [
        (BOB, {"id": BOB, "name": "bob", "type": "IAMUser"}, ["bob"]),
        (
            "arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com",
            {
                "id": "arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com",
                "name": "alice@example.com",
                "type": "AssumedRole",
                "roles": ["Admin"],
                "session": {"name": "alice@example.com"},
            },
            ["alice@example.com"],
        ),
        (
            "arn:aws:iam::123456789012:root",
            {"id": "arn:aws:iam::123456789012:root", "name": "root", "type": "Root"},
            ["root"],
        ),
        (
            "svc:delivery.logs.amazonaws.com",
            {
                "id": "svc:delivery.logs.amazonaws.com",
                "name": "delivery.logs.amazonaws.com",
                "type": "AWSService",
            },
            ["delivery.logs.amazonaws.com"],
        ),
        (
            "AmazonS3",
            {"id": "AmazonS3", "name": "AmazonS3", "type": "AWSService"},
            ["AmazonS3"],
        ),
        (OWNER, {"id": OWNER}, [OWNER]),
        ("-", {}, None),
        ("Anonymous", {}, None),
    ],
)
def test_who_asked(requester: str, user: Row, related: list[str] | None) -> None:
    found = row(line(requester=requester))
    assert filled(found.get("user") or {}) == user
    assert value(found, "related.user") == related


SIGNER = "AKIAIOSFODNN7EXAMPLE"
SCOPE = "20190206%2Fus-west-1%2Fs3%2Faws4_request"


@pytest.mark.parametrize(
    ("query", "auth", "key"),
    [
        (f"X-Amz-Expires=60&X-Amz-Credential={SIGNER}%2F{SCOPE}", "QueryString", SIGNER),
        (f"X-Amz-Credential={SIGNER}/20190206/us-west-1/s3/aws4_request", "-", SIGNER),
        (f"AWSAccessKeyId={SIGNER}&Expires=1549411200", "QueryString", SIGNER),
        (f"X-Amz-Credential={SIGNER}%2F{SCOPE}", "AuthHeader", None),
        ("prefix=X-Amz-Credential", "QueryString", None),
    ],
)
def test_a_presigned_url_tells_whose_key_signed_it(query: str, auth: str, key: str | None) -> None:
    got = row(line(request=f'"GET /b/k?{query} HTTP/1.1"', auth=auth))
    assert value(got, "user.access_key.id") == key


@pytest.mark.parametrize("agent", ["Amazon CloudFront", 'odd "agent'])
def test_the_blanks_in_an_origin_access_identity_shift_no_field(agent: str) -> None:
    identity = "CloudFront Origin Access Identity E2EXAMPLE1DENT"
    requester = f"arn:aws:iam::cloudfront:user/{identity}"
    # under a name that tells nothing: the line is known by itself
    found = row(line(requester=requester, agent=f'"{agent}"'), key="evidence/x.txt")
    assert value(found, "user.id") == requester
    assert value(found, "user.name") == identity
    assert value(found, "user.type") == "AWSService"
    assert value(found, "event.action") == "REST.GET.OBJECT"
    assert value(found, "event.outcome") == "success"
    assert value(found, "http.response.status_code") == 200
    assert value(found, "user_agent.original") == agent
    assert value(found, "native.SourceRegion") == "us-east-1"


@pytest.mark.parametrize(
    ("request_uri", "method", "target", "version"),
    [
        ("GET /a?b HTTP/1.1", "GET", "/a?b", "1.1"),
        ("GET /a b?c HTTP/2.0", "GET", "/a b?c", "2.0"),
        ("GET /a", "GET", "/a", None),
        ("GET HTTP/1.1", "GET", None, "1.1"),
        ("GET", "GET", None, None),
        ("- - -", None, "- -", None),
        ("-", None, None, None),
    ],
)
def test_a_request_line_in_its_parts(
    request_uri: str, method: str | None, target: str | None, version: str | None
) -> None:
    found = row(line(request=f'"{request_uri}"'))
    assert value(found, "http.request.method") == method
    assert value(found, "url.original") == target
    assert value(found, "http.version") == version


@pytest.mark.parametrize(
    ("operation", "key", "category", "types"),
    [
        ("REST.GET.OBJECT", "k", ["file", "web"], ["access"]),
        ("REST.HEAD.OBJECT", "k", ["file", "web"], ["access"]),
        ("WEBSITE.GET.OBJECT", "k", ["file", "web"], ["access"]),
        ("REST.COPY.OBJECT_GET", "k", ["file", "web"], ["access"]),
        ("REST.PUT.OBJECT", "k", ["file", "web"], ["creation"]),
        ("REST.PUT.PART", "k", ["file", "web"], ["creation"]),
        ("REST.DELETE.OBJECT", "k", ["file", "web"], ["deletion"]),
        ("BATCH.DELETE.OBJECT", "k", ["file", "web"], ["deletion"]),
        ("S3.EXPIRE.OBJECT", "k", ["file", "web"], ["deletion"]),
        ("S3.TRANSITION_SIA.OBJECT", "k", ["file", "web"], ["change"]),
        ("S3.COMPUTE.OBJECT.CHECKSUM", "k", ["file", "web"], ["access"]),
        ("S3.CREATE.DELETEMARKER", "k", ["file", "web"], ["deletion"]),
        ("S3.DELETE.UPLOAD", "k", ["file", "web"], ["deletion"]),
        ("REST.POST.UPLOADS", "k", ["file", "web"], ["creation"]),
        ("REST.COPY.OBJECT", "k", ["file", "web"], ["creation"]),
        ("REST.COPY.PART_GET", "k", ["file", "web"], ["access"]),
        ("REST.SELECT.OBJECT", "k", ["file", "web"], ["access"]),
        ("REST.PUT.OBJECT_TAGGING", "k", ["file", "web"], ["change"]),
        ("REST.POST.MULTI_OBJECT_DELETE", "-", ["web"], ["deletion"]),
        ("REST.PUT.BUCKETPOLICY", "-", ["web"], ["change"]),
        ("REST.PUT.ACL", "k", ["file", "web"], ["change"]),
        ("REST.PUT.ACL", "-", ["web"], ["change"]),
        ("REST.GET.VERSIONING", "-", ["web"], ["access"]),
        ("REST.PUT.BUCKET", "-", ["web"], ["creation"]),
        ("REST.OPTIONS.PREFLIGHT", "-", ["web"], ["access"]),
        ("SOAP.CreateBucket", "-", ["web"], ["creation"]),
        ("SOAP.DeleteObject", "k", ["file", "web"], ["deletion"]),
        ("SOAP.SetBucketAccessControlPolicy", "-", ["web"], ["change"]),
        ("SOAP.ListBucket", "-", ["web"], ["access"]),
    ],
)
def test_what_was_done(operation: str, key: str, category: list[str], types: list[str]) -> None:
    found = row(line(operation=operation, key=key))
    assert value(found, "event.action") == operation
    assert value(found, "event.category") == category
    assert value(found, "event.type") == types


@pytest.mark.parametrize(
    ("status", "error", "outcome", "types"),
    [
        ("206", "-", "success", ["access"]),
        ("304", "-", "success", ["access"]),
        ("403", "AccessDenied", "failure", ["access", "denied"]),
        ("404", "NoSuchKey", "failure", ["access", "error"]),
        ("503", "SlowDown", "failure", ["access", "error"]),
        ("-", "InternalError", "failure", ["access", "error"]),
        ("-", "-", "unknown", ["access"]),
    ],
)
def test_how_it_ended(status: str, error: str, outcome: str, types: list[str]) -> None:
    found = row(line(status=status, error=error))
    assert value(found, "event.outcome") == outcome
    assert value(found, "event.type") == types
    assert value(found, "error.code") == (None if error == "-" else error)
    assert value(found, "http.response.status_code") == (int(status) if status != "-" else None)


def test_what_s3_does_itself_has_no_address_and_no_request() -> None:
    found = row(
        line(
            ip="-", requester="svc:s3", operation="S3.EXPIRE.OBJECT", request='"-"', status="-",
            sent="-", total="-", turn="-", referrer='"-"', agent='"-"', cipher="-", host="-",
            tls="-", point="-", acl="-", region="-",
        )
    )  # fmt: skip
    assert value(found, "source.ip") is None
    assert value(found, "source.address") is None
    assert value(found, "event.outcome") == "unknown"
    assert value(found, "event.duration") is None
    assert filled(found.get("url") or {}) == {}
    assert filled(found["http"]) == {"request": {"id": "3E57427F3EXAMPLE"}}
    assert filled(found["user"]) == {"id": "svc:s3", "name": "s3", "type": "AWSService"}
    assert value(found, "file.size") == 4406583


@pytest.mark.parametrize(
    ("host", "point", "region"),
    [
        ("b.s3.us-west-1.amazonaws.com", "-", "us-west-1"),
        ("b.s3-eu-central-1.amazonaws.com", "-", "eu-central-1"),
        ("s3.dualstack.ap-southeast-2.amazonaws.com", "-", "ap-southeast-2"),
        ("b.s3-website-sa-east-1.amazonaws.com", "-", "sa-east-1"),
        ("b.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com", "-", "us-east-1"),
        ("s3.us-gov-west-1.amazonaws.com", "-", "us-gov-west-1"),
        ("s3.cn-north-1.amazonaws.com.cn", "-", "cn-north-1"),
        ("eu-west-1.logs.s3.us-east-2.amazonaws.com:443", "-", "us-east-2"),
        # the endpoint of no region, a name of one's own
        ("b.s3.amazonaws.com", "-", None),
        ("eu-west-1.example.com", "-", None),
        ("-", "-", None),
        ("b.s3.amazonaws.com", POINT, "us-west-1"),
    ],
)
def test_the_region_is_the_buckets(host: str, point: str, region: str | None) -> None:
    found = row(line(host=host, point=point))
    assert value(found, "cloud.region") == region
    assert value(found, "cloud.account.id") is None


def test_account_and_region_in_a_key_by_date() -> None:
    key = f"AWSLogs/123456789012/eu-west-1/my-bucket/2024/02/01/{KEY.removeprefix('logs/')}"
    found = row(line(host="b.s3.amazonaws.com", point="-"), key=key)
    assert value(found, "cloud.account.id") == "123456789012"
    assert value(found, "cloud.region") == "eu-west-1"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a%2520b.txt", "a b.txt"),
        ("a%2Bb%2520c/%E6%BC%A2", "a+b c/漢"),
        ("100%2525", "100%"),
        ("plain/key", "plain/key"),
        ("caf%25C3%25A9", "café"),
        # no UTF-8, and no encoding at all
        ("bad%25FF", "bad%FF"),
        ("50%", "50%"),
        ("-", None),
    ],
)
def test_a_key_is_encoded_twice(key: str, path: str | None) -> None:
    found = row(line(key=key))
    assert value(found, "file.path") == path
    assert value(found, "native.Key") == (None if key == "-" else key)


def test_addresses() -> None:
    assert value(row(line(ip="2001:DB8:0::7")), "source.ip") == "2001:db8::7"
    assert value(row(line(ip="2001:DB8:0::7")), "source.address") == "2001:DB8:0::7"


def test_a_request_over_plain_http() -> None:
    found = row(line(cipher="-", tls="-"))
    assert value(found, "url.scheme") == "http"
    assert value(found, "tls.established") is None


def test_a_request_has_an_id_so_a_line_delivered_twice_is_one_event() -> None:
    one, other = row(line()), row(line(), key=KEY + "X")
    assert value(one, "event.hash") == value(other, "event.hash")
    # of a batch, each deleted key is a line with the same id
    assert value(row(line(key="other")), "event.hash") != value(one, "event.hash")


@pytest.mark.parametrize(
    "key", [KEY, "x.txt", "AWSLogs/1/elasticloadbalancing/x_elasticloadbalancing_y_z.log"]
)
def test_told_by_its_lines_whatever_the_key(key: str) -> None:
    assert list(read(line(), key=key).tables) == ["s3access"]


def test_a_web_servers_log_is_another() -> None:
    text = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /x.gif HTTP/1.0" 200 2326'
    assert preview(text.encode(), "access.log").status == "unknown"


def test_records_as_cloudwatch_delivers_them() -> None:
    text = (
        '{"schema_version_id":"V_1_0","bucket_arn":"arn:aws:s3:::b","bucket_name":"b",'
        '"request_time":"2026-07-01T10:00:00.123Z","bucket_owner_id":"' + OWNER + '",'
        '"remote_ip":"81.2.69.142","requester":"' + BOB + '","request_id":"R1",'
        '"operation":"REST.GET.OBJECT","key_name":"a%20b","request_uri":"GET /b/a%2520b HTTP/1.1",'
        '"http_status":404,"error_code":"NoSuchKey","bytes_sent_size":297,"object_size":null,'
        '"total_duration":38,"turn_around_duration":11,"referer":"https://e.example/"}'
    )
    assert logs.read(text.encode(), "x.json").decoding.unknown_members == {}
    found = row(text, key="x.json")
    assert found["@timestamp"] == datetime(2026, 7, 1, 10, 0, 0, 123000, UTC)
    assert value(found, "native.Bucket") == "b"
    assert value(found, "file.path") == "a%20b"
    assert value(found, "http.response.status_code") == 404
    assert value(found, "http.response.bytes") == 297
    assert value(found, "http.request.referrer") == "https://e.example/"
    assert value(found, "event.duration") == 38_000_000
    assert value(found, "native.TurnAroundTime") == 11
    assert value(found, "event.original") == text
