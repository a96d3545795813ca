"""What people have around their records: what the AWS command line prints, notifications, the log
groups that EventBridge writes to; and text that begins like JSON and is none."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from logs import (
    ACCOUNT,
    FLOW_HEADER,
    bus_event,
    compact,
    flows,
    looked_up,
    pretty,
    read,
    subscription,
)

if TYPE_CHECKING:
    from collections.abc import Callable
from query_results import TABLES, table_answer
from wrapped import (
    BUS,
    EVENTS,
    TEXTS,
    failed,
    invoked,
    log_events,
    notice,
    queried,
    queued,
    streamed,
    table,
)

from lake.decode.decode import WINDOW

SECOND = datetime(2024, 2, 1, 10, 0, 1, tzinfo=UTC)
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
    "Loki": lambda t: {"labels": {}, "line": t, "timestamp": "2024-02-01T10:00:05Z"},
    "Elastic": lambda t: {"@timestamp": "2024-02-01T10:00:05Z", "event": {"original": t}},
    "elasticdump": lambda t: {"_index": "logs", "_id": "1", "_source": {"event": {"original": t}}},
    "SIEM on OpenSearch": lambda t: {"_index": "log-aws", "_source": {"@message": t, "a": "b"}},
    "_search": lambda t: {"took": 1, "hits": {"total": 1, "hits": [{"_source": {"message": t}}]}},
    "a function of Firehose": lambda t: {
        "invocationId": "1",
        "records": [{"recordId": "4", "data": base64.b64encode(t.encode()).decode()}],
    },
}


@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
@pytest.mark.parametrize("shipper", SHIPPED)
def test_records_in_what_a_shipper_wrote(shipper: str, records: list[str]) -> None:
    found = read(b"\n".join(compact(SHIPPED[shipper](text)) for text in records))
    assert (found.status, found.originals, found.rejects) == ("read", records, [])


def test_the_original_goes_before_words_about_it() -> None:
    """Documents of Elastic's integrations have both; such were unknown."""
    sources = [{"message": f"GetUser {n}", "event": {"original": t}} for n, t in enumerate(TEXTS)]
    found = read(b"\n".join(compact({"_index": "i", "_source": one}) for one in sources))
    assert (found.status, found.originals, found.rejects) == ("read", TEXTS, [])


@pytest.mark.parametrize("action", ["index", "create"])
@pytest.mark.parametrize("about", [{}, {"_index": "logs", "_id": "1"}])
def test_the_body_of_a_bulk_request(action: str, about: dict[str, str]) -> None:
    """Its lines that say what to do are no records; they were rejects."""
    for documents in (EVENTS, [{"message": one, "@timestamp": "x"} for one in flows(3)]):
        lines = [one for document in documents for one in ({action: about}, document)]
        found = read(b"\n".join(map(compact, lines)))
        assert (found.status, len(found.rows), found.rejects) == ("read", 3, [])


CHOSEN = "srcaddr dstaddr bytes action start end account-id"
CHOSEN_FLOWS = [
    f"10.0.0.{n} 203.0.113.9 {1000 + n} REJECT 1706781540 1706781600 {ACCOUNT}" for n in range(1, 4)
]


@pytest.mark.parametrize("shipper", SHIPPED)
def test_a_header_among_the_lines_that_a_shipper_wrote(shipper: str) -> None:
    """Vector, Filebeat and others send an object's lines one by one, its header first: fields of
    one's own choice were unknown, and the header of others a reject."""
    lines = [CHOSEN, *CHOSEN_FLOWS, FLOW_HEADER, *flows(2)]
    found = read(b"\n".join(compact(SHIPPED[shipper](line)) for line in lines))
    assert (found.status, found.rejects) == ("read", [])
    assert found.originals == [*CHOSEN_FLOWS, *flows(2)]
    assert [row["network"]["bytes"] for row in found.rows[:3]] == [1001, 1002, 1003]
    assert [row["event"]["action"] for row in found.rows] == 3 * ["REJECT"] + 2 * ["ACCEPT"]
    assert len(set(found.hashes)) == 5


