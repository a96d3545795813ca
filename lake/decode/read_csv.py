"""CSV -> records: downloads of the console, results of Athena, CloudTrail Lake and Logs Insights. A
row becomes a JSON record (`lake.decode.rows`), and its own text stays the original; where it has a
log event's message, or a whole event, that is the record."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.envelopes import OPENER
from lake.decode.headers import remembered, row_shape
from lake.decode.local_times import are_local, utc_cells
from lake.decode.pieces import MAX_RECORD
from lake.decode.rows import table_record, whose_table, wrap_of_row
from lake.decode.shapes import Records, utf8
from lake.decode.wrap import NO_WRAP, row_wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.decode.recognise import Recognition
    from lake.decode.wrap import Wrap
    from lake.sources.catalogue import Catalogue
    from lake.sources.source import Source


WHOLE = ("eventjson", "cloudtrailevent", "cloud_trail_event", "_raw", "event.original")
"""Columns, in lower case, whose cells are events as CloudTrail, Steampipe, Splunk or Elastic have
them."""
_HEADER = re.compile(r'\s*[,;|\t]?"?@?[A-Za-z][\w .()*[\]-]*"?\s*[,;|\t]')
"""How a header begins, of two names at least. To look for the members of all sources in each line
that is none would take longer than to read a small object."""
_ABOVE = ("#TYPE ", "sep=")
"""What PowerShell 5 and what Excel takes above a header."""
_CUTS = (",", ";", "\t", "|")
"""What cells are cut at: where the comma is a decimal's, Excel writes semicolons; `psql -A` has
bars."""


def read_csv(reading: Recognition, text: bytes, first: str) -> Iterator[Records] | None:
    """The rows of a CSV whose columns are a source's members; or a source of lines' columns, where
    Log Analytics' page wrote it, whose times no line has."""
    found = _whose_csv(first, reading.catalogue)
    if found is None:
        return None
    source, names, cut = found
    reading.source = source
    reading.delimiter = None if cut == "," else cut
    reading.headers.append(first)
    reading.layout = {"csv": list(names)}
    reading.laid_out(source.name, 0)
    reading.note_columns(source, names)
    return _rows(reading, text, source, names)


@remembered
def _whose_csv(first: str, catalogue: Catalogue) -> tuple[Source, list[str], str] | None:
    """The source whose members a header names, the header's names, and what they are cut at."""
    if not _HEADER.match(first):
        return None
    cut = _cut(first)
    try:
        names = [name.strip() for name in next(csv.reader([first], delimiter=cut))]
    except (csv.Error, StopIteration):
        return None
    source = whose_table(names, catalogue)
    if source is None or (source.format != "json" and not are_local(names)):
        return None
    return source, names, cut


def _cut(header: str) -> str:
    return max(_CUTS, key=header.count)


def read_messages(
    reading: Recognition, text: bytes, first: str
) -> Iterator[tuple[int, bytes, Wrap]] | None:
    """The messages of a CSV download of CloudWatch Logs: `timestamp,message` of a log group's page,
    `@timestamp,@message` and whatever else was asked for of Logs Insights; of Datadog,
    `Date,Host,Service,Message` or `Content`; and the events in one of CloudTrail Lake or of
    PowerShell's `Find-CTEvent | Export-Csv`."""
    names = [name.strip().strip('"').lower().removeprefix("@") for name in first.split(_cut(first))]
    if "message" in names and ("@message" in first or "timestamp" in names or "date" in names):
        return _messages(reading, text, names, "message")
    if "content" in names and "date" in names:
        return _messages(reading, text, names, "content")
    whole = next((name for name in WHOLE if name in names), None)
    return _messages(reading, text, names, whole) if whole else None


