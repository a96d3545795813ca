"""ALB access logs: every vintage, addresses, request lines, and what is no ALB log."""

from __future__ import annotations

import base64
import gzip
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from rows import filled, only_row, value

from lake.stage.preview import Preview, preview

Row = dict[str, Any]
NAME = "123456789012_elasticloadbalancing_us-east-2_app.my-lb.50dc6c495c0c9188_20180702T2225Z_172.160.1.192_20sg8hgm.log.gz"  # noqa: E501
KEY = f"AWSLogs/123456789012/elasticloadbalancing/us-east-2/2018/07/02/{NAME}"
GROUP = "arn:aws:elasticloadbalancing:us-west-2:210987654321:targetgroup/tg/73e2d6bc24d8a067"
CERT = "arn:aws:acm:eu-west-1:310987654321:certificate/1234"


def line(**given: str) -> str:
    """A line of 34 fields; `fields` cuts it, `more` is put behind."""
    values = {
        "type": "https",
        "time": "2018-07-02T22:23:00.186641Z",
        "elb": "app/my-lb/50dc6c495c0c9188",
        "client": "81.2.69.142:2817",
        "target": "10.0.0.1:8080",
        "t1": "0.086",
        "t2": "0.048",
        "t3": "0.037",
        "status": "200",
        "target_status": "201",
        "received": "34",
        "sent": "366",
        "request": '"GET https://www.example.com:443/a/b.html?id=1&b=%20 HTTP/1.1"',
        "agent": '"curl/7.46.0"',
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "protocol": "TLSv1.2",
        "group": GROUP,
        "trace": '"Root=1-58337281-1d84f3d73c47ec4e58577259"',
        "sni": '"www.example.com"',
        "cert": f'"{CERT}"',
        "priority": "1",
        "created": "2018-07-02T22:23:00.010000Z",
        "actions": '"waf,forward"',
        "redirect": '"-"',
        "reason": '"-"',
        "targets": '"10.0.0.1:8080"',
        "statuses": '"201"',
        "class": '"-"',
        "class_reason": '"-"',
        "conn": "TID_1234abcd5678ef90",
        "host": '"new.example.com"',
        "uri": '"/rewritten"',
        "transform": '"TransformSuccess"',
        "node": "10.0.3.7",
    }
    wanted = int(given.pop("fields", "34"))
    more = given.pop("more", "")
    assert set(given) <= set(values), given
    return " ".join(list((values | given).values())[:wanted]) + more


def read(*lines: str, key: str = KEY) -> Preview:
    return preview(gzip.compress("\n".join(lines).encode() + b"\n"), key)


def row(text: str, key: str = KEY) -> Row:
    return only_row(read(text, key=key), "alb")


def test_a_line_of_today_field_by_field() -> None:
    text = line()
    found = row(text)
    assert found["@timestamp"] == datetime(2018, 7, 2, 22, 23, 0, 186641, UTC)
    event = filled(found["event"])
    del event["hash"], event["ingested"]
    assert event == {
        "kind": "event",
        "category": ["web"],
        "type": ["access"],
        "action": "forward",
        "outcome": "success",
        "dataset": "alb",
        "module": "alb",
        "start": datetime(2018, 7, 2, 22, 23, 0, 10000, UTC),
        "end": datetime(2018, 7, 2, 22, 23, 0, 186641, UTC),
        "duration": 171_000_000,
        "original": text,
    }
    assert filled(found["source"]) == {
        "address": "81.2.69.142",
        "ip": "81.2.69.142",
        "port": 2817,
        "bytes": 34,
    }
    assert filled(found["destination"]) == {
        "address": "10.0.0.1",
        "ip": "10.0.0.1",
        "port": 8080,
        "bytes": 366,
    }
    assert filled(found["network"]) == {"transport": "tcp", "protocol": "http", "bytes": 400}
    assert filled(found["http"]) == {
        "request": {"method": "GET", "bytes": 34},
        "response": {"status_code": 200, "bytes": 366},
        "version": "1.1",
    }
    assert filled(found["url"]) == {
        "full": "https://www.example.com:443/a/b.html?id=1&b=%20",
        "scheme": "https",
        "domain": "www.example.com",
        "port": 443,
        "path": "/a/b.html",
        "extension": "html",
        "query": "id=1&b=%20",
    }
    assert value(found, "user_agent.original") == "curl/7.46.0"
    assert value(found, "user_agent.name") == "curl"
    assert filled(found["tls"]) == {
        "cipher": "ECDHE-RSA-AES128-GCM-SHA256",
        "version": "1.2",
        "version_protocol": "tls",
        "established": True,
        "client": {"server_name": "www.example.com"},
    }
    assert value(found, "related.ip") == ["10.0.0.1", "81.2.69.142"]
    assert filled(found["native"]) == {
        "request_type": "https",
        "elb": "app/my-lb/50dc6c495c0c9188",
        "request_processing_time": 0.086,
        "target_processing_time": 0.048,
        "response_processing_time": 0.037,
        "target_status_code": 201,
        "ssl_protocol": "TLSv1.2",
        "target_group_arn": GROUP,
        "trace_id": "Root=1-58337281-1d84f3d73c47ec4e58577259",
        "chosen_cert_arn": CERT,
        "matched_rule_priority": 1,
        "actions_executed": "waf,forward",
        "target_port_list": "10.0.0.1:8080",
        "target_status_code_list": "201",
        "conn_trace_id": "TID_1234abcd5678ef90",
        "transformed_host": "new.example.com",
        "transformed_uri": "/rewritten",
        "request_transform_status": "TransformSuccess",
        "ip_address": "10.0.3.7",
    }


