"""SQL files of the project, and how a query in one is asked.

A file is a row of blocks: `-- name: snake_case`, one comment line that says what comes out, then
one SELECT with named parameters. The relation `logs` in it is the one place where filters enter:
`Query.over` puts it before the text as a CTE. `-- relation: snake_case` heads a SELECT that several
queries, and relations below it, name as they name `logs`; it is answered once for all of them
(`lake.serve.gather`). Nothing here knows a panel or a chart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from lake.errors import SourceError, UsageError, unknown_name
from lake.serve.statements import one_select
from lake.sources.fieldsets import literal, quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HEAD = re.compile(r"^-- (name|relation):[ \t]*(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w+)")


class Interval(str):
    """The width of a bar in time, as DuckDB writes it: `15 minutes`, `1 month` (a calendar one)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One named query of a file; `about` is its comment line, `shares` the file's relations that
    it names, and those that they name, in the file's order."""

    name: str
    about: str
    sql: str
    shares: tuple[Block, ...] = ()

    @property
    def whole_sql(self) -> str:
        """Its text with that of the relations: all that it asks of `logs`."""
        return f"{self.shared_sql}\n{self.sql}"

    @property
    def shared_sql(self) -> str:
        """The text of the relations."""
        return "\n".join(one.sql for one in self.shares)


@dataclass(frozen=True, slots=True)
class Answer:
    """Columns and rows as the engine gave them; times aware and UTC."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def one(self) -> dict[str, Any]:
        """The only row, by column."""
        return dict(zip(self.columns, self.rows[0], strict=True))


@dataclass(frozen=True, slots=True)
class Gathering:
    """Leaves of some rows of a table that may be put into a table for several queries
    (`lake.serve.gather`). `relation` is the SELECT of these rows, as queries have it; `condition`
    what chooses them from all (empty: all; None where nothing does); `size` is the bytes that they
    will take, as far as is known."""

    table: str
    relation: str
    condition: str | None
    params: tuple[tuple[str, Any], ...]
    leaves: tuple[str, ...]
    size: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Query:
    """SQL text and exactly the parameters that it names. Hashable: it is the key of a cache.
    `gather` says what it may be asked of in the stead of the lake's files. `sooner` are queries
    over fewer rows: the first that gives `full` rows has the same answer. `shares` are the queries
    in it that other queries have too; each stands there as its `cte`. `under` says of such a one
    which rows it is over: it is equal for those of a page under a selection."""

    sql: str
    params: tuple[tuple[str, Any], ...] = ()
    gather: Gathering | None = None
    sooner: tuple[Query, ...] = ()
    full: int = 0
    shares: tuple[Query, ...] = ()
    cte: str = ""
    under: str = field(default="", compare=False)

    @classmethod
    def over(
        cls,
        block: Block,
        relations: Mapping[str, str],
        given: Mapping[str, Any],
        shares: tuple[Query, ...] | None = None,
        under: str = "",
    ) -> Query:
        """The block's query over relations (name -> SELECT), with the parameters it uses. `shares`
        where what it shares is over others."""
        text = "\n".join([block.sql, *(one.sql for one in block.shares if one.shares)])
        used = [name for name in relations if re.search(rf"\b{name}\b", text)]
        ctes = [f"{name} AS NOT MATERIALIZED ({relations[name]})" for name in used]
        if shares is None:
            if block.shares and not under:
                chosen_by = sorted(_parameters(" ".join(relations.values())))
                under = repr((relations, [given.get(name) for name in chosen_by]))
            shares = tuple(cls.over(one, relations, given, under=under) for one in block.shares)
        ctes += [
            f"{one.name} AS MATERIALIZED ({query.cte})"
            for one, query in zip(block.shares, shares, strict=True)
        ]
        sql = block.sql
        if ctes:
            rest = re.match(r"WITH\s+", sql, re.IGNORECASE)
            before = "WITH " + ",\n".join(ctes)
            sql = f"{before},\n{sql[rest.end() :]}" if rest else f"{before}\n{sql}"
        names = _parameters(sql)
        missing = names - set(given)
        if missing:
            raise SourceError(
                f"query {block.name} names ${min(missing)}. Known: "
                f"{', '.join(f'${name}' for name in sorted(given))}."
            )
        params = tuple((name, given[name]) for name in sorted(names))
        # what a relation shares stands before it wherever it does
        cte = block.sql if shares else sql
        return cls(sql, params, shares=shares, cte=cte, under=under)

    def over_table(self, table: str, condition: str = "") -> Query | None:
        """The same over a table in which its relation has been gathered, or one from which it is
        chosen by a condition; None where it has none."""
        behind = f"({self.gather.relation})" if self.gather is not None else ""
        if not behind or behind not in self.sql:
            return None
        where = f" WHERE {condition}" if condition else ""
        return self._with(behind, f"(SELECT * FROM {table}{where})")

    def over_shared(self, shared: Query, table: str) -> Query:
        """The same where one of `shares` has been put into a table."""
        return self._with(f"MATERIALIZED ({shared.cte})", f"NOT MATERIALIZED (FROM {table})")

    def _with(self, part: str, other: str) -> Query:
        sql = self.sql.replace(part, other)
        names = _parameters(sql)
        used = tuple((name, value) for name, value in self.params if name in names)
        return replace(self, sql=sql, params=used)

    @property
    def bound(self) -> dict[str, Any] | None:
        """The parameters as the engine takes them."""
        return {name: _bound(value) for name, value in self.params} or None

    def ask(self, cursor: duckdb.DuckDBPyConnection) -> Answer:
        """Run it. Raises UsageError with the engine's words and the query, and for what is more
        than one SELECT, as a condition of a user's own could make it."""
        try:
            cursor.execute(one_select(self.sql), self.bound)
            columns = tuple(column[0] for column in cursor.description or [])
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise UsageError(f"{error}\nThe query was:\n{self.written_out()}") from error
        return Answer(columns, tuple(rows))

    def written_out(self) -> str:
        """The query with its values written into it: what a reader can paste into `lake sql`."""
        values = dict(self.params)

        def value(token: re.Match[str]) -> str:
            return _literal(values[token[1]]) if token[1] in values else token[0]

        return _TOKEN.sub(value, self.sql)


