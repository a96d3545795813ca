"""Records that an earlier reading of the same object gave.

An object that was read before and is read again has grown, been cut, been edited, or its reading
broke off. Lines are identified by their object's content, which is another now, so what is the same
line is found by its text; and a record that kept its id while its text changed is told. Where the
row is of a damaged reading and the object is whole now, the record takes its place: `Mended`. All
other records are compared by identity (`lake.store.duplicates`). Lines whose originals were not
kept are compared by the fields that the record gave.

A row that was made of a query's row (the console's CSV, an answer of Athena) has those members that
were asked for. It gives way too: to the record itself, in whatever object that comes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lake.paths import resource
from lake.serve.queries import Query, read_blocks
from lake.serve.views import view_head
from lake.sources.catalogue import catalogue
from lake.sources.database import asking
from lake.sources.fieldsets import ecs_leaves, leaves, path_sql, quote
from lake.sources.rowmodel import named
from lake.store.files import check_unaltered
from lake.store.ledger import REPEAT
from lake.store.parquet import stage_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import duckdb

    from lake.sources.source import Source
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import DataFile, Snapshot
    from lake.store.table import Store

Reading = tuple[str, "datetime"]
"""A reading of an object: its path, and the `event.ingested` of its rows."""


@dataclass(slots=True)
class Mended:
    """A committed file with rows that give way: their places in it, with the identity, path, place
    in the object and text of each, as `lake.store.ledger.REPEAT` names them. `rows` are those of an
    object that is read again, `lesser` those that were made of a query's rows."""

    table: str
    file: DataFile
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    lesser: dict[int, dict[str, Any]] = field(default_factory=dict)

    def repeats(self, *, lesser: bool) -> pa.Table:
        """The rows as those that are told of: further deliveries of what takes their place."""
        rows = self.lesser if lesser else self.rows
        return pa.Table.from_pylist(list(rows.values()), REPEAT)

    def rest(self, folder: Path) -> list[StagedFile]:
        """The file's other rows staged anew, if there are any. Raises LakeError for a file that is
        not as it was committed."""
        check_unaltered(Path(self.file.path))
        stay = np.setdiff1d(np.arange(self.file.rows), [*self.rows, *self.lesser])
        return [stage_rows(self.table, self.file, stay, folder)] if len(stay) else []


