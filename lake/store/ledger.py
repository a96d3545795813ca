"""The table `_lake`: which objects have been read, rejects, duplicates, and the batches that count.

One Delta table with a `kind`, so that one commit says everything about a batch. A batch names the
version of every table that belongs to it: a reader who opens the tables at these versions sees
whole batches, whatever a writer is doing or has left behind.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.model import ObjectResult, Reject
    from lake.store.growth import Model

TABLE = "_lake"
KINDS = ("batch", "object", "reject", "duplicate", "forgotten", "export_reject")
_TIME = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("batch", pa.int64()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("position", pa.int64()),
        ("reason", pa.string()),
        ("text", pa.string()),
        ("root", pa.string()),
        ("key", pa.string()),
        ("bucket", pa.string()),
        ("etag", pa.string()),
        ("size", pa.int64()),
        ("modified", _TIME),
        ("sha256", pa.string()),
        ("content_hash", pa.string()),
        ("status", pa.string()),
        ("records", pa.int64()),
        ("rows", pa.int64()),
        ("duplicates", pa.int64()),
        ("rejects", pa.int64()),
        ("read_at", _TIME),
        ("context", pa.string()),
        ("unknown_members", pa.string()),
        ("lossy_members", pa.string()),
        ("hash", pa.int64()),
        ("tables", pa.string()),
        ("version", pa.string()),
        ("geoip", pa.string()),
        ("models", pa.string()),
        ("ingested", _TIME),
        ("transform", pa.string()),
        ("also", pa.int64()),
    ]
)
"""Columns are only ever added, at the end."""
REPEAT = pa.schema(
    [
        SCHEMA.field(name)
        for name in ("source", "hash", "path", "position", "also", "text", "reason")
    ]
)
"""A record that was dropped as a duplicate: `hash`, the identity of the row that it repeats, and
its object and position. Of an object that has changed also `also`, the identity that the record
itself has (an alias of `hash`), and its `text` where the row has another. Where it was itself the
row and the record repeated it later, which took its place, `reason` says what it was (`DAMAGED`,
`QUERY_ROW`) and `text` what the row had."""
DAMAGED = "row of a damaged reading"
QUERY_ROW = "row of a query result"
VERSION = hashlib.sha256(str(SCHEMA).encode()).hexdigest()[:12]


def _table(kind: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"kind": kind, **row} for row in rows], schema=SCHEMA)


def _json(told: Mapping[str, Any]) -> str | None:
    """What is told by name, as JSON; None where nothing is."""
    return json.dumps(told) if told else None


def reject_table(rejects: Sequence[Reject]) -> pa.Table:
    """Rejects as rows of `_lake`, without their batch, which is not known yet."""
    return _table(
        "reject",
        [
            {
                "source": reject.source or None,
                "path": reject.path,
                "position": reject.position,
                "reason": reject.reason,
                "text": reject.text,
            }
            for reject in rejects
        ],
    )


def object_table(
    results: Sequence[ObjectResult], batch: int, geoip: str | None, ingested: datetime
) -> pa.Table:
    """What became of objects, as rows of `_lake`; `ingested` is their rows' `event.ingested`."""
    return _table(
        "object",
        [
            {
                "batch": batch,
                "source": result.source,
                "path": result.obj.path,
                "root": result.obj.root,
                "key": result.obj.key,
                "bucket": result.obj.bucket,
                "etag": result.obj.etag,
                "size": result.obj.size,
                "modified": result.obj.modified,
                "sha256": result.sha256,
                "content_hash": result.content_hash,
                "status": result.status,
                "reason": result.reason,
                "records": result.records,
                "rows": result.rows,
                "duplicates": result.duplicates,
                "rejects": result.rejects,
                "read_at": result.read_at,
                "context": result.context,
                "unknown_members": _json(result.unknown_members),
                "lossy_members": _json(result.lossy_members),
                "geoip": geoip,
                "ingested": ingested,
                "transform": _json(result.transform),
            }
            for result in results
        ],
    )


def duplicate_table(repeats: Sequence[pa.Table], batch: int) -> pa.Table:
    """Dropped duplicates, with the columns of `REPEAT`, as rows of `_lake`."""
    rows = pa.concat_tables([REPEAT.empty_table(), *repeats])
    constant = {"kind": "duplicate", "batch": batch}
    columns = [
        rows[name]
        if name in REPEAT.names
        else pa.repeat(pa.scalar(constant.get(name), kind), rows.num_rows)
        for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)
    ]
    return pa.table(columns, SCHEMA)


def forgotten_table(counts: Mapping[tuple[str, str], int], batch: int) -> pa.Table:
    """Rows that are no longer in a table because their day was forgotten: (source, path) -> how
    many of the object's rows."""
    return _table(
        "forgotten",
        [
            {"batch": batch, "source": source, "path": path, "rows": rows}
            for (source, path), rows in counts.items()
        ],
    )


def export_reject_table(refused: Sequence[Mapping[str, Any]], batch: int) -> pa.Table:
    """Documents that another system would not have: `root` is its address, `text` the index."""
    return _table("export_reject", [{"batch": batch, **row} for row in refused])


def batch_table(
    batch: int,
    tables: dict[str, int],
    models: dict[str, Model],
    version: str,
    context: dict[str, Any],
) -> pa.Table:
    """The row that makes a batch count: now, and version and row model of each table it stands on.
    `context` says what the batch did and what holds from it on: see `Snapshot`."""
    row = {
        "batch": batch,
        "read_at": datetime.now(UTC),
        "tables": json.dumps(tables),
        "models": json.dumps({name: model.as_json() for name, model in models.items()}),
        "version": version,
        "context": json.dumps(context),
    }
    return _table("batch", [row])
