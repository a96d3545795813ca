"""What wraps a record on its way: `ENVELOPES` lists the kinds, each with the members by which it is
told and the function that opens it. One more is an entry there, and a function where none of those
below does. How what is inside is opened in its turn, `lake.decode.opening` knows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lake.decode.answers import answer_rows, athena_rows, column_names, row_piece, table_rows
from lake.decode.envelope_members import as_text, data_of, log_event_of, text_of
from lake.decode.frames import items
from lake.decode.opening import Envelope, Opener, or_itself
from lake.decode.pieces import Piece, members
from lake.decode.rows import wrap_of_row
from lake.decode.shippers import may_be_shipped
from lake.decode.wrap import NO_WRAP, Wrap, row_wrap

if TYPE_CHECKING:
    from lake.decode.opening import Inside, Told

ANY, LIST, OBJECT = b"", b"[", b"{"
"""How a member's JSON begins."""
_ROWS = ("rows", "datarows", "values", "data")
_NAMES = ("columns", "schema", "fields", "meta")
"""Members with the rows of a table, and with the names of its columns."""
_ACTION = re.compile(rb'\{\s*"(?:index|create)"\s*:\s*\{(?:\s*"_(?:index|id|type)"[^{}]*)?\}\s*\}')
_ALONE = re.compile(rb'\A\s*\{\s*"message"\s*:')


# -- what several kinds have in common -------------------------------------------------------------


def _list(opener: Opener, held: bytes, _: Told) -> Inside:
    return opener.listed(held)


def _text(opener: Opener, held: bytes, _: Told) -> Inside | None:
    return opener.text(text_of(held))


def _base64(opener: Opener, held: bytes, _: Told) -> Inside | None:
    """A record in base64, and gzip where CloudWatch Logs sent it."""
    return opener.base64(text_of(held))


def _data(opener: Opener, held: bytes, _: Told) -> Inside | None:
    """The same in the member `data` of an object."""
    return opener.base64(data_of(held))


