"""Rows of queries of CloudWatch Logs Insights: fields that somebody asked for, in every form that
they are handed out in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from logs import ACCOUNT, compact, event, pretty, read
from query_results import TABLES, fields_answer, quoted_csv, table_answer

from lake.decode.rows import is_row, row_paths, whose_row
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

TIME = datetime(2024, 2, 1, 10, 0, 5, tzinfo=UTC)
SAID = {"@timestamp": "2024-02-01 10:00:05.000"}
FORMS = {
    "CSV": quoted_csv,
    "JSON": compact,
    "JSON, pretty": pretty,
    "an answer": lambda rows: pretty(fields_answer(rows)),
    **{who: partial(lambda who, rows: pretty(table_answer(rows, who)), who) for who in TABLES},
    "an answer, compact": lambda rows: compact(fields_answer([r | {"@ptr": "Cl0K"} for r in rows])),
}
CALL = {
    "eventName": "DeleteUser",
    "eventSource": "iam.amazonaws.com",
    "userIdentity.arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
    "sourceIPAddress": "198.51.100.7",
    "requestParameters.userName": "bob",
}
CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "cloudtrail": (
        CALL,
        {
            "event.action": "DeleteUser",
            "user.name": "ana",
            "user.target.name": "bob",
            "source.ip": "198.51.100.7",
        },
    ),
    "waf": (
        {
            "action": "BLOCK",
            "httpRequest.clientIp": "192.0.2.9",
            "httpRequest.headers.0.name": "Host",
            "httpRequest.headers.0.value": "shop.example",
            "terminatingRuleId": "limit",
        },
        {"source.ip": "192.0.2.9", "url.domain": "shop.example", "rule.name": "limit"},
    ),
    "route53resolver": (
        {
            "query_name": "example.com.",
            "srcaddr": "10.0.0.5",
            "answers.0.Rdata": "192.0.2.1",
            "answers.1.Rdata": "192.0.2.2",
            "srcids.instance": "i-0a1b",
        },
        {
            "dns.question.name": "example.com",
            "dns.resolved_ip": ["192.0.2.1", "192.0.2.2"],
            "cloud.instance.id": "i-0a1b",
        },
    ),
    "vpcflow": (
        {"srcAddr": "10.0.0.5", "dstAddr": "192.0.2.1", "dstPort": "443", "bytes": "77"},
        {"source.ip": "10.0.0.5", "destination.port": 443, "network.bytes": 77},
    ),
}


def leaf(row: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    value: Any = row
    for name in path.split("."):
        value = value[name]
    return value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("source", CASES)
def test_the_fields_that_a_query_asked_for(source: str, form: str) -> None:
    """Without the log's own time that of the log event is taken, which Insights gives."""
    fields, due = CASES[source]
    later = {"@timestamp": "2024-02-01 10:00:06.000"} | fields
    found = read(FORMS[form]([SAID | fields, later]), "logs-insights-results")
    assert (found.status, found.rejects, len(set(found.hashes))) == ("read", [], 2)
    assert found.decoding.unknown_members == {}
    row = found.rows[0]
    assert (row["event"]["dataset"], row["@timestamp"]) == (source, TIME)
    assert {path: leaf(row, path) for path in due} == due


@pytest.mark.parametrize("form", [compact, quoted_csv])
@pytest.mark.parametrize("by", ["_", "__", "-", "/", ":", ""])
def test_names_of_json_that_was_made_flat(form: Callable[..., bytes], by: str) -> None:
    """pandas (`json_normalize(sep="_")`), Power Query and others join the names as they are told;
    such columns had no user and no address."""
    for source in ("cloudtrail", "waf"):
        fields, due = CASES[source]
        named = {n: v for n, v in fields.items() if by or "requestParameters" not in n}
        flat = {name.replace(".", by): value for name, value in named.items() if ".0." not in name}
        row, other = read(form([SAID | flat, SAID | flat])).rows
        told = {path for path in due if path not in ("url.domain", "user.target.name")}
        assert {path: leaf(row, path) for path in told} == {path: due[path] for path in told}
        assert row["event"]["dataset"] == other["event"]["dataset"] == source


