"""Arrow columns -> JSON text, a column at a time.

A row has some hundred leaves; most are empty, or the same in every row, and each distinct text is
written once. Arrow's joins put the rows together. What is the same in every row of a column is an
Arrow scalar, a NULL one where no row has anything.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.export.jsonmembers import flat, parsed
from lake.output import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lake.fieldsets import Tree

Text: TypeAlias = pa.Array | pa.Scalar
"""JSON text of each row, NULL where it has nothing; or of all of them."""
_NOTHING: tuple[Any, ...] = (None, {}, [])
_ENCODER = msgspec.json.Encoder()


def as_json(value: Any) -> str:  # noqa: ANN401  a part of a document
    """JSON text. Half of a surrogate pair, which JSON may escape and UTF-8 cannot hold, stays
    escaped."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


def object_text(members: Mapping[str, Text]) -> Text:
    """A row's members as one object; NULL where it has none at all."""
    same: list[str] = []
    always: list[Any] = []
    others: list[pa.Array] = []
    for name, text in members.items():
        key = f"{as_json(name)}:"
        if isinstance(text, pa.Scalar):
            same += [key + text.as_py()] if text.is_valid else []
        elif text.null_count:
            others.append(pc.binary_join_element_wise(f",{key}", text, ""))
        else:
            always += [f",{key}", text]
    if not always and not others:
        return pa.scalar("{" + ",".join(same) + "}" if same else None, pa.string())
    if same:
        always.insert(0, ",".join(same))
    elif always:
        always[0] = always[0].removeprefix(",")
    else:
        inner = pc.binary_join_element_wise("", *others, "", null_handling="skip")
        inner = pc.if_else(pc.equal(inner, ""), None, pc.utf8_slice_codeunits(inner, 1))
        return pc.binary_join_element_wise("{", inner, "}", "")
    return pc.binary_join_element_wise("{", *always, *others, "}", "", null_handling="skip")


def json_text(column: pa.Array, body: str | Tree | None = None, path: str = "") -> Text:
    """Each value as JSON text, NULL for what is empty. `body` is its type in [native], where text
    that is JSON becomes what it says, fit for a `flat_object` called `path`."""
    if column.null_count == len(column):
        return pa.scalar(None, pa.string())
    if _is_same(column):
        return _text(column.slice(0, 1), body, path)[0]
    return _text(column, body, path)


def spread(text: Text, rows: int) -> pa.Array:
    """The text of every row."""
    return pa.repeat(text, rows) if isinstance(text, pa.Scalar) else text


def _is_same(column: pa.Array) -> bool:
    if column.null_count or pa.types.is_nested(column.type):
        return False
    bounds = pc.min_max(column)
    return bool(bounds["min"].equals(bounds["max"]))


def _text(column: pa.Array, body: str | Tree | None, path: str) -> Text:
    kind = column.type
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
    values = column.flatten()
    inner = spread(json_text(values), len(values))
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    # how many items stand before each list, of those that are there
    before = np.concatenate([[0], np.cumsum(inner.is_valid().to_numpy(zero_copy_only=False))])
    ends = before[np.concatenate([[0], np.cumsum(lengths)])].astype(np.int32)
    items = pa.ListArray.from_arrays(pa.array(ends), inner.drop_null())
    joined = pc.binary_join(items, ",")
    there = pc.if_else(pa.array(np.diff(ends) > 0), joined, None)
    return pc.binary_join_element_wise("[", there, "]", "")
