"""Half of a surrogate pair costs itself, and what came is kept."""

from __future__ import annotations

import base64
import json

import pytest
from logs import (
    compact,
    pretty,
    read,
    subscription,
)
from wrapped import TEXTS, log_events, notice, queried, queued


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (r"\ud83d", "\ufffd"),
        (r"\udc00", "\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
        (r"\uD83D\ud83d\ude00", "\ufffd\U0001f600"),
    ],
)
def test_half_a_surrogate_pair_costs_itself(given: str, meant: str) -> None:
    """As a writer leaves it that cuts a long value at a fixed length."""
    odd = TEXTS[0].replace("198.51.100.7", given)
    for data in (f'{{"Records": [{odd}, {TEXTS[1]}]}}', f"{odd}\n{TEXTS[1]}\n", f"{odd}{TEXTS[1]}"):
        found = read(data.encode())
        assert (found.ids, found.rejects) == ([1, 2], [])
        assert found.rows[0]["source"]["address"] == meant
        assert found.originals == [odd, TEXTS[1]]


HALF = [TEXTS[0], TEXTS[1].replace("198.51.100.7", r"\ud83d"), TEXTS[2]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(compact(subscription(HALF)), id="a subscription"),
        pytest.param(compact(log_events(HALF)), id="filter-log-events"),
        pytest.param(pretty(queried(HALF)), id="get-query-results"),
        pytest.param(
            compact({"Events": [{"CloudTrailEvent": text} for text in HALF]}), id="lookup-events"
        ),
        pytest.param(compact(notice(f'{{"Records": [{", ".join(HALF)}]}}')), id="an object in SNS"),
    ],
)
def test_half_a_surrogate_pair_in_a_message_costs_itself(data: bytes) -> None:
    """What a caller sends is in the message: no other event goes with it, nor does this one."""
    found = read(data)
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert found.rows[1]["source"]["address"] == "\ufffd"
    assert found.originals == HALF


CUT = [TEXTS[0], TEXTS[1].replace("198.51.100.7", "A\ud83d"), TEXTS[2]]
"""Texts of which one has half a pair itself, that the envelope's JSON has to escape."""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(compact(subscription(CUT)), id="a subscription"),
        pytest.param(pretty(queried(CUT)), id="get-query-results"),
        pytest.param(
            compact({"Events": [{"CloudTrailEvent": text} for text in CUT]}), id="lookup-events"
        ),
        pytest.param(compact({"Messages": [queued(text) for text in CUT]}), id="SQS"),
        pytest.param(
            compact([queued(compact(notice(text)).decode()) for text in CUT]), id="SNS in SQS"
        ),
        pytest.param(pretty(CUT), id="strings"),
    ],
)
def test_half_a_surrogate_pair_in_an_envelopes_escapes_is_kept(data: bytes) -> None:
    """As bytes that are no UTF-8, and said so, where the row has U+FFFD."""
    found = read(data)
    assert (found.status, found.ids, found.rejects) == ("read", [1, 2, 3], [])
    assert [row["log"]["encoding"] for row in found.rows] == [None, "base64", None]
    assert base64.b64decode(found.originals[1]) == CUT[1].encode("utf-8", "surrogatepass")
    assert found.rows[1]["source"]["address"] == "A\ufffd"


def test_other_damage_is_not_mended() -> None:
    odd = TEXTS[0].replace("198.51.100.7", r"\ud83d").replace("true", "NaN")
    found = read(f"{odd}\n{TEXTS[1]}\n".encode())
    assert found.ids == [2]
    assert [(r.reason, r.text) for r in found.rejects] == [("no valid JSON", odd)]


def test_half_a_surrogate_pair_in_what_an_envelope_says_costs_itself() -> None:
    """Nothing of the mark that stood for it meanwhile stays: the next run has another."""
    cut = {**subscription(TEXTS[:1]), "logStream": "a\ud83d"}
    for data in (compact(cut), compact([cut, cut])):
        found = read(data)
        assert (found.status, found.rejects) == ("read", [])
        assert {json.loads(row["log"]["context"])["log_stream"] for row in found.rows} == {
            "a\ufffd"
        }
