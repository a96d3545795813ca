"""Values out of range or of another type within records that are otherwise good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import logs

from broken.case import Case, of
from broken.good import GOOD, finding, request

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES: dict[str, str | None] = {
    "0000-01-01T00:00:00Z": "time",
    "0001-01-01T00:00:00Z": "out of range",
    "10000-01-01T00:00:00Z": "out of range",
    "294276-12-31T23:59:59Z": "no valid time",
    "2024-02-30T00:00:00Z": "no valid time",
    "2024-02-01T25:00:00Z": "no valid time",
    "2024-02-01": None,
    "infinity": "out of range",
    "-infinity": "out of range",
    "1706781600": None,
    "9223372036854775808": "no valid time",
    "": "no valid time",
    "now": "no valid time",
    "2024-02-01T10:00:00Z'); DROP TABLE x; --": "no valid time",
}
"""eventTime -> a word of the reject's reason; None: a row."""
MEMBERS: dict[str, dict[str, object]] = {
    "2^64-1 in a member": {"apiVersion": 2**64 - 1},
    "2^64 in requestParameters": {"requestParameters": {"n": 2**64}},
    "an object where text belongs": {"eventName": {"a": 1}},
    "a list where text belongs": {"awsRegion": ["eu-west-1"]},
    "a number where text belongs": {"userAgent": 5},
    "text where an object belongs": {"userIdentity": "root"},
    "a list where an object belongs": {"userIdentity": [1, 2]},
    "text where a truth value belongs": {"readOnly": "perhaps"},
    "a number where a list belongs": {"resources": 5},
    "objects and numbers in a list": {"resources": [5, {"ARN": "a"}, None, "x"]},
    "null everywhere": {"userIdentity": None, "requestParameters": None, "sourceIPAddress": None},
    "an account that leads out": {"recipientAccountId": "../.."},
    "an account as a number": {"recipientAccountId": 111122223333},
    "a region with a quote and a slash": {"awsRegion": "eu'-/\\\"west-1/../.."},
    "a region of 10,000 letters": {"awsRegion": "e" * 10_000},
    "a region with a line end": {"awsRegion": "eu-west-1\n"},
    "an address that is none": {"sourceIPAddress": "999.1.1.1"},
    "an address of 10,000 digits": {"sourceIPAddress": "1:" * 5_000},
    "an agent of a megabyte": {"userAgent": "Mozilla/5.0 " + "(" * 1_000_000},
    "NUL in a value": {"userAgent": "a\0b"},
    "an empty name": {"": 1},
    "a name with a dot and a quote": {'a."b': 1, "eventname": "other"},
    "an ARN that is none": {"userIdentity": {"type": "IAMUser", "arn": ":" * 500}},
}
"""Members of a CloudTrail record that is a row all the same."""
FLOW_FIELDS: dict[str, dict[str, object]] = {
    "a port of 70000": {"srcport": 70_000},
    "a port of -1": {"srcport": -1},
    "a port of 2^31": {"dstport": 2**31},
    "a port that is a word": {"dstport": "https"},
    "negative bytes": {"bytes": -5},
    "bytes of 2^63": {"bytes": 2**63},
    "bytes of 2^64-1": {"bytes": 2**64 - 1},
    "bytes of 1.5": {"bytes": "1.5"},
    "bytes of 1e400": {"bytes": "1e400"},
    "packets of NaN": {"packets": "NaN"},
    "a protocol of 999": {"protocol": 999},
    "a version of 2^40": {"version": 2**40},
    "an account that leads out": {"account": "../.."},
    "an account with a quote": {"account": "1'111"},
    "an address that is none": {"src": "999.999.1.1"},
    "an IPv6 address with too many groups": {"src": "1:2:3:4:5:6:7:8:9"},
    "an end before its start": {"start": 1_706_781_600, "end": 1_706_781_000},
}
"""Fields of a flow that is a row all the same."""


