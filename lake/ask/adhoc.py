"""A query that somebody types into a page: let in, run under limits, stopped, and its result as a
table to look at and as files. The statement is `lake.serve.statements`' to judge, what it can reach
the locked lake's; the limits here are rows, bytes and time. A result that is cut says so, and is
then the same in every format.
"""

from __future__ import annotations

import io
import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake.ask.casts import for_arrow
from lake.ask.output import distinct_names, read_batches, write
from lake.errors import LakeError, UsageError
from lake.jsonvalues import cell_value
from lake.serve.statements import analyzed, one_select
from lake.store.blame import of_the_lake
from lake.visible import shortened
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lake.query import Lake

ROW_LIMIT = 10_000
"""Rows that are fetched."""
FILE_ROWS, FILE_BYTES = 500_000, 256_000_000
"""What a file may have of a longer result: it lies in memory until a browser has it."""
DISPLAY_LIMIT = 1_000
"""Rows that are shown."""
BYTE_LIMIT = 64_000_000
SECONDS = 300
FILES = {"csv": "text/csv", "jsonl": "application/x-ndjson", "parquet": "application/octet-stream"}
"""The formats of a download -> their type."""

_BATCH = 256
_WATCH = 1.0
"""Seconds between two looks at whether a query is wanted still."""
_UNTOLD = ("Function", "Filename(s)", "Estimated Cardinality")
"""What a plan says of a step that a reader has no use for: its name again, paths, a guess that is
always 0."""
_EXACT = 2**53
"""Whole numbers beyond it lose digits in a browser, which counts in doubles."""


