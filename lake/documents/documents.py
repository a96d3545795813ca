"""Rows -> documents: the field sets nested as ECS has them, the record's own members at the top.

One rule for every source; what a source wants otherwise, `export.toml` says
(`lake.sources.layout`). A document has no NULL, no empty object, list or text and no text `-`,
and nothing that the row does not have; `event.original` is there once, as `@message`.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lake.documents.jsonmembers import beside, flat, parsed
from lake.documents.jsontext import each, members, objects
from lake.errors import UsageError
from lake.jsonvalues import json_value
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION
from lake.sources.layout import ASIDE, FLAT, ROTATIONS, layout_of
from lake.sources.rowmodel import table_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.documents.jsontext import Texts
    from lake.sources.fieldsets import Tree
    from lake.sources.layout import Layout
    from lake.sources.source import Source

_PLACE = "(?s)^s3://(?P<bucket>[^/]*)/?(?P<key>.*)$"


class Document(msgspec.Struct, frozen=True):
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
    columns, texts = _native(source, layout, rows.column("native"))
    for name, leaf in layout.members.items():
        given = _leaf(rows, leaf)
        if name in columns or name in texts:  # the record has what the leaf's type does not hold
            own = texts.pop(name, None) or each(columns.pop(name).to_pylist(), json_value)
            of_leaf = each(given.to_pylist(), json_value)
            texts[name] = [a if a is not None else b for a, b in zip(of_leaf, own, strict=True)]
        else:
            columns[name] = given
    for name in rows.schema.names:
        if name not in (*PARTITION, "event", "native"):
            columns[name] = rows.column(name)
    event = members(rows.column("event"))
    event.pop("original", None)
    place = _distinct(path, lambda paths: pc.extract_regex(paths, _PLACE))
    columns |= {
        "event": pa.StructArray.from_arrays(list(event.values()), list(event)),
        "@message": _leaf(rows, "event.original"),
        "@id": pc.coalesce(_leaf(rows, "event.id"), identity),
        "@log_type": pa.repeat(source.log_type, len(rows)),
        "@log_s3bucket": pc.struct_field(place, "bucket"),
        "@log_s3key": pc.struct_field(place, "key"),
    }
    bodies = objects(len(rows), columns, texts)
    rotation = ROTATIONS[layout.rotation]
    parts = _distinct(stamps.cast(pa.date32()), lambda days: pc.strftime(days, rotation))
    ids, paths, offsets = (column.to_pylist() for column in (identity, path, offset))
    return [
        Document(f"{source.index}-{part}", *one)
        for part, *one in zip(parts.to_pylist(), ids, bodies, paths, offsets, strict=True)
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


def _leaf(rows: pa.RecordBatch, name: str) -> pa.Array:
    """A leaf by its dotted name; NULLs where the rows do not have it."""
    column = rows.to_struct_array()
    for part in name.split("."):
        column = members(column).get(part)
        if column is None:
            return pa.nulls(len(rows), pa.string())
    return column


def _distinct(column: pa.Array, made: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """What is made of each distinct value, at the rows that have it."""
    coded = column.dictionary_encode()
    return made(coded.dictionary).take(coded.indices)


def _native(
    source: Source, layout: Layout, column: pa.StructArray
) -> tuple[dict[str, pa.Array], dict[str, Texts]]:
    """The record's own members as they stand at the top of its document, and apart from them those
    that are JSON or hold some."""
    rows, own = len(column), members(column)
    fields: dict[str, dict[str, str]] = {}
    for dotted, kind in layout.fields.items():
        top, _, inner = dotted.partition(".")
        fields.setdefault(top, {})[inner] = kind
    with_fields = {name: own.pop(name) for name in fields if name in own}
    aside = {name: own.pop(name) for name in layout.aside if name in own}
    columns, texts = _apart(own, source.native)
    whole: dict[str, Texts] = {}
    for name, child in with_fields.items():
        texts[name], whole[name] = _with_fields(name, child, fields[name])
    if whole:
        texts[FLAT] = objects(rows, {}, whole)
    if aside:
        texts[ASIDE] = objects(rows, *_apart(aside, source.native))
    return columns, texts


def _apart(
    own: dict[str, pa.Array], tree: Tree, path: str = ""
) -> tuple[dict[str, pa.Array], dict[str, Texts]]:
    """Members by name: columns, and the JSON text of those that are JSON, maps, or hold any. Text
    that is JSON becomes what it says, fit for a `flat_object` of the member's name."""
    columns: dict[str, pa.Array] = {}
    texts: dict[str, Texts] = {}
    for name, column in own.items():
        body, at = tree.get(name), path + name
        if column.null_count == len(column):
            continue
        if body == "JSON":
            texts[name] = each(column.to_pylist(), partial(_fit, at))
        elif pa.types.is_map(column.type):
            pairs = column.to_pylist(maps_as_pydicts="lossy")
            given = [None if one is None else json.dumps(json_value(one)) for one in pairs]
            texts[name] = each(given, partial(_fit, at))
        elif isinstance(body, dict):
            inner, apart = _apart(members(column), body, f"{at}.")
            if apart:
                texts[name] = objects(len(column), inner, apart)
            else:
                columns[name] = column
        else:
            columns[name] = column
    return columns, texts


def _fit(name: str, text: str) -> Any:  # noqa: ANN401
    value = parsed(text)
    return None if value is None else flat(name, value, len(text))


def _with_fields(name: str, column: pa.Array, fields: dict[str, str]) -> tuple[Texts, Texts]:
    """A JSON member as an object some of whose members are `fields`, and the whole for `FLAT`."""
    values = [
        None if text is None or (value := parsed(text)) is None else (value, len(text))
        for text in column.to_pylist()
    ]
    return (
        each(values, lambda given: beside(given[0], fields)),
        each(values, lambda given: flat(f"{FLAT}.{name}", *given)),
    )
