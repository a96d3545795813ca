"""What the lake already holds, for the driver: objects that need not be read again, and the
identities of committed rows, by table and day."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np

from lake.errors import LakeError
from lake.objects.decompress import configured_limit
from lake.sources.database import asking
from lake.sources.transform import table_versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.model import RawObject
    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

HELD = 8 << 20
"""Identities held in memory at most; 8 bytes each. Days beyond are read from Parquet again, which
happens where keys tell no day: with one, a day's batches follow one another."""


class KnownObject(NamedTuple):
    """How an object looked when it was last read; `modified` is UTC without saying so. A tuple,
    since a lake may know millions."""

    size: int
    modified: datetime | None
    etag: str | None
    sha256: str | None
    status: str
    transform: str | None
    """Of one that no source knew; a million of others would take up memory."""
    held: bool
    """Whether this or an earlier reading gave records that the lake has."""
    limit: int | None = None
    """Where it was read up to a limit only: the bytes that it might become."""


def known_objects(store: Store, snapshot: Snapshot) -> dict[str, KnownObject]:
    """Every object of the ledger by identity, as it was last read."""
    if not store.ledger_files("object", snapshot):
        return {}
    with asking() as con:
        # Times with a zone take Python 5 us each.
        rows = con.execute(
            "SELECT root || chr(10) || key, size, modified AT TIME ZONE 'UTC', etag, "
            "sha256, status, "
            "CASE WHEN status IN ('unknown', 'ignored') THEN transform END, "
            "bool_or(rows + duplicates > 0) OVER (PARTITION BY root, key), "
            "TRY_CAST(context ->> '$.limit' AS BIGINT) "
            f"FROM {store.ledger_sql('object', snapshot)} ORDER BY batch"
        ).fetchall()
    return {r[0]: KnownObject._make(r[1:]) for r in rows}


def is_unchanged(obj: RawObject, known: KnownObject | None, rehash: bool = False) -> bool | None:
    """Whether an object need not be read: True, False, or None where only its hash can tell, as it
    must with `rehash`. What no source knew is read again where the sources are others now."""
    if known is None or known.status == "failed" or known.size != obj.size:
        return False
    if known.limit is not None and known.limit < configured_limit():
        return False
    if known.status in ("unknown", "ignored") and known.transform != nobodys():
        return False
    if rehash:
        return None if known.sha256 else False
    if obj.etag is not None and known.etag is not None:
        return obj.etag == known.etag
    if obj.modified is not None and obj.modified.replace(tzinfo=None) == known.modified:
        return True
    return None if known.sha256 else False


def nobodys() -> str:
    """What `objects.transform` has, at present, for an object that no source knows."""
    return json.dumps(table_versions(set()))


@dataclass(slots=True)
class Identities:
    """The identities of committed rows, loaded day by day when asked for."""

    store: Store
    snapshot: Snapshot
    _days: OrderedDict[tuple[str, str], np.ndarray] = field(default_factory=OrderedDict)
    _files: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _also: dict[str, dict[int, int]] | None = None

    def at(self, snapshot: Snapshot) -> None:
        """Follow the lake; what another writer has committed is loaded anew."""
        if snapshot.batch != self.snapshot.batch:
            self._days.clear()
            self._files.clear()
            self._also = None
        self.snapshot = snapshot

    def known_as(self, table: str, hashes: np.ndarray) -> np.ndarray:
        """The identities under which records are known, a new array: of those that came with other
        identities when their object had changed, the first ones."""
        known, also = hashes.copy(), self._further().get(table)
        if also:
            for at in np.flatnonzero(contains(np.sort(np.fromiter(also, np.int64)), hashes)):
                known[at] = also[int(hashes[at])]
        return known

    def _further(self) -> dict[str, dict[int, int]]:
        if self._also is not None:
            return self._also
        found = self._also = {}
        if self.store.ledger_files("duplicate", self.snapshot):
            repeats = self.store.ledger_sql("duplicate", self.snapshot)
            with asking() as con:
                rows = con.execute(
                    f"SELECT source, also, hash FROM {repeats} WHERE also IS NOT NULL"
                ).fetchall()
            for source, also, number in rows:
                found.setdefault(source, {})[also] = number
        return found

    def day(self, table: str, date: str) -> np.ndarray:
        """The sorted identities of a table's day, over all accounts and regions. Raises LakeError
        where a file of them cannot be read."""
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
        try:
            with asking() as con:
                found = con.execute(
                    "SELECT event.hash AS h FROM read_parquet($files, hive_partitioning = false)",
                    {"files": files},
                ).fetchnumpy()["h"]
        except duckdb.Error as error:
            raise LakeError(
                f"what the lake holds of {table}, {date} cannot be read: "
                f"{str(error).splitlines()[0]}. `lake verify` says what is amiss; bring the file "
                "back from a copy."
            ) from error
        return np.sort(np.asarray(found, np.int64))

    def note(self, also: Mapping[str, Mapping[int, int]]) -> None:
        """Note, by table, further identities of known records, with those they are known by."""
        for table, pairs in also.items():
            self._further().setdefault(table, {}).update(pairs)

    def add(self, table: str, date: str, fresh: Runs, snapshot: Snapshot) -> None:
        """Note what this run has committed itself; `fresh` is empty then."""
        if (table, date) in self._days:
            fresh.add(self._days.pop((table, date)))
            self._days[(table, date)] = fresh.whole()
        self._files.pop(table, None)
        self.snapshot = snapshot


@dataclass(slots=True)
class Runs:
    """Identities in a few sorted runs, each at least twice as long as the next: to add some costs
    little, however many there are, and memory for the longest once more at times."""

    _runs: list[np.ndarray] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._runs)

    def contain(self, wanted: np.ndarray) -> np.ndarray:
        """For each wanted identity whether it is there."""
        found = np.zeros(len(wanted), bool)
        for run in self._runs:
            found |= contains(run, wanted)
        return found

    def add(self, hashes: np.ndarray) -> None:
        """Add identities, in any order."""
        self._runs.append(np.sort(hashes))
        self._merge(2)

    def whole(self) -> np.ndarray:
        """All of them, sorted, taken out."""
        self._merge(None)
        return self._runs.pop() if self._runs else np.empty(0, np.int64)

    def _merge(self, times: int | None) -> None:
        runs = self._runs
        while len(runs) > 1 and (times is None or len(runs[-2]) < times * len(runs[-1])):
            both = np.concatenate([runs.pop(), runs.pop()])
            both.sort(kind="stable")  # goes along what is sorted
            runs.append(both)


def contains(sorted_hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """For each wanted identity whether it is among the sorted ones."""
    if not len(sorted_hashes):
        return np.zeros(len(wanted), bool)
    at = np.searchsorted(sorted_hashes, wanted)
    at[at == len(sorted_hashes)] = 0
    found: np.ndarray = sorted_hashes[at] == wanted
    return found
