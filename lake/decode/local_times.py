"""Names and times as the page of Log Analytics (Microsoft Sentinel) exports them to CSV: it marks
the names of times, and writes these as the reader's language does.

https://learn.microsoft.com/azure/azure-monitor/logs/log-analytics-overview
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCAL = " [UTC]"
"""What stands behind the names of times."""
_LOCAL_TIME = re.compile(
    r"(\d{1,4})[/.-](\d{1,2})[/.-](\d{1,4}),?[ T](\d{1,2}):(\d\d):(\d\d(?:[.,]\d+)?)"
    r"(?:[ \u202f]?([AP]M|[ap]\.?m\.?))?"
)


def plain(name: str) -> str:
    """A column's name without the ` [UTC]` of Log Analytics' page."""
    return name.removesuffix(LOCAL)


def are_local(names: Sequence[str]) -> bool:
    """Whether some column holds times as Log Analytics' page writes them."""
    return any(name.endswith(LOCAL) for name in names)


def utc_cells(names: Sequence[str], cells: list[str]) -> list[str]:
    """The cells of a row with the times of Log Analytics' page in ISO 8601 (UTC)."""
    if not are_local(names):
        return cells
    return [
        _iso(cell) if name.endswith(LOCAL) else cell
        for name, cell in zip(names, cells, strict=True)
    ]


def _iso(text: str) -> str:
    """A time as a browser's language writes it (`31/12/2025, 13:05:00.123`), in ISO 8601.

    Where the year comes last, the month is taken to be first if AM or PM is in capitals, as only
    the United States write it, or if the second number is no month; else the day is. Any other text
    comes back unchanged, and is no time.
    """
    match = _LOCAL_TIME.fullmatch(text)
    if match is None:
        return text
    first, second, third = (int(part) for part in match.groups()[:3])
    half = match[7]
    if len(match[1]) == 4:
        year, month, day = first, second, third
    elif second > 12 or (half in ("AM", "PM") and first <= 12):
        month, day, year = first, second, third
    else:
        day, month, year = first, second, third
    hour = int(match[4]) if half is None else int(match[4]) % 12 + 12 * (half[0] in "Pp")
    try:
        told = datetime(year, month, day, hour, int(match[5]), tzinfo=UTC)
    except ValueError:
        return text
    return f"{told:%Y-%m-%dT%H:%M}:{match[6].replace(',', '.')}Z"
