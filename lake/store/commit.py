"""What makes a batch part of the lake, whole or not at all.

A commit of batch n first brings tables to the present row model, then adds and removes their files,
then writes n with the version of every table into `_lake`. A journal in the lake's folder tells the
next writer what a killed one had begun (`lake.store.recover`). Ingest, compaction, rebuild and
forgetting all commit so; what they commit is theirs to say.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lake.errors import StorageError
from lake.paths import JOURNAL
from lake.program import program_version
from lake.sources.fieldsets import PARTITION
from lake.sources.rowmodel import table_schema
from lake.store import ledger
from lake.store.delta import add_actions, marked
from lake.store.deltalog import version_file
from lake.store.files import file_name, flush_to_disk, sha256_of
from lake.store.journal import Journal, write_journal
from lake.store.recover import take_back_others
from lake.store.rowmodels import grown_models, growths, widen
from lake.store.table import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from lake.store.growth import Model
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

KEYS = list(PARTITION)
FIRST_STAGED = 100
"""Number of the first staged file of `_lake`; those that the commit writes come before it."""

Action = AddAction | RemoveAction


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """A staged file of `_lake`; `last` is the last batch whose rows it holds, where these are not
    the present one's."""

    path: Path
    kind: str = "reject"
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """What becomes visible together.

    `files` are staged and move to their places; `removed` names the files that leave each table
    (`_lake` among them), relative to its folder; they stay on disk for those who read an earlier
    version. `ledger_rows` makes rows of `_lake` by kind from the batch's number; `ledger_files`
    are staged ones. `data_change` is false where the same rows only lie in other files. `did` names
    the command; `kept_from`, `vacuumed` and `geoip` as `Snapshot` has them;
    `rebuilt` are tables whose every file is a new one, with the transform that made them. A file
    has every column and STRUCT of its table's row model, whatever leaves it lacks: the views rely
    on it from the first batch on that has this model.
    """

    files: Sequence[StagedFile] = ()
    ledger_rows: Callable[[int], list[pa.Table]] = lambda _: []
    ledger_files: Sequence[LedgerFile] = ()
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_change: bool = True
    did: str = "ingest"
    kept_from: Mapping[str, str] = field(default_factory=dict)
    vacuumed: str | None = None
    geoip: str | None = None
    rebuilt: Mapping[str, str] = field(default_factory=dict)


class Move(NamedTuple):
    """A staged file and the place that it takes."""

    staged: Path
    target: Path


def commit(store: Store, batch: Commit) -> Snapshot:
    """Make a batch part of the lake. The caller holds the lock and has called `recover`.

    Raises StorageError where the disk or Delta refuses, ModelError where the row model contradicts
    a table; nothing of the batch counts then.
    """
    before = store.snapshot()
    run = _Run(store, batch, before, before.batch + 1)
    try:
        run.commit()
    except (OSError, DeltaError, pa.ArrowException) as error:
        raise StorageError(
            f"the commit of batch {run.number} failed: {error}. Nothing of it counts; mend the "
            "cause (free space, mount the disk) and run the same command again."
        ) from error
    (store.path / JOURNAL).unlink(missing_ok=True)
    return store.snapshot()


