"""Text -> records: cuts JSON text into its values and line text into lines, and loses nothing.

`msgspec` splits without making Python objects; where it refuses (a broken value among good ones, a
cut end) a slower cut at `}` `{` boundaries saves every value that stands. Pieces that are no value
come back marked, with their place, for `rejects`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RECORD = 32 << 20
"""Bytes of one record; a longer one is rejected with its head."""
MAX_JOIN = 16
"""Pieces that may belong to one value, where `}{` stands inside a text."""

BETWEEN_VALUES = re.compile(rb"\}[ \t\r\n,]*(?=\{)")
BETWEEN_ITEMS = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_ARRAY_END = re.compile(rb"\][ \t\r\n]*\}?[ \t\r\n]*\Z")
_PLAIN = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')
_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Piece:
    """One JSON value's text, or, where `reason` is set, text that is none."""

    text: bytes
    reason: str | None = None


def is_value(text: bytes) -> bool:
    """Whether the text is one JSON value and nothing after it."""
    try:
        _RAW.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def values(buffer: bytes) -> Iterator[Piece]:
    """The JSON values that stand one after another: JSON Lines, pretty-printed, concatenated."""
    text = buffer.strip()
    if not text:
        return
    lines = text.split(b"\n")
    if len(lines) > 1 and (all(_looks_whole(line) for line in lines[:64]) or _mostly(lines[:64])):
        for line in lines:
            line = line.strip()
            if not line:
                continue
            if is_value(line):
                yield Piece(line)
            else:
                yield from _broken_line(line)
        return
    if is_value(text):
        yield Piece(text)
        return
    yield from pieces(text, BETWEEN_VALUES)


def items(array: bytes) -> list[Piece]:
    """The items of a JSON array, also of a broken or cut one (`array` starts with `[`)."""
    try:
        return [Piece(bytes(raw)) for raw in _RAWS.decode(array)]
    except (msgspec.DecodeError, RecursionError):
        inner = _ARRAY_END.sub(b"", array.strip()[1:]).strip()
        return list(pieces(inner, BETWEEN_ITEMS)) if inner else []


def plain_items(text: bytes) -> list[bytes] | None:
    """The items of `{"Records":[...]}`, parsed once; None for anything out of the ordinary."""
    start = _PLAIN.match(text)
    end = text.rstrip()
    if start is None or not end.endswith(b"]}") or b'"CloudTrailEvent"' in text:
        return None
    try:
        found = [bytes(raw) for raw in _RAWS.decode(text[start.end() - 1 : len(end) - 1])]
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if all(len(item) <= MAX_RECORD for item in found) else None


def _looks_whole(line: bytes) -> bool:
    line = line.strip()
    return not line or (line[:1] in b'{["' and line[-1:] in b'}]"') or line[:1] not in b' \t{}[]"'


def _mostly(lines: list[bytes]) -> bool:
    """JSON Lines with bad ones among them: at least half of the lines are whole objects."""
    filled = [line for line in lines if line.strip()]
    return 2 * sum(line[:1] == b"{" and is_value(line) for line in filled) >= len(filled)


def _broken_line(line: bytes) -> Iterator[Piece]:
    """Values written one after another; else the line as one, not the objects inside of it."""
    found = list(pieces(line, BETWEEN_VALUES))
    if found[0].reason is None:
        yield from found
    else:
        yield Piece(line, "no valid JSON")


def pieces(text: bytes, between: re.Pattern[bytes]) -> Iterator[Piece]:
    """Cut at every `}` that a `{` follows, and join again what only together is a value."""
    cuts = [0]
    ends = []
    for match in between.finditer(text):
        ends.append(match.start() + 1)
        cuts.append(match.end())
    ends.append(len(text))
    at = 0
    while at < len(cuts):
        joined = _join(text, cuts, ends, at)
        if joined is None:
            piece = text[cuts[at] : ends[at]].strip()
            yield from _resync(piece)
            at += 1
        else:
            yield Piece(text[cuts[at] : ends[joined]])
            at = joined + 1


def _join(text: bytes, cuts: list[int], ends: list[int], at: int) -> int | None:
    for last in range(at, min(at + MAX_JOIN, len(cuts))):
        if ends[last] - cuts[at] > MAX_RECORD:
            return None
        if is_value(text[cuts[at] : ends[last]]):
            return last
    return None


def _resync(piece: bytes) -> Iterator[Piece]:
    """A broken piece: its lines one by one, since a bad line costs that line."""
    lines = [line.strip() for line in piece.split(b"\n")]
    if len(lines) > 1 and any(is_value(line) and line[:1] == b"{" for line in lines if line):
        for line in lines:
            if line:
                yield Piece(line) if is_value(line) else Piece(line, "no valid JSON")
    elif piece:
        yield Piece(piece, "no valid JSON")
