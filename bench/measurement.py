"""One measured thing: what it is called, its figures, and its ratio to a yardstick of the same run.

A ratio is a cost over the yardstick's, so a lower one is better, and it says the same on a fast
machine and on a slow one. Figures are in seconds, bytes and numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Measurement:
    """`group` is the table of the report that it stands in; `yardsticks` are seconds of CPU or
    wall, as the group says."""

    group: str
    name: str
    figures: dict[str, float] = field(default_factory=dict)
    yardsticks: dict[str, float] = field(default_factory=dict)
    ratio: float | None = None

    @property
    def title(self) -> str:
        """What history knows it by."""
        return f"{self.group}: {self.name}"
