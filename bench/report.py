"""Measurements as Markdown tables, one a group. What a group shows is data; a ratio stands last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measurement import Measurement


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` gives heading -> (figure or yardstick, its unit); `ratio` says what it
    is of, where there is one."""

    about: str
    columns: dict[str, tuple[str, str]]
    ratio: str


COST = {"CPU": ("cpu", "s"), "wall": ("wall", "s"), "memory": ("memory", "MB")}
QUERIES = {
    "cold": ("cold", "ms"),
    "median": ("median", "ms"),
    "plain cold": ("plain_cold", "ms"),
    "plain median": ("plain", "ms"),
    "rows": ("rows", "n"),
}
TABLES = {
    "ingest": Table(
        "Each kind into a new lake; beside it unpacking and splitting, parsing, and writing "
        "Parquet alone, in seconds of CPU.",
        {
            "records": ("records", "n"),
            **COST,
            "records per CPU second": ("rate", "n"),
            "gzip": ("stored", "MB"),
            "lake": ("lake", "MB"),
            "lake / gzip": ("per_byte", "x"),
            "unpack": ("unpack", "s"),
            "parse": ("parse", "s"),
            "write": ("write", "s"),
            "/ unpack": ("to_unpack", "x"),
            "/ parse": ("to_parse", "x"),
            "/ write": ("to_write", "x"),
        },
        "CPU / (unpack + parse + write)",
    ),
    "without originals": Table(
        "The same with --no-original: bytes of the lake, beside those of the gzip objects and of "
        "the lake that keeps each record as it came.",
        {
            **COST,
            "CPU / with": ("to_first", "x"),
            "gzip": ("gzip", "MB"),
            "lake with": ("whole", "MB"),
            "lake": ("lake", "MB"),
        },
        "lake / gzip",
    ),
    "cores": Table(
        "One process against one a core. Two cores are to give 1.8 times the speed; beside it what "
        "they give to unpacking and parsing alone, each core its share of the objects.",
        {
            "cores": ("cores", "n"),
            "wall of one": ("one", "s"),
            "wall of all": ("wall", "s"),
            "speed-up": ("speedup", "x"),
            "bare work": ("bare", "x"),
        },
        "wall of all / wall of one",
    ),
    "filled": Table(
        "Into a lake that holds the other half of the same days; and half once more from another "
        "place. Beside them the same objects into a new lake.",
        {
            **COST,
            "rows held": ("held", "n"),
            "duplicates": ("duplicates", "n"),
            "new": ("new", "s"),
        },
        "CPU / CPU into a new lake",
    ),
    "unchanged": Table(
        "The same place again: nothing is to be read. Beside it the first ingest, and a walk that "
        "asks for every file's size.",
        {"objects": ("objects", "n"), **COST, "first": ("first", "s"), "walk": ("list", "s")},
        "CPU / CPU of the first ingest",
    ),
    "small objects": Table(
        "Many small objects; beside them the CPU of as many records in few large ones.",
        {
            "objects": ("objects", "n"),
            "records": ("records", "n"),
            **COST,
            "records per CPU second": ("rate", "n"),
            "files": ("files", "n"),
            "few": ("few", "s"),
        },
        "CPU / CPU of few objects",
    ),
    "start": Table(
        "Commands that do next to nothing.",
        {"best": ("best", "ms"), "median": ("median", "ms"), "CPU": ("cpu", "ms")},
        "median / bare Python",
    ),
    "all kinds": Table(
        "The lake of the queries.",
        {"records": ("records", "n"), **COST, "records per CPU second": ("rate", "n")},
        "",
    ),
    "queries": Table(
        "Through lake.open; beside them plain Parquet that DuckDB wrote, sorted by time.",
        QUERIES,
        "median / plain median",
    ),
    "queries, many files": Table(
        "The same over a lake of many small files that was never compacted; plain Parquet has a "
        "file a day.",
        QUERIES,
        "median / plain median",
    ),
}
UNITS = {
    "s": (1, ",.2f"),
    "ms": (1e3, ",.1f"),
    "MB": (1e-6, ",.1f"),
    "n": (1, ",.0f"),
    "x": (1, ".2f"),
}


def markdown(measurements: Sequence[Measurement], title: str) -> str:
    """All tables that have rows."""
    parts = [f"# {title}"]
    for group, shape in TABLES.items():
        found = [one for one in measurements if one.group == group]
        if found:
            heads = [group, *shape.columns, "ratio"]
            rows = [[one.name, *_cells(one, shape)] for one in found]
            ratio = f" The ratio is {shape.ratio}." if shape.ratio else ""
            parts.append(f"## {group}\n\n{shape.about}{ratio}")
            parts.append(grid([heads, *rows]))
    return "\n\n".join(parts) + "\n"


def grid(rows: list[list[str]]) -> str:
    """A Markdown table; the first row is the head, the first column is text, the rest numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]

    def line(row: list[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return f"| {' | '.join(cells)} |"

    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(rows[0]), line(rule), *map(line, rows[1:])])


def _cells(one: Measurement, shape: Table) -> list[str]:
    known = one.yardsticks | one.figures
    cells = [_number(known.get(name), unit) for name, unit in shape.columns.values()]
    return [*cells, _number(one.ratio, "x")]


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    factor, form = UNITS[unit]
    return format(value * factor, form)
