"""The DuckDB of one worker: runs SELECTs over one Arrow table after another.

Planning the SELECT of a source takes 20 to 120 ms, as long as 1,500 CloudTrail events. DuckDB keeps
the plan of a prepared statement, but not of one that reads a table or Arrow, which since 2.0.1 is
planned at every run (duckdb#23712). What a function gives is no table: so the rows come out of one,
as a list that is unnested, and a SELECT is planned once for all chunks of its shape.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from duckdb.func import ARROW

from lake.sources.database import connect
from lake.sources.fieldsets import literal, quote

if TYPE_CHECKING:
    from lake.decode.shapes import Shape

PLANS = 100
"""Plans kept; the least recently used goes. Inputs decide how many shapes there are."""
BATCH_ROWS = 1_000_000
"""Rows of a piece of the Arrow that DuckDB gives: more than a chunk has, so that it is one."""
LEARNED_ROWS = 65_536
"""After so many rows of a shape the columns that were empty are not handed out any more. Planning
for that costs as much as it spares on 20,000."""


class Engine:
    """One thread's DuckDB in memory, with the transform macros. `memory` in bytes; what does not
    fit is spilled to `temp`."""

    def __init__(self, memory: int, temp: str | None = None) -> None:
        self.memory, self.temp = memory, temp
        self._con: duckdb.DuckDBPyConnection = connect(memory, temp=temp)
        self._table = pa.table({})
        self._plans: OrderedDict[tuple[str, pa.Schema], int] = OrderedDict()
        self._made = 0
        self._seen: dict[Shape, tuple[int, frozenset[str]]] = {}

    def run(self, query: str, table: pa.Table) -> pa.Table:
        """The result of a query over `table`, which it calls `chunk`. Raises duckdb.Error."""
        key = (query, table.schema)
        if key not in self._plans:
            self._plans[key] = self._plan(query, table.schema)
            if len(self._plans) > PLANS:
                self._drop(self._plans.popitem(last=False)[1])
        self._plans.move_to_end(key)
        self._table = table
        try:
            return self._arrow(f"EXECUTE plan_{self._plans[key]}")
        finally:
            self._table = pa.table({})

    def spill_to(self, temp: str) -> bool:
        """Have what does not fit go elsewhere. False where DuckDB cannot: it stays with a folder in
        which it has put something, and after a fault of its own it does nothing any more."""
        try:
            self._con.execute(f"SET GLOBAL temp_directory = {literal(temp)}")
        except duckdb.Error:
            return False
        self.temp = temp
        return True

    def _arrow(self, statement: str) -> pa.Table:
        """What a statement gives. `sql()` has a SELECT alone give Arrow: the rows of an EXECUTE it
        puts aside and reads back, and keeps the memory of that until the connection ends."""
        return self._con._submit(statement, None, "arrow", BATCH_ROWS).arrow_table()

    def _plan(self, query: str, schema: pa.Schema) -> int:
        """Have a query planned over tables of a schema; gives the plan's number."""
        number, self._made = self._made, self._made + 1
        kinds = self.types(schema)
        names = [name for name in kinds if name in query] or schema.names[:1]
        members = ", ".join(f"{quote(name)} {kinds[name]}" for name in names)
        self._con.create_function(
            f"rows_{number}",
            partial(self._rows, names),
            ["INTEGER"],
            f"STRUCT({members})[]",
            type=ARROW,
            side_effects=True,  # so that it is asked at every run
        )
        try:
            self._con.execute(
                f"PREPARE plan_{number} AS WITH chunk AS NOT MATERIALIZED "
                f"(SELECT unnest(rows_{number}(0), max_depth := 2)) FROM ({query})"
            )
        except BaseException:
            self._con.remove_function(f"rows_{number}")
            raise
        return number

    def _rows(self, names: list[str], _: pa.Array) -> pa.ListArray:
        """The table at work, as a list of its rows."""
        rows = self._table.select(names).combine_chunks().to_struct_array()
        whole = rows.chunk(0) if rows.num_chunks else pa.array([], rows.type)
        return pa.ListArray.from_arrays(pa.array([0, len(whole)], pa.int32()), whole)

    def _drop(self, number: int) -> None:
        self._con.execute(f"DEALLOCATE plan_{number}")
        self._con.remove_function(f"rows_{number}")

    def types(self, schema: pa.Schema) -> dict[str, str]:
        """The DuckDB type of each column of an Arrow table."""
        found = self._con.from_arrow(schema.empty_table())
        return {n: str(kind) for n, kind in zip(found.columns, found.types, strict=True)}

    def learn(self, shape: Shape, flat: pa.Table) -> None:
        """Note which columns the rows of a shape fill."""
        rows, names = self._seen.get(shape, (0, frozenset()))
        filled = (n for n in flat.column_names if flat[n].null_count < len(flat))
        self._seen[shape] = (rows + len(flat), names.union(filled))
        if len(self._seen) > PLANS:
            self._seen.clear()

    def filled(self, shape: Shape) -> frozenset[str] | None:
        """The columns that a shape's rows have filled so far; None where too few were seen."""
        rows, names = self._seen.get(shape, (0, frozenset()))
        return names if rows >= LEARNED_ROWS else None

    def close(self) -> None:
        """Give back everything; the engine is of no use after that."""
        self._con.close()