def _messages(
    reading: Recognition, text: bytes, names: list[str], column: str
) -> Iterator[tuple[int, bytes, Wrap]]:
    messages = OPENER.messages(reading.knows)
    for _, row, original, wrong in _below_header(text, "surrogateescape"):
        cells = dict(zip(names, row, strict=False))
        if wrong is None and len(row) > len(names):
            wrong = _other_width(row, len(names))
        if wrong is not None or not cells.get(column):
            reading.seen += 1
            what = "an event" if column in WHOLE else "a message"
            reading.refuse(original, wrong or f"a row without {what}")
            continue
        own = row_wrap(cells.get("timestamp"), cells.get("log"), cells.get("logstream"))
        message = cells[column].encode("utf-8", "surrogateescape")
        for piece, wrap in messages.opened(message, own):
            place = reading.placed(piece, reading.seen + 1)
            if place is not None:
                yield place, piece.text, wrap


def _rows(reading: Recognition, text: bytes, source: Source, names: list[str]) -> Iterator[Records]:
    found: list[tuple[int, str, bytes, Wrap]] = []
    for place, row, original, wrong in _below_header(text, "replace"):
        reading.seen += 1
        if wrong is None and len(row) != len(names):
            wrong = _other_width(row, len(names))
        if wrong is not None:
            reading.refuse(original, wrong, place)
            continue
        cells = utc_cells(names, row)
        told = wrap_of_row(dict(zip(names, cells, strict=True)))
        found.append((place, table_record(source, names, cells), original, told))
    if found:
        reading.made_of_rows(source)
        if source.format == "json":
            reading.count_losses(source.name, [record.encode() for _, record, _, _ in found])
        good, coded, encoding = utf8([original for _, _, original, _ in found])
        wraps = [told for *_, told in found]
        yield Records(
            row_shape(source, names),
            pa.array([record for _, record, _, _ in found], pa.string()),
            np.array([place for place, *_ in found], np.int64),
            wraps if any(told is not NO_WRAP for told in wraps) else None,
            original=good if coded is None else pc.coalesce(coded, good),
            encoding=encoding,
        )


def csv_lines(text: bytes) -> list[bytes]:
    """A CSV text's lines with their ends, as `csv` counts them: they end at CR and LF, not at what
    `str.splitlines` takes for an end besides (U+2028)."""
    return text.splitlines(keepends=True)


def _below_header(text: bytes, errors: str) -> Iterator[tuple[int, list[str], bytes, str | None]]:
    """The rows below a CSV's header, the first line that can be one: the number of their first
    line (from 1), their cells, their text, and why they cannot be read. A quote that is open in
    the header ends there, where else it would take the rows with it."""
    lines = csv_lines(text)
    texts = (line.decode("utf-8", errors) for line in lines)
    above = next((n for n, line in enumerate(texts, 1) if can_be_header(line)), 0)
    cut = _cut(lines[above - 1].decode("utf-8", errors)) if above else ","
    for place, row, original, wrong in csv_rows(lines[above:], cut, errors):
        if any(row) or wrong is not None:
            yield above + place, row, original, wrong


def csv_rows(
    lines: list[bytes], cut: str, errors: str
) -> Iterator[tuple[int, list[str], bytes, str | None]]:
    """The rows in a CSV's lines, cut at `cut`, `errors` as `bytes.decode` takes it: the number of
    the first line of each (from 1), its cells, its text, and why it cannot be cut, without cells
    then."""
    csv.field_size_limit(MAX_RECORD)
    reader = csv.reader((line.decode("utf-8", errors) for line in lines), delimiter=cut)
    end = 0
    while True:
        wrong = None
        try:
            row = next(reader, None)
        except csv.Error as error:
            row, wrong = [], str(error)
        if row is None:
            return
        begin, end = end, reader.line_num
        yield begin + 1, row, b"".join(lines[begin:end]).rstrip(b"\r\n"), wrong


def can_be_header(line: str) -> bool:
    """Whether a line can be a CSV's header; PowerShell writes the type of its objects above it."""
    return bool(line.strip()) and not line.startswith(_ABOVE)


def _other_width(row: list[str], width: int) -> str:
    return f"{len(row)} columns, header has {width}"
