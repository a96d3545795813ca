"""Tables of text -> records: CSV of the console, of Athena and CloudTrail Lake, and answers of
`get-query-results`. A row becomes a JSON record, under the member names that the source gives to
the columns, and its own text stays the original; where CloudWatch Logs wrote it, the record is the
message in it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.cells import cell_json, written
from lake.envelopes import Messages, answer_cells, row_wrap
from lake.frames import MAX_RECORD, Cutter, values
from lake.headers import remembered
from lake.shapes import Records, Shape, utf8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.catalogue import Catalogue
    from lake.envelopes import Wrap
    from lake.fieldsets import Tree
    from lake.recognise import Reading
    from lake.sources import Source


class _Answer(msgspec.Struct):
    rows: list[msgspec.Raw] = msgspec.field(name="QueryResultRows")


WHOLE = ("eventjson", "cloudtrailevent")
"""Columns, in lower case, whose cells are events as CloudTrail wrote them."""
_TYPE = "#TYPE "
"""What PowerShell 5 writes above a header."""
_ANSWER = msgspec.json.Decoder(_Answer)


def read_csv(reading: Reading, text: bytes, first: str) -> Iterator[Records] | None:
    """The rows of a CSV download of the console, where a source declares its header."""
    found = _whose_csv(first, reading.catalogue)
    if found is None:
        return None
    source, names = found
    paths = csv_paths(source, names)
    reading.source = source
    reading.headers.append(first)
    reading.layout = {"csv": list(names)}
    reading.laid_out(source.name, 0)
    reading.note_unknown([n for n, path in zip(names, paths, strict=True) if path is None])
    return _rows(reading, text, source, paths)


@remembered
def _whose_csv(first: str, catalogue: Catalogue) -> tuple[Source, list[str]] | None:
    """The source that declares a header, and the header's names."""
    try:
        names = [name.strip() for name in next(csv.reader([first]))]
    except (csv.Error, StopIteration):
        return None
    source = _whose_columns(names, catalogue)
    return None if source is None else (source, names)


