"""The row model: what a source's normalize.sql gives, the columns of its table and of its view.

It decides the types, and writes the one SELECT that turns a chunk's records into flat columns, a
row a record; `lake.assemble` makes the structs of them. Which leaves a table's files may hold
follows from the names in normalize.sql (see transforms/ecs.toml).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.decode import Shape
from lake.errors import SourceError, unknown_name
from lake.fieldsets import (
    PARTITION,
    Tree,
    core_sets,
    field_sets,
    leaves,
    prune,
    quote,
    type_sql,
)
from lake.records import chunk_schema, connect, records_sql
from lake.sources import catalogue

if TYPE_CHECKING:
    from lake.sources import Source

EVENTS = "events"
"""The view over all tables. It has the row model without `native`."""
ADDRESSES = ("source.ip", "destination.ip", "client.ip", "source.nat.ip", "destination.nat.ip")
LOCATED = ("source", "destination", "client")
EARLIEST, LATEST = "1970-01-02", "2262-01-01"
"""A time outside is none that a log can bear; the rows' reject says so."""
_PLAIN = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "JSON": pa.string(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}
"""Types that need not be asked of DuckDB, which takes 0.1 s to start."""
AGENT = ("name", "version", "os", "device")
"""What the engine tells of a user agent."""
_ENGINE = (
    "cloud.account.id",
    "cloud.region",
    "cloud.provider",
    "event.dataset",
    "event.module",
    "event.original",
    "event.hash",
    "event.ingested",
    "log.file.path",
    "log.offset",
    "log.encoding",
    "log.context",
)
"""Leaves that the engine fills for every source."""
_ALIAS = re.compile(r'\bAS\s+"([^"]+)"', re.IGNORECASE)
_LONG = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "JSON": "VARCHAR"}
"""DuckDB's long names of types -> those of ecs.toml."""


@cache
def describing() -> duckdb.DuckDBPyConnection:
    """One DuckDB of this process for asking about types; a fresh one costs 60 ms."""
    return connect(256 << 20)


def arrow_type(body: str | Tree) -> pa.DataType:
    """The Arrow type of a leaf's DuckDB type, or of a STRUCT's members, as DuckDB hands it out."""
    if isinstance(body, dict):
        return pa.struct([(name, arrow_type(inner)) for name, inner in body.items()])
    return _PLAIN.get(body) or _asked(body)


@cache
def _asked(kind: str) -> pa.DataType:
    return describing().cursor().sql(f"SELECT NULL::{kind} AS x").to_arrow_table().schema[0].type


@cache
def named(source: Source) -> frozenset[str]:
    """The targets that stand as `AS "name"` in normalize.sql. Reading the text takes a hundredth
    of the time in which DuckDB binds it; `outputs` checks that nothing else is given."""
    targets = source.targets
    return frozenset(n for n in _ALIAS.findall(source.sql) if n in targets)


@cache
def outputs(source: Source) -> dict[str, str]:
    """The columns that a source's normalize.sql gives -> the type DuckDB finds for each.

    Raises SourceError where the SELECT fails or gives a column that the row model does not have.
    """
    con = describing().cursor()
    where = source.folder / "normalize.sql"
    shape = _any_shape(source)
    con.register("chunk", chunk_schema().empty_table())
    try:
        con.execute(f"CREATE OR REPLACE TEMP VIEW records AS {records_sql(source, shape, False)}")
        found = con.execute(f"DESCRIBE ({source.sql.rstrip().rstrip(';')}\n)").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{where}: {error}") from error
    finally:
        con.close()
    given = {name: _LONG.get(kind, kind) for name, kind, *_ in found}
    targets = source.targets
    wrong = [n for n in given if n not in targets]
    if wrong:
        raise SourceError(f"{where}: {wrong[0]!r} is no leaf of ecs.toml, no member of [native]")
    unnamed = sorted(n for n in given if "." in n and n not in named(source))
    if unnamed:
        raise SourceError(f'{where}: write AS "{unnamed[0]}", with the name in quotes')
    _check_native(source)
    missing = {"record", "@timestamp"} - set(given)
    if source.identity == "id":
        missing |= {"identity"} - set(given)
    if missing:
        raise SourceError(f"{where}: gives no column {sorted(missing)[0]!r}")
    return given


def _check_native(source: Source) -> None:
    """Raises SourceError for a type in [native] that DuckDB does not know or Delta cannot store."""
    where = source.folder / "source.toml"
    for leaf in leaves(source.native):
        try:
            kind = arrow_type(leaf.type)
        except duckdb.Error as error:
            raise SourceError(f"{where}: native.{leaf.name}: {error}") from error
        if not _is_storable(kind):
            raise SourceError(
                f"{where}: native.{leaf.name} is {leaf.type}, which a Delta table cannot hold. "
                "Declare it VARCHAR."
            )


def _is_storable(kind: pa.DataType) -> bool:
    """Whether Delta has a type for it (github.com/delta-io/delta, PROTOCOL.md, Primitive Types)."""
    if pa.types.is_timestamp(kind):
        return kind.unit in ("us", "ns")
    parts = [kind.field(at).type for at in range(kind.num_fields)]
    other = pa.types.is_time(kind) or pa.types.is_interval(kind) or pa.types.is_union(kind)
    return not other and all(_is_storable(part) for part in parts)


