"""Records of changed objects: which of them an earlier reading of the same object gave.

An object that is read again has grown, been cut, been edited, or its first reading broke off. Lines
are identified by their object's content, which has changed, so equal lines are found by their text
(by the record's own fields where originals were not kept), and their new identities become aliases.
Records with an id are found by it; a changed text is reported. Where the earlier row is of a
damaged reading and the object is whole now, the record replaces the row (`Replaced`). All other
records are compared by identity (`lake.store.duplicates`).

A row that was made of a query's row (the console's CSV, an answer of Athena) has only the members
that were asked for. The record itself replaces it, in whatever object it comes.
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
from lake.store.ledger import DAMAGED, QUERY_ROW, REPEAT
from lake.store.parquet import stage_rows
from lake.store.recount import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import duckdb

    from lake.sources.source import Source
    from lake.store.parquet import StagedFile
    from lake.store.snapshot import DataFile, Snapshot
    from lake.store.table import Store


@dataclass(slots=True)
class Replaced:
    """A committed file with rows that are replaced: by row number, each with its identity, path,
    position and text, as `lake.store.ledger.REPEAT` names them. `damaged` rows are of an object
    that is read again, `query_rows` were made of a query's rows."""

    table: str
    file: DataFile
    damaged: dict[int, dict[str, Any]] = field(default_factory=dict)
    query_rows: dict[int, dict[str, Any]] = field(default_factory=dict)

    def duplicates(self, rows: Mapping[int, dict[str, Any]]) -> pa.Table:
        """Replaced rows, noted as duplicates of what takes their place."""
        return pa.Table.from_pylist(list(rows.values()), REPEAT)

    def other_rows(self, folder: Path) -> list[StagedFile]:
        """The file's other rows, if there are any, staged anew. Raises LakeError for a file that is
        not as it was committed."""
        check_unaltered(Path(self.file.path))
        others = np.setdiff1d(np.arange(self.file.rows), [*self.damaged, *self.query_rows])
        return [stage_rows(self.table, self.file, others, folder)] if len(others) else []


