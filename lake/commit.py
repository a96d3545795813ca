"""What makes a batch part of the lake, whole or not at all.

A commit of batch n first adds and removes the files of every table, then writes n with the version
of every table into `_lake`. A journal in the lake's folder tells the next writer what a killed one
had begun: `recover` takes it back. Ingest, compaction, rebuild and forgetting all commit so; what
they commit is theirs to say. What another program has committed to a table is not built upon.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lake import ledger
from lake.errors import StorageError
from lake.fieldsets import PARTITION
from lake.files import file_name, sha256_of
from lake.table import CONFIGURATION, add_actions, paths, program_version, table_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lake.table import Snapshot, Store
    from lake.worker import StagedFile

JOURNAL = "_journal.json"
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
    version. `ledger_rows` gives rows of `_lake` by kind, told the batch's number; `ledger_files`
    are staged ones. `data_change` is false where the same rows only lie otherwise. `did` says for
    the record what the batch is; `kept_from`, `vacuumed` and `geoip` as `Snapshot` has them.
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


def commit(store: Store, given: Commit) -> Snapshot:
    """Make a batch part of the lake. The caller holds the lock and has called `recover`.

    Raises StorageError where the disk or Delta refuses; nothing of the batch counts then.
    """
    before = store.snapshot()
    number = before.batch + 1
    try:
        moves, tables = _plan(store, given, before, number)
        ledger_moves, actions = _plan_ledger(store, given, number)
        journal = {
            "batch": number,
            "tables": {t: before.tables.get(t) for t in tables},
            "files": [str(t.relative_to(store.path)) for _, t in (*moves, *ledger_moves)],
        }
        _write_journal(store, journal)
        for source, target in (*moves, *ledger_moves):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        versions = dict(before.tables)
        for table, told in tables.items():
            versions[table] = _write(store, table, told, before.tables.get(table), number)
        _commit_ledger(store, given, before, number, versions, actions)
    except (OSError, DeltaError, pa.ArrowException) as error:
        raise StorageError(
            f"the commit of batch {number} failed: {error}. Nothing of it counts; mend the "
            "cause (free space, mount the disk) and run the same command again."
        ) from error
    (store.path / JOURNAL).unlink(missing_ok=True)
    return store.snapshot()


def _plan(
    store: Store, given: Commit, before: Snapshot, number: int
) -> tuple[list[tuple[Path, Path]], dict[str, list[Action]]]:
    """Where the staged files go, and what each source's table is told."""
    moves: list[tuple[Path, Path]] = []
    tables: dict[str, list[Action]] = {}
    for at, staged in enumerate(given.files):
        keys = {"account": staged.account, "region": staged.region, "date": staged.date}
        folder = "/".join(f"{k}={v}" for k, v in keys.items())
        name = f"{folder}/{file_name(number, at, staged.sha256)}"
        moves.append((staged.path, store.path / staged.source / name))
        tables.setdefault(staged.source, []).append(
            AddAction(name, staged.size, keys, _now(), given.data_change, staged.stats)
        )
    for table, names in given.removed.items():
        if names and table != ledger.TABLE:
            delta = DeltaTable(store.path / table, version=before.tables[table])
            tables.setdefault(table, []).extend(_removals(delta, names, given.data_change))
    return moves, tables


def _plan_ledger(
    store: Store, given: Commit, number: int
) -> tuple[list[tuple[Path, Path]], list[Action]]:
    """The same for the staged files of `_lake`."""
    moves: list[tuple[Path, Path]] = []
    actions: list[Action] = []
    for at, staged in enumerate(given.ledger_files, FIRST_STAGED):
        last = number if staged.last is None else staged.last
        name = f"kind={staged.kind}/{file_name(last, at, sha256_of(staged.path))}"
        moves.append((staged.path, store.path / ledger.TABLE / name))
        stats = json.dumps({"numRecords": pq.read_metadata(staged.path).num_rows})
        size = staged.path.stat().st_size
        actions.append(
            AddAction(name, size, {"kind": staged.kind}, _now(), given.data_change, stats)
        )
    removed = given.removed.get(ledger.TABLE, ())
    delta = DeltaTable(store.path / ledger.TABLE)
    return moves, actions + _removals(delta, removed, given.data_change)


def _write(store: Store, table: str, actions: list[Action], before: int | None, number: int) -> int:
    """One source's commit; gives the table's new version."""
    root = store.path / table
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
    _take_back_others(root, delta, before or 0, number)
    _transact(delta, actions, KEYS, number)
    delta.update_incremental()
    return int(delta.version())


