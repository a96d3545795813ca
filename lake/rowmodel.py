"""The row model in SQL: what normalize.sql gives, with what the engine adds, as STRUCT columns.

The engine's part is the same for every source: identity, original, envelope, places and user
agents, partition keys, the reason of a reject. Which leaves a table's files hold follows from what
its normalize.sql gives (see transforms/ecs.toml).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.decode import Shape
from lake.errors import SourceError
from lake.fieldsets import (
    PARTITION,
    Tree,
    core_sets,
    field_sets,
    literal,
    prune,
    quote,
    type_sql,
)
from lake.records import connect, objects_table, records_sql

if TYPE_CHECKING:
    from lake.sources import Source

ADDRESSES = ("source.ip", "destination.ip", "client.ip", "source.nat.ip", "destination.nat.ip")
LOCATED = ("source", "destination", "client")
EARLIEST, LATEST = "1970-01-02", "2262-01-01"
"""A time outside is none that a log can bear; the rows' reject says so."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a chunk turned out to hold. `present`: the columns of `t` and the native members that
    are not all NULL; a leaf that is stays out of the file, since writing it costs 14 ns a row.
    `written_right`: every address is in RFC 5952 form and there is no GeoIP to join."""

    present: frozenset[str]
    written_right: bool = False


@cache
def describing() -> duckdb.DuckDBPyConnection:
    """One DuckDB of this process for asking about types; a fresh one costs 60 ms."""
    return connect(256 << 20)


@cache
def outputs(source: Source) -> dict[str, str]:
    """The columns that a source's normalize.sql gives -> the type DuckDB finds for each.

    Raises SourceError where the SELECT fails or gives a column that the row model does not have.
    """
    con = describing().cursor()
    shape = _any_shape(source)
    empty = pa.table(
        {n: pa.array([], pa.string()) for n in ("text", "original", "encoding", "cut")}
        | {"object": pa.array([], pa.int32()), "position": pa.array([], pa.int64())}
    )
    con.register("chunk", empty)
    con.register("objects", objects_table([]))
    where = source.folder / "normalize.sql"
    try:
        con.execute(f"CREATE OR REPLACE TEMP VIEW records AS {records_sql(source, shape, False)}")
        found = con.execute(f"DESCRIBE ({source.sql.rstrip().rstrip(';')})").fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{where}: {error}") from error
    finally:
        con.close()
    given = {name: kind for name, kind, *_ in found}
    wrong = [n for n in given if n not in source.targets]
    if wrong:
        raise SourceError(f"{where}: {wrong[0]!r} is no leaf of ecs.toml, no member of [native]")
    missing = {"record", "@timestamp"} - set(given)
    if source.identity == "id":
        missing |= {"identity"} - set(given)
    if missing:
        raise SourceError(f"{where}: gives no column {sorted(missing)[0]!r}")
    return given


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
    return _pruned_sets(source, set(_engine_values(source, outputs(source))), set())


def _pruned_sets(source: Source, used: set[str], also: set[str]) -> dict[str, Tree]:
    core = {*core_sets(), *also}
    return {
        name: prune(tree, used, name + ".")
        for name, tree in field_sets().items()
        if name in core or any(u == name or u.startswith(name + ".") for u in used)
    }


def table_columns(source: Source) -> dict[str, str]:
    """Column -> DuckDB type of a source's files, in the order of the row model, then the keys."""
    sets = {name: type_sql(tree) for name, tree in table_sets(source).items()}
    return {"@timestamp": "TIMESTAMPTZ", **sets, "native": type_sql(source.native), **PARTITION}


def view_columns(source: Source) -> dict[str, str]:
    """The same for the view: every set whole."""
    sets = {name: type_sql(field_sets()[name]) for name in table_sets(source)}
    return {"@timestamp": "TIMESTAMPTZ", **sets, "native": type_sql(source.native), **PARTITION}


def keyed_sql(source: Source, account: str | None) -> str:
    """What normalize.sql gives over `records`, with what the partition keys follow from: the
    record's own account and region, else the envelope's, else the key's, else `--account`."""
    given = outputs(source)
    own = _first(given, "n", "cloud.account.id", "n.record.wrap.account", "o.account")
    place = _first(given, "n", "cloud.region", "n.record.wrap.region", "o.region")
    hint = literal(account) if account else "NULL"
    return (
        f"SELECT n.*, CASE WHEN length({own}) = 12 THEN {own} "
        f"ELSE coalesce(o.account, {hint}, '') END AS who, coalesce({place}, '') AS place, "
        'n."@timestamp"::TIMESTAMPTZ::DATE AS day '
        f"FROM ({source.sql.rstrip().rstrip(';')}) n JOIN objects o ON n.record.object = o.number"
    )


