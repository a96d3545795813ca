"""The DuckDB of one worker: runs SELECTs over one Arrow table after another.

Planning the SELECT of a source takes up to 0.1 s, as long as 1,500 CloudTrail events. DuckDB 2.0.0
kept the plan of a prepared statement over an Arrow table, 2.0.1 plans it anew whenever it runs, as
it does what reads a table (duckdb#23712). A prepared one is still parsed and checked once, not at
each run, and takes up its plan again where DuckDB does. The relation `chunk` is registered once, as
an object that hands out whichever table is at work.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from lake.database import connect

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from lake.shapes import Shape

PLANS = 100
"""Plans kept; the least recently used goes. Inputs decide how many shapes there are."""
LEARNED_ROWS = 65_536
"""After so many rows of a shape the columns that were empty are not handed out any more. Planning
for that costs as much as it spares on 20,000."""


class _Feed:
    """What DuckDB scans as `chunk`, through Arrow's C stream interface."""

    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.table.schema.__arrow_c_schema__()


class Engine:
    """One thread's DuckDB in memory, with the transform macros. `memory` in bytes; what does not
    fit is spilled to `temp`."""

    def __init__(self, memory: int, temp: str | None = None) -> None:
        self._con: duckdb.DuckDBPyConnection = connect(memory, temp=temp)
        self._feed = _Feed()
        self._plans: OrderedDict[tuple[str, pa.Schema], str] = OrderedDict()
        self._made = 0
        self._seen: dict[Shape, tuple[int, frozenset[str]]] = {}

    def run(self, query: str, table: pa.Table) -> pa.Table:
        """The result of a query over `table`, which it calls `chunk`. Raises duckdb.Error."""
        self._feed.table = table
        if not self._made:
            self._con.register("chunk", self._feed)
        key = (query, table.schema)
        plan = self._plans.get(key)
        if plan is None:
            plan = f"plan_{self._made}"
            self._made += 1
            self._con.execute(f"PREPARE {plan} AS {query}")
            self._plans[key] = plan
            if len(self._plans) > PLANS:
                self._con.execute(f"DEALLOCATE {self._plans.popitem(last=False)[1]}")
        self._plans.move_to_end(key)
        return self._con.sql(f"EXECUTE {plan}").to_arrow_table()

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
        if self._made:
            self._con.unregister("chunk")
        self._con.close()
