"""Parquet that is cut, damaged, lies, or is none."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from logs import FLOW_HEADER

from broken.case import Case
from broken.good import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "export/vpcflowlogs/flows.parquet"


def flow_table(number: int, **columns: pa.Array) -> pa.Table:
    """So many flows as columns of text, some replaced or added."""
    rows = [record.decode().split() for record in GOOD["vpcflow"].records(number)]
    names = [name.replace("-", "_") for name in FLOW_HEADER.split()]
    texts = zip(*rows, strict=True)
    return pa.table(
        {name: pa.array(list(column)) for name, column in zip(names, texts, strict=True)} | columns
    )


def parquet(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def _case(name: str, data: bytes, rows: int = 0, **more: Any) -> Case:  # noqa: ANN401
    more.setdefault("source", "vpcflow")
    return Case(f"Parquet: {name}", KEY, data, rows, **more)


def cases() -> Iterator[Case]:
    yield _case("whole", parquet(flow_table(3)), 3)
    for at in (5, 12, 500, -2000, -300, -9, -8, -4, -1):
        data = parquet(flow_table(3))[:at]
        yield _case(f"cut at {at}", data, status="failed", reason="Parquet", source="vpcflow")
    whole = parquet(flow_table(3))
    yield _case("another mark at the end", whole[:-4] + b"PAR2", status="failed", reason="Parquet")
    yield _case(
        "a footer of 4 GB", whole[:-8] + b"\xff\xff\xff\xffPAR1", status="failed", reason="Parquet"
    )
    whole = parquet(flow_table(3))
    yield _case(
        "a footer of nothing", whole[:-8] + b"\0\0\0\0PAR1", status="failed", reason="Parquet"
    )
    whole = bytearray(parquet(flow_table(3)))
    whole[-60:-30] = b"\xff" * 30
    yield _case("a footer that is damaged", bytes(whole), status="failed", reason="Parquet")
    whole = bytearray(parquet(flow_table(300), compression="zstd"))
    whole[40:60] = b"\xff" * 20
    yield _case("a page that is damaged", bytes(whole), status="failed", reason="Parquet")
    yield _case("no row", parquet(flow_table(1).slice(0, 0)))
    yield _case("no column", parquet(pa.table({})))
    strange = parquet(pa.table({"a": [1], "b": ["x"]}))
    yield _case("unknown columns", strange, rejects=((1, "no valid time"),))
    yield Case(
        "Parquet: unknown columns, under no telling key",
        "x/y",
        strange,
        status="unknown",
        reason="Parquet",
    )
    numbers = {
        "bytes as DOUBLE": pa.array([1.0, 2.5]),
        "bytes as BOOLEAN": pa.array([True, False]),
        "bytes as UINT64": pa.array([2**64 - 1, 5], pa.uint64()),
        "bytes as BINARY": pa.array([b"\xff\0", b"5"]),
        "bytes as lists": pa.array([[1], [2, 3]]),
        "bytes as structs": pa.array([{"a": 1}, {"a": 2}]),
        "bytes as times": pa.array([1, 2], pa.timestamp("ns")),
        "bytes as decimals": pa.array([1, 2], pa.decimal128(38, 10)),
        "bytes as nulls": pa.nulls(2),
        "bytes as codes": pa.array(["1", "2"]).dictionary_encode(),
    }
    for name, column in numbers.items():
        yield _case(name, parquet(flow_table(2, bytes=column)), 2)
    for name, column, word in (
        ("end as BOOLEAN", pa.array([True, False]), "no valid time"),
        ("end as lists", pa.array([[1], [2]]), "no valid time"),
    ):
        data = parquet(flow_table(2, end=column, start=column))
        yield _case(name, data, 0, rejects=((1, word), (2, word)))
    end = pa.array([10**18, 5], pa.timestamp("us"))
    yield _case(
        "end as a time far out", parquet(flow_table(2, end=end)), 1, rejects=((2, "out of range"),)
    )