@dataclass(frozen=True, slots=True)
class Earlier:
    """What staged files have in common with earlier readings of their objects.

    `aliases`: table -> the identity that a line has now -> the one that its row has. `altered`:
    staged file -> row -> text, of records whose row has another text and stays. `replacing`: staged
    file -> rows that replace a row of `replaced`, which is by the committed file's path.
    `query_rows`: reading of an object -> how many of its rows, made of a query's, are replaced.
    """

    aliases: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    altered: dict[Path, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    replacing: dict[Path, list[int]] = field(default_factory=lambda: defaultdict(list))
    replaced: dict[str, Replaced] = field(default_factory=dict)
    query_rows: Counter[Reading] = field(default_factory=Counter)

    def replaced_in(self, table: str, file: DataFile) -> Replaced:
        """What is replaced of a committed file so far."""
        return self.replaced.setdefault(file.path, Replaced(table, file))


def readings_of_queries(store: Store, snapshot: Snapshot) -> set[Reading]:
    """The readings whose rows, or some, were made of a query's rows."""
    if not store.ledger_files("object", snapshot):
        return set()
    with asking() as con:
        rows = con.execute(
            f"SELECT path, ingested FROM {store.ledger_sql('object', snapshot)} "
            """WHERE contains(context, '"rows": true')"""
        ).fetchall()
    return {Reading(*row) for row in rows}


def replace_query_rows(
    store: Store,
    snapshot: Snapshot,
    files: Iterable[StagedFile],
    readings: set[Reading],
    query_paths: set[str],
    earlier: Earlier,
) -> None:
    """Note which rows of these readings are replaced by records that are staged; `query_paths` are
    the objects among the staged whose records were made of a query's rows themselves."""
    if not readings:
        return
    block = read_blocks(resource("sql") / "changed.sql")["query_rows"]
    columns = {
        "path": [reading.path for reading in readings],
        "ingested": [reading.ingested for reading in readings],
    }
    with asking() as con:
        with_ids = (file for file in files if catalogue()[file.source].identity == "id")
        for table, committed, params in _days(store, snapshot, with_ids):
            params |= {"query_paths": sorted(query_paths), "readings": columns}
            rows = con.execute(block.sql, params).fetchall()
            for name, place, file, row, repeat, ingested in rows:
                earlier.replacing[Path(name)].append(place)
                replaced = earlier.replaced_in(table, committed[file])
                replaced.query_rows[row] = {"source": table, "reason": QUERY_ROW, **repeat}
                earlier.query_rows[Reading(repeat["path"], ingested)] += 1


def earlier_records(
    store: Store,
    snapshot: Snapshot,
    files: Iterable[StagedFile],
    paths: set[str],
    whole: set[str],
    earlier: Earlier,
) -> None:
    """Compare the staged records of objects that were read before (`paths`, as in `log.file.path`)
    with the committed ones; `whole` are the paths that were read without damage now. An object's
    files are staged together."""
    if not paths:
        return
    blocks = read_blocks(resource("sql") / "changed.sql")
    with asking() as con:
        damaged = _damaged(con, store, snapshot, sorted(whole))
        for table, committed, params in _days(store, snapshot, files):
            params["paths"] = sorted(paths)
            if catalogue()[table].identity == "object+line":
                params["repeats"] = _repeats(con, store, snapshot, table, params["paths"])
                bare = Query.over(blocks["bare"], _lines("event.original"), params).ask(con)
                originals = not bare.rows[0][0]
                text = "event.original" if originals else _own_fields(catalogue()[table])
                kept = Query.over(blocks["kept"], _lines(f"md5({text})"), params)
                earlier.aliases[table].update(kept.ask(con).rows)
            else:
                params |= {"whole": sorted(whole), "damaged": damaged}
                rows = con.execute(blocks["edited"].sql, params).fetchall()
                _note_edited(earlier, table, committed, rows)


def _days(
    store: Store, snapshot: Snapshot, files: Iterable[StagedFile]
) -> Iterator[tuple[str, dict[str, DataFile], dict[str, Any]]]:
    """The table, the committed files by path, and the parameters `staged` and `committed` of a
    query over both, for each day of staged files of which the lake has rows."""
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        days[(file.source, file.date)].append(str(file.path))
    for (table, date), staged in days.items():
        committed = {f.path: f for f in store.files(table, snapshot) if f.date == date}
        if committed:
            head = view_head(store, table)
            yield table, committed, {"staged": [head, *staged], "committed": [head, *committed]}


def _lines(text: str) -> dict[str, str]:
    """The relations of staged and of committed lines; `text` is SQL for what makes lines equal."""
    return {
        f"{name}_rows": "SELECT event.hash AS hash, log.file.path AS path, log.offset AS position, "
        f"{text} AS text FROM read_parquet(${name}, hive_partitioning = false)"
        for name in ("staged", "committed")
    }


def _own_fields(source: Source) -> str:
    """SQL for the fields that come from the record itself, as one text: without enrichment, whose
    database may have been another then."""
    names = {leaf.name for leaf in leaves({"native": source.native})}
    names |= {name for name in named(source) if name in ecs_leaves() or name == "@timestamp"}
    members = ", ".join(f"{quote(name)} := {path_sql(name)}" for name in sorted(names))
    return f"to_json(struct_pack({members}))::VARCHAR"


def _note_edited(
    earlier: Earlier, table: str, committed: dict[str, DataFile], rows: list[tuple[Any, ...]]
) -> None:
    """Note the rows of the query `edited`: records with an id whose text has changed."""
    for name, place, text, mends, file, row, repeat in rows:
        replaced = earlier.replaced_in(table, committed[file]) if mends else None
        if replaced is None or row in replaced.query_rows:
            earlier.altered[Path(name)][place] = text
            continue
        earlier.replacing[Path(name)].append(place)
        replaced.damaged[row] = {"source": table, "reason": DAMAGED, **repeat}


def _damaged(
    con: duckdb.DuckDBPyConnection, store: Store, snapshot: Snapshot, paths: list[str]
) -> dict[str, list[Any]]:
    """Path and time of the earlier readings of these objects that were `partial`."""
    rows = con.execute(
        f"SELECT path, ingested FROM {store.ledger_sql('object', snapshot)} "
        "WHERE status = 'partial' AND list_contains($paths, path)",
        {"paths": paths},
    ).fetchall()
    return {"path": [path for path, _ in rows], "ingested": [moment for _, moment in rows]}


def _repeats(
    con: duckdb.DuckDBPyConnection, store: Store, snapshot: Snapshot, table: str, paths: list[str]
) -> dict[str, list[Any]]:
    """Identity and path of the objects' records that were duplicates: their rows have another
    path."""
    rows = con.execute(
        f"SELECT hash, path FROM {store.ledger_sql('duplicate', snapshot)} "
        "WHERE source = $table AND list_contains($paths, path)",
        {"table": table, "paths": paths},
    ).fetchall()
    return {"hash": [number for number, _ in rows], "path": [path for _, path in rows]}
