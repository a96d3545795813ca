"""What wraps a record on its way: `Records` of S3 delivery, CloudWatch Logs subscriptions and
export files, EventBridge events, the answers of `lookup-events` and `get-findings`.

It hands out the records inside, as they came, with what the envelope says of them (account, region,
time, id, log group and stream). An envelope is told by its members, never by the object's key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from lake.frames import Piece, items

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
"""CloudWatch Logs export task: each line begins with its time stamp to the millisecond."""


@dataclass(frozen=True, slots=True)
class Wrap:
    """What an envelope says of a record; text as it stands there, or None."""

    account: str | None = None
    region: str | None = None
    time: str | None = None
    id: str | None = None
    log_group: str | None = None
    log_stream: str | None = None


NO_WRAP = Wrap()


_NONE = msgspec.Raw()


class _LogEvent(msgspec.Struct):
    message: str = ""
    id: str | int | None = None
    timestamp: int | float | str | None = None


class _Envelope(msgspec.Struct):
    records: msgspec.Raw = msgspec.field(default=_NONE, name="Records")
    events: msgspec.Raw = msgspec.field(default=_NONE, name="Events")
    findings: msgspec.Raw = msgspec.field(default=_NONE, name="Findings")
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


_DECODER = msgspec.json.Decoder(_Envelope)
_LOG_EVENT = msgspec.json.Decoder(_LogEvent)
_ANY = msgspec.json.Decoder()
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MESSAGE = re.compile(rb'\A\s*\{\s*"message"\s*:\s*"')


def unwrap(value: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """The records inside an envelope, or None where the value is no envelope."""
    try:
        envelope = _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _records(envelope, NO_WRAP) or (_message(value) if _MESSAGE.match(value) else None)


def _message(value: bytes) -> Iterator[tuple[Piece, Wrap]] | None:
    """A line as Firehose delivers flow logs: `{"message": "2 123456789012 eni-..."}`."""
    members = _MEMBERS.decode(value)
    text = _text(members["message"]) if len(members) == 1 else None
    return iter([(Piece(text.encode("utf-8", "surrogatepass")), NO_WRAP)]) if text else None


def _records(envelope: _Envelope, wrap: Wrap) -> Iterator[tuple[Piece, Wrap]] | None:
    if bytes(envelope.message_type) and bytes(envelope.log_events):
        return _subscription(envelope)
    if bytes(envelope.detail_type) and bytes(envelope.detail):
        return _event(envelope)
    for listed in (envelope.records, envelope.events, envelope.findings):
        if bytes(listed)[:1] == b"[":
            return _listed(bytes(listed), wrap)
    if bytes(envelope.cloudtrail_event):
        text = _text(envelope.cloudtrail_event)
        return iter([(Piece(text.encode("utf-8", "surrogatepass")), wrap)]) if text else None
    return None


def _listed(array: bytes, wrap: Wrap) -> Iterator[tuple[Piece, Wrap]]:
    for piece in items(array):
        inner = None
        if piece.reason is None and b'"CloudTrailEvent"' in piece.text:
            inner = unwrap(piece.text)
        if inner is None:
            yield piece, wrap
        else:
            yield from inner


def _subscription(envelope: _Envelope) -> Iterator[tuple[Piece, Wrap]]:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""
    if _text(envelope.message_type) == "CONTROL_MESSAGE":
        return
    group, stream = _text(envelope.log_group), _text(envelope.log_stream)
    owner = _text(envelope.owner)
    for piece in items(bytes(envelope.log_events or b"[]")):
        try:
            event = _LOG_EVENT.decode(piece.text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Piece(piece.text, piece.reason or "no CloudWatch Logs event"), NO_WRAP
            continue
        time, ident = _as_text(event.timestamp), _as_text(event.id)
        message = event.message.encode("utf-8", "surrogatepass")
        yield Piece(message), Wrap(owner, None, time, ident, group, stream)


def _event(envelope: _Envelope) -> Iterator[tuple[Piece, Wrap]]:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""
    wrap = Wrap(
        account=_text(envelope.account),
        region=_text(envelope.region),
        time=_text(envelope.time),
        id=_text(envelope.id),
    )
    detail = bytes(envelope.detail or b"")
    try:
        inner = _DECODER.decode(detail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        inner = _Envelope()
    listed = inner.findings
    if bytes(listed)[:1] == b"[":
        yield from _listed(bytes(listed), wrap)
    else:
        yield Piece(detail), wrap


def export_line(line: bytes) -> tuple[bytes, Wrap]:
    """A line of a CloudWatch Logs export file: the message, and its time stamp as the envelope."""
    match = EXPORT_LINE.match(line)
    if match is None:
        return line, NO_WRAP
    return line[match.end() :], Wrap(time=match.group(1).decode())


def _text(raw: msgspec.Raw) -> str | None:
    if not bytes(raw):
        return None
    try:
        return _as_text(_ANY.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else str(value)
