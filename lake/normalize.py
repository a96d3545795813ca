"""Records -> rows: runs a source's `normalize.sql` over a chunk and builds the row model from what
it gives.

The engine's part is the same for every source: identity, original, envelope, GeoIP and user agent
on distinct values, partition keys, and the reason of each reject. The meaning of a record stands in
`transforms/`. One chunk at a time lives in a private in-memory DuckDB.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.decode import Records, Shape
from lake.errors import SourceError
from lake.fieldsets import (
    PARTITION,
    Tree,
    core_sets,
    field_sets,
    leaves,
    literal,
    prune,
    quote,
    type_sql,
)
from lake.paths import resource
from lake.sources import Source, catalogue
from lake.spelling import respelled
from lake.tokens import SEPARATOR

if TYPE_CHECKING:
    from lake.enrich.geoip import GeoIP

ADDRESSES = ("source.ip", "destination.ip", "client.ip", "source.nat.ip", "destination.nat.ip")
LOCATED = ("source", "destination", "client")
ACCOUNT = r"[0-9]{12}"
REGION = r"[a-z][a-z0-9]{1,9}(-[a-z0-9]{1,12}){1,4}-[0-9]{1,2}[a-z]?|global"
EARLIEST, LATEST = "1970-01-02", "2262-01-01"
"""A time outside is none that a log can bear; the rows' reject says so."""

_WRAP = ("account", "region", "time", "id", "log_group", "log_stream")


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the engine knows of an object beside its records: for `log.*` and partition keys."""

    path: str
    key: str
    salt: str
    whole: bool
    account: str | None
    region: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of a chunk that became no row."""

    object: int
    position: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows of a chunk that share account, region and day: `who` and `place` as the records say it,
    `account` and `region` what may stand in a path."""

    number: int
    who: str
    place: str
    date: str
    rows: int
    first: datetime
    last: datetime

    @property
    def account(self) -> str:
        return self.who if re.fullmatch(ACCOUNT, self.who) else "unknown"

    @property
    def region(self) -> str:
        return self.place if re.fullmatch(REGION, self.place) else "unknown"

    def stats(self) -> str:
        """The file's statistics as Delta keeps them."""
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": {"@timestamp": _delta_time(self.first)},
                "maxValues": {"@timestamp": _delta_time(self.last)},
                "nullCount": {"@timestamp": 0},
            }
        )


def _delta_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def connect(memory: int, threads: int = 1, temp: str | None = None) -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB with the transform macros. `memory` in bytes."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{max(memory >> 20, 128)}MiB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
    }
    if temp:
        config["temp_directory"] = temp
    con = duckdb.connect(config=config)
    con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    con.execute((resource("sql") / "macros" / "transform.sql").read_text("utf-8"))
    return con


def chunk_table(parts: list[tuple[int, Records]]) -> pa.Table:
    """Records of one shape, of several objects (by number), as one Arrow table."""
    objects = pa.concat_arrays(
        [
            pa.array([number], pa.int32()).take(pa.array([0] * len(r), pa.int32()))
            for number, r in parts
        ]
    )
    columns = {
        "object": objects,
        "position": pa.concat_arrays([pa.array(r.position) for _, r in parts]),
        "text": _column([(r.text, len(r)) for _, r in parts]),
        "original": _column([(r.original, len(r)) for _, r in parts]),
        "encoding": _column([(r.encoding, len(r)) for _, r in parts]),
    }
    if any(r.wraps for _, r in parts):
        for name in _WRAP:
            columns[f"wrap_{name}"] = _column(
                [
                    (pa.array([getattr(w, name) for w in r.wraps], pa.string()), len(r))
                    if r.wraps
                    else (None, len(r))
                    for _, r in parts
                ]
            )
    if parts[0][1].cut is not None:
        columns["cut"] = _column([(r.cut, len(r)) for _, r in parts])
    table = pa.table(columns)
    if parts[0][1].table is not None:
        rows = pa.concat_tables([r.table for _, r in parts], promote_options="permissive")
        for name in rows.column_names:
            table = table.append_column(f"t_{name}", rows[name])
    return table


def _column(parts: list[tuple[pa.Array | None, int]]) -> pa.Array | pa.ChunkedArray:
    return pa.chunked_array(
        [a if a is not None else pa.nulls(n, pa.string()) for a, n in parts], pa.string()
    )