def test_a_header_and_lines_in_one_message() -> None:
    whole = "\n".join([CHOSEN, *CHOSEN_FLOWS, ""])
    for told in ({"message": whole, "path": "s3://b/k"}, {"body": {"file": whole}}):
        found = read(compact(told))
        assert (found.status, found.originals, found.rejects) == ("read", CHOSEN_FLOWS, [])


def test_directives_among_the_lines_that_a_shipper_wrote() -> None:
    """Those of CloudFront, also of fields of one's own choice."""
    fields = "#Fields: timestamp(ms) c-ip sc-status cs-method cs-uri-stem"
    lines = ["#Version: 1.0", fields, "1706781600123\t203.0.113.9\t403\tGET\t/a"]
    found = read(b"\n".join(compact({"message": line, "offset": 0}) for line in lines))
    assert (found.status, found.rejects) == ("read", [])
    (row,) = found.rows
    assert row["event"]["dataset"] == "cloudfront"
    assert (row["source"]["ip"], row["http"]["response"]["status_code"]) == ("203.0.113.9", 403)


def test_prose_in_a_message_is_no_header() -> None:
    told = ["action taken by the bytes team", "srcaddr was not found", *flows(1)]
    found = read(b"\n".join(compact({"message": one, "level": "info"}) for one in told))
    assert (found.originals, len(found.rejects)) == (flows(1), 2)


def test_documents_that_are_the_events_themselves() -> None:
    found = read(b"\n".join(compact({"_index": "i", "_source": one}) for one in EVENTS))
    assert [json.loads(text) for text in found.originals] == EVENTS


SYSTEMS: dict[str, Callable[[list[Any]], Any]] = {
    "Splunk's HEC": lambda records: [{"sourcetype": "aws", "event": one} for one in records],
    "Splunk's search": lambda records: {
        "preview": False,
        "results": [{"_raw": text(one), "_time": "1"} for one in records],
    },
    "New Relic": lambda records: {
        "results": [{"events": [{"timestamp": 1, "message": text(one)} for one in records]}]
    },
    "Datadog": lambda records: [
        {"_id": "A", "source": "aws", "attributes": one, "tags": ["a:b"]} for one in records
    ],
    "Google": lambda records: [{"insertId": "a", "jsonPayload": one} for one in records],
    "Loki": lambda records: {
        "status": "success",
        "data": {"result": [{"stream": {}, "values": [["17", text(one)] for one in records]}]},
    },
    "OpenTelemetry": lambda records: {
        "resourceLogs": [
            {"scopeLogs": [{"logRecords": [{"body": {"stringValue": text(r)}} for r in records]}]}
        ]
    },
}
"""How other systems hand out what they hold: records as objects, or as text."""


def text(record: Any) -> str:  # noqa: ANN401
    return record if isinstance(record, str) else json.dumps(record)


