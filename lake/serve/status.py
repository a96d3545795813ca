"""What a lake holds: rows, days, bytes of each table, fates of objects, what no source knows."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lake.serve.accounts import account_names
from lake.serve.reader import connection
from lake.serve.views import ledger_views
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION
from lake.sources.transform import present
from lake.store.table import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from lake.sources.source import Source
    from lake.store.snapshot import Snapshot


_OBJECTS = "status_objects"
_COLUMNS = (
    "status, superseded, rejects, duplicates, geoip, batch, source, transform, rows, "
    "unknown_members, lossy_members, contains(context, '\"original\": false') AS bare"
)
MANY = 1_000
"""Files of which every query notices that it opens them, at 0.3 ms each."""


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table: rows, files and the partitions that they are for, bytes, accounts, regions, first
    and last day (UTC)."""

    table: str
    title: str
    rows: int
    files: int
    partitions: int
    size: int
    accounts: int
    regions: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The lake at one version; objects are counted as they were last read, not once a reading."""

    path: Path
    batch: int
    tables: tuple[TableStatus, ...]
    objects: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    duplicates: int = 0
    earlier: int = 0
    """Readings with records of objects that have changed since."""
    reworded: int = 0
    """Records that also came with another text than their row has."""
    unknown_members: dict[str, dict[str, int]] = field(default_factory=dict)
    lossy_members: dict[str, dict[str, int]] = field(default_factory=dict)
    bare: int = 0
    """Rows that were read without their originals."""
    geoip: str | None = None
    outdated: int = 0
    """Rows of objects that were read by an earlier transform of a table that they went to."""
    outdated_tables: tuple[str, ...] = ()
    sourceless: tuple[str, ...] = ()
    """Tables with rows and without a source: LAKE_TRANSFORMS named it when they were read."""
    accounts: dict[str, str | None] = field(default_factory=dict)
    """The accounts of all tables, with the names of those that have one."""
    kept_from: dict[str, str] = field(default_factory=dict)
    """Table -> the first day that `lake forget` has left."""

    @property
    def scattered(self) -> tuple[int, int] | None:
        """Files and partitions of a lake of which `lake compact` would make few files of many."""
        files = sum(t.files for t in self.tables)
        partitions = sum(t.partitions for t in self.tables)
        return (files, partitions) if are_scattered(files, partitions) else None


def are_scattered(files: int, partitions: int) -> bool:
    """Whether so many files for so many partitions are worth `lake compact`."""
    return files > MANY and files > 2 * partitions


def read_status(path: Path) -> Status:
    """The status of the lake at `path`. Opens the views over `_lake` alone: the others take longer
    than all that is asked. Raises as `lake.open` does, but for row models."""
    store = Store.open(path)
    snapshot = store.snapshot()
    with connection(store.path) as con:
        for view in ledger_views(store, snapshot):
            con.execute(view.sql)
        return status_of(store, snapshot, con)


def status_of(store: Store, snapshot: Snapshot, con: duckdb.DuckDBPyConnection) -> Status:
    """Read the status from the tables' file lists and the ledger; no row is read."""
    held = [
        (source, store.file_actions(name, snapshot))
        for name, source in sorted(catalogue().sources.items())
        if name in snapshot.tables
    ]
    tables = [_table_status(source, files) for source, files in held]
    accounts = {one for _, f in held for one in f["partition.account"].unique().to_pylist()}
    names = account_names(store.path)
    # once, since the ledger has a file a batch
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_OBJECTS} AS SELECT {_COLUMNS} FROM objects")
    objects = dict(
        con.execute(
            f"SELECT status, count(*) FROM {_OBJECTS} WHERE NOT superseded GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
    ((rejects, duplicates, geoip, earlier, bare),) = con.execute(
        "SELECT coalesce(sum(rejects) FILTER (NOT superseded), 0)::BIGINT, "
        "coalesce(sum(duplicates) FILTER (NOT superseded), 0)::BIGINT, "
        "arg_max(geoip, batch), count(*) FILTER (superseded AND rows + duplicates > 0), "
        "coalesce(sum(rows) FILTER (bare), 0)::BIGINT "
        f"FROM {_OBJECTS}"
    ).fetchall()
    reworded = "SELECT count(*) FROM duplicates WHERE text IS NOT NULL"
    outdated = _outdated(con, snapshot.rebuilt)
    return Status(
        path=store.path,
        batch=snapshot.batch,
        tables=tuple(table for table in tables if table.files),
        objects=objects,
        rejects=rejects,
        duplicates=duplicates,
        earlier=earlier,
        reworded=con.execute(reworded).fetchall()[0][0],
        unknown_members=_by_member(con, "unknown_members"),
        lossy_members=_by_member(con, "lossy_members"),
        bare=bare,
        geoip=geoip if snapshot.geoip is None else snapshot.geoip,
        outdated=outdated.rows,
        outdated_tables=outdated.tables,
        sourceless=tuple(sorted(snapshot.tables.keys() - catalogue().sources.keys())),
        accounts={one: names.get(one) for one in sorted(accounts - {"unknown"})},
        kept_from=snapshot.kept_from,
    )


def _table_status(source: Source, files: pa.Table) -> TableStatus:
    """What a table's files, as Delta's log has them, are together."""
    keys = (files[f"partition.{key}"].to_pylist() for key in PARTITION)
    places = set(zip(*keys, strict=True))
    accounts, regions, dates = ({place[at] for place in places} for at in range(len(PARTITION)))
    return TableStatus(
        table=source.name,
        title=source.title,
        rows=int(files["num_records"].to_numpy().sum()),
        files=len(files),
        partitions=len(places),
        size=int(files["size_bytes"].to_numpy().sum()),
        accounts=len(accounts - {"unknown"}),
        regions=len(regions - {"unknown"}),
        first=str(min(dates)) if dates else None,
        last=str(max(dates)) if dates else None,
    )


class _Outdated(NamedTuple):
    """Rows that today's transforms might make otherwise, and their tables."""

    rows: int
    tables: tuple[str, ...]


def _outdated(con: duckdb.DuckDBPyConnection, rebuilt: Mapping[str, tuple[int, str]]) -> _Outdated:
    """The rows of objects whose tables had another transform when they were read."""
    now, rows, tables = present(), 0, set()
    for source, transform, batch, count in con.execute(
        f"SELECT source, transform, batch, sum(rows)::BIGINT FROM {_OBJECTS} WHERE rows > 0 "
        "GROUP BY ALL"
    ).fetchall():
        made = json.loads(transform) if transform else {source: None}
        made |= {t: v for t, (since, v) in rebuilt.items() if t in made and batch < since}
        old = {name for name, version in made.items() if name in now and now[name] != version}
        rows += count if old else 0
        tables |= old
    return _Outdated(rows, tuple(sorted(tables)))


def _by_member(con: duckdb.DuckDBPyConnection, column: str) -> dict[str, dict[str, int]]:
    """Source -> member -> records, the twenty with most."""
    counts: dict[str, Counter[str]] = {}
    for source, members in con.execute(
        f"SELECT source, {column} FROM {_OBJECTS} WHERE NOT superseded AND {column} IS NOT NULL"
    ).fetchall():
        counts.setdefault(source or "", Counter()).update(json.loads(members))
    return {s: dict(c.most_common(20)) for s, c in counts.items()}