# -- the SQL of a source -----------------------------------------------------------------------


def records_sql(source: Source, shape: Shape, wrapped: bool, json_text: str = "text") -> str:
    """The relation `records` that a normalize.sql reads, over `chunk` and `objects`. `json_text` is
    the column that is parsed."""
    wrap = (
        "struct_pack(" + ", ".join(f"{n} := wrap_{n}" for n in _WRAP) + ")"
        if wrapped
        else "NULL::STRUCT(" + ", ".join(f"{n} VARCHAR" for n in _WRAP) + ")"
    )
    # `original` is what came; `text`, where it is not the same, what was read from it
    common = (
        "struct_pack(object := object, position := position, "
        "text := CASE WHEN derived THEN text END, original := original, encoding := encoding, "
        "wrap := wrap"
    )
    base = (
        "SELECT c.* REPLACE (coalesce(c.original, c.text) AS original), c.original IS NOT NULL "
        f"AS derived, {wrap} AS wrap, o.key AS key_path "
        "FROM chunk c JOIN objects o ON c.object = o.number"
    )
    if shape.kind == "json":
        schema = literal(json.dumps(_json_schema(source.native)))
        parsed = f"SELECT *, from_json({json_text}, {schema}) AS r FROM ({base})"
        accepts = f"coalesce({source.accepts}, false)" if source.accepts else "true"
        refuse = "CASE WHEN r IS NULL OR ltrim(text)[1] <> '{' THEN 'no JSON object' END"
        return (
            f"SELECT {common}, r := r, refuse := {refuse}, accepted := {accepts}) AS record, "
            f"r, text, key_path, wrap FROM ({parsed})"
        )
    given = source.delimited
    assert given is not None  # noqa: S101
    refuse, inner, at = "NULL::VARCHAR", base, dict[str, str]()
    if shape.kind == "fields":
        cut = "cut" if shape.separator == SEPARATOR else "text"
        inner = f"SELECT *, string_split({cut}, {literal(shape.separator)}) AS f FROM ({base})"
        at = {c: f"f[{int(place)}]" for place, c in shape.columns}
        # a line may end in a delimiter: one empty field too many is none
        wrong = (
            f"len(f) <> {shape.width} AND NOT (len(f) = {shape.width + 1} AND f[-1] = '')"
            if shape.width
            else f"len(f) < {shape.least}"
        )
        due = f"{shape.width}" if shape.width else f"at least {shape.least}"
        refuse = (
            f"CASE WHEN {cut} IS NULL THEN 'quotes do not pair' "
            f"WHEN {wrong} THEN len(f) || ' fields, expected {due}' END"
        )
    elif shape.kind == "members":
        names = {m: "VARCHAR" for m, _ in shape.columns}
        schema = literal(json.dumps(names))
        inner = f"SELECT *, from_json(text, {schema}) AS m FROM ({base})"
        at = {c: f"m.{quote(m)}" for m, c in shape.columns}
        refuse = "CASE WHEN m IS NULL OR ltrim(text)[1] <> '{' THEN 'no JSON object' END"
    else:
        row = ", ".join(f"{quote(n)} := {quote('t_' + n)}" for n in _table_names(shape))
        inner = f"SELECT * REPLACE (to_json(struct_pack({row}))::VARCHAR AS text, to_json(struct_pack({row}))::VARCHAR AS original) FROM ({base})"
        at = {c: _cell(quote("t_" + n)) for n, c in shape.columns}
    nulls = ", ".join(literal(n) for n in (*given.nulls, ""))
    columns = ", ".join(
        f"CASE WHEN {at[c]} NOT IN ({nulls}) THEN {at[c]} END AS {quote(c)}"
        if c in at
        else f"NULL::VARCHAR AS {quote(c)}"
        for c in given.columns
    )
    return (
        f"SELECT {common}, refuse := {refuse}, accepted := true) AS record, {columns}, text, "
        f"key_path, wrap FROM ({inner})"
    )


def _cell(column: str) -> str:
    """A Parquet column as text; 443.0 is 443, since writers with NULLs in a column of whole numbers
    (pandas) make it one of floats."""
    text = f"CAST({column} AS VARCHAR)"
    whole = f"regexp_replace({text}, '\\.0$', '')"
    return f"CASE WHEN typeof({column}) IN ('DOUBLE', 'FLOAT') THEN {whole} ELSE {text} END"


