"""Lines -> records: under headers, without one, or each with a time stamp before it as CloudWatch
Logs exports them. A line is never split between windows; its number is its place in the object."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.envelopes import EXPORT_LINE, Messages, export_line
from lake.frames import MAX_CARRIED, MAX_RECORD
from lake.read_json import TextReader, cut_records
from lake.read_tables import read_csv, read_messages
from lake.recognise import PROBE_LINES, is_header
from lake.shapes import LongText, utf8
from lake.sources import column_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.envelopes import Wrap
    from lake.recognise import Reading
    from lake.shapes import Records, Shape

_NAMES = r"^\"?[A-Za-z][A-Za-z_()\-]+\"?[ ,\t]+\"?[A-Za-z]"
"""A line that may be a header: it begins with two names."""
_NUMBER = r"\d{3}"
"""No name of a field has such a number, and no line of data (`ACCEPT OK 1418530010 ...`) lacks one:
the lines that only begin like a header are told at once, not one by one."""
_MAY_HEAD = re.compile(rf"(?s)(?!.*{_NUMBER}){_NAMES}", re.ASCII)  # as Arrow reads them
FEW = 100
"""Lines for which Arrow's start costs more than a look at each."""


@dataclass(slots=True)
class LineReader:
    """An object of lines, in windows -> records."""

    reading: Reading
    _line: int = 0
    _rest: bytes = b""
    _long: LongText | None = None
    _returns: bool | None = None
    """Whether lines end in CR alone, as old Macs wrote them; the first window tells."""
    _shape: Shape | None = None
    _exported: TextReader | None = None
    _messages: Messages = field(default_factory=Messages)

    def records(self, window: bytes, last: bool, whole: bool) -> Iterator[Records]:
        """The records of one window; `whole` where there is no other."""
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
        """The window up to its last line end, after what was left of the one before. A line that
        has no end within bounds is passed over, and refused at its end."""
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
        """The text of a damaged object without the line in which it breaks off: what is left of a
        line can look like a whole one."""
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
        array, original, encoding = split_lines(text)
        position = np.arange(self._line + 1, self._line + len(array) + 1, dtype=np.int64)
        self._line += len(array)
        kept = pc.not_equal(pc.utf8_trim_whitespace(array), "")
        if len(text) > MAX_RECORD:
            short = pc.less_equal(pc.binary_length(array), MAX_RECORD)
            for at in np.flatnonzero(~short.to_numpy(zero_copy_only=False)).tolist():
                self._too_long(array[at].as_py().encode(), int(position[at]))
            kept = pc.and_(kept, short)
        if not pc.all(kept).as_py():
            array, position = array.filter(kept), position[kept.to_numpy(zero_copy_only=False)]
            original = original.filter(kept) if original is not None else None
            encoding = encoding.filter(kept) if encoding is not None else None
        if not len(array):
            return
        if self._shape is None:
            first = array[0].as_py()
            table = read_csv(self.reading, text, first) if whole else None
            if table is not None:
                yield from table
                return
            logged = read_messages(self.reading, text, first) if whole else None
            if logged is not None:
                yield from TextReader(self.reading).records(logged)
                return
            if first.startswith("#"):
                self._shape = self.reading.recognise_directives(array[:PROBE_LINES].to_pylist())
            else:
                self._shape = self.reading.recognise_lines(array[:PROBE_LINES].to_pylist())
            if self._shape is None:
                return
        yield from self._segments(array, position, original, encoding)

    def _is_export(self, text: bytes) -> bool:
        """Whether these are lines of an export file: a time stamp, then a message that is known."""
        if not EXPORT_LINE.match(text):
            return False
        message, _ = export_line(text.split(b"\n", 1)[0])
        line = message.decode("utf-8", "replace")
        catalogue = self.reading.catalogue
        return (
            message[:1] == b"{"
            or bool(catalogue.by_line(line))
            or bool(catalogue.by_header([column_name(n) for n in line.split()]))
        )

    def _export_lines(self, text: bytes) -> Iterator[tuple[int, bytes, Wrap]]:
        for line in text.removesuffix(b"\n").split(b"\n"):
            self._line += 1
            if line.strip():
                message, wrap = export_line(line.rstrip(b"\r"))
                for piece, own in self._messages.opened(message, wrap):
                    self.reading.seen += 1
                    yield self._line, piece.text, own

    def _segments(
        self,
        array: pa.Array,
        position: np.ndarray,
        original: pa.Array | None,
        encoding: pa.Array | None,
    ) -> Iterator[Records]:
        """The stretches of lines under one header; headers and comments are no records."""
        at = 0
        for mark in [*self._marks(array), len(array)]:
            if mark > at:
                part = slice(at, mark)
                assert self._shape is not None  # noqa: S101
                self.reading.seen += mark - at
                yield cut_records(
                    self.reading,
                    self._shape,
                    array[part],
                    position[part],
                    None,
                    original[part] if original is not None else None,
                    encoding[part] if encoding is not None else None,
                )
            if mark < len(array):
                self._mark(array[mark].as_py())
            at = mark + 1

    def _marks(self, array: pa.Array) -> list[int]:
        """Which lines are headers, directives or comments."""
        source, given = self.reading.source, self.reading.delimited
        assert source is not None  # noqa: S101
        marks: set[int] = set()
        if given.header != "none" and source.header is not None:
            for place in _named(array):
                if is_header(array[place].as_py(), source):
                    marks.add(place)
        if given.header.startswith("#"):
            directives = pc.starts_with(array, "#").to_numpy(zero_copy_only=False)
            marks.update(np.flatnonzero(directives).tolist())
        return sorted(marks)

    def _mark(self, line: str) -> None:
        mark = self.reading.delimited.header
        if not line.startswith("#"):
            self._shape = self.reading.header(line, re.split(r"[\s,]+", line.strip()))
        elif line.startswith(mark):
            self._shape = self.reading.header(line, line[len(mark) :].split())


def _named(array: pa.Array) -> list[int]:
    """The places of lines that may be headers."""
    if len(array) <= FEW:
        return [n for n, line in enumerate(array.to_pylist()) if _MAY_HEAD.match(line)]
    hint = pc.match_substring_regex(array, _NAMES)
    hinted = np.flatnonzero(hint.to_numpy(zero_copy_only=False))
    data = pc.match_substring_regex(array.take(pa.array(hinted)), _NUMBER)
    found: list[int] = hinted[~data.to_numpy(zero_copy_only=False)].tolist()
    return found


def split_lines(text: bytes) -> tuple[pa.Array, pa.Array | None, pa.Array | None]:
    """The lines without their ends. An empty last line is no line."""
    size = len(text) - text.endswith(b"\n")
    # the text is looked at where it lies: copies of it cost four times what the cutting does
    offsets = pa.py_buffer(np.array([0, size], np.int32))
    whole = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        return utf8([line.removesuffix(b"\r") for line in text[:size].split(b"\n")])
    array = pc.split_pattern(whole, "\n").values
    if b"\r" in text:
        array = pc.replace_substring_regex(array, r"\r$", "")
    return array, None, None
