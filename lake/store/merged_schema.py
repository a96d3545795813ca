"""The type of what several files hold together, leaf by leaf, when they are merged.

Files of a table hold only the leaves that their rows fill, and one of every STRUCT. The merged file
has them all; a leaf of two types is nobody's to choose here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.normalize.onepiece import one_piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Fields = Iterable[Any]
    """Arrow's fields: those of a schema, or of a STRUCT."""
    Leaf = tuple[str, ...]
    """A leaf's name, part by part."""


class TypesDiffer(Exception):
    """Files hold a leaf of one name in two types."""


def merged_fields(parts: Sequence[Fields], order: Fields) -> list[pa.Field]:
    """Every field of the parts, in the order of a schema; what that lacks comes last. Raises
    TypesDiffer."""
    ranked = {field.name: field for field in order}
    found: dict[str, list[pa.Field]] = {}
    for field in (field for part in parts for field in part):
        found.setdefault(field.name, []).append(field)
    names = [name for name in ranked if name in found]
    names += [name for name in found if name not in ranked]
    return [_merged_field(found[name], ranked.get(name, found[name][0])) for name in names]


def _merged_field(fields: Sequence[pa.Field], like: pa.Field) -> pa.Field:
    kinds = [field.type for field in fields]
    if all(pa.types.is_struct(kind) for kind in kinds):
        order = like.type if pa.types.is_struct(like.type) else kinds[0]
        return pa.field(fields[0].name, pa.struct(merged_fields(kinds, order)))
    if any(kind != kinds[0] for kind in kinds):
        raise TypesDiffer(f"{fields[0].name}: {', '.join(sorted({str(kind) for kind in kinds}))}")
    return fields[0]


def with_structs(fields: Fields, model: Fields) -> list[pa.Field]:
    """The fields, and what the row model has of STRUCTs beyond, each with a leaf below it: readers
    rely on a file that is written now to have them."""
    found = {field.name: field for field in fields}
    for field in model:
        if pa.types.is_struct(field.type):
            given = found.get(field.name)
            members = with_structs(given.type if given is not None else (), field.type)
            if not members:
                members = [min(field.type, key=lambda one: pa.types.is_list(one.type))]
            found[field.name] = pa.field(field.name, pa.struct(members))
    return list(found.values())


def sole_leaves(parts: Iterable[Fields], above: Leaf = ()) -> list[Leaf]:
    """The leaves that are their STRUCT's only one in some part: they may be there for it alone."""
    found: dict[Leaf, None] = {}
    for part in parts:
        leaves = [field for field in part if not pa.types.is_struct(field.type)]
        if above and len(leaves) == 1:
            found[(*above, leaves[0].name)] = None
        for field in part:
            if pa.types.is_struct(field.type):
                found |= dict.fromkeys(sole_leaves([field.type], (*above, field.name)))
    return list(found)


def is_sole(fields: Fields, path: Leaf) -> bool:
    """Whether a leaf is its STRUCT's only one."""
    field = next(field for field in fields if field.name == path[0])
    if len(path) > 1:
        return is_sole(field.type, path[1:])
    return sum(not pa.types.is_struct(field.type) for field in fields) == 1


def without_leaf(fields: Fields, path: Leaf) -> list[pa.Field]:
    """The fields without a leaf."""
    kept = []
    for field in fields:
        if field.name != path[0]:
            kept.append(field)
        elif len(path) > 1:
            kept.append(pa.field(field.name, pa.struct(without_leaf(field.type, path[1:]))))
    return kept


def together(parts: Iterable[pa.Table], schema: pa.Schema) -> pa.Table:
    """The rows of all parts with every leaf of the schema. What is of one structure is brought into
    it at once: for small parts that costs more than their rows."""
    alike: dict[pa.Schema, list[pa.Table]] = {}
    for part in parts:
        alike.setdefault(part.schema, []).append(part)
    return pa.concat_tables(conformed(pa.concat_tables(some), schema) for some in alike.values())


def completed(rows: pa.Table, model: pa.Schema) -> pa.Table:
    """The rows with every column and STRUCT of a row model, as files have them that are written
    now, whatever leaves they lack."""
    return conformed(rows, pa.schema(with_structs(merged_fields([rows.schema], model), model)))


def conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with every leaf of the schema, NULL where they have none."""
    columns = {name: one_piece(rows[name]) for name in rows.column_names}
    arrays = [_conformed(columns.get(field.name), field.type, len(rows)) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _conformed(array: pa.Array | None, kind: pa.DataType, rows: int) -> pa.Array:
    if not pa.types.is_struct(kind):
        return pa.nulls(rows, kind) if array is None else array
    given = {} if array is None else {field.name: array.field(field.name) for field in array.type}
    members = [_conformed(given.get(field.name), field.type, rows) for field in kind]
    mask = array.is_null() if array is not None and array.null_count else None
    return pa.StructArray.from_arrays(members, fields=list(kind), mask=mask)
