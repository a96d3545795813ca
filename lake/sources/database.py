"""The DuckDBs that transforms run in: private, in memory, with the macros of transform.sql.

What a reader of a lake queries is another one (`lake.query`).
"""

from __future__ import annotations

from functools import cache

import duckdb

from lake.paths import resource


def connect(memory: int, threads: int = 1, temp: str | None = None) -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB with the transform macros. `memory` in bytes."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{max(memory >> 20, 128)}MiB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
        # it puts an inner SELECT's expressions into an outer one as often as that names them
        "disabled_optimizers": "projection_pullup",
    }
    if temp:
        config["temp_directory"] = temp
    con = duckdb.connect(config=config)
    con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
    con.execute((resource("sql") / "macros" / "transform.sql").read_text("utf-8"))
    return con


@cache
def _asking() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def asking() -> duckdb.DuckDBPyConnection:
    """A cursor of one DuckDB of this process, for the questions of the program itself about the
    lake's files; to be closed. A fresh database takes 20 ms."""
    return _asking().cursor()


@cache
def describing() -> duckdb.DuckDBPyConnection:
    """One DuckDB of this process for asking about types; a fresh one costs 60 ms."""
    return connect(256 << 20)