def _take_back_others(root: Path, delta: DeltaTable, before: int, number: int) -> None:
    """What another program has committed to a table since our last batch, no reader of the lake
    sees, and the next batch must not let it in. `lake verify` tells of it."""
    if delta.version() == before:
        return
    if set(paths(DeltaTable(root, version=before))) != set(paths(delta)):
        delta.restore(before, commit_properties=_marked(number))
        delta.update_incremental()


def _commit_ledger(
    store: Store,
    given: Commit,
    before: Snapshot,
    number: int,
    versions: dict[str, int],
    actions: list[Action],
) -> None:
    delta = DeltaTable(store.path / ledger.TABLE)
    root = store.path / ledger.TABLE
    context: dict[str, Any] = {"did": given.did}
    if kept_from := {**before.kept_from, **given.kept_from}:
        context["kept_from"] = kept_from
    if geoip := given.geoip or before.geoip:
        context["geoip"] = geoip
    if vacuumed := given.vacuumed or before.vacuumed:
        context["vacuumed"] = vacuumed
    rows = [
        *given.ledger_rows(number),
        ledger.batch_table(number, versions, program_version(), context),
    ]
    for at, table in enumerate(rows):
        if table.num_rows:
            actions.append(_write_ledger(root, table, number, at))
    _transact(delta, actions, ["kind"], number)


def _write_ledger(root: Path, table: pa.Table, number: int, at: int) -> AddAction:
    kind = table["kind"][0].as_py()
    sink = pa.BufferOutputStream()
    pq.write_table(table.drop_columns(["kind"]), sink, compression="zstd")
    data = memoryview(sink.getvalue())
    name = f"kind={kind}/{file_name(number, at, hashlib.sha256(data).hexdigest())}"
    (root / name).parent.mkdir(exist_ok=True)
    size = (root / name).write_bytes(data)
    stats = json.dumps({"numRecords": table.num_rows})
    return AddAction(name, size, {"kind": kind}, _now(), True, stats)


def _transact(delta: DeltaTable, actions: list[Action], keys: list[str], number: int) -> None:
    delta.create_write_transaction(
        actions,
        "append",
        delta.schema(),
        partition_by=keys,
        commit_properties=_marked(number),
    )


def _marked(number: int) -> CommitProperties:
    return CommitProperties(custom_metadata={"batch": str(number)})


def _removals(delta: DeltaTable, names: Sequence[str], data_change: bool) -> list[Action]:
    if not names:
        return []
    keys = list(delta.metadata().partition_columns)
    known = {a["path"]: a for a in add_actions(delta).to_pylist()}
    return [
        RemoveAction(
            name,
            data_change,
            _now(),
            known[name]["size_bytes"],
            {k: str(known[name][f"partition.{k}"]) for k in keys},
        )
        for name in names
    ]


def _now() -> int:
    """Milliseconds since 1970, UTC, as Delta's actions want."""
    return int(time.time() * 1000)


def _write_journal(store: Store, journal: dict[str, Any]) -> None:
    temporary = store.path / f"{JOURNAL}.new"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(store.path / JOURNAL)


def recover(store: Store) -> str | None:
    """Undo what a killed writer had begun and not committed; says what was done, if anything.
    The caller holds the lock."""
    path = store.path / JOURNAL
    try:
        journal = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        path.unlink()
        return None
    done = store.snapshot().batch >= journal["batch"]
    if not done:
        for table, before in journal["tables"].items():
            _undo(store, table, before, journal["batch"])
        for name in journal["files"]:
            (store.path / name).unlink(missing_ok=True)
        _remove_unnamed(store, journal["batch"])
    path.unlink()
    return None if done else f"an unfinished batch {journal['batch']} was removed"


def _remove_unnamed(store: Store, number: int) -> None:
    """Delete the files of `_lake` that a batch had written when it was killed: what is in them was
    not known when the journal was written."""
    root = store.path / ledger.TABLE
    counted = {root / path for path in paths(DeltaTable(root))}
    for found in root.glob(f"kind=*/{number:08d}-*.parquet"):
        if found not in counted:
            found.unlink()


def _undo(store: Store, table: str, before: int | None, number: int) -> None:
    """Bring a table's files back to what a version had; a table that was new is emptied."""
    try:
        delta = DeltaTable(store.path / table)
    except TableNotFoundError:
        return
    if delta.version() > (before or 0):
        delta.restore(before or 0, commit_properties=_marked(number))
