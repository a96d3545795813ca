"""What an ingest or a compaction did, as numbers that add up; and what `lake verify` finds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.model import ObjectResult


@dataclass(slots=True)
class SourceCount:
    """One source's part of an ingest."""

    objects: int = 0
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    rejects: int = 0


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """How many files were deleted, and their bytes."""

    files: int = 0
    size: int = 0


@dataclass(slots=True)
class CompactReport:
    """What a compaction did. `skipped` counts partitions that others changed meanwhile."""

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    size_before: int = 0
    size_after: int = 0
    rows: int = 0
    skipped: int = 0
    ledger_before: int = 0
    ledger_after: int = 0
    vacuumed: Vacuumed = field(default_factory=Vacuumed)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class IngestReport:
    """Counts of one ingest. `seconds` is wall time, `size` bytes as stored. `unchanged` counts the
    objects that were read before, `unchanged_no_logs` those among them that held no log then.
    `forgotten` counts the rows of days that `lake forget` has taken: they are rows of their
    object and in no table. `mended` counts rows of damaged readings that gave way to the whole
    object's, `completed` those made of a query's rows that gave way to the record itself,
    `reworded` records of changed objects that have another text than their row, which stays."""

    statuses: Counter[str] = field(default_factory=Counter)
    sources: dict[str, SourceCount] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    unchanged: int = 0
    unchanged_no_logs: int = 0
    forgotten: int = 0
    mended: int = 0
    completed: int = 0
    reworded: int = 0
    size: int = 0
    seconds: float = 0.0
    geoip: str = ""
    originals: bool = True
    """Whether the rows keep their records as they came."""
    notes: list[str] = field(default_factory=list)
    merged: CompactReport = field(default_factory=CompactReport)
    """What became of small files that had gathered."""

    def add(self, result: ObjectResult) -> None:
        """Count one object's fate."""
        self.statuses[result.status] += 1
        self.size += result.obj.size
        if result.reason:
            reason, _, detail = result.reason.partition(" (")
            why = (result.status, reason)
            self.reasons[why] += 1
            example = f"{result.obj.path} ({detail}" if detail else result.obj.path
            self.examples.setdefault(why, example)
        if result.source:
            count = self.sources.setdefault(result.source, SourceCount())
            count.objects += 1
            count.records += result.records
            count.rows += result.rows
            count.duplicates += result.duplicates
            count.rejects += result.rejects

    @property
    def objects(self) -> int:
        """Objects seen, the unchanged ones included."""
        return sum(self.statuses.values()) + self.unchanged

    @property
    def logs(self) -> int:
        """The objects that were logs, those that had been read before among them."""
        read = self.statuses["read"] + self.statuses["partial"]
        return read + self.unchanged - self.unchanged_no_logs

    @property
    def records(self) -> int:
        """Records found in the objects, of all sources."""
        return sum(c.records for c in self.sources.values())

    @property
    def rows(self) -> int:
        """Records that became rows, of all sources."""
        return sum(c.rows for c in self.sources.values())

    @property
    def duplicates(self) -> int:
        """Records that the lake had already, of all sources."""
        return sum(c.duplicates for c in self.sources.values())

    @property
    def rejects(self) -> int:
        """Records that became no row, of all sources."""
        return sum(c.rejects for c in self.sources.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss in a lake: the kind of it, where, what exactly, and what to do next."""

    kind: str
    where: str
    what: str
    next: str
