"""Which chart a result becomes, and its points."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.ask.plot import ROWS, Chart, points, roles, suggested

DAY = date(2024, 2, 1)
NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)
LATER = datetime(2024, 2, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("columns", "chart"),
    [
        ({"t": [NOON, LATER], "n": [1, 2]}, Chart("bar", (0,), 1)),
        ({"n": [1, 2], "day": [DAY, DAY], "who": ["a", "b"]}, Chart("bar", (1,), 0, 2)),
        ({"t": [NOON] * 11, "who": list("abcdefghijk"), "n": [1] * 11}, Chart("bar", (0,), 2)),
        ({"who": ["a", "b"], "n": [1, 2], "m": [3, 4]}, Chart("bar", (0,), 1)),
        ({"who": ["a", "a"], "what": ["x", "y"], "n": [1, 2]}, Chart("bar", (0, 1), 2)),
        ({"x": [1.5, 2.5], "y": [1, 2]}, Chart("point", (0,), 1)),
        ({"n": [1]}, Chart("point", (0,), 0)),
        ({"who": ["a"], "what": ["b"]}, None),
        ({"t": [NOON], "l": [[1]]}, None),
        ({"who": pa.array([], pa.string()), "n": pa.array([], pa.int64())}, None),
    ],
)
def test_what_is_suggested(columns: dict[str, Any], chart: Chart | None) -> None:
    assert suggested(pa.table(columns)) == chart


def test_roles() -> None:
    table = pa.table(
        {
            "t": [NOON],
            "d": [DAY],
            "n": [1],
            "p": [Decimal("1.50")],
            "b": [True],
            "x": [b"a"],
            "l": [[1]],
            "s": [{"a": 1}],
        }
    )
    assert roles(table) == ["time", "time", "number", "number", "text", "text", "", ""]


def test_points_of_times() -> None:
    table = pa.table(
        {
            "t": [NOON, LATER, NOON, None],
            "n": [Decimal("1.5"), Decimal("1234567"), None, Decimal("4")],
            "who": ["a", None, "c", "d"],
        }
    )
    assert points(table, Chart("bar", (0,), 1, 2)).to_pylist() == [
        {
            "x": NOON, "end": LATER, "y": 1.5, "name": "a",
            "at": "2024-02-01T12:00:00Z", "figure": "1.5",
        },
        {
            "x": LATER, "end": datetime(2024, 2, 1, 16, tzinfo=UTC), "y": 1234567.0, "name": "none",
            "at": "2024-02-01T14:00:00Z", "figure": "1,234,567",
        },
    ]  # fmt: skip


def test_points_of_days_and_of_times_without_a_zone() -> None:
    days = points(pa.table({"d": [DAY, date(2024, 2, 3)], "n": [1, 2]}), Chart("bar", (0,), 1))
    assert days["end"].to_pylist() == [
        datetime(2024, 2, 3, tzinfo=UTC),
        datetime(2024, 2, 5, tzinfo=UTC),
    ]
    local = pa.table({"t": [NOON.replace(tzinfo=None)], "n": [1]})
    (row,) = points(local, Chart("bar", (0,), 1)).to_pylist()
    assert (row["x"], row["end"]) == (NOON, NOON.replace(minute=1))


def test_points_of_names() -> None:
    table = pa.table(
        {"a": ["x", "\x1b[2J", None], "b": [True, None, False], "n": [1, float("inf"), -2.5]}
    )
    found = points(table, Chart("bar", (0, 1), 2)).to_pylist()
    assert [(row["at"], row["y"]) for row in found] == [
        ("x \N{MIDDLE DOT} true", 1.0),
        ("none \N{MIDDLE DOT} false", -2.5),
    ]
    long = points(pa.table({"a": ["y" * 500], "n": [1]}), Chart("bar", (0,), 1)).to_pylist()
    assert long[0]["at"] == f"{'y' * 200} \u2026 (500 characters)"


def test_what_cannot_be_drawn_is_left_out() -> None:
    never = pa.array([2**63 - 1, 0], pa.timestamp("us", "UTC"))  # infinity, as DuckDB hands it out
    assert points(pa.table({"t": never, "n": [1, 2]}), Chart("bar", (0,), 1))["y"].to_pylist() == [
        2
    ]
    many = pa.table({"x": list(range(ROWS + 1)), "y": list(range(ROWS + 1))})
    assert points(many, Chart("line", (0,), 1)).num_rows == ROWS


def test_a_bar_of_scattered_times_is_wide_enough_to_be_seen() -> None:
    """Two events a millisecond apart, and one a day later."""
    times = [NOON, NOON + timedelta(milliseconds=1), NOON + timedelta(days=1)]
    table = pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "n": [1, 2, 3]})
    found = points(table, Chart("bar", (0,), 1))
    widths = {end - x for x, end in zip(*(found[c].to_pylist() for c in ("x", "end")), strict=True)}
    assert min(widths) >= timedelta(days=1) / 300
