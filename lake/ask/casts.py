"""Casts of a query's columns to text, where Arrow and Parquet, or Python, have no value of their
type."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.sources.fieldsets import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

_WIDEST_OR_SPAN = re.compile(r"\b(UHUGEINT|INTERVAL)(?=[\[,)]|$)")
"""The type where one stands in the name of a type, not a member that is called so."""
_NO_PYTHON = re.compile(r"\b(INTERVAL|TIMESTAMP_NS|TIMESTAMPTZ_NS|TIME_NS)(?=[\[,)]|$)")
"""Types of which Python's values lack months, or a time's last three digits."""
_NANOSECONDS = ("TIMESTAMP_NS", "TIMESTAMPTZ_NS")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")


def for_arrow(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows with text for what Arrow or Parquet has no value of: of a UHUGEINT DuckDB gives
    half as negative, an INTERVAL is three numbers that no Parquet file takes."""
    return _recast(relation, lambda column, kind: _as_text(column, kind, _WIDEST_OR_SPAN))


def for_python(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows with text for what Python has no value of: a month of an interval, nanoseconds,
    a time that is infinite."""

    def cast(column: str, kind: str) -> str:
        if kind not in _TIMES:
            text = _as_text(column, kind, _NO_PYTHON)
            return f"replace({text}, ' ', 'T')" if kind in _NANOSECONDS else text
        either = f"CAST({column} AS UNION(finite {kind}, never VARCHAR))"
        return f"CASE WHEN isfinite({column}) THEN {either} ELSE CAST({column} AS VARCHAR) END"

    return _recast(relation, cast)


def _as_text(column: str, kind: str, which: re.Pattern[str]) -> str:
    text, found = which.subn("VARCHAR", kind)
    return f"CAST({column} AS {text})" if found else column


def _recast(
    relation: duckdb.DuckDBPyRelation, cast: Callable[[str, str], str]
) -> duckdb.DuckDBPyRelation:
    """The same rows with SQL in place of columns; these are numbered, since names may repeat."""
    columns = [f"#{n}" for n in range(1, len(relation.types) + 1)]
    recast = [cast(c, str(kind)) for c, kind in zip(columns, relation.types, strict=True)]
    if recast == columns:
        return relation
    named = zip(recast, relation.columns, strict=True)
    return relation.project(", ".join(f"{value} AS {quote(name)}" for value, name in named))
