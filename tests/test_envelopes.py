"""What people have around their records: what the AWS command line prints, notifications, the log
groups that EventBridge writes to; and text that begins like JSON and is none."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from logs import (
    ACCOUNT,
    GATEWAY_FLOW,
    bus_event,
    compact,
    events,
    flows,
    looked_up,
    pretty,
    read,
    subscription,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = events(3)
TEXTS = [json.dumps(event) for event in EVENTS]


def log_events(messages: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""
    return {
        "events": [
            {
                "logStreamName": f"{ACCOUNT}_eu-west-1",
                "timestamp": 1_706_781_600_000 + number,
                "message": message,
                "ingestionTime": 1_706_781_609_000,
                "eventId": f"{number:056d}",
            }
            for number, message in enumerate(messages)
        ],
        "searchedLogStreams": [],
    }


def queried(messages: list[str]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html"""
    fields = {"@timestamp": "2024-02-01 10:00:00.000", "@log": f"{ACCOUNT}:/flows", "@ptr": "Cl0K"}
    rows = [fields | {"@message": message, "@logStream": "eni-1-all"} for message in messages]
    return {
        "results": [[{"field": n, "value": v} for n, v in row.items()] for row in rows],
        "statistics": {"recordsMatched": len(rows)},
        "status": "Complete",
    }


def table(header: str) -> bytes:
    """A CSV download of CloudWatch Logs."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [f"2024-02-01,{n}", t] for n, t in enumerate(TEXTS)
    )
    return f"{header}\n{text.getvalue()}".encode()


def notice(message: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html"""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:findings",
        "Message": message,
        "Timestamp": "2024-02-01T10:00:10.000Z",
    }