@pytest.mark.parametrize("fields", [17, 18, 20, 25, 27, 29, 30, 33, 34])
def test_each_vintage_has_the_fields_of_its_time(fields: int) -> None:
    found = row(line(fields=str(fields)))
    assert value(found, "http.response.status_code") == 200
    assert value(found, "native.target_group_arn") == GROUP
    assert (value(found, "native.trace_id") is not None) == (fields >= 18)
    assert (value(found, "native.actions_executed") is not None) == (fields >= 25)
    assert (value(found, "native.target_status_code_list") is not None) == (fields >= 27)
    assert (value(found, "native.conn_trace_id") is not None) == (fields >= 30)
    assert (value(found, "native.ip_address") is not None) == (fields >= 34)


@pytest.mark.parametrize("more", [" -", ' "x y" 7', ' "-" - "z"', " "])
def test_fields_of_the_future_break_nothing(more: str) -> None:
    assert value(row(line(more=more)), "native.ip_address") == "10.0.3.7"


def test_a_line_too_short_is_a_reject_and_the_others_are_rows() -> None:
    result = read(line(), line(fields="16"), "garbage", line(client="10.9.9.9:1"))
    assert [r["source"]["ip"] for r in result.rows] == ["81.2.69.142", "10.9.9.9"]
    assert [(r.position, r.reason) for r in result.rejects] == [
        (2, "16 fields, expected at least 17"),
        (3, "1 fields, expected at least 17"),
    ]


@pytest.mark.parametrize(
    ("client", "address", "ip", "port"),
    [
        ("[2001:db8::7]:443", "2001:db8::7", "2001:db8::7", 443),
        ("[2001:DB8:0:0::7]:443", "2001:DB8:0:0::7", "2001:db8::7", 443),
        ("2601:600:9f00::a1:50599", "2601:600:9f00::a1", "2601:600:9f00::a1", 50599),
        ("[::ffff:192.0.2.1]:80", "::ffff:192.0.2.1", "::ffff:192.0.2.1", 80),
        # anonymised badly: no address
        ("12.34.178.90.32:40860", "12.34.178.90.32", None, 40860),
        ("-", None, None, None),
        ("192.0.2.1:", "192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1", None),
    ],
)
def test_the_last_colon_parts_address_and_port(
    client: str, address: str | None, ip: str | None, port: int | None
) -> None:
    for side, name in (("source", "client"), ("destination", "target")):
        # a line is told by its first: an ordinary one stands before
        found = read(line(), line(**{name: client})).rows[1]
        assert [value(found, f"{side}.{n}") for n in ("address", "ip", "port")] == [
            address,
            ip,
            port,
        ]


