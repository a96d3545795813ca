"""How far a lake's events reach, and what "the last hours" of them are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engine import put, read
from logs import TRAIL_KEY, event, trail

from lake.filters.filters import TimeRange
from lake.query import open_lake
from lake.serve.extent import last_range

if TYPE_CHECKING:
    from pathlib import Path

HOUR = timedelta(hours=1)
NEWEST = datetime(2024, 2, 1, 10, 0, 7, tzinfo=UTC)


def last_hour(folder: Path, *times: str) -> TimeRange:
    events = [event(n, eventID=str(n), eventTime=time) for n, time in enumerate(times)]
    put(folder / "logs", TRAIL_KEY, trail(events))
    read(folder / "lake", folder / "logs")
    return last_range(HOUR, open_lake(folder / "lake").answer)


def test_the_last_hour_ends_with_the_newest_event(tmp_path: Path) -> None:
    """Open towards the end: what comes later is shown too."""
    found = last_hour(tmp_path, "2024-01-01T00:00:00Z", "2024-02-01T10:00:07Z")
    assert found == TimeRange(NEWEST - HOUR)


def test_an_event_of_days_to_come_does_not_hide_the_others(tmp_path: Path) -> None:
    """Of a wrong clock, or of somebody who would have it so."""
    found = last_hour(tmp_path, "2024-02-01T10:00:07Z", "2099-01-01T00:00:00Z")
    assert found.start == NEWEST - HOUR
    assert found.end is not None and timedelta(0) < found.end - datetime.now(UTC) <= timedelta(1)


def test_where_all_events_are_of_days_to_come(tmp_path: Path) -> None:
    found = last_hour(tmp_path, "2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    assert found == TimeRange(datetime(2099, 1, 1, tzinfo=UTC) - HOUR)


def test_of_no_event_it_is_all_time(tmp_path: Path) -> None:
    assert last_hour(tmp_path) == TimeRange()