def rows_sql(source: Source, found: Found) -> str:
    """The row model over `t`, `geo` and `agents`, with the leaves that the chunk fills; last
    `part`, the number of the row's partition."""
    every = outputs(source)
    given = {name: kind for name, kind in every.items() if name in found.present}
    values = _engine_values(source, given, found)
    types = {name: _TYPES.get(kind, kind) for name, kind in given.items()}
    columns = ['t."@timestamp"::TIMESTAMPTZ AS "@timestamp"']
    sets = _pruned_sets(source, set(values), set(table_sets(source)))
    for name, tree in sets.items():
        columns.append(f"{_pack(tree, name, values, types)} AS {quote(name)}")
    columns.append(f"{_native(source, given, types, found)} AS native, parts.number AS part")
    joins = [
        "JOIN objects o ON t.record.object = o.number",
        "JOIN parts USING (who, place, day)",
    ]
    for target in ADDRESSES:
        if target in given and not found.written_right:
            alias = _alias(target)
            joins.append(f"LEFT JOIN geo {alias} ON {alias}.text = t.{quote(target)}")
    if "user_agent.original" in given:
        joins.append('LEFT JOIN agents ua ON ua.text = t."user_agent.original"')
    return (
        f"SELECT {', '.join(columns)} FROM t {' '.join(joins)} "
        f"WHERE {reject_sql(every)} IS NULL AND t.record.accepted"
    )


def reject_sql(given: dict[str, str]) -> str:
    """Why a record of `t` becomes no row; NULL for a row."""
    own = "WHEN t.reject IS NOT NULL THEN t.reject " if "reject" in given else ""
    return (
        "CASE WHEN t.record.refuse IS NOT NULL THEN t.record.refuse "
        f"{own}"
        "WHEN t.\"@timestamp\" IS NULL THEN 'no valid time' "
        f'WHEN t."@timestamp" < TIMESTAMPTZ \'{EARLIEST}\' OR t."@timestamp" >= TIMESTAMPTZ '
        f"'{LATEST}' THEN 'time out of range' END"
    )


_TYPES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
"""DuckDB's long names of types -> those of ecs.toml."""


def _alias(target: str) -> str:
    return "g_" + target.replace(".", "_")


def _engine_values(
    source: Source, given: dict[str, str], found: Found | None = None
) -> dict[str, str]:
    """Leaf -> SQL expression, of what normalize.sql gives and what the engine adds. Without `found`
    everything that may occur."""
    values = {n: f"t.{quote(n)}" for n in given}
    plain = found is not None and found.written_right
    for target in ADDRESSES:
        if target in given and not plain:
            values[target] = f"{_alias(target)}.ip"
    for endpoint in LOCATED:
        if f"{endpoint}.ip" in given and not plain:
            alias = _alias(f"{endpoint}.ip")
            for part in ("geo", "as"):
                if not any(n.startswith(f"{endpoint}.{part}.") for n in given):
                    values[f"{endpoint}.{part}"] = f"{alias}.{quote(part)}"
    if "user_agent.original" in given:
        for leaf in ("name", "version"):
            values.setdefault(f"user_agent.{leaf}", f"ua.{leaf}")
        values["user_agent.os"], values["user_agent.device"] = "ua.os", "ua.device"
    wrap = "t.record.wrap"
    values["cloud.account.id"] = _first(
        given, "t", "cloud.account.id", f"{wrap}.account", "o.account"
    )
    values["cloud.region"] = _first(given, "t", "cloud.region", f"{wrap}.region", "o.region")
    values.setdefault("cloud.provider", "'aws'")
    values["event.dataset"] = literal(source.name)
    values.setdefault("event.module", literal(source.log_type))
    values["event.original"] = "t.record.original"
    values["event.hash"] = _identity(source)
    values["event.ingested"] = "$ingested"
    values["log.file.path"] = "o.path"
    values["log.offset"] = "t.record.position"
    if found is None or "record.encoding" in found.present:
        values["log.encoding"] = "t.record.encoding"
    if found is None or "record.wrap" in found.present:
        values["log.context"] = f"CASE WHEN {wrap} IS NOT NULL THEN to_json({wrap})::VARCHAR END"
    own = [values[n] for n in ADDRESSES if n in given]
    users = [values["user.name"]] if "user.name" in given else []
    for kind, singles in (("ip", own), ("user", users), ("hosts", []), ("hash", [])):
        extra = f't."related.{kind}"' if f"related.{kind}" in given else None
        if singles or extra:
            values[f"related.{kind}"] = _related(singles, extra)
    return values


