"""Every figure of a dashboard, without a browser: asks a panel's query under a selection and says
why an answer is empty. The command line prints what `run_dashboard` gives, the pages draw it; both
ask through the same `Query`, and neither counts anything itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.dashboards.dashboards import Panel, find_dashboard
from lake.dashboards.notes import note_of
from lake.dashboards.scope import View, view_before, view_of
from lake.errors import SourceError, UsageError
from lake.filters.filters import Filter, TimeRange
from lake.filters.named_accounts import by_number, numbers_of
from lake.filters.search import read_search
from lake.filters.selection import Selection
from lake.filters.spans import about, read_span
from lake.jsonvalues import json_value
from lake.serve.accounts import account_names
from lake.serve.extent import lake_blocks, last_range
from lake.serve.pairs import is_account
from lake.serve.queries import Answer, Ask, Gathering, Query, relation
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import literal, quote
from lake.sources.rowmodel import arrow_type, table_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lake.errors import LakeError
    from lake.query import Lake

ROWS_SHOWN = 50
"""Rows of a panel of rows, unless told otherwise."""

_NEWEST = re.compile(
    r'\bORDER BY\s+"@timestamp"\s+DESC\b[^()]*\bLIMIT\s+\$limit\s+OFFSET\s+\$offset\s*$', re.I
)
_TOGETHER = re.compile(r"\b(GROUP|SELECT\s+DISTINCT|OVER|QUALIFY|UNION|WITH)\b", re.I)
HANDLE = "_"
"""A column whose name begins so belongs to the page, not to the reader."""


@dataclass(frozen=True, slots=True)
class PanelResult:
    """What a panel shows. `sql` runs as it stands; `note` says why there is nothing; `keys` holds,
    row by row, what the page needs to find a row again. `before` are the rows of the period before,
    of figures that were compared with it."""

    title: str
    chart: str
    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str | None = None
    keys: tuple[dict[str, Any], ...] = ()
    before: tuple[tuple[Any, ...], ...] | None = None


def prepare(view: View, panel: Panel, *, limit: int = ROWS_SHOWN, offset: int = 0) -> Query:
    """The query of a panel under a view, with exactly the parameters it names."""
    given = {"from": view.time.start, "to": view.time.end, "limit": limit, "offset": offset}
    given |= dict(view.params)
    relations = dict(view.relations)
    query = Query.over(panel.block, relations, given)
    query = replace(query, shares=_gathered(query.shares, view.gather))
    if panel.figures:
        return replace(query, gather=view.gather)
    if not _is_newest_first(panel.block.sql):
        return query
    since_then = '"@timestamp" >= $since AND "date" >= $since_date'
    latest = f"SELECT * FROM ({relations['logs']}) WHERE {since_then}"
    return replace(
        query,
        full=limit,
        sooner=tuple(
            Query.over(
                panel.block,
                relations | {"logs": latest},
                given | {"since": since, "since_date": since.date()},
                query.shares,
            )
            for since in view.recent
        ),
    )


def _gathered(shares: tuple[Query, ...], told: Gathering | None) -> tuple[Query, ...]:
    """What queries share, to be asked of what is gathered."""
    return tuple(replace(s, gather=told, shares=_gathered(s.shares, told)) for s in shares)


def _is_newest_first(sql: str) -> bool:
    """Whether a query gives rows of `logs` one by one, the newest first, so that those of a later
    part are the first of all."""
    once = len(re.findall(r"\blogs\b", sql)) == 1
    return bool(once and _NEWEST.search(sql) and not _TOGETHER.search(sql))


def run_panel(
    view: View, panel: Panel, ask: Ask, *, limit: int = ROWS_SHOWN, offset: int = 0
) -> PanelResult:
    """Ask a panel's query; where it gives nothing, say why."""
    query = prepare(view, panel, limit=limit, offset=offset)
    answer = ask(query)
    hidden = [n for n, name in enumerate(answer.columns) if name.startswith(HANDLE)]
    named = dict(panel.columns) or {
        name: name for name in answer.columns if not name.startswith(HANDLE)
    }
    only = dict(panel.only)
    unknown = [name for name in (*named.values(), *only) if name not in answer.columns]
    if unknown:
        known = ", ".join(answer.columns)
        raise SourceError(
            f"panel '{panel.title}': query {panel.query} has no column '{unknown[0]}'. "
            f"Known: {known}."
        )
    shown = [answer.columns.index(name) for name in named.values()]
    chosen = [(answer.columns.index(name), value) for name, value in only.items()]
    rows = [row for row in answer.rows if all(row[n] == value for n, value in chosen)]
    rows = rows[: panel.first or None]
    figures = tuple(tuple(row[n] for n in shown) for row in rows)
    return PanelResult(
        title=panel.title,
        chart=panel.chart,
        sql=_part_of(panel, query.written_out()),
        columns=tuple(named),
        rows=figures,
        note=note_of(view, panel, Answer(tuple(named), figures), ask),
        keys=tuple({answer.columns[n]: row[n] for n in hidden} for row in rows) if hidden else (),
    )


def run_compared(view: View, earlier: View | None, panel: Panel, ask: Ask) -> PanelResult:
    """The same; figures that stand for themselves with those of the period before."""
    result = run_panel(view, panel, ask)
    if earlier is None or panel.chart != "metric" or panel.whole:
        return result
    return replace(result, before=run_panel(earlier, panel, ask).rows)


