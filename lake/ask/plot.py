"""Which columns of a result a chart can have, which it takes unless told, and its rows: what a
query gave becomes points of a time, a number or a name. Nothing is summed up here; that is the
query's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lake.jsonvalues import json_value
from lake.visible import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = {"bar": "Bars", "line": "Lines", "area": "Areas", "point": "Points"}
"""The kinds of charts -> their names."""
ROWS = 5_000
"""Rows of a result that become points."""
COLOURS = 10
"""Different values by which a chart is coloured unless told."""
_LONGEST = 200
_NARROWEST = 300
"""So many of the narrowest bars go into the width of a chart."""
_TIMES = (pa.scalar(-62_135_596_800_000), pa.scalar(253_402_300_799_999))
"""Milliseconds of the years 1 to 9999; an infinite time is none that can be drawn."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows: a kind of `KINDS`, and the numbers of the columns; `colour` may lack. Of
    several columns `x` joins the names."""

    kind: str
    x: tuple[int, ...]
    y: int
    colour: int | None = None


def roles(table: pa.Table) -> list[str]:
    """What each column can be: `time`, `number`, `text`; empty for lists and structures."""
    return [_role(kind) for kind in table.schema.types]


def suggested(table: pa.Table) -> Chart | None:
    """A chart of a result: numbers over time, or by name. None where it has no number."""
    known = roles(table)
    across = next((n for role in ("time", "text", "number") for n in _all(known, role)), None)
    up = next((n for n in _all(known, "number") if n != across), across)
    if across is None or up is None or known[up] != "number" or not table.num_rows:
        return None
    if known[across] == "time":
        names = (n for n in _all(known, "text") if len(table.column(n).unique()) <= COLOURS)
        return Chart("bar", (across,), up, next(names, None))
    if known[across] == "number":
        return Chart("point", (across,), up)
    alone = len(table.column(across).unique()) == table.num_rows
    return Chart("bar", (across,) if alone else tuple(_all(known, "text")), up)


def points(table: pa.Table, chart: Chart) -> pa.Table:
    """The rows of a chart, at most `ROWS`: `x`, `end` of a time's bar, `y`, `name` of the colour,
    and `at` and `figure` as words say them. A row without a number, or without a time, has none."""
    first = _drawable(table.slice(0, ROWS), chart)
    at = _joined(first, chart.x)
    x, end = (at, at) if len(chart.x) > 1 else _across(first.column(chart.x[0]))
    y = _number(first.column(chart.y))
    name = _words(first.column(chart.colour)) if chart.colour is not None else _blank(first)
    figure = _words(first.column(chart.y))
    whole = pa.table({"x": x, "end": end, "y": y, "name": name, "at": at, "figure": figure})
    return whole.filter(pc.and_(pc.is_valid(whole["x"]), pc.is_valid(whole["y"])))


def _drawable(table: pa.Table, chart: Chart) -> pa.Table:
    """Without the rows of a time that Python and a browser have not, such as infinity."""
    for n in chart.x if len(chart.x) == 1 else ():
        if _role(table.schema.types[n]) == "time":
            ms = _milliseconds(table.column(n))
            within = pc.and_(pc.greater_equal(ms, _TIMES[0]), pc.less_equal(ms, _TIMES[1]))
            table = table.filter(within)
    return table


def _milliseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    zone = column.type.tz if pa.types.is_timestamp(column.type) else None
    return column.cast(pa.timestamp("ms", zone), safe=False).cast(pa.int64())


def _role(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "" if pa.types.is_nested(kind) else "text"


def _all(known: Sequence[str], role: str) -> list[int]:
    return [n for n, one in enumerate(known) if one == role]


def _across(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The places of points, and where a time's bar ends: as far on as the two nearest times are
    apart, and so far that it can be seen."""
    role = _role(column.type)
    if role == "number":
        found = _number(column)
        return found, found
    if role == "text":
        found = _words(column)
        return found, found
    ms = _milliseconds(column)
    order = pc.unique(ms).sort()
    gaps = pc.subtract(order[1:], order[:-1])
    wide = (order[-1].as_py() - order[0].as_py()) // _NARROWEST if len(order) else 0
    gap = max(pc.min(gaps).as_py() or 60_000, wide)
    utc = pa.timestamp("ms", "UTC")
    return ms.cast(utc), pc.add(ms, gap).cast(utc)


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    found = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(found), found, pa.scalar(None, pa.float64()))


def _words(column: pa.ChunkedArray) -> pa.Array:
    values = (json_value(value) for value in column.to_pylist())
    texts = ["none" if value is None else _written(value) for value in values]
    return pa.array([shortened(text, _LONGEST) for text in texts], pa.string())


def _joined(table: pa.Table, columns: Sequence[int]) -> pa.Array:
    """Names of several columns as one; a column that has none of a row's adds nothing."""
    first = _words(table.column(columns[0]))
    if len(columns) == 1:
        return first
    parts = [table.column(n).to_pylist() for n in columns[1:]]
    more = [_words(table.column(n)).to_pylist() for n in columns[1:]]
    joined = [
        " \N{MIDDLE DOT} ".join(
            [name, *(m[row] for m, p in zip(more, parts, strict=True) if p[row] is not None)]
        )
        for row, name in enumerate(first.to_pylist())
    ]
    return pa.array([shortened(name, _LONGEST) for name in joined], pa.string())


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, (int, float)) else str(value)


def _blank(table: pa.Table) -> pa.Array:
    return pa.array([""] * table.num_rows, pa.string())
