"""The relation `records` that a normalize.sql reads: a chunk of decoded records, cut into columns.

It decides how the shapes that decoding gives (JSON, lines, rows of Parquet) become the same columns
for a source; what the columns mean stands in `transforms/`. A chunk lives in a private DuckDB in
memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.fieldsets import Tree, literal, quote
from lake.paths import resource
from lake.tokens import SEPARATOR

if TYPE_CHECKING:
    from lake.decode import Records, Shape
    from lake.sources import Source

WRAP = ("account", "region", "time", "id", "log_group", "log_stream")
"""What an envelope may say of a record."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What the engine knows of an object beside its records: for `log.*` and partition keys."""

    path: str
    key: str
    salt: str
    whole: bool
    account: str | None
    region: str | None


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
    con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
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
        for name in WRAP:
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


def records_sql(source: Source, shape: Shape, wrapped: bool, json_text: str = "text") -> str:
    """The relation `records` that a normalize.sql reads, over `chunk` and `objects`. `json_text` is
    the column that is parsed."""
    wrap = (
        "struct_pack(" + ", ".join(f"{n} := wrap_{n}" for n in WRAP) + ")"
        if wrapped
        else "NULL::STRUCT(" + ", ".join(f"{n} VARCHAR" for n in WRAP) + ")"
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
        packed = f"to_json(struct_pack({row}))::VARCHAR"
        inner = f"SELECT * REPLACE ({packed} AS text, {packed} AS original) FROM ({base})"
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


def objects_table(facts: list[ObjectFacts]) -> pa.Table:
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