@dataclass(frozen=True, slots=True)
class Earlier:
    """What staged files hold of objects that were read before and the lake has from then.

    `also`: table -> an identity that a line would have now -> the one it is known by. `texts`:
    staged file -> place in it -> what came there, where the known record has another text and
    stays. `mending`: staged file -> places of the records that take the place of a row of
    `mended`, which maps a committed file's path to what gives way in it. `lesser`: reading of an
    object -> how many of its rows give way to records that say more.
    """

    also: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    texts: dict[Path, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    mending: dict[Path, list[int]] = field(default_factory=lambda: defaultdict(list))
    mended: dict[str, Mended] = field(default_factory=dict)
    lesser: Counter[Reading] = field(default_factory=Counter)

    def gives_way(self, table: str, file: DataFile) -> Mended:
        """What of a committed file gives way so far."""
        return self.mended.setdefault(file.path, Mended(table, file))


def readings_of_rows(store: Store, snapshot: Snapshot) -> set[Reading]:
    """The readings whose rows, or some, were made of a query's rows."""
    if not store.ledger_files("object", snapshot):
        return set()
    with asking() as con:
        return set(
            con.execute(
                f"SELECT path, ingested FROM {store.ledger_sql('object', snapshot)} "
                """WHERE contains(context, '"rows": true')"""
            ).fetchall()
        )


def note_lesser(
    found: Earlier,
    store: Store,
    snapshot: Snapshot,
    files: Iterable[StagedFile],
    readings: set[Reading],
    of_rows: set[str],
) -> None:
    """Note which rows of these readings give way to records that are staged; `of_rows` are the
    paths of objects among these whose records were made of a query's rows themselves."""
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        if readings and catalogue()[file.source].identity == "id":
            days[(file.source, file.date)].append(str(file.path))
    block = read_blocks(resource("sql") / "changed.sql")["lesser"]
    told = {
        "path": [path for path, _ in readings],
        "ingested": [ingested for _, ingested in readings],
    }
    with asking() as con:
        for (table, date), staged in days.items():
            held = {f.path: f for f in store.files(table, snapshot) if f.date == date}
            if not held:
                continue
            head = view_head(store, table)
            given: dict[str, Any] = {"staged": [head, *staged], "committed": [head, *held]}
            given |= {"of_rows": sorted(of_rows), "readings": told}
            rows = con.execute(block.sql, given).fetchall()
            for name, place, file, row, repeat, ingested in rows:
                found.mending[Path(name)].append(place)
                mended = found.gives_way(table, held[file])
                mended.lesser[row] = {"source": table, **repeat}
                found.lesser[repeat["path"], ingested] += 1


def earlier_records(
    store: Store,
    snapshot: Snapshot,
    files: Iterable[StagedFile],
    paths: set[str],
    whole: set[str],
    found: Earlier,
) -> None:
    """Note what is known of records of objects that were read before, by their `log.file.path`;
    `whole` are those of which nothing is damaged now. An object's files are staged together."""
    if not paths:
        return
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        days[(file.source, file.date)].append(str(file.path))
    blocks = read_blocks(resource("sql") / "changed.sql")
    with asking() as con:
        damaged = _damaged(con, store, snapshot, sorted(whole))
        for (table, date), staged in days.items():
            held = {f.path: f for f in store.files(table, snapshot) if f.date == date}
            if not held:
                continue
            head = view_head(store, table)
            given: dict[str, Any] = {"paths": sorted(paths)}
            given |= {"staged": [head, *staged], "committed": [head, *held]}
            if catalogue()[table].identity == "object+line":
                given["repeats"] = _known(con, store, snapshot, table, given["paths"])
                asked = Query.over(blocks["bare"], _lines("event.original"), given)
                text = (
                    _fields(catalogue()[table]) if asked.ask(con).rows[0][0] else "event.original"
                )
                kept = Query.over(blocks["kept"], _lines(f"md5({text})"), given)
                found.also[table].update(kept.ask(con).rows)
            else:
                given |= {"whole": sorted(whole), "damaged": damaged}
                rows = con.execute(blocks["edited"].sql, given).fetchall()
                _note(found, table, held, rows)


def _lines(text: str) -> dict[str, str]:
    """The relations of staged and of committed lines; `text` is SQL for what tells a line."""
    return {
        f"{name}_rows": "SELECT event.hash AS hash, log.file.path AS path, log.offset AS position, "
        f"{text} AS text FROM read_parquet(${name}, hive_partitioning = false)"
        for name in ("staged", "committed")
    }


def _fields(source: Source) -> str:
    """SQL for the fields that a record itself gave, as one text: without what enriched them, which
    may have been another database then."""
    names = {leaf.name for leaf in leaves({"native": source.native})}
    names |= {name for name in named(source) if name in ecs_leaves() or name == "@timestamp"}
    members = ", ".join(f"{quote(name)} := {path_sql(name)}" for name in sorted(names))
    return f"to_json(struct_pack({members}))::VARCHAR"


def _note(
    found: Earlier, table: str, held: dict[str, DataFile], rows: list[tuple[Any, ...]]
) -> None:
    """Note what the records of changed objects are, as `edited` gives them."""
    for name, place, text, mends, file, row, repeat in rows:
        mended = found.gives_way(table, held[file]) if mends else None
        if mended is None or row in mended.lesser:
            found.texts[Path(name)][place] = text
            continue
        found.mending[Path(name)].append(place)
        mended.rows[row] = {"source": table, **repeat}


def _damaged(
    con: duckdb.DuckDBPyConnection, store: Store, snapshot: Snapshot, paths: list[str]
) -> dict[str, list[Any]]:
    """Path and time of the readings of objects that broke off or found damage."""
    rows = con.execute(
        f"SELECT path, ingested FROM {store.ledger_sql('object', snapshot)} "
        "WHERE status = 'partial' AND list_contains($paths, path)",
        {"paths": paths},
    ).fetchall()
    return {"path": [path for path, _ in rows], "ingested": [moment for _, moment in rows]}


def _known(
    con: duckdb.DuckDBPyConnection, store: Store, snapshot: Snapshot, table: str, paths: list[str]
) -> dict[str, list[Any]]:
    """Identity and path of the objects' records that were duplicates, so lie under other paths."""
    rows = con.execute(
        f"SELECT hash, path FROM {store.ledger_sql('duplicate', snapshot)} "
        "WHERE source = $table AND list_contains($paths, path)",
        {"table": table, "paths": paths},
    ).fetchall()
    return {"hash": [number for number, _ in rows], "path": [path for _, path in rows]}
