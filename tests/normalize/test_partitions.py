"""Where a row goes: hostile texts, days over centuries, and what the file's statistics say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from logs import event, read, trail

from lake.normalize import partitions
from lake.normalize.coded import Coded, encode
from lake.normalize.partitions import ACCOUNT, REGION, Crowded, Partition, keyed, partition

FIRST, LAST = "1970-01-02T00:00:00.000000Z", "2261-12-31T23:59:59.999999Z"


def moment(text: str) -> int:
    """Microseconds since 1970."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def placed(rows: list[tuple[str, str, str]]) -> list[tuple[Partition, list[int]]]:
    """The partitions of rows (account, region, time), each with its rows' places."""
    accounts, regions, times = zip(*rows, strict=True)
    parts, codes = partition(
        encode([pa.array(accounts)])[0],
        encode([pa.array(regions)])[0],
        np.array([moment(time) for time in times], np.int64),
    )
    return [(part, np.flatnonzero(codes == at).tolist()) for at, part in enumerate(parts)]


def of_key(said: str | None) -> Coded:
    """What the only object's key says of its only row."""
    return Coded(pa.array([said], pa.string()), np.zeros(1, np.int32))


def test_more_partitions_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with the most rows stay."""
    monkeypatch.setattr(partitions, "MAX_PARTITIONS", 2)
    days = ["2024-02-01", "2024-02-02", "2024-02-01", "2024-02-03", "2024-02-03", "2024-02-04"]
    with pytest.raises(Crowded) as raised:
        placed([("111122223333", "eu-west-1", f"{day}T10:00:00Z") for day in days])
    assert raised.value.kept.tolist() == [True, False, True, True, True, False]


def test_records_beyond_them_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "MAX_PARTITIONS", 2)
    regions = ["eu-west-1", "eu-west-2", "eu-west-1", "eu-west-3", "eu-west-2"]
    calls = [event(n, awsRegion=region) for n, region in enumerate(regions, 1)]
    result = read(trail(calls))
    assert result.ids == [1, 2, 3, 5]
    ((position, reason),) = ((one.position, one.reason) for one in result.rejects)
    assert (position, reason[:47]) == (4, "one of over 20,000 accounts, regions and days a")


@pytest.mark.parametrize(
    ("said", "account"),
    [
        ("123456789012", "123456789012"),
        ("12345678901", "111122223333"),
        ("1234567890123", "111122223333"),
        ("123456789012\n", "111122223333"),
        ("\uff11" * 12, "111122223333"),
        ("../../../../", "111122223333"),
        ("'", "111122223333"),
        ("unknown", "111122223333"),
        ("", "111122223333"),
        (None, "111122223333"),
    ],
)
def test_an_account_that_is_none_is_the_keys(said: str | None, account: str) -> None:
    given = encode([pa.array([said], pa.string())])[0]
    assert keyed([given, of_key("111122223333")], ACCOUNT).array().to_pylist() == [account]
    due = account if account == said else "unknown"
    assert keyed([given, of_key(None)], ACCOUNT).array().to_pylist() == [due]
    assert keyed([given, of_key("../x")], ACCOUNT).array().to_pylist() == [due]


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ("eu-west-1", True),
        ("us-gov-west-1", True),
        ("us-east-1a", True),
        ("us-west-2-lax-1", True),
        ("global", True),
        ("US-EAST-1", False),
        ("eu-west-1/..", False),
        ("eu-west-1\n", False),
        ("..", False),
        ("a" * 300, False),
    ],
)
def test_a_region_that_is_none_is_unknown(said: str, valid: bool) -> None:
    given = encode([pa.array([said])])[0]
    found = keyed([given, of_key(None)], REGION).array().to_pylist()
    assert found == [said if valid else "unknown"]


def test_what_is_told_first_and_is_one_decides() -> None:
    told = [[None, None, "x"], ["111122223333", None, None], ["999999999999", "no", "222233334444"]]
    found = keyed([encode([pa.array(one, pa.string())])[0] for one in told], ACCOUNT)
    assert found.array().to_pylist() == ["111122223333", "unknown", "222233334444"]


def test_the_object_of_each_row_decides() -> None:
    given = encode([pa.array([None, "123456789012", None, None], pa.string())])[0]
    keys = pa.array(["111122223333", None, "123456789012"])
    found = keyed([given, Coded(keys, np.array([0, 0, 1, 2], np.int32))], ACCOUNT)
    assert found.array().to_pylist() == [
        "111122223333",
        "123456789012",
        "unknown",
        "123456789012",
    ]


def test_days_of_three_centuries() -> None:
    found = placed(
        [
            ("b", "y", LAST),
            ("a", "y", FIRST),
            ("b", "x", "2024-02-29T12:00:00Z"),
            ("a", "y", LAST),
            ("b", "y", "2261-12-31T00:00:00Z"),
        ]
    )
    assert [(p.account, p.region, p.date, p.rows, rows) for p, rows in found] == [
        ("a", "y", "1970-01-02", 1, [1]),
        ("a", "y", "2261-12-31", 1, [3]),
        ("b", "x", "2024-02-29", 1, [2]),
        ("b", "y", "2261-12-31", 2, [0, 4]),
    ]
    assert json.loads(found[3][0].stats()) == {
        "numRecords": 2,
        "minValues": {"@timestamp": "2261-12-31T00:00:00.000000Z"},
        "maxValues": {"@timestamp": LAST},
        "nullCount": {"@timestamp": 0},
    }


def test_many_accounts_regions_and_days() -> None:
    """Their product is 10^12, far above 2^31; each row is alone."""
    rows = [(f"{n:012}", f"aa{n}-a-1", FIRST if n % 2 else LAST) for n in range(1, 3001)]
    found = placed(rows)
    assert [(p.account, p.region, p.first) for p, _ in found] == [
        (account, region, moment(time)) for account, region, time in rows
    ]
    assert [at for _, at in found] == [[n] for n in range(3000)]


def test_no_rows() -> None:
    nothing = encode([pa.array([], pa.string())])[0]
    parts, codes = partition(nothing, nothing, np.empty(0, np.int64))
    assert (parts, codes.tolist()) == ([], [])