def queued(body: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html"""
    return {"MessageId": "0e4b1f8e", "ReceiptHandle": "AQEB", "MD5OfBody": "0a1b", "Body": body}


def invoked(body: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": "0e4b1f8e",
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"SentTimestamp": "1706781609000"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:findings",
        "awsRegion": "eu-west-1",
    }


def streamed(text: str) -> str:
    """What CloudWatch Logs sends to Kinesis and to functions."""
    return base64.b64encode(gzip.compress(compact(subscription([text])))).decode()


BUS = [json.dumps(bus_event(event)) for event in EVENTS]
QUEUES: dict[str, Any] = {
    "receive-message": {"Messages": [queued(text) for text in BUS]},
    "--query Messages": [queued(text) for text in BUS],
    "SNS in SQS": {"Messages": [queued(json.dumps(notice(text))) for text in BUS]},
    "a function of SQS": {"Records": [invoked(text) for text in BUS]},
    "a function of SNS in SQS": {"Records": [invoked(json.dumps(notice(t))) for t in BUS]},
    "a function of SNS": {
        "Records": [
            {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notice(t)} for t in BUS
        ]
    },
    "an object in a message": {"Messages": [queued(json.dumps({"Records": EVENTS}))]},
    "get-records": {
        "Records": [
            {"SequenceNumber": "4", "Data": streamed(text), "PartitionKey": "p"} for text in TEXTS
        ],
        "MillisBehindLatest": 0,
    },
    "a function of Kinesis": {
        "Records": [
            {
                "kinesis": {"sequenceNumber": "4", "data": streamed(text)},
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-0:4",
                "eventName": "aws:kinesis:record",
            }
            for text in TEXTS
        ]
    },
}


def failed(data: bytes) -> bytes:
    """https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html"""
    return compact(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": 1_706_781_600_000,
            "errorCode": "DataFormatConversion.MalformedData",
            "errorMessage": "Data does not match the schema.",
            "attemptEndingTimestamp": 1_706_781_660_000,
            "rawData": base64.b64encode(data).decode(),
        }
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pretty(TEXTS), id="--query Events[].CloudTrailEvent"),
        pytest.param(compact(TEXTS), id="the same, compact"),
        pytest.param(pretty([[t] for t in TEXTS]), id="--query Events[].[CloudTrailEvent]"),
        pytest.param("\t".join(TEXTS).encode() + b"\n", id="--output text"),
        pytest.param("\n".join(json.dumps(t) for t in TEXTS).encode(), id="a string a line"),
        pytest.param(pretty(looked_up(EVENTS)["Events"]), id="--query Events"),
        pytest.param(pretty(log_events(TEXTS)), id="filter-log-events"),
        pytest.param(
            compact({"events": log_events(TEXTS)["events"], "nextForwardToken": "f/1"}),
            id="get-log-events",
        ),
        pytest.param(
            b"\n".join(compact(notice(json.dumps(bus_event(e)))) for e in EVENTS),
            id="EventBridge in SNS",
        ),
        pytest.param(
            compact(subscription([json.dumps(bus_event(e)) for e in EVENTS])),
            id="EventBridge in a subscription",
        ),
        pytest.param(
            b"".join(b"2024-02-01T10:00:09.000Z " + compact(bus_event(e)) + b"\n" for e in EVENTS),
            id="EventBridge in an export file",
        ),
        pytest.param(
            "".join(f"2024-02-01T10:00:09.123000+00:00 {ACCOUNT}_s {t}\n" for t in TEXTS).encode(),
            id="tail",
        ),
        pytest.param(
            "".join(f"2024-02-01T10:00:09 {t}\n" for t in TEXTS).encode(),
            id="tail --format short",
        ),
        pytest.param(
            b"\n".join(failed(t.encode() + b"\n") for t in TEXTS), id="not delivered by Firehose"
        ),
        pytest.param(
            failed(gzip.compress(compact(subscription(TEXTS)))) + b"\n",
            id="a subscription not delivered by Firehose",
        ),
        pytest.param(
            compact([{"@timestamp": "2024-02-01 10:00:00.000", "@message": e} for e in EVENTS]),
            id="Logs Insights, JSON",
        ),
        pytest.param(
            compact([{"@timestamp": "2024-02-01 10:00:00.000", "@message": t} for t in TEXTS]),
            id="Logs Insights, JSON in text",
        ),
        pytest.param(table("@timestamp,@message"), id="Logs Insights, CSV"),
        pytest.param(pretty(queried(TEXTS)), id="get-query-results"),
        pytest.param(table("timestamp,message"), id="a log group's page, CSV"),
    ],
)
def test_records_come_out_of_what_is_around_them(data: bytes) -> None:
    found = read(data)
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert [json.loads(text) for text in found.originals] == EVENTS


@pytest.mark.parametrize("form", [compact, pretty])
@pytest.mark.parametrize("queue", QUEUES)
def test_events_come_out_of_a_queue(queue: str, form: Callable[[Any], bytes]) -> None:
    found = read(form(QUEUES[queue]))
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert [json.loads(text) for text in found.originals] == EVENTS


def test_an_event_of_a_function_of_logs() -> None:
    assert read(compact({"awslogs": {"data": streamed(TEXTS[0])}})).originals == [TEXTS[0]]


def test_what_is_no_event_in_a_queue_costs_itself() -> None:
    """S3 puts a test event into a queue that it is told to notify."""
    odd = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})
    for messages in ([odd, *BUS], [*BUS, odd]):
        found = read(compact({"Messages": [queued(text) for text in messages]}))
        assert (found.status, found.ids) == ("read", [1, 2, 3])
        assert [r.text for r in found.rejects] == [odd]


SHIPPED: dict[str, Callable[[str], object]] = {
    "Logstash": lambda t: {"@timestamp": "2024-02-01T10:00:05Z", "@version": "1", "message": t},
    "Vector": lambda t: {
        "message": t,
        "source_type": "aws_s3",
        "timestamp": "2024-02-01T10:00:05Z",
    },
    "Docker": lambda t: {"log": f"{t}\n", "stream": "stdout", "time": "2024-02-01T10:00:05Z"},
    "Splunk": lambda t: {"preview": False, "offset": 0, "result": {"_raw": t, "host": "h"}},
}


@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
@pytest.mark.parametrize("shipper", SHIPPED)
def test_records_in_what_a_shipper_wrote(shipper: str, records: list[str]) -> None:
    found = read(b"\n".join(compact(SHIPPED[shipper](text)) for text in records))
    assert (found.status, found.originals, found.rejects) == ("read", records, [])


def test_another_applications_messages_are_unknown() -> None:
    found = read(b"\n".join(compact({"level": "INFO", "message": f"run {n}"}) for n in range(3)))
    assert (found.status, found.reason) == (
        "unknown",
        "JSON that no source knows (members level, message)",
    )


def test_records_of_splunk_as_csv() -> None:
    assert read(table("_time,_raw")).originals == TEXTS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
@pytest.mark.parametrize(
    "wrapped",
    [failed, lambda data: compact({"Messages": [queued(data.decode())]})],
    ids=["Firehose", "SQS"],
)
def test_several_records_in_one_text(
    wrapped: Callable[[bytes], bytes], records: list[str], end: str
) -> None:
    """Who sends records may put some together; all but the first were lost."""
    found = read(wrapped((end.join(records) + end).encode()))
    assert (found.status, found.originals, found.rejects) == ("read", records, [])
    assert len(set(found.hashes)) == 3


@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
def test_a_string_a_line(records: list[str]) -> None:
    """`jq '.events[].message'`"""
    assert read(b"\n".join(map(compact, records))).originals == records
    odd = read(b'"started"\n"stopped"\n')
    assert (odd.status, odd.rows) == ("unknown", [])


@pytest.mark.parametrize("time", ["", "2024-02-01T10:00:09.000Z ", "2024-02-01T10:00:09 "])
@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
def test_what_awslogs_prints(records: list[str], time: str) -> None:
    """https://github.com/jorgebastida/awslogs"""
    data = "".join(f"/aws/logs eni-1-all {time}{text}\n" for text in records)
    odd = f"/aws/logs eni-1-all {time}started"
    found = read(f"{data}{odd}\n".encode())
    assert found.originals == records
    assert [(r.position, r.text) for r in found.rejects] == [(4, odd)]
    context = json.loads(found.rows[0]["log"]["context"])
    assert {name: value for name, value in context.items() if value is not None} == {
        "log_group": "/aws/logs",
        "log_stream": "eni-1-all",
    } | ({"time": time.strip()} if time else {})


def test_one_record_as_a_string() -> None:
    assert read(json.dumps(TEXTS[0]).encode()).originals == [TEXTS[0]]


def test_lines_as_strings() -> None:
    assert read(pretty(flows(3))).bytes == [1001, 1002, 1003]
    assert read(pretty(log_events(flows(3)))).bytes == [1001, 1002, 1003]
    assert read(pretty(queried(flows(3)))).bytes == [1001, 1002, 1003]


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


def test_what_firehose_left_and_cannot_be_opened_is_refused_as_it_stands() -> None:
    cut = failed(gzip.compress(compact(subscription(TEXTS)))[:-9])
    odd = failed(b"").replace(b'"rawData":""', b'"rawData":"no base64"')
    found = read(b"\n".join([failed(TEXTS[0].encode()), cut, odd]))
    assert found.ids == [1]
    assert [(r.position, r.text) for r in found.rejects] == [(2, cut.decode()), (3, odd.decode())]


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
    monkeypatch.setattr("lake.decode.WINDOW", window)
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


def test_a_name_that_is_not_utf8_costs_its_record() -> None:
    odd = b'{"message":"x","\xff":1}'
    for lines in ([*map(compact, EVENTS), odd], [odd, *map(compact, EVENTS)]):
        found = read(b"\n".join(lines))
        assert (found.status, found.ids) == ("read", [1, 2, 3])
        assert [(r.position, r.reason, r.text) for r in found.rejects] == [
            (
                lines.index(odd) + 1,
                "no record of cloudtrail",
                odd.decode("utf-8", "backslashreplace"),
            )
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


@pytest.mark.parametrize(
    "line",
    [
        "[2025-01-31 10:00:00,123] INFO [KafkaServer id=1] started (kafka.server.KafkaServer)",
        "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708] File does not exist: /favicon",
        "[section]",
        "[1,2,3]",
    ],
)
def test_text_that_begins_with_a_bracket_is_no_json(line: str) -> None:
    found = read(f"{line}\n{line}\n".encode())
    assert (found.status, found.rows, found.rejects) == ("unknown", [], [])
    assert found.reason == f"text that no source knows (begins {line[:60]!r})"


def test_a_null_among_the_records_is_a_reject() -> None:
    found = read(compact([None, EVENTS[0]]))
    assert found.ids == [1]
    assert [(r.position, r.text) for r in found.rejects] == [(1, "null")]


def test_what_is_unknown_has_no_rejects() -> None:
    found = read(b'{"a": 1}\n{"a": 2\n{"a": 3}\n')
    assert (found.status, found.rejects) == ("unknown", [])


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (r"\ud83d", "\ufffd"),
        (r"\udc00", "\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
        (r"\uD83D\ud83d\ude00", "\ufffd\U0001f600"),
    ],
)
def test_half_a_surrogate_pair_costs_itself(given: str, meant: str) -> None:
    """As a writer leaves it that cuts a long value at a fixed length."""
    odd = TEXTS[0].replace("198.51.100.7", given)
    for data in (f'{{"Records": [{odd}, {TEXTS[1]}]}}', f"{odd}\n{TEXTS[1]}\n", f"{odd}{TEXTS[1]}"):
        found = read(data.encode())
        assert (found.ids, found.rejects) == ([1, 2], [])
        assert found.rows[0]["source"]["address"] == meant
        assert found.originals == [odd, TEXTS[1]]


HALF = [TEXTS[0], TEXTS[1].replace("198.51.100.7", r"\ud83d"), TEXTS[2]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(compact(subscription(HALF)), id="a subscription"),
        pytest.param(compact(log_events(HALF)), id="filter-log-events"),
        pytest.param(pretty(queried(HALF)), id="get-query-results"),
        pytest.param(
            compact({"Events": [{"CloudTrailEvent": text} for text in HALF]}), id="lookup-events"
        ),
        pytest.param(compact(notice(f'{{"Records": [{", ".join(HALF)}]}}')), id="an object in SNS"),
    ],
)
def test_half_a_surrogate_pair_in_a_message_costs_itself(data: bytes) -> None:
    """What a caller sends is in the message: no other event goes with it, nor does this one."""
    found = read(data)
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert found.rows[1]["source"]["address"] == "\ufffd"
    assert found.originals == HALF


