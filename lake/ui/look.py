"""Colours and their meaning. They are chosen to read on the light and on the dark theme alike,
since a page does not know for sure which one a reader has. Red is kept for what failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCENT = "#3b73d1"
GREY = "#8a93a6"
RED = "#d64545"

SERIES = (
    "#3b73d1",
    "#15a094",
    "#d99a0b",
    "#8a63d2",
    "#5fb0e8",
    "#7aa52b",
    "#cf6ba9",
    "#a0714f",
    "#2f8f63",
    "#6f7fae",
)
REDS = (
    "#c93434",
    "#e8824a",
    "#a5526b",
    "#e3a63b",
    "#f08f86",
    "#8c4a2f",
    "#d9679b",
    "#c77f4f",
    "#b0413e",
    "#e5b08a",
)
MEANING = {
    "outcome": {"success": "#6c9bd2", "failure": RED, "unknown": GREY},
    "status": {
        "read": "#2f8f63",
        "partial": "#d99a0b",
        "failed": RED,
        "unknown": "#8a63d2",
        "ignored": GREY,
    },
}
OTHERS = "others"


def colours(names: Sequence[str], tone: str) -> dict[str, str]:
    """A colour for each name, in the order given; the rest goes under `others`, in grey."""
    if tone in MEANING:
        return {name: MEANING[tone].get(name, GREY) for name in names}
    palette = REDS if tone == "bad" else SERIES
    chosen = dict(zip(dict.fromkeys(names), palette, strict=False))
    return chosen | ({OTHERS: GREY} if len(names) > len(chosen) else {})
