"""What wraps a record on its way: `Records` of S3 delivery, CloudWatch Logs subscriptions, export
files and answers of `filter-log-events` and `tail`, those of `get-query-results` of Logs Insights,
CloudTrail Lake and Athena, EventBridge events, SNS notifications, SQS messages, Kinesis records,
what Firehose could not deliver, all of them also as a Lambda function gets them, the answers of
`lookup-events` and `get-findings`, documents of OpenSearch or Elasticsearch, tables of whatever
answers with rows, JSON text in a JSON string.

It hands out the records inside, as they came, with what the envelope says of them (account, region,
time, id, log group and stream). An envelope is told by its members, never by the object's key.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from lake.decode.cells import object_text
from lake.decode.cutter import Cutter
from lake.decode.envelope_members import (
    Envelope,
    as_text,
    column_names,
    data_of,
    envelope_of,
    log_event_of,
    result_row_of,
    result_set_of,
    table_row_of,
    text_of,
)
from lake.decode.frames import items, values
from lake.decode.pieces import MAX_RECORD, Piece, is_value, members
from lake.decode.rows import answer_cells, cells_object, wrap_of_row
from lake.decode.surrogates import has_surrogates, marked, unmarked
from lake.decode.wrap import NO_WRAP, Wrap, joined, row_wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHIPPED = ("message", "log", "_raw", "@message", "line", "original")
"""Members that hold the line or record which a shipper (Logstash, Vector, Docker, Loki) wrote on;
`@message` is that of SIEM on Amazon OpenSearch Service."""
_WITHIN = ("result", "event")
"""Objects that hold such a member: Splunk's export, and ECS's `event.original`."""
DEEPEST = 8
"""Objects and lists that a record is looked for within."""
_MESSAGE = re.compile(rb'\A\s*\{\s*"message"\s*:\s*"')
_ACTION = re.compile(rb'\{\s*"(?:index|create)"\s*:\s*\{(?:\s*"_(?:index|id|type)"[^{}]*)?\}\s*\}')
"""A line of a bulk request of OpenSearch, before a document.
https://docs.opensearch.org/latest/api-reference/document-apis/bulk/"""


def unwrap(value: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """The records inside an envelope, or None where the value is no envelope."""
    if value[:1] == b'"':
        return _inside(text_of(msgspec.Raw(value)))
    envelope = envelope_of(value)
    if envelope is None:
        return _mended(value) if has_surrogates(value) and not is_value(value) else None
    if _ACTION.fullmatch(value):
        return iter(())
    if bytes(envelope.ingested) and bytes(envelope.message):  # a log event without the list
        return _logged(b"[%b]" % value, NO_WRAP)
    return _records(envelope) or (_message(value) if _MESSAGE.match(value) else None)


def unwrapped(piece: Piece) -> Iterator[tuple[Piece, Wrap]] | None:
    """The same of a piece that may have been mended; what its envelope escapes of half a surrogate
    pair is in `came`."""
    if piece.came is None:
        return unwrap(piece.text)
    inner = unwrap(marked(piece.came))
    return None if inner is None else ((unmarked(one), wrap) for one, wrap in inner)


def _mended(text: bytes) -> Iterator[tuple[Piece, Wrap]]:
    """What stands in a text that is JSON but for half of a surrogate pair, each record by itself;
    a JSON string may hold such a text."""
    for piece in Cutter().feed(text, last=True):
        inner = unwrapped(piece) if piece.reason is None else None
        yield from inner or [(piece, NO_WRAP)]


def _message(value: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """A line as Firehose delivers flow logs: `{"message": "2 123456789012 eni-..."}`."""
    found = members(value)
    return _inside(text_of(found["message"])) if found and len(found) == 1 else None


def _records(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]] | None:
    if bytes(envelope.message_type) and bytes(envelope.log_events):
        return _subscription(envelope)
    if bytes(envelope.detail_type) and bytes(envelope.detail):
        return _event(envelope)
    for listed in (envelope.records, envelope.events, envelope.findings, envelope.received):
        if bytes(listed)[:1] == b"[":
            return _listed(bytes(listed), NO_WRAP)
    if bytes(envelope.logged)[:1] == b"[" and b'"message"' in bytes(envelope.logged):
        return _logged(bytes(envelope.logged), NO_WRAP)
    if bytes(envelope.results)[:1] == b"[" and b'"field"' in bytes(envelope.results):
        return _queried(bytes(envelope.results))
    for whole in (envelope.cloudtrail_event, envelope.event_json):
        if bytes(whole):
            return _inside(text_of(whole))
    if bytes(envelope.answered)[:1] == b"[":
        return _answered(bytes(envelope.answered))
    if bytes(envelope.selected)[:1] == b"{" and b'"Data"' in bytes(envelope.selected):
        return _selected(envelope.selected)
    if bytes(envelope.found_message):  # Logs Insights; the console parses a message that is JSON
        return _found(envelope)
    if text_of(envelope.kind) == "Notification":
        return _inside(text_of(envelope.notice))
    if bytes(envelope.attempts) and bytes(envelope.undelivered):
        return _coded(text_of(envelope.undelivered))
    if bytes(envelope.pushed)[:1] == b"[" and b'"data"' in bytes(envelope.pushed):
        return _pushed(bytes(envelope.pushed))
    if bytes(envelope.document)[:1] == b"{":
        document = bytes(envelope.document)
        return shipped(document) or iter([(Piece(document), NO_WRAP)])
    found = envelope_of(envelope.hits) if bytes(envelope.hits)[:1] == b"{" else None
    if found is not None and bytes(found.hits)[:1] == b"[":
        return _listed(bytes(found.hits), NO_WRAP)
    return _tables(envelope) or _queued(envelope)


def _tables(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]] | None:
    """Rows that name no member, of answers that name their columns once: of the API of Log
    Analytics, of SQL and ES|QL in OpenSearch and Elasticsearch, of Trino, of ClickHouse
    (`JSONCompact`), of Splunk (`json_rows`), of pandas (`orient="split"`). A row's original has the
    names. Steampipe and Tailpipe name the columns, and the cells of each row besides.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
    https://docs.opensearch.org/latest/search-plugins/sql/response-formats/
    https://clickhouse.com/docs/interfaces/formats/JSONCompact
    """
    if bytes(envelope.tables)[:1] == b"[" and b'"columns"' in bytes(envelope.tables):
        return _listed(bytes(envelope.tables), NO_WRAP)
    for listed in (envelope.rows, envelope.datarows, envelope.values, envelope.table):
        if bytes(listed)[:1] == b"[":
            for named in (envelope.columns, envelope.schema, envelope.fields, envelope.meta):
                if bytes(named)[:1] == b"[" and (names := column_names(named)):
                    return _tabled(bytes(listed), names)
    return None


