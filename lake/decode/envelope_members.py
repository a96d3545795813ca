"""The members by which envelopes are told: see `lake.decode.envelopes`, which opens them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

_NONE = msgspec.Raw()


class LogEvent(msgspec.Struct):
    """A log event of CloudWatch Logs, in a subscription or in an answer."""

    message: str = ""
    id: str | int | None = None
    timestamp: int | float | str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventId")
    log_stream: str | None = msgspec.field(default=None, name="logStreamName")


class _Data(msgspec.Struct):
    data: str


class _Column(msgspec.Struct):
    name: str = msgspec.field(name="Name")


class _Columns(msgspec.Struct):
    info: list[_Column] = msgspec.field(default_factory=list, name="ColumnInfo")


class ResultSet(msgspec.Struct):
    """A result of Athena in an answer: its rows as JSON, and its columns."""

    rows: msgspec.Raw = msgspec.field(default=_NONE, name="Rows")
    columns: _Columns = msgspec.field(default_factory=_Columns, name="ResultSetMetadata")


class _Cell(msgspec.Struct):
    value: str | None = msgspec.field(default=None, name="VarCharValue")


class _Row(msgspec.Struct):
    cells: list[_Cell] = msgspec.field(name="Data")


class Envelope(msgspec.Struct):
    """The members that may tell an envelope, each as its JSON; empty where it is not there."""

    records: msgspec.Raw = msgspec.field(default=_NONE, name="Records")
    events: msgspec.Raw = msgspec.field(default=_NONE, name="Events")
    findings: msgspec.Raw = msgspec.field(default=_NONE, name="Findings")
    logged: msgspec.Raw = msgspec.field(default=_NONE, name="events")
    imported: msgspec.Raw = msgspec.field(default=_NONE, name="findings")
    results: msgspec.Raw = _NONE
    message_type: msgspec.Raw = msgspec.field(default=_NONE, name="messageType")
    log_events: msgspec.Raw = msgspec.field(default=_NONE, name="logEvents")
    owner: msgspec.Raw = _NONE
    log_group: msgspec.Raw = msgspec.field(default=_NONE, name="logGroup")
    log_stream: msgspec.Raw = msgspec.field(default=_NONE, name="logStream")
    detail_type: msgspec.Raw = msgspec.field(default=_NONE, name="detail-type")
    detail: msgspec.Raw = _NONE
    account: msgspec.Raw = _NONE
    region: msgspec.Raw = _NONE
    time: msgspec.Raw = _NONE
    id: msgspec.Raw = _NONE
    cloudtrail_event: msgspec.Raw = msgspec.field(default=_NONE, name="CloudTrailEvent")
    event_json: msgspec.Raw = msgspec.field(default=_NONE, name="eventJson")
    """CloudTrail Lake's column for the whole event."""
    answered: msgspec.Raw = msgspec.field(default=_NONE, name="QueryResultRows")
    selected: msgspec.Raw = msgspec.field(default=_NONE, name="ResultSet")
    ingested: msgspec.Raw = msgspec.field(default=_NONE, name="ingestionTime")
    message: msgspec.Raw = _NONE
    found_message: msgspec.Raw = msgspec.field(default=_NONE, name="@message")
    found_time: msgspec.Raw = msgspec.field(default=_NONE, name="@timestamp")
    found_log: msgspec.Raw = msgspec.field(default=_NONE, name="@log")
    found_stream: msgspec.Raw = msgspec.field(default=_NONE, name="@logStream")
    kind: msgspec.Raw = msgspec.field(default=_NONE, name="Type")
    notice: msgspec.Raw = msgspec.field(default=_NONE, name="Message")
    attempts: msgspec.Raw = msgspec.field(default=_NONE, name="attemptsMade")
    undelivered: msgspec.Raw = msgspec.field(default=_NONE, name="rawData")
    received: msgspec.Raw = msgspec.field(default=_NONE, name="Messages")
    receipt: msgspec.Raw = msgspec.field(default=_NONE, name="ReceiptHandle")
    body: msgspec.Raw = msgspec.field(default=_NONE, name="Body")
    function_receipt: msgspec.Raw = msgspec.field(default=_NONE, name="receiptHandle")
    function_body: msgspec.Raw = msgspec.field(default=_NONE, name="body")
    function_notice: msgspec.Raw = msgspec.field(default=_NONE, name="Sns")
    stream_record: msgspec.Raw = msgspec.field(default=_NONE, name="kinesis")
    function_logs: msgspec.Raw = msgspec.field(default=_NONE, name="awslogs")
    sequence: msgspec.Raw = msgspec.field(default=_NONE, name="SequenceNumber")
    data: msgspec.Raw = msgspec.field(default=_NONE, name="Data")
    pushed: msgspec.Raw = msgspec.field(default=_NONE, name="records")
    hits: msgspec.Raw = _NONE
    document: msgspec.Raw = msgspec.field(default=_NONE, name="_source")
    tables: msgspec.Raw = _NONE
    columns: msgspec.Raw = _NONE
    schema: msgspec.Raw = _NONE
    fields: msgspec.Raw = _NONE
    meta: msgspec.Raw = _NONE
    rows: msgspec.Raw = _NONE
    datarows: msgspec.Raw = _NONE
    values: msgspec.Raw = _NONE
    table: msgspec.Raw = msgspec.field(default=_NONE, name="data")