@pytest.mark.parametrize("window", [WINDOW, 400])
@pytest.mark.parametrize("form", [compact, pretty, lambda value: b"\n".join(map(compact, value))])
@pytest.mark.parametrize("records", [EVENTS, flows(3)])
@pytest.mark.parametrize("system", SYSTEMS)
def test_records_within_what_another_system_wrote(
    system: str,
    records: list[Any],
    form: Callable[[Any], bytes],
    window: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also of an object that is too large to be held, where each stands in a value of its own."""
    whole = SYSTEMS[system](records)
    if isinstance(whole, dict):
        whole, window = [whole], WINDOW
    monkeypatch.setattr("lake.decode.decode.WINDOW", window)
    found = read(form(whole))
    assert (found.status, len(found.rows), found.rejects) == ("read", 3, [])
    events = [one for one in records if isinstance(one, dict)]
    ids = {row["event"]["id"] for row in found.rows if events}
    assert ids == {one["eventID"] for one in events}


LINE = {"log_info": {"s3bucket": "b", "log_file": "access/x"}}
BALANCED = {
    "elb_status_code": "200",
    "received_bytes": "0",
    "sent_bytes": "57",
    "request": "GET https://h.example:443/ HTTP/1.1",
    "user_agent": "curl/7.46.0",
}
COLLECTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cloudtrail": (EVENTS[0] | {"source": "cloudtrail"}, {"event.action": "GetBucketAcl"}),
    "vpcflow": (
        dict(zip(FLOW_HEADER.replace("-", "_").split(), flows(1)[0].split(), strict=True))
        | {"start": "2024-02-01T09:59:00Z", "end": "2024-02-01T10:00:01Z", "source": "vpc"},
        {"event.action": "ACCEPT", "destination.port": 443},
    ),
    "s3access": (
        {
            "bucket_owner": "79a5",
            "bucket": "b",
            "time": "01/Feb/2024:11:00:01 +0100",
            "remote_ip": "192.0.2.3",
            "requester": "-",
            "request_id": "3E57",
            "operation": "REST.PUT.OBJECT",
            "key": "a%252Bb.txt",
            "request_uri": "PUT /b/a%2Bb.txt HTTP/1.1",
            "http_status": "200",
            "object_sent": "2725",
            "source": "s3_server_access",
        },
        {"file.path": "a+b.txt", "file.size": 2725, "source.ip": "192.0.2.3"},
    ),
    "alb": (
        BALANCED
        | {
            "type": "https",
            "time": "2024-02-01T10:00:01.186641Z",
            "client_ip": "192.0.2.3",
            "client_port": "2817",
            "target_ip": "10.0.0.1",
            "target_port": "80",
            "action_executed": "waf,forward",
        },
        {"source.port": 2817, "destination.ip": "10.0.0.1", "event.action": "forward"},
    ),
    "clb": (
        BALANCED
        | {
            "time": "2024-02-01T10:00:01.186641Z",
            "client_port": "192.0.2.3:2817",
            "backend_port": "10.0.0.1:80",
            "backend_status_code": "200",
        },
        {"source.port": 2817, "destination.ip": "10.0.0.1", "destination.port": 80},
    ),
    "nlb": (
        {
            "time": "2024-02-01T10:00:01",
            "elb": "net/n/c6",
            "listener": "g3d4",
            "client_ip": "192.0.2.3",
            "client_port": "2817",
            "destination_ip": "10.0.0.1",
            "destination_port": "443",
            "tls_handshake_time": "2",
        },
        {"source.ip": "192.0.2.3", "destination.ip": "10.0.0.1", "destination.port": 443},
    ),
}
"""What Wazuh's module for AWS makes of logs: wodles/aws/buckets_s3 in its source."""
WAZUH: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "event": lambda one: {"integration": "aws", "aws": LINE | one},
    "alert": lambda one: {
        "timestamp": "2024-02-01T10:20:00.123+0000",
        "rule": {"level": 3, "id": "80202"},
        "data": {"aws": LINE | one, "integration": "aws"},
        "location": "Wazuh-AWS",
    },
    "document": lambda one: {
        "_index": "wazuh-alerts-4.x-2024.02.01",
        "_source": {"data": {"integration": "aws", "aws": LINE | one}, "rule": {"id": "80202"}},
    },
}
ALERT = {
    "timestamp": "2024-02-01T10:00:00.123+0000",
    "rule": {"id": "5710"},
    "data": {"srcuser": "x"},
}


@pytest.mark.parametrize("form", WAZUH)
@pytest.mark.parametrize("source", COLLECTED)
def test_what_wazuh_collected(source: str, form: str) -> None:
    record, due = COLLECTED[source]
    found = read(compact(WAZUH[form](record)))
    assert (found.status, found.rejects) == ("read", [])
    (row,) = found.rows
    assert (row["event"]["dataset"], row["@timestamp"].replace(microsecond=0)) == (source, SECOND)
    told = {path: row for path in due}
    for path in due:
        for name in path.split("."):
            told[path] = told[path][name]
    assert told == due


