"""What a query may have meant by a column that is not there."""

from __future__ import annotations

import pytest

from lake.ask.meant import meant

MISSING = 'Binder Error: Referenced column "{}" not found in FROM clause!'

MEANT = {
    ("SELECT eventName FROM cloudtrail", "eventName"): "native.eventName",
    ("select EVENTNAME from CloudTrail", "EVENTNAME"): "native.eventName",
    ('SELECT "source.ip" FROM vpcflow', "source.ip"): "source.ip",
    ("SELECT srcaddr FROM vpcflow", "srcaddr"): "source.address",
    ("SELECT iso_code FROM vpcflow JOIN x USING (y)", "country_name"): (
        "source.geo.country_name or destination.geo.country_name"
    ),
    ("SELECT timestamp FROM events", "nothing"): None,
    ("SELECT eventName FROM events", "eventName"): None,
    ("SELECT eventName FROM objects", "eventName"): None,
    ("SELECT question_name FROM route53resolver", "question_name"): "dns.question.name",
}


@pytest.mark.parametrize(("query", "name", "fields"), [(*k, v) for k, v in MEANT.items()])
def test_fields_that_are_meant(query: str, name: str, fields: str | None) -> None:
    told = meant(query, MISSING.format(name))
    assert told == (fields and f"Did you mean {fields}?")


def test_few_are_named() -> None:
    told = meant("FROM guardduty", MISSING.format("id"))
    assert told is not None
    assert told.count(" or ") == 4


def test_an_error_about_something_else() -> None:
    assert meant("FROM cloudtrail", "Parser Error: syntax error at or near eventName") is None
