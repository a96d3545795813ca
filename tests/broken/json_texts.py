"""JSON that is cut, deep, oddly joined, or not what it says: over the sources that deliver JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import logs

from broken.case import Case, of
from broken.good import GOOD, JSON
from broken.stored import before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broken.good import Good

TRAIL = GOOD["cloudtrail"]
WRONG = "no valid JSON"
STRANGE = "no record of"
BROKEN_RECORDS: dict[str, bytes] = {
    "NaN": b'{"eventName":"x","eventSource":"y","cost":NaN}',
    "Infinity": b'{"eventName":"x","eventSource":"y","cost":-Infinity}',
    "an unquoted name": b'{eventName:"x"}',
    "single quotes": b"{'eventName':'x'}",
    "a comma too many": b'{"eventName":"x",}',
    "no colon": b'{"eventName" "x"}',
    "a raw line end in a string": b'{"eventName":"x\ny"}',
    "a NUL byte": b'{"eventName":"x\0y"}',
    "a NUL between members": b'{"eventName":"x",\0"b":1}',
    "an unknown escape": b'{"eventName":"\\x41"}',
    "a leading zero": b'{"eventName":"x","n":007}',
    "a lone minus": b'{"eventName":"x","n":-}',
    "a comment": b'{"eventName":"x" /* why */}',
    "a bracket of the other kind": b'{"eventName":"x","n":[1}',
    "a million deep": b'{"eventName":"x","a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
}
"""Name -> the text of a record that is no JSON, or none that anybody parses."""
NO_RECORDS: dict[str, tuple[bytes, str]] = {
    "a number": (b"7", STRANGE),
    "a string": (b'"eventName"', WRONG),
    "null": (b"null", STRANGE),
    "true": (b"true", STRANGE),
    "an empty object": (b"{}", STRANGE),
    "another log's object": (b'{"level":"info","msg":"hello"}', STRANGE),
}
"""Name -> the text of JSON that is no record of any source, and why."""


def _cut_text(good: Good, tenth: int) -> Case:
    records = good.records(5)
    plain = good.holding(records)
    plain = plain[: len(plain) * tenth // 20]
    rows, rejects = before(good, records, plain)
    more = {}
    if good.tail == "]}":  # a list that is not closed is cut; of JSON Lines nothing tells
        more = {"status": "partial" if rows or rejects else "failed", "reason": "the object is cut"}
    return of(good, f"text cut at {tenth * 5} %", plain, rows, *rejects, **more)


def _among(good: Good) -> Iterator[Case]:
    """A broken record among good ones."""
    for name, text in BROKEN_RECORDS.items():
        if good.between == "\n" and b"\n" in text:
            continue  # two lines, of which each is told
        records = good.records(3)
        yield of(good, name, good.holding([records[0], text, *records[1:]]), 3, (2, WRONG))
    for name, (text, word) in NO_RECORDS.items():
        records = good.records(2)
        yield of(good, name, good.holding([records[0], text, records[1]]), 2, (2, word))


def _documents() -> Iterator[Case]:
    one, two = logs.trail(_events(2)), logs.trail(_events(2))
    yield of(TRAIL, "two documents without a separator", one + two, 4)
    yield of(TRAIL, "two documents by lines", _trail(2) + b"\n" + _trail(2), 4)
    yield of(
        TRAIL,
        "two documents, the second cut",
        _trail(2) + _trail(2)[:-200],
        3,
        (4, WRONG),
        status="partial",
        reason="the object is cut",
    )
    records = TRAIL.records(3)
    yield of(TRAIL, "records without a separator", b"".join(records), 3)
    records = TRAIL.records(3)
    yield of(TRAIL, "records between commas", b",".join(records), 3)
    yield of(TRAIL, "JSON Lines in CRLF", b"\r\n".join(TRAIL.records(3)) + b"\r\n", 3)
    cut = {"status": "partial", "reason": "the object is cut"}
    yield of(
        TRAIL,
        "pretty-printed, cut",
        logs.pretty({"Records": _events(2)})[:-300],
        1,
        (2, WRONG),
        **cut,
    )
    closed = TRAIL.holding(TRAIL.records(2))[:-2]
    yield of(TRAIL, "cut between two records", closed, 2, **cut)
    closed = TRAIL.holding(TRAIL.records(2))[:-2]
    yield of(TRAIL, "cut behind the comma", closed + b",", 2, **cut)
    yield of(TRAIL, "rubbish behind the document", _trail(2) + b"}}]] and so on", 2, (3, WRONG))
    yield of(TRAIL, "rubbish before the document", b"xyz " + _trail(2), 2)
    yield of(
        TRAIL, "another member behind Records", logs.trail(_events(2))[:-1] + b',"a":{"b":[1]}}', 2
    )
    yield of(TRAIL, "Records twice", b'{"Records":[],"Records":[' + TRAIL.records(1)[0] + b"]}", 1)
    records = TRAIL.records(1)
    yield of(TRAIL, "Records in Records", b'{"Records":[{"Records":[' + records[0] + b"]}]}", 1)
    yield of(TRAIL, "no Records at all", b'{"Records":[]}')
    for name, text in {
        "a string": b'"x"',
        "a number": b"5",
        "null": b"null",
        "an object": b'{"eventName":"x"}',
    }.items():
        data = b'{"Records":' + text + b"}"
        yield of(TRAIL, f"Records that is {name}", data, 0, (1, STRANGE))
        yield Case(
            f"Records that is {name}, under no telling key",
            "some/where/x.json",
            data,
            status="unknown",
            reason="members Records",
        )
        yield of(
            TRAIL,
            f"Records that is {name}, among lines",
            b"\n".join([*TRAIL.records(1), data, *TRAIL.records(1)]),
            2,
            (2, STRANGE),
        )
    yield of(
        TRAIL,
        "Records of numbers",
        b'{"Records":[1,2,3]}',
        status="unknown",
        reason="no source knows",
    )
    text = json.dumps(logs.event(900_001))
    yield of(TRAIL, "a record as a string", json.dumps({"Records": [text]}).encode(), 1)


def _trail(number: int) -> bytes:
    return TRAIL.object(number)


def _events(number: int) -> list[object]:
    return [json.loads(record) for record in TRAIL.records(number)]


def _depth() -> Iterator[Case]:
    for depth in (900, 1_000_000):  # Python 3.11 goes 1,000 deep, 3.13 10,000, 3.14 100,000
        (record,) = TRAIL.records(1)
        deep = (
            record[:-1] + b',"additionalEventData":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        )
        good = TRAIL.records(2)
        data = TRAIL.holding([good[0], deep, good[1]])
        if depth == 900:
            yield of(TRAIL, f"{depth} deep", data, 3)
        else:
            yield of(TRAIL, f"{depth} deep", data, 2, (2, WRONG))
    cut = {"status": "partial", "reason": "the object is cut"}
    yield of(TRAIL, "brackets without an end", b"[" * 200_000, 0, (1, WRONG), **cut)
    yield of(TRAIL, "braces without an end", b'{"a":' * 200_000, 0, (1, WRONG))


def _envelopes() -> Iterator[Case]:
    """Broken envelopes; what is not broken in them is in."""
    flows = [record.decode() for record in GOOD["vpcflow"].records(2)]
    whole = logs.compact(logs.subscription(flows))
    yield of(GOOD["vpcflow"], "a subscription", whole, 2)
    cut = whole[: whole.rindex(b'{"id"') + 30]
    yield of(
        GOOD["vpcflow"],
        "a subscription, cut",
        cut,
        1,
        (2, WRONG),
        status="partial",
        reason="the object is cut",
    )
    bad = logs.subscription([GOOD["vpcflow"].records(1)[0].decode(), "x"])
    bad["logEvents"].insert(1, {"id": "1", "message": 5})
    bad["logEvents"].insert(1, "no event")
    rejects = ((2, "no CloudWatch Logs event"), (3, "no CloudWatch Logs event"), (4, "fields"))
    yield of(GOOD["vpcflow"], "log events that are none", logs.compact(bad), 1, *rejects)
    bad = logs.subscription([record.decode() for record in TRAIL.records(1)])
    bad["logEvents"].append({"id": "2", "timestamp": "never", "message": "{broken"})
    yield of(TRAIL, "a message that is broken JSON", logs.compact(bad), 1, (2, WRONG))
    control = logs.compact(logs.subscription(["CWL CONTROL MESSAGE"], "CONTROL_MESSAGE"))
    yield of(TRAIL, "a control message", control)
    event = logs.bus_event(_events(1)[0])
    yield of(TRAIL, "an event of EventBridge", logs.compact(event), 1)
    yield of(
        TRAIL,
        "an event of EventBridge, its detail a string",
        logs.compact(logs.bus_event("no")),
        status="unknown",
        reason="no source knows",
    )
    yield of(
        TRAIL,
        "an event of EventBridge, its detail a list",
        logs.compact(logs.bus_event([1])),
        0,
        (1, STRANGE),
    )
    notice = {"Type": "Notification", "Message": "Hello"}
    yield of(
        TRAIL,
        "a notification of something else",
        logs.compact(notice),
        status="unknown",
        reason="no source knows",
    )
    found = logs.looked_up(_events(2))
    found["Events"][1]["CloudTrailEvent"] = "{cut"
    yield of(
        TRAIL, "an answer of lookup-events, one event broken", logs.compact(found), 1, (2, WRONG)
    )
    line = b"2024-02-01T10:00:00.000Z "
    records = GOOD["vpcflow"].records(2)
    yield of(
        GOOD["vpcflow"],
        "an export, one line without its time",
        line + records[0] + b"\nx\n" + line + records[1] + b"\n",
        2,
        (2, "fields"),
    )


def cases() -> Iterator[Case]:
    for tenth in range(1, 20):
        yield _cut_text(TRAIL, tenth)
    for name in JSON[1:]:
        for tenth in (3, 9, 15):
            yield _cut_text(GOOD[name], tenth)
    for name in ("cloudtrail", "waf", "guardduty"):
        yield from _among(GOOD[name])
    yield from _documents()
    yield from _depth()
    yield from _envelopes()
    records = GOOD["waf"].records(3)
    lines = b"\n".join([records[0], b"[", *records[1:]])
    yield of(GOOD["waf"], "a bracket in a line", lines, 3, (2, WRONG))
