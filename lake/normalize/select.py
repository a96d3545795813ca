"""Runs a source's SELECT over a chunk: one flat row per record, in the records' order.

The SELECT itself is `lake.normalize.flat`'s. A record on which it raises is found by halving the
chunk, and costs itself only; so does one that it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.normalize.flat import flat_sql
from lake.normalize.records import records_sql
from lake.normalize.rejected import Rejected, rejected
from lake.sources.spelling import respelled

if TYPE_CHECKING:
    from lake.decode.shapes import Shape
    from lake.normalize.engine import Engine
    from lake.sources.source import Source

_NO_ROW = "normalize.sql gives no row for this record"


class Selected(NamedTuple):
    """What the SELECT gave: `flat` columns and the `chunk`, row by row the same records, and those
    for which it has no row."""

    flat: pa.Table
    chunk: pa.Table
    rejected: list[Rejected]


def select(engine: Engine, source: Source, shape: Shape, chunk: pa.Table) -> Selected:
    """The flat columns of a chunk's records. Raises duckdb.Error where the SELECT fails whatever
    the records are, duckdb.OutOfMemoryException."""
    run = _Select(engine, source, shape)
    flat, kept = run.in_order(run.flat(chunk), chunk)
    return Selected(flat, kept, list(run.failed.values()))


@dataclass(slots=True)
class _Select:
    """A SELECT at work on one chunk."""

    engine: Engine
    source: Source
    shape: Shape
    failed: dict[int, Rejected] = field(default_factory=dict)
    """By the record's row in the chunk."""

    def flat(self, chunk: pa.Table) -> pa.Table:
        """The flat columns. Where the shape is known, only those that its rows have filled so far,
        unless one of the others has a value."""
        names = chunk.column_names
        json_text = "text"
        texts = respelled(chunk["text"], self.source)
        if texts is not None:
            chunk, json_text = chunk.append_column("respelled", texts), "respelled"
        wrapped, derived = "wrap_account" in names, "original" in names
        records = records_sql(self.source, self.shape, wrapped, derived, json_text)
        filled = self.engine.filled(self.shape)
        if filled is not None:
            query = f"WITH records AS ({records}) {flat_sql(self.source, self.shape, filled)}"
            flat = pa.concat_tables(self._run(query, chunk))
            if not pc.any(flat["more"]).as_py():
                return flat
            del flat  # it takes up as much memory as what follows
            self.failed.clear()
        query = f"WITH records AS ({records}) {flat_sql(self.source, self.shape)}"
        flat = pa.concat_tables(self._run(query, chunk))
        self.engine.learn(self.shape, flat)
        return flat

    def _run(self, query: str, chunk: pa.Table) -> list[pa.Table]:
        """The query's rows; where it raises, the chunk is halved until the one record is found."""
        try:
            return [self.engine.run(query, chunk)]
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if len(chunk) > 1:
                half = len(chunk) // 2
                return self._run(query, chunk.slice(0, half)) + self._run(query, chunk.slice(half))
            if not len(chunk):
                raise
            # once with no record at all: raises where it is not the record's fault
            none = [] if self.failed else self._run(query, chunk.slice(0, 0))
            reason = f"cannot be normalised: {str(error).split(chr(10), 1)[0][:300]}"
            row = chunk["row"][0].as_py()
            self.failed[row] = rejected(chunk, np.ones(1, bool), reason)[0]
            return none

    def in_order(self, flat: pa.Table, chunk: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Both tables with the same records in the same order. A record that the SELECT leaves out
        is rejected; one that it gives twice is the source's error and taken once."""
        if flat["row"].null_count:  # of a row that normalize.sql has from elsewhere
            flat = flat.filter(flat["row"].is_valid())
        row = flat["row"].to_numpy()
        if len(flat) == len(chunk) and np.array_equal(row, np.arange(len(chunk))):
            return flat, chunk
        present, first = np.unique(row, return_index=True)
        missing = np.ones(len(chunk), bool)
        missing[present] = False
        missing[list(self.failed)] = False
        left_out = rejected(chunk, missing, _NO_ROW)
        self.failed |= dict(zip(np.flatnonzero(missing).tolist(), left_out, strict=True))
        return flat.take(pa.array(first)), chunk.take(pa.array(present))
