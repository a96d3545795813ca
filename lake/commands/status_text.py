"""What `lake status` prints: a table of tables for people, the same as rows for machines, and what
else is to be known of a lake, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

from lake.commands.progress import OTHER_TEXTS
from lake.sizes import counted, size_text
from lake.terminal import keep_wide
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb
    from rich.console import Console

    from lake.serve.status import Status

_ROWS = """CREATE TEMP TABLE status ("table" VARCHAR, title VARCHAR, rows BIGINT, files BIGINT,
bytes BIGINT, accounts BIGINT, regions BIGINT, first DATE, last DATE)"""
ACCOUNTS = 20
"""Names of accounts that are printed; an organisation may have thousands."""
_TEXTS = ("table", "first day", "last day")
_NUMBERS = ("rows", "files", "size", "accounts", "regions")


def put_status(status: Status, con: duckdb.DuckDBPyConnection) -> None:
    """Make the table `status` with a row a table of the lake; days are UTC, bytes those on disk."""
    con.execute(_ROWS)
    for t in status.tables:
        row = (t.table, t.title, t.rows, t.files, t.size, t.accounts, t.regions, t.first, t.last)
        con.execute("INSERT INTO status VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def print_status(status: Status, console: Console, lake: str = "") -> None:
    """The same for people, and what else there is to know. `lake` is the option that names the lake
    in the commands that it tells."""
    where = visible(str(status.path))
    console.print(Text(f"{where}, batch {status.batch}; days are UTC"))
    if status.tables:
        console.print(_table(status))
    for line in _lines(status, lake):
        console.print(Text(line))


def _table(status: Status) -> Table:
    """As narrow as 80 columns."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for name in (_TEXTS[0], *_NUMBERS, *_TEXTS[1:]):
        align: Literal["left", "right"] = "left" if name in _TEXTS else "right"
        table.add_column(name, justify=align)
    for t in status.tables:
        counts = (f"{t.rows:,}", f"{t.files:,}", size_text(t.size), str(t.accounts), str(t.regions))
        table.add_row(t.table, *counts, t.first, t.last)
    return keep_wide(table)


def _lines(status: Status, lake: str) -> Iterator[str]:
    fates = ", ".join(f"{n:,} {fate}" for fate, n in status.objects.items()) or "none"
    again, refused = counted(status.duplicates, "duplicate"), counted(status.rejects, "reject")
    yield f"objects: {fates}; {again}, {refused}"
    if any(status.accounts.values()):
        yield f"accounts: {_accounts(status.accounts)}"
    if status.earlier:
        yield (
            f"earlier readings of objects that have changed: {status.earlier:,}, "
            f"what only they hold: lake sql{lake} 'from superseded_rows'"
        )
    if status.reworded:
        texts = OTHER_TEXTS.format(lake=lake)
        yield f"records that also came with another text: {status.reworded:,}, {texts}"
    for source, members in sorted(status.unknown_members.items()):
        yield f"members unknown to {source}: {_counted(members)}"
    for source, members in sorted(status.lossy_members.items()):
        yield (
            f"values of {source} that are not of their type, so NULL or rounded in their column "
            f"and whole in event.original only: {_counted(members)}"
        )
    if status.bare:
        yield (
            f"{status.bare:,} rows were read without their records as they came (--no-original): "
            "lake rebuild leaves them as they are"
        )
    if status.outdated:
        yield (
            f"{status.outdated:,} rows were made by an earlier transform of "
            f"{', '.join(status.outdated_tables)}: lake rebuild makes them anew"
        )
    if status.scattered:
        files, partitions = status.scattered
        yield (
            f"{files:,} files for {partitions:,} accounts, regions and days, which every query "
            "opens: lake compact makes few of them"
        )
    if status.sourceless:
        yield (
            f"tables without a source, which no view shows: {', '.join(status.sourceless)}. "
            "Set LAKE_TRANSFORMS to the folder that has their sources."
        )
    for table, day in sorted(status.kept_from.items()):
        yield f"{table}: days before {day} are forgotten"
    yield f"GeoIP: {status.geoip or 'no database when these were read'}"


def _accounts(names: Mapping[str, str | None]) -> str:
    """The accounts by their names, and how many have none."""
    named = sorted((name.casefold(), f"{name} ({one})") for one, name in names.items() if name)
    told = [visible(text) for _, text in named[:ACCOUNTS]]
    more = len(named) - len(told)
    nameless = len(names) - len(named)
    told += [f"and {more:,} more"] if more else []
    told += [f"{nameless:,} without a name: lake accounts"] if nameless else []
    return ", ".join(told)


def _counted(members: Mapping[str, int]) -> str:
    return ", ".join(f"{visible(member)} ({count:,})" for member, count in members.items())