def _any_shape(source: Source) -> Shape:
    if source.format == "json":
        return Shape(source.name, "json")
    assert source.delimited is not None  # noqa: S101
    return Shape(
        source.name, "fields", tuple((str(i), c) for i, c in enumerate(source.delimited.columns, 1))
    )


@cache
def table_sets(source: Source) -> dict[str, Tree]:
    """The field sets of a source's table, each with the leaves that its files may hold."""
    used = set(named(source)) | set(_ENGINE)
    for endpoint in LOCATED:
        if f"{endpoint}.ip" in used:
            used |= {f"{endpoint}.geo", f"{endpoint}.as"}
    if "user_agent.original" in used:
        used |= {f"user_agent.{part}" for part in AGENT}
    if any(target in used for target in ADDRESSES):
        used.add("related.ip")
    if "user.name" in used:
        used.add("related.user")
    core = core_sets()
    return {
        name: prune(tree, used, name + ".")
        for name, tree in field_sets().items()
        if name in core or any(u == name or u.startswith(name + ".") for u in used)
    }


def table_columns(source: Source) -> dict[str, str | Tree]:
    """The columns of a source's files, in the order of the row model, then the keys."""
    return {
        "@timestamp": "TIMESTAMPTZ",
        **table_sets(source),
        "native": source.native,
        **PARTITION,
    }


def view_columns(source: Source) -> dict[str, str | Tree]:
    """The same for the view: every set whole."""
    return table_columns(source) | {n: field_sets()[n] for n in table_sets(source)}


def columns_of(view: str) -> dict[str, str | Tree]:
    """The columns of a view: a source's, `events`, or a family's, which has what its tables share;
    the last two are without `native`. Raises UsageError for a name that is none of these."""
    known = catalogue()
    if view == EVENTS:
        sets = {name: field_sets()[name] for name in core_sets()}
        return {"@timestamp": "TIMESTAMPTZ", **sets, **PARTITION}
    if view in known.sources:
        return view_columns(known.sources[view])
    if view not in known.families:
        raise unknown_name("table", view, [EVENTS, *known.sources, *known.families])
    first, *others = (view_columns(known.sources[name]) for name in known.families[view])
    return {
        name: body
        for name, body in first.items()
        if name != "native" and all(name in columns for columns in others)
    }


@cache
def flat_sql(source: Source, filled: frozenset[str] | None = None) -> str:
    """The SELECT over `records` that gives a row a record, with these columns: `row` (the record's
    place in the chunk), `reject`, `accepted`, `hash` (where text tells the identity), `r` (JSON),
    and each target under its own name and type. With `filled`, only these targets, the time, and
    `more`: whether any other has a value; handing out an empty column costs 30 ns a row."""
    given = outputs(source)
    columns = ["n.record.row AS row", f"{_reject(given)} AS reject"]
    if source.accepts is not None:
        columns.append("n.record.accepted AS accepted")
    if source.identity == "id":
        columns.append(f"{_hash('coalesce(n.identity, n.record.text)')} AS hash")
    elif source.identity == "unique-line":
        columns.append(f"{_hash('n.record.text')} AS hash")
    if source.format == "json":
        columns.append("n.record.r AS r")
    every = _values(source, given)
    wanted = every.keys() if filled is None else filled | {"@timestamp"}
    kept = {n: v for n, v in every.items() if n in wanted}
    columns += [f"{value} AS {quote(name)}" for name, value in kept.items()]
    if filled is not None:
        others = [f"{value} IS NOT NULL" for name, value in every.items() if name not in wanted]
        columns.append(f"{' OR '.join(others) or 'false'} AS more")
    return f"SELECT {', '.join(columns)} FROM ({source.sql.rstrip().rstrip(';')}\n) n"


def _values(source: Source, given: dict[str, str]) -> dict[str, str]:
    """Target -> its SQL, in the target's type."""
    targets = source.targets
    values: dict[str, str] = {}
    for name, kind in given.items():
        if name not in ("record", "reject", "identity"):
            value, due = f"n.{quote(name)}", _declared(source, name, targets)
            values[name] = value if kind == due else f"TRY_CAST({value} AS {due})"
    return values


def _declared(source: Source, name: str, targets: dict[str, str]) -> str:
    if targets[name] == "STRUCT":
        return type_sql(source.native[name.removeprefix("native.")])
    return _LONG.get(targets[name], targets[name])


def _reject(given: dict[str, str]) -> str:
    """Why a record becomes no row; NULL for a row."""
    own = "WHEN n.reject IS NOT NULL THEN n.reject " if "reject" in given else ""
    return (
        "CASE WHEN n.record.refuse IS NOT NULL THEN n.record.refuse "
        f"{own}"
        "WHEN n.\"@timestamp\" IS NULL THEN 'no valid time' "
        f'WHEN n."@timestamp" < TIMESTAMPTZ \'{EARLIEST}\' OR n."@timestamp" >= TIMESTAMPTZ '
        f"'{LATEST}' THEN 'time out of range' END"
    )


def _hash(text: str) -> str:
    """63 bits of MD5."""
    return f"(md5_number_lower({text}) >> 1)::BIGINT"
