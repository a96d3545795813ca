"""What is asked of an export, how far it is, and what became of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is sent and how. Days are of `@timestamp`, UTC, both included; `where` is a condition in
    SQL. `again` sends what was sent before too; `streams`: into data streams."""

    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()
    where: str | None = None
    again: bool = False
    streams: bool = False
    dry_run: bool = False
    jobs: int = 2
    bulk_size: int = 5 << 20
    patience: float = 300.0


@dataclass(slots=True)
class Count:
    """What became of a table's rows: in the lake, sent before, sent now, refused now or earlier,
    and documents that were deleted since the lake has them no more."""

    rows: int = 0
    unchanged: int = 0
    sent: int = 0
    refused: int = 0
    refused_before: int = 0
    deleted: int = 0


@dataclass(slots=True)
class ExportReport:
    """An export, table by table. `notes` say what does not add up."""

    tables: dict[str, Count] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    batch: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the cluster has every row that was chosen."""
        refused = sum(c.refused + c.refused_before for c in self.tables.values())
        return not refused and not self.notes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is: documents answered for, of how many. `waiting`: for another one."""

    done: int
    total: int
    waiting: bool = False