Ask = Callable[[Query], Answer]
"""Whoever answers a query: a cursor, or a cache before one."""


def read_blocks(path: Path) -> dict[str, Block]:
    """The queries of a SQL file, in order. Raises SourceError that names the file and the block."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: {error}. Save it as UTF-8.") from error
    heads = list(_HEAD.finditer(text))
    if not heads:
        raise SourceError(f"{path} has no '-- name:' line.")
    found: dict[str, Block] = {}
    relations: dict[str, Block] = {}
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        name = head[2].strip()
        body = text[head.end() : after.start() if after else len(text)].strip()
        about, _, sql = body.partition("\n")
        sql = sql.strip().removesuffix(";").strip()
        if not _NAME.fullmatch(name) or name in found or name in relations:
            raise SourceError(f"{path}: '{name}' is no name, or stands twice. Write snake_case.")
        if not about.startswith("-- ") or not sql:
            raise SourceError(f"{path}: {name} wants one comment line, then a query.")
        said = about.removeprefix("-- ").strip()
        named = [one for one in relations.values() if re.search(rf"\b{one.name}\b", sql)]
        behind = {*named, *(inner for one in named for inner in one.shares)}
        shares = tuple(one for one in relations.values() if one in behind)
        blocks = relations if head[1] == "relation" else found
        blocks[name] = Block(name, said, sql, shares)
    shared = {one.name for query in found.values() for one in query.shares}
    for name in relations:
        if name not in shared:
            raise SourceError(
                f"{path}: no query behind relation {name} names it. Use it, or take it away."
            )
    return found


def block(blocks: Mapping[str, Block], name: str) -> Block:
    """A block by its name. Raises UsageError that lists the known ones."""
    try:
        return blocks[name]
    except KeyError:
        raise unknown_name("query", name, list(blocks)) from None


def relation(table: str, where: str, columns: str = "*") -> str:
    """The SELECT behind `logs`: a table's rows under a condition, or all of them."""
    return f"SELECT {columns} FROM {quote(table)}" + (f" WHERE {where}" if where else "")


def _parameters(sql: str) -> set[str]:
    return {token[1] for token in _TOKEN.finditer(sql) if token[1]}


def _bound(value: Any) -> Any:  # noqa: ANN401  whatever a parameter can be
    return (
        duckdb.Value(str(value), duckdb.type("INTERVAL")) if isinstance(value, Interval) else value
    )


def _literal(value: Any) -> str:  # noqa: ANN401  whatever a parameter can be
    if isinstance(value, Interval):
        return f"INTERVAL '{value}'"
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return literal(value) if isinstance(value, str) else str(value).lower()
