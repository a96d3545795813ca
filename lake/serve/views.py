"""The views over a snapshot: one a table, `events` over all, those of the ledger, and what stands
on these: the last versions of a source's records, and `sql/views.sql`.

Each is one `read_parquet` over the committed list of files, headed by an empty file that has the
whole type of every field set; so an empty table has its columns, and a file that lacks a leaf
gives NULL. `schema=` and `union_by_name` are not used: the one gives wrong values in DuckDB 2.0.0,
the other reads every footer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.paths import resource
from lake.serve.accounts import names_view
from lake.serve.queries import read_blocks
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION, literal, path_sql, quote, type_sql
from lake.sources.rowmodel import EVENTS, arrow_type, columns_of, tables_of
from lake.store.growth import Lacking
from lake.store.heads import head_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source
    from lake.store.snapshot import DataFile, Snapshot
    from lake.store.table import Store

HIVE = (
    "hive_partitioning = true, hive_types = {"
    + ", ".join(f"'{name}': {kind}" for name, kind in PARTITION.items())
    + "}"
)
LEDGER = {
    "objects": (
        "object",
        "path, bucket, key, etag, size, sha256, source, status, records, rows, duplicates, "
        "rejects, reason, read_at, superseded, root, modified, context, unknown_members, "
        "lossy_members, geoip, batch, ingested, transform, content_hash AS content_sha256",
    ),
    "rejects": ("reject", "source, path, position, reason, text, batch"),
    "duplicates": ("duplicate", "source, hash, path, position, batch, also, text, reason"),
    "forgotten": ("forgotten", 'source, path, "rows", batch'),
    "export_rejects": (
        "export_reject",
        'source, hash, path, position, reason, "text" AS "index", root AS target, '
        "read_at AS sent_at, batch",
    ),
    "batches": (
        "batch",
        "batch, read_at AS committed_at, context ->> '$.did' AS did, version AS program",
    ),
}


_BATCH = "TRY_CAST(split_part(parse_filename(filename), '-', 1) AS BIGINT)"


@dataclass(frozen=True, slots=True)
class View:
    """A view, or a type that views name: the statement that makes it, and the files that it reads,
    with the empty head."""

    sql: str
    files: tuple[str, ...] = ()


def macros() -> str:
    """The SQL of the analysts' macros."""
    return (resource("sql") / "macros" / "analyst.sql").read_text("utf-8")


def data_files(store: Store, snapshot: Snapshot) -> dict[str, list[DataFile]]:
    """Each source's files in a snapshot."""
    return {name: store.files(name, snapshot) for name in catalogue().sources}


def views(store: Store, snapshot: Snapshot, held: Mapping[str, Sequence[DataFile]]) -> list[View]:
    """The views of a snapshot, over the files that it holds, each after what it names. Makes the
    empty head files where they lack."""
    known = catalogue()
    files = {name: [file.path for file in held[name]] for name in known.sources}
    rows = {name: sum(file.rows for file in held[name]) for name in known.sources}
    lacking = {name: store.lacking(name, snapshot, paths) for name, paths in files.items() if paths}
    shown = {view: tables_of(view) for view in (*known.sources, EVENTS, *known.families)}
    found = []
    types: dict[str, str] = {}
    for view, names in shown.items():
        lacks = Lacking()
        for name in names:
            lacks |= lacking.get(name, Lacking())
        paths = [path for name in names for path in files[name]]
        if paths:
            told = sum(rows[name] for name in names)
            found.append(_view(store, view, columns_of(view), paths, lacks, told))
        else:
            found.append(_empty(view, types))
    found += ledger_views(store, snapshot)
    found += [_latest(view, source) for view, source in known.latest.items()]
    found.append(View(names_view(store.path)))
    for name, block in read_blocks(resource("sql") / "views.sql").items():
        found.append(View(f"CREATE OR REPLACE VIEW {quote(name)} AS {block.sql}"))
    return [View(f"CREATE TYPE {name} AS {sql}") for sql, name in types.items()] + found


def ledger_views(store: Store, snapshot: Snapshot) -> list[View]:
    """Those over `_lake`."""
    return [_ledger_view(store, snapshot, name, *given) for name, given in LEDGER.items()]


def table_view(store: Store, snapshot: Snapshot, table: str, files: list[str]) -> View:
    """The view of a table over some of its files."""
    lacking = store.lacking(table, snapshot, files)
    return _view(store, table, columns_of(table), files, lacking)


