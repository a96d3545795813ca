"""Lines -> records: under headers, without one, or each with a time stamp before it as CloudWatch
Logs exports them. A line is never split between windows; its number is its place in the object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from lake.decode.cutter import MAX_CARRIED
from lake.decode.envelopes import OPENER
from lake.decode.headers import header_of, names_in
from lake.decode.lines import split_lines
from lake.decode.pieces import MAX_RECORD
from lake.decode.read_csv import can_be_header, read_csv, read_messages
from lake.decode.read_held import read_held
from lake.decode.read_json import TextReader, cut_records
from lake.decode.recognise import PROBE_LINES
from lake.decode.refused import LongText
from lake.decode.shapes import numbered_place
from lake.decode.wrap import EXPORT_LINES, export_line
from lake.sources.source import column_name

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from lake.decode.lines import Lines
    from lake.decode.opening import Messages
    from lake.decode.recognise import Recognition
    from lake.decode.shapes import Records, Shape
    from lake.decode.wrap import Wrap
    from lake.sources.catalogue import Catalogue

PIECE = 8 << 20
"""Bytes of lines that are cut into records together: they take five times as much meanwhile."""


@dataclass(slots=True)
class LineReader:
    """An object of lines, in windows -> records."""

    reading: Recognition
    _line: int = 0
    _rest: bytes = b""
    _last: bool = False
    _long: LongText | None = None
    _returns: bool | None = None
    """Whether lines end in CR alone, as old Macs wrote them; the first window tells."""
    _shape: Shape | None = None
    _exported: TextReader | None = None
    _head: re.Pattern[bytes] = EXPORT_LINES[0]
    """What stands before each message of an export."""
    _messages: Messages = field(init=False)

    def __post_init__(self) -> None:
        self._messages = OPENER.messages(self.reading.knows)

    def records(self, window: bytes, last: bool, whole: bool) -> Iterator[Records]:
        """The records of one window; `whole` where there is no other."""
        self._last = last
        if self._returns is None:
            self._returns = b"\n" not in window and b"\r" in window.rstrip()
        if self._returns:
            window = window.replace(b"\r", b"\n")
        text = self._whole_lines(window, last)
        if last and self.reading.reason is not None:
            text = self._without_cut_line(text)
        if text:
            yield from self._lines(text, whole)
        if len(self._rest) > MAX_CARRIED:
            self._line, self._long, self._rest = self._line + 1, LongText(self._rest), b""
        if last and self._long is not None:
            self._too_long(self._long, self._line)

    def _whole_lines(self, window: bytes, last: bool) -> bytes:
        """What was left of the window before, and this one up to its last line end. A line that is
        too long to be kept is passed over, and refused where it ends."""
        if self._long is not None:
            end = window.find(b"\n")
            self._long.add(window[:end] if end >= 0 else window)
            if end < 0:
                return b""
            self._too_long(self._long, self._line)
            window, self._long = window[end + 1 :], None
        text = self._rest + window
        end = len(text) if last else text.rfind(b"\n") + 1
        self._rest = text[end:]
        return text[:end]

    def _without_cut_line(self, text: bytes) -> bytes:
        """The text of a damaged object without its last line, which the damage may have cut: what
        is left of a line can look like a whole one."""
        end = text.rfind(b"\n") + 1
        if text[end:].strip():
            self.reading.seen += 1
            position = self._line + text.count(b"\n", 0, end) + 1
            self.reading.refuse(text[end:], "a line cut off where the object is damaged", position)
        return text[:end]

    def _too_long(self, text: bytes | LongText, position: int) -> None:
        self.reading.seen += 1
        self.reading.refuse(text, f"a line of over {MAX_RECORD >> 20} MB", position)

    def _lines(self, text: bytes, whole: bool) -> Iterator[Records]:
        if self._shape is None and self._exported is None and self._is_export(text):
            self._exported = TextReader(self.reading)
        if self._exported is not None:
            yield from self._exported.records(self._export_lines(text))
            return
        for piece in _pieces(text):
            lines = self._split(piece)
            if not len(lines):
                continue
            if self._shape is None:
                probe = lines.first(PROBE_LINES)
                header = next(filter(can_be_header, probe), None) if whole else None
                if header and (logged := read_messages(self.reading, text, header)) is not None:
                    yield from TextReader(self.reading).records(logged)
                    return
                if header and (table := read_csv(self.reading, text, header)) is not None:
                    yield from table
                    return
                if probe[0].startswith("#"):
                    self._shape = self.reading.recognise_directives(probe)
                else:
                    self._shape = self.reading.recognise_lines(probe)
                if self._shape is None:
                    yield from self._held(text if whole else b"")
                    return
            yield from self._segments(lines, self._shape)

    def _held(self, text: bytes) -> Iterator[Records]:
        """What lines hold of which no source knows one."""
        if not text or self.reading.status != "unknown" or self.reading.forced is not None:
            return
        if (held := read_held(self.reading, text)) is not None:
            self.reading.take_back()
            self.reading.delimiter = self.reading.layout = None
            yield from TextReader(self.reading).records(held)

    def _split(self, text: bytes) -> Lines:
        """The lines of the text that comes next, without blank and without too long ones."""
        lines = split_lines(text, self._line)
        self._line += len(lines)
        lines = lines.without_blank()
        if len(text) <= MAX_RECORD or isinstance(lines.text, list):
            return lines
        size = pc.binary_length(lines.text).to_numpy(zero_copy_only=False)
        for at in np.flatnonzero(size > MAX_RECORD).tolist():
            self._too_long(lines.line(at).encode(), int(lines.position[at]))
        return lines if size.max(initial=0) <= MAX_RECORD else lines.kept(size <= MAX_RECORD)

    def _is_export(self, text: bytes) -> bool:
        """Whether these are lines of an export: each has something before its message, and one of
        the first messages is of a known log."""
        plain = EXPORT_LINES[0].match(text) is None
        for head in EXPORT_LINES[1:] if plain else EXPORT_LINES:
            if head.match(text) is None:
                continue
            lines = text.split(b"\n", PROBE_LINES)[:PROBE_LINES]
            if plain and self.reading.knows(lines[0]):
                return False
            known = self._is_known if head is EXPORT_LINES[0] else self.reading.knows_within
            if any(known(export_line(line, head)[0]) for line in lines):
                self._head = head
                return True
        return False

    def _is_known(self, message: bytes) -> bool:
        line = message.decode("utf-8", "replace")
        catalogue = self.reading.catalogue
        return (
            message[:1] == b"{"
            or bool(catalogue.by_line(line))
            or bool(catalogue.by_header([column_name(n) for n in line.split()]))
        )

    def _export_lines(self, text: bytes) -> Iterator[tuple[int, bytes, Wrap]]:
        lines = text.removesuffix(b"\n").split(b"\n")
        at = 0
        while at < len(lines):
            begin, at = at, at + 1
            if not lines[begin].strip():
                continue
            message, wrap = export_line(lines[begin].rstrip(b"\r"), self._head)
            if not message.strip():  # `aws logs tail --format json` has it in the lines below
                while at < len(lines) and not self._head.match(lines[at]):
                    at += 1
                if at == len(lines) and not self._last:  # the next window may have more of it
                    self._rest = b"\n".join([*lines[begin:], self._rest])
                    lines = lines[:begin]
                    break
                message = b"\n".join(lines[begin + 1 : at]).strip()
            for number, (piece, own) in enumerate(self._messages.opened(message, wrap)):
                line = numbered_place(self._line + begin + 1, number)
                place = self.reading.placed(piece, line)
                if place is not None:
                    yield place, piece.text, own
        self._line += len(lines)

    def _segments(self, lines: Lines, shape: Shape) -> Iterator[Records]:
        """The stretches of lines under one header, the first of them of this shape; headers and
        comments are no records."""
        at = 0
        for mark in [*self._marks(lines), len(lines)]:
            if mark > at:
                self.reading.seen += mark - at
                part = lines.part(slice(at, mark))
                yield cut_records(self.reading, part.of(shape))
            if mark < len(lines):
                shape = self._shape = self._below(lines.line(mark)) or shape
            at = mark + 1

    def _marks(self, lines: Lines) -> list[int]:
        """Which lines are headers, directives or comments."""
        source, given = self.reading.recognised, self.reading.delimited
        marks: set[int] = set()
        if source.header is not None and (given.header != "none" or self.reading.headers):
            for place in lines.maybe_headers():
                if header_of(lines.line(place), source, self._others):
                    marks.add(place)
        if given.header.startswith("#") or self.reading.directed:
            marks.update(lines.beginning("#"))
        return sorted(marks)

    @property
    def _others(self) -> Catalogue | None:
        """Where a header may be another source's; not where the user has said what it is."""
        return None if self.reading.forced else self.reading.catalogue

    def _below(self, line: str) -> Shape | None:
        """The shape of the lines below a header or directive; None where this names no fields."""
        if line.startswith("#"):
            named = self.reading.delimited.named(line)
            return None if named is None else self.reading.header(line, named)
        whose = header_of(line, self.reading.recognised, self._others)
        return self.reading.header(line, names_in(line), whose)


def _pieces(text: bytes) -> Iterator[bytes]:
    """A text in pieces of whole lines, of about `PIECE` bytes or one line each."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at + PIECE) + 1 or len(text)
        yield text[at:end]
        at = end
