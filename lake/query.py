"""A lake opened for reading: a DuckDB with the views and macros of one snapshot.

The views are built in memory from the committed snapshot and swapped when the lake moves on; a
cursor keeps the views it began with. A locked lake's DuckDB opens the files of these views and
nothing else; which statements it is given is `lake.statements`' part. `lake.duckdb`, for other
clients, holds the same views and is written anew beside the old one and renamed.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.errors import LakeError, StorageError
from lake.fieldsets import literal
from lake.machine import default_memory
from lake.sources import catalogue
from lake.staging import spill_folder
from lake.statements import one_select
from lake.status import Status, status_of
from lake.table import Snapshot, Store, program_version
from lake.views import macros, views

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from lake.report import IngestReport

CLIENT_FILE = "lake.duckdb"
BEHIND = 60.0
"""Seconds that it may be behind the lake: while an ingest commits, not every command writes it."""
OPEN_SETTINGS = (
    *("threads", "memory_limit", "TimeZone", "Calendar", "preserve_insertion_order"),
    *("default_order", "default_null_order", "explain_output", "enable_progress_bar"),
)
"""What a SET may change where the lake is not locked: nothing that names a file to write to."""

SPILL_LIMIT = "10GB"
"""What the queries on a locked lake may lay on the disk while they run."""


class Lake:
    """A lake for reading; `lake.open(DIR)` gives one. Safe to share between threads: each query
    takes its own `cursor()`. All times are UTC. Where `locked`, no query opens another file than
    the lake's committed ones, nor changes a setting."""

    def __init__(
        self, path: str | Path, as_of: datetime | None = None, *, locked: bool = False
    ) -> None:
        self._store = Store.open(Path(path))
        self._as_of = as_of
        self.locked = locked
        self._guard = threading.Lock()
        self._snapshot = self._store.snapshot(as_of)
        if as_of is not None:
            self._store.check_there(self._snapshot, as_of)
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
                "python_enable_replacements": False,  # a name is a view's, never a variable's
                "temp_directory": str(spill_folder(self.path)),
            }
        )
        con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
        con.execute(macros())
        shown = views(self._store, self._snapshot)
        for view in shown:
            con.execute(view.sql)
        if self.locked:
            files = sorted({file for view in shown for file in view.files})
            con.execute(f"SET allowed_paths = [{', '.join(map(literal, files))}]")
            con.execute(f"SET max_temp_directory_size = '{SPILL_LIMIT}'")
            con.execute("SET enable_external_access = false")
        else:
            con.execute(f"SET allowed_configs = [{', '.join(map(literal, OPEN_SETTINGS))}]")
        con.execute("SET lock_configuration = true")
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

        Raises duckdb.Error for wrong SQL; on a locked lake UsageError for what is not one SELECT.
        Views: `tables()`, `events`, `objects`, `rejects`, `duplicates`, `superseded_rows`,
        `guardduty_latest`; macros: `cidr`, `is_private`, `ago`, `arn`.
        """
        statement = one_select(query) if self.locked else query
        return self._con.cursor().sql(statement, params=params)

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
        from lake.ingest import IngestOptions, ingest

        report = ingest(self.path, list(where), IngestOptions(**options))
        self.refresh()
        write_client_file(self.path)
        return report


def open_lake(path: str | Path, as_of: datetime | None = None, *, locked: bool = False) -> Lake:
    """Open a lake for reading, as it is or as it was at a time (aware); `locked` for queries of
    which one does not know what they do.

    Raises UsageError where there is none, LakeVersionError where a newer version made it, LakeError
    where files of that time have been deleted.
    """
    return Lake(path, as_of, locked=locked)


def write_client_file(path: Path) -> None:
    """Write `lake.duckdb`, unless it is of the last batch, this place and this program: the views
    and macros, for any DuckDB client (open it read-only).

    It is made beside the old one and renamed, so that a client has one or the other; one that holds
    the old one, for writing even, keeps it. Takes the lake's lock, so that the last one wins.
    Raises StorageError.
    """
    store = Store.open(path)
    target = store.path / CLIENT_FILE
    temporary = store.path / f".{CLIENT_FILE}.new"
    left = target.with_name(f"{CLIENT_FILE}.wal")
    try:
        with store.lock():
            _remove(temporary)
            snapshot = store.snapshot()
            if _is_present(target, _present(store, snapshot)) and not left.exists():
                return
            with duckdb.connect() as con:
                con.execute(
                    f"ATTACH {literal(str(temporary))} AS client (STORAGE_VERSION 'v1.0.0')"
                )
                con.execute(f"USE client; {macros()}")
                for view in views(store, snapshot):
                    con.execute(view.sql)
                batch, lake, program = _present(store, snapshot)
                con.execute(
                    f"CREATE VIEW lake_version AS SELECT {batch} AS batch, "
                    f"{literal(lake)} AS lake, {literal(program)} AS program"
                )
            # what a client that was killed has left belongs to the old file
            left.unlink(missing_ok=True)
            temporary.replace(target)
    except (OSError, duckdb.IOException) as error:
        _remove(temporary)
        raise StorageError(
            f"{target} cannot be written: {error}. The lake itself is whole."
        ) from error


def client_file_stale(path: Path) -> bool:
    """Whether `lake.duckdb` is to be written anew: its paths are absolute and the lake has moved,
    an ingest was killed before it wrote it, a client was killed that wrote to it, another program
    made it, or it cannot be opened. One that a client holds for writing is left alone; a fresh one
    may be behind."""
    store = Store.open(path)
    target = store.path / CLIENT_FILE
    try:
        age = time.time() - target.stat().st_mtime
        written = _written_for(target)
    except FileNotFoundError:
        return False
    except duckdb.IOException as error:
        return "Could not set lock" not in str(error)
    if written is None or target.with_name(f"{CLIENT_FILE}.wal").exists():
        return True
    present = _present(store, store.snapshot())
    return written[1:] != present[1:] or (written[0] != present[0] and age > BEHIND)


def _present(store: Store, snapshot: Snapshot) -> tuple[int, str, str]:
    """What `lake_version` says in a client file that is up to date: batch, place, program."""
    return snapshot.batch, str(store.path), program_version()


def _is_present(target: Path, present: tuple[int, str, str]) -> bool:
    try:
        return _written_for(target) == present
    except duckdb.IOException:
        return False


def _written_for(target: Path) -> tuple[int, str, str] | None:
    """What it says; None where there is no such file or view. Raises duckdb.IOException where it
    cannot be opened."""
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            found = con.execute("SELECT batch, lake, program FROM lake_version").fetchone()
    except duckdb.IOException:
        raise
    except duckdb.Error:
        return None
    return found and (int(found[0]), str(found[1]), str(found[2]))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


__all__ = ["Lake", "Snapshot", "client_file_stale", "open_lake", "write_client_file"]