def test_wazuhs_events_of_all_kinds_in_one_file() -> None:
    """What tells of them need not be the first."""
    lines = [WAZUH["alert"](record) for record, _ in COLLECTED.values()]
    found = read(b"\n".join(map(compact, [ALERT, ALERT, *lines])), "alerts.json")
    assert sorted(row["event"]["dataset"] for row in found.rows) == sorted(COLLECTED)
    assert [reject.text for reject in found.rejects] == [compact(ALERT).decode()] * 2
    assert read(b"\n".join(map(compact, [ALERT, ALERT]))).status == "unknown"


def test_what_is_no_record_of_firehose_costs_itself() -> None:
    good = {"data": base64.b64encode(TEXTS[0].encode()).decode()}
    found = read(compact({"requestId": "r", "records": [good, {"data": "?"}, good]}))
    assert found.ids == [1, 1]
    assert [(r.position, r.text) for r in found.rejects] == [(2, '{"data":"?"}')]


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


@pytest.mark.parametrize("who", TABLES)
def test_a_table_of_events_in_an_answer(who: str) -> None:
    """Its cells are the events' members, objects among them; a row that is none costs itself."""
    answer = table_answer(EVENTS, who)
    found = read(compact(answer))
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert found.hashes == read("\n".join(TEXTS).encode()).hashes
    table = answer["tables"][0] if "tables" in answer else answer
    rows = table[TABLES[who][1]]
    rows[1] = rows[1][:3]
    found = read(compact(answer))
    assert (found.ids, [r.reason for r in found.rejects]) == ([1, 3], ["no row of an answer"])
    assert json.loads(found.rejects[0].text) == rows[1]
    table[TABLES[who][0]] = ["eventName", "eventName"]
    assert read(compact(answer)).status == "unknown"


@pytest.mark.parametrize("rows", [EVENTS, [{"message": one, "n": 1} for one in flows(3)]])
def test_a_table_whose_rows_have_names_too(rows: list[dict[str, Any]]) -> None:
    """As `steampipe query --output json` and Tailpipe print it: it was said not to be readable."""
    columns = [{"name": name, "data_type": "text"} for name in rows[0]]
    found = read(compact({"columns": columns, "rows": rows}))
    assert (found.status, len(found.rows), found.rejects) == ("read", 3, [])
    if "n" in rows[0]:
        assert found.originals == [one["message"] for one in rows]
    else:
        assert [json.loads(text) for text in found.originals] == rows


def test_a_table_of_raw_records_in_an_answer() -> None:
    """Splunk's `output_mode=json_rows`."""
    rows = [{"_time": "1", "_raw": text} for text in TEXTS]
    assert read(compact(table_answer(rows, "Splunk"))).originals == TEXTS


@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
def test_a_string_a_line(records: list[str]) -> None:
    """`jq '.events[].message'`"""
    assert read(b"\n".join(map(compact, records))).originals == records
    for odd in (b'"started"\n"stopped"\n', b'"\x80"\n', b'"\x80\\ud800"\n'):
        assert (read(odd).status, read(odd).rows) == ("unknown", [])


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


@pytest.mark.parametrize(
    "head",
    [
        "<134>Feb  1 10:00:09 host aws: ",
        "Feb 11 10:00:09 host aws[12]: ",
        "2024-02-01T10:00:09.123456+00:00 host aws: ",
        "2024-02-01T19:00:09+09:00 host aws: ",
        "<134>1 2024-02-01T10:00:09Z host aws 12 ID4 - ",
        '<134>1 2024-02-01T10:00:09.1Z host aws - - [a@1 b="c"] ',
        "2024-02-01T10:00:09+00:00\taws.trail\t",
        "2024-02-01T10:00:09.123Z\t0a1b-2c\tINFO\t",
        "[WARNING]\t2024-02-01T10:00:09.123Z\t0a1b-2c\t",
        '2024-02-01T10:00:09Z {job="aws", type="trail"} ',
        "2024-02-01T10:00:09+01:00 {} ",
        "2024-02-01T10:00:09.123456789Z stdout F ",
    ],
)
@pytest.mark.parametrize("records", [TEXTS, flows(3)], ids=["events", "flows"])
def test_what_stands_before_a_record_in_a_line(records: list[str], head: str) -> None:
    found = read("".join(f"{head}{line}\n" for line in ["started", *records]).encode())
    assert found.originals == records
    assert [(r.position, r.text) for r in found.rejects] == [(1, "started")]