@pytest.mark.parametrize(
    ("request_line", "method", "version", "url"),
    [
        (
            "GET http://10.0.0.30:80/a b?q=x y HTTP/1.1",
            "GET",
            "1.1",
            {
                "full": "http://10.0.0.30:80/a b?q=x y",
                "scheme": "http",
                "domain": "10.0.0.30",
                "port": 80,
                "path": "/a b",
                "query": "q=x y",
            },
        ),
        (
            "- http://my-lb-1.us-west-2.elb.amazonaws.com:80- -",
            None,
            None,
            {
                "full": "http://my-lb-1.us-west-2.elb.amazonaws.com:80",
                "scheme": "http",
                "domain": "my-lb-1.us-west-2.elb.amazonaws.com",
                "port": 80,
            },
        ),
        (
            "GET https://[2001:db8::1]:443/ HTTP/2.0",
            "GET",
            "2.0",
            {
                "full": "https://[2001:db8::1]:443/",
                "scheme": "https",
                "domain": "2001:db8::1",
                "port": 443,
                "path": "/",
            },
        ),
        (
            "GET http://user:pw@h.example:99999/ HTTP/1.1",
            "GET",
            "1.1",
            {
                "full": "http://user:pw@h.example:99999/",
                "scheme": "http",
                "domain": "h.example",
                "path": "/",
            },
        ),
        (
            "GET http://h.example:-5/ HTTP/1.1",
            "GET",
            "1.1",
            {
                "full": "http://h.example:-5/",
                "scheme": "http",
                "domain": "h.example",
                "path": "/",
            },
        ),
        (
            "GET https://alb.amazonaws.com/Book-10.png HTTP/1.1",
            "GET",
            "1.1",
            {
                "full": "https://alb.amazonaws.com/Book-10.png",
                "scheme": "https",
                "domain": "alb.amazonaws.com",
                "path": "/Book-10.png",
                "extension": "png",
            },
        ),
        (
            "POST http://h:8080?x=/y?z HTTP/1.0",
            "POST",
            "1.0",
            {
                "full": "http://h:8080?x=/y?z",
                "scheme": "http",
                "domain": "h",
                "port": 8080,
                "query": "x=/y?z",
            },
        ),
        # cut off at 8 KB by the balancer
        (
            "GET http://h:80/aaaa",
            "GET",
            None,
            {
                "full": "http://h:80/aaaa",
                "scheme": "http",
                "domain": "h",
                "port": 80,
                "path": "/aaaa",
            },
        ),
        (
            "GET https://h:443/ü?q=漢#top HTTP/1.1",
            "GET",
            "1.1",
            {
                "full": "https://h:443/ü?q=漢#top",
                "scheme": "https",
                "domain": "h",
                "port": 443,
                "path": "/ü",
                "query": "q=漢#top",
            },
        ),
        # a blank at the end
        (
            "GET http://h:80/ HTTP/1.0 ",
            "GET",
            "1.0",
            {"full": "http://h:80/", "scheme": "http", "domain": "h", "port": 80, "path": "/"},
        ),
        *(
            (
                f"- http://internal-service-alb.example.com:80{end}",
                None,
                None,
                {
                    "full": f"http://internal-service-alb.example.com:80{path}",
                    "scheme": "http",
                    "domain": "internal-service-alb.example.com",
                    "port": 80,
                }
                | ({"path": path} if path else {}),
            )
            for end, path in (("-/ ", "/"), ("-/a-b ", "/a-b"), ("- ", ""), ("- - ", ""))
        ),
        ("-", None, None, {}),
        ("- ", None, None, {}),
        ("- - -", None, None, {}),
        ("- - - ", None, None, {}),
        ("GET HTTP/1.1", "GET", "1.1", {}),
        ("x", None, None, {"full": "x"}),
    ],
)
def test_a_request_line_in_its_parts(
    request_line: str, method: str | None, version: str | None, url: Row
) -> None:
    found = row(line(request=f'"{request_line}"'))
    assert value(found, "http.request.method") == method
    assert value(found, "http.version") == version
    assert filled(found["url"] or {}) == url


def test_a_request_by_address_is_related_to_it() -> None:
    asked = line(request='"GET http://198.51.100.7:80/ HTTP/1.1"')
    assert value(row(asked), "related.ip") == ["10.0.0.1", "198.51.100.7", "81.2.69.142"]
    asked = line(request='"GET http://[2001:db8::1]:80/ HTTP/1.1"', target="-")
    assert value(row(asked), "related.ip") == ["2001:db8::1", "81.2.69.142"]
    asked = line(request='"GET http://5.334.234.101:80/ HTTP/1.1"', target="-", client="x:1")
    assert value(read(line(), asked).rows[1], "related.ip") is None