def _whose_columns(names: list[str], catalogue: Catalogue) -> Source | None:
    """The source that declares most of these columns, or half of them, and three at least."""
    for source in catalogue.sources.values():
        known = sum(path is not None for path in csv_paths(source, names)) if source.csv else 0
        if known >= max(3, len(names) // 2):
            return source
    return None


def csv_paths(source: Source, names: list[str]) -> list[str | None]:
    """The members that columns hold, by their names; Athena writes these in lower case, and Logs
    Insights names what is within a member `userIdentity.arn`."""
    exact = dict(source.csv)
    folded = {name.lower(): path for name, path in source.csv}
    return [exact.get(name) or folded.get(name.lower()) or _inner(source, name) for name in names]


def _inner(source: Source, name: str) -> str | None:
    """A dotted name, where [native] declares such a member, or JSON that can have it."""
    body: str | Tree = source.native
    found: list[str] = []
    for part in name.split("."):
        if isinstance(body, dict):
            declared = {member.lower(): member for member in body}
            if part.lower() not in declared:
                return None
            found.append(declared[part.lower()])
            body = body[found[-1]]
        elif body == "JSON" and part:
            found.append(part)
        else:
            return None
    return ".".join(found) if source.csv and len(found) > 1 else None


def read_messages(
    reading: Reading, text: bytes, first: str
) -> Iterator[tuple[int, bytes, Wrap]] | None:
    """The messages of a CSV download of CloudWatch Logs: `timestamp,message` of a log group's page,
    `@timestamp,@message` and whatever else was asked for of Logs Insights; and the events in one of
    CloudTrail Lake or of PowerShell's `Find-CTEvent | Export-Csv`."""
    names = [name.strip().strip('"').lower().removeprefix("@") for name in first.split(",")]
    if "message" in names and ("@message" in first or "timestamp" in names):
        return _messages(reading, text, names, "message")
    whole = next((name for name in WHOLE if name in names), None)
    return _messages(reading, text, names, whole) if whole else None


def _messages(
    reading: Reading, text: bytes, names: list[str], column: str
) -> Iterator[tuple[int, bytes, Wrap]]:
    messages = Messages()
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
            if reading.takes(piece, reading.seen + 1):
                yield reading.seen, piece.text, wrap


def _rows(
    reading: Reading, text: bytes, source: Source, paths: list[str | None]
) -> Iterator[Records]:
    found: list[tuple[int, str, bytes]] = []
    for place, row, original, wrong in _below_header(text, "replace"):
        reading.seen += 1
        if wrong is None and len(row) != len(paths):
            wrong = _other_width(row, len(paths))
        if wrong is not None:
            reading.refuse(original, wrong, place)
            continue
        found.append((place, csv_record(source, paths, row), original))
    yield from _as_records(reading, source, found)


def _as_records(
    reading: Reading, source: Source, found: list[tuple[int, str, bytes]]
) -> Iterator[Records]:
    """Rows as records: each one's place, its text as JSON, and its own text."""
    if found:
        reading.count_losses(source.name, [record.encode() for _, record, _ in found])
        good, coded, encoding = utf8([original for _, _, original in found])
        yield Records(
            Shape(source.name, "json"),
            pa.array([record for _, record, _ in found], pa.string()),
            np.array([place for place, _, _ in found], np.int64),
            original=good if coded is None else pc.coalesce(coded, good),
            encoding=encoding,
        )


def read_answers(reading: Reading, text: bytes) -> Iterator[Records] | None:
    """The rows of answers of `aws cloudtrail get-query-results`, where a source declares their
    columns: each row is a list of one cell each, `[{"eventID": "..."}, {"eventName": "..."}]`.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetQueryResults.html
    """
    try:
        answers = [_ANSWER.decode(piece.text) for piece in values(text, Cutter())]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    rows = [bytes(row) for answer in answers for row in answer.rows]
    cells = next(filter(None, map(answer_cells, rows)), None)
    names = [name for name, _ in cells or ()]
    source = _whose_columns(names, reading.catalogue)
    if source is None or "eventJson" in names:  # of which the whole event is in the cell
        return None
    reading.source = source
    reading.layout = {"answer": True}
    reading.laid_out(source.name, 0)
    paths = zip(names, csv_paths(source, names), strict=True)
    reading.note_unknown([name for name, path in paths if path is None])
    return _answered(reading, source, rows)


def _answered(reading: Reading, source: Source, rows: list[bytes]) -> Iterator[Records]:
    found: list[tuple[int, str, bytes]] = []
    for place, row in enumerate(rows, 1):
        reading.seen += 1
        record = answer_record(source, row)
        if record is None:
            reading.refuse(row, "no row of an answer", place)
        else:
            found.append((place, record, row))
    yield from _as_records(reading, source, found)


def answer_record(source: Source, row: bytes) -> str | None:
    """A row of an answer as the text of a JSON record; None where it is no row."""
    cells = answer_cells(row)
    if cells is None:
        return None
    paths = csv_paths(source, [name for name, _ in cells])
    return csv_record(source, paths, [value for _, value in cells])


def csv_record(source: Source, paths: list[str | None], row: list[str]) -> str:
    """A row of CSV as the text of a JSON record."""
    record: dict[str, object] = {}
    for path, value in zip(paths, row, strict=True):
        if path and (value or path in source.empty):
            _put(record, path.split("."), cell_json(source, path, value))
    return written(record)


def csv_lines(text: bytes) -> list[bytes]:
    """A CSV text's lines with their ends, as `csv` counts them: they end at CR and LF, not at what
    `str.splitlines` takes for an end besides (U+2028)."""
    return text.splitlines(keepends=True)


def _below_header(text: bytes, errors: str) -> Iterator[tuple[int, list[str], bytes, str | None]]:
    """The rows below a CSV's header, the first line that can be one: the number of their first
    line (from 1), their cells, their text, and why they cannot be read. A quote that is open in
    the header ends there, where else it would take the rows with it."""
    csv.field_size_limit(MAX_RECORD)
    lines = csv_lines(text)
    texts = (line.decode("utf-8", errors) for line in lines)
    above = next((n for n, line in enumerate(texts, 1) if can_be_header(line)), 0)
    reader = csv.reader(line.decode("utf-8", errors) for line in lines[above:])
    end = above
    while True:
        wrong = None
        try:
            row = next(reader, None)
        except csv.Error as error:
            row, wrong = [], str(error)
        if row is None:
            return
        begin, end = end, above + reader.line_num
        if any(row) or wrong is not None:
            yield begin + 1, row, b"".join(lines[begin:end]).rstrip(b"\r\n"), wrong


def can_be_header(line: str) -> bool:
    """Whether a line can be a CSV's header; PowerShell writes the type of its objects above it."""
    return bool(line.strip()) and not line.startswith(_TYPE)


def _other_width(row: list[str], width: int) -> str:
    return f"{len(row)} columns, header has {width}"


def _put(record: dict[str, object], path: list[str], value: str) -> None:
    """Of two columns for one member the first that has something is taken."""
    for name in path[:-1]:
        inner = record.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        record = inner
    if record.get(path[-1], '""') == '""':
        record[path[-1]] = value
