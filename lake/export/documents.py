"""Rows -> documents: the field sets nested as ECS has them, the record's own members at the top.

One rule for every source; what a source wants otherwise, `export.toml` says (`lake.export.layout`).
A document has no NULL, no empty object and no empty list, and nothing that the row does not have;
`event.original` is there once, as `@message`. It is built column by column, since a row has some
hundred leaves and most are empty.
"""

from __future__ import annotations

import gc
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import UsageError
from lake.export.jsonmembers import beside, flat, parsed
from lake.export.layout import ROTATIONS, layout_of
from lake.fieldsets import PARTITION, Tree
from lake.output import plain
from lake.rowmodel import table_columns
from lake.sources import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.export.layout import Layout
    from lake.sources import Source

FLAT = "flat"
"""Where a document has the whole of a JSON member some of whose members are fields of their own."""
_ISO = "%Y-%m-%dT%H:%M:%SZ"
_BUCKET = "s3://"
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Document:
    """What OpenSearch is given of one row: its index, its id (`event.hash`), its members; `path`
    and `offset` say where the record came from."""

    index: str
    id: str
    body: dict[str, Any]
    path: str
    offset: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """A document as JSON, and what else is known of it."""

    index: str
    id: str
    json: str
    path: str
    offset: int | None


def texts(source: Source, rows: pa.RecordBatch) -> list[Text]:
    """The documents of a table's rows as JSON, in their order."""
    with _no_collection():
        return [
            Text(one.index, one.id, as_json(one.body), one.path, one.offset)
            for one in documents(source, rows)
        ]


def as_json(value: Any) -> str:  # noqa: ANN401  a document, or a part of one
    """JSON text. Half of a surrogate pair, which JSON may escape and UTF-8 cannot hold, stays
    escaped."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Documents are trees of many objects, which the collector walks again and again as they grow,
    a third of the time that they take. They hold no cycle."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def documents(source: Source, rows: pa.RecordBatch) -> list[Document]:
    """The documents of a table's rows, in their order; `rows` has the columns of its view, whole.
    A row without a time or an identity has no place among them, and no table has one."""
    layout = layout_of(source)
    given = {
        name: rows.column(i)
        for i, name in enumerate(rows.schema.names)
        if name not in (*PARTITION, "@timestamp", "native")
    }
    sets = {name: _values(column, None) for name, column in given.items()}
    native = _native(source, layout, rows.column("native"))
    stamps = rows.column("@timestamp")
    times = pc.strftime(stamps, _ISO).to_pylist()
    parts = pc.strftime(stamps, ROTATIONS[layout.rotation]).to_pylist()
    members = [(name, leaf.split(".")) for name, leaf in layout.members.items()]
    found = []
    for at in range(rows.num_rows):
        body: dict[str, Any] = {"@timestamp": times[at]}
        for name, column in sets.items():
            if column[at] is not None:
                body[name] = column[at]
        event, path = body["event"], body.get("log", {}).get("file", {}).get("path", "")
        identity = str(event["hash"])
        for name, leaf in members:
            value = _at(body, leaf)
            if value is not None:
                body[name] = value
        for name, value in (native[at] or {}).items():
            body.setdefault(name, value)
        if (message := event.pop("original", None)) is not None:
            body["@message"] = message
        body["@id"] = event.get("id", identity)
        body["@log_type"] = source.log_type
        if path.startswith(_BUCKET):
            body["@log_s3bucket"], _, body["@log_s3key"] = path[len(_BUCKET) :].partition("/")
        offset = body.get("log", {}).get("offset")
        found.append(Document(f"{source.index}-{parts[at]}", identity, body, path, offset))
    return found


def source_of(rows: pa.RecordBatch) -> Source:
    """The source whose rows these are. Raises UsageError where they are not whole rows of one."""
    known = catalogue().sources
    names = set(rows.schema.names)
    told = (
        pc.unique(pc.struct_field(rows.column("event"), "dataset")).to_pylist()
        if {"event", "native"} <= names and pa.types.is_struct(rows.schema.field("event").type)
        else []
    )
    if len(told) == 1 and told[0] in known and names >= set(table_columns(known[told[0]])):
        return known[told[0]]
    raise UsageError(
        "a document is made of a whole row of one table. Ask for all columns: "
        "lake sql 'FROM cloudtrail WHERE ...' --format documents"
    )


def _at(body: dict[str, Any], leaf: list[str]) -> Any:  # noqa: ANN401
    value: Any = body
    for part in leaf:
        value = value.get(part)
        if value is None:
            return None
    return value


def _native(source: Source, layout: Layout, column: pa.Array) -> list[dict[str, Any] | None]:
    """Every row's own members, as they stand at the top of its document."""
    fields_of = _fields_by_member(source)
    found = _values(column, source.native, whole=frozenset(fields_of))
    if not layout.aside and not layout.fields:
        return found
    for members in found:
        if members is None:
            continue
        aside = {name: members.pop(name) for name in layout.aside if name in members}
        if aside:
            members["native"] = aside
        for top, fields in fields_of.items():
            if top in members:
                whole = members.pop(top)
                if own := beside(whole, fields):
                    members[top] = own
                if all_of_it := flat(f"{FLAT}.{top}", whole):
                    members.setdefault(FLAT, {})[top] = all_of_it
    return found