@pytest.mark.parametrize(
    ("status", "outcome", "types"),
    [
        ("101", "success", ["access"]),
        ("200", "success", ["access"]),
        ("301", "success", ["access"]),
        ("400", "failure", ["access", "error"]),
        ("401", "failure", ["access", "denied"]),
        ("403", "failure", ["access", "denied"]),
        ("460", "failure", ["access", "error"]),
        ("502", "failure", ["access", "error"]),
        ("000", "unknown", ["access"]),
        ("-", "unknown", ["access"]),
    ],
)
def test_the_status_is_the_outcome(status: str, outcome: str, types: list[str]) -> None:
    found = row(line(status=status))
    assert value(found, "event.outcome") == outcome
    assert value(found, "event.type") == types
    assert value(found, "http.response.status_code") == (
        int(status) or None if status != "-" else None
    )


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        ("forward", "forward"),
        ("authenticate,forward", "forward"),
        ("waf,fixed-response", "fixed-response"),
        ("waf", "waf"),
        ("waf-failed", "waf-failed"),
        ("-", None),
    ],
)
def test_the_action_is_the_last_one(actions: str, action: str | None) -> None:
    found = row(line(actions=f'"{actions}"'))
    assert value(found, "event.action") == action
    assert value(found, "native.actions_executed") == (None if actions == "-" else actions)


@pytest.mark.parametrize(
    ("times", "created", "duration"),
    [
        (("0.000", "0.001", "0.000"), "2018-07-02T22:23:00.010000Z", 1_000_000),
        # times of 16 decimals are real
        (
            ("1.5414835421835185", "1.8228018060637856", "1.1708408317685808"),
            "2018-07-02T22:23:00.010000Z",
            4_535_126_180,
        ),
        # not sent on, or never answered: from the request to the answer
        (("-1", "-1", "-1"), "2018-07-02T22:23:00.010000Z", 176_641_000),
        (("0.001", "-1", "-1"), "2018-07-02T22:22:00.186641Z", 60_000_000_000),
        (("-1", "-1", "-1"), "2018-07-02T22:23:59.000000Z", None),
        (("-1", "-1", "-1"), "-", None),
    ],
)
def test_the_duration_is_the_sum_of_the_times(
    times: tuple[str, str, str], created: str, duration: int | None
) -> None:
    t1, t2, t3 = times
    found = row(line(t1=t1, t2=t2, t3=t3, created=created))
    assert value(found, "event.duration") == duration
    assert value(found, "native.request_processing_time") == float(t1)
    assert value(found, "native.target_processing_time") == float(t2)
    assert value(found, "native.response_processing_time") == float(t3)


def test_a_request_that_could_not_be_read() -> None:
    found = row(
        line(
            type="http", target="-", t1="-1", t2="-1", t3="-1", status="400", target_status="-",
            received="0", request='"- http://my-lb:80- -"', agent='"-"', cipher="-", protocol="-",
            group="-", trace='"-"', sni='"-"', cert='"-"', priority="-", actions='"-"',
            targets='"-"', statuses='"-"', fields="29",
        )
    )  # fmt: skip
    assert value(found, "event.outcome") == "failure"
    assert value(found, "source.ip") == "81.2.69.142"
    assert filled(found["destination"]) == {"bytes": 366}
    assert filled(found.get("tls") or {}) == {}
    assert value(found, "user_agent.original") is None
    assert value(found, "native.trace_id") is None
    assert filled(found["http"]) == {
        "request": {"bytes": 0},
        "response": {"bytes": 366, "status_code": 400},
    }


def test_redirect_and_failed_lambda() -> None:
    found = row(line(actions='"redirect"', redirect='"https://example.com:443/?a=b c"', target="-"))
    assert value(found, "native.redirect_url") == "https://example.com:443/?a=b c"
    found = row(line(status="502", target_status="-", reason='"LambdaInvalidResponse"'))
    assert value(found, "error.code") == "LambdaInvalidResponse"
    assert value(found, "event.reason") == "LambdaInvalidResponse"
    assert value(found, "native.lambda_error_reason") == "LambdaInvalidResponse"
    assert value(found, "native.target_status_code") is None


@pytest.mark.parametrize("kind", ["ws", "wss"])
def test_a_websocket_lasts_until_it_is_closed(kind: str) -> None:
    """Its times are the handshake's, `time` is when the connection ended."""
    found = row(line(type=kind, created="2018-07-02T21:23:00.186641Z"))
    assert value(found, "event.duration") == 3_600_000_000_000
    assert value(found, "native.target_processing_time") == 0.048
    assert value(row(line(type=kind, created="-")), "event.duration") is None


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [
        ("http", "http"),
        ("h2", "http"),
        ("grpcs", "grpc"),
        ("ws", "websocket"),
        ("wss", "websocket"),
    ],
)
def test_every_type_of_request(kind: str, protocol: str) -> None:
    found = row(line(type=kind))
    assert value(found, "native.request_type") == kind
    assert value(found, "network.protocol") == protocol


