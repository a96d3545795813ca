"""Lengths of time as a reader writes them: `15 minutes`, `6h`, `1 month`."""

from __future__ import annotations

import re
from datetime import timedelta

from lake.errors import UsageError

_WRITTEN = re.compile(r"\s*([0-9]{1,5})\s*([a-z]+)\s*", re.IGNORECASE)
_UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
_SHORT = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_LONGEST = timedelta(days=36_500)
_CALENDAR = {"month": 30, "year": 365}
"""Units that are as long as the calendar says -> about how many days."""


def read_span(text: str, option: str) -> tuple[int, str]:
    """How many of which unit (`second` to `year`) a text says. Raises UsageError, which names the
    `option` that has it."""
    found = _WRITTEN.fullmatch(text)
    unit = found[2].lower() if found else ""
    unit = _SHORT.get(unit, unit.removesuffix("s"))
    if found is not None and unit in _UNITS:
        span = int(found[1]), unit
        if timedelta() < about(*span) <= _LONGEST:
            return span
    raise UsageError(
        f"{option} {text}: write a length of time, of 100 years at most, as 15 minutes, 6h or "
        "1 month."
    )


def span_text(count: int, unit: str) -> str:
    """As DuckDB reads it, and a page says it: `1 hour`, `7 days`."""
    if unit == "week":
        count, unit = count * 7, "day"
    return f"{count} {unit}{'s' if count > 1 else ''}"


def about(count: int, unit: str) -> timedelta:
    """How long that is; of months and years about."""
    if unit in _CALENDAR:
        return timedelta(days=count * _CALENDAR[unit])
    return timedelta(**{f"{unit}s": count})
