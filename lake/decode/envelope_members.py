"""Values within envelopes (`lake.decode.envelopes`): a log event, and members as text."""

from __future__ import annotations

from typing import TypeVar

import msgspec


class LogEvent(msgspec.Struct):
    """A log event of CloudWatch Logs, in a subscription or in an answer."""

    message: str = ""
    id: str | int | None = None
    timestamp: int | float | str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventId")
    log_stream: str | None = msgspec.field(default=None, name="logStreamName")


class _Data(msgspec.Struct):
    data: str


_LOG_EVENT = msgspec.json.Decoder(LogEvent)
_DATA = msgspec.json.Decoder(_Data)
_ANY = msgspec.json.Decoder()
_T = TypeVar("_T")


def decoded(decoder: msgspec.json.Decoder[_T], text: bytes | msgspec.Raw) -> _T | None:
    """What a text is; None where it is something else."""
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def log_event_of(text: bytes) -> LogEvent | None:
    """A log event; None where the text is none."""
    return decoded(_LOG_EVENT, text)


def data_of(text: bytes) -> str | None:
    """The member `data` of a JSON object; None where it has none that is text."""
    found = decoded(_DATA, text)
    return found.data if found else None


def text_of(raw: bytes | msgspec.Raw) -> str | None:
    """A value as text; None where it is not there, null, an object or a list."""
    return as_text(decoded(_ANY, raw)) if len(raw) else None


def as_text(value: object) -> str | None:
    """A value as text; None where it is null, an object or a list."""
    if value is None or isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else str(value)