PLAN = ["explain_key", "explain_value"]
"""The columns of an EXPLAIN."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan: `deep` counts the forks before it, `seconds` are those of all threads."""

    name: str
    about: str
    rows: int
    seconds: float
    deep: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a query: `table` as the engine gave it, `cut` why it is not all."""

    table: pa.Table
    seconds: float
    cut: str | None = None

    def shown(self) -> pa.Table:
        """The first rows as a page shows them: numbers and times as such, the rest as text that
        prints, a long one cut; no two columns of a name."""
        names = self.table.column_names
        first = self.table.slice(0, DISPLAY_LIMIT).rename_columns(
            [f"c{n}" for n in range(len(names))]
        )
        nested = [f.name for f in first.schema if pa.types.is_nested(f.type)]
        if nested:
            with duckdb.connect() as con:  # makes JSON of 1,000 wide rows in 0.2 s, Python in 4 s
                con.execute("SET TimeZone = 'UTC'")
                con.register("first", first)
                texts = ", ".join(f"to_json({name})::VARCHAR AS {name}" for name in nested)
                first = con.sql(f"SELECT * REPLACE ({texts}) FROM first").to_arrow_table()
        shown = distinct_names([shortened(name, 100) for name in names])
        return pa.table([_for_the_eye(c) for c in first.columns], names=shown)

    def plan(self) -> list[Step] | None:
        """The steps of a plan that was asked for, the last one first; None of other results."""
        if self.table.column_names != PLAN or self.table.num_rows != 1:
            return None
        text = str(self.table["explain_value"][0].as_py())
        if not text.startswith("{"):
            return None
        return [step for top in json.loads(text)["operator"] for step in _steps(top, 0)]

    def file(self, form: str) -> bytes:
        """The table as a file of a format of `FILES`, as `lake sql` writes it."""
        if form == "parquet":
            sink = pa.BufferOutputStream()
            try:
                pq.write_table(self.table, sink, compression="zstd")
            except pa.ArrowNotImplementedError as error:
                raise UsageError(f"Parquet has no such type: {error}. Cast it.") from error
            return bytes(sink.getvalue())
        text = io.StringIO()
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.register("result", self.table)
            write(con, "FROM result", form, text)
        return text.getvalue().encode()


class Question:
    """One query at work in a thread of its own; with `explain` its plan and what each step took,
    in place of its rows. Raises UsageError at once for a statement that is not let in. Whoever asks
    waits for it in small steps, and calls `stop` when done with it; it ends by itself at its time,
    and within seconds when nobody wants it any more."""

    def __init__(
        self,
        lake: Lake,
        text: str,
        *,
        row_limit: int = ROW_LIMIT,
        byte_limit: int = BYTE_LIMIT,
        seconds: float = SECONDS,
        explain: bool = False,
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        if not lake.locked:
            raise LakeError("a typed query wants a locked lake: open_lake(path, locked=True).")
        self._statement = analyzed(text) if explain else one_select(text)
        self._lake = lake
        self._cursor = lake.cursor()
        self._limits = (row_limit, byte_limit, seconds)
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._answer: Result | LakeError | None = None
        self._thread = threading.Thread(target=self._run, name="a typed query", daemon=True)
        self._wanted = wanted
        self._watch = threading.Thread(target=self._watched, name="its watch", daemon=True)
        self._thread.start()
        self._watch.start()

    @property
    def seconds(self) -> float:
        """Since it was asked."""
        return time.monotonic() - self._began

    def wait(self, seconds: float) -> bool:
        """Whether it is done, at the latest after so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End it, if it still runs; once it has ended this does nothing."""
        self._stopped.set()
        while self._thread.is_alive():
            self._cursor.interrupt()  # again: it may have been between two batches
            self._thread.join(0.05)

    def result(self) -> Result:
        """Wait for what came of it. Raises UsageError with the engine's words, or where the query
        was stopped."""
        self._thread.join()
        if isinstance(self._answer, Result):
            return self._answer
        raise self._answer or LakeError("the query ended without an answer. Run it again.")

    def _watched(self) -> None:
        while not self.wait(min(_WATCH, max(self._limits[2] - self.seconds, 0))):
            if self.seconds >= self._limits[2] or not self._wanted():
                self.stop()

    def _run(self) -> None:
        try:
            self._answer = self._fetched()
        except duckdb.InterruptException:
            limit = self._limits[2]
            took = f"{self.seconds:.1f}"
            said = Sentence("Stopped after {seconds} s: as asked.", seconds=took)
            if self.seconds >= limit:
                said = Sentence(
                    "Stopped after {seconds} s: the limit is {limit} s.",
                    seconds=took,
                    limit=f"{limit:g}",
                )
            self._answer = UsageError(said)
        except (duckdb.Error, pa.ArrowException) as error:
            self._answer = of_the_lake(self._lake.path, error) or UsageError(str(error))
        except LakeError as error:
            self._answer = error

    def _fetched(self) -> Result:
        rows_left, bytes_left, _ = self._limits
        relation = for_arrow(self._cursor.sql(self._statement))
        reader = relation.to_arrow_reader(_BATCH)
        batches: list[pa.RecordBatch] = []
        cut = None
        for batch in read_batches(reader):
            if self._stopped.is_set():
                raise duckdb.InterruptException("between two batches")
            if batch.num_rows > rows_left:
                cut = Sentence("the first {count} rows", count=f"{self._limits[0]:,}")
                batch = batch.slice(0, rows_left)
            elif batch.nbytes > bytes_left and batches:
                fetched = self._limits[0] - rows_left
                cut = Sentence(
                    "the first {count} rows, of {size} MB",
                    count=f"{fetched:,}",
                    size=f"{self._limits[1] / 1e6:.0f}",
                )
                break
            batches.append(batch)
            rows_left -= batch.num_rows
            bytes_left -= batch.nbytes
            if cut:
                break
        return Result(pa.Table.from_batches(batches, reader.schema), self.seconds, cut)


def result_file(lake: Lake, text: str, result: Result, form: str) -> bytes:
    """What a query gives as a file, all of it: where the page has only the first rows the query is
    run again. Raises UsageError where that, too, is cut, so that no file lacks rows unsaid."""
    if result.cut is None:
        return result.file(form)
    whole = Question(lake, text, row_limit=FILE_ROWS, byte_limit=FILE_BYTES).result()
    if whole.cut is not None:
        raise UsageError(f"the file would have {whole.cut} only. `lake sql` writes all of them.")
    return whole.file(form)


def _steps(told: dict[str, Any], deep: int) -> Iterator[Step]:
    """A step and those it takes its rows from; the two around every plan are left out."""
    if told["name"] not in ("RESULT_COLLECTOR", "EXPLAIN_ANALYZE"):
        about = "; ".join(
            f"{key}: {_one_line(value)}"
            for key, value in told["extra_info"].items()
            if key not in _UNTOLD
        )
        name = told["name"].strip().replace("_", " ").capitalize()
        yield Step(name, about, told["intermediate_rows"], told["timing"], deep)
    children = told.get("children", [])
    for child in children:
        yield from _steps(child, deep + (len(children) > 1))


def _one_line(value: Any) -> str:  # noqa: ANN401  text, or a list of texts
    return " ".join((", ".join(value) if isinstance(value, list) else str(value)).split())


def _for_the_eye(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    kind = column.type
    simple = (pa.types.is_boolean, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp)
    if any(is_kind(kind) for is_kind in simple):
        return column
    values = column.to_pylist()
    whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
    if whole and all(value is None or abs(value) <= _EXACT for value in values):
        return pa.array([None if v is None else int(v) for v in values], pa.int64())
    texts = [None if v is None else shortened(str(cell_value(v))) for v in values]
    return pa.array(texts, pa.string())