def _table_names(shape: Shape) -> list[str]:
    return [n for n, _ in shape.columns]


def _json_schema(tree: Tree) -> dict[str, object]:
    return {n: _json_schema(b) if isinstance(b, dict) else b for n, b in tree.items()}


@cache
def outputs(source: Source) -> dict[str, str]:
    """The columns that a source's normalize.sql gives -> the type DuckDB finds for each.

    Raises SourceError where the SELECT fails or gives a column that the row model does not have.
    """
    con = connect(256 << 20)
    shape = _any_shape(source)
    empty = pa.table(
        {n: pa.array([], pa.string()) for n in ("text", "original", "encoding", "cut")}
        | {"object": pa.array([], pa.int32()), "position": pa.array([], pa.int64())}
    )
    con.register("chunk", empty)
    con.register("objects", _objects_table([]))
    where = source.folder / "normalize.sql"
    try:
        con.execute(f"CREATE TEMP VIEW records AS {records_sql(source, shape, False)}")
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


def _objects_table(facts: list[ObjectFacts]) -> pa.Table:
    return pa.table(
        {
            "number": pa.array(range(len(facts)), pa.int32()),
            "path": pa.array([f.path for f in facts], pa.string()),
            "key": pa.array([f.key for f in facts], pa.string()),
            "base": pa.array([int(f.salt[:16] or "0", 16) >> 1 for f in facts], pa.int64()),
            "whole": pa.array([f.whole for f in facts], pa.bool_()),
            "account": pa.array([f.account for f in facts], pa.string()),
            "region": pa.array([f.region for f in facts], pa.string()),
        }
    )


