"""The lake on disk: one Delta table a source and `_lake`, and the commit that binds them.

A commit of batch n first adds the files of every source's table, then writes n with the version
of every table into `_lake`. Readers open the tables at those versions, so a batch is there whole or
not at all. A journal in the lake's folder tells the next writer what a killed one had begun.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction
from filelock import FileLock, Timeout

from lake import ledger
from lake.errors import LakeError, LakeVersionError, StorageError, UsageError
from lake.fieldsets import PARTITION
from lake.rowmodel import arrow_type, table_columns
from lake.sources import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lake.worker import StagedFile

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


@dataclass(slots=True)
class Commit:
    """What becomes visible together: staged files, and rows of `_lake` by kind."""

    files: Sequence[StagedFile]
    ledger_rows: Callable[[int], list[pa.Table]]
    ledger_files: Sequence[Path] = field(default_factory=list)


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
        if not (store.path / ledger.TABLE / "_delta_log").is_dir():
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
        if (store.path / ledger.TABLE / "_delta_log").is_dir():
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
                if not (store.path / ledger.TABLE / "_delta_log").is_dir():
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
        actions = _actions(DeltaTable(root, version=snapshot.tables[table])).to_pylist()
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

    def commit(self, commit: Commit) -> Snapshot:
        """Make a batch part of the lake. The caller holds the lock and has called `recover`."""
        before = self.snapshot()
        number = before.batch + 1
        moves, tables = self._plan(commit, number)
        journal = {
            "batch": number,
            "tables": {t: before.tables.get(t) for t in tables},
            "files": [str(target.relative_to(self.path)) for _, target in moves],
        }
        try:
            self._write_journal(journal)
            for source, target in moves:
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
            versions = dict(before.tables)
            for table, actions in tables.items():
                versions[table] = self._append(table, actions, number)
            self._commit_ledger(commit, number, versions)
        except (OSError, DeltaError, pa.ArrowException) as error:
            raise StorageError(
                f"the commit of batch {number} failed: {error}. Nothing of it counts; mend the "
                "cause (free space, mount the disk) and run the same command again."
            ) from error
        (self.path / JOURNAL).unlink(missing_ok=True)
        return self.snapshot()

    def _plan(
        self, commit: Commit, number: int
    ) -> tuple[list[tuple[Path, Path]], dict[str, list[AddAction | RemoveAction]]]:
        moves: list[tuple[Path, Path]] = []
        tables: dict[str, list[AddAction | RemoveAction]] = {}
        now = int(time.time() * 1000)
        for at, staged in enumerate(commit.files):
            keys = {"account": staged.account, "region": staged.region, "date": staged.date}
            folder = "/".join(f"{k}={v}" for k, v in keys.items())
            name = f"{folder}/{number:08d}-{at:05d}-{uuid.uuid4().hex[:8]}.parquet"
            moves.append((staged.path, self.path / staged.source / name))
            tables.setdefault(staged.source, []).append(
                AddAction(name, staged.size, keys, now, True, staged.stats)
            )
        return moves, tables

    def _append(self, table: str, actions: list[AddAction | RemoveAction], number: int) -> int:
        root = self.path / table
        try:
            delta = DeltaTable(root)
        except TableNotFoundError:
            delta = DeltaTable.create(
                root,
                schema=table_schema(table),
                partition_by=KEYS,
                name=table,
                configuration=CONFIGURATION,
            )
        delta.create_write_transaction(
            actions,
            "append",
            delta.schema(),
            partition_by=KEYS,
            commit_properties=CommitProperties(custom_metadata={"batch": str(number)}),
        )
        delta.update_incremental()
        return int(delta.version())

    def _commit_ledger(self, commit: Commit, number: int, versions: dict[str, int]) -> None:
        delta = self._ledger()
        root = self.path / ledger.TABLE
        rows = [
            *commit.ledger_rows(number),
            ledger.batch_table(number, versions, program_version()),
        ]
        actions: list[AddAction | RemoveAction] = []
        for table in rows:
            if table.num_rows:
                kind = table["kind"][0].as_py()
                name = f"kind={kind}/{number:08d}-{uuid.uuid4().hex[:8]}.parquet"
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(table.drop_columns(["kind"]), root / name, compression="zstd")
                actions.append(_ledger_action(root, name, kind, table.num_rows))
        for staged in commit.ledger_files:
            name = f"kind=reject/{number:08d}-{uuid.uuid4().hex[:8]}.parquet"
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            count = pq.read_metadata(staged).num_rows
            staged.replace(root / name)
            actions.append(_ledger_action(root, name, "reject", count))
        delta.create_write_transaction(
            actions,
            "append",
            delta.schema(),
            partition_by=["kind"],
            commit_properties=CommitProperties(custom_metadata={"batch": str(number)}),
        )

    def _write_journal(self, journal: dict[str, Any]) -> None:
        temporary = self.path / f"{JOURNAL}.new"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(journal, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / JOURNAL)

    def recover(self) -> str | None:
        """Undo what a killed writer had begun and not committed; says what was done, if anything.
        The caller holds the lock."""
        path = self.path / JOURNAL
        try:
            journal = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            path.unlink()
            return None
        done = self.snapshot().batch >= journal["batch"]
        if not done:
            for table, before in journal["tables"].items():
                self._undo(table, before)
            for name in journal["files"]:
                (self.path / name).unlink(missing_ok=True)
        path.unlink()
        return None if done else f"an unfinished batch {journal['batch']} was removed"

    def _undo(self, table: str, before: int | None) -> None:
        """Take the files out of a table that were added after a version."""
        try:
            delta = DeltaTable(self.path / table)
        except TableNotFoundError:
            return
        if before is None or delta.version() <= before:
            kept: set[str] = set(_paths(delta)) if before is not None else set()
        else:
            kept = set(_paths(DeltaTable(self.path / table, version=before)))
        actions = _actions(delta).to_pylist()
        removed: list[AddAction | RemoveAction] = [
            RemoveAction(
                a["path"],
                True,
                int(time.time() * 1000),
                a["size_bytes"],
                {k: str(a[f"partition.{k}"]) for k in KEYS},
            )
            for a in actions
            if a["path"] not in kept
        ]
        if removed:
            delta.create_write_transaction(removed, "append", delta.schema(), partition_by=KEYS)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _own(name: str) -> bool:
    return name.startswith(("_", ".")) or name == "lake.duckdb"


def _actions(table: DeltaTable) -> pa.Table:
    """A row a file; not by `pa.table`, which imports pandas."""
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()


def _paths(table: DeltaTable) -> list[str]:
    return list(_actions(table)["path"].to_pylist())


def _ledger_action(root: Path, name: str, kind: str, rows: int) -> AddAction:
    stats = json.dumps({"numRecords": rows})
    size = (root / name).stat().st_size
    return AddAction(name, size, {"kind": kind}, int(time.time() * 1000), True, stats)


def table_schema(table: str) -> pa.Schema:
    """The Arrow schema of a source's table, partition keys last."""
    columns = table_columns(catalogue()[table])
    return pa.schema([(name, arrow_type(kind)) for name, kind in columns.items()])