@pytest.mark.parametrize("head", ["logs/a.json.gz:", "a.log:12:", "C:\\logs\\a.log:"])
@pytest.mark.parametrize(
    "records", [TEXTS, flows(3), [json.dumps({"Records": [one]}) for one in EVENTS]]
)
def test_what_grep_prints(records: list[str], head: str) -> None:
    found = read("".join(f"{head}{line}\n" for line in records).encode())
    assert (found.status, len(found.rows), found.rejects) == ("read", 3, [])
    assert found.originals == (records if "Records" not in records[0] else TEXTS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text", ["\r\n".join(TEXTS[:1]), "\r\n".join([FLOW_HEADER, *flows(1)])], ids=["events", "flows"]
)
def test_files_of_windows_behind_one_another(text: str, encoding: str) -> None:
    """The mark at the beginning of the second one cost its first record, or its header."""
    found = read(f"{text}\r\n".encode(encoding) * 2)
    assert (found.status, len(found.rows), found.rejects) == ("read", 2, [])
    assert "\ufeff" not in found.originals[1]


@pytest.mark.parametrize("first", [TEXTS[0][90:], "# of Monday", "message"])
def test_a_first_line_that_is_nothing_costs_itself(first: str) -> None:
    """As where a file was split: all of it was unknown."""
    found = read("".join(f"{line}\n" for line in [first, *TEXTS]).encode())
    assert (found.status, found.ids) == ("read", [1, 2, 3])
    assert [(r.position, r.reason, r.text) for r in found.rejects] == [(1, "no valid JSON", first)]


def test_prose_with_json_of_another_kind_below_is_unknown() -> None:
    assert read(b'notes\n{"level": "INFO"}\n').status == "unknown"


@pytest.mark.parametrize("events", [TEXTS, [json.dumps({"Records": EVENTS})]])
def test_lines_of_a_log_behind_json(events: list[str]) -> None:
    """Each was as many rejects as it has words that are JSON."""
    found = read("".join(f"{line}\n" for line in [*events, *flows(2), "x 1 2"]).encode())
    assert found.originals == [*TEXTS, *flows(2)]
    assert [(r.position, r.text) for r in found.rejects] == [(6, "x 1 2")]


def test_one_record_as_a_string() -> None:
    assert read(json.dumps(TEXTS[0]).encode()).originals == [TEXTS[0]]


def test_lines_as_strings() -> None:
    assert read(pretty(flows(3))).bytes == [1001, 1002, 1003]
    assert read(pretty(log_events(flows(3)))).bytes == [1001, 1002, 1003]
    assert read(pretty(queried(flows(3)))).bytes == [1001, 1002, 1003]


def test_what_firehose_left_and_cannot_be_opened_is_refused_as_it_stands() -> None:
    cut = failed(gzip.compress(compact(subscription(TEXTS)))[:-9])
    odd = failed(b"").replace(b'"rawData":""', b'"rawData":"no base64"')
    found = read(b"\n".join([failed(TEXTS[0].encode()), cut, odd]))
    assert found.ids == [1]
    assert [(r.position, r.text) for r in found.rejects] == [(2, cut.decode()), (3, odd.decode())]


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


def test_security_hub_is_named() -> None:
    finding = {"SchemaVersion": "2018-10-08", "ProductArn": "arn:aws:x", "GeneratorId": "g"}
    found = read(compact(bus_event({"findings": [finding]})))
    assert (found.status, found.reason) == (
        "unknown",
        "Security Hub findings; no source reads them yet",
    )
