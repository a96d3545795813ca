"""Parquet of other writers: names twice, bytes that are not UTF-8, types that DuckDB lacks."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import FLOW_HEADER, flows, read

if TYPE_CHECKING:
    from logs import Read

KEY = "exported/vpcflowlogs/a.parquet"
NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 3, pa.array([b"192.0.2.1", b"\xff\xfe", "é".encode()], pa.binary()).buffers()
)
MENDED = ["192.0.2.1", "\\xff\\xfe", "é"]


def flow_columns() -> dict[str, pa.Array]:
    """Three flows, as columns of text."""
    fields = zip(*(line.split() for line in flows(3)), strict=True)
    return {
        name.replace("-", "_"): pa.array(values)
        for name, values in zip(FLOW_HEADER.split(), fields, strict=True)
    }


def parquet(names: list[str], columns: list[pa.Array]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, names), sink)
    return sink.getvalue()


def with_column(name: str, column: pa.Array) -> Read:
    """What became of three flows that have this column besides, or instead."""
    columns = flow_columns()
    if name in columns:
        columns[name] = column
        return read(parquet([*columns], [*columns.values()]), KEY)
    return read(parquet([*columns, name], [*columns.values(), column]), KEY)


def test_bytes_that_are_not_utf8_in_a_known_column() -> None:
    result = with_column("srcaddr", NOT_UTF8)
    assert [row["source"]["address"] for row in result.rows] == MENDED
    assert [row["source"]["ip"] for row in result.rows] == ["192.0.2.1", None, None]
    assert [json.loads(text)["srcaddr"] for text in result.originals] == MENDED


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (NOT_UTF8, MENDED),
        (NOT_UTF8.dictionary_encode(), MENDED),
        (
            pa.StructArray.from_arrays([NOT_UTF8], ["a"], mask=pa.array([False, False, True])),
            [{"a": MENDED[0]}, {"a": MENDED[1]}, None],
        ),
        (
            pa.ListArray.from_arrays(pa.array([0, 2, None, 3]), NOT_UTF8),
            [MENDED[:2], MENDED[2:], None],
        ),
        (pa.array([1, 2, 3], pa.decimal256(50, 2)), ["1.00", "2.00", "3.00"]),
        (pa.array(np.array([1, 2, 0.5], np.float16)), [1.0, 2.0, 0.5]),
        (pa.array([b"\xff", b"a", None]), ["\\xFF", "a", None]),
        (pa.nulls(3), [None, None, None]),
    ],
)
def test_a_column_that_no_source_knows_is_in_the_original(
    column: pa.Array, values: list[object]
) -> None:
    result = with_column("more", column)
    assert [json.loads(text)["more"] for text in result.originals] == values


def test_a_column_that_cannot_be_mended() -> None:
    texts = pa.MapArray.from_arrays([0, 1, 2, 3], pa.array(["a", "b", "c"]), NOT_UTF8)
    result = with_column("more", texts)
    assert (result.status, result.rows) == ("failed", [])
    assert result.reason is not None
    assert "a column of map<string, string" in result.reason


@pytest.mark.parametrize(("name", "second"), [("Srcaddr", "Srcaddr_2"), ("srcaddr", "srcaddr_2")])
def test_two_columns_of_one_name(name: str, second: str) -> None:
    """The first is the known one, as in `SELECT *` of a join; the other is in the original."""
    columns = flow_columns()
    other = pa.array(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    result = read(parquet([*columns, name], [*columns.values(), other]), KEY)
    assert [row["source"]["ip"] for row in result.rows] == ["10.0.0.5"] * 3
    assert json.loads(result.originals[2])[second] == "192.0.2.3"
