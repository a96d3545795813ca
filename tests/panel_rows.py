"""A panel's rows of two kinds compared: those that the original's definition gives, and ours.

What still differs stands with its reason in `panel_differences/`; whoever compares asserts that
nothing else does, and that every entry there still differs.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

Panels = dict[str, dict[str, Any]]
Row = tuple[Any, ...]
Rows = tuple[list[Row], list[Row]]
"""Rows that only the original has, and rows that only we have."""


def as_ours(panel: dict[str, Any]) -> tuple[list[str], list[Row]]:
    """The original's columns and rows as ours have them: a bar coloured by its own axis names its
    field twice (or its label and the field), times have milliseconds or an offset."""

    def plain(value: Any) -> Any:  # noqa: ANN401
        text = isinstance(value, str) and value.startswith("20")
        if not text:
            return value
        return value.replace(".000000Z", "Z").replace(".000Z", "Z").replace("+00:00", "Z")

    columns, rows = panel["columns"], panel["rows"]
    twice = panel["type"] == "histogram" and all(row[0] == row[1] for row in rows)
    kept = [n for n, name in enumerate(columns) if columns.index(name) == n]
    if twice and len(kept) == 3:
        kept.remove(1)
    return [columns[n] for n in kept], [tuple(plain(row[n]) for n in kept) for row in rows]


def compared(panel: dict[str, Any], ours: Panels, *, ordered: bool = True) -> Rows:
    """The rows that only the original has and those that only we have; if `ordered`, order counts
    where the rows are the same, but for named filters, which the server answers by their labels.
    Columns that ours calls otherwise are compared in their order, the figure with the figure."""
    columns, wanted = as_ours(panel)
    mine = ours[panel["title"]]
    own = list(mine["columns"])
    others = [name for name in own if name not in columns]
    figure = own[-1] if panel["type"] != "search" and columns[-1] not in own else None
    named = [name if name in own else others.pop(0) for name in columns[:-1]]
    named.append(figure or columns[-1])
    places = [own.index(name) for name in named]
    got = [tuple(row[n] for n in places) for row in mine["rows"]]
    if panel["type"] == "search":
        return _compared_rows(wanted, got)
    only_theirs = list((Counter(wanted) - Counter(got)).elements())
    only_ours = list((Counter(got) - Counter(wanted)).elements())
    if ordered and not only_theirs and not only_ours and columns[0] != "filters":
        assert got == wanted, f"{panel['title']}: the same rows in another order"
    return only_theirs, only_ours


def _compared_rows(wanted: list[Row], got: list[Row]) -> Rows:
    """Records, newest first: the original has the first five, ties of its last time by an order of
    its own, and numbers as text."""

    def texts(rows: list[Row]) -> Counter[Row]:
        return Counter(tuple(None if v is None else str(v) for v in row) for row in rows)

    def time_of(row: Row) -> str:  # of texts that order as times do: "Z" is after a fraction's dot
        return str(row[0]).removesuffix("Z")

    last = time_of(wanted[-1]) if wanted else ""
    only_theirs = texts(wanted) - texts([row for row in got if time_of(row) >= last])
    only_ours = texts([row for row in got if time_of(row) > last]) - texts(wanted)
    return list(only_theirs.elements()), list(only_ours.elements())


def differences(name: str) -> list[dict[str, Any]]:
    """The entries of a file in `panel_differences/`."""
    path = Path(__file__).with_name("panel_differences") / f"{name}.toml"
    found: list[dict[str, Any]] = tomllib.loads(path.read_text())["difference"]
    return found


def explained(entries: list[dict[str, Any]]) -> dict[str, Rows]:
    """Title -> the rows that entries explain, of both kinds; without those that are `whole`."""
    found: dict[str, Rows] = {}
    for entry in entries:
        if entry.get("whole"):
            continue
        theirs, mine = found.setdefault(entry["title"], ([], []))
        theirs += [_cells(row) for row in entry.get("original", [])]
        mine += [_cells(row) for row in entry.get("ours", [])]
    return found


def in_order(rows: dict[str, Rows]) -> dict[str, list[list[Row]]]:
    """Panels that differ, each kind of rows in one order."""
    return {
        title: [sorted(kind, key=str) for kind in both] for title, both in rows.items() if any(both)
    }


def _cells(row: list[Any]) -> Row:
    """A row as a file of differences has it: TOML has no NULL, so that {} stands for it."""
    return tuple(None if cell == {} else cell for cell in row)
