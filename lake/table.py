"""The lake on disk: one Delta table a source and `_lake`, which says what counts.

A row of `_lake` names a batch and the version of every table that it stands on. Readers open the
tables at those versions, so a batch is there whole or not at all. How it gets there is
`lake.commit`'s part.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from filelock import FileLock, Timeout

from lake import ledger
from lake.errors import LakeError, LakeVersionError, StorageError, UsageError
from lake.fieldsets import PARTITION
from lake.rowmodel import arrow_type, table_columns
from lake.sources import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


FORMAT = 1
"""Of the folder's layout and the row model. A lake with a higher number is not opened."""
KEYS = list(PARTITION)
CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days"}
JOURNAL = "_journal.json"
LOCK = "_lake.lock"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A committed Parquet file: absolute path, partition, rows and bytes."""

    path: str
    account: str
    region: str
    date: str
    rows: int
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one batch number stands on. `tables` maps a table to its Delta version."""

    batch: int
    ledger_version: int
    tables: dict[str, int]


def program_version() -> str:
    """The installed version of siem-lake."""
    try:
        return version("siem-lake")
    except PackageNotFoundError:
        return "0+checkout"


class Store:
    """A lake's folder. Reading needs no lock; `commit` takes the lake's own."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @classmethod
    def open(cls, path: Path) -> Store:
        """An existing lake. Raises UsageError where there is none, LakeVersionError for a newer."""
        store = cls(path)
        if not store.is_made():
            what = "is empty" if path.is_dir() and not any(path.iterdir()) else "holds none"
            raise UsageError(
                f"no lake at {path}: the folder {what if path.exists() else 'is not there'}. "
                "Make one with `lake ingest WHERE --lake DIR`, or name another with --lake."
            )
        store._check_format()
        return store

    @classmethod
    def create(cls, path: Path) -> Store:
        """The lake at `path`, made where it is not there yet. Raises UsageError for a folder that
        holds other things, StorageError where it cannot be written."""
        store = cls(path)
        if store.is_made():
            return cls.open(path)
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path} is a file. Name a folder with --lake.")
        if path.is_dir() and any(not _own(p.name) for p in path.iterdir()):
            raise UsageError(
                f"{path} holds other files and no lake. Name an empty or new folder with --lake."
            )
        try:
            store.path.mkdir(parents=True, exist_ok=True)
            with store.lock():
                if not store.is_made():
                    DeltaTable.create(
                        store.path / ledger.TABLE,
                        schema=ledger.SCHEMA,
                        partition_by=["kind"],
                        name="siem-lake",
                        description=json.dumps({"format": FORMAT}),
                        configuration=CONFIGURATION,
                    )
        except OSError as error:
            raise StorageError(
                f"cannot make a lake at {path}: {error}. Name another folder."
            ) from error
        return store

    def is_made(self) -> bool:
        """Whether there is a lake; one killed at once leaves a log without a version."""
        return any((self.path / ledger.TABLE / "_delta_log").glob("0*.json"))

    def _check_format(self) -> None:
        try:
            described = self._ledger().metadata().description or "{}"
            found = int(json.loads(described).get("format", 0))
        except (DeltaError, ValueError) as error:
            raise LakeError(f"{self.path} cannot be read as a lake: {error}") from error
        if found > FORMAT:
            raise LakeVersionError(
                f"{self.path} was made by a newer siem-lake (format {found}; this one reads "
                f"up to {FORMAT}). Upgrade: pip install -U siem-lake."
            )

    # -- reading --------------------------------------------------------------------------------

    def _ledger(self, as_of: datetime | None = None) -> DeltaTable:
        table = DeltaTable(self.path / ledger.TABLE)
        if as_of is not None:
            made = table.metadata().created_time or 0
            if as_of.timestamp() * 1000 < made:
                at = datetime.fromtimestamp(made / 1000, UTC)
                raise UsageError(
                    f"the lake has no state as of {_utc(as_of)}: it was made at {_utc(at)}."
                )
            table.load_as_version(as_of)
        return table

    def snapshot(self, as_of: datetime | None = None) -> Snapshot:
        """The last committed batch, or the last one at a point in time (aware)."""
        table = self._ledger(as_of)
        batches = sorted(p for p in _paths(table) if p.startswith("kind=batch/"))
        if not batches:
            return Snapshot(0, table.version(), {})
        last = pq.ParquetFile(self.path / ledger.TABLE / batches[-1])
        row = last.read(["batch", "tables"]).to_pylist()[0]
        return Snapshot(int(row["batch"]), table.version(), dict(json.loads(row["tables"])))

    def ledger_version(self) -> int:
        """The version of `_lake`: changes with every commit, cheap to ask."""
        return int(self._ledger().version())

    def files(self, table: str, snapshot: Snapshot) -> list[DataFile]:
        """The files of a source's table in a snapshot, by partition."""
        if table not in snapshot.tables:
            return []
        root = self.path / table
        actions = add_actions(DeltaTable(root, version=snapshot.tables[table])).to_pylist()
        found = [
            DataFile(
                str(root / a["path"]),
                a["partition.account"],
                a["partition.region"],
                str(a["partition.date"]),
                int(a["num_records"]),
                int(a["size_bytes"]),
            )
            for a in actions
        ]
        return sorted(found, key=lambda f: (f.date, f.account, f.region, f.path))

    def ledger_files(self, kind: str, snapshot: Snapshot) -> list[str]:
        """The files of `_lake` that hold a kind of rows, oldest first."""
        table = DeltaTable(self.path / ledger.TABLE, version=snapshot.ledger_version)
        root = self.path / ledger.TABLE
        return [str(root / p) for p in sorted(_paths(table)) if p.startswith(f"kind={kind}/")]

    # -- writing --------------------------------------------------------------------------------

    @contextmanager
    def lock(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """The one writer's lock; `waiting` is called once where another holds it."""
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if waiting is not None:
                waiting()
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _own(name: str) -> bool:
    return name.startswith(("_", ".")) or name == "lake.duckdb"


def add_actions(table: DeltaTable) -> pa.Table:
    """A row a file; not by `pa.table`, which imports pandas."""
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()


def _paths(table: DeltaTable) -> list[str]:
    return list(add_actions(table)["path"].to_pylist())


def table_schema(table: str) -> pa.Schema:
    """The Arrow schema of a source's table, partition keys last."""
    columns = table_columns(catalogue()[table])
    return pa.schema([(name, arrow_type(kind)) for name, kind in columns.items()])