class _Named(msgspec.Struct):
    name: str


_ENVELOPE = msgspec.json.Decoder(Envelope)
_LOG_EVENT = msgspec.json.Decoder(LogEvent)
_DATA = msgspec.json.Decoder(_Data)
_RESULT_SET = msgspec.json.Decoder(ResultSet)
_ROW = msgspec.json.Decoder(_Row)
_NAMES = msgspec.json.Decoder(list[str | _Named])
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_WRONG = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T")


def _decoded(decoder: msgspec.json.Decoder[_T], text: bytes | msgspec.Raw) -> _T | None:
    """What a text is; None where it is something else."""
    try:
        return decoder.decode(text)
    except _WRONG:
        return None


def envelope_of(text: bytes | msgspec.Raw) -> Envelope | None:
    """What of a JSON object's members may tell an envelope; None where the text is no object."""
    return _decoded(_ENVELOPE, text)


def log_event_of(text: bytes) -> LogEvent | None:
    """A log event; None where the text is none."""
    return _decoded(_LOG_EVENT, text)


def data_of(text: msgspec.Raw) -> str | None:
    """The member `data` of a JSON object; None where it has none that is text."""
    found = _decoded(_DATA, text)
    return found.data if found else None


def result_set_of(text: msgspec.Raw) -> ResultSet | None:
    """A result of Athena; None where the text is none."""
    return _decoded(_RESULT_SET, text)


def result_row_of(text: bytes) -> list[str | None] | None:
    """The cells of a row of such a result; None where the text is no row."""
    row = _decoded(_ROW, text)
    return [cell.value for cell in row.cells] if row else None


def column_names(text: msgspec.Raw) -> list[str] | None:
    """The names of a table's columns; None where the text is no list of such, or they are not told
    apart."""
    told = _decoded(_NAMES, text) or []
    names = [one if isinstance(one, str) else one.name for one in told]
    return names if names and len(set(names)) == len(names) else None


def table_row_of(text: bytes) -> list[str] | None:
    """The cells of a table's row, each as its JSON; None where the text is no list."""
    try:
        return [bytes(cell).decode() for cell in _RAWS.decode(text)]
    except _WRONG:
        return None


def text_of(raw: msgspec.Raw) -> str | None:
    """A member as text; None where it is not there, null, an object or a list."""
    if not bytes(raw):
        return None
    try:
        return as_text(_ANY.decode(raw))
    except _WRONG:
        return None


def as_text(value: object) -> str | None:
    """A value as text; None where it is null, an object or a list."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else str(value)
