"""What options make of a run: what is measured otherwise is another size, and is not compared."""

from __future__ import annotations

import pytest

from bench.__main__ import parser, settings_of
from bench.kinds import KINDS
from bench.settings import FULL, SMALL


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("run", "full"),
        ("run --small", "small"),
        ("run --only ingest --kinds alb", "full"),  # less of the same
        ("run --scale 0.5", "full, scale 0.5"),
        ("run --small --days 3 --seed 0", "small, days 3, seed 0"),
        ("run --rows 500 --small-objects 9", "full, small_objects 9, rows 500"),
        ("run --data logs", "full, data logs"),
        ("data folder --objects 7", "full, objects 7"),
    ],
)
def test_the_size_is_named_after_its_options(words: str, name: str) -> None:
    assert settings_of(parser().parse_args(words.split())).name == name


def test_options_change_what_they_name_alone() -> None:
    made = settings_of(parser().parse_args(["run", "--days", "3", "--scale", "2"]))
    assert (made.layout.days, made.layout.objects) == (3, FULL.layout.objects)
    assert made.records() == {
        "cloudtrail": 200_000,
        "vpcflow": 2_000_000,
        "alb": 600_000,
        "waf": 400_000,
    }


def test_queries_run_over_logs_that_are_given() -> None:
    given = settings_of(parser().parse_args(["run", "--data", "logs"]))
    assert given.query_records() is None
    more = settings_of(parser().parse_args(["run", "--data", "logs", "--rows", "1600000"]))
    assert more.query_records() == {name: kind.records for name, kind in KINDS.items()}


def test_a_small_run_asks_the_logs_that_it_ingested() -> None:
    assert SMALL.query_records() is None
    assert sum((FULL.query_records() or {}).values()) == 10_000_000
