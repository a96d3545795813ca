"""`queries.sql` over a lake, beside the same queries over plain Parquet: a copy of the rows that
DuckDB itself wrote, a file a table and day, sorted by time. The answers must be equal."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lake
from bench.measurement import Measurement
from lake.serve.queries import Query, block, read_blocks
from lake.serve.reader import connection
from lake.serve.views import macros
from lake.sources.fieldsets import literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from lake.serve.queries import Answer, Block

FILE = Path(__file__).with_name("queries.sql")
NEEDLES = "needles"


def measure_queries(path: Path, copy: Path, repeats: int, group: str) -> Iterator[Measurement]:
    """Each query once cold, over a connection that has read nothing yet, and `repeats` times more,
    by turns over the lake and over the copy, which is made in the folder `copy`."""
    blocks = read_blocks(FILE)
    head = copy_plain(path, copy)
    asked = Query.over(block(blocks, NEEDLES), {}, {})
    needles = asked.ask(lake.open(path).cursor()).one()
    for one in blocks.values():
        if one.name != NEEDLES:
            yield _measure(one, needles, path, head, copy, repeats, group)


def _measure(
    one: Block,
    needles: dict[str, Any],
    path: Path,
    head: Path,
    copy: Path,
    repeats: int,
    group: str,
) -> Measurement:
    query = Query.over(one, {}, needles)
    opened, plain = lake.open(path), open_plain(head, copy)
    ours, theirs = [], []
    for _ in range(repeats + 1):
        took, found = _ask(query, opened.cursor())
        bare, wanted = _ask(query, plain.cursor())
        if found.rows != wanted.rows:
            raise RuntimeError(f"{one.name}: the lake and the plain files give other answers")
        ours.append(took)
        theirs.append(bare)
    median, yardstick = statistics.median(ours[1:]), statistics.median(theirs[1:])
    told = {"cold": ours[0], "median": median, "plain_cold": theirs[0], "plain": yardstick}
    return Measurement(
        group, one.name, {**told, "rows": len(found.rows)}, {"plain": yardstick}, median / yardstick
    )


def _ask(query: Query, cursor: duckdb.DuckDBPyConnection) -> tuple[float, Answer]:
    began = time.perf_counter()
    answer = query.ask(cursor)
    return time.perf_counter() - began, answer


def copy_plain(path: Path, copy: Path) -> Path:
    """Write the copy; gives an empty file with the columns that all tables have."""
    copy.mkdir(parents=True)
    opened = lake.open(path)
    con = opened.cursor()
    for table in opened.tables():
        (copy / table).mkdir()
        days = con.execute(f'SELECT DISTINCT "date" FROM {quote(table)} ORDER BY 1').fetchall()
        for (day,) in days:
            rows = f'FROM {quote(table)} WHERE "date" = DATE \'{day}\' ORDER BY "@timestamp"'
            target = literal(str(copy / table / f"{day}.parquet"))
            con.execute(f"COPY ({rows}) TO {target} (FORMAT parquet, COMPRESSION zstd)")
    head = copy.with_name(f"{copy.name}-head.parquet")
    con.execute(f"COPY (FROM events LIMIT 0) TO {literal(str(head))} (FORMAT parquet)")
    return head


def open_plain(head: Path, copy: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB set as a lake's is, and views of the same names over the copy."""
    con = connection(head.parent)
    con.execute(macros())
    for table in copy.iterdir():
        _view(con, table.name, sorted(table.iterdir()))
    _view(con, "events", [head, *sorted(copy.glob("*/*.parquet"))])
    return con


def _view(con: duckdb.DuckDBPyConnection, name: str, files: list[Path]) -> None:
    listed = ", ".join(literal(str(file)) for file in files)
    con.execute(f"CREATE VIEW {quote(name)} AS FROM read_parquet([{listed}])")
