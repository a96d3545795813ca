"""The DuckDB that reads a lake: how it is set, whoever's views it holds.

The DuckDBs of transforms are others (`lake.sources.database`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from lake.machine import default_memory
from lake.paths import spill_folder

if TYPE_CHECKING:
    from pathlib import Path

OPEN_SETTINGS = (
    *("threads", "memory_limit", "TimeZone", "Calendar", "preserve_insertion_order"),
    *("default_order", "default_null_order", "explain_output", "enable_progress_bar"),
)
"""What a SET may change where the lake is not locked: nothing that names a file to write to."""


BLIND_REWRITES = ("distinct_aggregate_rewrite", "grouping_sets")
"""Optimizers of DuckDB 2.0.1 that put what is below `count(DISTINCT ...)` beside other aggregates
(duckdb#24055), or below GROUPING SETS, into a CTE. Through that it does not see which leaves are
wanted, and reads every leaf of a STRUCT: such a count over ten million flows takes four times as
long."""


def connection(lake: Path, memory: int | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory for one reader of a lake, in UTC; it spills into the lake's folder what
    does not fit into `memory` (bytes)."""
    con = duckdb.connect(
        config={
            "memory_limit": f"{max((memory or default_memory()) >> 20, 512)}MiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_persistent_secrets": False,  # they are written into the user's home
            "python_enable_replacements": False,  # a name is a view's, never a variable's
            "temp_directory": str(spill_folder(lake)),
            "disabled_optimizers": ", ".join(BLIND_REWRITES),
        }
    )
    con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
    return con


def keep_settings(con: duckdb.DuckDBPyConnection) -> None:
    """From now on no statement changes a setting but those of `OPEN_SETTINGS`."""
    names = ", ".join(f"'{name}'" for name in OPEN_SETTINGS)
    con.execute(f"SET allowed_configs = [{names}]; SET lock_configuration = true")