def _tabled(array: bytes, names: list[str]) -> Iterator[tuple[Piece, Wrap]]:
    for piece in items(array):
        text = piece.text
        if piece.reason is not None or text[:1] != b"{":
            row = None if piece.reason else table_row_of(text)
            if row is None or len(row) != len(names):
                yield Piece(text, piece.reason or "no row of an answer"), NO_WRAP
                continue
            text = object_text(dict(zip(names, row, strict=True))).encode("utf-8", "surrogatepass")
        inner = shipped(text) if may_be_shipped(text) else None
        yield from inner or [(Piece(text), NO_WRAP)]


def _queued(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]] | None:
    """A message of SQS or a record of Kinesis as `receive-message` and `get-records` print it, and
    what a Lambda function gets of these, of SNS and of CloudWatch Logs.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    """
    for receipt, body in (
        (envelope.receipt, envelope.body),
        (envelope.function_receipt, envelope.function_body),
    ):
        if bytes(receipt) and bytes(body):
            return _inside(text_of(body))
    if bytes(envelope.function_notice)[:1] == b"{":
        notice = envelope_of(envelope.function_notice)
        return _inside(text_of(notice.notice)) if notice is not None else None
    if bytes(envelope.sequence) and bytes(envelope.data):
        return _coded(text_of(envelope.data))
    for holder in (envelope.stream_record, envelope.function_logs):
        if bytes(holder)[:1] == b"{":
            return _coded(data_of(holder))
    return None


def _coded(text: str | None) -> Iterator[tuple[Piece, Wrap]] | None:
    """A record in base64, and gzip where CloudWatch Logs sent it: so Kinesis gives it, and Firehose
    what it could not deliver or convert, in its bucket for errors.

    https://docs.aws.amazon.com/firehose/latest/dev/retry.html
    """
    try:
        data = base64.b64decode(text or "", validate=True)
        if data[:2] == b"\x1f\x8b":
            stream = zlib.decompressobj(31)
            data = stream.decompress(data, MAX_RECORD)
            if not stream.eof:
                return None
    except (binascii.Error, ValueError, zlib.error):
        return None
    return _within(data.strip())