def _part_of(panel: Panel, sql: str) -> str:
    """The query with the columns and rows of its answer that the panel shows."""
    if not (panel.columns or panel.only or panel.first):
        return sql
    named = [f"{quote(column)} AS {quote(name)}" for name, column in panel.columns]
    only = " AND ".join(f"{quote(name)} = {literal(value)}" for name, value in panel.only)
    where = f"\nWHERE {only}" if only else ""
    limit = f"\nLIMIT {panel.first}" if panel.first else ""
    return f"SELECT {', '.join(named) or '*'}\nFROM (\n{sql}\n){where}{limit}"


def run_dashboard(
    lake: Lake,
    name: str,
    time_from: datetime | None = None,
    time_to: datetime | None = None,
    where: str | None = None,
    *,
    last: str | None = None,
    accounts: Sequence[str] = (),
    regions: Sequence[str] = (),
    filters: Sequence[str] = (),
    search: str | None = None,
    interval: str | None = None,
    compare: bool = False,
    tell: Callable[[LakeError], None] | None = None,
) -> list[PanelResult]:
    """Every panel of a dashboard in page order, under each of its titles; over all data where no
    time is given. What a page's reader can choose can be chosen here.

    `name` is short (`cloudtrail`) or a title ("CloudTrail Summary"); times are aware; `where` is a
    condition in SQL; `last` is a length of time ("7 days") that ends at the newest event of the
    lake (`last_range`), instead of times; `accounts` are numbers, or names that the lake knows;
    `filters` are as a page's address has them ("source.ip is 192.0.2.1"), `search` is what its
    search box takes (`lake.filters.search`); `interval` is a width of bars ("1 month") instead of
    one that fits the range; `compare` adds the figures of the period before; `tell` is told of
    other dashboards that cannot be read, which else raise SourceError.
    Raises UsageError for an unknown name, a filter or a search that cannot be read, or a condition
    that the engine refuses.
    """
    dashboard = find_dashboard(name, tell)
    if last and (time_from or time_to):
        raise UsageError("--last takes the place of --from and --to: leave it, or these away.")

    @cache
    def ask(query: Query) -> Answer:
        return lake.answer(query)

    time = TimeRange(time_from, time_to)
    if last:
        time = last_range(about(*read_span(last, "--last")), ask)
    names = account_names(lake.path)
    numbers = _accounts(accounts, names)
    places = (("account", numbers), ("region", tuple(regions)))
    chosen = Selection(
        time,
        (
            *(by_number(Filter.parse(text), names) for text in filters),
            *(Filter(name, "is", one) for name, one in places if one),
        ),
        where,
        read_search(search, names),
    )
    view = view_of(dashboard, chosen, ask, interval)
    earlier = view_before(view, ask) if compare else None
    if compare and earlier is None:
        raise UsageError("There is no period before all time: give a range that begins.")
    return [
        replace(result, title=title)
        for panel in dashboard.panels
        for result in [run_compared(view, earlier, panel, ask)]
        for title in (panel.title, *panel.former)
    ]


def _accounts(texts: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The numbers of accounts by name or number, or `unknown`, where rows tell none. Raises
    UsageError for what is none of these."""
    numbers = numbers_of(texts, names)
    for one in numbers:
        if not is_account(one) and one != "unknown":
            known = f"Names that the lake has: {', '.join(sorted(set(names.values()))) or 'none'}."
            raise UsageError(f"unknown account '{one}'. Give twelve digits, or a name. {known}")
    return numbers


def panels_json(
    results: Iterable[PanelResult], names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The results as `lake panels --format json` prints them: rows as lists, times with Z. Rows
    have accounts as logs do; `accounts` has the `names` of those among them that have one."""
    return [
        {
            "title": result.title,
            "chart": result.chart,
            "sql": result.sql,
            "columns": list(result.columns),
            "rows": _rows(result.rows),
            "note": result.note,
        }
        | ({} if result.before is None else {"before": _rows(result.before)})
        | ({"accounts": told} if (told := _told(result.rows, names or {})) else {})
        for result in results
    ]


def _told(rows: Iterable[tuple[Any, ...]], names: Mapping[str, str]) -> dict[str, str]:
    """The accounts among the values of rows that have a name, with it."""
    values = (value for row in rows for value in row if is_account(value))
    return {account: names[account] for account in dict.fromkeys(values) if account in names}


def _rows(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [[json_value(value) for value in row] for row in rows]


def whole_row(table: str, keys: dict[str, Any], at: datetime, ask: Ask) -> str | None:
    """One row with all its fields, as JSON text; None where it is gone. Of a row of a view over
    several tables also those that its own table has alone."""
    answer = _row(table, keys, at, ask)
    if answer.rows and table not in catalogue().sources:
        answer = _row(answer.one()["event"]["dataset"], keys, at, ask)
    return str(answer.rows[0][0]) if answer.rows else None


def whole_document(table: str, keys: dict[str, Any], at: datetime, ask: Ask) -> str | None:
    """The document that an export sends of one row of a source's table, as JSON text; None where
    it is gone."""
    from lake.documents.documents import documents

    answer = _row(table, keys, at, ask)
    if not answer.rows:
        return None
    source = catalogue()[table]
    kinds = [(name, arrow_type(body)) for name, body in table_columns(source).items()]
    row = pa.RecordBatch.from_pylist([answer.one()], pa.schema(kinds))
    return documents(source, row)[0].json


def _row(table: str, keys: dict[str, Any], at: datetime, ask: Ask) -> Answer:
    given = {"hash": keys["_hash"], "at": at, "date": at.astimezone(UTC).date()}
    return ask(Query.over(lake_blocks()["row"], {"logs": relation(table, "")}, given))
