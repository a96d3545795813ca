"""Members at the top of JSON records that a source's `[native]` does not have.

They are counted and named, so that a new member of a log shows up in `lake status`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from lake.engine import Engine
    from lake.sources import Source


def unknown_members(engine: Engine, source: Source, table: pa.Table) -> list[tuple[int, str, int]]:
    """Object, name, number of records, for records that are valid JSON. Names are compared without
    case, as DuckDB's are. Records have few different lists of members, so these are counted."""
    known = {name.lower() for name in source.native}
    lists = engine.run(
        "SELECT object, json_keys(text) AS members, count(*) AS records FROM chunk GROUP BY ALL",
        table.select(["object", "text"]),
    )
    found: Counter[tuple[int, str]] = Counter()
    for row in lists.to_pylist():
        for name in {m for m in row["members"] or () if m.lower() not in known}:
            found[row["object"], name] += row["records"]
    return [(number, name, count) for (number, name), count in found.items()]
