"""The rows that a page is about, gathered once for all of its panels.

Thirty panels ask for a few leaves of the same rows. Through the view each opens every file of the
lake; so the first that asks has these leaves put into a table in memory, and the others ask that.
Answers are the same: a query that the table cannot answer is asked of the view, and what a reader
is shown of a query is always the one of the view.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.errors import UsageError
from lake.serve.queries import Gathering, Query
from lake.serve.statements import one_select
from lake.sources.fieldsets import leaves, packed, quote
from lake.sources.rowmodel import columns_of
from lake.store.delta import footer_times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lake.serve.chosen import Chosen
    from lake.serve.queries import Answer
    from lake.store.snapshot import DataFile

PLACE = "gathered"
"""The database in memory that holds the tables, away from a user's own."""
FILES = f"{PLACE}.data_files"
"""A row for each file of the lake: its table, partition, number of events, first and last one."""
_FILE = ("source", "account", "region", "date", "events", "first", "last")
HELD = 600_000_000
"""Bytes that the tables hold together, without what of a text lies beside its row. What queries of
the page asked last share is held however large it is, and goes through the disk: each of them would
make it anew. So is what those of the page before share, since a page beside the period before is
two."""
_NUMBERS = frozenset({"BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "TIMESTAMPTZ"})
_NARROWS = 'account region "date" "@timestamp"'
_ASIDE = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\bAS\s+(?:\"[^\"]*\"|\w+)", re.IGNORECASE)
"""Comments, texts, and the names that columns are given."""
_PATH = re.compile(r'(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*')


def gathering(of: Chosen, queries: Iterable[str], rows: int) -> Gathering | None:
    """What to gather of so many rows for these queries; None where that is too much, or nothing.
    With the leaves by which a reader narrows time, place and the condition itself, so that from all
    rows a part can be taken later."""
    found = named_leaves(of.table, " ".join([*queries, _NARROWS, of.condition or ""]))
    size = rows * _row_bytes(of.table, found)
    if not found or size > HELD:
        return None
    return Gathering(of.table, of.sql, of.condition, of.params, found, size)


@lru_cache(64)  # as `named_leaves`
def _row_bytes(table: str, chosen: tuple[str, ...]) -> int:
    """What DuckDB takes for leaves of a row: 8 bytes for a number or a moment, 16 for the rest."""
    kinds = {leaf.name: leaf.type for leaf in leaves(columns_of(table))}
    return sum(8 if kinds[name] in _NUMBERS else 16 for name in chosen)


@lru_cache(64)  # a page asks anew whenever it is drawn
def named_leaves(table: str, sql: str) -> tuple[str, ...]:
    """The leaves of a table that a query names, in the table's order; all of a STRUCT's."""
    columns = dict(columns_of(table))
    own_names = {name.lower() for name in columns}
    named = {path.replace('"', "").lower() for path in _PATH.findall(_ASIDE.sub(" ", sql))}
    # `t.source.ip` names source.ip (but `related.user` no "user"), `native.resources.ARN` the list
    split = [path.partition(".") for path in named]
    named |= {rest for first, _, rest in split if first not in own_names}
    found = []
    for name in (leaf.name for leaf in leaves(columns)):
        own = name.lower()
        parts = own.split(".")
        above = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        if above & named or any(path.startswith(f"{own}.") for path in named):
            found.append(name)
    return tuple(found)


def gathering_sql(wanted: Gathering) -> str:
    """The SELECT that gives the leaves, nested as the view has them."""
    tree: dict[str, object] = {}
    for name in wanted.leaves:
        inner = tree
        *above, last = name.split(".")
        for part in above:
            inner = inner.setdefault(part, {})  # type: ignore[assignment]
        inner[last] = name
    columns = ", ".join(f"{packed(body)} AS {quote(name)}" for name, body in tree.items())
    return f"SELECT {columns} FROM ({wanted.relation})"


class Gatherer:
    """The tables of one opened lake, the last asked for kept. Safe to share between threads.

    They are made by a connection of their own, in whatever order rows come: to keep that of the
    files takes half as long again. So their rows have none, and queries say in which they want
    theirs.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """`con` must not be locked yet: a database in memory is attached to it."""
        self._guard = threading.Lock()
        self._held: OrderedDict[Gathering | Query, int] = OrderedDict()
        self._too_much: set[Gathering] = set()
        con.execute(f"ATTACH ':memory:' AS {PLACE}")
        self._maker = con.cursor()
        self._maker.execute("SET SESSION preserve_insertion_order = false")
        self._made_for: duckdb.DuckDBPyConnection | None = None

    def interrupt(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """End the statement that runs for an answer by this cursor, if one does."""
        cursor.interrupt()
        if self._made_for is cursor:
            self._maker.interrupt()

    def add_files(
        self, con: duckdb.DuckDBPyConnection, held: Mapping[str, Sequence[DataFile]]
    ) -> None:
        """Make the table `FILES`: what the lake's log has of each file, so that none is opened for
        it."""
        rows = []
        for table, files in held.items():
            for file in files:
                first, last = file.first, file.last
                if first is None or last is None:  # a file of an early lake
                    first, last = footer_times(pq.read_metadata(file.path))
                place = (file.account, file.region, date.fromisoformat(file.date))
                rows.append((table, *place, file.rows, first, last))
        moment = pa.timestamp("us", "UTC")
        kinds = (pa.string(), pa.string(), pa.string(), pa.date32(), pa.int64(), moment, moment)
        columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
        arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
        con.register("committed_files", pa.table(dict(zip(_FILE, arrays, strict=True))))
        con.execute(f"CREATE TABLE {FILES} AS FROM committed_files")
        con.unregister("committed_files")

    def answer(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Answer:
        """The answer to a query, by this cursor. Raises UsageError as `Query.ask` does."""
        for sooner in query.sooner:
            answer = self._answer(sooner, cursor)
            if len(answer.rows) == query.full:
                return answer
        return self._answer(query, cursor)

    def _answer(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Answer:
        try:
            shorter = self._over_held(query, cursor)
            if shorter is not None:
                return shorter.ask(cursor)
        except duckdb.InterruptException as error:
            raise UsageError(f"{error}\nThe query was:\n{query.written_out()}") from error
        except (duckdb.Error, UsageError) as error:
            if isinstance(error.__cause__, duckdb.InterruptException):
                raise
            # dropped meanwhile, or it lacks what the query names: the view has it all
        return query.ask(cursor)

    def _over_held(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Query | None:
        """The query over tables in memory, which are made where they are missing; None where the
        query has to ask the view."""
        shorter = self._shared(query, cursor) if query.shares else None
        query = shorter or query
        held = self._gathered(query, cursor)
        return _over(query, held) if held else shorter

    def _shared(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Query:
        """The query over the tables of the relations that it shares with others."""
        for shared in query.shares:
            self._put(shared, cursor)
            query = query.over_shared(shared, _name(shared))
        return query

    def _put(self, shared: Query, cursor: duckdb.DuckDBPyConnection) -> None:
        """Put a shared relation's rows into a table, where they are not in one."""
        table = _name(shared)
        asked = None if shared in self._held else self._over_held(shared, cursor)
        asked = asked or shared
        with self._guard:
            if shared in self._held:
                self._held.move_to_end(shared)
            else:
                rows = self._make(table, asked.sql, asked.bound, cursor)
                columns = self._maker.execute(f"FROM {table} LIMIT 0").description or ()
                size = rows * 16 * len(columns)
                self._make_room(self._of_other_pages(shared.under), size)
                self._held[shared] = size

    def _gathered(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Gathering | None:
        """The table that has the rows behind a query, made where it is missing; None where the
        query needs more than a table can have."""
        wanted = query.gather
        if wanted is None or wanted.relation not in query.sql or takes_whole_rows(query.sql):
            return None
        return self._gather(wanted, cursor)

    def _gather(self, wanted: Gathering, cursor: duckdb.DuckDBPyConnection) -> Gathering | None:
        """The table that answers this: of exactly these rows, or of all of the source's. None where
        they turn out to be too many, since their number was an estimate."""
        with self._guard:
            for held in self._held:
                if isinstance(held, Gathering) and _answers(held, wanted):
                    self._held.move_to_end(held)
                    return held
            if wanted in self._too_much:
                return None
            self._make_room(self._gatherings(), wanted.size)
            width = _row_bytes(wanted.table, wanted.leaves)
            most = HELD // width
            select = f"{gathering_sql(wanted)} LIMIT {most + 1}"
            rows = self._make(_name(wanted), select, dict(wanted.params), cursor)
            if rows > most:
                self._too_much.add(wanted)
                self._maker.execute(f"DROP TABLE {_name(wanted)}")
                return None
            self._make_room(self._gatherings(), rows * width)
            self._held[wanted] = rows * width
            return wanted

    def _make(
        self,
        table: str,
        select: str,
        params: dict[str, Any] | None,
        cursor: duckdb.DuckDBPyConnection,
    ) -> int:
        """Put a SELECT's rows into a table, for an answer by this cursor; gives their number."""
        one_select(select)  # a reader's own condition may stand in it
        self._made_for = cursor
        try:
            self._maker.execute(f"CREATE OR REPLACE TABLE {table} AS {select}", params)
        finally:
            self._made_for = None
        ((rows,),) = self._maker.execute(f"SELECT count(*) FROM {table}").fetchall()
        return int(rows)

    def _gatherings(self) -> list[Gathering]:
        return [held for held in self._held if isinstance(held, Gathering)]

    def _of_other_pages(self, under: str) -> list[Query]:
        """What queries of other pages share, but for those of the page asked before this one."""
        shared = [held for held in self._held if isinstance(held, Query) and held.under != under]
        return [held for held in shared if held.under != shared[-1].under]

    def _make_room(self, held: Sequence[Gathering | Query], size: int) -> None:
        """Drop of what is held the tables that were asked for longest ago, until so many bytes more
        may be held, or none of these is left."""
        total = sum(self._held[one] for one in held)
        for oldest in held:
            if total + size <= HELD:
                return
            total -= self._held.pop(oldest)
            self._maker.execute(f"DROP TABLE IF EXISTS {_name(oldest)}")


def _over(query: Query, held: Gathering) -> Query | None:
    """The query over a table that answers its gathering."""
    wanted = query.gather
    condition = wanted.condition if wanted is not None and held != wanted else ""
    return query.over_table(_name(held), condition or "")


def _answers(held: Gathering, wanted: Gathering) -> bool:
    """Whether a table in memory has the rows and leaves that are wanted."""
    whole = held.table == wanted.table and held.condition == ""
    part = whole and wanted.condition is not None
    return held == wanted or (part and {*wanted.leaves} <= {*held.leaves})


@lru_cache(1_000)  # 0.5 ms each
def takes_whole_rows(sql: str) -> bool:
    """Whether a query takes all leaves of a table (`*`, `FROM logs`, `to_json(logs)`), or cannot be
    looked into. What the page's relations select, each all of a table, does not count."""
    (text,) = _parser().cursor().execute("SELECT json_serialize_sql($1)", [sql]).fetchone() or ("",)
    parsed = json.loads(text)
    if parsed["error"]:
        return True
    tables: set[str] = set()
    names: set[str] = set()

    def stars(node: Any) -> bool:  # noqa: ANN401  JSON
        if isinstance(node, list):
            return any([stars(one) for one in node])
        if not isinstance(node, dict):
            return False
        if node.get("materialized") == "CTE_MATERIALIZE_NEVER":
            return stars({**node["query_node"], "select_list": []})
        if (node.get("from_table") or {}).get("type") == "EXPRESSION_LIST":  # VALUES
            return False
        if node.get("type") == "BASE_TABLE":
            tables.update((node["table_name"].lower(), node["alias"].lower()))
        if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            names.add(node["column_names"][0].lower())
        return any([node.get("class") == "STAR", *map(stars, node.values())])

    return stars(parsed["statements"]) or bool(names & tables)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A DuckDB that parses; it holds nothing."""
    return duckdb.connect()


def _name(key: Gathering | Query) -> str:
    return f"{PLACE}.rows_{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
