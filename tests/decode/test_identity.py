"""`event.hash` of what is known by its object and place, also where it is read in windows."""

from __future__ import annotations

import gzip
import json

import pytest
from logs import FLOW_KEY, QUERY, compact, flow_file, flows, read, subscription

from lake.decode import decode


@pytest.fixture(params=[64 << 20, 4_096])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(decode, "WINDOW", request.param)
    return int(request.param)


def test_the_same_content_gives_the_same_hashes(window: int) -> None:
    data = flow_file(flows(150))
    first = read(data, FLOW_KEY)
    assert first.places == list(range(2, 152))
    assert len(set(first.hashes)) == 150
    assert read(data, "elsewhere/vpcflowlogs/copy.log").hashes == first.hashes
    packed = b"".join(gzip.compress(data[at : at + 997]) for at in range(0, len(data), 997))
    assert read(packed, FLOW_KEY).hashes == first.hashes


def test_equal_lines_stay_two(window: int) -> None:
    line = flows(1)[0]
    result = read(flow_file([line] * 100), FLOW_KEY)
    assert len(set(result.hashes)) == 100


def test_an_object_that_grew(window: int) -> None:
    """What lies in whole windows is known again; the rest is content that was not there before."""
    data = flow_file(flows(150))
    grown = data + b"\n".join([*(line.encode() for line in flows(9, first=200)), b""])
    before, after = read(data, FLOW_KEY).hashes, read(grown, FLOW_KEY).hashes
    whole = data[: len(data) // window * window].count(b"\n")  # and the header
    known = max(whole - 1, 0)
    assert after[:known] == before[:known]
    assert set(after[known:]).isdisjoint(before)


def test_strangers_of_a_window_keep_its_hash(window: int) -> None:
    """Queries that lie in an envelope among plain ones, read twice, with more or less behind."""
    plain = [compact(QUERY)] * 40
    envelope = compact(subscription([json.dumps(QUERY)] * 3))
    data = b"\n".join([*plain[:2], envelope, *plain])
    result = read(data, "logs/queries.json")
    assert result.places == [1, 2, 3, 3, 3, *range(4, 44)]
    assert len(set(result.hashes)) == 45
    more = read(b"\n".join([data, *plain]), "logs/queries.json")
    assert (more.hashes[:5] == result.hashes[:5]) == (window < len(data))
