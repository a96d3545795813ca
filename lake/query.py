"""A lake opened for reading: a DuckDB with the views and macros of one snapshot.

The views are built in memory from the committed snapshot and swapped when the lake moves on; a
cursor keeps the views it began with. `lake.duckdb`, for other clients, holds the same views and is
written anew beside the old one and renamed.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.errors import LakeError, StorageError
from lake.fieldsets import literal
from lake.ingest import IngestOptions, default_memory, ingest
from lake.sources import catalogue
from lake.status import Status, status_of
from lake.table import Snapshot, Store, program_version
from lake.views import macros, view_statements

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from lake.report import IngestReport

CLIENT_FILE = "lake.duckdb"


class Lake:
    """A lake for reading; `lake.open(DIR)` gives one. Safe to share between threads: each query
    takes its own `cursor()`. All times are UTC."""

    def __init__(self, path: str | Path, as_of: datetime | None = None) -> None:
        self._store = Store.open(Path(path))
        self._as_of = as_of
        self._guard = threading.Lock()
        self._snapshot = self._store.snapshot(as_of)
        self._con = self._connect()

    @property
    def path(self) -> Path:
        """The lake's folder, absolute."""
        return self._store.path

    @property
    def version(self) -> int:
        """Changes with every commit."""
        return self._snapshot.ledger_version

    def _connect(self) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(
            config={
                "memory_limit": f"{max(default_memory() >> 20, 512)}MiB",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": str(self.path / "_staging" / "spill"),
            }
        )
        con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
        con.execute(macros())
        for statement in view_statements(self._store, self._snapshot):
            con.execute(statement)
        return con

    def refresh(self) -> int:
        """Take up what has been committed since; returns the version."""
        if self._as_of is None and self._store.ledger_version() != self.version:
            with self._guard:
                self._snapshot = self._store.snapshot()
                self._con = self._connect()
        return self.version

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor over the views; one a thread and query."""
        return self._con.cursor()

    def sql(
        self, query: str, params: dict[str, Any] | list[Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The result of a query, as a DuckDB relation (`.df()`, `.pl()`, `.fetchall()`).

        Raises duckdb.Error for wrong SQL. Views: `tables()`, `events`, `objects`, `rejects`,
        `duplicates`; macros: `cidr`, `is_private`, `ago`, `arn`.
        """
        return self._con.cursor().sql(query, params=params)

    def scan(self, source: str) -> pl.LazyFrame:
        """A source's rows as a Polars LazyFrame, at this snapshot."""
        import polars as pl

        catalogue()[source]
        if source not in self._snapshot.tables:
            raise LakeError(
                f"the lake has no rows of {source}. It has: {', '.join(self.tables())}."
            )
        return pl.scan_delta(str(self.path / source), version=self._snapshot.tables[source])

    def tables(self) -> list[str]:
        """The tables that have rows."""
        return sorted(self._snapshot.tables)

    def status(self) -> Status:
        """What the lake holds, by table, and what became of the objects."""
        return status_of(self._store, self._snapshot, self._con.cursor())

    def ingest(self, *where: str, **options: Any) -> IngestReport:  # noqa: ANN401
        """Read logs into the lake, as `lake ingest` does; options as `IngestOptions`."""
        report = ingest(self.path, list(where), IngestOptions(**options))
        self.refresh()
        write_client_file(self.path)
        return report


def open_lake(path: str | Path, as_of: datetime | None = None) -> Lake:
    """Open a lake for reading, as it is or as it was at a time (aware).

    Raises UsageError where there is none, LakeVersionError where a newer version made it.
    """
    return Lake(path, as_of)


def write_client_file(path: Path) -> None:
    """Write `lake.duckdb`, unless it is of the last batch and this place: the views and macros, for
    any DuckDB client (open it read-only). Takes the lake's lock, so that the last one wins.

    Raises StorageError where it cannot be written.
    """
    store = Store.open(path)
    target = store.path / CLIENT_FILE
    temporary = store.path / f".{CLIENT_FILE}.new"
    try:
        with store.lock():
            snapshot = store.snapshot()
            stands = _stands_on(store, snapshot)
            if _told_by(target) == stands:
                return
            _remove(temporary)
            with duckdb.connect() as con:
                con.execute(
                    f"ATTACH {literal(str(temporary))} AS client (STORAGE_VERSION 'v1.0.0'); "
                    "USE client"
                )
                con.execute(macros())
                for statement in view_statements(store, snapshot):
                    con.execute(statement)
                con.execute(f"COMMENT ON VIEW objects IS {literal(stands)}")
            temporary.replace(target)
            target.with_name(f"{CLIENT_FILE}.wal").unlink(missing_ok=True)
    except (OSError, duckdb.IOException) as error:
        _remove(temporary)
        raise StorageError(
            f"{target} cannot be written: {error}. The lake itself is whole."
        ) from error


def client_file_moved(path: Path) -> bool:
    """Whether the lake has been moved since `lake.duckdb` was written: its paths are absolute."""
    target = path.absolute() / CLIENT_FILE
    if not target.exists():
        return False
    told = _told_by(target)
    return told is not None and not told.endswith(f" of {path.absolute()}")


def _stands_on(store: Store, snapshot: Snapshot) -> str:
    """What a client file says of itself: whose views, of which batch, of which place."""
    return f"siem-lake {program_version()}, version {snapshot.ledger_version} of {store.path}"


def _told_by(target: Path) -> str | None:
    """What it says; "" where that is nothing, None where it cannot be opened, or is not there."""
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            row = con.execute(
                "SELECT comment FROM duckdb_views() WHERE view_name = 'objects'"
            ).fetchone()
    except duckdb.Error:
        return None
    return str(row[0] or "") if row else ""


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


__all__ = ["Lake", "Snapshot", "client_file_moved", "open_lake", "write_client_file"]
