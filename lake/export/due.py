"""What an export has to send: the partitions of which the cluster has not seen all files.

Those that hold the same rows in other files (a compaction) are not sent again. Where rows have left
(`forget`), gave way to others or were made anew (`rebuild`), a partition is sent whole, and its
day's documents are to be compared with the lake's; so are those that a killed run had begun with
files that the lake has no more. All of it is asked of the lake and of what is remembered, nothing
of the cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import UsageError
from lake.export.report import Count
from lake.export.sent import Sent
from lake.serve.reader import connection
from lake.serve.statements import one_select
from lake.serve.views import macros, table_view
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import quote
from lake.upkeep.merge import is_sorted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.export.report import ExportOptions
    from lake.export.sent import Key, Memory
    from lake.store.snapshot import DataFile, Snapshot
    from lake.store.table import Store


@dataclass(slots=True, eq=False)
class Part:
    """A partition at work. `due` are those of its files to send; `left` documents are not answered
    for; `compare`: its day's documents are compared with the lake's at the end."""

    now: Sent
    files: list[DataFile]
    due: list[DataFile]
    compare: bool
    left: int = 0
    total: int = 0
    """The sum of the identities that were read to be sent."""
    read: bool = False
    refused: int = 0
    rejects: list[dict[str, Any]] = field(default_factory=list)


class Due:
    """What is due of a lake as it is now. `scrolls`: whether the cluster can be asked for all
    documents of a day."""

    def __init__(
        self, store: Store, memory: Memory, options: ExportOptions, *, scrolls: bool
    ) -> None:
        self._store, self._memory, self._options = store, memory, options
        self._scrolls = scrolls
        self.snapshot: Snapshot = store.snapshot()
        self._con = connection(store.path)
        self._con.execute(macros())
        known = catalogue()
        self.tables = [t for t in sorted(self.snapshot.tables) if t in known.sources]
        if options.sources:
            self.tables = [known[name].name for name in dict.fromkeys(options.sources)]

    def close(self) -> None:
        """Ask no more."""
        self._con.close()

    def parts(self, counts: dict[str, Count]) -> tuple[list[Part], list[Sent]]:
        """The partitions to send, and what the cluster has of those that the lake has no more. Into
        `counts` go the rows of each table; in a dry run also those that would be sent."""
        parts, present = [], set()
        where = self._options.where
        for table in self.tables:
            count = counts.setdefault(table, Count())
            for key, files in self.partitions(table).items():
                part = self.part(key, files)
                present.add(key)
                unsent = sum(file.rows for file in part.due)
                count.rows += part.now.rows
                count.unchanged += part.now.rows - unsent
                count.refused_before += part.now.refused
                if part.due:
                    parts.append(part)
                if self._options.dry_run:
                    count.sent += (
                        len(self.hashes(table, part.due, f"({where})")) if where else unsent
                    )
        told = {key: Sent(*key, files=()) for key in self._memory.begun} | self._memory.sent
        gone = [
            one
            for key, one in told.items()
            if key not in present and one.table in self.tables and self.chosen(one.day)
        ]
        return parts, gone

    def chosen(self, day: str) -> bool:
        """Whether a day is of those that were asked for."""
        since, until = self._options.since, self._options.until
        return not (since and day < since.isoformat()) and not (until and day > until.isoformat())

    def files(self, table: str, day: str) -> list[DataFile]:
        """The files of a table's day."""
        return [file for file in self._store.files(table, self.snapshot) if file.date == day]

    def partitions(self, table: str, day: str | None = None) -> dict[Key, list[DataFile]]:
        """The files of a table's partitions, of one day or of all that were chosen."""
        found: dict[Key, list[DataFile]] = {}
        for file in self._store.files(table, self.snapshot):
            if self.chosen(file.date) if day is None else file.date == day:
                key = (table, file.date, file.account, file.region)
                found.setdefault(key, []).append(file)
        return found

    def part(self, key: Key, files: list[DataFile]) -> Part:
        """A partition with what of it is due. Where it only has other files, that is noted."""
        table = key[0]
        rebuilt = self.snapshot.rebuilt.get(table, (0, ""))[0]
        names = {Path(file.path).name: file for file in files}
        rows = sum(file.rows for file in files)
        batch = self.snapshot.batch
        now = Sent(*key, files=tuple(sorted(names)), rows=rows, rebuilt=rebuilt, batch=batch)
        before = self._memory.sent.get(key)
        lost = not self._memory.begun.get(key, frozenset()) <= set(names)
        again = self._options.again
        if before is None or lost or again:
            return Part(now, files, files, compare=again or (lost and self._scrolls))
        kept = set(before.files) & set(names)
        if before.rebuilt == rebuilt and len(kept) == len(before.files):
            due = [file for name, file in names.items() if name not in kept]
            total = before.total if not due else "0"
            now = replace(now, refused=before.refused, total=total)
            return Part(now, files, due, compare=False)
        # files have been merged, and others may have come: those are not sorted
        merged = [f for name, f in names.items() if name in kept or is_sorted(Path(f.path))]
        given = sum(file.rows for file in merged), before.rebuilt
        same = given == (before.rows, rebuilt) and self.total(table, merged) == before.total
        if same and not self.replaced(table, merged, before.batch):
            due = [file for file in files if file not in merged]
            now = replace(now, refused=before.refused, total="0" if due else before.total)
            if not due and not self._options.dry_run:
                self._memory.note(now)
            return Part(now, files, due, compare=False)
        return Part(now, files, files, compare=True)

    # -- identities of the rows of files --------------------------------------------------------

    def total(self, table: str, files: Sequence[DataFile]) -> str:
        """Their sum."""
        cursor = self._over(table, files)
        found = cursor.execute(f"SELECT sum(event.hash) FROM {quote(table)}").fetchone()
        return str(found[0]) if found else "0"

    def replaced(self, table: str, files: Sequence[DataFile], batch: int) -> bool:
        """Whether rows of these files took the place of others, with the same identities, after a
        batch."""
        noted = self._store.ledger_sql("duplicate", self.snapshot)
        after = "source = $table AND batch > $batch AND reason IS NOT NULL"
        query = f"SELECT hash FROM {noted} WHERE {after}"
        given = {"table": table, "batch": batch}
        replaced = self._con.sql(query, params=given).to_arrow_table()
        if not replaced.num_rows:
            return False
        ours = self.hashes(table, files, "true")
        return bool(pc.any(pc.is_in(ours, replaced["hash"].combine_chunks())).as_py())

    def ids(self, table: str, files: Sequence[DataFile], where: str) -> set[str]:
        """The documents' ids, of rows for which a condition in SQL holds."""
        return set(map(str, self.hashes(table, files, where).to_pylist()))

    def hashes(self, table: str, files: Sequence[DataFile], where: str) -> pa.Array:
        """The same as they stand in the lake. Raises UsageError for a condition that fails."""
        if not files:
            return pa.array([], pa.int64())
        try:
            query = one_select(f"SELECT event.hash AS hash FROM {quote(table)} WHERE {where}")
            return self._over(table, files).sql(query).to_arrow_table()["hash"].combine_chunks()
        except duckdb.IOException:
            raise
        except duckdb.Error as error:
            raise UsageError(f"--where: {error}\nIt was asked of {table}.") from error

    def _over(self, table: str, files: Sequence[DataFile]) -> duckdb.DuckDBPyConnection:
        """A cursor that is asked next with the table's view over some files. Another one that is
        being read keeps what it began with."""
        view = table_view(self._store, self.snapshot, table, [file.path for file in files])
        cursor = self._con.cursor()
        cursor.execute(view.sql)
        return cursor
