"""Parquet -> records. The columns go on as they are, and the original is the row as JSON."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.decode.parquet_limit import ParquetLimit
from lake.decode.pieces import MAX_RECORD
from lake.decode.rows import whose_row
from lake.decode.shapes import Records, Shape
from lake.errors import DecodeError, LimitError
from lake.sources.catalogue import choose
from lake.sources.source import column_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.decode.recognise import Recognition
    from lake.sources.source import Source


def read_parquet(reading: Recognition, data: bytes) -> Iterator[Records]:
    """The rows of a Parquet file. Raises DecodeError where its footer is damaged; a damaged row
    group costs itself."""
    file = _opened(data)
    names = file.schema_arrow.names
    source = _source_of(reading, names)
    if source is None:
        return
    reading.source = source
    if source.delimited is not None:
        reading.note_unknown([n for n in names if source.delimited.column(n) is None])
    else:
        reading.note_columns(source, names)
        reading.made_of_rows(source)
    kinds = [_taken(kind) for kind in file.schema_arrow.types]
    schema = pa.schema(list(zip(_distinct(names), kinds, strict=True)))
    reading.layout = {"table": base64.b64encode(schema.serialize()).decode(), "names": names}
    reading.laid_out(source.name, 0)
    shape = table_shape(source, names, tuple(map(str, kinds)))
    place, lost = 1, []
    limit = ParquetLimit(reading.obj.size, names)
    for number in range(file.num_row_groups):
        begin = place
        try:
            for batch in limit.batches(file, data, number):
                yield from _records_of(reading, shape, batch, place)
                place += len(batch)
        except LimitError:
            raise
        except (pa.ArrowException, OSError, DecodeError) as error:
            lost.append(f"row group {number + 1} cannot be read behind row {place - 1:,}: {error}")
            place = begin + max(file.metadata.row_group(number).num_rows, place - begin)
    if lost:
        more = f"; {len(lost) - 1:,} more row groups" if len(lost) > 1 else ""
        reading.damaged(f"Parquet damaged: {lost[0].strip()}{more}")


def _records_of(
    reading: Recognition, shape: Shape, batch: pa.RecordBatch, place: int
) -> Iterator[Records]:
    """Rows that lie from a place on as records; one that is too long is refused."""
    names = [name for name, _ in shape.columns]
    table = pa.table([_readable(column) for column in batch.columns], names)
    reading.seen += len(batch)
    if len(batch) == 1 and table.nbytes > MAX_RECORD:
        text = json.dumps(table.to_pylist()[0], default=str)
        reading.refuse(text.encode(), f"a record of over {MAX_RECORD >> 20} MB", place)
        return
    position = np.arange(place, place + len(batch), dtype=np.int64)
    yield Records(shape, pa.nulls(len(batch), pa.string()), position, table=table)


def _source_of(reading: Recognition, names: list[str]) -> Source | None:
    """Whose rows these are, told by the columns and the key; None where the object is set aside."""
    known = reading.catalogue.set_aside(reading.obj.key, names)
    by_key = [] if known else reading.delimited_by_key()
    source = reading.named or choose(
        reading.catalogue.by_header([column_name(n) for n in names]), []
    )
    source = source or (None if known else whose_row(names, reading.catalogue))
    source = source or choose([], by_key)
    if source is None and known:
        reading.set_aside(known.status, known.reason)
    elif source is None:
        columns = ", ".join(names[:8])
        reading.set_aside("unknown", f"Parquet that no source knows (columns {columns})")
    return source


def _opened(data: bytes) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:  # all of it is in memory: no disk has failed
        raise DecodeError(f"Parquet damaged or cut: {str(error).strip()}") from error


def table_shape(source: Source, names: list[str], types: tuple[str, ...]) -> Shape:
    """The shape of a table's rows. A column that no source knows is part of the original; one shape
    has one type for each column, so that a long among another object's doubles keeps its digits."""
    given = source.delimited
    known_as = [given.column(name) if given is not None else None for name in names]
    cells = tuple(
        (n, c if c and c not in known_as[:at] else "")
        for at, (n, c) in enumerate(zip(_distinct(names), known_as, strict=True))
    )
    return Shape(source.name, "table", cells, types=types)


def _distinct(names: list[str]) -> list[str]:
    """The names without one that differs from another by case only, which DuckDB takes for it."""
    own: dict[str, str] = {}
    for name in names:
        free, number = name, 2
        while free.lower() in own:
            free, number = f"{name}_{number}", number + 1
        own[free.lower()] = free
    return list(own.values())


def _taken(kind: pa.DataType) -> pa.DataType:
    """The type as DuckDB can take it."""
    if pa.types.is_float16(kind):
        return pa.float32()
    return pa.string() if pa.types.is_decimal256(kind) else kind


def _readable(array: pa.Array) -> pa.Array:
    """The column as DuckDB can take it: one text in it that is not UTF-8 makes every query on it
    fail. Such bytes become `\\xff`, as a rejected record's do."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        array = _mended(array)
    return array.cast(_taken(array.type))


def _mended(array: pa.Array) -> pa.Array:
    """The same with its texts in UTF-8."""
    kind = array.type
    if pa.types.is_primitive(kind) or pa.types.is_binary(kind) or pa.types.is_null(kind):
        return array
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        raw = array.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [None if text is None else text.decode("utf-8", "backslashreplace") for text in raw],
            kind,
        )
    if pa.types.is_dictionary(kind):
        return _mended(array.dictionary_decode()).dictionary_encode().cast(kind)
    if pa.types.is_struct(kind):
        members = [_mended(array.field(at)) for at in range(kind.num_fields)]
        return pa.StructArray.from_arrays(members, fields=list(kind), mask=array.is_null())
    if pa.types.is_list(kind):
        ends = np.cumsum(pc.list_value_length(array).fill_null(0).to_numpy())
        offsets = pa.array(np.append(0, ends).astype(np.int32))
        items = _mended(array.flatten())
        return pa.ListArray.from_arrays(offsets, items, kind, mask=array.is_null())
    raise DecodeError(f"a column of {kind} holds text that is not UTF-8")
