"""Numbers that no column holds, or whose sum none does, in every column of every log of lines: a
row each, in which only what such a number cannot tell is empty."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logs import read

from lake.sources.catalogue import catalogue

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


def _leaf(row: dict[str, Any], name: str) -> object:
    first, last = name.split(".")
    return row[first].get(last)
