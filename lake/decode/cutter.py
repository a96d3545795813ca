"""JSON text that is broken, or comes in parts -> its values, one by one.

Python's own parser goes from value to value: what is broken costs that value, and comes back
marked, for `rejects`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lake.decode.pieces import MAX_RECORD, Piece, is_value
from lake.decode.refused import LongText
from lake.decode.surrogates import mended

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CARRIED = 2 * MAX_RECORD
"""Bytes of an unfinished value that are kept until more of it comes."""
STEP = 64 << 10
"""Bytes gone through together."""
PATIENCE = 4
"""Times its own length that a broken text may be gone through in vain, looking for the ends of
broken values. After that a broken value takes at least `SKIPPED` bytes with it: a text can be made
whose every brace is worth a look and ends in nothing."""
SKIPPED = 64 << 10
_DEEPEST = 8 << 10
"""Bytes that were gone through, at least, when Python gives up on depth."""

_OPENED = re.compile(
    r'\[|\{(?:\s*"[^"\\]{1,64}"\s*:\s*(?:"[^"\\]*"|[\d.a-z]+|\[[^\[\]{}\\]*\])\s*,){0,20}'
    r'\s*"(Records|Events|Findings|logEvents|events)"\s*:\s*\['
)
"""The beginning of a list of records, plain or in an object."""
_LOGS = ("logEvents", "events")
_MEMBER = re.compile(r'[ \t\r\n]*,[ \t\r\n]*"[^"\\]*"[ \t\r\n]*:[ \t\r\n]*')
_BRACE = re.compile(r"[ \t\r\n]*(\}|\Z)")
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_NEXT = re.compile(r"\}[ \t\r\n]*,?[ \t\r\n]*(?=\{)|\n(?=\{)")
"""Where the next value may begin: an object after an object, or at the start of a line."""
_AFTER = re.compile(r"[ \t\r\n]*(?:,[ \t\r\n]*)?(?:[{\[\]]|\Z)")
_CLOSING = {
    "]": re.compile(rb"\][ \t\r\n]*\Z"),
    "]}": re.compile(rb"\][ \t\r\n]*\}[ \t\r\n]*\Z"),
}
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_MARK = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'"|\\.?', re.DOTALL)
_SCAN = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)


class Cutter:
    """Cuts JSON text that comes in parts, of any length, into its values.

    A list of records that is not there as a whole, or is broken, is opened: its items come out
    one by one, those of a log each in the envelope that tells its group and stream.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._passing: _Passing | None = None
        self._open: str | None = None
        self._head = b""
        self._fed = 0
        self._spent = 0

    @property
    def unclosed(self) -> bool:
        """Whether the text ended before the list that was opened: it is cut, perhaps between two
        items, where nothing else tells."""
        return self._open is not None

    def feed(self, part: bytes, last: bool) -> Iterator[Piece]:
        """The values that end in this part; an unfinished one waits for the next part.

        It goes in steps, since an error of Python's parser counts the lines before it.
        """
        at = 0
        if self._passing is not None:
            at = self._passing.feed(part)
            if at <= len(part) or last:
                yield self._passing.piece()
                self._passing = None
            if at >= len(part):
                return
        while True:
            begin, at = at, at + max(STEP, len(self._rest))
            self._fed += min(at, len(part)) - begin
            yield from self._step(part[begin:at], last and at >= len(part))
            if self._passing is not None and at < len(part):
                yield from self.feed(part[at:], last)
                return
            if at >= len(part):
                return

    def _step(self, part: bytes, last: bool) -> Iterator[Piece]:
        data = self._rest + part
        self._rest = b""
        text = data.decode("latin-1")  # a character a byte; what matters here is ASCII
        at = _space(text, 0)
        while at < len(text):
            if self._open is not None and text[at] == "]":
                end = self._close(text, at)
                if end is None and not last:
                    self._rest = data[at:]
                    return
                at = _space(text, len(text) if end is None else end)
                continue
            end, reached, cut = _value(text, at, last)
            piece = data[at:end]
            if end is not None and is_value(piece):
                yield Piece(self._enveloped(piece))
            elif self._open is None and (opened := _OPENED.match(text, at)) is not None:
                self._begin(data, opened)
                end = opened.end()
            elif end is not None and (good := mended(piece)) is not None:
                yield Piece(self._enveloped(good), came=self._enveloped(piece))
            elif cut and not last and len(text) - at <= MAX_CARRIED:
                self._rest = data[at:]
                return
            elif cut and not last and text[at] in "{[":
                self._passing = _Passing()
                self._passing.feed(data[at:])
                return
            else:
                if end is None:
                    end = len(text) if cut else self._end_of_broken(text, at, reached)
                if end is None:
                    if not last and len(text) - at <= MAX_CARRIED:
                        self._rest = data[at:]
                        return
                    end = len(text)
                yield self._refused(data[at:end], end == len(text))
            at = _space(text, end)

    def _refused(self, text: bytes, ends: bool) -> Piece:
        """A broken value's text; in a list without the comma, or what closes the list, after it."""
        if self._open is not None:
            text = _CLOSING[self._open].sub(b"", text) if ends else text
            text = text.rstrip(b" \t\r\n,")
        return Piece(text.strip(), "no valid JSON")

    def _begin(self, data: bytes, opened: re.Match[str]) -> None:
        self._open = "]" if opened[1] is None else "]}"
        self._head = data[opened.start() : opened.end()] if opened[1] in _LOGS else b""

    def _enveloped(self, piece: bytes) -> bytes:
        return self._head + piece + b"]}" if self._head else piece

    def _close(self, text: str, at: int) -> int | None:
        """Where the opened list ends, with the rest of its object; None where that is not there
        yet."""
        end = at + 1
        if self._open == "]}":
            while member := _MEMBER.match(text, end):
                found, _, cut = _value(text, member.end(), last=False)
                if cut:
                    return None
                if found is None:
                    break
                end = found
            closed = _BRACE.match(text, end)
            if closed is not None and not closed[1]:
                return None
            end = closed.end() if closed else end
        self._open, self._head = None, b""
        return end

    def _end_of_broken(self, text: str, at: int, reached: int) -> int | None:
        """Where a value ends that cannot be parsed: where its brackets do, else before the next
        thing that looks like a value; None where there is none."""
        self._spent += reached - at
        start = at + 1
        if self._spent <= PATIENCE * self._fed:
            end, scanned = _balanced(text, at)
            if end is not None and _AFTER.match(text, end):
                return end
            self._spent += scanned - at
        else:
            start = max(reached, at + SKIPPED)
        boundary = _NEXT.search(text, start)
        return boundary.end() if boundary else None