def _view(
    store: Store,
    name: str,
    columns: dict[str, str | Tree],
    files: list[str],
    lacking: Lacking,
    rows: int | None = None,
) -> View:
    """A view over files that hold so many rows. DuckDB takes the first file, which is empty, for
    one like the others, and would put the larger side of every join into memory.

    Where files lack columns, DuckDB must look at each (`union_by_name`). Where they lack a STRUCT
    within a column, DuckDB 2.0.0 ends with an internal error when it reads a leaf of that STRUCT
    alone; the CASE makes it read the whole column.
    """
    files = [_head(store, name, columns), *files]
    listed = ", ".join(map(literal, files))
    chosen, union = "*", ""
    if lacking.columns & columns.keys():
        chosen, union = ", ".join(map(quote, columns)), ", union_by_name = true"
    told = f", explicit_cardinality = {rows}" if rows else ""
    body = f"SELECT {chosen} FROM read_parquet([{listed}], {HIVE}{union}{told})"
    whole = [quote(n) for n in columns if n in lacking.structs]
    if whole:
        cases = (f'CASE WHEN "@timestamp" IS NOT NULL THEN {n} END AS {n}' for n in whole)
        body = f"SELECT * REPLACE ({', '.join(cases)}) FROM ({body})"
    return View(f"CREATE OR REPLACE VIEW {quote(name)} AS {body}", tuple(files))


@cache
def _kinds(view: str) -> dict[str, str]:
    """The SQL types of a view's columns."""
    return {column: type_sql(body) for column, body in columns_of(view).items()}


def _empty(name: str, types: dict[str, str]) -> View:
    """A view over no file, since making one costs 10 ms. Its STRUCTs go into `types`, by their SQL:
    most are those of other tables too, and reading their SQL for each took half of the time of
    opening a lake."""
    nulls = []
    for column, kind in _kinds(name).items():
        if kind.startswith("STRUCT"):
            kind = types.setdefault(kind, f"lake_struct_{len(types)}")
        nulls.append(f"NULL::{kind} AS {quote(column)}")
    return View(f"CREATE OR REPLACE VIEW {quote(name)} AS SELECT {', '.join(nulls)} WHERE false")


def _ledger_view(store: Store, snapshot: Snapshot, name: str, kind: str, columns: str) -> View:
    """A view over rows of `_lake`. A reading supersedes the ones before it; one that failed, only
    such as failed too: what the object holds, it could not tell."""
    told = "*"
    if kind == "object":
        told += (
            ", batch < CASE WHEN status = 'failed' THEN max(batch) OVER (PARTITION BY root, key) "
            "ELSE max(batch) FILTER (WHERE status <> 'failed') OVER (PARTITION BY root, key) END "
            "AS superseded"
        )
    elif kind == "reject":  # staged before their batch had a number, which only the file's name has
        told = f"* REPLACE (coalesce(batch, {_BATCH}) AS batch)"
    return View(
        f"CREATE OR REPLACE VIEW {name} AS SELECT {columns} FROM "
        f"(SELECT {told} FROM {store.ledger_sql(kind, snapshot)})",
        tuple(store.headed_ledger_files(kind, snapshot)),
    )


def _latest(name: str, source: Source) -> View:
    """The view of each thing's last version: a join by identity, through which DuckDB reads the
    leaves that a query names and no whole STRUCT."""
    of, by = source.latest
    order = ", ".join(f"{path_sql(leaf)} DESC NULLS LAST" for leaf in (*by, "event.hash"))
    return View(
        f"CREATE OR REPLACE VIEW {quote(name)} AS SELECT * FROM {quote(source.name)} "
        "WHERE event.hash IN (SELECT hash FROM (SELECT event.hash AS hash, row_number() OVER "
        f"(PARTITION BY {', '.join(map(path_sql, of))} ORDER BY {order}) AS nth "
        f"FROM {quote(source.name)}) WHERE nth = 1)"
    )


def view_head(store: Store, table: str) -> str:
    """The empty file with every leaf of a source's table, which heads lists of its files that may
    lack some."""
    return _head(store, table, columns_of(table))


def _head(store: Store, name: str, columns: dict[str, str | Tree]) -> str:
    """An empty Parquet file with these columns, its path shaped like a partition's."""
    version = hashlib.sha256(repr(columns).encode()).hexdigest()[:12]
    place = f"{name}-{version}/account=unknown/region=unknown/date=1970-01-01/head.parquet"
    types = ((n, arrow_type(body)) for n, body in columns.items() if n not in PARTITION)
    return head_file(store.path, place, lambda: pa.schema(types))
