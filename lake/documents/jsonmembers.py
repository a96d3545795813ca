"""JSON members as OpenSearch can take them, whatever they hold.

`requestParameters` and its kin come in every shape, and one member is text today and an object
tomorrow. As a `flat_object` they keep one type and count as one field; what such a field refuses
is made acceptable here, and nowhere else: a value that is no object stands as `value`, a text that
is too long for an index's term is cut, what is nested very deep becomes JSON text. The whole is in
`@message` in any case.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from lake.documents.jsontext import SILENT

TERM = 32_766
"""Bytes of a term in Lucene: in a `flat_object`, the field's name, the path and the value."""
DEPTH = 20
"""Levels that are kept as objects."""
SHORT = 2_000
"""Characters of JSON in which nothing can be too long for a term, escaped once more either."""
_DECODER = msgspec.json.Decoder()
_EMPTY = re.compile(r"null|\{\s*\}|\[\s*\]")
VALUE = "value"
"""The name of what has none."""


def parsed(text: str) -> Any:  # noqa: ANN401  whatever JSON holds
    """A JSON text's value: an object, a list of objects, or None where there is nothing in it.
    What is neither stands under `value`."""
    try:
        value = _loads(text)
        if not _is_plain(text):
            value = _limited(value, DEPTH)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, list):
        return [one if isinstance(one, dict) else {VALUE: one} for one in value]
    return value if isinstance(value, dict) or value is None else {VALUE: value}


def _loads(text: str) -> Any:  # noqa: ANN401
    """As `json.loads`, in a third of its time. Of what msgspec refuses json takes some: half of a
    surrogate pair, NaN, 1e400."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return json.loads(text)


def flat(name: str, value: Any, size: int) -> Any:  # noqa: ANN401
    """The value of `parsed` with every text short enough for a `flat_object` called `name`; `size`:
    characters of the JSON that it came of."""
    return value if size < SHORT else _cut(value, 2 * (len(name.encode()) + 1))


def _is_plain(text: str) -> bool:
    """Whether nothing of it is empty or deep, so that all is kept as it is."""
    return not _EMPTY.search(text) and text.count("{") + text.count("[") <= DEPTH


def beside(value: Any, fields: dict[str, str]) -> Any:  # noqa: ANN401
    """The value of `parsed` as an object of which some members are `fields` (name -> type) and the
    others are only kept. A name that OpenSearch would take apart at its dots, or refuses, is left
    out, as is a text that says nothing: the `flat_object` has it."""
    if isinstance(value, list):
        return [one for one in (beside(one, fields) for one in value) if one]
    own = {
        name: _fit(member, fields[name]) if name in fields else member
        for name, member in value.items()
        if "." not in name and name.strip()
    }
    return {name: member for name, member in own.items() if member not in (None, [], *SILENT)}


def _fit(value: Any, kind: str) -> Any:  # noqa: ANN401
    """A value of a field: an object is its JSON as a keyword, and as a number nothing, since
    OpenSearch 2 refuses it in spite of `ignore_malformed`."""
    if isinstance(value, list):
        return [one for one in (_fit(one, kind) for one in value) if one is not None]
    if isinstance(value, dict):
        return json.dumps(value) if kind == "keyword" else None
    return value


def _limited(value: Any, depth: int) -> Any:  # noqa: ANN401
    """Without NULLs and what is empty; below so many levels, JSON text."""
    if isinstance(value, dict):
        if depth == 0:
            return json.dumps(value)
        inner = {name: _limited(one, depth - 1) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None} or None
    if isinstance(value, list):
        if depth == 0:
            return json.dumps(value)
        items = [_limited(one, depth - 1) for one in value]
        return [one for one in items if one is not None] or None
    return value


def _cut(value: Any, before: int) -> Any:  # noqa: ANN401
    """`before`: bytes of the path so far, its dot or equals sign with it."""
    if isinstance(value, dict):
        sizes = {name: before + len(name.encode("utf-8", "replace")) + 1 for name in value}
        inner = {n: _cut(one, sizes[n]) for n, one in value.items() if sizes[n] < TERM // 2}
        return {name: one for name, one in inner.items() if one not in ({}, [])}
    if isinstance(value, list):
        return [one for one in (_cut(one, before) for one in value) if one not in ({}, [])]
    if isinstance(value, str) and len(value) * 3 > TERM - before:
        return value.encode("utf-8", "replace")[: TERM - before].decode("utf-8", "ignore")
    return value
