"""What a lake holds: rows, days, bytes of each table, fates of objects, what no source knows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.sources import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from lake.table import Snapshot, Store


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table: rows, files, bytes, accounts, regions, first and last day (UTC)."""

    table: str
    title: str
    rows: int
    files: int
    size: int
    accounts: int
    regions: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The lake at one version."""

    path: Path
    batch: int
    tables: tuple[TableStatus, ...]
    objects: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    duplicates: int = 0
    unknown_members: dict[str, dict[str, int]] = field(default_factory=dict)
    lossy_members: dict[str, dict[str, int]] = field(default_factory=dict)
    geoip: str | None = None
    kept_from: dict[str, str] = field(default_factory=dict)
    """Table -> the first day that `lake forget` has left."""


def status_of(store: Store, snapshot: Snapshot, con: duckdb.DuckDBPyConnection) -> Status:
    """Read the status from the tables' file lists and the ledger; no row is read."""
    tables = []
    for name, source in sorted(catalogue().sources.items()):
        files = store.files(name, snapshot)
        if files:
            tables.append(
                TableStatus(
                    table=name,
                    title=source.title,
                    rows=sum(f.rows for f in files),
                    files=len(files),
                    size=sum(f.size for f in files),
                    accounts=len({f.account for f in files} - {"unknown"}),
                    regions=len({f.region for f in files} - {"unknown"}),
                    first=min(f.date for f in files),
                    last=max(f.date for f in files),
                )
            )
    objects = dict(
        con.execute(
            "SELECT status, count(*) FROM objects WHERE NOT superseded GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
    totals = con.execute(
        "SELECT coalesce(sum(rejects), 0)::BIGINT, coalesce(sum(duplicates), 0)::BIGINT, "
        "arg_max(geoip, batch) FROM objects"
    ).fetchone() or (0, 0, None)
    return Status(
        path=store.path,
        batch=snapshot.batch,
        tables=tuple(tables),
        objects=objects,
        rejects=int(totals[0]),
        duplicates=int(totals[1]),
        unknown_members=_by_member(con, "unknown_members"),
        lossy_members=_by_member(con, "lossy_members"),
        geoip=snapshot.geoip or totals[2],
        kept_from=snapshot.kept_from,
    )


def _by_member(con: duckdb.DuckDBPyConnection, column: str) -> dict[str, dict[str, int]]:
    """Source -> member -> records, the twenty with most."""
    counts: dict[str, Counter[str]] = {}
    for source, members in con.execute(
        f"SELECT source, {column} FROM objects WHERE {column} IS NOT NULL"
    ).fetchall():
        counts.setdefault(source or "", Counter()).update(json.loads(members))
    return {s: dict(c.most_common(20)) for s, c in counts.items()}
