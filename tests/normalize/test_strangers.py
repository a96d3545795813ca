"""Records that lie among another source's: their envelope, their bytes, what is broken in them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from logs import (
    ACCOUNT,
    BALANCER_LINES,
    FLOW_HEADER,
    QUERY,
    TRAIL_KEY,
    bus_event,
    compact,
    event,
    read,
    subscription,
)
from small_lake import INSIGHT

if TYPE_CHECKING:
    from logs import Read

HOMELESS = {name: value for name, value in INSIGHT.items() if name != "recipientAccountId"}


def homes(result: Read) -> list[tuple[str, int, Any]]:
    """Table, place and account of each row."""
    return [
        (row["event"]["dataset"], row["log"]["offset"], row["cloud"]["account"]["id"])
        for row in result.rows
    ]


def test_the_envelope_says_where_a_stranger_is_from() -> None:
    messages = [json.dumps(event(1)), json.dumps(HOMELESS), json.dumps(event(2))]
    result = read(compact(subscription(messages)))
    assert homes(result) == [
        ("cloudtrail", 1, ACCOUNT),
        ("cloudtrail_insight", 2, ACCOUNT),
        ("cloudtrail", 3, ACCOUNT),
    ]
    assert json.loads(result.rows[1]["log"]["context"]) == {
        "account": ACCOUNT,
        "region": None,
        "time": "1706781600001",
        "id": f"{1:056d}",
        "log_group": "trail-or-flows",
        "log_stream": f"{ACCOUNT}_eu-west-1",
    }


def test_a_strangers_bytes_that_are_not_utf8_are_kept() -> None:
    bad = compact({**INSIGHT, "sharedEventID": "BAD"}).replace(b"BAD", b"\xff")
    result = read(compact(event(1)) + b"\n" + bad, TRAIL_KEY)
    assert [place for _, place, _ in homes(result)] == [1, 2]
    row = result.rows[1]
    assert row["event"]["dataset"] == "cloudtrail_insight"
    assert row["log"]["encoding"] == "base64"
    assert base64.b64decode(row["event"]["original"]) == bad
    assert row["native"]["sharedEventID"] == "\N{REPLACEMENT CHARACTER}"


def test_an_envelope_among_plain_records() -> None:
    """Its records have its place; what is no record in it is a reject, not lost."""
    second = subscription([json.dumps(event(2)), json.dumps(INSIGHT)])
    second["logEvents"].append("no event")
    data = b"\n".join([compact(event(1)), compact(second), compact(bus_event(event(4)))])
    result = read(data, TRAIL_KEY)
    assert homes(result) == [
        ("cloudtrail", 1, ACCOUNT),
        ("cloudtrail_insight", 2, "111111111111"),
        ("cloudtrail", 2, ACCOUNT),
        ("cloudtrail", 3, ACCOUNT),
    ]
    assert result.rows[0]["log"]["context"] is None
    assert json.loads(result.rows[3]["log"]["context"])["id"].endswith("000000000001")
    assert [(reject.position, reject.reason, reject.text) for reject in result.rejects] == [
        (2, "no CloudWatch Logs event", '"no event"')
    ]


def test_equal_records_of_one_envelope_stay_two() -> None:
    query = json.dumps({**QUERY, "vpc_id": "vpc-1", "srcids": {"instance": "i-1"}})
    data = query.encode() + b"\n" + compact(subscription([query, query, query]))
    result = read(data, "logs/queries.json")
    assert homes(result) == [("route53resolver", place, ACCOUNT) for place in (1, 2, 2, 2)]
    assert len(set(result.hashes)) == 4
    assert read(data, "logs/queries.json").hashes == result.hashes


def test_what_nobody_knows_is_a_reject() -> None:
    result = read(compact(event(1)) + b'\n{"what": "is this"}\n', TRAIL_KEY)
    assert result.ids == [1]
    assert [(reject.position, reject.reason) for reject in result.rejects] == [
        (2, "no record of cloudtrail")
    ]


FLOW = "2 111122223333 eni-1 198.51.100.7 10.0.0.1 1 2 6 3 300 1706781600 1706781660 ACCEPT OK"
LINES = {**BALANCER_LINES, "vpcflow": FLOW}


@pytest.mark.parametrize("first", LINES)
def test_lines_of_several_sources_in_one_file(first: str) -> None:
    """As `zcat */*.gz > all.log` makes it."""
    order = [first, *(name for name in LINES if name != first)]
    lines = [LINES[name] for name in (*order, *order)]
    result = read("\n".join(lines).encode(), "evidence/all.log")
    assert [(name, place) for name, place, _ in homes(result)] == [
        (name, place) for place, name in enumerate((*order, *order), 1)
    ]
    assert {row["source"]["ip"] for row in result.rows} == {"198.51.100.7"}
    assert [row["event"]["original"] for row in result.rows] == lines
    assert not result.rejects


def test_records_among_lines() -> None:
    """Plain and in an envelope; what nobody knows has the reason of the lines' source."""
    records = [json.dumps(event(1)), json.dumps(QUERY), json.dumps(bus_event(event(2)))]
    lines = [FLOW, *records, '{"what": "is this"}', FLOW]
    result = read("\n".join(lines).encode(), "evidence/all.log")
    assert [(name, place) for name, place, _ in homes(result)] == [
        ("vpcflow", 1),
        ("cloudtrail", 2),
        ("route53resolver", 3),
        ("cloudtrail", 4),
        ("vpcflow", 6),
    ]
    assert [(one.position, one.reason, one.text) for one in result.rejects] == [
        (5, "3 fields, expected 14", lines[4])
    ]


def test_lines_of_another_source_below_a_header() -> None:
    lines = [FLOW_HEADER, FLOW, BALANCER_LINES["clb"], "2 eni-1 no flow", FLOW]
    result = read("\n".join(lines).encode(), "evidence/all.log")
    assert [name for name, _, _ in homes(result)] == ["vpcflow", "clb", "vpcflow"]
    assert [(one.position, one.reason) for one in result.rejects] == [(4, "4 fields, expected 14")]


def test_what_the_user_says_lines_are_they_are() -> None:
    data = "\n".join([BALANCER_LINES["alb"], BALANCER_LINES["clb"]]).encode()
    result = read(data, "evidence/all.log", source="alb")
    assert [name for name, _, _ in homes(result)] == ["alb"]
    assert [(one.position, one.reason) for one in result.rejects] == [
        (2, "15 fields, expected at least 17")
    ]
