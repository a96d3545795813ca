"""What makes a batch part of the lake, whole or not at all.

A commit of batch n first adds and removes the files of every table, then writes n with the version
of every table into `_lake`. A journal in the lake's folder tells the next writer what a killed one
had begun: `recover` takes it back. Ingest, compaction and rebuild all commit so; what they commit
is theirs to say.
"""

from __future__ import annotations

import json
import os
import time
import uuid
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
from lake.table import CONFIGURATION, Snapshot, add_actions, program_version, table_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lake.table import Store
    from lake.worker import StagedFile

JOURNAL = "_journal.json"
KEYS = list(PARTITION)

Action = AddAction | RemoveAction


@dataclass(frozen=True, slots=True)
class Commit:
    """What becomes visible together.

    `files` are staged and move to their places; `removed` names the files that leave each table
    (`_lake` among them), relative to its folder; they stay on disk for those who read an earlier
    version. `ledger_rows` gives rows of `_lake` by kind, told the batch's number; `ledger_files`
    are staged files of rejects. `data_change` is false where the same rows only lie otherwise.
    """

    files: Sequence[StagedFile] = ()
    ledger_rows: Callable[[int], list[pa.Table]] = lambda _: []
    ledger_files: Sequence[Path] = ()
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_change: bool = True


def commit(store: Store, given: Commit) -> Snapshot:
    """Make a batch part of the lake. The caller holds the lock and has called `recover`.

    Raises StorageError where the disk or Delta refuses; nothing of the batch counts then.
    """
    before = store.snapshot()
    number = before.batch + 1
    moves, tables = _plan(store, given, number)
    journal = {
        "batch": number,
        "tables": {t: before.tables.get(t) for t in tables},
        "files": [str(target.relative_to(store.path)) for _, target in moves],
    }
    try:
        _write_journal(store, journal)
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        versions = dict(before.tables)
        for table, actions in tables.items():
            versions[table] = _write(store, table, actions, number)
        _commit_ledger(store, given, number, versions)
    except (OSError, DeltaError, pa.ArrowException) as error:
        raise StorageError(
            f"the commit of batch {number} failed: {error}. Nothing of it counts; mend the "
            "cause (free space, mount the disk) and run the same command again."
        ) from error
    (store.path / JOURNAL).unlink(missing_ok=True)
    return store.snapshot()


def _plan(
    store: Store, given: Commit, number: int
) -> tuple[list[tuple[Path, Path]], dict[str, list[Action]]]:
    """Where the staged files go, and what each source's table is told."""
    moves: list[tuple[Path, Path]] = []
    tables: dict[str, list[Action]] = {}
    for at, staged in enumerate(given.files):
        keys = {"account": staged.account, "region": staged.region, "date": staged.date}
        folder = "/".join(f"{k}={v}" for k, v in keys.items())
        name = f"{folder}/{number:08d}-{at:05d}-{uuid.uuid4().hex[:8]}.parquet"
        moves.append((staged.path, store.path / staged.source / name))
        tables.setdefault(staged.source, []).append(
            AddAction(name, staged.size, keys, _now(), given.data_change, staged.stats)
        )
    for table, names in given.removed.items():
        if names and table != ledger.TABLE:
            delta = DeltaTable(store.path / table)
            tables.setdefault(table, []).extend(_removals(delta, names, given.data_change))
    return moves, tables


def _write(store: Store, table: str, actions: list[Action], number: int) -> int:
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
    _transact(delta, actions, KEYS, number)
    delta.update_incremental()
    return int(delta.version())


def _commit_ledger(store: Store, given: Commit, number: int, versions: dict[str, int]) -> None:
    delta = DeltaTable(store.path / ledger.TABLE)
    root = store.path / ledger.TABLE
    rows = [
        *given.ledger_rows(number),
        ledger.batch_table(number, versions, program_version()),
    ]
    actions: list[Action] = []
    for table in rows:
        if table.num_rows:
            kind = table["kind"][0].as_py()
            name = _ledger_name(root, kind, number)
            pq.write_table(table.drop_columns(["kind"]), root / name, compression="zstd")
            actions.append(_ledger_action(root, name, kind, table.num_rows))
    for staged in given.ledger_files:
        name = _ledger_name(root, "reject", number)
        count = pq.read_metadata(staged).num_rows
        staged.replace(root / name)
        actions.append(_ledger_action(root, name, "reject", count))
    actions += _removals(delta, given.removed.get(ledger.TABLE, ()), given.data_change)
    _transact(delta, actions, ["kind"], number)


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


def _ledger_name(root: Path, kind: str, number: int) -> str:
    """A new file's name; the files of a kind sort by the batch that wrote them."""
    (root / f"kind={kind}").mkdir(parents=True, exist_ok=True)
    return f"kind={kind}/{number:08d}-{uuid.uuid4().hex[:8]}.parquet"


def _ledger_action(root: Path, name: str, kind: str, rows: int) -> AddAction:
    stats = json.dumps({"numRecords": rows})
    return AddAction(name, (root / name).stat().st_size, {"kind": kind}, _now(), True, stats)


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
    temporary = _new_journal(store)
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(store.path / JOURNAL)


def _new_journal(store: Store) -> Path:
    return store.path / f"{JOURNAL}.new"


def recover(store: Store) -> str | None:
    """Undo what a killed writer had begun and not committed; says what was done, if anything.
    The caller holds the lock."""
    path = store.path / JOURNAL
    _new_journal(store).unlink(missing_ok=True)
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
        for told in (store.path / ledger.TABLE).glob(f"kind=*/{journal['batch']:08d}-*.parquet"):
            told.unlink()
    for table in (*journal["tables"], ledger.TABLE):
        for begun in (store.path / table / "_delta_log").glob("*.json#*"):
            begun.unlink()  # a version that was being written
    path.unlink()
    return None if done else f"an unfinished batch {journal['batch']} was removed"


def _undo(store: Store, table: str, before: int | None, number: int) -> None:
    """Bring a table's files back to what a version had; a table that was new is emptied."""
    try:
        delta = DeltaTable(store.path / table)
    except TableNotFoundError:
        return
    if delta.version() > (before or 0):
        delta.restore(before or 0, commit_properties=_marked(number))
