"""Rows that are in the lake -> records again, as the decoder gave them.

What a record's text does not tell of its columns (the header above it, the type of a Parquet
column, the account that the user named) stands in its object's `context`, noted when it was read.
Lakes that were read before this was noted have the header lines alone: the first one is taken, and
without one the line itself tells.
"""

from __future__ import annotations

import base64
import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.answers import as_object
from lake.decode.headers import header_shape, holds, line_shape, members_shape, row_shape
from lake.decode.local_times import utc_cells
from lake.decode.pieces import MAX_RECORD, is_value, members_of
from lake.decode.read_csv import csv_lines
from lake.decode.read_json import cut_lines
from lake.decode.read_tables import table_shape
from lake.decode.recognise import with_delimiter
from lake.decode.rows import row_record, table_record
from lake.decode.shapes import Records, Shape, legible
from lake.decode.surrogates import ESCAPED, mended
from lake.decode.wrap import Wrap
from lake.normalize.records import WRAP, ObjectFacts
from lake.sources.fieldsets import literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lake.normalize.engine import Engine
    from lake.sources.source import Source


@dataclass(frozen=True, slots=True)
class Known:
    """An object as the ledger knows it, for partition keys and the shape of its records."""

    facts: ObjectFacts
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def account(self) -> str | None:
        """The account that the user named when the object was read."""
        named = self.context.get("account")
        return str(named) if named else None


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows of one object: `text` is `event.original`, `place` the record's in the object, `at` the
    row's number among those at work, which the records bear as their position."""

    text: pa.Array
    encoding: pa.Array
    context: pa.Array
    place: np.ndarray
    at: np.ndarray

    def only(self, kept: np.ndarray) -> Stored:
        """The rows for which `kept` is true."""
        mask = pa.array(kept)
        return Stored(
            self.text.filter(mask),
            self.encoding.filter(mask),
            self.context.filter(mask),
            self.place[kept],
            self.at[kept],
        )


def records_of(source: Source, known: Known, rows: Stored, engine: Engine) -> Iterator[Records]:
    """The records that an object's rows were made of. `position` is `Stored.at`."""
    rows = _decoded(rows)
    layouts = [one for one in known.context.get("layouts", ()) if one["source"] == source.name]
    for layout, part in _by_layout(layouts, rows):
        if "table" in layout and source.format != "json":
            yield _table(source, layout, part, engine)
        elif "csv" in layout:
            yield _csv(source, layout["csv"], layout.get("cut", ","), part)
        elif layout.keys() & {"rows", "answer", "table"}:
            objects = _as_objects(part.text)
            shape = Shape(source.name, "json")
            yield _of_cells(shape, [row_record(source, one)[0] for one in objects], part)
        elif source.format == "json":
            yield _json(source, part)
        else:
            braced = pc.match_substring_regex(part.text, r"^\[?\{").to_numpy(zero_copy_only=False)
            if braced.any():
                yield _members(source, part.only(braced))
            if not braced.all():
                yield from _lines(source, known, layout, part.only(~braced))


def _decoded(rows: Stored) -> Stored:
    """With text in UTF-8 where the original is kept in base64."""
    if rows.encoding.null_count == len(rows.encoding):
        return rows
    texts = [
        text if coding is None else legible(base64.b64decode(text))
        for text, coding in zip(rows.text.to_pylist(), rows.encoding.to_pylist(), strict=True)
    ]
    return Stored(pa.array(texts, pa.string()), rows.encoding, rows.context, rows.place, rows.at)


def _by_layout(
    layouts: Sequence[dict[str, Any]], rows: Stored
) -> Iterator[tuple[dict[str, Any], Stored]]:
    """The rows under each of an object's layouts."""
    if len(layouts) < 2:
        yield (layouts[0] if layouts else {}), rows
        return
    begins = [one["from"] for one in layouts]
    number = np.maximum(np.searchsorted(begins, rows.place, side="right") - 1, 0)
    for at in np.unique(number).tolist():
        yield layouts[at], rows.only(number == at)


