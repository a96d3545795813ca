"""A lake whose ledger is ahead of its tables: it was copied while it was written, tables first.

It names the last batch that is whole in such a copy, and how to come to it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lake.store import ledger
from lake.store.deltalog import committed_at, newest, version_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from lake.store.snapshot import Snapshot

    Told = Callable[[int], Snapshot]
    """A version of `_lake` -> the last batch that it tells of."""


def behind(lake: Path, table: str, snapshot: Snapshot, told: Told) -> tuple[str, str]:
    """What is amiss where a table's log ends before the version that the last batch names, and what
    to do."""
    ends = newest(lake / table)
    has = "which is not there" if ends is None else f"whose log ends with {ends}"
    what = (
        f"the ledger's batch {snapshot.batch} stands on version {snapshot.tables[table]} of "
        f"{table}, {has}: files are gone, or the lake was copied while it was written, the tables "
        "before `_lake`"
    )
    again = "copy it again, `_lake` first, or bring back what is gone"
    found = _last_whole(lake, snapshot, told)
    if found is None:
        return what, again
    batch, version, ended = found
    at = ended.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return what, (
        f"{again}. Up to batch {batch} it is whole, which `lake sql --as-of {at}` reads; without "
        f"another copy, take the versions after {version} out of {ledger.TABLE}/_delta_log: that "
        "is the lake of that batch, and the next ingest reads what came after"
    )


def _last_whole(lake: Path, snapshot: Snapshot, told: Told) -> tuple[int, int, datetime] | None:
    """The last batch whose tables are there, the version of `_lake` that tells of it, and a time
    at which it was the last (UTC); None where there is none."""
    root = lake / ledger.TABLE
    ends = {table: newest(lake / table) for table in snapshot.tables}
    for version in range(snapshot.ledger_version - 1, 0, -1):
        if not version_file(root, version).exists():
            return None  # the log was cleaned up
        earlier = told(version)
        if all(number <= (ends.get(table) or 0) for table, number in earlier.tables.items()):
            ended = committed_at(root, version) + timedelta(milliseconds=1)
            return earlier.batch, version, ended
    return None
