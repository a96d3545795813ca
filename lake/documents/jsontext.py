"""Arrow columns -> JSON text, a row at a time out of columns.

Arrow's JSON writer (arrow-rs, through arro3) writes whole rows and leaves out what is NULL. What it
would write empty, an object or a list of nothing or a text that says nothing, becomes NULL before
(`_filled`), and members that are JSON already are put beside what it writes (`objects`).
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arro3.io import write_ndjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Texts = list[str | None]
"""JSON text of each row, None where it has nothing."""
SILENT = ("", "-")
"""Texts by which logs say that there is nothing."""
_NOTHING: tuple[Any, ...] = (None, {}, [])
_ENCODER = msgspec.json.Encoder()


def as_json(value: Any) -> str:  # noqa: ANN401  a part of a document
    """JSON text. Half of a surrogate pair, which JSON may escape and UTF-8 cannot hold, stays
    escaped."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)


def each(values: Iterable[Any], made: Callable[[Any], Any]) -> Texts:
    """The JSON of what is made of each value; None for what is nothing."""
    found = (None if value is None else made(value) for value in values)
    return [None if one in _NOTHING else as_json(one) for one in found]


def objects(rows: int, columns: Mapping[str, pa.Array], texts: Mapping[str, Texts]) -> Texts:
    """Each row's members as one object, None where it has none: those of `columns` as Arrow writes
    them, and `texts`, which are JSON."""
    ends = [""] * rows
    for name, given in texts.items():
        key = f",{as_json(name)}:"
        ends = [
            end if text is None else end + key + text for end, text in zip(ends, given, strict=True)
        ]
    return [_joined(line, end) for line, end in zip(_lines(rows, columns), ends, strict=True)]


def members(column: pa.StructArray) -> dict[str, pa.Array]:
    """A STRUCT's members by name."""
    return dict(zip((field.name for field in column.type), column.flatten(), strict=True))


def _joined(line: str, end: str) -> str | None:
    if line == "{}":
        return f"{{{end[1:]}}}" if end else None
    return f"{line[:-1]}{end}}}" if end else line


def _lines(rows: int, columns: Mapping[str, pa.Array]) -> Sequence[str]:
    whole = _together(columns)
    if whole is None:
        return ["{}"] * rows
    written = BytesIO()
    write_ndjson(pa.record_batch(members(whole)), written)
    return str(written.getbuffer(), "utf-8").split("\n")[:-1]


def _together(columns: Mapping[str, pa.Array]) -> pa.StructArray | None:
    """Columns as one, NULL where a row has none of them; None where no row has anything."""
    found = {n: c for n, column in columns.items() if (c := _filled(column)) is not None}
    if not found:
        return None
    mask = None
    if all(column.null_count for column in found.values()):
        there = np.zeros(len(next(iter(found.values()))), bool)
        for column in found.values():
            there |= column.is_valid().to_numpy(zero_copy_only=False)
        mask = pa.array(~there)
    return pa.StructArray.from_arrays(list(found.values()), list(found), mask=mask)


def _filled(column: pa.Array) -> pa.Array | None:
    """A column in which objects and lists of nothing are NULL, as are texts that say nothing and
    numbers that JSON does not have; None where no row has anything."""
    if column.null_count == len(column):
        return None
    kind = column.type
    if pa.types.is_struct(kind):
        return _together(members(column))
    if pa.types.is_list(kind):
        return _filled_lists(column)
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if pa.types.is_string(kind):
        return _said(column)
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _said(column: pa.StringArray) -> pa.StringArray | None:
    """A column of texts without those that say nothing; None where no row has another."""
    if not pc.any(pc.less_equal(pc.binary_length(column), 1)).as_py():
        return column
    silent = pc.is_in(column, pa.array(SILENT))
    said = pc.if_else(silent, pa.scalar(None, column.type), column)
    return None if said.null_count == len(said) else said


def _moments(times: pa.TimestampArray) -> pa.Array:
    """Times in UTC as ISO 8601, all with as many digits. Arrow's `strftime`, and its casts of times
    with a zone, ask what the zone is for each: 3 us instead of 0.25."""
    plain_times = times.cast(pa.timestamp(times.type.unit))
    text = pc.utf8_replace_slice(plain_times.cast(pa.string()), 10, 11, "T")
    return pc.binary_join_element_wise(text, "Z", "")


def _filled_lists(column: pa.ListArray) -> pa.ListArray | None:
    """Lists without items that are nothing; NULL for one without any."""
    inner = _filled(column.flatten())
    if inner is None:
        return None
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    # how many items stand before each list, of those that are there
    before = np.append(0, np.cumsum(inner.is_valid().to_numpy(zero_copy_only=False)))
    ends = before[np.append(0, np.cumsum(lengths))].astype(np.int32)
    empty = pa.array(np.diff(ends) == 0)
    return pa.ListArray.from_arrays(pa.array(ends), inner.drop_null(), mask=empty)