class _Passing:
    """A value that is longer than what is kept of one, on the way to its end."""

    def __init__(self) -> None:
        self._long = LongText()
        self._depth = 0
        self._quoted = self._escaped = False

    def feed(self, part: bytes) -> int:
        """Where the value ends in this part; one more than its length where it goes on."""
        end = self._end(part)
        self._long.add(part[:end])
        return end

    def piece(self) -> Piece:
        """The value, for `rejects`."""
        return Piece(b"", f"a record of over {MAX_RECORD >> 20} MB", long=self._long)

    def _end(self, part: bytes) -> int:
        at = 1 if self._escaped else 0
        self._escaped = False
        while at < len(part):
            found = (_IN_STRING if self._quoted else _MARK).search(part, at)
            if found is None:
                return len(part) + 1
            mark, at = found[0][:1], found.end()
            if mark == b"\\":
                self._escaped = at > len(part) or len(found[0]) == 1
            elif mark == b'"':
                self._quoted = not self._quoted
            else:
                self._depth += 1 if mark in b"{[" else -1
                if self._depth <= 0:
                    return at
        return len(part) + 1


def _space(text: str, at: int) -> int:
    """The next place that is neither space nor a comma."""
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, last: bool) -> tuple[int | None, int, bool]:
    """Where the value at `at` ends, None where it is broken; how far it was understood; whether it
    is the end of the text that breaks it."""
    try:
        end = _SCAN.raw_decode(text, at)[1]
    except json.JSONDecodeError as error:
        cut = error.msg.startswith("Unterminated string") or error.pos > len(text) - 8
        return None, error.pos, cut
    except (ValueError, RecursionError):
        return None, min(len(text), at + _DEEPEST), False
    if end == len(text) and not last and text[at] not in '{["':
        return None, end, True  # a number may go on
    return end, end, False


def _balanced(text: str, at: int) -> tuple[int | None, int]:
    """Where the brackets that open at `at` are closed, None where they do not pair; and how far
    was looked."""
    opened: list[str] = []
    place = at
    for token in _TOKEN.finditer(text, at, min(len(text), at + MAX_RECORD)):
        place, mark = token.end(), token[0]
        if mark == "{":
            opened.append("}")
        elif mark == "[":
            opened.append("]")
        elif mark in "}]":
            if not opened or opened.pop() != mark:
                return None, place
            if not opened:
                return place, place
    return None, place
