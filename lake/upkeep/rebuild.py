"""Rows derived again under the present transforms and GeoIP, in one commit; the old version stays
readable.

It decides which tables, holds the lock where that is needed, and refuses what would lose something.
How a table's rows are derived is `lake.upkeep.rederive`'s part.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from lake.enrich.geoip import GeoIP
from lake.errors import LakeError, ModelError, UsageError, unknown_name
from lake.machine import default_memory
from lake.normalize.engine import Engine
from lake.serve.buckets import bucket_accounts
from lake.serve.status import read_status
from lake.sources.catalogue import catalogue
from lake.sources.transform import transform_version
from lake.store.commit import Commit, commit
from lake.store.recover import recover
from lake.store.rowmodels import growths
from lake.store.staging import staging, staging_name
from lake.store.table import Store
from lake.upkeep.rederive import PastReadings, TableCount, TableRebuild
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lake.store.parquet import StagedFile
    from lake.store.snapshot import DataFile, Snapshot


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """`source` names one table, else all that the lake has; `geoip` is what serves, `GeoIP.none()`
    where rows are to lose their places, else what the default folder has; `memory` in bytes."""

    source: str | None = None
    geoip: GeoIP | None = None
    memory: int | None = None


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild did."""

    tables: dict[str, TableCount] = field(default_factory=dict)
    geoip: str = ""
    notes: list[str] = field(default_factory=list)


def rebuild(
    path: Path,
    options: RebuildOptions | None = None,
    notify: Callable[[str], None] = lambda _: None,
) -> RebuildReport:
    """Derive the rows of one table, or of all, again.

    Where another writer changes files meanwhile (a compaction, an ingest that merges small ones),
    it begins again and holds the lake's lock until it is through.

    Raises UsageError (no lake, no such table; no GeoIP database where rows have places of one and
    nobody said that they may go), LakeError (a file that is not as it was committed),
    StorageError where the disk refuses; the lake is as it was then.
    """
    options = options or RebuildOptions()
    store = Store.open(path)
    folder = staging_name(store.path)

    def waiting() -> None:
        notify("waiting for another writer")

    with staging(store, folder, waiting) as notes:
        run = _Rebuild(store, folder, options, options.geoip or _geoip_of_rows(store), notify)
        try:
            report = run.once(partial(store.lock, waiting))
        except _Changed:
            notify("another writer has changed files meanwhile: once more, and writers wait")
            with store.lock(waiting):
                report = run.once(nullcontext)
        report.notes[:0] = notes
    return report


def _geoip_of_rows(store: Store) -> GeoIP:
    """The databases of the default folder. Raises UsageError where it has none and rows have places
    of some: to make them anew would empty these."""
    geoip = GeoIP.default()
    if geoip.builds is None and (builds := read_status(store.path).geoip):
        raise UsageError(
            f"no GeoIP database is here, and rows have places from {visible(builds)}, which would "
            "be lost. Name databases with --geoip, run `lake geoip update`, or say --no-geoip to "
            "go on without places. Nothing was changed."
        )
    return geoip


class _Changed(Exception):
    """Files that were read are no longer the table's."""


@dataclass(frozen=True, slots=True)
class _Rebuild:
    """A rebuild at work; `folder` is its staging folder."""

    store: Store
    folder: Path
    options: RebuildOptions
    geoip: GeoIP
    notify: Callable[[str], None]

    def once(self, lock: Callable[[], AbstractContextManager[None]]) -> RebuildReport:
        """Read, derive and, under the lock, commit. Raises _Changed where another writer has
        changed what was read."""
        report = RebuildReport(geoip=self.geoip.describe())
        snapshot = self.store.snapshot()
        old: dict[str, list[DataFile]] = {}
        try:
            staged = self._stage(snapshot, old, report)
        except (LakeError, OSError):
            _check_same(self.store, old)  # a file that is gone may have left the table
            raise
        _check_kept(self.store, snapshot, report)
        with lock():
            recover(self.store)
            try:
                _check_same(self.store, old)
            except _Changed:
                for file in staged:
                    file.path.unlink()
                raise
            if staged:
                self._commit(staged, old)
        return report

    def _stage(
        self, snapshot: Snapshot, old: dict[str, list[DataFile]], report: RebuildReport
    ) -> list[StagedFile]:
        """The new files of all tables; notes in `old` which files they were made of."""
        staged: list[StagedFile] = []
        buckets = bucket_accounts(self.store.path)
        spill = str(self.folder / "spill")
        engine = Engine(self.options.memory or default_memory(), temp=spill)
        try:
            with PastReadings(self.store, snapshot) as readings:
                for name in _tables(snapshot, self.options.source, report):
                    old[name] = self.store.files(name, snapshot)
                    table = TableRebuild(
                        catalogue()[name], engine, self.geoip, buckets, readings, self.folder
                    )
                    staged += table.stage(old[name], self.notify)
                    report.tables[name] = table.count
        finally:
            engine.close()
        return staged

    def _commit(self, staged: list[StagedFile], old: dict[str, list[DataFile]]) -> None:
        removed = {table: self.store.names(table, files) for table, files in old.items()}
        rebuilt = {table: transform_version(catalogue()[table]) for table in old}
        builds = self.geoip.builds or (None if self.options.source else "")
        batch = Commit(staged, removed=removed, did="rebuild", geoip=builds, rebuilt=rebuilt)
        commit(self.store, batch)


def _tables(snapshot: Snapshot, source: str | None, report: RebuildReport) -> list[str]:
    if source is not None and source not in snapshot.tables:
        raise unknown_name("table", source, sorted(snapshot.tables))
    known = catalogue().sources
    for name in sorted(snapshot.tables.keys() - known.keys()):
        if source in (None, name):
            report.notes.append(f"{name}: no such source is known here; its rows stay as they are")
    return [name for name in sorted(snapshot.tables) if name in known and source in (None, name)]


def _check_kept(store: Store, snapshot: Snapshot, report: RebuildReport) -> None:
    """Rows that stay as they are must be readable by the present row model."""
    for table, growth in growths(store.path, snapshot, rebuilt=report.tables).items():
        count = report.tables.get(table)
        if growth.contradictions and count is not None and count.kept:
            reason = next(iter(count.reasons), "the transform leaves them out")
            raise ModelError(
                f"{count.kept:,} rows of {table} cannot be made anew ({reason}), and as they are "
                f"they contradict the row model: {'; '.join(growth.contradictions[:5])}. Nothing "
                "was changed; read them with the siem-lake, or LAKE_TRANSFORMS, that wrote them."
            )


def _check_same(store: Store, old: dict[str, list[DataFile]]) -> None:
    now = store.snapshot()
    for table, files in old.items():
        if not {file.path for file in files} <= {file.path for file in store.files(table, now)}:
            raise _Changed
