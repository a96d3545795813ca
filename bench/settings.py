"""How much is measured: the full run, the small one, and what options make of them."""

from __future__ import annotations

from dataclasses import dataclass

from bench.kinds import KINDS
from bench.made.data import Layout

MANY_FILES = Layout(objects=1_200, days=30, accounts=10)
"""Forty accounts and regions a day: each object becomes a file of its own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`scale` multiplies the records of each kind; `deep` are the kinds of which more than the
    ingest is measured: one core, a lake that is filled. `small_objects` of `small_records` are read
    beside them. `rows` is what the queries ask over (None: the logs that were ingested), each
    `repeats` times after the cold one; `starts` is how often a command is started."""

    name: str
    scale: float
    deep: tuple[str, ...]
    layout: Layout
    small_objects: int
    rows: int | None
    repeats: int
    starts: int
    small_records: int = 20

    def records(self, scale: float | None = None) -> dict[str, int]:
        """Records of each kind."""
        factor = self.scale if scale is None else scale
        return {name: int(kind.records * factor) for name, kind in KINDS.items()}

    def query_records(self) -> dict[str, int] | None:
        """Those of the lake that is asked; None where it is the one that was ingested."""
        if self.rows is None:
            return None
        return self.records(self.rows / sum(kind.records for kind in KINDS.values()))


FULL = Settings("full", 1.0, tuple(KINDS), Layout(), 100_000, 10_000_000, repeats=5, starts=9)
SMALL = Settings(
    "small", 0.02, ("vpcflow",), Layout(12, days=2, accounts=1), 300, None, repeats=3, starts=2
)