CUT = [TEXTS[0], TEXTS[1].replace("198.51.100.7", "A\ud83d"), TEXTS[2]]
"""Texts of which one has half a pair itself, that the envelope's JSON has to escape."""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(compact(subscription(CUT)), id="a subscription"),
        pytest.param(pretty(queried(CUT)), id="get-query-results"),
        pytest.param(
            compact({"Events": [{"CloudTrailEvent": text} for text in CUT]}), id="lookup-events"
        ),
        pytest.param(compact({"Messages": [queued(text) for text in CUT]}), id="SQS"),
        pytest.param(
            compact([queued(compact(notice(text)).decode()) for text in CUT]), id="SNS in SQS"
        ),
        pytest.param(pretty(CUT), id="strings"),
    ],
)
def test_half_a_surrogate_pair_in_an_envelopes_escapes_is_kept(data: bytes) -> None:
    """As bytes that are no UTF-8, and said so, where the row has U+FFFD."""
    found = read(data)
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert [row["log"]["encoding"] for row in found.rows] == [None, "base64", None]
    assert base64.b64decode(found.originals[1]) == CUT[1].encode("utf-8", "surrogatepass")
    assert found.rows[1]["source"]["address"] == "A\ufffd"


def test_other_damage_is_not_mended() -> None:
    odd = TEXTS[0].replace("198.51.100.7", r"\ud83d").replace("true", "NaN")
    found = read(f"{odd}\n{TEXTS[1]}\n".encode())
    assert found.ids == [2]
    assert [(r.reason, r.text) for r in found.rejects] == [("no valid JSON", odd)]


def test_security_hub_is_named() -> None:
    finding = {"SchemaVersion": "2018-10-08", "ProductArn": "arn:aws:x", "GeneratorId": "g"}
    found = read(compact(bus_event({"findings": [finding]})))
    assert (found.status, found.reason) == (
        "unknown",
        "Security Hub findings; no source reads them yet",
    )
