"""Colours and their meaning. They are chosen to read on the light and on the dark theme alike,
since a page does not know for sure which one a reader has. Red is kept for what failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAINT = {
    "labelColor": "currentColor",
    "titleColor": "currentColor",
    "labelOpacity": 0.75,
    "titleOpacity": 0.75,
}
READABLE: dict[str, Any] = {"axis": _FAINT, "legend": _FAINT}
"""The words around a chart: the text's own colour, fainter. Streamlit's grey has a contrast of 3.7
on white, of which WCAG wants 4.5."""

ACCENT = "#3b73d1"
GREY = "#8a93a6"
RED = "#d64545"
GREEN = "#2f8f63"

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
GREENS = ("#2f8f63", "#6dbb93", "#1d6b48", "#9fd4b8")
SHADES = {"good": GREENS, "bad": REDS}
"""Palettes of the tones that are one colour; its first is the colour."""
MEANING = {
    "outcome": {"success": "#6c9bd2", "failure": RED, "unknown": "#8a63d2"},
    "status": {
        "read": GREEN,
        "partial": "#d99a0b",
        "failed": RED,
        "unknown": "#8a63d2",
        "ignored": GREY,
    },
    "severity": {"Critical": "#b02a4c", "High": "#e2572b", "Medium": "#e0a526", "Low": "#6c9bd2"},
    "action": {
        "Allowed Requests": GREEN,
        "Blocked Requests": RED,
        "ALLOW": GREEN,
        "ACCEPT": GREEN,
        "BLOCK": RED,
        "REJECT": RED,
        "COUNT": "#6c9bd2",
        "CAPTCHA": "#d99a0b",
        "CHALLENGE": "#e8824a",
    },
}
INK = {
    "severity": {"Critical": "red", "High": "orange"},
    "action": {"Rejected": "red", "Sources rejected": "red"},
    "alarm": {"Failed or refused": "red", "Alerts": "red", "On a threat list": "red"},
}
"""Figures above zero that are written in a colour of Streamlit's."""
STATUS = {
    "1": ("#8a63d2",),
    "2": (GREEN, "#6dbb93", "#9fd4b8", "#4aa37c"),
    "3": ("#6c9bd2", "#9fbfe6", "#4d7cb5", "#b9cfea"),
    "4": ("#d99a0b", "#e8bb57", "#b57f06", "#f0d190"),
    "5": (RED, "#e58a86", "#a83232", "#f0b1ae"),
}
"""Shades for the codes of each class of HTTP status."""
OTHERS = "others"


def colours(names: Sequence[str], tone: str) -> dict[str, str]:
    """A colour for each name, in the order given; the rest goes under `others`, in grey."""
    if tone in MEANING:
        return {name: MEANING[tone].get(name, GREY) for name in names}
    if tone == "http":
        return _by_class(sorted(names))
    palette = SHADES.get(tone, SERIES)
    chosen = dict(zip(dict.fromkeys(names), palette, strict=False))
    return chosen | ({OTHERS: GREY} if len(names) > len(chosen) else {})


def _by_class(names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        shades = STATUS.get(name[:1], (GREY,))
        found[name] = shades[sum(other[:1] == name[:1] for other in found) % len(shades)]
    return found
