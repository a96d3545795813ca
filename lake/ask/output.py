"""Results as text: a query's rows as table, CSV, JSON, JSON Lines or Parquet, the same values in
each; whole rows also as documents. Formats are a dict; an unknown name lists the known ones.

JSON keeps sums as integers, times in ISO 8601 with Z, structs as objects, a DECIMAL with more
digits than a double holds as text, and writes what does not print as `\\u` escapes, so that it is
whole and harmless on a terminal too. CSV is what people open in a spreadsheet: a text that one
would run as a formula has a quote before it there, unless it is asked for `raw`; JSON and Parquet
are never changed.
"""

from __future__ import annotations

import io
import re
import shutil
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, TextIO

from lake.ask.casts import for_arrow, for_python
from lake.errors import StorageError, UsageError, unknown_name
from lake.jsonvalues import cell_value, is_number, json_text, json_value, shown
from lake.serve.statements import gives_rows
from lake.visible import visible, visible_lines
from lake.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import duckdb
    import pyarrow as pa

_TIME = "@timestamp"
"""No formula, though it begins like one: who reads a file looks for it."""
_FORMULA = re.compile("(^|[;\t\r\n])(?=[-=+@\t\r\uff0b\uff0d\uff1d\uff20])")
"""Where a cell begins that would be run: at the start, or after what a spreadsheet of another
country takes as the end of a cell. The last four are the wide forms of the signs."""
_HARMLESS = re.compile(r"-|[-+]?\d+(\.\d+)?")
"""What begins so and is no formula: the dash of an empty field, a number."""
_BATCH = 2_000
_WIDEST = 1_000
"""Columns of a pipe's table that one of its columns takes at most."""
_PLAN = ["explain_key", "explain_value"]
"""The columns of EXPLAIN: its value is a drawing of many lines."""


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := result.fetchmany(_BATCH):
        yield from batch


