"""What makes a batch part of the lake, whole or not at all.

A commit of batch n first brings tables to the present row model, then adds and removes their files,
then writes n with the version of every table into `_lake`. A journal in the lake's folder tells the
next writer what a killed one had begun: `recover` takes it back. Ingest, compaction and rebuild all
commit so; what they commit is theirs to say.
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
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lake import ledger
from lake.errors import StorageError
from lake.fieldsets import PARTITION
from lake.growth import Growth, Model, growth
from lake.sources import catalogue
from lake.table import (
    CONFIGURATION,
    Snapshot,
    add_actions,
    present_model,
    program_version,
    table_schema,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
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
    are staged files of rejects. `data_change` is false where the same rows only lie otherwise. A
    file has every column and STRUCT of its table's row model, whatever leaves it lacks: the views
    rely on it from the first batch on that has this model.
    """

    files: Sequence[StagedFile] = ()
    ledger_rows: Callable[[int], list[pa.Table]] = lambda _: []
    ledger_files: Sequence[Path] = ()
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_change: bool = True


def commit(store: Store, given: Commit) -> Snapshot:
    """Make a batch part of the lake. The caller holds the lock and has called `recover`.

    Raises StorageError where the disk or Delta refuses, ModelError where the row model contradicts
    a table; nothing of the batch counts then.
    """
    before = store.snapshot()
    number = before.batch + 1
    moves, tables = _plan(store, given, number)
    grown = growths(store, before, tables)
    wider = [table for table, one in grown.items() if one.added]
    versions = {**before.tables, ledger.TABLE: before.ledger_version}
    journal = {
        "batch": number,
        "tables": {t: versions.get(t) for t in [*tables, *wider]},
        "files": [str(target.relative_to(store.path)) for _, target in moves],
    }
    try:
        _write_journal(store, journal)
        for source, target in moves:
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        for table in wider:
            versions[table] = _widen(store, table, number)
        for table, actions in tables.items():
            versions[table] = _write(store, table, actions, number)
        del versions[ledger.TABLE]
        _commit_ledger(store, given, number, versions, _models(before, [*versions], grown, number))
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


def growths(store: Store, before: Snapshot, tables: Iterable[str] = ()) -> dict[str, Growth]:
    """How every table, not only the batch's, differs from its row model, where the last batch was
    not written with the present one. Tables of which no source is known stay as they are. Raises
    ModelError where the row model contradicts a table."""
    found = {}
    for table in sorted({ledger.TABLE, *before.tables, *tables}):
        if table != ledger.TABLE and table not in catalogue().sources:
            continue
        version, schema = present_model(table)
        if table in before.models and before.models[table].version == version:
            continue
        try:
            stored = DeltaTable(store.path / table).schema()
        except TableNotFoundError:
            continue
        found[table] = growth(stored, schema())
        found[table].must_be_growth(table, store.path)
    return found


def _models(
    before: Snapshot, tables: Iterable[str], grown: Mapping[str, Growth], number: int
) -> dict[str, Model]:
    """Each table's row model from this batch on."""
    models = dict(before.models)
    for table in [ledger.TABLE, *tables]:
        if table == ledger.TABLE or table in catalogue().sources:
            lacking = grown.get(table, Growth()).lacking
            model = models.get(table, Model(""))
            models[table] = model.grow(present_model(table)[0], number, lacking)
    return models


def _widen(store: Store, table: str, number: int) -> int:
    """Tell Delta of new columns and leaves, which a commit of files does not; gives the table's new
    version."""
    root = store.path / table
    rows = present_model(table)[1]().empty_table()
    write_deltalake(
        root, rows, mode="append", schema_mode="merge", commit_properties=_marked(number)
    )
    return int(DeltaTable(root).version())


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


def _commit_ledger(
    store: Store, given: Commit, number: int, versions: dict[str, int], models: dict[str, Model]
) -> None:
    delta = DeltaTable(store.path / ledger.TABLE)
    root = store.path / ledger.TABLE
    rows = [
        *given.ledger_rows(number),
        ledger.batch_table(number, versions, models, program_version()),
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
