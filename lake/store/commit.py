"""What makes a batch part of the lake, whole or not at all.

A commit of batch n first brings tables to the present row model, then adds and removes their files,
then writes n with the version of every table into `_lake`. A journal in the lake's folder tells the
next writer what a killed one had begun (`lake.store.recover`). Ingest, compaction, rebuild and
forgetting all commit so; what they commit is theirs to say.
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
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

from lake.errors import StorageError
from lake.paths import JOURNAL
from lake.program import program_version
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import PARTITION
from lake.sources.rowmodel import table_schema
from lake.store import ledger
from lake.store.delta import add_actions
from lake.store.deltalog import version_file
from lake.store.files import file_name, sha256_of
from lake.store.growth import Growth, Lacking, Model, growth
from lake.store.journal import new_journal
from lake.store.recover import marked, take_back_others
from lake.store.table import CONFIGURATION, present_model

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from pathlib import Path

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
    version. `ledger_rows` gives rows of `_lake` by kind, told the batch's number; `ledger_files`
    are staged ones. `data_change` is false where the same rows only lie otherwise. `did` says for
    the record what the batch is; `kept_from`, `vacuumed` and `geoip` as `Snapshot` has them;
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


def commit(store: Store, given: Commit) -> Snapshot:
    """Make a batch part of the lake. The caller holds the lock and has called `recover`.

    Raises StorageError where the disk or Delta refuses, ModelError where the row model contradicts
    a table; nothing of the batch counts then.
    """
    before = store.snapshot()
    number = before.batch + 1
    try:
        moves, tables = _plan(store, given, before, number)
        ledger_moves, actions = _plan_ledger(store, given, number)
        grown = growths(store, before, tables, given.rebuilt)
        remade = {table for table, one in grown.items() if one.contradictions}
        wider = [table for table, one in grown.items() if one.added or table in remade]
        versions = {**before.tables, ledger.TABLE: before.ledger_version}
        journal = {
            "batch": number,
            "tables": {t: versions.get(t) for t in [*tables, *wider]},
            "files": [str(t.relative_to(store.path)) for _, t in (*moves, *ledger_moves)],
        }
        _write_journal(store, journal)
        for source, target in (*moves, *ledger_moves):
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        for table in dict.fromkeys([*wider, *tables]):
            take_back_others(store, table, before.tables.get(table), number)
        for table in wider:
            versions[table] = _widen(store, table, number, anew=table in remade)
        for table, told in tables.items():
            if table in remade:  # its old files are out already
                told = [action for action in told if isinstance(action, AddAction)]
            versions[table] = _write(store, table, told, number)
        logs = [version_file(store.path / t, versions[t]) for t in {*tables, *wider}]
        _flush(store.path, [*(target for _, target in (*moves, *ledger_moves)), *logs])
        del versions[ledger.TABLE]
        models = _models(before, [*versions], grown, number)
        _commit_ledger(store, given, before, number, versions, models, actions)
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


def growths(
    store: Store, before: Snapshot, tables: Iterable[str] = (), rebuilt: Container[str] = ()
) -> dict[str, Growth]:
    """How every table, not only the batch's, differs from its row model, where the last batch was
    not written with the present one. Tables of which no source is known stay as they are. Raises
    ModelError where the row model contradicts a table that is not rebuilt."""
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
        if table not in rebuilt:
            found[table].must_be_growth(table, store.path)
    return found


def _models(
    before: Snapshot, tables: Iterable[str], grown: Mapping[str, Growth], number: int
) -> dict[str, Model]:
    """Each table's row model from this batch on."""
    models = dict(before.models)
    for table in [ledger.TABLE, *tables]:
        if table == ledger.TABLE or table in catalogue().sources:
            one = grown.get(table, Growth())
            anew = bool(one.contradictions)
            lacking = Lacking() if anew else one.lacking
            model = Model("") if anew else models.get(table, Model(""))
            models[table] = model.grow(present_model(table)[0], number, lacking)
    return models


def _widen(store: Store, table: str, number: int, anew: bool) -> int:
    """Tell Delta of new columns and leaves, which a commit of files does not, or, `anew`, of
    another type, without the files of the old one; gives the table's new version."""
    root = store.path / table
    rows = present_model(table)[1]().empty_table()
    write_deltalake(
        root,
        rows,
        mode="overwrite" if anew else "append",
        schema_mode="overwrite" if anew else "merge",
        commit_properties=marked(number),
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
    store: Store,
    given: Commit,
    before: Snapshot,
    number: int,
    versions: dict[str, int],
    models: dict[str, Model],
    actions: list[Action],
) -> None:
    delta = DeltaTable(store.path / ledger.TABLE)
    root = store.path / ledger.TABLE
    context: dict[str, Any] = {"did": given.did}
    if kept_from := {**before.kept_from, **given.kept_from}:
        context["kept_from"] = kept_from
    geoip = before.geoip if given.geoip is None else given.geoip
    if geoip is not None:
        context["geoip"] = geoip
    if vacuumed := given.vacuumed or before.vacuumed:
        context["vacuumed"] = vacuumed
    if rebuilt := before.rebuilt | {t: (number, made) for t, made in given.rebuilt.items()}:
        context["rebuilt"] = rebuilt
    rows = [
        *given.ledger_rows(number),
        ledger.batch_table(number, versions, models, program_version(), context),
    ]
    for at, table in enumerate(rows):
        if table.num_rows:
            actions.append(_write_ledger(root, table, number, at))
    _flush(store.path, [root / a.path for a in actions if isinstance(a, AddAction)])
    _transact(delta, actions, ["kind"], number)
    delta.update_incremental()
    _flush(store.path, [version_file(root, delta.version())])


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
        commit_properties=marked(number),
    )


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
    temporary = new_journal(store)
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    _flush(store.path, [temporary.replace(store.path / JOURNAL)])


def _flush(lake: Path, files: Iterable[Path]) -> None:
    """Bring files and their folders' entries onto the disk, so that a power cut after the batch
    counts leaves them."""
    if os.name != "posix":
        return  # a folder cannot be opened there
    paths: dict[Path, None] = {}
    for file in files:
        above = [folder for folder in file.parents if folder.is_relative_to(lake)]
        paths |= dict.fromkeys([file, *above])
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
