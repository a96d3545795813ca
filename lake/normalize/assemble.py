"""Columns by leaf -> the row model's STRUCT columns, a Parquet file's table a partition.

Structs are put together from the leaves without copying. A leaf that no row fills stays out of the
file, since writing it costs; below every STRUCT one is kept, since DuckDB 2.0 fails on a leaf whose
parent a file lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lake.normalize.coded import compact
from lake.sources.rowmodel import arrow_type, table_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.normalize.derive import Columns
    from lake.normalize.partitions import Partition
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source


@dataclass(slots=True)
class Rows:
    """The rows of a chunk: a column a leaf, `@timestamp` among them, and each row's partition."""

    source: Source
    columns: Columns
    hashes: np.ndarray
    partitions: list[Partition]
    part: np.ndarray
    objects: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)

    def tables(self) -> Iterator[tuple[Partition, pa.Table, np.ndarray]]:
        """Each partition's rows as its file holds them, and their identities."""
        columns, hashes, part = self.columns, self.hashes, self.part
        starts = _starts(part)
        if len(starts) > len(self.partitions):  # some lie in pieces
            order = np.argsort(part, kind="stable")
            columns = {n: columns.pop(n).take(pa.array(order)) for n in list(columns)}
            hashes, part = hashes[order], part[order]
            starts = _starts(part)
        for at in starts:
            partition = self.partitions[part[at]]
            piece = {n: c.slice(at, partition.rows) for n, c in columns.items()}
            filled = {n: compact(c) for n, c in piece.items() if c.null_count < partition.rows}
            yield (
                partition,
                _table(self.source, filled, partition.rows),
                hashes[at : at + partition.rows],
            )

    def whole(self) -> pa.Table:
        """All rows in the records' order with every leaf of the table's type."""
        plain = {
            n: c.dictionary_decode() if pa.types.is_dictionary(c.type) else c
            for n, c in self.columns.items()
        }
        table = _table(self.source, plain, len(self), every=True)
        return table.cast(_plain(table.schema))


def _starts(part: np.ndarray) -> list[int]:
    """The places at which another partition's rows begin."""
    return np.flatnonzero(np.append(True, part[1:] != part[:-1])[: len(part)]).tolist()


def _table(source: Source, columns: Columns, rows: int, every: bool = False) -> pa.Table:
    sets = {n: _struct(t, n, columns, rows, every) for n, t in table_sets(source).items()}
    native = _struct(source.native, "native", columns, rows, every)
    return pa.table({"@timestamp": columns["@timestamp"], **sets, "native": native})


def _struct(tree: Tree, prefix: str, columns: Columns, rows: int, every: bool) -> pa.StructArray:
    members: dict[str, pa.Array] = {}
    for name, body in tree.items():
        path = f"{prefix}.{name}"
        if path in columns:
            members[name] = columns[path]
        elif isinstance(body, dict):
            members[name] = _struct(body, path, columns, rows, every)
        elif every:
            members[name] = pa.nulls(rows, arrow_type(body))
    if not members:
        first = min(tree, key=lambda name: str(tree[name]).endswith("]"))  # a list has leaves below
        members[first] = pa.nulls(rows, arrow_type(tree[first]))
    return pa.StructArray.from_arrays(list(members.values()), list(members))


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema with texts where it has codes."""

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return kind.value_type
        if pa.types.is_struct(kind):
            return pa.struct([pa.field(f.name, plain(f.type)) for f in kind])
        if pa.types.is_list(kind):
            return pa.list_(plain(kind.value_type))
        return kind

    return pa.schema([pa.field(f.name, plain(f.type)) for f in schema])
