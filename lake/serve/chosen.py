"""The rows of a table, or of a view over several, under a selection: the SELECT behind `logs`.

A view over several tables has what they share. A condition on what only some of them have, as
`native.eventName` among all logs, is put to each table by itself: rows of one that has no such
field fit it as rows do in which the field is empty. So is what is to be shown of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lake.filters.fields import column_of, field_sql, fields_behind, fields_of, type_of
from lake.serve.queries import relation
from lake.sources.fieldsets import packed, quote
from lake.sources.rowmodel import columns_of, tables_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.filters.selection import Selection


@dataclass(frozen=True, slots=True)
class Chosen:
    """A SELECT of rows with the parameters that it names. `condition` is what it says of the
    table's rows (empty: all of them); None where each table of a view is asked by itself."""

    table: str
    sql: str
    params: tuple[tuple[str, Any], ...]
    condition: str | None


def chosen(table: str, selection: Selection, fields: Sequence[str] = ()) -> Chosen:
    """A table's rows under a selection. Of a view also `fields` that only some of its tables have,
    each as a column of its whole name (`"native.eventName"`), NULL in rows of the others."""
    further = [name for name in fields if column_of(name) in _lacking(table)]
    if not further and not selection.fields() & _lacking(table):
        clause = selection.clause(table)
        return Chosen(table, relation(table, clause.sql), clause.params, clause.sql)
    columns = _shared_columns(table)
    selects: list[str] = []
    params: dict[str, Any] = {}
    for one in tables_of(table):
        if not selection.fits_none(one):
            clause = selection.clause(one)
            own = [f"{_of_table(one, name)} AS {quote(name)}" for name in further]
            selects.append(relation(one, clause.sql, ", ".join([columns, *own])))
            params |= dict(clause.params)
    sql = "\nUNION ALL ".join(selects) or relation(table, "false")
    return Chosen(table, sql, tuple(params.items()), None)


@cache
def _lacking(view: str) -> frozenset[str]:
    """What a view lacks and one of its tables has."""
    return frozenset(fields_behind(view).keys() - fields_of(view).keys())


def _of_table(table: str, field: str) -> str:
    """A field in the rows of a table; as text where tables differ in its type."""
    column = column_of(field)
    kind = fields_of(table).get(column)
    if kind is None:
        return "NULL"
    sql = field_sql(field)
    return sql if column != field or kind == type_of(field) else f"{sql}::VARCHAR"


def _shared_columns(view: str) -> str:
    """What a view shows of a table: of `native` as much as its tables share."""
    columns = []
    for name, body in columns_of(view).items():
        if name == "native" and isinstance(body, dict):
            columns.append(f"{packed({n: f'native.{n}' for n in body})} AS native")
        else:
            columns.append(quote(name))
    return ", ".join(columns)