def _calls() -> Iterator[Case]:
    good = GOOD["cloudtrail"]

    def with_record(name: str, record: bytes, reject: str | None, **more: object) -> Case:
        first, last = good.records(2)
        data = good.holding([first, record, last])
        if reject is None:
            return of(good, name, data, 3, **more)
        return of(good, name, data, 2, (2, reject), **more)

    def text(**members: object) -> bytes:
        return logs.compact(json.loads(good.records(1)[0]) | members)

    for time, word in TIMES.items():
        yield with_record(f"a time of {time!r}", text(eventTime=time), word)
    yield with_record("a time of null", text(eventTime=None), "no valid time")
    yield with_record("a time that is a number", text(eventTime=1_706_781_600), None)
    for name, members in MEMBERS.items():
        yield with_record(name, text(**members), None)
    (plain,) = good.records(1)
    for value in (b"1e400", b"-1e400", b"18446744073709551616", b"1.5", b"1" * 400):
        (plain,) = good.records(1)
        yield with_record(
            f"{value[:30].decode()} where text belongs",
            plain[:-1] + b',"apiVersion":' + value + b"}",
            None,
        )
    (plain,) = good.records(1)
    yield with_record("a member twice", plain[:-1] + b',"eventName":"Other"}', None)
    (plain,) = good.records(1)
    yield with_record(
        "half of a surrogate pair", plain[:-1] + b',"errorMessage":"cut \\ud83d"}', None
    )
    (plain,) = good.records(1)
    yield with_record(
        "the wrong halves", plain[:-1] + b',"errorMessage":"\\udc00\\ud800 \\ud83d\\ude00"}', None
    )
    (plain,) = good.records(1)
    yield with_record(
        "bytes that are not UTF-8", plain[:-1] + b',"errorMessage":"\xff\xfe"}', None, coded=1
    )
    (plain,) = good.records(1)
    yield with_record(
        "a surrogate in UTF-8", plain[:-1] + b',"errorMessage":"\xed\xa0\x80"}', None, coded=1
    )
    (plain,) = good.records(1)
    yield with_record("overlong UTF-8", plain[:-1] + b',"errorMessage":"\xc0\xaf"}', None, coded=1)
    (plain,) = good.records(1)
    many = b",".join(b'"m%d":1' % n for n in range(5_000))
    yield with_record("5,000 members", plain[:-1] + b"," + many + b"}", None)


def _flows() -> Iterator[Case]:
    good = GOOD["vpcflow"]
    for number, (name, fields) in enumerate(FLOW_FIELDS.items()):
        line = logs.flow(800_000 + number, **fields).encode()
        yield of(good, name, good.holding([*good.records(1), line]), 2)
    times = {"-1": -1, "0": 0, "nanoseconds": 17067816 * 10**14, "2^63": 2**63, "a word": "noon"}
    for number, (name, end) in enumerate(times.items()):
        line = logs.flow(810_000 + number, start=end, end=end).encode()
        # the key says when the object was delivered; without it nothing tells the time
        yield of(good, f"a time of {name}", good.holding([*good.records(1), line]), 2)
        line = logs.flow(820_000 + number, start=end, end=end).encode()
        data = good.holding([*good.records(1), line])
        yield _elsewhere(f"a time of {name}, under no telling key", data, 1, (3, "no valid time"))


def _elsewhere(name: str, data: bytes, rows: int, *rejects: tuple[int, str]) -> Case:
    return Case(f"vpcflow: {name}", "some/where/flows.log", data, rows, rejects, source="vpcflow")


def _others() -> Iterator[Case]:
    waf, duty, dns = GOOD["waf"], GOOD["guardduty"], GOOD["route53resolver"]
    for number, (name, time, word) in enumerate(
        [
            ("-1", -1, "time"),
            ("0", 0, "no valid time"),
            ("2^63", 2**63, "no valid time"),
            ("2^63-1", 2**63 - 1, "time"),
            ("a word", "noon", "no valid time"),
            ("null", None, "no valid time"),
            ("an object", {"a": 1}, "no valid time"),
        ]
    ):
        record = logs.compact(request(830_000 + number, timestamp=time))
        yield of(waf, f"a time of {name}", waf.holding([*waf.records(1), record]), 1, (2, word))
    for number, (name, members) in enumerate(
        {
            "a request that is null": {"httpRequest": None},
            "headers that are no list": {"httpRequest": {"clientIp": "192.0.2.1", "headers": "x"}},
            "headers of numbers": {"httpRequest": {"clientIp": "192.0.2.1", "headers": [1, None]}},
            "rules that are no list": {"ruleGroupList": {"a": 1}},
            "a code of 2^40": {"responseCodeSent": 2**40},
            "a code of 1.5": {"responseCodeSent": 1.5},
            "labels of text": {"labels": ["a", "b"]},
        }.items()
    ):
        record = logs.compact(request(840_000 + number, **members))
        yield of(waf, name, waf.holding([*waf.records(1), record]), 2)
    for number, (name, members) in enumerate(
        {
            "a severity of text": {"severity": "high"},
            "a severity of 1e400": {"severity": 10**400},
            "a service of text": {"service": "guardduty"},
            "a resource of a list": {"resource": [{}]},
            "a type without its parts": {"type": "::::"},
        }.items()
    ):
        record = logs.compact(finding(850_000 + number, **members))
        yield of(duty, name, duty.holding([*duty.records(1), record]), 2)
    for name, members in {
        "a port of 2^64": {"srcport": str(2**64)},
        "answers of text": {"answers": "x"},
        "a name of 100,000 letters": {"query_name": "a." * 50_000},
    }.items():
        (record,) = dns.records(1)
        record = logs.compact(json.loads(record) | members)
        yield of(dns, name, dns.holding([*dns.records(1), record]), 2)


def cases() -> Iterator[Case]:
    yield from _calls()
    yield from _flows()
    yield from _others()
