"""The rows of a table, or of a view over several, under a selection: the SELECT behind `logs`.

A view over several tables has what they share. A condition on what only some of them have, as
`native.eventName` among all logs, is put to each table by itself: rows of one that has no such
field fit it as rows do in which the field is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.fieldsets import packed, quote
from lake.filters import fields_behind, fields_of
from lake.queries import relation
from lake.rowmodel import columns_of, tables_of

if TYPE_CHECKING:
    from lake.filters import Selection


@dataclass(frozen=True, slots=True)
class Chosen:
    """A SELECT of rows with the parameters that it names. `condition` is what it says of the
    table's rows (empty: all of them); None where each table of a view is asked by itself."""

    table: str
    sql: str
    params: tuple[tuple[str, Any], ...]
    condition: str | None


def chosen(table: str, selection: Selection) -> Chosen:
    """A table's rows under a selection."""
    if not _asks_for_more(table, selection):
        clause = selection.clause(table)
        return Chosen(table, relation(table, clause.sql), clause.params, clause.sql)
    columns = _shared_columns(table)
    selects: list[str] = []
    params: dict[str, Any] = {}
    for one in tables_of(table):
        if not selection.fits_none(one):
            clause = selection.clause(one)
            selects.append(relation(one, clause.sql, columns))
            params |= dict(clause.params)
    sql = "\nUNION ALL ".join(selects) or relation(table, "false")
    return Chosen(table, sql, tuple(params.items()), None)


def _asks_for_more(view: str, selection: Selection) -> bool:
    """Whether a selection names what a view lacks and one of its tables has."""
    lacking = selection.fields() - fields_of(view).keys()
    return bool(lacking & fields_behind(view).keys())


def _shared_columns(view: str) -> str:
    """What a view shows of a table: of `native` as much as its tables share."""
    columns = []
    for name, body in columns_of(view).items():
        if name == "native" and isinstance(body, dict):
            columns.append(f"{packed({n: f'native.{n}' for n in body})} AS native")
        else:
            columns.append(quote(name))
    return ", ".join(columns)
