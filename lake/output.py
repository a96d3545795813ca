"""Results as text: a query's rows as table, CSV, JSON, JSON Lines or Parquet, the same values in
each. Formats are a dict; an unknown name lists the known ones.

JSON keeps sums as integers, times in ISO 8601 with Z, structs as objects. CSV is for spreadsheets
too: a text that a spreadsheet would run as a formula is given with a quote before it.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

from lake.errors import StorageError, UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import duckdb

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CELL = 60


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value of DuckDB's as JSON has it."""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, time, UUID)):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := result.fetchmany(2_000):
        yield from batch


def _columns(result: duckdb.DuckDBPyConnection) -> list[str]:
    return [column[0] for column in result.description or []]


def _json(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    first, columns = True, _columns(result)
    out.write("[")
    for row in _rows(result):
        out.write("\n" if first else ",\n")
        first = False
        out.write(_object(columns, row))
    out.write("\n]\n" if not first else "]\n")


def _jsonl(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    columns = _columns(result)
    for row in _rows(result):
        out.write(_object(columns, row) + "\n")


def _object(columns: list[str], row: Sequence[Any]) -> str:
    return json.dumps(
        dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=False, allow_nan=False
    )


def _csv(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_columns(result))
    for row in _rows(result):
        writer.writerow([_csv_cell(value) for value in row])


def _csv_cell(value: Any) -> Any:  # noqa: ANN401
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _table(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column, kind in ((c[0], str(c[1])) for c in result.description or []):
        number = kind in _NUMBERS or kind.startswith("DECIMAL")
        table.add_column(Text(column), justify="right" if number else "left", overflow="fold")
    count = 0
    for row in _rows(result):
        count += 1
        table.add_row(*(Text(_shown(value)) for value in row))
    if out.isatty():
        Console(file=out).print(table)
        out.write(f"({count:,} row{'' if count == 1 else 's'})\n")
        return
    wide = io.StringIO()
    Console(file=wide, width=10_000, soft_wrap=True).print(table)
    out.writelines(line.rstrip() + "\n" for line in wide.getvalue().splitlines())


_NUMBERS = {"BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "FLOAT", "SMALLINT", "UBIGINT", "TINYINT"}


def _shown(value: Any) -> str:  # noqa: ANN401
    value = plain(value)
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


FORMATS: dict[str, Callable[[duckdb.DuckDBPyConnection, TextIO], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}


def write(
    con: duckdb.DuckDBPyConnection,
    query: str,
    form: str,
    out: TextIO,
    target: Path | None = None,
) -> None:
    """Run a query and write its rows to `out`, or to the file `target`. Parquet wants a file.

    Raises UsageError for an unknown format or folder, StorageError where the file cannot be
    written, duckdb.Error for wrong SQL.
    """
    if target is not None and not target.absolute().parent.is_dir():
        raise UsageError(f"{target} cannot be written: its folder is not there. Make it first.")
    if form == "parquet":
        if target is None:
            raise UsageError("--format parquet writes a file: name it with -o FILE.")
        con.sql(query).write_parquet(str(target), compression="zstd")
        return
    if form not in FORMATS:
        raise unknown_name("format", form, [*FORMATS, "parquet"])
    con.execute(query)
    if con.description is None:
        return
    if target is None:
        FORMATS[form](con, out)
        return
    try:
        with target.open("w", encoding="utf-8", newline="") as file:
            FORMATS[form](con, file)
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError(f"{target} cannot be written: {why}. Name another file.") from error


def as_text(con: duckdb.DuckDBPyConnection, query: str, form: str) -> str:
    """A query's rows as text, for tests and documents."""
    buffer = io.StringIO()
    write(con, query, form, buffer)
    return buffer.getvalue()
