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

    from lake.ingest import IngestOptions
    from lake.report import IngestReport
    from lake.serve.queries import Answer, Query
    from lake.store.snapshot import Snapshot

FOOTERS = 1_500
"""Files up to which DuckDB keeps what it has read of their footers, which never change: it spares
half of the 1 ms a file that every query takes, and costs 0.1 to 0.2 MB a file."""
SPILL_LIMIT = "10GB"
"""What the queries on a locked lake may lay on the disk while they run."""


@dataclass(frozen=True, slots=True)
class _Version:
    """A version of the lake with the connection and gatherer that serve it: replaced as one."""

    snapshot: Snapshot
    con: duckdb.DuckDBPyConnection
    gatherer: Gatherer


class Lake:
    """A lake opened for reading: one snapshot of it, until `refresh()`. `lake.open(DIR)` makes one.

    Views: one per table (`cloudtrail`, `vpcflow`, ...; `tables()` lists them), `events` over all of
    them, `elb` and `cdn` over a family's, and of the ledger `objects`, `rejects`, `duplicates`.
    Columns are STRUCTs by ECS field set (`source.ip`, `event.action`), beside the partition keys
    `account`, `region` and `"date"`. Times are TIMESTAMPTZ in UTC, to the microsecond; account ids
    are text; sizes are bytes.

    Safe to share between threads: each query runs on a `cursor()` of its own. A `locked` lake opens
    no file but its committed ones, and its settings cannot be changed.
    """

    def __init__(
        self,
        path: str | Path,
        as_of: datetime | None = None,
        *,
        locked: bool = False,
        memory: int | None = None,
    ) -> None:
        """See `lake.open`, which takes the same arguments and raises the same errors."""
        self._store = Store.open(Path(path))
        self._as_of = as_of
        self.locked = locked
        self._memory = memory
        self._guard = threading.Lock()
        snapshot = self._store.snapshot(as_of)
        if as_of is not None:
            self._store.check_there(snapshot, as_of)
        self._current = self._connect(snapshot)

    @property
    def path(self) -> Path:
        """The lake's folder, absolute."""
        return self._store.path

    @property
    def version(self) -> int:
        """The ledger's Delta version: grows with every commit, and tells caches apart."""
        return self._current.snapshot.ledger_version

    def _connect(self, snapshot: Snapshot) -> _Version:
        con = connection(self.path, self._memory)
        gatherer = Gatherer(con)
        con.execute(macros())
        held = data_files(self._store, snapshot)
        gatherer.add_files(con, held)
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
        return _Version(snapshot, con, gatherer)

    def refresh(self) -> int:
        """Move to the newest commit, unless opened `as_of` a time; returns the version. Cursors
        that are in use keep the snapshot they began with."""
        if self._as_of is None and self._store.ledger_version() != self.version:
            with self._guard:
                if self._store.ledger_version() != self.version:
                    self._current = self._connect(self._store.snapshot())
        return self.version

    def still(self) -> Lake:
        """This snapshot as a `Lake` of its own, for several queries that have to agree: a `refresh`
        of this one, by another thread too, does not move it."""
        return copy(self)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A new DuckDB cursor over the views. Use one per thread and query."""
        return self._current.con.cursor()

    def answer(self, query: Query, cursor: duckdb.DuckDBPyConnection | None = None) -> Answer:
        """The answer to one of the project's own queries (a panel's); rows that several of them
        read are gathered once (`lake.serve.gather`). `cursor`, one of this lake's, is what
        `interrupt` takes.

        Raises UsageError with DuckDB's message, LakeError that names the file where one of the
        lake's is damaged.
        """
        try:
            return self._current.gatherer.answer(query, cursor or self.cursor())
        except UsageError as error:
            raise of_the_lake(self.path, error.__cause__) or error from error.__cause__

    def interrupt(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Cancel the `answer` that runs on a cursor, and what is being gathered for it."""
        self._current.gatherer.interrupt(cursor)

    def sql(
        self, query: str, params: dict[str, Any] | list[Any] | None = None
    ) -> duckdb.DuckDBPyRelation:
        """The result of a query as a DuckDB relation (`.fetchall()`, `.df()`, `.pl()`, `.arrow()`),
        computed when it is fetched. `params` are a list for `?`, a dict for `$name`.

        Besides the views there are the macros `cidr`, `is_private`, `ago`, `utc_bucket` and `arn`.
        Raises duckdb.Error for wrong SQL; on a locked lake UsageError for what is not one SELECT.
        """
        statement = one_select(query) if self.locked else query
        return self.cursor().sql(statement, params=params)

    def scan(self, source: str) -> pl.LazyFrame:
        """A table's rows at this snapshot as a Polars LazyFrame, which reads only the columns and
        partitions that the query needs; field sets are Polars structs.

        Raises UsageError for an unknown source, LakeError where the lake has no rows of it.
        """
        from lake.serve.scan import scan_table

        catalogue()[source]
        tables = self._current.snapshot.tables
        if source not in tables:
            raise LakeError(
                f"the lake has no rows of {source}. It has: {', '.join(self.tables())}."
            )
        return scan_table(self.path / source, tables[source])

    def tables(self) -> list[str]:
        """The names of the tables that have rows, sorted."""
        return sorted(self._current.snapshot.tables)

    def status(self) -> Status:
        """Rows, files, bytes and days of each table, and how many objects were read, set aside,
        unknown or failed, as `lake status` prints them. Reads no row."""
        current = self._current
        return status_of(self._store, current.snapshot, current.con.cursor())

    def ingest(self, *where: str, options: IngestOptions | None = None) -> IngestReport:
        """Read folders, files, archives and `s3://` places into the lake, as `lake ingest` does,
        and move to the result: `opened.ingest("logs", options=lake.IngestOptions(jobs=1))`.

        Raises UsageError and AccessError before anything is written, StorageError where the disk
        refuses: what was committed until then stays.
        """
        from lake.ingest import ingest

        report = ingest(self.path, list(where), options)
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
    """Open a lake for reading, as it is now or, with `as_of`, an aware datetime, as it was then.

    `locked` is for SQL of strangers: no query opens another file or changes a setting. `memory`, in
    bytes, is what queries may take before they spill to disk (default: a quarter of the machine's).

    Raises UsageError where there is no lake or no such state of it, LakeVersionError where a newer
    version made it, ModelError where its columns contradict the row model, LakeError where files of
    that time have been deleted.
    """
    return Lake(path, as_of, locked=locked, memory=memory)
