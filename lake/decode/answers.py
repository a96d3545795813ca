"""Rows of answers that name no member in each row as a record does: of `get-query-results`, of
whatever answers with columns and rows. Each becomes a JSON object, as a table of it would have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from lake.decode.cells import object_text
from lake.decode.envelope_members import decoded
from lake.decode.frames import items
from lake.decode.pieces import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NO_ROW = "no row of an answer"


class _Column(msgspec.Struct):
    name: str = msgspec.field(name="Name")


class _Columns(msgspec.Struct):
    info: list[_Column] = msgspec.field(default_factory=list, name="ColumnInfo")


class _ResultSet(msgspec.Struct):
    rows: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="Rows")
    columns: _Columns = msgspec.field(default_factory=_Columns, name="ResultSetMetadata")


class _Cell(msgspec.Struct):
    value: str | None = msgspec.field(default=None, name="VarCharValue")


class _Row(msgspec.Struct):
    cells: list[_Cell] = msgspec.field(name="Data")


class _Named(msgspec.Struct):
    name: str


_CELLS = msgspec.json.Decoder(list[dict[str, str | None]])
_FIELD = {"field", "value"}
_RESULT_SET = msgspec.json.Decoder(_ResultSet)
_ROW = msgspec.json.Decoder(_Row)
_NAMES = msgspec.json.Decoder(list[str | _Named])
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def answer_cells(row: bytes) -> dict[str, str] | None:
    """The columns and cells of a row of `get-query-results`, a null cell being empty; None where
    the text is no such row. CloudWatch Logs writes `[{"field": "srcAddr", "value": "10.0.0.1"}]`,
    CloudTrail Lake an object for each cell, `[{"eventID": "..."}, {"eventName": "..."}]`."""
    listed = decoded(_CELLS, row)
    if listed is None:
        return None
    cells: dict[str, str] = {}
    for one in listed:
        pairs = [(one["field"] or "", one["value"])] if one.keys() == _FIELD else one.items()
        for name, value in pairs:
            cells[name] = cells.get(name) or value or ""
    return cells


def cells_object(cells: Mapping[str, str | None]) -> bytes:
    """The cells of a row as a JSON object."""
    return json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")


def as_object(text: bytes) -> bytes:
    """The JSON object for a row that is a list of cells (`get-query-results`); any other text
    unchanged."""
    cells = answer_cells(text) if text[:1] == b"[" else None
    return text if cells is None else cells_object(cells)


def answer_rows(array: bytes) -> Iterator[tuple[Piece, dict[str, str] | None]]:
    """Rows that are each a list of fields with their values, and their cells; None for the cells of
    what is no row."""
    for piece in items(array):
        yield piece, None if piece.reason else answer_cells(piece.text)


def row_piece(piece: Piece, cells: dict[str, str] | None) -> Piece:
    """Such a row as a JSON object."""
    if cells is None:
        return Piece(piece.text, piece.reason or _NO_ROW)
    return Piece(cells_object(cells), came=piece.text)


def athena_rows(result: bytes) -> Iterator[Piece] | None:
    """Rows of an answer of `aws athena get-query-results`, which names no cell: the columns do, and
    in the first page of an answer a row of their names. Such a row's original has the names. None
    where the result has no rows.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
    """
    found = decoded(_RESULT_SET, result)
    if found is None or bytes(found.rows)[:1] != b"[":
        return None
    return _named_rows(bytes(found.rows), [column.name for column in found.columns.info])


def _named_rows(array: bytes, names: list[str]) -> Iterator[Piece]:
    for place, piece in enumerate(items(array)):
        told = None if piece.reason else decoded(_ROW, piece.text)
        row = [cell.value for cell in told.cells] if told else None
        if place == 0 and row and row == (names or row):
            names = [name or "" for name in row]
        elif row is None or len(row) != len(names):
            yield Piece(piece.text, piece.reason or _NO_ROW)
        else:
            yield Piece(cells_object(dict(zip(names, row, strict=True))))


def column_names(text: bytes) -> list[str] | None:
    """The names of a table's columns; None where the text is no list of such, or they are not told
    apart."""
    told = decoded(_NAMES, text) or []
    names = [one if isinstance(one, str) else one.name for one in told]
    return names if names and len(set(names)) == len(names) else None


def table_rows(array: bytes, names: list[str]) -> Iterator[Piece]:
    """Rows that are lists of cells, as objects with these names; rows that name their cells
    themselves stay as they are."""
    for piece in items(array):
        if piece.reason is None and piece.text[:1] == b"{":
            yield Piece(piece.text)
            continue
        row = None if piece.reason else _cells(piece.text)
        if row is None or len(row) != len(names):
            yield Piece(piece.text, piece.reason or _NO_ROW)
        else:
            text = object_text(dict(zip(names, row, strict=True)))
            yield Piece(text.encode("utf-8", "surrogatepass"))


def _cells(text: bytes) -> list[str] | None:
    """The cells of a table's row, each as its JSON; None where the text is no list."""
    try:
        return [bytes(cell).decode() for cell in _RAWS.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