def _log_events(opener: Opener, array: bytes, wrap: Wrap) -> Inside:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html"""
    messages = opener.messages()
    for piece in items(array):
        event = log_event_of(piece.text)
        if event is None:
            yield Piece(piece.text, piece.reason or "no CloudWatch Logs event"), NO_WRAP
            continue
        if not event.message:
            yield Piece(piece.text, "a log event without a message"), NO_WRAP
            continue
        message = event.message.encode("utf-8", "surrogatepass")
        own = replace(
            wrap,
            time=as_text(event.timestamp),
            id=as_text(event.id if event.id is not None else event.event_id),
            log_stream=wrap.log_stream or event.log_stream,
        )
        yield from messages.opened(message, own)


# -- a kind each -----------------------------------------------------------------------------------


def _action(_: Opener, held: bytes, told: Told) -> Inside | None:
    """A line of a bulk request of OpenSearch, before a document: nothing is in it.

    https://docs.opensearch.org/latest/api-reference/document-apis/bulk/
    """
    return iter(()) if _ACTION.fullmatch(told.text) else None


def _log_event(opener: Opener, _: bytes, told: Told) -> Inside:
    return _log_events(opener, b"[%b]" % told.text, NO_WRAP)


def _subscription(opener: Opener, held: bytes, told: Told) -> Inside:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""
    if told.word("messageType") == "CONTROL_MESSAGE":
        return iter(())
    group, stream = told.word("logGroup"), told.word("logStream")
    wrap = Wrap(account=told.word("owner"), log_group=group, log_stream=stream)
    return _log_events(opener, held, wrap)


def _event(opener: Opener, held: bytes, told: Told) -> Inside:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    wrap = Wrap(
        account=told.word("account"),
        region=told.word("region"),
        time=told.word("time"),
        id=told.word("id"),
    )
    detail = opener.told(held)
    for name in ("Findings", "findings"):
        found = detail.members.get(name) if detail else None
        if found:
            return opener.listed(found, wrap) if found[:1] == LIST else iter([(Piece(held), wrap)])
    return iter([(Piece(held), wrap)])


def _answered_events(opener: Opener, held: bytes, _: Told) -> Inside:
    return _log_events(opener, held, NO_WRAP)


def _insights_rows(opener: Opener, held: bytes, _: Told) -> Inside:
    """Rows of an answer of `aws logs get-query-results`, each a list of fields with their values:
    the message, or the row itself where the query asked for other fields.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
    """
    messages = opener.messages()
    due = "@message" if b'"@message"' in held else ""
    for piece, cells in answer_rows(held):
        if not due or cells is None:
            yield row_piece(piece, cells), NO_WRAP
        elif not cells.get(due):
            yield Piece(piece.text, "a row of a query without @message"), NO_WRAP
        else:
            message = cells[due].encode("utf-8", "surrogatepass")
            yield from messages.opened(message, wrap_of_row(cells))


def _lake_rows(opener: Opener, held: bytes, _: Told) -> Inside:
    """Rows of an answer of `aws cloudtrail get-query-results`, which may hold whole events.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetQueryResults.html
    """
    due = "eventJson" if b'"eventJson"' in held else ""
    for piece, cells in answer_rows(held):
        if not due or cells is None:
            yield row_piece(piece, cells), NO_WRAP
        else:
            yield from opener.text(cells.get(due)) or [
                (Piece(piece.text, "a row of a query without eventJson"), NO_WRAP)
            ]


def _athena(_: Opener, held: bytes, __: Told) -> Inside | None:
    rows = athena_rows(held)
    return None if rows is None else ((piece, NO_WRAP) for piece in rows)


def _insights_row(opener: Opener, held: bytes, told: Told) -> Inside:
    """A row of Logs Insights as the console downloads it, which parses a message that is JSON."""
    wrap = row_wrap(told.word("@timestamp"), told.word("@log"), told.word("@logStream"))
    return or_itself(opener.unwrap(held), held, wrap)


def _pushed(opener: Opener, held: bytes, _: Told) -> Inside:
    """Records of Firehose as it hands them to a Lambda function or to an HTTP endpoint.

    https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
    """
    for piece in items(held):
        inner = None if piece.reason else opener.base64(data_of(piece.text))
        yield from inner or [(piece, NO_WRAP)]


def _document(opener: Opener, held: bytes, _: Told) -> Inside:
    return opener.shipped(held) or iter([(Piece(held), NO_WRAP)])


def _hits(opener: Opener, held: bytes, _: Told) -> Inside | None:
    found = opener.told(held)
    listed = found.members.get("hits", b"") if found else b""
    return opener.listed(listed) if listed[:1] == LIST else None


def _table(opener: Opener, held: bytes, told: Told) -> Inside | None:
    """Rows that name no member, of answers that name their columns once: of the API of Log
    Analytics, of SQL and ES|QL in OpenSearch and Elasticsearch, of Trino, of ClickHouse
    (`JSONCompact`), of Splunk (`json_rows`), of pandas (`orient="split"`). A row's original has the
    names. Steampipe and Tailpipe name the columns, and the cells of each row besides.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
    https://docs.opensearch.org/latest/search-plugins/sql/response-formats/
    https://clickhouse.com/docs/interfaces/formats/JSONCompact
    """
    listed = (told.members.get(name, b"") for name in _NAMES)
    names = next(filter(None, (column_names(one) for one in listed if one[:1] == LIST)), None)
    return None if names is None else _shipped_rows(opener, held, names)


def _shipped_rows(opener: Opener, array: bytes, names: list[str]) -> Inside:
    for row in table_rows(array, names):
        shipped = row.reason is None and may_be_shipped(row.text)
        yield from (opener.shipped(row.text) if shipped else None) or [(row, NO_WRAP)]


def _function_notice(opener: Opener, held: bytes, _: Told) -> Inside | None:
    notice = opener.told(held)
    return opener.text(notice.word("Message")) if notice else None


def _line(opener: Opener, held: bytes, told: Told) -> Inside | None:
    """A line as Firehose delivers flow logs: `{"message": "2 123456789012 eni-..."}`."""
    alone = _ALONE.match(told.text) and len(members(told.text) or ()) == 1
    return opener.text(text_of(held)) if alone else None


# Lambda's forms: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, with-kinesis.html
# What Firehose could not deliver or convert, in its bucket for errors:
# https://docs.aws.amazon.com/firehose/latest/dev/retry.html
ENVELOPES = (
    Envelope("an action of a bulk request", {"index": OBJECT}, _action),
    Envelope("the same, to create", {"create": OBJECT}, _action),
    Envelope("a log event by itself", {"ingestionTime": ANY, "message": ANY}, _log_event),
    Envelope(
        "a subscription of CloudWatch Logs",
        {"messageType": ANY, "logEvents": ANY},
        _subscription,
        says=("owner", "logGroup", "logStream"),
    ),
    Envelope(
        "an event of EventBridge",
        {"detail-type": ANY, "detail": ANY},
        _event,
        says=("account", "region", "time", "id", "findings"),
    ),
    Envelope("an object of S3 delivery", {"Records": LIST}, _list),
    Envelope("an answer of lookup-events", {"Events": LIST}, _list),
    Envelope("an answer of get-findings", {"Findings": LIST}, _list),
    Envelope("an answer of receive-message", {"Messages": LIST}, _list),
    Envelope("an answer of filter-log-events", {"events": LIST}, _answered_events, b'"message"'),
    Envelope("an answer of logs get-query-results", {"results": LIST}, _insights_rows, b'"field"'),
    Envelope("an event of lookup-events", {"CloudTrailEvent": ANY}, _text),
    Envelope("a whole event of CloudTrail Lake", {"eventJson": ANY}, _text),
    Envelope("an answer of cloudtrail get-query-results", {"QueryResultRows": LIST}, _lake_rows),
    Envelope("an answer of athena get-query-results", {"ResultSet": OBJECT}, _athena, b'"Data"'),
    Envelope(
        "a row of Logs Insights",
        {"@message": ANY},
        _insights_row,
        says=("@timestamp", "@log", "@logStream"),
    ),
    Envelope("a notification of SNS", {"Type": b'"Notification"', "Message": ANY}, _text),
    Envelope("what Firehose left", {"attemptsMade": ANY, "rawData": ANY}, _base64),
    Envelope("records that Firehose pushes", {"records": LIST}, _pushed, b'"data"'),
    Envelope("a document of OpenSearch", {"_source": OBJECT}, _document),
    Envelope("an answer of OpenSearch", {"hits": OBJECT}, _hits),
    Envelope("an answer of Log Analytics", {"tables": LIST}, _list, b'"columns"'),
    *(Envelope(f"a table, {name}", {name: LIST}, _table, says=_NAMES) for name in _ROWS),
    Envelope("a message of SQS", {"ReceiptHandle": ANY, "Body": ANY}, _text),
    Envelope("the same, of a function", {"receiptHandle": ANY, "body": ANY}, _text),
    Envelope("a notification of SNS, of a function", {"Sns": OBJECT}, _function_notice),
    Envelope("a record of get-records", {"SequenceNumber": ANY, "Data": ANY}, _base64),
    Envelope("a record of Kinesis, of a function", {"kinesis": OBJECT}, _data),
    Envelope("logs, of a function", {"awslogs": OBJECT}, _data),
    Envelope("a line that Firehose delivers", {"message": b'"'}, _line),
)

OPENER = Opener(ENVELOPES)
"""Opens all of these."""
