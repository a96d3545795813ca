"""Arrow types of what enrichment adds, taken from the declared field sets.

`transforms/ecs.toml` stays the one place that says which leaves a struct has; the modules beside
this one only fill them, and a leaf that they do not know stays NULL.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from lake.errors import SourceError
from lake.sources import rowmodel
from lake.sources.fieldsets import field_sets, leaves

_FILLED = ("BIGINT", "BOOLEAN", "DOUBLE", "INTEGER", "VARCHAR")
"""The types of the leaves that enrichment fills."""


@cache
def member_type(path: str) -> pa.DataType:
    """The Arrow type of a member of a field set by its dotted name, e.g. `source.geo`, with codes
    for texts.

    Raises SourceError where `ecs.toml` lacks the member or gives it a type not known here.
    """
    body: Any = dict(field_sets())
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            raise SourceError(
                f"ecs.toml declares no {path}; enrichment fills it. Declare it again."
            )
        body = body[name]
    for leaf in leaves({path: body}):
        if leaf.type not in _FILLED:
            raise SourceError(
                f"ecs.toml: {leaf.name} is {leaf.type}, which enrichment cannot fill. "
                f"Known: {', '.join(_FILLED)}."
            )
    return _coded(rowmodel.arrow_type(body))


def _coded(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_coded(field.type)) for field in kind])
    return pa.dictionary(pa.int32(), kind) if pa.types.is_string(kind) else kind
