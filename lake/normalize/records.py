"""The relation `records` that a normalize.sql reads: a chunk of decoded records, cut into columns.

It decides how the shapes that decoding gives (JSON, lines, rows of Parquet) become the same columns
for a source; what the columns mean stands in `transforms/`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lake.decode.shapes import PLACE
from lake.decode.tokens import SEPARATOR
from lake.normalize.onepiece import one_piece
from lake.sources.fieldsets import Tree, literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lake.decode.shapes import Records, Shape
    from lake.normalize.engine import Engine
    from lake.sources.source import Delimited, Source

WRAP = ("account", "region", "time", "id", "log_group", "log_stream")
"""The members of a `Wrap`: what an envelope may say of a record."""


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is known of an object beside its records, for `log.*` and partition keys."""

    path: str
    key: str
    account: str | None
    region: str | None
    bucket: str | None = None
    """The bucket that the object lies in; None where it lies in none."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Records of one object (by its number) that wait for their chunk to fill. `base` is 63 bits of
    a hash of the content they lie in; with a record's position it is the record's identity."""

    object: int
    base: int
    records: Records


def chunk_schema() -> pa.Schema:
    """What every chunk has, and `cut` where fields of lines stand."""
    return pa.schema(
        [
            ("row", pa.int32()),
            ("text", pa.string()),
            ("key_path", pa.string()),
            ("cut", pa.string()),
        ]
    )


def chunk_table(parts: Sequence[Pending], facts: Sequence[ObjectFacts]) -> pa.Table:
    """Records of one shape, of several objects, as one Arrow table: `row` (their place in it, from
    0), `object` (its number), `base` (with the record's number at its place), `position`, `text`,
    `key_path`; `original` and `encoding` where some text is not what came, `cut`, `wrap_*` and
    `t_*` where the shape has them."""
    counts = [len(p.records) for p in parts]
    objects = np.repeat(np.array([p.object for p in parts], np.int32), counts)
    keys = pa.array([f.key for f in facts], pa.string())
    places = np.concatenate([p.records.position for p in parts])
    bases = np.repeat(np.array([p.base for p in parts], np.int64), counts)
    columns: dict[str, Any] = {
        "row": pa.array(np.arange(len(objects), dtype=np.int32)),
        "object": pa.array(objects),
        "base": pa.array(bases ^ places & ~PLACE),
        "position": pa.array(places & PLACE),
        "text": pa.chunked_array(_texts(parts), pa.string()),
        "key_path": pa.DictionaryArray.from_arrays(pa.array(objects), keys),
    }
    for name in ("original", "encoding", "cut"):
        arrays = [(getattr(p.records, name), n) for p, n in zip(parts, counts, strict=True)]
        if any(array is not None for array, _ in arrays):
            columns[name] = _column(arrays)
    if any(p.records.wraps for p in parts):
        for name in WRAP:
            columns[f"wrap_{name}"] = _column(
                [
                    (pa.array([getattr(w, name) for w in wraps], pa.string()) if wraps else None, n)
                    for wraps, n in ((p.records.wraps, len(p.records)) for p in parts)
                ]
            )
    tables = [p.records.table for p in parts if p.records.table is not None]
    if tables:
        rows = pa.concat_tables(tables, promote_options="permissive")
        columns |= {f"t_{name}": rows[name] for name in rows.column_names}
    # in one piece: DuckDB takes a vector from each, though an object may have twenty records
    return pa.table(columns).combine_chunks()


def rows_as_text(engine: Engine, shape: Shape, chunk: pa.Table) -> pa.Table:
    """The chunk of a table's rows with each row as JSON for its text."""
    row = ", ".join(f"{quote(n)} := {quote('t_' + n)}" for n, _ in shape.columns)
    texts = engine.run(f"SELECT to_json(struct_pack({row}))::VARCHAR AS text FROM chunk", chunk)
    return chunk.set_column(chunk.column_names.index("text"), "text", texts["text"])


def wraps_as_text(engine: Engine, chunk: pa.Table) -> pa.Array:
    """Each record's envelope as JSON; NULL where there was none."""
    names = [f"wrap_{n}" for n in WRAP]
    members = ", ".join(f"{n} := wrap_{n}" for n in WRAP)
    query = (
        f"SELECT CASE WHEN coalesce({', '.join(names)}) IS NOT NULL "
        f"THEN to_json(struct_pack({members}))::VARCHAR END AS context FROM chunk"
    )
    return one_piece(engine.run(query, chunk.select(names))["context"])


def _texts(parts: Sequence[Pending]) -> Iterator[pa.Array]:
    """The texts of all parts, in order; one array of those lists that follow each other."""
    for listed, some in groupby((p.records.text for p in parts), lambda t: isinstance(t, list)):
        if listed:
            yield pa.array(list(chain.from_iterable(some)), pa.string())
        else:
            yield from some


def _column(parts: list[tuple[pa.Array | None, int]]) -> pa.ChunkedArray:
    return pa.chunked_array(
        [a if a is not None else pa.nulls(n, pa.string()) for a, n in parts], pa.string()
    )


