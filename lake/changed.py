"""Records that an earlier reading of the same object gave.

An object that was read before and is read again has grown, been cut, been edited, or its reading
broke off. Lines are identified by their object's content, which is another now, so what is the same
line is found by its text; and a record that kept its id while its text changed is told. All other
records are compared by identity (`lake.duplicates`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.catalogue import catalogue
from lake.database import asking
from lake.paths import resource
from lake.queries import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from lake.table import Snapshot, Store
    from lake.worker import StagedFile


@dataclass(frozen=True, slots=True)
class Earlier:
    """What staged files hold of objects that were read before and the lake has from then.

    `also`: table -> an identity that a line would have now -> the one it is known by. `texts`:
    staged file -> place in it -> what came there, where the known record has another text.
    """

    also: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    texts: dict[Path, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))


def earlier_records(
    store: Store, snapshot: Snapshot, files: Iterable[StagedFile], paths: set[str]
) -> Earlier:
    """Look for records of objects that were read before, by their `log.file.path`. An object's
    files are staged together."""
    found = Earlier()
    if not paths:
        return found
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        days[(file.source, file.date)].append(str(file.path))
    with asking() as con:
        for (table, date), staged in days.items():
            committed = [f.path for f in store.files(table, snapshot) if f.date == date]
            given = {"staged": staged, "committed": committed, "paths": sorted(paths)}
            if committed and catalogue()[table].identity == "object+line":
                known = _known(con, store, snapshot, table, given["paths"])
                rows = con.execute(_sql("kept"), {**given, "repeats": known}).fetchall()
                found.also[table].update(rows)
            elif committed:
                for name, place, text in con.execute(_sql("edited"), given).fetchall():
                    found.texts[Path(name)][place] = text
    return found


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


def _sql(name: str) -> str:
    return read_blocks(resource("sql") / "changed.sql")[name].sql
