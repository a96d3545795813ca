"""Arrow columns -> JSON text, a column at a time.

A row has some hundred leaves, most of them empty, and a value is often that of the row before: each
distinct text is written once, and rows are put together by Arrow's joins, which leave out what is
NULL.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.export.jsonmembers import flat, parsed
from lake.output import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lake.fieldsets import Tree

_NOTHING: tuple[Any, ...] = (None, {}, [])
_ENCODER = msgspec.json.Encoder()


def as_json(value: Any) -> str:  # noqa: ANN401  a part of a document
    """JSON text. Half of a surrogate pair, which JSON may escape and UTF-8 cannot hold, stays
    escaped."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


def object_text(members: Mapping[str, pa.Array]) -> pa.Array:
    """A row's members (their JSON text, NULL where a row has none) as one object; NULL where it has
    none at all."""
    there = {name: text for name, text in members.items() if text.null_count < len(text)}
    named = [
        pc.binary_join_element_wise(f"{as_json(name)}:", text, "") for name, text in there.items()
    ]
    if any(not text.null_count for text in there.values()):
        inner = pc.binary_join_element_wise(*named, ",", null_handling="skip")
    elif named:
        # Arrow gives no row where it skips everything: an empty text is always there
        inner = pc.binary_join_element_wise("", *named, ",", null_handling="skip")
        inner = pc.if_else(pc.equal(inner, ""), None, pc.utf8_slice_codeunits(inner, 1))
    else:
        inner = pa.nulls(len(next(iter(members.values()), ())), pa.string())
    return pc.binary_join_element_wise("{", inner, "}", "")


def json_text(column: pa.Array, body: str | Tree | None = None, path: str = "") -> pa.Array:
    """Each value as JSON text, NULL for what is empty. `body` is its type in [native], where text
    that is JSON becomes what it says, fit for a `flat_object` called `path`."""
    kind = column.type
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.string())
    if body == "JSON":
        return each(column.to_pylist(), lambda text: _fit(path, text))
    if pa.types.is_struct(kind):
        inner = body if isinstance(body, dict) else {}
        return object_text(
            {
                field.name: json_text(child, inner.get(field.name), f"{path}.{field.name}")
                for field, child in zip(kind, column.flatten(), strict=True)
            }
        )
    if pa.types.is_list(kind):
        return _lists(column)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind):
        return distinct(column, lambda texts: each(texts.to_pylist(), str))
    if pa.types.is_timestamp(kind):
        return quoted(moments(column))
    if pa.types.is_map(kind):
        return each(column.to_pylist(), lambda pairs: _fit(path, json.dumps(plain(dict(pairs)))))
    if pa.types.is_floating(kind):
        return each(column.to_pylist(), lambda value: value if math.isfinite(value) else None)
    return each(column.to_pylist(), plain)


def moments(times: pa.TimestampArray) -> pa.Array:
    """Times in UTC as ISO 8601. Arrow's `strftime`, and its casts of times with a zone, ask what
    the zone is for each: 3 us instead of 0.25."""
    plain_times = times.cast(pa.timestamp(times.type.unit))
    text = pc.utf8_replace_slice(plain_times.cast(pa.string()), 10, 11, "T")
    return pc.binary_join_element_wise(text, "Z", "")


def quoted(texts: pa.Array) -> pa.Array:
    """Texts in which there is nothing to escape, as JSON."""
    return pc.binary_join_element_wise('"', texts, '"', "")


def constant(text: str, rows: int) -> pa.Array:
    """A text as JSON, in every row."""
    return pa.repeat(as_json(text), rows)


def each(values: Iterable[Any], made: Callable[[Any], Any]) -> pa.Array:
    """The JSON of what is made of each value; NULL for what is nothing."""
    found = (None if value is None else made(value) for value in values)
    return pa.array([None if one in _NOTHING else as_json(one) for one in found], pa.string())


def distinct(column: pa.Array, made: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """What is made of each distinct value, at the rows that have it."""
    coded = column.dictionary_encode()
    return made(coded.dictionary).take(coded.indices)


def _fit(name: str, text: str) -> Any:  # noqa: ANN401
    value = parsed(text)
    return None if value is None else flat(name, value, len(text))


def _lists(column: pa.ListArray) -> pa.Array:
    inner = json_text(column.flatten())
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    # how many items stand before each list, of those that are there
    before = np.concatenate([[0], np.cumsum(inner.is_valid().to_numpy(zero_copy_only=False))])
    ends = before[np.concatenate([[0], np.cumsum(lengths)])].astype(np.int32)
    items = pa.ListArray.from_arrays(pa.array(ends), inner.drop_null())
    joined = pc.binary_join(items, ",")
    there = pc.if_else(pa.array(np.diff(ends) > 0), joined, None)
    return pc.binary_join_element_wise("[", there, "]", "")