def records_sql(
    source: Source, shape: Shape, wrapped: bool, derived: bool = False, json_text: str = "text"
) -> str:
    """The relation `records` that a normalize.sql reads, over `chunk`: a row each, in its order.
    `derived` where the chunk has texts that are not what came; `json_text` is what is parsed."""
    wrap = (
        "struct_pack(" + ", ".join(f"{n} := wrap_{n}" for n in WRAP) + ")"
        if wrapped
        else "NULL::STRUCT(" + ", ".join(f"{n} VARCHAR" for n in WRAP) + ")"
    )
    original = "coalesce(original, text)" if derived else "text"
    common = f"struct_pack(row := row, text := {original}, wrap := wrap"
    base = f"SELECT *, {wrap} AS wrap FROM chunk"
    if source.format == "json":
        schema = literal(json.dumps(_json_schema(source.native)))
        # TRY: a text that is no JSON costs itself only, and nothing where there is none
        parsed = f"SELECT *, TRY(from_json({json_text}, {schema})) AS r FROM ({base})"
        accepts = f"coalesce({source.accepts}, false)" if source.accepts else "true"
        refuse = "CASE WHEN r IS NULL OR ltrim(text)[1] <> '{' THEN 'no JSON object' END"
        return (
            f"SELECT {common}, r := r, refuse := {refuse}, accepted := {accepts}) AS record, "
            f"r, text, key_path, wrap FROM ({parsed})"
        )
    delimited = source.lines
    cells = _CELLS[shape.kind](delimited, shape, base)
    nulls = ", ".join(literal(n) for n in (*delimited.nulls, ""))
    columns = ", ".join(
        f"CASE WHEN {cells.at[c]} NOT IN ({nulls}) THEN {cells.at[c]} END AS {quote(c)}"
        if c in cells.at
        else f"NULL::VARCHAR AS {quote(c)}"
        for c in (*delimited.columns, *delimited.by_name)
    )
    whole = f", cells := {cells.whole}" if delimited.typed and cells.whole else ""
    return (
        f"SELECT {common}, refuse := {cells.refuse}, accepted := true{whole}) AS record, "
        f"{columns}, text, key_path, wrap FROM ({cells.relation})"
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of a delimited source as SQL: the relation that has them, each column's
    expression there (`at`), and why a row is refused (NULL where it is not)."""

    relation: str
    at: dict[str, str]
    refuse: str = "NULL::VARCHAR"
    whole: str | None = None
    """The column that has them all."""


def _fields(delimited: Delimited, shape: Shape, base: str) -> _Cells:
    """Lines cut at a separator."""
    cut = "cut" if shape.separator == SEPARATOR else "text"
    # a line may end in a delimiter: one empty field too many is none
    wrong = (
        f"len(f) <> {shape.width} AND NOT (len(f) = {shape.width + 1} AND f[-1] = '')"
        if shape.width
        else f"len(f) < {shape.least}"
    )
    due = f"{shape.width}" if shape.width else f"at least {shape.least}"
    return _Cells(
        f"SELECT *, string_split({cut}, {literal(shape.separator)}) AS f FROM ({base})",
        {c: f"f[{int(place)}]" for place, c in shape.columns},
        f"CASE WHEN {cut} IS NULL THEN 'quotes do not pair' "
        f"WHEN {wrong} THEN len(f) || ' fields, expected {due}' END",
        whole="f",
    )


def _members(delimited: Delimited, shape: Shape, base: str) -> _Cells:
    """JSON objects with a member for each column."""
    # from_json takes no empty STRUCT; a source that was asked for may know no member
    names = [m for m, _ in shape.columns] or [delimited.columns[0]]
    schema = literal(json.dumps(dict.fromkeys(names, "VARCHAR")))
    values = ", ".join(f"m.{quote(m)}" for m in names)
    return _Cells(
        f"SELECT *, TRY(from_json(text, {schema})) AS m FROM ({base})",
        {c: f"m.{quote(m)}" for m, c in shape.columns},
        "CASE WHEN m IS NULL OR ltrim(text)[1] <> '{' THEN 'no JSON object' "
        f"WHEN coalesce({values}) IS NULL THEN 'no field of {shape.source} in it' END",
        whole="m",
    )


def _table(delimited: Delimited, shape: Shape, base: str) -> _Cells:
    """Columns of Parquet."""
    return _Cells(base, {c: _cell(quote("t_" + n)) for n, c in shape.columns})


def cells_of(shape: Shape) -> dict[str, str]:
    """Each column's text as SQL over `record`, where the shape has it as text."""
    if shape.kind == "fields":
        return {c: f"record.cells[{int(place)}]" for place, c in shape.columns}
    return {c: f"record.cells.{quote(m)}" for m, c in shape.columns if shape.kind == "members"}


_CELLS = {"fields": _fields, "members": _members, "table": _table}


def _cell(column: str) -> str:
    """A Parquet column as text; 443.0 is 443, since writers with NULLs in a column of whole numbers
    (pandas) make it one of floats."""
    text = f"CAST({column} AS VARCHAR)"
    whole = f"regexp_replace({text}, '\\.0$', '')"
    return f"CASE WHEN typeof({column}) IN ('DOUBLE', 'FLOAT') THEN {whole} ELSE {text} END"


def _json_schema(tree: Tree) -> dict[str, object]:
    return {n: _json_schema(b) if isinstance(b, dict) else b for n, b in tree.items()}
