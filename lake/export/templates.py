"""Index templates made from the row model: what OpenSearch is told of the documents' fields.

Nothing is mapped by guessing (`dynamic` is false), so that no document decides a field's type for
those after it, and no record makes fields. A member that is not mapped is kept and shown, but not
searched: of those, `flat_object` members and `@message` have the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.sources.fieldsets import PARTITION, ecs_leaves
from lake.sources.layout import FLAT, layout_of
from lake.sources.rowmodel import arrow_type, table_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.sources.fieldsets import Tree
    from lake.sources.layout import Layout
    from lake.sources.source import Source

PREFIX = "siem-lake-"
PRIORITY = 500
"""Over the templates of others for all of `log-*`; two of one priority are refused."""
KEYWORD_LIMIT = 8_191
"""Characters of a keyword that is searched; a longer one is kept. Lucene's term has 32,766 bytes,
and a character up to four."""
FIELD_LIMIT = 3_000
STREAM = "-stream"
"""What a data stream's name ends with; the templates of indices would take it for one of theirs."""
Mapping = dict[str, Any]


def templates(sources: Iterable[Source], *, streams: bool = False) -> dict[str, Mapping]:
    """Template's name -> its body, one for each name of an index, or data stream; sources that
    share one share the template. Raises ValueError where they give a field two types."""
    found: dict[str, Mapping] = {}
    for source in sources:
        fields = found.setdefault(source.index, {})
        _merge(fields, properties(source), source.index)
    if not streams:
        return {PREFIX + index: _template(f"{index}-*", of) for index, of in found.items()}
    own = {"data_stream": {}, "priority": PRIORITY + 1}
    return {
        PREFIX + index + STREAM: _template(index + STREAM, of) | own for index, of in found.items()
    }


def stream_of(source: Source) -> str:
    """The data stream of a source's documents."""
    return source.index + STREAM


def _template(pattern: str, fields: Mapping) -> Mapping:
    return {
        "index_patterns": [pattern],
        "priority": PRIORITY,
        "template": {
            "settings": {"index.mapping.total_fields.limit": FIELD_LIMIT},
            "mappings": {"dynamic": False, "properties": fields},
        },
        "_meta": {"made_by": "siem-lake"},
    }


def _merge(fields: Mapping, more: Mapping, path: str) -> None:
    for name, field in more.items():
        if name not in fields:
            fields[name] = field
        known = fields[name]
        if known == field:
            continue
        if "properties" not in known or "properties" not in field:
            raise ValueError(f"{path}: {name} is {known} and {field}. Sources share this index.")
        _merge(known["properties"], field["properties"], f"{path}.{name}")


def properties(source: Source) -> Mapping:
    """The fields of a source's documents."""
    layout = layout_of(source)
    columns = table_columns(source)
    native = columns.pop("native")
    sets = {name: body for name, body in columns.items() if name not in PARTITION}
    fields = _tree(sets, layout, "")
    del fields["event"]["properties"]["original"]
    members = _tree(native if isinstance(native, dict) else {}, layout, "")
    for name in layout.aside & members.keys():
        fields.setdefault("native", {"properties": {}})["properties"][name] = members.pop(name)
    fields |= members
    for name, kind in layout.fields.items():
        top, _, inner = name.partition(".")
        if "properties" not in fields[top]:
            fields.setdefault(FLAT, {"properties": {}})["properties"][top] = fields[top]
            fields[top] = {"dynamic": False, "properties": {}}
        fields[top]["properties"][inner] = _loose(kind)
    for name, leaf in layout.members.items():
        # a member of [native] under this name holds what the leaf's type cannot
        fields[name] = _loose(_type(ecs_leaves()[leaf], leaf, layout)["type"])
    fields["@message"] = {"type": "text"}
    for name in ("@id", "@log_type", "@log_s3bucket", "@log_s3key"):
        fields[name] = _keyword()
    return fields


def _tree(tree: Tree, layout: Layout, prefix: str) -> Mapping:
    return {name: _field(body, layout, prefix + name) for name, body in tree.items()}


def _field(body: str | Tree, layout: Layout, path: str) -> Mapping:
    if path in layout.geo_point:
        return {"type": "geo_point", "ignore_malformed": True}
    if isinstance(body, dict):
        return {"properties": _tree(body, layout, path + ".")}
    return _type(body, path, layout)


def _type(kind: str, path: str, layout: Layout) -> Mapping:
    if path in layout.ip:
        return {"type": "ip", "ignore_malformed": True}
    if kind == "JSON":
        return {"type": "flat_object"}
    return _of_arrow(arrow_type(kind), path in layout.text)


def _of_arrow(kind: pa.DataType, by_word: bool = False) -> Mapping:
    if pa.types.is_list(kind):
        return _of_arrow(kind.value_type, by_word)
    if pa.types.is_struct(kind):
        return {"properties": {field.name: _of_arrow(field.type) for field in kind}}
    if pa.types.is_boolean(kind):
        return {"type": "boolean"}
    if pa.types.is_map(kind):
        return {"type": "flat_object"}
    if pa.types.is_uint64(kind):
        return {"type": "unsigned_long"}
    if pa.types.is_integer(kind):
        return {"type": "long"}
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return {"type": "double"}
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return {"type": "date"}
    return _keyword() | ({"fields": {"text": {"type": "text"}}} if by_word else {})


def _keyword() -> Mapping:
    return {"type": "keyword", "ignore_above": KEYWORD_LIMIT}


def _loose(kind: str) -> Mapping:
    """A field whose values come as the record has them: what does not fit is kept, not refused."""
    return _keyword() if kind == "keyword" else {"type": kind, "ignore_malformed": True}
