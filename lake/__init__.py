"""siem-lake: AWS security logs as Parquet, SQL and dashboards, on one machine.

`lake.open(DIR)` opens a lake. The names below load when they are first used, since DuckDB and
Arrow take longer to import than most commands need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.errors import LakeError
    from lake.query import Lake
    from lake.query import open_lake as open

__all__ = ["Lake", "LakeError", "open"]

_WHERE = {
    "Lake": ("lake.query", "Lake"),
    "LakeError": ("lake.errors", "LakeError"),
    "open": ("lake.query", "open_lake"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _WHERE:
        raise AttributeError(f"module 'lake' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _WHERE[name]
    return getattr(import_module(module), attribute)
