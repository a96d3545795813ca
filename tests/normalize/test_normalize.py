"""Records -> rows: what is refused, what a source leaves out or gives twice, what fails."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from logs import ACCOUNT, TRAIL_KEY, compact, event, read, subscription, trail
from own_source import odd, own_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logs import Read


@pytest.fixture(scope="module", autouse=True)
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with own_source(tmp_path_factory.mktemp("transforms")):
        yield


def short(result: Read) -> tuple[list[tuple[int, int | None]], list[tuple[int, str]]]:
    """Place and native.n of each row, place and reason of each reject."""
    return (
        [(row["log"]["offset"], row["native"]["n"]) for row in result.rows],
        [(reject.position, reject.reason) for reject in result.rejects],
    )


BOOM = "cannot be normalised: Invalid Input Error: boom"
LEFT_OUT = "normalize.sql gives no row for this record"


@pytest.mark.parametrize(
    ("records", "rows", "rejects"),
    [
        (["- n1"], [(1, 1)], []),
        (["- fail"], [], [(1, BOOM)]),
        (["- reject", "- reject"], [], [(1, "told so"), (2, "told so")]),
        (["- gone", "- gone"], [], [(1, LEFT_OUT), (2, LEFT_OUT)]),
        (["- n1", "- fail", "- n3", "- fail"], [(1, 1), (3, 3)], [(2, BOOM), (4, BOOM)]),
        (["- n1", "- twice", "- n3"], [(1, 1), (2, None), (3, 3)], []),
        (["- foreign", "- n2"], [(1, None), (2, 2)], []),
        (
            ["- gone", "- fail", "- reject", "- n4", "- twice"],
            [(4, 4), (5, None)],
            [(1, LEFT_OUT), (2, BOOM), (3, "told so")],
        ),
    ],
)
def test_every_record_is_a_row_or_a_reject(
    records: list[str], rows: list[tuple[int, int]], rejects: list[tuple[int, str]]
) -> None:
    assert short(read(odd(*records), source="own")) == (rows, rejects)


@pytest.mark.parametrize(
    ("time", "start"),
    [
        ("infinity", None),
        ("-infinity", None),
        ("290000-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("-", None),
    ],
)
def test_a_time_that_only_duckdb_takes(time: str, start: datetime | None) -> None:
    good = "2024-02-01T10:00:00Z"
    result = read(odd(f"- n1 - {time}", f"- n2 - {good}"), source="own")
    assert [row["event"]["start"] for row in result.rows] == [
        start,
        datetime(2024, 2, 1, 10, tzinfo=UTC),
    ]


FAR = "time out of range: before 1970-01-02 or from 2262-01-01 on"


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("1970-01-01T23:59:59.999999Z", FAR),
        ("1970-01-02T00:00:00Z", None),
        ("2261-12-31T23:59:59.999999Z", None),
        ("2262-01-01T00:00:00Z", FAR),
        ("infinity", FAR),
        ("-infinity", FAR),
        ("290000-01-01T00:00:00Z", FAR),
        ("noon", "no valid time"),
    ],
)
def test_the_times_that_a_row_may_have(time: str, reason: str | None) -> None:
    result = read(odd("- n1", time=time), source="own")
    rows, rejects = short(result)
    assert rows == ([(1, 1)] if reason is None else [])
    assert rejects == ([] if reason is None else [(1, reason)])
    if reason is None:
        assert result.rows[0]["@timestamp"] == datetime.fromisoformat(time)


SEEN = """\
title = "Seen"
docs = "none"
format = "json"
identity = "object+line"
[recognise]
members = [["odd", "seen"]]
[native]
odd = "VARCHAR"
seen = "TIMESTAMPTZ"
"""


def test_a_members_own_time_that_only_duckdb_takes(tmp_path: Path) -> None:
    sql = "SELECT record, TIMESTAMPTZ '2024-02-01 10:00:00+00' AS \"@timestamp\" FROM records"
    times = ["infinity", "2024-02-01T10:00:00Z"]
    with own_source(tmp_path, SEEN, sql):
        result = read(b"\n".join(compact({"odd": "yes", "seen": time}) for time in times))
    assert [row["native"]["seen"] for row in result.rows] == [
        None,
        datetime(2024, 2, 1, 10, tzinfo=UTC),
    ]


def test_messages_of_one_envelope_are_told_apart() -> None:
    lines = odd("- fail", "- gone", "- n3").decode().splitlines()
    result = read(compact(subscription(lines)), source="own")
    assert short(result) == ([(3, 3)], [(1, BOOM), (2, LEFT_OUT)])


def test_envelopes_and_plain_records_in_one_object() -> None:
    wrapped = subscription([json.dumps(event(1))])
    data = b"\n".join(
        [compact(wrapped), compact(event(2, recipientAccountId=None, userIdentity=None))]
    )
    result = read(data, "logs/some.json")
    contexts: list[Any] = [row["log"]["context"] for row in result.rows]
    assert result.ids == [1, 2]
    assert contexts[0] is not None
    assert json.loads(contexts[0]) == {
        "account": ACCOUNT,
        "region": None,
        "time": "1706781600000",
        "id": f"{0:056d}",
        "log_group": "trail-or-flows",
        "log_stream": f"{ACCOUNT}_eu-west-1",
    }
    assert contexts[1] is None
    assert [row["cloud"]["account"]["id"] for row in result.rows] == [ACCOUNT, None]


def test_related_texts_are_sorted_and_without_repeats() -> None:
    calls = [event(1), event(2, userIdentity=None)]
    result = read(gzip.compress(trail(calls)), TRAIL_KEY)
    assert result.rows[0]["related"]["user"][0] == "ana"
    assert result.rows[1]["related"]["user"] is None


def test_many_distinct_texts_in_memory() -> None:
    """More than a Parquet dictionary may hold; a preview gives them all the same."""
    calls = [event(n, userAgent=f"agent-{n:04}-{'x' * 100}") for n in range(1, 1001)]
    result = read(trail(calls), TRAIL_KEY)
    assert [row["user_agent"]["original"][:10] for row in result.rows] == [
        f"agent-{n:04}" for n in range(1, 1001)
    ]
