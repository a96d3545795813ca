"""What CloudWatch Logs puts around records: subscriptions, exports, answers of its API and of Logs
Insights; and lines of several layouts in one stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from logs import (
    ACCOUNT,
    GATEWAY_FLOW,
    bus_event,
    compact,
    events,
    flows,
    pretty,
    read,
    subscription,
)
from query_results import quoted_csv

if TYPE_CHECKING:
    from collections.abc import Callable
from wrapped import EVENTS, TEXTS, log_events, queried


def test_what_an_answer_of_filter_log_events_says_is_kept() -> None:
    context = json.loads(read(compact(log_events(TEXTS))).rows[1]["log"]["context"])
    assert {name: value for name, value in context.items() if value is not None} == {
        "time": "1706781600001",
        "id": f"{1:056d}",
        "log_stream": f"{ACCOUNT}_eu-west-1",
    }


@pytest.mark.parametrize("time", ["2024-02-01T10:00:09+00:00", "2024-02-01T10:00:09.120000+00:00"])
def test_what_a_line_of_tail_says_is_kept(time: str) -> None:
    lines = flows(2)
    found = read("".join(f"{time} eni-1-all {line}\n" for line in lines).encode())
    assert (found.originals, found.places) == (lines, [1, 2])
    context = json.loads(found.rows[0]["log"]["context"])
    assert {name: value for name, value in context.items() if value is not None} == {
        "time": time,
        "log_stream": "eni-1-all",
    }


HEADS = {
    "Fluentd": "2024-02-01T10:00:00+00:00\taws.flow\t",
    "a container": "2024-02-01T10:00:00.123456789Z stdout F ",
    "an export": "2024-02-01T10:00:00.000Z ",
    "a program": "[app] ",
}


@pytest.mark.parametrize("member", ["message", "log", "payload"])
@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
@pytest.mark.parametrize("head", HEADS)
def test_records_within_json_behind_what_stands_before_it(
    head: str, records: list[str], member: str
) -> None:
    """As a shipper adds members of its own to each: such lines were unknown."""
    lines = [HEADS[head] + compact({"tag": "t", member: one}).decode() for one in records]
    found = read("\n".join(lines).encode())
    assert (found.status, found.originals, found.rejects) == ("read", records, [])
    rows = [{"timestamp": "1", "message": line.removeprefix(HEADS[head])} for line in lines]
    found = read(quoted_csv(rows))
    assert (found.status, found.originals, found.rejects) == ("read", records, [])


def test_records_that_a_function_logs() -> None:
    """Its log has lines about itself too; the first of them hid the events."""
    about = "START RequestId: 1 Version: $LATEST"
    said = [json.dumps({"level": "INFO", "message": one}) for one in events(2)]
    found = read(compact(subscription([about, *said])))
    assert (found.status, found.ids) == ("read", [1, 2])
    assert [reject.text for reject in found.rejects] == [about]


@pytest.mark.parametrize("form", ["a list", "lines"])
def test_log_events_without_the_list_that_they_came_in(form: str) -> None:
    """`aws logs filter-log-events --query events`, or through `jq '.events[]'`."""
    logged = [
        {"logStreamName": "s", "timestamp": 1706781600000 + n, "message": text}
        | {"ingestionTime": 1706781700000, "eventId": f"{n}"}
        for n, text in enumerate(TEXTS)
    ]
    found = read(pretty(logged) if form == "a list" else b"\n".join(map(compact, logged)))
    assert (found.originals, found.rejects) == (TEXTS, [])
    context = json.loads(found.rows[0]["log"]["context"])
    assert (context["id"], context["log_stream"]) == ("0", "s")


@pytest.mark.parametrize("window", [200, 1 << 20])
def test_messages_in_the_lines_below_their_time(
    window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`aws logs tail --format json` writes what is JSON over several lines."""
    monkeypatch.setattr("lake.decode.decode.WINDOW", window)
    shown = [json.dumps(json.loads(text), indent=4) for text in TEXTS]
    head = "2024-02-01T10:00:00.123000+00:00 a_CloudTrail_b \n"
    found = read("".join(f"{head}{text}\n" for text in shown).encode())
    assert (found.originals, found.rejects) == (shown, [])
    deep = shown[0].count("\n") + 2
    assert found.places == [n * deep + 1 for n in range(len(TEXTS))]


def test_csv_of_logs_insights() -> None:
    line = flows(1)[0]
    data = (
        "@timestamp,@message,@logStream,@log\n"
        f'2024-02-01 10:00:00.000,"{line}",eni-1-all,{ACCOUNT}:/flows\n'
        "2024-02-01 10:00:01.000,no flow,eni-1-all,\n"
    )
    found = read(data.encode())
    assert (found.originals, found.places) == ([line], [1])
    assert [(r.position, r.text) for r in found.rejects] == [(2, "no flow")]
    assert json.loads(found.rows[0]["log"]["context"]) == {
        "account": ACCOUNT,
        "region": None,
        "time": "2024-02-01 10:00:00.000",
        "id": None,
        "log_group": "/flows",
        "log_stream": "eni-1-all",
    }


@pytest.mark.parametrize("shape", ["an answer", "a download"])
def test_what_a_row_of_logs_insights_says_is_kept(shape: str) -> None:
    answer = queried([TEXTS[0]])
    row = {one["field"]: one["value"] for one in answer["results"][0]}
    found = read(compact(answer if shape == "an answer" else [row]))
    assert found.originals == [TEXTS[0]]
    context = json.loads(found.rows[0]["log"]["context"])
    assert {name: value for name, value in context.items() if value is not None} == {
        "account": ACCOUNT,
        "time": "2024-02-01 10:00:00.000",
        "log_group": "/flows",
        "log_stream": "eni-1-all",
    }