def test_account_and_region_are_the_keys_else_those_of_the_arns() -> None:
    found = row(line())
    assert filled(found["cloud"]) == {
        "provider": "aws",
        "account": {"id": "123456789012"},
        "region": "us-east-2",
    }
    lonely = row(line(), key="evidence/alb.log")
    assert filled(lonely["cloud"]) == {
        "provider": "aws",
        "account": {"id": "210987654321"},
        "region": "us-west-2",
    }
    redirected = row(line(group="-"), key="evidence/alb.log")
    assert filled(redirected["cloud"])["region"] == "eu-west-1"
    neither = row(line(group="-", cert='"-"'), key="evidence/alb.log")
    assert filled(neither["cloud"]) == {"provider": "aws"}


def test_an_envelope_knows_the_account_better_than_an_arn() -> None:
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": "111122223333",
        "logGroup": "alb",
        "logStream": "s",
        "subscriptionFilters": [],
        "logEvents": [{"id": "1", "timestamp": 1530570180186, "message": line()}],
    }
    found = preview(json.dumps(message).encode(), "stream-1").rows[0]
    assert value(found, "cloud.account.id") == "111122223333"
    assert value(found, "cloud.region") == "us-west-2"
    assert value(found, "event.original") == line()


def test_bytes_that_are_no_text_and_ends_of_lines_of_windows() -> None:
    good, bad = line(client="10.9.9.9:1"), line(agent='"caf?"').encode().replace(b"?", b"\xe9")
    rows = preview(bad + b"\r\n" + good.encode() + b"\r\n", KEY).rows
    assert [value(r, "user_agent.original") for r in rows] == ["caf\ufffd", "curl/7.46.0"]
    assert base64.b64decode(value(rows[0], "event.original")) == bad
    assert value(rows[0], "log.encoding") == "base64"
    assert value(rows[1], "event.original") == good
    assert value(rows[1], "log.encoding") is None


def test_the_same_line_in_two_objects_is_one_event() -> None:
    one, other = row(line()), row(line(), key=KEY.replace("20sg8hgm", "30sg8hgm"))
    assert value(one, "event.hash") == value(other, "event.hash")
    assert value(row(line(sent="367")), "event.hash") != value(one, "event.hash")


@pytest.mark.parametrize(
    ("agent", "original"),
    [
        (r'"Mozilla/5.0 \x22quoted\x22 (X11)"', r"Mozilla/5.0 \x22quoted\x22 (X11)"),
        ('"say "hi" there"', 'say "hi" there'),
        (r'"back\"slash\" end"', r"back\"slash\" end"),
        ('"a\x1fb"', "a\ufffdb"),
    ],
)
def test_quotes_in_a_user_agent_shift_no_field(agent: str, original: str) -> None:
    found = row(line(agent=agent))
    assert value(found, "user_agent.original") == original
    assert value(found, "native.elb") == "app/my-lb/50dc6c495c0c9188"
    assert value(found, "native.target_group_arn") == GROUP
    assert value(found, "native.conn_trace_id") == "TID_1234abcd5678ef90"


@pytest.mark.parametrize("where", ["request", "agent", "redirect", "uri"])
@pytest.mark.parametrize("text", ['" ' * 3000, '" "' * 3000, '" - - arn: "' * 700])
def test_a_hostile_line_takes_no_time(where: str, text: str) -> None:
    started = time.process_time()
    result = read(line(), *[line(**{where: f'"{text}"'}) for _ in range(10)])
    assert len(result.rows) >= 1
    assert time.process_time() - started < 20


@pytest.mark.parametrize("end", ["", " "])
def test_quotes_in_a_url_shift_no_field(end: str) -> None:
    text = line(request=f'"GET https://h:443/?q="a b" HTTP/1.1{end}"')
    found = row(text)
    assert value(found, "event.original") == text
    assert value(found, "http.version") == "1.1"
    assert value(found, "url.query") == 'q="a b"'
    assert value(found, "user_agent.original") == "curl/7.46.0"
    assert value(found, "native.trace_id") == "Root=1-58337281-1d84f3d73c47ec4e58577259"


