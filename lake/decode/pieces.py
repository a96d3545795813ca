"""A piece of an object that is to be a record. The text of one JSON value: whether it is one, and
what members it has; the lines of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from lake.decode.refused import LongText

MAX_RECORD = 32 << 20
"""Bytes of one record; a longer one is rejected with its head."""
_RAW = msgspec.json.Decoder(msgspec.Raw)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Piece:
    """One JSON value's text, or, where `reason` is set, text that is none. `came` is what stood
    there, where the text had to be mended; `long` what was passed over, where it is too long."""

    text: bytes
    reason: str | None = None
    came: bytes | None = None
    long: LongText | None = None


def is_value(text: bytes) -> bool:
    """Whether the text is one JSON value and nothing after it."""
    try:
        _RAW.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def members(text: bytes | str | msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """A JSON object's members, each as its text; None where the text is no such object."""
    try:
        return _MEMBERS.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def members_of(text: bytes) -> list[str] | None:
    """The names of a JSON object's members; None where the text is no such object."""
    found = members(text)
    return None if found is None else list(found)


def text_lines(text: bytes) -> list[Piece]:
    """The lines of a text that have more than white space."""
    return [Piece(line.rstrip(b"\r")) for line in text.split(b"\n") if line.strip()]
