"""What a reader may choose: each filter's SQL, words, URL, and the rows it leaves, as one table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import UsageError
from lake.filters.fields import Clause, all_fields, fields_of, moment_in
from lake.filters.filters import OPS, Filter, TimeRange, show_time
from lake.filters.selection import Selection

ROWS = """
SELECT * FROM (VALUES
  (1, 'us-east-1', {ip: '192.0.2.1', port: 22, address: NULL},
   {category: ['network', 'session'], outcome: 'failure'}, {readOnly: true}, NULL),
  (2, 'eu-west-1', {ip: '192.0.2.10', port: 443, address: '2001:0DB8:0::1'},
   {category: ['iam'], outcome: 'Success, "100%"'}, {readOnly: false}, {ip: ['2001:db8::1']}),
  (3, 'us-east-1', {ip: NULL, port: NULL, address: NULL}, {category: NULL, outcome: NULL},
   {readOnly: NULL}, NULL)
) rows(n, region, source, event, native, related)
"""

FILTERS = [
    # filter, SQL, parameters, words, URL, rows left
    (
        Filter("region", "is", "us-east-1"),
        '"region" = $f0_0',
        {"f0_0": "us-east-1"},
        "region is us-east-1",
        "region is us-east-1",
        [1, 3],
    ),
    (
        Filter("region", "is", ("us-east-1", "eu-west-1")),
        '("region" = $f0_0 OR "region" = $f0_1)',
        {"f0_0": "us-east-1", "f0_1": "eu-west-1"},
        "region is us-east-1 or eu-west-1",
        "region is us-east-1,eu-west-1",
        [1, 2, 3],
    ),
    (
        Filter("source.ip", "not", "192.0.2.1"),
        'coalesce(NOT ("source"."ip" = $f0_0), true)',
        {"f0_0": "192.0.2.1"},
        "source.ip is not 192.0.2.1",
        "source.ip not 192.0.2.1",
        [2, 3],
    ),
    (
        Filter("source.ip", "is", "::FFFF:C000:201"),
        '"source"."ip" = $f0_0',
        {"f0_0": "::ffff:192.0.2.1"},
        "source.ip is ::FFFF:C000:201",
        "source.ip is ::FFFF:C000:201",
        [],
    ),
    (
        Filter("related.ip", "is", "2001:0DB8:0::1"),
        'list_contains("related"."ip", $f0_0)',
        {"f0_0": "2001:db8::1"},
        "related.ip is 2001:0DB8:0::1",
        "related.ip is 2001:0DB8:0::1",
        [2],
    ),
    (
        Filter("source.address", "is", "2001:0DB8:0::1"),
        '"source"."address" = $f0_0',
        {"f0_0": "2001:0DB8:0::1"},
        "source.address is 2001:0DB8:0::1",
        "source.address is 2001:0DB8:0::1",
        [2],
    ),
    (
        Filter("source.port", "is", "22"),
        '"source"."port" = $f0_0',
        {"f0_0": 22},
        "source.port is 22",
        "source.port is 22",
        [1],
    ),
    (
        Filter("source.port", "from", "100"),
        '"source"."port" >= $f0_0',
        {"f0_0": 100},
        "source.port is at least 100",
        "source.port from 100",
        [2],
    ),
    (
        Filter("source.port", "below", "443"),
        '"source"."port" < $f0_0',
        {"f0_0": 443},
        "source.port is below 443",
        "source.port below 443",
        [1],
    ),
    (
        Filter("event.category", "is", "network"),
        'list_contains("event"."category", $f0_0)',
        {"f0_0": "network"},
        "event.category is network",
        "event.category is network",
        [1],
    ),
    (
        Filter("event.category", "not", "network"),
        'coalesce(NOT (list_contains("event"."category", $f0_0)), true)',
        {"f0_0": "network"},
        "event.category is not network",
        "event.category not network",
        [2, 3],
    ),
    (
        Filter("event.outcome", "contains", "SUCC"),
        'contains(lower(CAST("event"."outcome" AS VARCHAR)), lower($f0_0))',
        {"f0_0": "SUCC"},
        "event.outcome contains SUCC",
        "event.outcome contains SUCC",
        [2],
    ),
    (
        Filter("event.outcome", "is", 'Success, "100%"'),
        '"event"."outcome" = $f0_0',
        {"f0_0": 'Success, "100%"'},
        'event.outcome is Success, "100%"',
        'event.outcome is Success%2C "100%25"',
        [2],
    ),
    (
        Filter("event.outcome", "is", "' OR 1=1 --"),
        '"event"."outcome" = $f0_0',
        {"f0_0": "' OR 1=1 --"},
        "event.outcome is ' OR 1=1 --",
        "event.outcome is ' OR 1=1 --",
        [],
    ),
    (
        Filter("source.ip", "set"),
        '"source"."ip" IS NOT NULL',
        {},
        "source.ip is set",
        "source.ip set",
        [1, 2],
    ),
    (
        Filter("event.outcome", "is", ""),
        '"event"."outcome" = $f0_0',
        {"f0_0": ""},
        'event.outcome is ""',
        "event.outcome is ",
        [],
    ),
    (
        Filter("source.ip", "any"),
        "true",
        {},
        "source.ip may be anything",
        "source.ip any",
        [1, 2, 3],
    ),
    (
        Filter("source.ip", "unset"),
        '"source"."ip" IS NULL',
        {},
        "source.ip is not set",
        "source.ip unset",
        [3],
    ),
    (
        Filter("native.readOnly", "is", "true"),
        '"native"."readOnly" = $f0_0',
        {"f0_0": True},
        "native.readOnly is true",
        "native.readOnly is true",
        [1],
    ),
]


@pytest.mark.parametrize(
    ("chosen", "sql", "params", "words", "url", "left"), FILTERS, ids=lambda v: str(v)[:40]
)
def test_a_filter_is_one_thing_in_sql_words_and_url(
    chosen: Filter, sql: str, params: dict[str, object], words: str, url: str, left: list[int]
) -> None:
    clause = chosen.clause("f0")
    assert clause == Clause(sql, tuple(params.items()))
    assert chosen.words() == words
    assert chosen.url() == url
    assert Filter.parse(url) == chosen
    query = f"SELECT n FROM ({ROWS}) WHERE {clause.sql} ORDER BY n"
    assert [row[0] for row in duckdb.execute(query, params or None).fetchall()] == left


@pytest.mark.parametrize(
    ("written", "op", "value"),
    [
        ("source.ip is not 192.0.2.1", "not", ("192.0.2.1",)),
        ("native.errorCode is set", "set", ()),
        ("native.errorCode is not set", "unset", ()),
        ("native.errorCode may be anything", "any", ()),
        ("tls.version is at least 1.3", "from", ("1.3",)),
        ("source.port is below 1024", "below", ("1024",)),
        ("source.port below 1024", "below", ("1024",)),
        ("user.name is settled", "is", ("settled",)),
        ("user.name is not settled,nothing", "not", ("settled", "nothing")),
    ],
)
def test_a_filter_in_the_words_of_the_sentence(
    written: str, op: str, value: tuple[str, ...]
) -> None:
    field = written.partition(" ")[0]
    assert Filter.parse(written) == Filter(field, op, value)
    assert str(Filter.parse(written).words()).startswith((f"{field} is", f"{field} may be"))


@pytest.mark.parametrize("text", ["set", "not", "not set", "at least 1", "below 1", "notable"])
def test_a_value_that_reads_like_an_operator_comes_back(text: str) -> None:
    chosen = Filter("user.name", "is", text)
    assert Filter.parse(chosen.url()) == chosen


@given(st.sampled_from(["is", "not", "contains"]), st.lists(st.text(), min_size=1, max_size=4))
def test_any_text_comes_back_from_a_url(op: str, values: list[str]) -> None:
    chosen = Filter("user_agent.original", op, tuple(values))
    assert Filter.parse(chosen.url()) == chosen


@pytest.mark.parametrize(
    ("field", "op", "value", "said"),
    [
        ("sourc.ip", "is", "1", "unknown field 'sourc.ip'. Did you mean source.ip"),
        ('x" OR 1=1 --', "is", "1", "unknown field"),
        ("source.ip", "like", "1", "unknown operator 'like'. Known: is, not"),
        ("source.ip", "is", (), "give a value to compare with"),
        ("source.ip", "set", "1", "give a value to compare with, or none"),
        ("source.port", "is", "http", "source.port is of type INTEGER, and 'http' is none"),
        ("native.time_taken", "from", "inf", "native.time_taken is of type DOUBLE, and 'inf' is"),
        ("native.time_taken", "is", "1e999", "'1e999' is none"),
        ("native.time_taken", "below", "NaN", "'NaN' is none"),
        ("date", "is", "yesterday", "date is of type DATE, and 'yesterday' is none"),
        ("dns.answers", "is", "x", "holds structures"),
        ("related.ip", "from", "10.0.0.1", "related.ip holds a list, which has no order"),
        ("entity.address", "below", "10.0.0.1", "entity.address holds a list"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(
    field: str, op: str, value: str | tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Filter(field, op, value)
    assert said in str(caught.value)


def test_a_filter_of_a_url_that_is_none() -> None:
    with pytest.raises(UsageError, match="Write one like"):
        Filter.parse("source.ip")


def test_fields_are_those_of_the_row_model_and_of_the_source() -> None:
    assert fields_of("events")["source.geo.country_iso_code"] == "VARCHAR"
    assert fields_of("cloudtrail")["native.userIdentity.arn"] == "VARCHAR"
    assert "native.userIdentity.arn" not in fields_of("events")
    assert all_fields()["account"] == "VARCHAR"
    assert set(fields_of("cloudtrail")) <= set(all_fields())
    with pytest.raises(UsageError, match="unknown table 'nothing'"):
        fields_of("nothing")


NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
RANGES = [
    # range, SQL, words
    (TimeRange(), "", "all times (UTC)"),
    (
        TimeRange(NOON),
        '"@timestamp" >= $from AND "date" >= $from_date',
        "from 2024-02-29 12:00 UTC on",
    ),
    (
        TimeRange(None, NOON + timedelta(seconds=30)),
        '"@timestamp" < $to AND "date" <= $to_date',
        "before 2024-02-29 12:00:30 UTC",
    ),
    (
        TimeRange(NOON, NOON + timedelta(days=1)),
        '"@timestamp" >= $from AND "date" >= $from_date'
        ' AND "@timestamp" < $to AND "date" <= $to_date',
        "2024-02-29 12:00 to 2024-03-01 12:00 UTC",
    ),
]


@pytest.mark.parametrize(("time", "sql", "words"), RANGES)
def test_a_range_is_one_thing_in_sql_and_words(time: TimeRange, sql: str, words: str) -> None:
    assert time.clause().sql == sql
    assert time.words() == words


def test_times_are_kept_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    time = TimeRange(datetime(2024, 3, 1, 8, tzinfo=tokyo))
    assert time.clause().params == (
        ("from", datetime(2024, 2, 29, 23, tzinfo=UTC)),
        ("from_date", datetime(2024, 2, 29, tzinfo=UTC).date()),
    )


def test_a_range_without_a_zone_or_that_ends_first_is_none() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        TimeRange(datetime(2024, 1, 1))  # noqa: DTZ001
    with pytest.raises(UsageError, match="Swap the two"):
        TimeRange(NOON, NOON)


def test_a_time_without_a_zone_is_of_utc() -> None:
    assert moment_in("2024-02-29T12:00:00+09:00") == datetime(2024, 2, 29, 3, tzinfo=UTC)
    assert moment_in("2024-02-29T12:00") == moment_in("2024-02-29T12:00Z") == NOON
    with pytest.raises(UsageError, match="'yesterday' is no time"):
        moment_in("yesterday")


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [
        (None, None, (9, 17)),
        (8, 12, (9, 12)),
        (12, 20, (12, 17)),
        (12, None, (12, 17)),
        (18, 20, (None, None)),
    ],
)
def test_a_range_within_an_extent(
    start: int | None, end: int | None, within: tuple[int | None, int | None]
) -> None:
    def at(hour: int | None) -> datetime | None:
        return None if hour is None else datetime(2024, 1, 1, hour, tzinfo=UTC)

    assert TimeRange(at(start), at(end)).within(TimeRange(at(9), at(17))) == TimeRange(
        at(within[0]), at(within[1])
    )


def test_a_selection_joins_what_a_table_can_answer() -> None:
    chosen = Selection(
        TimeRange(NOON),
        (Filter("native.eventName", "is", "GetObject"), Filter("region", "is", "us-east-1")),
        "source.port = 22 -- ssh",
    )
    assert chosen.clause("events").sql == (
        '"@timestamp" >= $from AND "date" >= $from_date AND "region" = $f1_0'
        " AND (source.port = 22 -- ssh\n)"
    )
    assert chosen.unanswered("vpcflow") == [Filter("native.eventName", "is", "GetObject")]
    assert chosen.unanswered("cloudtrail") == chosen.unanswered("events") == []
    assert chosen.fits_none("vpcflow")
    assert not chosen.fits_none("cloudtrail")


@pytest.mark.parametrize(("chosen", "left"), [(one[0], one[-1]) for one in FILTERS], ids=str)
def test_what_a_filter_leaves_out_its_opposite_takes(chosen: Filter, left: list[int]) -> None:
    opposite = chosen.opposite
    assert (opposite is None) == (chosen.op in ("contains", "from", "below", "any"))
    if opposite is not None:
        clause = opposite.clause("f0")
        query = f"SELECT n FROM ({ROWS}) WHERE {clause.sql} ORDER BY n"
        found = duckdb.execute(query, dict(clause.params) or None).fetchall()
        assert sorted([*left, *(row[0] for row in found)]) == [1, 2, 3]
        assert opposite.opposite == chosen


def test_every_operator_is_in_the_table_above() -> None:
    assert {chosen.op for chosen, *_ in FILTERS} == set(OPS)


def test_a_moment_is_written_as_short_as_it_is() -> None:
    at = datetime(2024, 3, 1, 10, 15, tzinfo=UTC)
    assert show_time(at) == "2024-03-01 10:15"
    assert show_time(at.replace(second=5)) == "2024-03-01 10:15:05"
    assert show_time(at.replace(microsecond=500_000)) == "2024-03-01 10:15:00.5"