@pytest.mark.parametrize("fields", [17, 20, 25, 27, 29, 30, 33, 34])
@pytest.mark.parametrize("forged", ['/" "x', '/" "Googlebot" "x', '/" "1" "2" "3" "4'])
def test_what_looks_like_the_end_of_a_field_forges_none(fields: int, forged: str) -> None:
    """`/" "Googlebot` in a URL begins no user agent."""
    text = line(request=f'"GET https://h:443{forged} HTTP/1.1"', fields=str(fields))
    found = row(text)
    assert value(found, "url.path") == forged
    assert value(found, "user_agent.original") == "curl/7.46.0"
    assert value(found, "tls.version") == "1.2"
    assert value(found, "native.target_group_arn") == GROUP
    own = row(line(agent=f'"{forged}"', fields=str(fields)))
    assert value(own, "user_agent.original") == forged
    assert value(own, "native.target_group_arn") == GROUP


@pytest.mark.parametrize(
    "key", [KEY, NAME, "x/" + NAME, "renamed.txt", "logs/2019-02-06-00-05-12-0123456789ABCDEF"]
)
def test_told_by_its_lines_whatever_the_key(key: str) -> None:
    assert list(read(line(), key=key).tables) == ["alb"]


def test_what_is_not_an_alb_log_is_set_aside() -> None:
    test = b"Enable AccessLog for ELB: app/elb-name/abc123456 at 2025-05-30T16:47:00.781Z"
    found = preview(test, "AWSLogs/123456789012/ELBAccessLogTestFile")
    assert (found.status, found.tables) == ("ignored", {})
    export = preview(b"Permission Check Successful", "exported/aws-logs-write-test")
    assert (export.status, export.tables) == ("ignored", {})
    health = b"http 2025-06-11T10:15:20.123456Z 0.010 10.0.0.1:80 my-tg PASS 200 -"
    named = KEY.replace("/123456789012_", "/health_check_log_123456789012_")
    found = preview(health, named)
    assert (found.status, found.tables) == ("ignored", {})
    logged = b'{"type":"http","time":"2025-06-11T10:15:20.123456Z","latency":"0.010",'
    logged += b'"target_addr":"10.0.0.1:80","target_group_id":"my-tg","status":"PASS"}'
    for data in (health, logged):
        assert preview(data, "x.log").reason == "ALB health check log (no client traffic)"


def test_objects_of_nothing_are_read() -> None:
    for data in (b"", gzip.compress(b""), b"\n\n"):
        found = preview(data, KEY)
        assert (found.status, found.tables, found.rejects) == ("read", {}, [])


def test_rows_as_cloudwatch_delivers_them() -> None:
    """JSON with the names of the documentation's fields."""
    text = (
        '{"type":"https","time":"2026-02-01T10:00:00.186641Z","elb":"app/my-lb/5",'
        '"client_port":"81.2.69.142:2817","target_port":"10.0.0.1:80",'
        '"request_processing_time":0.001,"target_processing_time":0.002,'
        '"response_processing_time":0,"elb_status_code":200,"target_status_code":"200",'
        '"received_bytes":34,"sent_bytes":366,'
        '"request_line":"GET https://h:443/ HTTP/2.0","user_agent":"curl/7.46.0"}'
    )
    found = row(text, key="x.json")
    assert value(found, "source.ip") == "81.2.69.142"
    assert value(found, "http.response.status_code") == 200
    assert value(found, "url.domain") == "h"
    assert value(found, "event.duration") == 3_000_000
    assert value(found, "event.original") == text


def test_rows_as_vector_parses_them() -> None:
    """`parse_aws_alb_log`: the client and the target had no address."""
    names = {
        "type": "h2",
        "timestamp": "2026-02-01T10:00:00.186641Z",
        "elb": "app/my-lb/5",
        "client_host": "81.2.69.142:2817",
        "target_host": "10.0.0.1:80",
        "elb_status_code": "200",
        "request_method": "GET",
        "request_url": "https://h:443/a?b=c",
        "request_protocol": "HTTP/2.0",
    }
    found = row(json.dumps(names), key="x.json")
    assert (value(found, "source.ip"), value(found, "source.port")) == ("81.2.69.142", 2817)
    assert value(found, "destination.ip") == "10.0.0.1"
    assert value(found, "http.request.method") == "GET"
    assert (value(found, "http.version"), value(found, "url.path")) == ("2.0", "/a")
