"""Where and when the records of one object are from, and how times and JSON are written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Account (twelve digits), region, and the span of time: seconds since 1970, and its length."""

    seed: int
    account: str
    region: str
    begin: float
    seconds: float


def iso(at: float) -> str:
    """2025-03-11T02:55:00Z"""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")[:19] + "Z"


def iso_micro(at: float) -> str:
    """2025-03-11T02:55:00.123456Z"""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:26] + "Z"


compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