EXPORTED = b"2024-02-01T10:00:09.000Z "
"""What stands before a message in an export file."""


def test_the_records_of_an_envelope_on_an_export_line_are_all_there() -> None:
    """Equal ones too, and each is the same one when the object is read again."""
    one, two = flows(2)
    lines = [compact(subscription([one, two, one])), compact(subscription([two]))]
    data = b"".join(EXPORTED + line + b"\n" for line in lines)
    found = read(data)
    assert (found.originals, found.places) == ([one, one, two, two], [1, 1, 1, 2])
    assert len(set(found.hashes)) == 4
    assert read(data).hashes == found.hashes
    # the first has the identity that a line of its own would have
    assert found.hashes[3] ^ 2 in {number ^ 1 for number in found.hashes[:3]}


@pytest.mark.parametrize("head", [EXPORTED, b"timestamp,message\n1,"])
def test_what_is_no_record_in_the_envelope_of_a_message_is_refused(head: bytes) -> None:
    answer = subscription(TEXTS[:2])
    answer["logEvents"].insert(1, "no event")
    message = json.dumps(answer)
    quoted = '"' + message.replace('"', '""') + '"' if head[-1:] == b"," else message
    found = read(head + quoted.encode() + b"\n")
    assert found.originals == TEXTS[:2]
    assert [(r.reason, r.text) for r in found.rejects] == [
        ("no CloudWatch Logs event", '"no event"')
    ]


def test_a_query_that_left_the_message_out_is_refused_by_row() -> None:
    answer = queried(TEXTS[:1])
    answer["results"].append([{"field": "srcAddr", "value": "10.0.0.1"}])
    found = read(compact(answer))
    assert found.ids == [1]
    assert [r.reason for r in found.rejects] == ["a row of a query without @message"]


def test_an_event_without_a_message_is_refused_as_it_stands() -> None:
    answer = log_events(TEXTS[:1])
    answer["events"] += [{"timestamp": 1, "eventId": "7"}, {"timestamp": 2, "message": ""}]
    found = read(compact(answer))
    assert found.ids == [1]
    assert [(r.position, r.reason, r.text) for r in found.rejects] == [
        (2, "a log event without a message", '{"timestamp":1,"eventId":"7"}'),
        (3, "a log event without a message", '{"timestamp":2,"message":""}'),
    ]


def test_an_event_without_a_message_in_an_export_file_is_refused_as_it_stands() -> None:
    message = compact({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "7"}]})
    good = compact(subscription(flows(1)))
    found = read(b"".join(b"2024-02-01T10:00:09.000Z " + m + b"\n" for m in (good, message)))
    assert found.bytes == [1001]
    assert [(r.position, r.text) for r in found.rejects] == [(2, '{"id":"7"}')]


MORE = "vpc-1 subnet-1 i-1 2 IPv4 10.0.0.7 52.1.2.3 eu-west-1 euw1-az1 - - - AMAZON egress 8"


STREAMS: dict[str, Callable[[list[str]], bytes]] = {
    "subscription": lambda messages: compact(subscription(messages)),
    "filter-log-events": lambda messages: compact(log_events(messages)),
    "get-query-results": lambda messages: compact(queried(messages)),
    "messages": lambda messages: b"\n".join(compact({"message": m}) for m in messages),
    "export": lambda m: "".join(f"2024-02-01T10:00:09.000Z {one}\n" for one in m).encode(),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_lines_of_several_layouts_come_through_one_stream(stream: str) -> None:
    """Flow logs of several formats, of networks and of gateways, are delivered to one log group."""
    one, other, third = flows(3)
    for messages in (
        [one, f"{other} {MORE}", GATEWAY_FLOW, third],
        [f"{other} {MORE}", one, third],
    ):
        found = read(STREAMS[stream](messages))
        assert (found.status, found.rejects) == ("read", [])
        assert found.originals == messages
        assert {row["event"]["dataset"] for row in found.rows} <= {"vpcflow", "tgwflow"}
        assert [row["native"].get("az_id") for row in found.rows] == [
            "euw1-az1" if MORE in message else None for message in messages
        ]
        assert {row["source"]["packets"] for row in found.rows if row["native"].get("tgw_id")} <= {
            3
        }


@pytest.mark.parametrize("stream", STREAMS)
def test_a_first_line_that_no_source_knows_costs_itself(stream: str) -> None:
    found = read(STREAMS[stream](["ERROR no such line", *flows(3)]))
    assert found.originals == flows(3)
    assert [(r.position, r.reason, r.text) for r in found.rejects] == [
        (1, "4 fields, expected 14", "ERROR no such line")
    ]


def test_a_table_of_other_messages_is_unknown() -> None:
    found = read(b"timestamp,level,message\n1,INFO,started\n2,INFO,stopped\n")
    assert (found.status, found.rows, found.rejects) == ("unknown", [], [])


def test_what_two_envelopes_say_is_kept() -> None:
    data = compact(subscription([json.dumps(bus_event(EVENTS[0]))]))
    assert json.loads(read(data).rows[0]["log"]["context"]) == {
        "account": ACCOUNT,
        "region": "eu-west-1",
        "time": "2024-02-01T10:00:09Z",
        "id": "6a7e8feb-b491-4cf7-a9f1-000000000001",
        "log_group": "trail-or-flows",
        "log_stream": f"{ACCOUNT}_eu-west-1",
    }


def test_a_cut_answer_gives_what_is_before_the_cut() -> None:
    whole = pretty(log_events(TEXTS))
    found = read(whole[: whole.rindex(TEXTS[2][-40:-2].replace('"', '\\"').encode())])
    assert found.ids == [1, 2]
    assert [r.reason for r in found.rejects] == ["no valid JSON"]