@cache
def _fields_by_member(source: Source) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, kind in layout_of(source).fields.items():
        top, _, inner = name.partition(".")
        found.setdefault(top, {})[inner] = kind
    return found


def _values(
    column: pa.Array, body: str | Tree | None, path: str = "", whole: frozenset[str] = frozenset()
) -> list[Any]:
    """A column's values as JSON has them, None for what is empty. `body` is its type in [native],
    where text that is JSON becomes what it says, fit for a `flat_object` but for those in `whole`.
    """
    if column.null_count == len(column):
        return [None] * len(column)
    if body == "JSON":
        given = [None if text is None else parsed(text) for text in column.to_pylist()]
        fit = given if path in whole else [None if v is None else flat(path, v) for v in given]
        return [value or None for value in fit]
    kind = column.type
    if pa.types.is_struct(kind):
        return _structs(column, body if isinstance(body, dict) else {}, path, whole)
    if pa.types.is_list(kind):
        return _lists(column)
    if pa.types.is_timestamp(kind):
        return list(pc.strftime(column, _ISO).to_pylist())
    if pa.types.is_floating(kind):
        return [v if v is None or math.isfinite(v) else None for v in column.to_pylist()]
    if pa.types.is_map(kind):
        given = [None if v is None else plain(dict(v)) for v in column.to_pylist()]
        return [None if v is None else flat(path, parsed(json.dumps(v))) or None for v in given]
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return list(column.to_pylist())
    return [plain(value) for value in column.to_pylist()]


def _structs(column: pa.StructArray, body: Tree, path: str, whole: frozenset[str]) -> list[Any]:
    """By members that every row has, which `dict` puts together quickly, and the others."""
    always: dict[str, list[Any]] = {}
    others: dict[str, list[Any]] = {}
    for field, child in zip(column.type, column.flatten(), strict=True):
        if child.null_count == len(child):
            continue
        inner = f"{path}.{field.name}" if path else field.name
        kind = body.get(field.name)
        to = always if not child.null_count and kind != "JSON" and _stays(child.type) else others
        to[field.name] = _values(child, kind, inner, whole)
    if not always and not others:
        return [None] * len(column)
    if not always:
        return [
            {name: value for name, value in zip(others, row, strict=True) if value is not None}
            or None
            for row in zip(*others.values(), strict=True)
        ]
    rows = zip(*always.values(), strict=True)
    found: list[Any] = list(map(dict, map(zip, repeat(tuple(always)), rows)))
    for name, values in others.items():
        for one, value in zip(found, values, strict=True):
            if value is not None:
                one[name] = value
    return found


def _stays(kind: pa.DataType) -> bool:
    """Whether a value of the type is never one that a document leaves out."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind)
    )


def _lists(column: pa.ListArray) -> list[Any]:
    inner = _values(column.flatten(), None)
    found, at = [], 0
    for length in pc.list_value_length(column).to_pylist():
        count = length or 0
        items = [value for value in inner[at : at + count] if value is not None]
        found.append(items or None)
        at += count
    return found