def test_names_that_run_together_are_a_path() -> None:
    source = catalogue()["cloudtrail"]
    names = (
        "user_identity_session_context_session_issuer_user_name",
        "requestParameters_bucketName",
        "userIdentity_whatever",
    )
    assert row_paths(source, names) == [
        "userIdentity.sessionContext.sessionIssuer.userName",
        "requestParameters.bucketName",
        None,
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_records_own_time_goes_before_the_log_events(form: str) -> None:
    (row,) = read(FORMS[form]([SAID | CALL | {"eventTime": "2024-02-01T09:59:59Z"}])).rows
    assert row["@timestamp"] == datetime(2024, 2, 1, 9, 59, 59, tzinfo=UTC)


def test_what_insights_says_of_a_row_is_kept() -> None:
    more = {"@log": f"{ACCOUNT}:trail", "@logStream": "s"}
    (row,) = read(compact([SAID | more | CALL])).rows
    assert json.loads(row["log"]["context"]) == {
        "account": ACCOUNT,
        "region": None,
        "time": SAID["@timestamp"],
        "id": None,
        "log_group": "trail",
        "log_stream": "s",
    }
    assert row["cloud"]["account"]["id"] == ACCOUNT


def test_a_record_with_a_time_that_is_none_is_refused() -> None:
    found = read(compact([SAID | CALL | {"eventTime": "soon"}]))
    assert [r.reason for r in found.rejects] == ["no valid time"]


def test_a_row_with_whole_members_is_the_record() -> None:
    """A shipper adds `@timestamp` to a record; numbers and truth values stay what they are."""
    record = event(1, additionalEventData={"bytes": 1.10}, **{"@timestamp": "2024-02-01T12:00:00Z"})
    (row,), (due,) = read(compact(record)).rows, read(compact(event(1))).rows
    assert (row["event"]["hash"], row["user"]) == (due["event"]["hash"], due["user"])
    assert row["event"]["original"] == compact(record).decode()
    assert json.loads(row["native"]["additionalEventData"]) == {"bytes": 1.1}


@pytest.mark.parametrize(
    ("names", "source"),
    [
        (["@timestamp", "eventName", "sourceIPAddress"], "cloudtrail"),
        (["eventName", "n"], None),
        (["eventName", "n", "m", "userAgent"], None),
        (["httpRequest.clientIp", "httpRequest.uri"], "waf"),
        (["schemaversion", "accountid", "type", "severity", "service"], "guardduty"),
        # another product's findings
        (["id", "type", "severity", "title", "description", "accountid", "region"], None),
        # a flow's columns are many of a Resolver query's
        (["version", "account_id", "region", "vpc_id", "srcaddr", "srcport"], None),
        (["@timestamp", "@message"], None),
        ([], None),
    ],
)
def test_whose_columns_they_are(names: list[str], source: str | None) -> None:
    found = whose_row(names, catalogue())
    assert (found.name if found else None) == source


@pytest.mark.parametrize(
    ("source", "names", "due"),
    [
        ("cloudtrail", ["eventVersion", "eventTime"], False),
        ("cloudtrail", ["eventversion", "eventtime"], True),
        ("cloudtrail", ["eventName", "userIdentity.arn"], True),
        ("guardduty", ["AccountId", "Type"], False),
        ("route53resolver", ["version", "query_name"], False),
        ("vpcflow", ["srcaddr", "dst.addr"], False),
    ],
)
def test_a_row_is_told_from_a_record(source: str, names: list[str], due: bool) -> None:
    assert is_row(catalogue()[source], names) is due


@pytest.mark.parametrize("form", FORMS)
def test_a_path_without_end_is_no_column(form: str) -> None:
    deep = f"requestParameters{'.a' * 5000}"
    found = read(FORMS[form]([SAID | CALL | {deep: "x"}]))
    assert (found.status, len(found.rows)) == ("read", 1)
    assert list(found.decoding.unknown_members) == [deep[:200]]


def test_the_paths_of_columns() -> None:
    names = (
        "EVENTNAME",
        "useridentity.SessionContext.attributes.mfaAuthenticated",
        "resources.0.ARN",
    )
    more = ("requestParameters.a.b", "userIdentity.no", "eventName.x", "resources.x", "Resources")
    assert row_paths(catalogue()["cloudtrail"], names + more) == [
        "eventName",
        "userIdentity.sessionContext.attributes.mfaAuthenticated",
        "resources.0.ARN",
        "requestParameters.a.b",
        None,
        None,
        None,
        "resourceNames",
    ]


@pytest.mark.parametrize("members", [["userIdentity"], ["requestParameters", "responseElements"]])
def test_objects_that_a_writer_made_text_of(members: list[str]) -> None:
    """As pipelines do that may have no deep structures."""
    made = [
        event(n, eventName="CreateUser", eventSource="iam.amazonaws.com")
        | {"requestParameters": {"userName": f"u{n}"}, "responseElements": {"a": 1.10}}
        for n in (1, 2)
    ]
    texts = [one | {name: json.dumps(one[name]) for name in members} for one in made]
    found = read(compact({"Records": texts}))
    due = read(compact({"Records": made}))
    assert (found.hashes, found.decoding.lossy_members) == (due.hashes, {})
    assert found.originals == [compact(one).decode() for one in texts]
    for row, wanted in zip(found.rows, due.rows, strict=True):
        assert (row["user"], row["native"]) == (wanted["user"], wanted["native"])


def test_text_that_is_no_json_stays_text() -> None:
    hidden = event(1, requestParameters="HIDDEN_DUE_TO_SECURITY_REASONS", responseElements='{"a"')
    (row,) = read(compact(hidden)).rows
    assert json.loads(row["native"]["requestParameters"]) == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert json.loads(row["native"]["responseElements"]) == '{"a"'


SNAKE = {
    "event_id": "1",
    "event_time": "2024-02-01T10:00:05Z",
    "event_name": "DeleteUser",
    "event_source": "iam.amazonaws.com",
    "source_ip_address": "198.51.100.7",
    "user_identity": {
        "type": "AssumedRole",
        "principal_id": "AROA:night",
        "session_context": {"session_issuer": {"type": "Role", "user_name": "Ops"}},
    },
}
"""A call as Tailpipe's and Steampipe's tables have it."""


@pytest.mark.parametrize("form", ["CSV", "JSON", "JSON, pretty"])
def test_names_with_underscores(form: str) -> None:
    row: dict[str, Any] = SNAKE
    if form == "CSV":
        row = {n: v if isinstance(v, str) else json.dumps(v) for n, v in SNAKE.items()}
    (found,) = read(FORMS[form]([row])).rows
    due = {
        "@timestamp": TIME,
        "event.action": "DeleteUser",
        "source.ip": "198.51.100.7",
        "user.name": "night",
        "user.roles": ["Ops"],
    }
    assert {path: leaf(found, path) for path in due} == due


@pytest.mark.parametrize("column", ["cloud_trail_event", "event.original", "CloudTrailEvent"])
def test_a_column_that_is_the_event(column: str) -> None:
    """Steampipe's, Elastic's and PowerShell's; what stands beside it says less."""
    rows = [
        {"@timestamp": "x", "event_name": "e", column: compact(event(n)).decode()} for n in (1, 2)
    ]
    found = read(quoted_csv(rows))
    assert [row["native"]["eventID"] for row in found.rows] == [event(n)["eventID"] for n in (1, 2)]
