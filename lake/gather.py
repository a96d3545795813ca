"""The rows that a page is about, gathered once for all of its panels.

Thirty panels ask for a few leaves of the same rows. Through the view each opens every file of the
lake; so the first that asks has these leaves put into a table in memory, and the others ask that.
Answers are the same: a query that the table cannot answer is asked of the view, and what a reader
is shown of a query is always the one of the view.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

import duckdb

from lake.errors import UsageError
from lake.fieldsets import leaves, path_sql, quote
from lake.queries import Gathering
from lake.rowmodel import columns_of
from lake.statements import one_select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.queries import Answer, Query

PLACE = "gathered"
"""The database in memory that holds the tables, away from a user's own."""
CELLS = 40_000_000
"""Values that the tables hold together; a text takes 16 bytes and more."""
_ASIDE = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\bAS\s+(?:\"[^\"]*\"|\w+)", re.IGNORECASE)
"""Comments, texts, and the names that columns are given."""
_PATH = re.compile(r'(?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*')
_EVERYTHING = re.compile(r"\bselect\s+(?:distinct\s+)?\*|\w\.\*|\bcolumns\s*\(", re.IGNORECASE)


def gathering(
    table: str,
    relation: str,
    params: tuple[tuple[str, object], ...],
    queries: Iterable[str],
    rows: int,
) -> Gathering | None:
    """What to gather of a table for these queries over `relation`, which is all of it or a part;
    None where that is too much, or nothing."""
    found = named_leaves(table, " ".join(queries))
    if not rows or not found or rows * len(found) > CELLS:
        return None
    return Gathering(relation, params, found, rows * len(found))


@lru_cache(64)  # a page asks anew whenever it is drawn
def named_leaves(table: str, sql: str) -> tuple[str, ...]:
    """The leaves of a table that a query names, in the table's order; all of a STRUCT's."""
    named = {path.replace('"', "").lower() for path in _PATH.findall(_ASIDE.sub(" ", sql))}
    # `t.source.ip` names source.ip, and `native.resources.ARN` the list
    named |= {path.partition(".")[2] for path in named}
    found = []
    for name in (leaf.name for leaf in leaves(dict(columns_of(table)))):
        own = name.lower()
        parts = own.split(".")
        above = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        if above & named or any(path.startswith(f"{own}.") for path in named):
            found.append(name)
    return tuple(found)


def gathering_sql(told: Gathering) -> str:
    """The SELECT that gives the leaves, nested as the view has them."""
    tree: dict[str, object] = {}
    for name in told.leaves:
        inner = tree
        *above, last = name.split(".")
        for part in above:
            inner = inner.setdefault(part, {})  # type: ignore[assignment]
        inner[last] = name
    columns = ", ".join(f"{_packed(body)} AS {quote(name)}" for name, body in tree.items())
    return f"SELECT {columns} FROM ({told.relation})"


def _packed(body: object) -> str:
    if isinstance(body, dict):
        return f"struct_pack({', '.join(f'{quote(n)} := {_packed(b)}' for n, b in body.items())})"
    return path_sql(str(body))


class Gatherer:
    """The tables of one opened lake, the last asked for kept. Safe to share between threads."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """`con` must not be locked yet: a database in memory is attached to it."""
        self._guard = threading.Lock()
        self._held: OrderedDict[Gathering, None] = OrderedDict()
        con.execute(f"ATTACH ':memory:' AS {PLACE}")

    def answer(self, query: Query, cursor: duckdb.DuckDBPyConnection) -> Answer:
        """The answer to a query, by this cursor. Raises UsageError as `Query.ask` does."""
        told = query.gather
        shorter = query.over_table(_name(told)) if told is not None else None
        if told is not None and shorter is not None and _names_its_leaves(query):
            try:
                self._gather(told, cursor)
                return shorter.ask(cursor)
            except (duckdb.Error, UsageError):
                pass  # dropped meanwhile, or it lacks what the query names: the view has it all
        return query.ask(cursor)

    def _gather(self, told: Gathering, cursor: duckdb.DuckDBPyConnection) -> None:
        with self._guard:
            if told in self._held:
                self._held.move_to_end(told)
                return
            while self._held and sum(one.cells for one in self._held) + told.cells > CELLS:
                oldest, _ = self._held.popitem(last=False)
                cursor.execute(f"DROP TABLE IF EXISTS {_name(oldest)}")
            select = gathering_sql(told)
            one_select(select)  # a reader's own condition may stand in it
            cursor.execute(f"CREATE OR REPLACE TABLE {_name(told)} AS {select}", dict(told.params))
            self._held[told] = None


def _names_its_leaves(query: Query) -> bool:
    """Whether a query names what it takes of its relations, which are each all of a table."""
    return _EVERYTHING.search(query.sql.replace("NOT MATERIALIZED (SELECT *", "")) is None


def _name(told: Gathering) -> str:
    return f"{PLACE}.rows_{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}"
