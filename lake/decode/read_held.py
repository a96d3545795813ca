"""Records that stand within lines of which no source knows one: in cells of a table under whatever
name, or of `--output text` of the AWS command line, or behind what a program wrote before JSON.

It is asked last, of an object that would else be unknown, and takes one only where most of its
first rows hold a record.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from lake.decode.envelopes import OPENER
from lake.decode.read_csv import csv_lines, csv_rows
from lake.decode.recognise import PROBE_LINES
from lake.decode.shapes import numbered_place
from lake.decode.wrap import NO_WRAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.decode.recognise import Recognition
    from lake.decode.wrap import Wrap

_CUTS = ("\t", ",", ";", "|")


def read_held(reading: Recognition, text: bytes) -> Iterator[tuple[int, bytes, Wrap]] | None:
    """The records that lines hold, each with its place; None where most of the first hold none. A
    first row without one is taken for the names of columns; another is refused."""
    if b"\0" in text:
        return None
    lines = csv_lines(text)
    for cut in _CUTS:
        if cut.encode() not in text and cut != _CUTS[0]:
            continue
        first = list(islice(_rows(lines, cut), PROBE_LINES + 1))
        holding = sum(bool(_held(reading, cells)) for _, cells, _ in first)
        if holding and 2 * holding >= len(first) - 1:
            return _records(reading, lines, cut)
    return None


def _records(
    reading: Recognition, lines: list[bytes], cut: str
) -> Iterator[tuple[int, bytes, Wrap]]:
    messages = OPENER.messages(reading.knows)
    for number, (place, cells, original) in enumerate(_rows(lines, cut)):
        found = _held(reading, cells)
        if not found and number:
            reading.seen += 1
            reading.refuse(original, "a line that holds no record of a source", place)
        opened = (one for record in found for one in messages.opened(record, NO_WRAP))
        for count, (piece, wrap) in enumerate(opened):
            at = reading.placed(piece, numbered_place(place, count))
            if at is not None:
                yield at, piece.text, wrap


def _held(reading: Recognition, cells: list[str]) -> list[bytes]:
    """The cells of a row that are records, or end with one."""
    found = []
    for cell in cells:
        text = cell.strip().encode("utf-8", "surrogateescape")
        begin = text.find(b'{"')
        for record in (text, text[begin:] if begin > 0 else b""):
            if record and reading.knows_within(record):
                found.append(record)
                break
    return found


def _rows(lines: list[bytes], cut: str) -> Iterator[tuple[int, list[str], bytes]]:
    """The rows that have a text, as `csv_rows` gives them."""
    for place, cells, original, _ in csv_rows(lines, cut, "surrogateescape"):
        if original.strip():
            yield place, cells, original