@dataclass(slots=True)
class _Run:
    """One commit at work. `before` is the lake's state until it counts, `number` the batch's."""

    store: Store
    batch: Commit
    before: Snapshot
    number: int
    moves: list[Move] = field(default_factory=list)
    actions: dict[str, list[Action]] = field(default_factory=dict)
    """Table -> what Delta's log is told of its files."""

    def commit(self) -> None:
        """The steps, in the order that `lake.store.recover` relies on."""
        self._plan_tables()
        ledger_actions = self._plan_ledger()
        tables = [*self.actions]
        grown = growths(self.store.path, self.before, tables, self.batch.rebuilt)
        remade = {table for table, growth in grown.items() if growth.contradictions}
        wider = [table for table, growth in grown.items() if growth.added or table in remade]
        versions = {**self.before.tables, ledger.TABLE: self.before.ledger_version}
        self._begin([*tables, *wider], versions)
        for staged, target in self.moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        for table in dict.fromkeys([*wider, *tables]):
            take_back_others(self.store, table, self.before.tables.get(table), self.number)
        for table in wider:
            versions[table] = widen(self.store.path, table, self.number, anew=table in remade)
        for table, actions in self.actions.items():
            if table in remade:  # its old files are out already
                actions = [action for action in actions if isinstance(action, AddAction)]
            versions[table] = self._write(table, actions)
        logs = [
            version_file(self.store.path / table, versions[table]) for table in {*tables, *wider}
        ]
        flush_to_disk(self.store.path, [*(move.target for move in self.moves), *logs])
        del versions[ledger.TABLE]
        models = grown_models(self.before, [*versions], grown, self.number)
        self._write_ledger(ledger_actions, versions, models)

    def _plan_tables(self) -> None:
        """Where the staged files go, and what each source's table is told."""
        batch = self.batch
        for at, staged in enumerate(batch.files):
            keys = {"account": staged.account, "region": staged.region, "date": staged.date}
            folder = "/".join(f"{key}={value}" for key, value in keys.items())
            name = f"{folder}/{file_name(self.number, at, staged.sha256)}"
            self.moves.append(Move(staged.path, self.store.path / staged.source / name))
            self.actions.setdefault(staged.source, []).append(
                AddAction(name, staged.size, keys, _now(), batch.data_change, staged.stats)
            )
        for table, names in batch.removed.items():
            if names and table != ledger.TABLE:
                delta = DeltaTable(self.store.path / table, version=self.before.tables[table])
                removals = _removals(delta, names, batch.data_change)
                self.actions.setdefault(table, []).extend(removals)

    def _plan_ledger(self) -> list[Action]:
        """Where the staged files of `_lake` go, and what that is told of them."""
        root, batch = self.store.path / ledger.TABLE, self.batch
        actions: list[Action] = []
        for at, staged in enumerate(batch.ledger_files, FIRST_STAGED):
            last = self.number if staged.last is None else staged.last
            name = f"kind={staged.kind}/{file_name(last, at, sha256_of(staged.path))}"
            self.moves.append(Move(staged.path, root / name))
            stats = json.dumps({"numRecords": pq.read_metadata(staged.path).num_rows})
            size = staged.path.stat().st_size
            kind = {"kind": staged.kind}
            actions.append(AddAction(name, size, kind, _now(), batch.data_change, stats))
        removed = batch.removed.get(ledger.TABLE, ())
        return actions + _removals(DeltaTable(root), removed, batch.data_change)

    def _begin(self, tables: Iterable[str], versions: Mapping[str, int]) -> None:
        """Write the journal, by which the next writer takes back a commit that was killed."""
        lake = self.store.path
        files = [str(move.target.relative_to(lake)) for move in self.moves]
        journal = Journal(self.number, {table: versions.get(table) for table in tables}, files)
        flush_to_disk(lake, [write_journal(self.store, journal)])

    def _write(self, table: str, actions: list[Action]) -> int:
        """One source's commit; returns the table's new version."""
        root = self.store.path / table
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
        self._transact(delta, actions, KEYS)
        return int(delta.version())

    def _write_ledger(
        self, actions: list[Action], versions: dict[str, int], models: dict[str, Model]
    ) -> None:
        """The commit of `_lake`, by which the batch counts."""
        root = self.store.path / ledger.TABLE
        batch = ledger.batch_table(
            self.number, versions, models, program_version(), self._context()
        )
        for at, rows in enumerate([*self.batch.ledger_rows(self.number), batch]):
            if rows.num_rows:
                actions.append(self._ledger_file(root, rows, at))
        flush_to_disk(
            self.store.path,
            [root / action.path for action in actions if isinstance(action, AddAction)],
        )
        delta = DeltaTable(root)
        self._transact(delta, actions, ["kind"])
        flush_to_disk(self.store.path, [version_file(root, delta.version())])

    def _context(self) -> dict[str, Any]:
        """What the batch's row says of it, and what holds from it on."""
        batch, before = self.batch, self.before
        context: dict[str, Any] = {"did": batch.did}
        if kept_from := {**before.kept_from, **batch.kept_from}:
            context["kept_from"] = kept_from
        geoip = before.geoip if batch.geoip is None else batch.geoip
        if geoip is not None:
            context["geoip"] = geoip
        if vacuumed := batch.vacuumed or before.vacuumed:
            context["vacuumed"] = vacuumed
        rebuilt = {table: (self.number, made) for table, made in batch.rebuilt.items()}
        if rebuilt := before.rebuilt | rebuilt:
            context["rebuilt"] = rebuilt
        return context

    def _ledger_file(self, root: Path, rows: pa.Table, at: int) -> AddAction:
        kind = rows["kind"][0].as_py()
        sink = pa.BufferOutputStream()
        pq.write_table(rows.drop_columns(["kind"]), sink, compression="zstd")
        data = memoryview(sink.getvalue())
        name = f"kind={kind}/{file_name(self.number, at, hashlib.sha256(data).hexdigest())}"
        (root / name).parent.mkdir(exist_ok=True)
        size = (root / name).write_bytes(data)
        stats = json.dumps({"numRecords": rows.num_rows})
        return AddAction(name, size, {"kind": kind}, _now(), True, stats)

    def _transact(self, delta: DeltaTable, actions: list[Action], keys: list[str]) -> None:
        delta.create_write_transaction(
            actions,
            "append",
            delta.schema(),
            partition_by=keys,
            commit_properties=marked(self.number),
        )
        delta.update_incremental()


def _removals(delta: DeltaTable, names: Sequence[str], data_change: bool) -> list[Action]:
    if not names:
        return []
    keys = list(delta.metadata().partition_columns)
    known = {action["path"]: action for action in add_actions(delta).to_pylist()}
    return [
        RemoveAction(
            name,
            data_change,
            _now(),
            known[name]["size_bytes"],
            {key: str(known[name][f"partition.{key}"]) for key in keys},
        )
        for name in names
    ]


def _now() -> int:
    """Milliseconds since 1970, UTC, as Delta's actions want."""
    return int(time.time() * 1000)
