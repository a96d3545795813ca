"""A lake opened for reading: a DuckDB with the views and macros of one snapshot.

The views are built in memory from the committed snapshot and swapped when the lake moves on; a
cursor keeps the views it began with. A locked lake's DuckDB opens the files of these views and
nothing else; which statements it is given is `lake.serve.statements`' part. Other clients have the
same views in `lake.duckdb` (`lake.serve.client_file`).
"""

from __future__ import annotations

import threading
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from lake.errors import LakeError, UsageError
from lake.serve.client_file import write_client_file
from lake.serve.gather import Gatherer
from lake.serve.reader import connection, keep_settings
from lake.serve.statements import one_select
from lake.serve.status import Status, status_of
from lake.serve.views import data_files, macros, views
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import literal
from lake.store.blame import of_the_lake
from lake.store.table import Store

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from lake.report import IngestReport
    from lake.serve.queries import Answer, Query
    from lake.store.snapshot import Snapshot

FOOTERS = 1_500
"""Files up to which DuckDB keeps what it has read of their footers, which never change: it spares
half of the 1 ms a file that every query takes, and costs 0.1 to 0.2 MB a file."""
SPILL_LIMIT = "10GB"
"""What the queries on a locked lake may lay on the disk while they run."""


@dataclass(frozen=True, slots=True)
class _Now:
    """A version of the lake, and who answers queries on it: replaced as one."""

    snapshot: Snapshot
    con: duckdb.DuckDBPyConnection
    gatherer: Gatherer


class Lake:
    """A lake for reading; `lake.open(DIR)` gives one. Safe to share between threads: each query
    takes its own `cursor()`. All times are UTC. Where `locked`, no query opens another file than
    the lake's committed ones, nor changes a setting."""

    def __init__(
        self,
        path: str | Path,
        as_of: datetime | None = None,
        *,
        locked: bool = False,
        memory: int | None = None,
    ) -> None:
        self._store = Store.open(Path(path))
        self._as_of = as_of
        self.locked = locked
        self._memory = memory
        self._guard = threading.Lock()
        snapshot = self._store.snapshot(as_of)
        if as_of is not None:
            self._store.check_there(snapshot, as_of)
        self._now = self._connect(snapshot)

    @property
    def path(self) -> Path:
        """The lake's folder, absolute."""
        return self._store.path

    @property
    def version(self) -> int:
        """Changes with every commit."""
        return self._now.snapshot.ledger_version

    def _connect(self, snapshot: Snapshot) -> _Now:
        con = connection(self.path, self._memory)
        gatherer = Gatherer(con)
        con.execute(macros())
        held = data_files(self._store, snapshot)
        gatherer.tell_files(con, held)
        shown = views(self._store, snapshot, held)
        try:
            for view in shown:
                con.execute(view.sql)
        except duckdb.Error as error:
            raise of_the_lake(self.path, error) or error from error
        files = sorted({file for view in shown for file in view.files})
        if len(files) <= FOOTERS:
            con.execute("SET GLOBAL parquet_metadata_cache = true")
        if self.locked:
            con.execute(f"SET allowed_paths = [{', '.join(map(literal, files))}]")
            con.execute(f"SET max_temp_directory_size = '{SPILL_LIMIT}'")
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
        else:
            keep_settings(con)
        return _Now(snapshot, con, gatherer)

    def refresh(self) -> int:
        """Take up what has been committed since; returns the version."""
        if self._as_of is None and self._store.ledger_version() != self.version:
            with self._guard:
                if self._store.ledger_version() != self.version:
                    self._now = self._connect(self._store.snapshot())
        return self.version

    def still(self) -> Lake:
        """This lake as it is now, for whoever asks more than one query: a `refresh` of this one, by
        another thread too, changes nothing in it."""
        return copy(self)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor over the views; one a thread and query."""
        return self._now.con.cursor()

    def answer(self, query: Query, cursor: duckdb.DuckDBPyConnection | None = None) -> Answer:
        """The answer to a query of the project's own; what several ask in common is gathered once.
        Raises UsageError with the engine's words. `cursor` is one of this lake's: whoever holds it
        can `interrupt`. Raises LakeError that names the file where one of the lake's is damaged."""
        try:
            return self._now.gatherer.answer(query, cursor or self.cursor())
        except UsageError as error:
            raise of_the_lake(self.path, error.__cause__) or error from error.__cause__

    def interrupt(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """End the answer that runs by a cursor, with what is gathered for it."""
        self._now.gatherer.interrupt(cursor)

    def sql(
        self, query: str, params: dict[str, Any] | list[Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The result of a query, as a DuckDB relation (`.df()`, `.pl()`, `.fetchall()`).

        Raises duckdb.Error for wrong SQL; on a locked lake UsageError for what is not one SELECT.
        Views: `tables()`, `events`, `objects`, `rejects`, `duplicates`, `superseded_rows`,
        `guardduty_latest`; macros: `cidr`, `is_private`, `ago`, `utc_bucket`, `arn`.
        """
        statement = one_select(query) if self.locked else query
        return self.cursor().sql(statement, params=params)

    def scan(self, source: str) -> pl.LazyFrame:
        """A source's rows as a Polars LazyFrame, at this snapshot."""
        from lake.serve.scan import scan_table

        catalogue()[source]
        tables = self._now.snapshot.tables
        if source not in tables:
            raise LakeError(
                f"the lake has no rows of {source}. It has: {', '.join(self.tables())}."
            )
        return scan_table(self.path / source, tables[source])

    def tables(self) -> list[str]:
        """The tables that have rows."""
        return sorted(self._now.snapshot.tables)

    def status(self) -> Status:
        """What the lake holds, by table, and what became of the objects."""
        now = self._now
        return status_of(self._store, now.snapshot, now.con.cursor())

    def ingest(self, *where: str, **options: Any) -> IngestReport:  # noqa: ANN401
        """Read logs into the lake, as `lake ingest` does; options as `IngestOptions`."""
        from lake.ingest import IngestOptions, ingest

        report = ingest(self.path, list(where), IngestOptions(**options))
        self.refresh()
        try:
            write_client_file(self.path)
        except LakeError as error:
            report.notes.append(str(error))
        return report


def open_lake(
    path: str | Path,
    as_of: datetime | None = None,
    *,
    locked: bool = False,
    memory: int | None = None,
) -> Lake:
    """Open a lake for reading, as it is or as it was at a time (aware); `locked` for queries of
    which one does not know what they do. `memory` in bytes is what its queries may take before they
    go through the disk: a quarter of the machine's unless told.

    Raises UsageError where there is none, LakeVersionError where a newer version made it, LakeError
    where files of that time have been deleted.
    """
    return Lake(path, as_of, locked=locked, memory=memory)