def _pushed(array: bytes) -> Iterator[tuple[Piece, Wrap]]:
    """Records of Firehose as it hands them to a Lambda function or to an HTTP endpoint.

    https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
    """
    for piece in items(array):
        inner = None if piece.reason else _coded(data_of(msgspec.Raw(piece.text)))
        yield from inner or [(piece, NO_WRAP)]


def _inside(text: str | None) -> Iterator[tuple[Piece, Wrap]] | None:
    """The record that a JSON string holds, or what is in it where that is an envelope again."""
    return _within(text.encode("utf-8", "surrogatepass")) if text else None


def _within(inner: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """A record, or what is in it where that is an envelope; of several in one text each."""
    if not inner:
        return None
    opened = unwrap(inner) if inner[:1] == b"{" else None
    if opened is not None or (inner[:1] == b"{" and is_value(inner)):
        return opened or iter([(Piece(inner), NO_WRAP)])
    return _several(inner)


def _several(text: bytes) -> Iterator[tuple[Piece, Wrap]]:
    """Lines, or JSON values one after another: who sends records may put some together."""
    pieces = list(values(text, Cutter())) if text[:1] == b"{" else _lines(text)
    for piece in pieces:
        inner = unwrapped(piece) if piece.reason is None and piece.text[:1] == b"{" else None
        yield from inner or [(piece, NO_WRAP)]


def _lines(text: bytes) -> list[Piece]:
    return [Piece(line.rstrip(b"\r")) for line in text.split(b"\n") if line.strip()]


def may_be_shipped(value: bytes) -> bool:
    """Whether a JSON object may be what a shipper wrote; most records are told at once."""
    return any(b'"%b"' % name.encode() in value for name in SHIPPED)


def shipped(value: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """What a shipper's JSON holds beside its own members; None where it holds no text. Where ECS's
    `event.original` is there, `message` may be words about it."""
    found = members(value) or {}
    result, event = (members(found.get(name, msgspec.Raw())) or {} for name in _WITHIN)
    for holder, names in ((event, ("original",)), (found, SHIPPED), (result | event, SHIPPED)):
        for name in names:
            if name in holder and (text := text_of(holder[name])):
                return _inside(text.strip("\r\n"))
    return None


def found_within(value: bytes, known: Callable[[bytes], bool], depth: int = DEEPEST) -> list[Piece]:
    """The records and lines that stand anywhere in JSON, as `known` tells them: whatever has them
    in members of its own, as objects or as text (Splunk's `event`, Datadog's `attributes`,
    Wazuh's `data.aws`, values of Loki, bodies of OpenTelemetry)."""
    if value[:1] == b'"':
        text = (text_of(msgspec.Raw(value)) or "").strip().encode("utf-8", "surrogatepass")
        if text[:1] in (b"{", b"["):
            return found_within(text, known, depth) if is_value(text) else []
        lines = _lines(text)
        return lines if lines and known(lines[0].text) else []
    if value[:1] == b"{":
        if known(value):
            return [Piece(value)]
        inner = [bytes(raw) for raw in (members(value) or {}).values()]
    elif value[:1] == b"[":
        inner = [piece.text for piece in items(value) if piece.reason is None]
    else:
        return []
    return [one for raw in inner for one in found_within(raw, known, depth - 1)] if depth else []


def _listed(array: bytes, wrap: Wrap) -> Iterator[tuple[Piece, Wrap]]:
    enveloped: bool | None = None
    for piece in items(array):
        inner = None
        if piece.reason is None and (
            enveloped is not False or piece.text[:1] == b'"' or b'"CloudTrailEvent"' in piece.text
        ):
            inner = unwrapped(piece)
        if enveloped is None:
            enveloped = inner is not None
        if inner is None:
            yield piece, wrap
        else:
            yield from ((within, joined(own, wrap)) for within, own in inner)


def _subscription(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""
    if text_of(envelope.message_type) == "CONTROL_MESSAGE":
        return iter(())
    group, stream = text_of(envelope.log_group), text_of(envelope.log_stream)
    wrap = Wrap(account=text_of(envelope.owner), log_group=group, log_stream=stream)
    return _logged(bytes(envelope.log_events), wrap)


def _logged(array: bytes, wrap: Wrap) -> Iterator[tuple[Piece, Wrap]]:
    """Log events of a subscription or of an answer of `filter-log-events`.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
    """
    messages = Messages()
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


def _queried(array: bytes) -> Iterator[tuple[Piece, Wrap]]:
    """Rows of an answer of `aws logs get-query-results`, each a list of fields with their values:
    the message, or the row itself where the query asked for other fields.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
    """
    messages = Messages()
    due = "@message" if b'"@message"' in array else ""
    for piece, cells in _cells(array):
        if not due or cells is None:
            yield _row(piece, cells), NO_WRAP
        elif not cells.get(due):
            yield Piece(piece.text, "a row of a query without @message"), NO_WRAP
        else:
            yield from messages.opened(
                cells[due].encode("utf-8", "surrogatepass"), wrap_of_row(cells)
            )


def _answered(array: bytes) -> Iterator[tuple[Piece, Wrap]]:
    """Rows of an answer of `aws cloudtrail get-query-results`, which may hold whole events.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetQueryResults.html
    """
    due = "eventJson" if b'"eventJson"' in array else ""
    for piece, cells in _cells(array):
        if not due or cells is None:
            yield _row(piece, cells), NO_WRAP
        else:
            yield from _inside(cells.get(due)) or [
                (Piece(piece.text, "a row of a query without eventJson"), NO_WRAP)
            ]


def _selected(result: msgspec.Raw) -> Iterator[tuple[Piece, Wrap]] | None:
    """Rows of an answer of `aws athena get-query-results`, which names no cell: the columns do, and
    in the first page of an answer a row of their names. Such a row's original has the names.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
    """
    found = result_set_of(result)
    if found is None or bytes(found.rows)[:1] != b"[":
        return None
    return _named(bytes(found.rows), [column.name for column in found.columns.info])


def _named(array: bytes, names: list[str]) -> Iterator[tuple[Piece, Wrap]]:
    for place, piece in enumerate(items(array)):
        row = None if piece.reason else result_row_of(piece.text)
        if place == 0 and row and row == (names or row):
            names = [name or "" for name in row]
        elif row is None or len(row) != len(names):
            yield Piece(piece.text, piece.reason or "no row of an answer"), NO_WRAP
        else:
            yield Piece(cells_object(dict(zip(names, row, strict=True)))), NO_WRAP


def _cells(array: bytes) -> Iterator[tuple[Piece, dict[str, str] | None]]:
    for piece in items(array):
        yield piece, None if piece.reason else answer_cells(piece.text)


def _row(piece: Piece, cells: dict[str, str] | None) -> Piece:
    """A row as a JSON object, which a table of it would have."""
    if cells is None:
        return Piece(piece.text, piece.reason or "no row of an answer")
    return Piece(cells_object(cells), came=piece.text)


def _found(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]]:
    """A row of Logs Insights as the console downloads it."""
    message = bytes(envelope.found_message)
    wrap = row_wrap(
        text_of(envelope.found_time), text_of(envelope.found_log), text_of(envelope.found_stream)
    )
    return _either(unwrap(message), message, wrap)


@dataclass(slots=True)
class Messages:
    """Messages of one log. The first of JSON tells whether they are envelopes themselves, such as
    what EventBridge writes into a log group, or, where it is told what is `known`, have records in
    members of their own: looking into each of many plain ones would cost. One with surrogates may
    have to be mended."""

    known: Callable[[bytes], bool] | None = None
    _enveloped: bool | None = None

    def opened(self, message: bytes, wrap: Wrap) -> Iterator[tuple[Piece, Wrap]]:
        """What a message holds, with what its envelope and the log's say."""
        look = message[:1] == b"{" and (self._enveloped is not False or has_surrogates(message))
        inner = self._within(message) if look else None
        if self._enveloped is None and look:
            self._enveloped = inner is not None
        return _either(inner, message, wrap)

    def _within(self, message: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
        inner = unwrap(message)
        if inner is not None or self.known is None or self.known(message):
            return inner
        found = found_within(message, self.known)
        return iter([(piece, NO_WRAP) for piece in found]) if found else None


def _either(
    inner: Iterator[tuple[Piece, Wrap]] | None, message: bytes, wrap: Wrap
) -> Iterator[tuple[Piece, Wrap]]:
    """What was found in a message, else the message itself, with what its log says."""
    if inner is None:
        return iter([(Piece(message), wrap)])
    return ((piece, joined(within, wrap)) for piece, within in inner)


def _event(envelope: Envelope) -> Iterator[tuple[Piece, Wrap]]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    wrap = Wrap(
        account=text_of(envelope.account),
        region=text_of(envelope.region),
        time=text_of(envelope.time),
        id=text_of(envelope.id),
    )
    detail = bytes(envelope.detail or b"")
    inner = envelope_of(detail) or Envelope()
    listed = bytes(inner.findings) or bytes(inner.imported)
    if listed[:1] == b"[":
        yield from _listed(listed, wrap)
    else:
        yield Piece(detail), wrap
