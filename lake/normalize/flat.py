"""The one SELECT that turns a chunk's records into flat columns, a row a record.

It wraps a source's normalize.sql: asks DuckDB which columns that gives, checks them against the row
model, and casts each to its declared type. `lake.normalize.engine` runs it;
`lake.normalize.assemble` makes the structs.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.decode.shapes import Shape
from lake.errors import SourceError
from lake.normalize.records import cells_of, chunk_schema, records_sql
from lake.sources.database import describing
from lake.sources.fieldsets import leaves, literal, quote, type_sql
from lake.sources.rowmodel import arrow_type, named

if TYPE_CHECKING:
    from lake.sources.source import Source

EARLIEST, LATEST = "1970-01-02", "2262-01-01"
"""A record with a time outside is rejected: no log can be of then."""
BETWEEN = "\n"
"""Stands between names of columns."""
_WIDE = re.compile(r"\b(U?HUGEINT|BIGNUM)\b", re.IGNORECASE)
"""Whole numbers of more than the 38 digits that Delta's decimals have."""
_LONG = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ", "JSON": "VARCHAR"}
"""DuckDB's long names of types -> those of ecs.toml."""


@cache
def outputs(source: Source) -> dict[str, str]:
    """The columns that a source's normalize.sql gives -> the type DuckDB finds for each.

    Raises SourceError where the SELECT fails or gives a column that the row model does not have.
    """
    con = describing().cursor()
    where = source.folder / "normalize.sql"
    shape = any_shape(source)
    con.register("chunk", chunk_schema().empty_table())
    try:
        con.execute(f"CREATE OR REPLACE TEMP VIEW records AS {records_sql(source, shape, False)}")
        described = con.execute(f"DESCRIBE ({source.select}\n)").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{where}: {error}") from error
    finally:
        con.close()
    columns = {name: _LONG.get(kind, kind) for name, kind, *_ in described}
    targets = source.targets
    wrong = [n for n in columns if n not in targets]
    if wrong:
        raise SourceError(f"{where}: {wrong[0]!r} is no leaf of ecs.toml, no member of [native]")
    unnamed = sorted(n for n in columns if "." in n and n not in named(source))
    if unnamed:
        raise SourceError(f'{where}: write AS "{unnamed[0]}", with the name in quotes')
    _check_native(source)
    missing = {"record", "@timestamp"} - set(columns)
    if source.identity == "id":
        missing |= {"identity"} - set(columns)
    if missing:
        raise SourceError(f"{where}: gives no column {sorted(missing)[0]!r}")
    return columns


def _check_native(source: Source) -> None:
    """Raises SourceError for a type in [native] that DuckDB does not know or Delta cannot store."""
    where = source.folder / "source.toml"
    for leaf in leaves(source.native):
        try:
            kind = arrow_type(leaf.type)
        except duckdb.Error as error:
            raise SourceError(f"{where}: native.{leaf.name}: {error}") from error
        if pa.types.is_struct(kind):
            raise SourceError(
                f"{where}: native.{leaf.name} is {leaf.type}. Write its members as a table, "
                f"[native.{leaf.name}], so that its files have it always."
            )
        if _WIDE.search(leaf.type) or not _is_storable(kind):
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


def any_shape(source: Source) -> Shape:
    """One of the shapes that a source's records have."""
    if source.format == "json":
        return Shape(source.name, "json")
    columns = tuple((str(place), name) for place, name in enumerate(source.lines.columns, 1))
    return Shape(source.name, "fields", columns)


@cache
def flat_sql(source: Source, shape: Shape, filled: frozenset[str] | None = None) -> str:
    """The SELECT over `records` that gives a row a record, with these columns: `row` (the record's
    place in the chunk), `reject`, `accepted`, `hash` (where text tells the identity), `r` (JSON),
    each target under its own name and type, and `lossy`: the columns, a line each, whose text is
    none of their target's type, or NULL. With `filled`, only these targets, the time, and `more`:
    whether any other has a value; handing out an empty column costs 30 ns a row."""
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
    if lossy := _lossy(source, shape, every):
        every["lossy"] = lossy
    wanted = every.keys() if filled is None else filled | {"@timestamp"}
    kept = {n: v for n, v in every.items() if n in wanted}
    columns += [f"{value} AS {quote(name)}" for name, value in kept.items()]
    if filled is not None:
        others = [f"{value} IS NOT NULL" for name, value in every.items() if name not in wanted]
        columns.append(f"{' OR '.join(others) or 'false'} AS more")
    return f"SELECT {', '.join(columns)} FROM ({source.select}\n) n"


def _values(source: Source, given: dict[str, str]) -> dict[str, str]:
    """Target -> its SQL, in the target's type."""
    targets = source.targets
    values: dict[str, str] = {}
    for name, kind in given.items():
        if name not in ("record", "reject", "identity"):
            value, due = f"n.{quote(name)}", _declared(source, name, targets)
            values[name] = value if kind == due else f"TRY_CAST({value} AS {due})"
    return values


def _lossy(source: Source, shape: Shape, values: dict[str, str]) -> str | None:
    """SQL for `lossy`. Texts are looked at only where a target is NULL."""
    if source.delimited is None:
        return None
    nulls = ", ".join(literal(n) for n in (*source.delimited.nulls, ""))
    cells, suspect, names = cells_of(shape), [], []
    for column, target in source.delimited.typed:
        if column in cells and target in values:
            text = f"n.{cells[column]}"
            there = f"{values[target]} IS NULL AND {text} NOT IN ({nulls})"
            lost = f"{there} AND TRY_CAST({text} AS {source.targets[target]}) IS NULL"
            suspect.append(f"({there})")
            names.append(f"CASE WHEN {lost} THEN {literal(column)} END")
    if not names:
        return None
    told = f"nullif(concat_ws({literal(BETWEEN)}, {', '.join(names)}), '')"
    return f"CASE WHEN {' OR '.join(suspect)} THEN {told} END"


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
        f"'{LATEST}' THEN 'time out of range: before {EARLIEST} or from {LATEST} on' END"
    )


def _hash(text: str) -> str:
    """63 bits of MD5."""
    return f"(md5_number_lower({text}) >> 1)::BIGINT"
