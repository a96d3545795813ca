"""Values of DuckDB's as JSON and as cells of text have them, and JSON that is harmless to print."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from lake.visible import visible

_AS_IT_IS = frozenset((type(None), str, int, bool))
"""Types of nearly all leaves of a whole row, which has some two hundred: asked of first, without a
call for each."""
_ODD = re.compile("[^\n -~]")


def json_value(value: Any) -> Any:  # noqa: ANN401
    """A value of DuckDB's as JSON has it."""
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, dict):
        return {str(k): v if type(v) in _AS_IT_IS else json_value(v) for k, v in value.items()}
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (date, time, UUID)):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [json_value(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def cell_value(value: Any) -> Any:  # noqa: ANN401
    """The same as a cell has it: of a DECIMAL all digits, as its type says."""
    return format(value, "f") if isinstance(value, Decimal) else json_value(value)


def is_number(kind: str) -> bool:
    """Whether a column of this type stands at the right."""
    return kind in _NUMBERS or kind.startswith("DECIMAL")


_NUMBERS = {"BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "SMALLINT", "UBIGINT", "TINYINT"}


def shown(value: Any) -> str:  # noqa: ANN401
    """A value as a table for people has it."""
    value = cell_value(value)
    if value is None:
        return ""
    return visible(json_text(value) if isinstance(value, (dict, list)) else str(value))


def _number(value: Decimal) -> int | float | str:
    """A number where whoever reads it as a double has its digits, else text; sums stay whole."""
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else format(value, "f")


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_text(value: Any, indent: int | None = None) -> str:  # noqa: ANN401
    """JSON in which only characters that print stand as they are; the escapes mean the same."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    if text.isprintable():
        return text
    return _ODD.sub(lambda match: match[0] if match[0].isprintable() else _escape(match[0]), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
