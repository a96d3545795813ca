"""The lake on disk: one Delta table a source and `_lake`, which says what counts.

A row of `_lake` names a batch and the version of every table that it stands on. Readers open the
tables at those versions, so a batch is there whole or not at all. How it gets there is
`lake.store.commit`'s part.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from lake.errors import AccessError, LakeError, LakeVersionError, StorageError, UsageError
from lake.paths import JOURNAL, lake_folder
from lake.sources.fieldsets import literal
from lake.store import ledger
from lake.store.behind import behind
from lake.store.damage import is_closed
from lake.store.delta import add_actions, logged_times, open_table, paths
from lake.store.deltalog import check_whole, is_torn, newest, version_at, version_file
from lake.store.files import ASK, batch_of
from lake.store.growth import Lacking, Model, growth
from lake.store.heads import head_file
from lake.store.lock import locked
from lake.store.rowmodels import present_model
from lake.store.snapshot import DataFile, Snapshot, read_snapshot
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa


FORMAT = 1
"""Of the folder's layout and the row model. A lake with a higher number is not opened."""
CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days"}
LOCK = "_lake.lock"
_PLACE = ("path", "partition.account", "partition.region", "partition.date")


class Store:
    """A lake's folder. Reading needs no lock; `commit` takes the lake's own. Raises UsageError for
    a path that cannot be a lake's (see `lake.paths.lake_folder`)."""

    def __init__(self, path: Path) -> None:
        self.path = lake_folder(path)
        self._listed: tuple[int, list[str]] | None = None
        """A version of `_lake` and its files: each kind of rows is asked for, and versions stay."""
        self._last: DeltaTable | None = None
        """`_lake` as it was last opened; of 10,000 objects that takes 15 ms."""

    @classmethod
    def open(cls, path: Path) -> Store:
        """An existing lake. Raises UsageError where there is none, LakeVersionError for a newer."""
        store = cls(path)
        if not store.is_made():
            what = Sentence("the folder holds none")
            if not path.exists():
                what = Sentence("the folder is not there")
            elif path.is_dir() and not any(path.iterdir()):
                what = Sentence("the folder is empty")
            raise UsageError(
                Sentence(
                    "no lake at {path}: {what}. Make one with `lake ingest WHERE --lake DIR`, or "
                    "name another with --lake.",
                    path=str(path),
                    what=what,
                )
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
        if path.is_dir() and any(
            not is_own(entry.name) and entry.name[0] != "." for entry in path.iterdir()
        ):
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
        """Whether there is a lake; one killed at once leaves a log without a version. Raises
        AccessError where that may not be looked at."""
        log = self.path / ledger.TABLE / "_delta_log"
        if is_closed(log):
            raise AccessError(f"{log} may not be read. What to do: {ASK}.")
        return any(log.glob("0*.json"))

    def _check_format(self) -> None:
        try:
            described = self._ledger().metadata().description or "{}"
            found = int(json.loads(described).get("format", 0))
        except ValueError as error:
            raise LakeError(f"{self.path} cannot be read as a lake: {error}") from error
        if found > FORMAT:
            raise LakeVersionError(
                f"{self.path} was made by a newer siem-lake (format {found}; this one reads "
                f"up to {FORMAT}). Upgrade: pip install -U siem-lake."
            )

    # -- reading --------------------------------------------------------------------------------

    def _ledger(self, as_of: datetime | None = None) -> DeltaTable:
        table, last = self._last, self._newest()
        try:
            if table is None or table.version() != last:
                table = self._last = open_table(self.path / ledger.TABLE, last)
        except TableNotFoundError as error:
            raise StorageError(
                f"the lake at {self.path} cannot be read any more: {error}. What was committed "
                "stays; mend the cause (mount the disk) and run the same command again."
            ) from error
        if as_of is not None:
            made = table.metadata().created_time or 0
            if as_of.timestamp() * 1000 < made:
                at = datetime.fromtimestamp(made / 1000, UTC)
                raise UsageError(
                    f"the lake has no state as of {_utc(as_of)}: it was made at {_utc(at)}."
                )
            version = version_at(self.path / ledger.TABLE, as_of)
            if version is None:
                raise UsageError(
                    f"the lake has no state as of {_utc(as_of)}: what its log told of that time "
                    "was cleaned up. Name a later time."
                )
            return open_table(self.path / ledger.TABLE, version)
        return table

    def _newest(self) -> int | None:
        """The last version of `_lake`, but for one that a power cut tore while a commit began it:
        the journal tells of that, and the next writer takes it back (`lake.store.recover`)."""
        root = self.path / ledger.TABLE
        last = newest(root)
        if last and (self.path / JOURNAL).exists() and is_torn(version_file(root, last)):
            return last - 1
        return last

    def snapshot(self, as_of: datetime | None = None) -> Snapshot:
        """The last committed batch, or the last one at a point in time (aware)."""
        return self._snapshot_of(self._ledger(as_of), as_of)

    def snapshot_at(self, version: int) -> Snapshot:
        """The last batch that a version of `_lake` tells of."""
        return self._snapshot_of(open_table(self.path / ledger.TABLE, version))

    def _snapshot_of(self, table: DeltaTable, as_of: datetime | None = None) -> Snapshot:
        self._listed = table.version(), sorted(paths(table))
        batches = [path for path in self._listed[1] if path.startswith("kind=batch/")]
        if not batches:
            return Snapshot(0, table.version(), {})
        path = self.path / ledger.TABLE / batches[-1]
        if as_of is not None and not path.exists():
            raise self._deleted(as_of, 1)
        return read_snapshot(path, table.version())

    def check_there(self, snapshot: Snapshot, as_of: datetime) -> None:
        """Raises LakeError where files of an earlier snapshot have been deleted since."""
        held = [file.path for table in snapshot.tables for file in self.files(table, snapshot)]
        held += [path for kind in ledger.KINDS for path in self.ledger_files(kind, snapshot)]
        gone = sum(not Path(path).exists() for path in held)
        if gone:
            raise self._deleted(as_of, gone)

    def _deleted(self, as_of: datetime, files: int) -> LakeError:
        since = self.snapshot().vacuumed
        known = f" Times since {since} can be read." if since else ""
        return LakeError(
            f"the lake cannot be read as of {_utc(as_of)}: {files:,} files of that time have been "
            f"deleted (`lake compact` after its grace, or `lake forget --now`).{known}"
        )

    def ledger_version(self) -> int:
        """The version of `_lake`: changes with every commit, cheap to ask."""
        version = self._newest()
        return int(self._ledger().version()) if version is None else version

    def check_log(self, table: str, snapshot: Snapshot) -> None:
        """Raises LakeError where a table's log is not whole, or ends before the snapshot."""
        if not check_whole(self.path / table, snapshot.tables[table]):
            what, advice = behind(self.path, table, snapshot, self.snapshot_at)
            raise LakeError(f"the lake at {self.path} is not whole: {what}. What to do: {advice}.")

    def files(self, table: str, snapshot: Snapshot) -> list[DataFile]:
        """The files of a source's table in a snapshot, by partition. Raises LakeError where its log
        is not whole."""
        if table not in snapshot.tables:
            return []
        root = self.path / table
        actions = self.file_actions(table, snapshot)
        names, accounts, regions, dates, rows, sizes = (
            actions[name].to_pylist() for name in (*_PLACE, "num_records", "size_bytes")
        )
        found = [
            DataFile(f"{root}/{name}", account, region, str(day), count, size, *times)
            for name, account, region, day, count, size, times in zip(
                names, accounts, regions, dates, rows, sizes, logged_times(actions), strict=True
            )
        ]
        return sorted(found, key=lambda file: (file.date, file.account, file.region, file.path))

    def file_actions(self, table: str, snapshot: Snapshot) -> pa.Table:
        """A row for each file of a table that the snapshot has, as `DeltaTable.get_add_actions`
        gives them flat. Raises LakeError where its log is not whole."""
        self.check_log(table, snapshot)
        return add_actions(open_table(self.path / table, snapshot.tables[table]))

    def names(self, table: str, files: Iterable[DataFile]) -> list[str]:
        """Files as their table's log names them: relative to its folder."""
        return [Path(file.path).relative_to(self.path / table).as_posix() for file in files]

    def lacking(self, table: str, snapshot: Snapshot, files: Sequence[str]) -> Lacking:
        """What some of a table's files do not have of the present row model: a source's, or
        `_lake`'s. Raises ModelError where the model contradicts what is there."""
        model = snapshot.models.get(table, Model(""))
        found = Lacking()
        if model.grown and files:
            found = model.lacking(min(map(batch_of, files)))
        version, schema = present_model(table)
        if model.version != version:
            at = snapshot.ledger_version if table == ledger.TABLE else snapshot.tables[table]
            grown = growth(open_table(self.path / table, at).schema(), schema())
            grown.must_be_growth(table, self.path)
            found |= grown.lacking
        return found

    def ledger_files(self, kind: str, snapshot: Snapshot) -> list[str]:
        """The files of `_lake` that hold a kind of rows, oldest first."""
        root, version = self.path / ledger.TABLE, snapshot.ledger_version
        listed = self._listed
        if listed is None or listed[0] != version:
            listed = self._listed = version, sorted(paths(open_table(root, version)))
        return [f"{root}/{path}" for path in listed[1] if path.startswith(f"kind={kind}/")]

    def headed_ledger_files(self, kind: str, snapshot: Snapshot) -> list[str]:
        """The same behind an empty file that has every column: there may be none, and those of
        earlier versions lack some."""
        head = head_file(self.path, f"ledger-{ledger.VERSION}.parquet", lambda: ledger.SCHEMA)
        return [head, *self.ledger_files(kind, snapshot)]

    def ledger_sql(self, kind: str, snapshot: Snapshot) -> str:
        """The rows of `_lake` of a kind and their `filename`, as a table function of DuckDB's."""
        head, *files = self.headed_ledger_files(kind, snapshot)
        union = ", union_by_name = true" if self.lacking(ledger.TABLE, snapshot, files) else ""
        listed = ", ".join(map(literal, [head, *files]))
        return f"read_parquet([{listed}], filename = true, hive_partitioning = false{union})"

    # -- writing --------------------------------------------------------------------------------

    @contextmanager
    def lock(self, waiting: Callable[[], None] | None = None, name: str = LOCK) -> Iterator[None]:
        """The one writer's lock, or another by its name; `waiting` is called once where another
        process holds it."""
        with locked(self.path / name, waiting):
            yield


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def is_own(name: str) -> bool:
    """Whether an entry of a lake's folder is the lake's."""
    return name.startswith("_") or name == "lake.duckdb"