def _first(given: dict[str, str], table: str, target: str, *others: str) -> str:
    own = [f"CAST({table}.{quote(target)} AS VARCHAR)"] if target in given else []
    return f"coalesce({', '.join([*own, *others])})"


def _related(singles: list[str], extra: str | None) -> str:
    """A sorted list without repeats and NULLs, or NULL; few values go without list functions."""
    if extra is None and not singles:
        return "NULL"
    if extra is None and len(singles) == 1:
        return f"CASE WHEN {singles[0]} IS NOT NULL THEN [{singles[0]}] END"
    if extra is None and len(singles) == 2:
        a, b = singles
        return (
            f"CASE WHEN {a} IS NULL THEN CASE WHEN {b} IS NOT NULL THEN [{b}] END "
            f"WHEN {b} IS NULL OR {a} = {b} THEN [{a}] "
            f"WHEN {a} < {b} THEN [{a}, {b}] ELSE [{b}, {a}] END"
        )
    parts = f"[{', '.join(singles)}]::VARCHAR[]"
    joined = f"list_sort(list_distinct(list_concat({parts}, {extra or '[]'})))"
    return f"CASE WHEN len({joined}) > 0 THEN {joined} END"


def _identity(source: Source) -> str:
    """63 bits of MD5 over what identifies the record. An object's line is told by the object's own
    63 bits of SHA-256 with the line's number in the low ones: no text is hashed a second time, and
    two objects of n lines meet by chance once in 2^63 / n."""
    if source.identity == "id":
        return _hash("coalesce(t.identity, t.record.original)")
    if source.identity == "unique-line":
        return _hash("t.record.original")
    windowed = _hash("o.base || ':' || t.record.position || ':' || t.record.original")
    return f"CASE WHEN o.whole THEN xor(o.base, t.record.position) ELSE {windowed} END"


def _hash(text: str) -> str:
    return f"(md5_number_lower({text}) >> 1)::BIGINT"


def _pack(tree: Tree, prefix: str, values: dict[str, str], types: dict[str, str]) -> str:
    """A struct_pack of a field set; NULL of its type where nothing fills it."""
    if not any(v == prefix or v.startswith(prefix + ".") for v in values):
        return f"NULL::{type_sql(tree)}"
    members = []
    for name, body in tree.items():
        path = f"{prefix}.{name}"
        if path in values:
            value = _cast(values[path], type_sql(body), types.get(path))
        elif isinstance(body, dict):
            value = _pack(body, path, values, types)
        else:
            value = f"NULL::{type_sql(body)}"
        members.append(f"{quote(name)} := {value}")
    return f"struct_pack({', '.join(members)})"


def _cast(value: str, to: str, given: str | None) -> str:
    return value if given == to else f"TRY_CAST({value} AS {to})"


def _native(source: Source, given: dict[str, str], types: dict[str, str], found: Found) -> str:
    own = {n: f"t.{quote(n)}" for n in given if n.startswith("native.")}
    if source.format == "json":
        members = {n for n in found.present if n.startswith("native.")}
        tree = prune(source.native, members | set(own), "native.")
        return _native_json(tree, "native", "t.record.r", own, types)
    return _pack(prune(source.native, set(own), "native."), "native", own, types)


def _native_json(
    tree: Tree, prefix: str, at: str, own: dict[str, str], types: dict[str, str]
) -> str:
    members = []
    for name, body in tree.items():
        path, below = f"{prefix}.{name}", f"{at}.{quote(name)}"
        if path in own:
            value = _cast(own[path], type_sql(body), types.get(path))
        elif isinstance(body, dict):
            value = _native_json(body, path, below, own, types)
        else:
            value = f"CAST({below} AS {type_sql(body)})"
        members.append(f"{quote(name)} := {value}")
    return f"struct_pack({', '.join(members)})"
