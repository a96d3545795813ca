"""What must hold of any bytes under any key: no exception, no record lost or made up, and what
stood before the damage is in. Hypothesis and the fuzzer by hand ask the same."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.decode.decode import Decoding
from lake.enrich.geoip import GeoIP
from lake.model import STATUSES, RawObject
from lake.normalize.engine import Engine
from lake.sources.catalogue import catalogue
from lake.stage.sinks import MemorySink
from lake.stage.worker import BatchReader, WorkerSetup

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKENS = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r", b"\r\n", b"\t", b" ", b"-"),
    *(b"#", b"\0", b"\x1f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe"),
    *(b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"BZh9", b"\x28\xb5\x2f\xfd", b"\\ud800", b"\\u0000"),
    *(b"NaN", b"1e400", b"null", b"true", b"18446744073709551616", b"-1", b"1.5"),
    *(b'"Records":[', b'{"Records":[', b"[" * 999),
)
"""What breaks a text where it is put; also the fuzzer's dictionary."""


def kept(data: bytes, key: str) -> list[str]:
    """The originals of an object's rows. Raises AssertionError where its sums do not add up, and
    whatever the engine raises."""
    setup = WorkerSetup(Path(), 1 << 30, GeoIP.none(), datetime(2024, 3, 1, tzinfo=UTC))
    sink = MemorySink()
    reader = BatchReader(_engine(), setup, sink)
    decoding = Decoding(RawObject("test", key, key, len(data)), catalogue())
    reader.read(decoding, io.BytesIO(data))
    reader.flush_all()
    tables = [table for of_source in sink.tables.values() for table in of_source]
    rows = sum(len(table) for table in tables)
    (tally,) = reader.objects
    assert tally.records == rows + len(sink.rejects), (tally.records, rows, sink.rejects)
    assert (tally.rows, tally.rejects) == (rows, len(sink.rejects))
    assert decoding.status in STATUSES
    assert all(one.reason and one.position > 0 for one in sink.rejects)
    # what makes the SELECT itself raise costs 4 ms to find: no value of a log may do that
    raised = [one for one in sink.rejects if one.reason.startswith("cannot be normalised")]
    assert not raised, raised[0]
    if decoding.status in ("ignored", "unknown"):
        assert decoding.reason
        assert tally.records == 0
    return [
        text
        for table in tables
        for text in table["event"].combine_chunks().field("original").to_pylist()
    ]


def decoded(data: bytes, key: str) -> int:
    """How many records an object holds as far as decoding knows, which takes a tenth of the time.
    Raises AssertionError where their texts and places do not go together."""
    decoding = Decoding(RawObject("test", key, key, len(data)), catalogue())
    found = 0
    for records in decoding.records(io.BytesIO(data)):
        assert len(records.text) == len(records.position)
        if isinstance(records.text, pa.Array):
            records.text.validate(full=True)
        found += len(records)
    assert decoding.status in STATUSES
    return found + len(decoding.refused)


def check_kept(data: bytes, key: str, before: Sequence[bytes]) -> None:
    """The object is sound, and these records of it are rows."""
    rows = set(kept(data, key))
    lost = [one for one in before if one.decode() not in rows]
    assert not lost, f"{len(lost)} of {len(before)} records before the damage are lost: {lost[0]!r}"


_made: list[Engine] = []


def _engine() -> Engine:
    if not _made:
        _made.append(Engine(512 << 20))
    return _made[0]