def _wraps(rows: Stored) -> list[Wrap] | None:
    if rows.context.null_count == len(rows.context):
        return None
    told = (json.loads(text) if text else {} for text in rows.context.to_pylist())
    return [Wrap(**{name: one.get(name) for name in WRAP}) for one in told]


def _json(source: Source, rows: Stored) -> Records:
    text = rows.text
    halves = pc.match_substring_regex(text, ESCAPED)
    if pc.any(halves).as_py():
        text = pa.array([_mended(one) for one in text.to_pylist()], pa.string())
    return Records(Shape(source.name, "json"), text, rows.at, _wraps(rows))


def _mended(text: str) -> str:
    data = text.encode()
    good = None if is_value(data) else mended(data)
    return text if good is None else good.decode()


def _csv(source: Source, names: Sequence[str], cut: str, rows: Stored) -> Records:
    csv.field_size_limit(MAX_RECORD)
    lines = ([line.decode() for line in csv_lines(text.encode())] for text in rows.text.to_pylist())
    cells = (next(csv.reader(row, delimiter=cut)) for row in lines)
    texts = [table_record(source, names, utc_cells(names, row)) for row in cells]
    return _of_cells(row_shape(source, names), texts, rows)


def _as_objects(texts: pa.Array) -> list[str]:
    return [as_object(text.encode()).decode() for text in texts.to_pylist()]


def _of_cells(shape: Shape, texts: Sequence[str], rows: Stored) -> Records:
    return Records(shape, pa.array(texts, pa.string()), rows.at, _wraps(rows), original=rows.text)


def _members(source: Source, rows: Stored) -> Records:
    """A writer may leave out what is null: the shape has the members of all."""
    texts = _as_objects(rows.text)
    found: dict[str, None] = {}
    for text in texts:
        found |= dict.fromkeys(members_of(text.encode()) or ())
    return _of_cells(members_shape(source, list(found)), texts, rows)


def _lines(source: Source, known: Known, layout: dict[str, Any], rows: Stored) -> Iterator[Records]:
    given = with_delimiter(source.lines, layout.get("cut"))
    headers = known.context.get("headers") or []
    if "names" in layout:
        shapes = [(header_shape(source.name, given, layout["names"]), rows)]
    elif headers and not layout:
        names = str(headers[0]).removeprefix(given.header).split()
        shapes = [(header_shape(source.name, given, names), rows)]
    else:
        shapes = list(_by_line(source, str(layout.get("line") or ""), given.delimiter, rows))
    for shape, part in shapes:
        yield cut_lines(Records(shape, part.text, part.at, _wraps(part)), given)


def _by_line(
    source: Source, line: str, delimiter: str, rows: Stored
) -> Iterator[tuple[Shape, Stored]]:
    """The rows whose lines have the layout of this one, or of the first, and those of others, which
    tell by the number of their fields. Lines that the present layouts do not know are each refused,
    and stay."""
    unknown = Shape(source.name, "fields", (), -1)
    shape = line_shape(source, line or rows.text[0].as_py()) or unknown
    counts = pc.count_substring(rows.text, delimiter).to_numpy(zero_copy_only=False) + 1
    for count in np.unique(counts).tolist():
        part = rows.only(counts == count)
        own = shape if holds(shape, count) else line_shape(source, part.text[0].as_py())
        yield own or unknown, part


def _table(source: Source, layout: dict[str, Any], rows: Stored, engine: Engine) -> Records:
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(layout["table"])))
    kinds = engine.types(schema)
    members = literal(json.dumps(kinds))
    query = f"SELECT unnest(from_json(text, {members})) FROM chunk"
    table = engine.run(query, pa.table({"text": rows.text}))
    types = tuple(str(kind) for kind in schema.types)
    shape = table_shape(source, layout["names"], types)
    return Records(shape, pa.nulls(len(rows.at), pa.string()), rows.at, _wraps(rows), table=table)
