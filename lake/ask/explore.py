"""Any table under any selection: its events over time, its rows in the columns that a reader
chooses, the values of a field, and all of it as a file. Columns and fields are those of the row
model, so no text of a reader's becomes SQL.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.ask.adhoc import FILE_ROWS
from lake.ask.output import write
from lake.dashboards.dashboards import Dashboard, Panel
from lake.filters.fields import (
    WITHIN,
    asked_as,
    column_of,
    field_sql,
    fields_behind,
    fields_of,
    type_of,
)
from lake.serve.chosen import chosen
from lake.serve.extent import lake_blocks
from lake.serve.queries import Block, Query
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import quote
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.dashboards.scope import View
    from lake.query import Lake
    from lake.serve.queries import Ask

NAME = "explore"
COLUMNS = (
    *("event.dataset", "event.action", "event.outcome", "source.ip", "destination.ip"),
    *("user.name", "account", "region"),
)
"""Of a page for which none were chosen; every table has them."""
VALUES = 15
_COUNTED = {"VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"}
_ORDER = 'ORDER BY "@timestamp" DESC, event.hash'
_ROWS = "The rows under the filters, newest first. Choose one to see all its fields and the record."


def title_of(table: str) -> str:
    """A table as a page calls it."""
    source = catalogue().sources.get(table)
    return source.title if source else "All logs" if table == EVENTS else table


def columns_for(table: str, wanted: Sequence[str]) -> list[str]:
    """The columns to show: those that were chosen and the table has, or one of those behind a view,
    else the usual ones."""
    asked = dict.fromkeys(asked_as(table, name) for name in wanted)
    return [name for name in asked if name] or list(COLUMNS)


def countable(table: str) -> list[str]:
    """The fields whose values can be counted and made a filter."""
    kinds = {name: _kind(table, name) for name in fields_behind(table)}
    return [
        n for n, k in kinds.items() if k.removesuffix("[]") in _COUNTED and n != "event.original"
    ]


def countable_as(table: str, field: str) -> str | None:
    """A field as the lake names it, where its values can be counted, in JSON too; else None."""
    name = asked_as(table, field)
    return name if name and (name in countable(table) or type_of(name) == WITHIN) else None


def explored(table: str, columns: Sequence[str]) -> Dashboard:
    """The page of a table with these columns."""
    shown = ", ".join(f"{_shown(table, name)} AS {quote(name)}" for name in columns)
    rows = Block(
        "rows",
        _ROWS,
        f'SELECT "@timestamp", {shown}, event.hash AS "_hash"\nFROM logs\n{_ORDER}\n'
        "LIMIT $limit OFFSET $offset",
    )
    volume = Panel(
        title="Explore - Volume",
        label="Events over time",
        query="volume",
        chart="area",
        unit="events",
        tone="outcome",
        block=lake_blocks()["volume"],
    )
    below = Panel(title="Explore - Rows", label="Rows", query="rows", chart="rows", block=rows)
    title = title_of(table)
    return Dashboard(
        name=NAME,
        title=title,
        label=title,
        table=table,
        fields=tuple(columns),
        panels=(volume, below),
    )


def values_of(view: View, fields: Sequence[str], ask: Ask) -> list[tuple[str, int]]:
    """The values of a field, or of several together, under a view with their events, the fifteen
    with most first; of a list each value counts."""
    table = view.dashboard.table
    columns = {name: _column(table, name) for name in fields}
    each = [
        f"unnest({column})" if _kind(table, name).endswith("[]") else column
        for name, column in columns.items()
    ]
    rows = "\n  UNION ALL ".join(f"SELECT {one} AS value FROM logs" for one in each)
    block = Block(
        "values",
        f"Values of {' and '.join(fields)}.",
        f'SELECT CAST(value AS VARCHAR) AS "value", count(*) AS "events"\n'
        f"FROM ({rows})\nWHERE value IS NOT NULL\n"
        f"GROUP BY ALL\nORDER BY 2 DESC, 1\nLIMIT {VALUES}",
    )
    logs = chosen(table, view.selection, fields)
    answer = ask(Query.over(block, {"logs": logs.sql}, dict(logs.params)))
    return [(value, events) for value, events in answer.rows]


def rows_file(lake: Lake, view: View, columns: Sequence[str], form: str) -> bytes:
    """The rows under a view as a file (`csv`, `jsonl`, `parquet`), newest first, at most
    `FILE_ROWS`: the columns, or every field where there are none. CSV as `lake sql` guards it.
    Where the page is older than the lake and its files are gone, the rows as the lake is now."""
    table = view.dashboard.table
    shown = ", ".join(f"{_held(table, name)} AS {quote(name)}" for name in columns)
    what = f'"@timestamp", {shown}' if columns else "*"
    block = Block("file", "", f"SELECT {what}\nFROM logs\n{_ORDER}\nLIMIT {FILE_ROWS}")
    query = Query.over(block, dict(view.relations), dict(view.params)).written_out()
    version = lake.version
    try:
        return _file(lake, query, form)
    except duckdb.Error:
        if lake.refresh() == version:
            raise
        return _file(lake, query, form)


def _file(lake: Lake, query: str, form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"rows.{form}"
        write(lake.cursor(), query, form, io.StringIO(), target)
        return target.read_bytes()


def _shown(table: str, name: str) -> str:
    """A column as a table on a page takes it: lists and structures as text."""
    kind, path = _kind(table, name), _held(table, name)
    return f"{path}::VARCHAR" if kind != WITHIN and set(kind) & set("([") else path


def _held(table: str, name: str) -> str:
    """A column as a file has it: of a member of JSON, which mostly is one, the text, else all."""
    column = _column(table, name)
    if _kind(table, name) != WITHIN:
        return column
    one = "CASE WHEN len(x) = 1 THEN x[1] ELSE CAST(to_json(x) AS VARCHAR) END"
    return f"list_transform([{column}], lambda x: {one})[1]"


def _column(table: str, name: str) -> str:
    """A field in the rows of a table, or of one behind a view, as `chosen` gives them."""
    return field_sql(name) if column_of(name) in fields_of(table) else quote(name)


def _kind(table: str, name: str) -> str:
    """The DuckDB type of that column."""
    return fields_of(table).get(name) or type_of(name)
