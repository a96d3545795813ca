"""Text -> records: cuts JSON text into its values, loses nothing, and passes over what is broken.

`msgspec` splits without making Python objects; where it refuses, `lake.decode.cutter` goes on.
"""

from __future__ import annotations

import io
import re
from itertools import chain, islice
from typing import TYPE_CHECKING

import msgspec

from lake.decode.cutter import Cutter
from lake.decode.pieces import MAX_RECORD, Piece, is_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')
_BRACE_CODE = ord("{")
_RAW = msgspec.json.Decoder(msgspec.Raw)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def values(buffer: bytes, cutter: Cutter) -> Iterator[Piece]:
    """The JSON values that stand one after another: JSON Lines, pretty-printed, concatenated. What
    is out of the ordinary goes through the `cutter`."""
    lines = (line.strip() for line in io.BytesIO(buffer))  # one at a time, and no copy of all
    head = list(islice(filter(None, lines), 64))
    if len(head) > 1 and (all(_looks_whole(line) for line in head) or _mostly(head)):
        for line in chain(head, lines):
            if not line:
                continue
            if is_value(line):
                yield Piece(line)
            else:
                yield from _broken_line(line)
        return
    if not head:
        return
    head.clear()  # of one long line it is a copy
    text = buffer.strip()
    if is_value(text):
        yield Piece(text)
        return
    yield from cutter.feed(text, last=True)


def items(array: bytes) -> list[Piece]:
    """The items of a JSON array, also of a broken or cut one (`array` starts with `[`)."""
    try:
        return [Piece(bytes(raw)) for raw in _RAWS.decode(array)]
    except (msgspec.DecodeError, RecursionError):
        return list(Cutter().feed(array, last=True))


def plain_items(text: bytes) -> list[msgspec.Raw] | None:
    """The items of `{"Records":[...]}`, parsed once, as parts of the text; None for anything out of
    the ordinary."""
    start = _PLAIN.match(text)
    end = text.rstrip()
    if start is None or not end.endswith(b"]}") or b'"CloudTrailEvent"' in text:
        return None
    try:
        listed = memoryview(text)[start.end() - 1 : len(end) - 1]
        found = _RAWS.decode(listed)
    except (msgspec.DecodeError, RecursionError):
        return None
    if found and bytes(found[0])[:1] == b'"':
        return None  # records as strings
    return found if all(len(item) <= MAX_RECORD for item in found) else None


def plain_lines(text: bytes) -> list[msgspec.Raw] | None:
    """The objects of JSON Lines, parsed once, as parts of the text, as `values` gives them; None
    for anything out of the ordinary."""
    if text[:1] != b"{":
        return None
    try:
        found = _RAW.decode_lines(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    plain = all(memoryview(one)[0] == _BRACE_CODE and len(one) <= MAX_RECORD for one in found)
    return found if plain and len(found) > 1 else None


def _looks_whole(line: bytes) -> bool:
    return (line[:1] in b'{["' and line[-1:] in b'}]"') or line[:1] not in b'{}[]"'


def _mostly(lines: list[bytes]) -> bool:
    """JSON Lines with bad ones among them: at least half of the lines are whole objects, and none
    is the mere beginning of one that is printed on several lines."""
    whole = sum(line[:1] == b"{" and is_value(line) for line in lines)
    return b"{" not in lines and 2 * whole >= len(lines)


def _broken_line(line: bytes) -> Iterator[Piece]:
    """Values written one after another; else the line as one, not the objects inside of it."""
    found = list(Cutter().feed(line, last=True)) if line[:1] in b'{["' else []
    if found and found[0].reason is None:
        yield from found
    else:
        yield Piece(line, "no valid JSON")