def _columns(result: duckdb.DuckDBPyConnection) -> list[str]:
    return [column[0] for column in result.description or []]


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names of columns with equal ones made distinct, as a table and a JSON object need them:
    the second `a` is `a_1`, as DuckDB calls it in a subquery."""
    found: list[str] = []
    for name in names:
        own, n = name, 0
        while own in found or (n and own in names):
            n += 1
            own = f"{name}_{n}"
        found.append(own)
    return found


def _json(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    first, columns = True, distinct_names(_columns(result))
    out.write("[")
    for row in _rows(result):
        out.write("\n" if first else ",\n")
        first = False
        out.write(_object(columns, row))
    out.write("\n]\n" if not first else "]\n")


def _jsonl(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    columns = distinct_names(_columns(result))
    for row in _rows(result):
        out.write(_object(columns, row) + "\n")


def _documents(con: duckdb.DuckDBPyConnection, query: str | duckdb.Statement, out: TextIO) -> None:
    """Whole rows as an export to OpenSearch has them (`lake.documents.documents`)."""
    from lake.documents.documents import documents, source_of

    relation = con.sql(query)
    for rows in read_batches(relation.to_arrow_reader(_BATCH)) if relation is not None else ():
        if rows.num_rows:
            found = documents(source_of(rows), rows)
            out.writelines(json_text(one.body) + "\n" for one in found)


def _object(columns: list[str], row: Sequence[Any]) -> str:
    return json_text(dict(zip(columns, map(json_value, row), strict=True)))


def _csv(result: duckdb.DuckDBPyConnection, out: TextIO, guard: bool = True) -> None:
    shown = visible_lines if out.isatty() else str
    names = [_csv_cell(name, guard and name != _TIME) for name in _columns(result)]
    rows = ([_csv_cell(value, guard) for value in row] for row in _rows(result))
    for cells in chain([names], rows):
        line = ",".join(_quoted(shown(cell)) for cell in cells)
        out.write((line or '""') + "\n")  # an empty line would be no row


def _quoted(cell: str) -> str:
    """As RFC 4180 has it. Python's csv leaves a carriage return bare; readers end a row there."""
    if any(mark in cell for mark in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _raw_csv(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    _csv(result, out, guard=False)


def _csv_cell(value: Any, guard: bool) -> str:  # noqa: ANN401
    value = cell_value(value)
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and guard and not _HARMLESS.fullmatch(value):
        return _FORMULA.sub(r"\1'", value)
    return str(value)


def _table(result: duckdb.DuckDBPyConnection, out: TextIO) -> None:
    if _columns(result) == _PLAN:
        for _, plan in _rows(result):
            out.write(f"{visible_lines(str(plan)).rstrip()}\n")
        return
    names = [visible(name) for name in _columns(result)]
    kinds = [str(column[1]) for column in result.description or []]
    rows = list(_rows(result))
    if out.isatty():
        from lake.ask.terminal_table import print_rows  # and rich with it

        print_rows(names, kinds, rows, out)
    else:
        cells = [[shown(value) for value in row] for row in rows]
        out.writelines(_lines(names, [is_number(kind) for kind in kinds], cells))


def _lines(names: list[str], numbers: list[bool], rows: list[list[str]]) -> Iterator[str]:
    """A line for each row, of its cells as they are, since what reads a pipe reads lines. A cell
    over `_WIDEST` goes past its column, which else would be as wide in every row."""
    from rich.cells import cell_len

    widths = [cell_len(name) for name in names]
    for row in rows:
        for at, cell in enumerate(row):
            width = cell_len(cell)
            if widths[at] < width <= _WIDEST:
                widths[at] = width
    for row in chain([names], rows):
        cells = []
        for cell, width, number in zip(row, widths, numbers, strict=True):
            pad = " " * (width - cell_len(cell))
            cells.append(pad + cell if number else cell + pad)
        yield "  ".join(cells).rstrip() + "\n"


FORMATS: dict[str, Callable[[duckdb.DuckDBPyConnection, TextIO], None]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}
_OTHERS = ("documents", "parquet")
"""Formats that are made of Arrow, not of DuckDB's rows."""


def write(
    con: duckdb.DuckDBPyConnection,
    query: str | duckdb.Statement,
    form: str,
    out: TextIO,
    target: Path | None = None,
    raw: bool = False,
) -> bool:
    """Run a query and write its rows to `out`, or to the file `target`. Parquet wants a file;
    `raw` leaves the texts of a CSV as they are. False where there was nothing to write: a statement
    that gives no rows leaves a file as it was.

    Raises UsageError for an unknown format or folder, StorageError where the file cannot be
    written, duckdb.Error for wrong SQL.
    """
    if target is not None and not target.absolute().parent.is_dir():
        raise UsageError(f"{target} cannot be written: its folder is not there. Make it first.")
    if form == "parquet" and target is None:
        raise UsageError("--format parquet writes a file: name it with -o FILE.")
    if form not in (*FORMATS, *_OTHERS):
        raise unknown_name("format", form, [*FORMATS, *_OTHERS])
    try:
        if target is not None and not gives_rows(query):
            con.execute(query)
            return False
        if form not in _OTHERS:
            relation = con.sql(query)
            if relation is None:
                return False
            con.execute(for_python(relation).sql_query())  # a relation has no rows in parts
        with whole_file(target) if target else nullcontext() as part:
            if part is not None and form == "parquet":
                with _seekable(part) as whole:
                    _parquet(con, query, whole)
                return True
            file = part.open("w", encoding="utf-8", newline="") if part else nullcontext(out)
            with file as opened:
                if form == "documents":
                    _documents(con, query, opened)
                else:
                    (_raw_csv if raw and form == "csv" else FORMATS[form])(con, opened)
        return True
    except OSError as error:
        if target is None:
            raise
        why = error.strerror or str(error)
        raise StorageError(f"{target} cannot be written: {why}. Name another file.") from error


@contextmanager
def _seekable(part: Path) -> Iterator[Path]:
    """A file for Parquet, whose writer goes back and forth; what becomes of it goes into a pipe."""
    if not part.exists():
        yield part
        return
    with NamedTemporaryFile(suffix=".parquet") as held:
        yield Path(held.name)
        with part.open("wb") as pipe:
            shutil.copyfileobj(held, pipe)


def read_batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """A query's rows. Raises duckdb.Error where the query fails, which Arrow tells as an error of
    reading."""
    import duckdb

    try:
        yield from reader
    except OSError as error:
        stopped = str(error).startswith("INTERRUPT")
        raise (duckdb.InterruptException if stopped else duckdb.Error)(str(error)) from error


def _parquet(con: duckdb.DuckDBPyConnection, query: str | duckdb.Statement, target: Path) -> None:
    """Through Arrow: a locked connection writes no file, and DuckDB's own writer makes a sum, which
    is a HUGEINT, a DOUBLE, with 16 digits of it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    relation = con.sql(query)
    if relation is None:
        return
    reader = for_arrow(relation).to_arrow_reader(100_000)
    try:
        with pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in read_batches(reader):
                writer.write_batch(batch)
    except pa.ArrowNotImplementedError as error:
        raise UsageError(f"Parquet has no such type: {error}. Cast it to VARCHAR.") from error


def as_text(con: duckdb.DuckDBPyConnection, query: str, form: str) -> str:
    """A query's rows as text, for tests and documents."""
    buffer = io.StringIO()
    write(con, query, form, buffer)
    return buffer.getvalue()
