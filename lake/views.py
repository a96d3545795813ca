"""The views over a snapshot: one a table, `events` over all, and those of the ledger.

Each is one `read_parquet` over the committed list of files, headed by an empty file that has the
whole type of every field set; so an empty table has its columns, and a file that lacks a leaf
gives NULL. `schema=` and `union_by_name` are not used: the one gives wrong values in DuckDB 2.0.0,
the other reads every footer.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lake.fieldsets import PARTITION, literal, quote, type_sql
from lake.ledger import SCHEMA
from lake.paths import resource
from lake.rowmodel import EVENTS, arrow_type, columns_of
from lake.sources import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from lake.fieldsets import Tree
    from lake.table import Snapshot, Store

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
        "lossy_members, geoip, batch",
    ),
    "rejects": ("reject", "source, path, position, reason, text"),
    "duplicates": ("duplicate", "source, hash, path, position, batch"),
    "forgotten": ("forgotten", 'source, path, "rows", batch'),
}


def macros() -> str:
    """The SQL of the analysts' macros."""
    return (resource("sql") / "macros" / "analyst.sql").read_text("utf-8")


def view_statements(store: Store, snapshot: Snapshot) -> list[str]:
    """The CREATE VIEW statements of a snapshot. Makes the empty head files where they lack."""
    known = catalogue()
    files = {name: [file.path for file in store.files(name, snapshot)] for name in known.sources}
    shown = {name: [name] for name in known.sources} | {EVENTS: list(known.sources)}
    shown |= {family: sorted(names) for family, names in known.families.items()}
    statements = [
        _view(store.path, view, columns_of(view), [path for name in names for path in files[name]])
        for view, names in shown.items()
    ]
    return statements + ledger_statements(store, snapshot)


def ledger_statements(store: Store, snapshot: Snapshot) -> list[str]:
    """Those of the views over `_lake`."""
    return [_ledger_view(store, snapshot, name, *given) for name, given in LEDGER.items()]


def table_statement(lake: Path, table: str, files: list[str]) -> str:
    """The view of a table over some of its files."""
    return _view(lake, table, columns_of(table), files)


def _view(lake: Path, name: str, columns: dict[str, str | Tree], files: list[str]) -> str:
    """A view over files; over none, without any, since making a file costs 10 ms."""
    if files:
        listed = ", ".join(literal(f) for f in [_head(lake, name, columns), *files])
        body = f"SELECT * FROM read_parquet([{listed}], {HIVE})"
    else:
        nulls = ", ".join(f"NULL::{type_sql(b)} AS {quote(n)}" for n, b in columns.items())
        body = f"SELECT {nulls} WHERE false"
    return f"CREATE OR REPLACE VIEW {quote(name)} AS {body}"


def _ledger_view(store: Store, snapshot: Snapshot, name: str, kind: str, columns: str) -> str:
    head = store.path / "_views" / "ledger.parquet"
    if not head.exists():
        head.parent.mkdir(exist_ok=True)
        _write(head, SCHEMA)
    files = [str(head), *store.ledger_files(kind, snapshot)]
    listed = ", ".join(literal(f) for f in files)
    latest = (
        "*, row_number() OVER (PARTITION BY root, key ORDER BY batch DESC) > 1 AS superseded"
        if kind == "object"
        else "*"
    )
    return (
        f"CREATE OR REPLACE VIEW {name} AS SELECT {columns} FROM (SELECT {latest} FROM "
        f"read_parquet([{listed}], hive_partitioning = false))"
    )


def _head(lake: Path, name: str, columns: dict[str, str | Tree]) -> str:
    """An empty Parquet file with these columns, its path shaped like a partition's."""
    version = hashlib.sha256(repr(columns).encode()).hexdigest()[:12]
    folder = (
        lake / "_views" / f"{name}-{version}" / "account=unknown/region=unknown/date=1970-01-01"
    )
    head = folder / "head.parquet"
    if not head.exists():
        folder.mkdir(parents=True, exist_ok=True)
        types = ((n, arrow_type(body)) for n, body in columns.items() if n not in PARTITION)
        _write(head, pa.schema(types))
    return str(head)


def _write(target: Path, schema: pa.Schema) -> None:
    temporary = target.with_name(f".{uuid.uuid4().hex}")
    pq.write_table(schema.empty_table(), temporary, store_schema=False)
    temporary.replace(target)
