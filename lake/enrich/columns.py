"""Arrow types of what enrichment adds, taken from the declared field sets.

`transforms/ecs.toml` stays the one place that says which leaves a struct has; the modules beside
this one only fill them, and a leaf that they do not know stays NULL.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from lake.errors import SourceError
from lake.fieldsets import field_sets

_TYPES = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "VARCHAR": pa.string(),
}


@cache
def arrow_type(path: str) -> pa.DataType:
    """The Arrow type of a member of a field set by its dotted name, e.g. `source.geo`.

    Raises SourceError where `ecs.toml` lacks the member or gives it a type not known here.
    """
    body: Any = dict(field_sets())
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            raise SourceError(
                f"ecs.toml declares no {path}; enrichment fills it. Declare it again."
            )
        body = body[name]
    return _convert(body, path)


def _convert(body: object, path: str) -> pa.DataType:
    if isinstance(body, dict):
        members = [(name, _convert(inner, f"{path}.{name}")) for name, inner in body.items()]
        return pa.struct(members)
    if not isinstance(body, str) or body not in _TYPES:
        raise SourceError(
            f"ecs.toml: {path} is {body}, which enrichment cannot fill. Known: {', '.join(_TYPES)}."
        )
    return _TYPES[body]