# -- a chunk -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a chunk turned out to hold. `present`: the columns of `t` and the native members that
    are not all NULL; a leaf that is stays out of the file, since writing it costs 14 ns a row.
    `written_right`: every address is in RFC 5952 form and there is no GeoIP to join."""

    present: frozenset[str]
    written_right: bool = False


@dataclass(slots=True)
class Chunk:
    """Records of one shape and several objects, ready to be normalised in `con`."""

    con: duckdb.DuckDBPyConnection
    source: Source
    shape: Shape
    facts: list[ObjectFacts]
    geoip: GeoIP
    account: str | None = None
    found: Found = field(default_factory=lambda: Found(frozenset()))

    def load(self, table: pa.Table) -> list[Rejected]:
        """Normalise the records into the temporary table `t` and enrich. Gives the records on
        which the SELECT itself failed; all others are in `t`."""
        outputs(self.source)
        self.con.register("objects", _objects_table(self.facts))
        self.con.execute("DROP TABLE IF EXISTS t")
        failed: list[Rejected] = []
        if self.source.keys == "camel":
            texts = respelled(table["text"], self.source)
            table = table if texts is None else table.append_column("respelled", texts)
        self._normalise(table, failed)
        self.found = Found(self._present(), self._enrich())
        return failed

    def _present(self) -> frozenset[str]:
        counted = {n: f"t.{quote(n)}" for n in outputs(self.source) if n != "record"}
        counted |= {
            "record.encoding": "t.record.encoding",
            "record.wrap": f"coalesce({', '.join(f't.record.wrap.{n}' for n in _WRAP)})",
        }
        if self.source.format == "json":
            for leaf in leaves(self.source.native):
                at = ".".join(quote(part) for part in leaf.name.split("."))
                counted.setdefault(f"native.{leaf.name}", f"t.record.r.{at}")
        counts = self.con.execute(
            f"SELECT {', '.join(f'count({at})' for at in counted.values())} FROM t"
        ).fetchall()[0]
        return frozenset(n for n, count in zip(counted, counts, strict=True) if count)

    def _normalise(self, table: pa.Table, failed: list[Rejected]) -> None:
        """Run normalize.sql; where it raises, halve the records until the one is found."""
        self.con.register("chunk", table)
        wrapped = "wrap_account" in table.column_names
        json_text = "respelled" if "respelled" in table.column_names else "text"
        exists = self.con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'"
        ).fetchall()[0][0]
        into = "INSERT INTO t" if exists else "CREATE TEMP TABLE t AS"
        try:
            self.con.execute(
                f"CREATE OR REPLACE TEMP VIEW records AS {records_sql(self.source, self.shape, wrapped, json_text)}"
            )
            self.con.execute(f"{into} {keyed_sql(self.source, self.account)}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if len(table) > 1:
                half = len(table) // 2
                self._normalise(table.slice(0, half), failed)
                self._normalise(table.slice(half), failed)
                return
            if len(table) == 1:
                row = table.slice(0, 1).to_pylist()[0]
                failed.append(
                    Rejected(row["object"], row["position"], _reason(error), row["text"] or "")
                )
            if into.startswith("CREATE"):
                self._normalise(table.slice(0, 0), failed)

    def _enrich(self) -> bool:
        """Look up addresses and user agents; whether the addresses can stand as they are."""
        plain = False
        given = outputs(self.source)
        targets = [n for n in ADDRESSES if n in given]
        if targets:
            union = " UNION ".join(f"SELECT {quote(n)} AS text FROM t" for n in targets)
            texts = (
                self.con.sql(f"SELECT DISTINCT text FROM ({union}) WHERE text IS NOT NULL")
                .to_arrow_table()["text"]
                .combine_chunks()
            )
            geo = self.geoip.lookup(texts)
            self.con.register("geo", geo)
            plain = self.geoip.builds is None and geo["ip"].equals(geo["text"])
        if "user_agent.original" in given:
            from lake.enrich.useragent import parse

            agents = self.con.execute(
                'SELECT DISTINCT "user_agent.original" FROM t '
                'WHERE "user_agent.original" IS NOT NULL'
            ).fetchall()
            self.con.register("agents", parse([a for (a,) in agents]))
        return plain

    def rejected(self) -> list[Rejected]:
        """The records of `t` that became no row, with the reason."""
        why = reject_sql(outputs(self.source))
        found = self.con.execute(
            f"SELECT t.record.object, t.record.position, {why}, coalesce(t.record.text, t.record.original) FROM t "
            f"WHERE {why} IS NOT NULL AND t.record.accepted"
        ).fetchall()
        return [Rejected(*row) for row in found]

    def strangers(self) -> list[Rejected]:
        """The records of `t` that the source does not accept; somebody else's, perhaps."""
        if self.source.accepts is None or self.shape.kind != "json":
            return []
        found = self.con.execute(
            "SELECT t.record.object, t.record.position, "
            f"{literal('no record of ' + self.source.name)}, "
            "coalesce(t.record.text, t.record.original) FROM t "
            "WHERE NOT t.record.accepted"
        ).fetchall()
        return [Rejected(*row) for row in found]

    def rows(self) -> str:
        """The SELECT that gives the rows; takes the parameter `$ingested`."""
        return rows_sql(self.source, self.found)

    def partitions(self) -> list[Partition]:
        """The partitions of the rows in `t`, by their number. Account and region are checked here,
        once for each that occurs, so that no text of a record becomes a path."""
        why = reject_sql(outputs(self.source))
        found = self.con.execute(
            'SELECT who, place, day::VARCHAR, count(*), min("@timestamp"), max("@timestamp") '
            f"FROM t WHERE {why} IS NULL AND t.record.accepted GROUP BY who, place, day ORDER BY ALL"
        ).fetchall()
        parts = [Partition(number, *row) for number, row in enumerate(found)]
        self.con.register(
            "parts",
            pa.table(
                {
                    "number": pa.array([p.number for p in parts], pa.int32()),
                    "who": pa.array([p.who for p in parts], pa.string()),
                    "place": pa.array([p.place for p in parts], pa.string()),
                    "day": pa.array([date.fromisoformat(p.date) for p in parts], pa.date32()),
                }
            ),
        )
        return parts

    def rows_by_object(self) -> list[tuple[int, int]]:
        """Number of rows of each object in `t`, by the object's number."""
        why = reject_sql(outputs(self.source))
        return self.con.execute(
            f"SELECT t.record.object, count(*) FROM t WHERE {why} IS NULL "
            "AND t.record.accepted GROUP BY ALL"
        ).fetchall()


def _reason(error: duckdb.Error) -> str:
    first = str(error).split("\n")[0]
    return f"cannot be normalised: {first[:300]}"


def check_sources() -> None:
    """Load and check every source; raises SourceError for the first that is wrong."""
    for source in catalogue().sources.values():
        outputs(source)
