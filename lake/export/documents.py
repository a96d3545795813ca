"""Rows -> documents: the field sets nested as ECS has them, the record's own members at the top.

One rule for every source; what a source wants otherwise, `export.toml` says (`lake.export.layout`).
A document has no NULL, no empty object and no empty list, and nothing that the row does not have;
`event.original` is there once, as `@message`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import UsageError
from lake.export.jsonmembers import beside, flat, parsed
from lake.export.jsontext import (
    Text,
    as_json,
    distinct,
    each,
    json_text,
    object_text,
    quoted,
    spread,
)
from lake.export.layout import ROTATIONS, layout_of
from lake.fieldsets import PARTITION
from lake.rowmodel import table_columns
from lake.sources import catalogue

if TYPE_CHECKING:
    from lake.export.layout import Layout
    from lake.sources import Source

FLAT = "flat"
"""Where a document has the whole of a JSON member some of whose members are fields of their own."""
_PLACE = "(?s)^s3://(?P<bucket>[^/]*)/?(?P<key>.*)$"


@dataclass(frozen=True, slots=True)
class Document:
    """What OpenSearch is given of one row: its index, its id (`event.hash`), its JSON; `path` and
    `offset` say where the record came from."""

    index: str
    id: str
    json: str
    path: str | None
    offset: int | None

    @property
    def body(self) -> dict[str, Any]:
        """The document itself."""
        found: dict[str, Any] = json.loads(self.json)
        return found


def documents(source: Source, rows: pa.RecordBatch) -> list[Document]:
    """The documents of a table's rows, in their order; `rows` has the columns of its view or of one
    of its files, whole. A row without a time or an identity has no place among them, and no table
    has one."""
    layout = layout_of(source)
    stamps, identity = rows.column("@timestamp"), _leaf(rows, "event.hash").cast(pa.string())
    path, offset = _leaf(rows, "log.file.path"), _leaf(rows, "log.offset")
    members: dict[str, Text] = {"@timestamp": json_text(stamps)}
    for name in rows.schema.names:
        if name not in (*PARTITION, *members, "event", "native"):
            members[name] = json_text(rows.column(name))
    event = _members(rows.column("event"))
    members["event"] = object_text(
        {name: json_text(one) for name, one in event.items() if name != "original"}
    )
    for name, leaf in layout.members.items():
        _put(members, name, json_text(_leaf(rows, leaf)), first=True)
    for name, text in _native(source, layout, rows.column("native")).items():
        _put(members, name, text)
    place = distinct(path, lambda paths: pc.extract_regex(paths, _PLACE))
    members |= {
        "@message": json_text(_leaf(rows, "event.original")),
        "@id": pc.coalesce(json_text(_leaf(rows, "event.id")), quoted(identity)),
        "@log_type": pa.scalar(as_json(source.log_type)),
        "@log_s3bucket": json_text(pc.struct_field(place, "bucket")),
        "@log_s3key": json_text(pc.struct_field(place, "key")),
    }
    bodies = spread(object_text(members), len(rows))
    rotation = ROTATIONS[layout.rotation]
    parts = distinct(stamps.cast(pa.date32()), lambda days: pc.strftime(days, rotation))
    return [
        Document(f"{source.index}-{part}", *one)
        for part, *one in zip(
            *(column.to_pylist() for column in (parts, identity, bodies, path, offset)),
            strict=True,
        )
    ]


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


def _put(members: dict[str, pa.Array], name: str, text: pa.Array, *, first: bool = False) -> None:
    """Add a member; of one that is there, a row keeps its value, or takes the new one `first`."""
    there = members.get(name)
    if there is not None:
        text = pc.coalesce(text, there) if first else pc.coalesce(there, text)
    members[name] = text


def _members(column: pa.StructArray) -> dict[str, pa.Array]:
    return dict(zip((field.name for field in column.type), column.flatten(), strict=True))


def _leaf(rows: pa.RecordBatch, name: str) -> pa.Array:
    """A leaf by its dotted name; NULLs where the rows do not have it."""
    column = rows.to_struct_array()
    for part in name.split("."):
        column = _members(column).get(part)
        if column is None:
            return pa.nulls(len(rows), pa.string())
    return column


def _native(source: Source, layout: Layout, column: pa.StructArray) -> dict[str, Text]:
    """The record's own members, as they stand at the top of its document."""
    fields: dict[str, dict[str, str]] = {}
    for dotted, kind in layout.fields.items():
        top, _, inner = dotted.partition(".")
        fields.setdefault(top, {})[inner] = kind
    found: dict[str, Text] = {}
    aside: dict[str, Text] = {}
    whole: dict[str, Text] = {}
    for name, child in _members(column).items():
        if name in layout.aside:
            aside[name] = json_text(child, source.native.get(name), name)
        elif name in fields:
            found[name], whole[name] = _with_fields(name, child, fields[name])
        else:
            found[name] = json_text(child, source.native.get(name), name)
    for name, under in (("native", aside), (FLAT, whole)):
        if under:
            _put(found, name, object_text(under))
    return found


def _with_fields(name: str, column: pa.Array, fields: dict[str, str]) -> list[Text]:
    """A JSON member as an object some of whose members are `fields`, and the whole for `FLAT`."""
    values = [
        None if text is None or (value := parsed(text)) is None else (value, len(text))
        for text in column.to_pylist()
    ]
    return [
        each(values, lambda given: beside(given[0], fields)),
        each(values, lambda given: flat(f"{FLAT}.{name}", *given)),
    ]
