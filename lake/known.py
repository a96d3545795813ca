"""What the lake already holds, for the driver: objects that need not be read again, and the
identities of committed rows, by table and day."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from lake.model import RawObject
    from lake.table import Snapshot, Store

HELD = 64 << 20
"""Identities held in memory at most; 8 bytes each. Days beyond are read from Parquet again."""


class KnownObject(NamedTuple):
    """How an object looked when it was last read; `modified` is UTC without saying so. A tuple,
    since a lake may know millions."""

    size: int
    modified: datetime | None
    etag: str | None
    sha256: str | None
    status: str


def known_objects(store: Store, snapshot: Snapshot) -> dict[str, KnownObject]:
    """Every object of the ledger by identity, as it was last read."""
    files = store.ledger_files("object", snapshot)
    if not files:
        return {}
    with duckdb.connect() as con:
        # Times with a zone take Python 5 us each.
        rows = con.execute(
            "SELECT root || chr(10) || key, size, modified AT TIME ZONE 'UTC', etag, sha256, "
            "status FROM read_parquet($files, hive_partitioning = false) ORDER BY batch",
            {"files": files},
        ).fetchall()
    return {r[0]: KnownObject._make(r[1:]) for r in rows}


def is_unchanged(obj: RawObject, known: KnownObject | None) -> bool | None:
    """Whether an object need not be read: True, False, or None where only its hash can tell."""
    if known is None or known.status == "failed" or known.size != obj.size:
        return False
    if obj.etag is not None and known.etag is not None:
        return obj.etag == known.etag
    if obj.modified is not None and obj.modified.replace(tzinfo=None) == known.modified:
        return True
    return None if known.sha256 else False


@dataclass(slots=True)
class Identities:
    """The identities of committed rows, loaded day by day when asked for."""

    store: Store
    snapshot: Snapshot
    _days: OrderedDict[tuple[str, str], np.ndarray] = field(default_factory=OrderedDict)
    _files: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def at(self, snapshot: Snapshot) -> None:
        """Follow the lake; what another writer has committed is loaded anew."""
        if snapshot.batch != self.snapshot.batch:
            self._days.clear()
            self._files.clear()
        self.snapshot = snapshot

    def day(self, table: str, date: str) -> np.ndarray:
        """The sorted identities of a table's day, over all accounts and regions."""
        held = self._days.get((table, date))
        if held is None:
            held = self._days[(table, date)] = self._load(table, date)
        self._days.move_to_end((table, date))
        while sum(map(len, self._days.values())) > HELD and len(self._days) > 1:
            self._days.popitem(last=False)
        return held

    def _load(self, table: str, date: str) -> np.ndarray:
        if table not in self._files:
            by_day: dict[str, list[str]] = {}
            for file in self.store.files(table, self.snapshot):
                by_day.setdefault(file.date, []).append(file.path)
            self._files[table] = by_day
        files = self._files[table].get(date)
        if not files:
            return np.empty(0, np.int64)
        with duckdb.connect() as con:
            found = con.execute(
                "SELECT event.hash AS h FROM read_parquet($files, hive_partitioning = false)",
                {"files": files},
            ).fetchnumpy()["h"]
        return np.sort(np.asarray(found, np.int64))

    def add(self, table: str, date: str, hashes: np.ndarray, snapshot: Snapshot) -> None:
        """Note what this run has committed itself."""
        if (table, date) in self._days:
            self._days[(table, date)] = np.sort(np.concatenate([self._days[(table, date)], hashes]))
        self._files.pop(table, None)
        self.snapshot = snapshot


def contains(sorted_hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each wanted identity whether it is among the sorted ones."""
    if not len(sorted_hashes):
        return np.zeros(len(wanted), bool)
    at = np.searchsorted(sorted_hashes, wanted)
    at[at == len(sorted_hashes)] = 0
    found: np.ndarray = sorted_hashes[at] == wanted
    return found
