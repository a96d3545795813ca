"""What the lake has, for an ingest: the objects that it has read, and the identities of committed
rows by table and day."""

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
from lake.store.sorted_runs import contains

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.model import RawObject
    from lake.store.snapshot import Snapshot
    from lake.store.sorted_runs import SortedRuns
    from lake.store.table import Store

HELD = 8 << 20
"""Identities held in memory at most; 8 bytes each. Days beyond are read from Parquet again, which
happens where keys tell no day: with one, a day's batches follow one another."""


class KnownObject(NamedTuple):
    """An object as it was last read; `modified` is UTC, and naive. A tuple, since a lake may know
    millions."""

    size: int
    modified: datetime | None
    etag: str | None
    sha256: str | None
    status: str
    transform: str | None
    """Of an object that no source knew; None for the others, of which a lake may know millions."""
    has_records: bool
    """Whether the lake has records of this or an earlier reading."""
    limit: int | None = None
    """The bytes up to which it was unpacked, where it was not read to its end."""


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
    return {row[0]: KnownObject._make(row[1:]) for row in rows}


def is_unchanged(obj: RawObject, known: KnownObject | None, rehash: bool = False) -> bool | None:
    """Whether an object need not be read: True, False, or None where its hash has to be compared,
    always with `rehash`. What no source knew is read again once the sources have changed."""
    if known is None or known.status == "failed" or known.size != obj.size:
        return False
    if known.limit is not None and known.limit < configured_limit():
        return False
    if known.status in ("unknown", "ignored") and known.transform != unknown_version():
        return False
    if rehash:
        return None if known.sha256 else False
    if obj.etag is not None and known.etag is not None:
        return obj.etag == known.etag
    if obj.modified is not None and obj.modified.replace(tzinfo=None) == known.modified:
        return True
    return None if known.sha256 else False


def unknown_version() -> str:
    """What `objects.transform` has, at present, for an object that no source knows."""
    return json.dumps(table_versions(set()))


@dataclass(slots=True)
class Identities:
    """The identities of committed rows, loaded by table and day on demand.

    A record of an object that has changed may have had another identity when it first came
    (`duplicates.also` keeps the new one): an alias of the identity that its row has.
    """

    store: Store
    snapshot: Snapshot
    _days: OrderedDict[tuple[str, str], np.ndarray] = field(default_factory=OrderedDict)
    _files: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    _aliases: dict[str, dict[int, int]] | None = None

    def follow(self, snapshot: Snapshot) -> None:
        """Move to a snapshot; what another writer has committed since is loaded anew."""
        if snapshot.batch != self.snapshot.batch:
            self._days.clear()
            self._files.clear()
            self._aliases = None
        self.snapshot = snapshot

    def resolve(self, table: str, hashes: np.ndarray) -> np.ndarray:
        """The identities with each alias replaced by what it stands for; a new array."""
        resolved, aliases = hashes.copy(), self._all_aliases().get(table)
        if aliases:
            known = np.sort(np.fromiter(aliases, np.int64))
            for at in np.flatnonzero(contains(known, hashes)):
                resolved[at] = aliases[int(hashes[at])]
        return resolved

    def _all_aliases(self) -> dict[str, dict[int, int]]:
        """Table -> alias -> the row's identity."""
        if self._aliases is not None:
            return self._aliases
        aliases = self._aliases = {}
        if self.store.ledger_files("duplicate", self.snapshot):
            duplicates = self.store.ledger_sql("duplicate", self.snapshot)
            with asking() as con:
                rows = con.execute(
                    f"SELECT source, also, hash FROM {duplicates} WHERE also IS NOT NULL"
                ).fetchall()
            for source, also, number in rows:
                aliases.setdefault(source, {})[also] = number
        return aliases

    def day(self, table: str, date: str) -> np.ndarray:
        """The sorted identities of a table's day, over all accounts and regions. Raises LakeError
        where a file of them cannot be read."""
        hashes = self._days.get((table, date))
        if hashes is None:
            hashes = self._days[(table, date)] = self._load(table, date)
        self._days.move_to_end((table, date))
        while sum(map(len, self._days.values())) > HELD and len(self._days) > 1:
            self._days.popitem(last=False)
        return hashes

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
                hashes = con.execute(
                    "SELECT event.hash AS h FROM read_parquet($files, hive_partitioning = false)",
                    {"files": files},
                ).fetchnumpy()["h"]
        except duckdb.Error as error:
            raise LakeError(
                f"what the lake holds of {table}, {date} cannot be read: "
                f"{str(error).splitlines()[0]}. `lake verify` says what is amiss; bring the file "
                "back from a copy."
            ) from error
        return np.sort(np.asarray(hashes, np.int64))

    def add_aliases(self, aliases: Mapping[str, Mapping[int, int]]) -> None:
        """Add aliases by table: an identity and the one that it stands for."""
        for table, pairs in aliases.items():
            self._all_aliases().setdefault(table, {}).update(pairs)

    def add(self, table: str, date: str, fresh: SortedRuns, snapshot: Snapshot) -> None:
        """Add what this ingest has committed itself; empties `fresh`."""
        if (table, date) in self._days:
            fresh.add(self._days.pop((table, date)))
            self._days[(table, date)] = fresh.drain()
        self._files.pop(table, None)
        self.snapshot = snapshot
