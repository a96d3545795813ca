"""siem-lake: AWS security logs as Parquet, SQL and dashboards, on one machine.

`lake.open(DIR)` opens a lake for reading and returns a `Lake`, whose `ingest` takes
`IngestOptions`; every error of the package derives from `LakeError`.

    import lake

    opened = lake.open("demo/lakehouse")
    opened.sql("SELECT event.dataset, count(*) FROM events GROUP BY ALL").fetchall()
    opened.scan("cloudtrail").select("@timestamp", "account").collect()

The names of `__all__` load on first use, since DuckDB and Arrow take longer to import than most
commands need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.errors import LakeError
    from lake.ingest import IngestOptions
    from lake.query import Lake
    from lake.query import open_lake as open

__all__ = ["IngestOptions", "Lake", "LakeError", "open"]

_EXPORTS = {
    "IngestOptions": ("lake.ingest", "IngestOptions"),
    "Lake": ("lake.query", "Lake"),
    "LakeError": ("lake.errors", "LakeError"),
    "open": ("lake.query", "open_lake"),
}


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'lake' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _EXPORTS[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """With the names that are not loaded yet, for `help(lake)` and completion."""
    return sorted({*globals(), *__all__})
