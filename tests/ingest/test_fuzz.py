"""Bytes and values that nobody thought of: whatever is put into an object, decoding and normalising
raise nothing, sums add up, and what stood before the damage is in. The seeds are fixed, so that a
run is like any other; `fuzz_decoders.py` looks further, by hand."""

from __future__ import annotations

import gzip
import json
import os
from typing import Any

import pytest
from broken.good import GOOD, JSON, LINES, Good
from broken.soundness import TOKENS, check_kept, decoded, kept
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
"""More of them, and other ones each time, where the variable says so."""
bounded = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(["insert", "replace", "delete", "repeat", "cut"]),
        st.one_of(st.sampled_from(TOKENS), st.binary(min_size=1, max_size=12)),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[float, str, bytes, int]]) -> tuple[bytes, int]:
    """The data with its edits made, and the first byte that any of them touches."""
    first = len(data)
    for where, what, token, length in edits:
        at = int(where * len(data))
        first = min(first, at)
        if what == "insert":
            data = data[:at] + token + data[at:]
        elif what == "replace":
            data = data[:at] + token + data[at + len(token) :]
        elif what == "delete":
            data = data[:at] + data[at + length :]
        elif what == "repeat":
            data = data[:at] + data[at : at + length] * 2 + data[at + length :]
        else:
            data = data[:at]
    return data, first


def whole_before(good: Good, records: list[bytes], first: int) -> list[bytes]:
    """The records that end before a byte, with what parts them from the next."""
    end, found = len(good.head), []
    for record in records:
        end += len(record) + 1
        if end > first:
            break
        found.append(record)
    return found


@pytest.mark.parametrize("source", GOOD)
@bounded
@given(edits=EDITS)
def test_edited_text(source: str, edits: list[tuple[float, str, bytes, int]]) -> None:
    good = GOOD[source]
    records = good.records(4)
    data, first = edited(good.holding(records), edits)
    check_kept(data, good.key, whole_before(good, records, first))


@bounded
@given(source=st.sampled_from(list(GOOD)), edits=EDITS)
def test_edited_gzip(source: str, edits: list[tuple[float, str, bytes, int]]) -> None:
    good = GOOD[source]
    data, _ = edited(gzip.compress(good.object(3), mtime=0), edits)
    kept(data, good.key)


@bounded
@given(
    data=st.binary(max_size=600),
    start=st.sampled_from((b"", *TOKENS)),
    source=st.sampled_from(list(GOOD)),
)
def test_any_bytes(data: bytes, start: bytes, source: str) -> None:
    decoded(start + data, GOOD[source].key)
    decoded(start + data, "some/where/object")


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**66), 2**66),
        st.floats(),
        st.text(max_size=30),
        st.sampled_from(["", "-", "0", "-1", "1e400", "NaN", "infinity", "2024-13-45T99:99:99Z"]),
        st.sampled_from(
            ["::", "1::2::3", "::ffff:1.2.3.4", "fe80::1%eth0", "999.1.1.1", "[::1]:80"]
        ),
        st.sampled_from(
            ["https://[", "https://a:b@c:99999/?#%zz", "%", "%ff%fe", "\\x9", "a:b:c:d:e"]
        ),
        st.sampled_from(["arn:aws:iam::1:role/a", "arn:" + ":" * 20, "9" * 400, "0" * 5000]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """The ways to every value within a record."""
    found = [path] if path else []
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, one in inner:
        found += paths(one, (*path, name))
    return found


@pytest.mark.parametrize("source", JSON)
@bounded
@given(where=st.floats(0, 0.999), value=VALUES, more=st.floats(0, 0.999), other=VALUES)
def test_values_of_json(
    source: str, where: float, value: object, more: float, other: object
) -> None:
    """A record with two other values is a row or a reject, and costs its neighbours nothing."""
    good = GOOD[source]
    first, changed, last = good.records(3)
    record = json.loads(changed)
    for place, new in ((where, value), (more, other)):
        ways = paths(record)
        *steps, name = ways[int(place * len(ways))]
        at = record
        for step in steps:
            at = at[step]
        at[name] = new
    check_kept(
        good.holding([first, json.dumps(record).encode("utf-8", "replace"), last]),
        good.key,
        [first, last],
    )


@pytest.mark.parametrize("source", LINES)
@bounded
@given(where=st.floats(0, 0.999), value=VALUES)
def test_values_of_lines(source: str, where: float, value: object) -> None:
    good = GOOD[source]
    first, changed, last = good.records(3)
    delimiter = b"\t" if b"\t" in changed else b" "
    fields = changed.split(delimiter)
    text = value if isinstance(value, str) else json.dumps(value)
    fields[int(where * len(fields))] = (
        text.encode("utf-8", "replace").replace(b"\n", b"").replace(b"\r", b"")
    )
    check_kept(good.holding([first, delimiter.join(fields), last]), good.key, [first, last])
