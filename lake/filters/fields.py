"""Which fields can be asked of a table or a view, of which type each is, and what a text that a
reader wrote means as a value of one. `lake.filters.filters` and `lake.filters.search` make
conditions of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from math import isfinite
from typing import Any

from lake.errors import UsageError
from lake.filters.entities import PREFIX, address_leaves, as_address, entities_of, kinds
from lake.filters.own_names import NATIVE, kept_as, meant_by, near
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION, ecs_leaves, leaves, literal, path_sql
from lake.sources.rowmodel import columns_of, tables_of
from lake.words import Sentence, either

_MEMBERS = re.compile(r"[\w@$:/+-]+(\.[\w@$:/+-]+)+")
"""What may name a member of JSON: the names stand in SQL as they are."""
WITHIN = "JSON[]"
"""The type of a member of JSON: there may be arrays above it, and what they hold is all meant."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition: SQL text with named parameters, and their values."""

    sql: str
    params: tuple[tuple[str, Any], ...] = ()


@cache
def fields_of(table: str) -> dict[str, str]:
    """Field -> DuckDB type of a table, of a family's view, or of the view over all tables.

    Raises UsageError for a name that is none of these.
    """
    own = {n: b for n, b in columns_of(table).items() if n not in (*PARTITION, "@timestamp")}
    return PARTITION | {leaf.name: leaf.type for leaf in leaves(own)}


@cache
def fields_behind(view: str) -> dict[str, str]:
    """What can be asked of a view: its own fields, then those that only some of its tables have."""
    found = dict(fields_of(view))
    for table in tables_of(view):
        found |= {name: kind for name, kind in fields_of(table).items() if name not in found}
    return found


def is_behind(view: str, field: str) -> bool:
    """Whether a view, or one of its tables, has a field, or another in its place."""
    known, tables = fields_behind(view), (view, *tables_of(view))
    return any(column_of(kept_as(table, field, known)) in known for table in tables)


@cache
def all_fields() -> dict[str, str]:
    """Field -> DuckDB type over all tables; where sources differ in a type, text."""
    found = PARTITION | ecs_leaves() | {kind.field: "VARCHAR" for kind in kinds().values()}
    for table in catalogue().sources:
        for name, kind in fields_of(table).items():
            found[name] = kind if found.get(name, kind) == kind else "VARCHAR"
    return found


def named_in_full(field: str) -> str:
    """A field as the lake names it: a source's own may be written without `native.`, as AWS does,
    and what a row keeps under an ECS name alone as the log calls it. Raises UsageError with the
    nearest names for an unknown one."""
    name = _spelt_in(all_fields(), field)
    if name is None:
        raise _unknown(field)
    return name


def asked_as(view: str, field: str) -> str | None:
    """The same where a view, or a table behind it, has the field; else None."""
    return _spelt_in(fields_behind(view), field)


def _spelt_in(known: dict[str, str], field: str) -> str | None:
    names = (field, meant_by(field), f"{NATIVE}{field}")
    return next((n for n in names if n and column_of(n) in known), None)


def _unknown(field: str) -> UsageError:
    close = near(field, all_fields())
    unknown = Sentence("unknown field '{field}'.", field=field)
    if close:
        meant = Sentence("Did you mean {fields}?", fields=either(close))
        unknown = Sentence("{first} {second}", first=unknown, second=meant)
    known = Sentence(
        "Fields are those of ECS (source.ip), a source's own (native.eventName), and account, "
        "region, date."
    )
    return UsageError(Sentence("{first} {second}", first=unknown, second=known))


@lru_cache(4096)
def column_of(field: str) -> str:
    """The column that has a field: itself, or of a member of JSON
    (`native.requestParameters.bucketName`) and of a list of structures the column that it is in."""
    known = all_fields()
    name, dot, _ = field.rpartition(".")
    while dot and field not in known and _MEMBERS.fullmatch(field):
        if known.get(name) == "JSON" or known.get(name, "").endswith(")[]"):
            return name
        name, dot, _ = name.rpartition(".")
    return field


def type_of(field: str) -> str:
    """The DuckDB type of a field; of a member of JSON `WITHIN`. Raises UsageError with the nearest
    names for an unknown one."""
    column = column_of(field)
    if column not in all_fields():
        raise _unknown(column)
    return all_fields()[field] if column == field else WITHIN


def field_sql(field: str) -> str:
    """A field in SQL. Of a member of JSON the texts at its place, NULL where there is none."""
    column = column_of(field)
    path = path_sql(column)
    if column == field:
        return path
    given = path if all_fields()[column] == "JSON" else f"to_json({path})"
    members = field.removeprefix(f"{column}.").split(".")
    places = ["/" + member.replace("/", "~1") for member in members]
    found = f"[{given}]"
    for place in places:
        found = f"list_transform({_items(found)}, lambda x: x -> {literal(place)})"
    found = f"list_transform({_items(found)}, lambda x: x ->> '$')"
    found = f"nullif(list_filter({found}, lambda x: x IS NOT NULL), [])"
    if given != path or any(member.isdecimal() for member in members):
        return f"TRY(CASE WHEN {path} IS NOT NULL THEN {found} END)"
    # Few records have arrays in the way, or the member at all; a name may be written with escapes.
    plain, named = literal("".join(places)), literal(f'"{members[-1]}"')
    return (
        rf"TRY(CASE WHEN NOT (contains({path}, {named}) OR contains({path}, '\u')) THEN NULL "
        f"WHEN json_type({path}, {plain}) NOT IN ('ARRAY', 'NULL') THEN [{path} ->> {plain}] "
        f"ELSE {found} END)"
    )


def _items(found: str) -> str:
    """A list of JSON with the items of arrays in place of these."""
    each = "CASE json_type(x) WHEN 'ARRAY' THEN x -> '$[*]' ELSE [x] END"
    return f"flatten(list_transform({found}, lambda x: {each}))"


def typed(field: str, kind: str, text: str) -> Any:  # noqa: ANN401  as many types as the model has
    """A text as a value of a field of this type; of an entity the value that it names, as an ARN
    does; an address as the lake writes it, where the field holds nothing else. Raises UsageError
    where it is none."""
    if field.startswith(PREFIX):
        return entities_of(text, field.removeprefix(PREFIX))[0][1]
    if field in address_leaves():
        return as_address(text) or text
    try:
        if kind in ("INTEGER", "BIGINT"):
            return _whole(text)
        if kind == "DOUBLE":
            return _finite(text)
        if kind == "BOOLEAN":
            return {"true": True, "false": False}[text.lower()]
        if kind == "TIMESTAMPTZ":
            return moment_in(text)
        if kind == "DATE":
            return date.fromisoformat(text)
    except (ValueError, KeyError):
        raise UsageError(
            Sentence(
                "{field} is of type {kind}, and '{text}' is none.",
                field=field,
                kind=kind,
                text=text,
            )
        ) from None
    return text


def _whole(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):  # SQL has no literal for it
        raise ValueError
    return number


def moment_in(text: str) -> datetime:
    """An ISO 8601 time; without a zone it means UTC. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            Sentence("'{text}' is no time. Write 2024-02-29 or 2024-02-29T10:15:00Z.", text=text)
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
