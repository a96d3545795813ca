"""Numbers that no column holds, or whose sum none does, in every column of every log of lines: a
row each, in which only what such a number cannot tell is empty; the column is counted."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from logs import read

import lake.normalize.engine
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.serve.status import read_status
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST = str(2**63 - 1)
BIG = (MOST, "9" * 30)
TIMES = {
    "alb": {"time": "2018-07-02T22:23:00.186641Z"},
    "alb_connection": {"time": "2023-10-04T17:05:15.514108Z"},
    "clb": {"time": "2015-05-13T23:39:43.945958Z"},
    "cloudfront": {"date": "2019-12-04", "time": "21:02:31", "timestamp_ms": "1575493351814"},
    "cloudfront_connection": {"event_timestamp": "1764019966814"},
    "cloudfront_realtime": {"timestamp": "1732104551.814"},
    "nlb": {"time": "2018-12-20T02:59:40"},
    "s3access": {"time": "[06/Feb/2019:00:00:38", "zone": "+0000]"},
    "tgwflow": {"start": "1646150000", "end": "1646150060"},
    "vpcflow": {"start": "1418530010", "end": "1418530070"},
}
"""What a record's time is made of. Where there are two, either will do."""
SOURCES = [name for name, one in catalogue().sources.items() if one.delimited is not None]


def big(source: str) -> list[dict[str, str]]:
    """Records as JSON, each with 1 in all columns but one, and one that is big in all."""
    given, times = catalogue()[source].delimited, TIMES[source]
    assert given is not None
    spare = {"start", "end", "timestamp_ms"}
    ones = dict.fromkeys(given.columns, "1") | times
    columns = [name for name in given.columns if name not in times or name in spare]
    return [ones | {name: much} for much in BIG for name in columns] + [
        dict.fromkeys(given.columns, much) | times for much in BIG
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_a_record_with_a_big_number_is_a_row(source: str) -> None:
    """Nor does it cost the others their chunk, of which the one at fault would be looked for."""
    records = big(source)
    found = read("\n".join(map(json.dumps, records)).encode(), source=source)
    assert (found.status, found.rejects, len(found.rows)) == ("read", [], len(records))
    assert {row["event"]["dataset"] for row in found.rows} == {source}


@pytest.mark.parametrize(
    ("source", "columns", "leaves"),
    [
        ("alb", ["received_bytes"], {"source.bytes": int(MOST), "destination.bytes": 1}),
        ("clb", ["sent_bytes"], {"source.bytes": 1, "destination.bytes": int(MOST)}),
        ("nlb", ["received_bytes"], {"source.bytes": int(MOST), "destination.bytes": 1}),
        ("cloudfront", ["cs_bytes"], {"source.bytes": int(MOST), "destination.bytes": 1}),
        ("cloudfront_realtime", ["sc_bytes"], {"source.bytes": 1, "destination.bytes": int(MOST)}),
        ("s3access", ["total_time", "object_size"], {"file.size": int(MOST)}),
    ],
)
def test_what_a_big_number_makes_too_big_is_empty(
    source: str, columns: list[str], leaves: dict[str, int]
) -> None:
    given = catalogue()[source].delimited
    assert given is not None
    record = dict.fromkeys(given.columns, "1") | TIMES[source] | dict.fromkeys(columns, MOST)
    (row,) = read(json.dumps(record).encode(), source=source).rows
    made = "event.duration" if "total_time" in columns else "network.bytes"
    assert {name: _leaf(row, name) for name in (*leaves, made)} == leaves | {made: None}


@pytest.mark.parametrize("source", SOURCES)
def test_a_text_that_is_none_of_its_columns_type_is_counted(source: str) -> None:
    given, times = catalogue()[source].delimited, TIMES[source]
    assert given is not None
    good = dict.fromkeys(given.columns, "1") | {"tls_connection_creation_time": "2018-12-20T02:59"}
    columns = [one for one in given.columns if one not in times or one in dict(given.typed)]
    records = [good | times] + [good | times | {one: "9x"} for one in columns]
    found = read("\n".join(map(json.dumps, records)).encode(), source=source)
    assert (found.rejects, len(found.rows)) == ([], len(records))
    there = [one for one in columns if one in dict(given.typed)]
    assert found.decoding.lossy_members == dict.fromkeys(there, 1)
    whole, *rows = [{*_filled(row)} for row in found.rows]
    lost = [one for one, row in zip(columns, rows, strict=True) if whole - row]
    assert {*lost} - NOT_COUNTED.get(source, set()) == {*there}


NOT_COUNTED = {
    "alb": {"client_port", "target_port"},
    "clb": {"client_port", "backend_port"},
}
"""Columns of other things than numbers."""


def _filled(row: dict[str, Any], path: str = "") -> Iterator[str]:
    """The leaves that hold a number or a time."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _filled(value, f"{path}{name}.")
        elif isinstance(value, int | float | datetime):
            yield path + name


@pytest.mark.parametrize("learned", [0, 1 << 20], ids=["learned shape", "new shape"])
def test_numbers_of_flows_beyond_64_bits_are_counted_by_object(
    learned: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of lines, whatever the columns of the lines before were."""
    monkeypatch.setattr(lake.normalize.engine, "LEARNED_ROWS", learned)
    line = "2 111122223333 eni-0a1b 203.0.113.5 198.51.100.7 443 {} 6 {} {} 1700000000 {} ACCEPT OK"
    good, much = line.format(1, 2, 3, 1700000060), str(2**64 - 1)
    port, both = line.format(2**31, 2, 3, 1700000060), line.format(1, much, much, 1700000060)
    bytes_alone = line.format(1, 2, much, 1700000060)
    none = "2 111122223333 eni-0a1b - - - - - - - 1700000000 1700000060 - NODATA"
    objects = ([good, none], [good, port, none], [both, good, bytes_alone], [none, good])
    for name, lines in enumerate(objects):
        (tmp_path / f"{name}.log").write_text("\n".join(lines) + "\n")
        ingest(tmp_path / "lake", [str(tmp_path / f"{name}.log")], IngestOptions(jobs=1))
    told = open_lake(tmp_path / "lake").sql(
        "SELECT parse_filename(path, true), lossy_members::JSON::VARCHAR FROM objects ORDER BY 1"
    )
    assert [one and json.loads(one) for _, one in told.fetchall()] == [
        None,
        {"dstport": 1},
        {"packets": 1, "bytes": 2},
        None,
    ]
    counts = {"bytes": 2, "packets": 1, "dstport": 1}
    assert read_status(tmp_path / "lake").lossy_members == {"vpcflow": counts}


def _leaf(row: dict[str, Any], name: str) -> object:
    first, last = name.split(".")
    return row[first].get(last)
