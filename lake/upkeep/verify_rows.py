"""Whether a lake's rows are what its ledger says: each in its partition, no identity twice, and as
many of each object as were read. The queries stand in `sql/verify.sql`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.machine import default_memory
from lake.normalize.partitions import ACCOUNT, REGION, UNKNOWN
from lake.paths import resource, spill_folder
from lake.report import Finding
from lake.serve.queries import Query, read_blocks, relation
from lake.serve.views import ledger_views, table_view
from lake.sources.catalogue import catalogue
from lake.sources.database import connect
from lake.store import ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

SHOWN = 20
"""Findings of one kind in a table that are named; the last says how many more there are."""
AGAIN = (
    "bring the table back from a copy of the lake; without one, read the objects into a new lake: "
    "`lake ingest WHERE --lake NEW`"
)


@dataclass(slots=True)
class RowCheck:
    """A check of the rows in a snapshot's files, which `files` names by table.

    `damaged` are tables of which some file is no longer what was committed. That has been said;
    where there is one, the ledger is not compared with the tables.
    """

    store: Store
    snapshot: Snapshot
    files: Mapping[str, list[str]]
    damaged: set[str]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(self, notify: Callable[[str], None]) -> None:
        """Look at every table's rows, then at the ledger; `findings` and `notes` say what came of
        it."""
        with connect(default_memory(), temp=str(spill_folder(self.store.path))) as con:
            con.execute('CREATE TEMP TABLE found (path VARCHAR, "rows" BIGINT)')
            ask = _Asked(con)
            for table in sorted(self.files.keys() - {ledger.TABLE}):
                notify(f"checking the rows of {table}")
                self._check_table(table, ask)
            if ledger.TABLE not in self.damaged:
                for view in ledger_views(self.store, self.snapshot):
                    con.execute(view.sql)
                notify("checking the ledger")
                self._check_ledger(ask)

    def _check_table(self, table: str, ask: _Asked) -> None:
        if table not in catalogue().sources:
            self.notes.append(f"{table}: no such source is known here; its rows were not looked at")
            self.damaged = self.damaged | {table}
            return
        ask.con.execute(table_view(self.store, self.snapshot, table, self.files[table]).sql)
        self.findings += _of_table(table, self.snapshot, ask)
        ask.con.execute(f"INSERT INTO found {ask.query('rows_by_path', table).sql}")

    def _check_ledger(self, ask: _Asked) -> None:
        self.findings += _unbalanced(ask("unbalanced"))
        if self.damaged:
            self.notes.append("rows by object were not compared with the ledger: see above")
        else:
            self.findings += _unaccounted(ask("unaccounted"))


class _Asked:
    """The queries of `sql/verify.sql`, asked of the views that there are."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._blocks = read_blocks(resource("sql") / "verify.sql")

    def query(self, name: str, table: str | None, **given: str) -> Query:
        """A query, over a table's rows where it asks for `logs`."""
        over = {"logs": relation(table, "")} if table else {}
        return Query.over(self._blocks[name], over, given)

    def __call__(self, name: str, table: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of its answer."""
        patterns = {"account": ACCOUNT.pattern, "region": REGION.pattern, "unknown": UNKNOWN}
        return list(self.query(name, table, **patterns).ask(self.con).rows)


def _of_table(table: str, snapshot: Snapshot, ask: _Asked) -> list[Finding]:
    findings = [
        Finding(
            "misplaced",
            f"{table}/account={account}/region={region}/date={date}",
            f"{rows:,} rows whose time, account or region is another",
            AGAIN,
        )
        for account, region, date, rows in ask("misplaced", table)
    ]
    line = snapshot.kept_from.get(table)
    findings += [
        Finding(
            "unforgotten",
            f"{table}, {day}",
            f"{rows:,} rows of a day before {line}, which was forgotten",
            f"`lake forget --source {table} --before {line}`",
        )
        for day, rows in (ask("rows_by_day", table) if line else [])
        if line is not None and day < line
    ]
    repeated = ask("repeated", table)
    findings += [
        Finding(
            "repeated", f"{table}, event.hash {number}", f"{rows:,} rows of one identity", AGAIN
        )
        for number, rows in repeated
    ]
    return first_findings(findings)


def _unbalanced(rows: list[tuple[Any, ...]]) -> list[Finding]:
    return first_findings(
        [
            Finding(
                "unbalanced",
                path,
                f"{records:,} records are not {own:,} rows + {doubles:,} duplicates + "
                f"{refused:,} rejects",
                AGAIN,
            )
            for path, records, own, doubles, refused in rows
        ]
    )


def _unaccounted(rows: list[tuple[Any, ...]]) -> list[Finding]:
    return first_findings(
        [Finding("unaccounted", row[0], _difference(*row[1:]), AGAIN) for row in rows]
    )


def _difference(
    rows: int | None,
    duplicates: int | None,
    rejects: int | None,
    tabled: int,
    forgotten: int,
    doubled: int,
    refused: int,
) -> str:
    if rows is None:
        return f"{tabled:,} rows of an object that the ledger does not know"
    said = []
    if rows != tabled + forgotten:
        gone = f" and {forgotten:,} forgotten" if forgotten else ""
        said.append(f"{rows:,} rows were read, {tabled:,} are in the tables{gone}")
    if duplicates != doubled:
        said.append(f"{duplicates:,} duplicates were counted, {doubled:,} are noted")
    if rejects != refused:
        said.append(f"{rejects:,} rejects were counted, {refused:,} are noted")
    return "; ".join(said)


def first_findings(findings: list[Finding]) -> list[Finding]:
    """The first `SHOWN` findings of a kind; the last of them says how many more there are."""
    more = len(findings) - SHOWN
    if more <= 0:
        return findings
    last = findings[SHOWN - 1]
    cut = Finding(last.kind, last.where, f"{last.what}; and {more:,} more like it", last.next)
    return [*findings[: SHOWN - 1], cut]
