"""Rows of a view over several tables under a condition on what only some of them have: the numbers
that each table gives by itself, with the panels that count them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.dashboards.panels import run_dashboard
from lake.filters.fields import fields_of
from lake.filters.filters import Filter
from lake.filters.search import Search
from lake.filters.selection import Selection
from lake.query import Lake, open_lake
from lake.serve.chosen import chosen
from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def lake(demo_folder: Path) -> Lake:
    return open_lake(demo_folder / "lakehouse", locked=True)


def counted(lake: Lake, table: str, selection: Selection) -> int:
    rows = chosen(table, selection)
    ((found,),) = lake.sql(f"SELECT count(*) FROM ({rows.sql})", dict(rows.params)).fetchall()
    return int(found)


def columns(lake: Lake, relation: str) -> dict[str, str]:
    """Name -> type."""
    return {name: kind for name, kind, *_ in lake.sql(f"DESCRIBE {relation}").fetchall()}


def of_table(lake: Lake, table: str, where: str) -> int:
    ((found,),) = lake.sql(f"SELECT count(*) FROM {table} WHERE {where}").fetchall()
    return int(found)


NAMED = Filter("native.eventName", "is", ("ConsoleLogin", "GetObject"))
NOT_NAMED = Filter("native.eventName", "not", ("ConsoleLogin", "GetObject"))
WHERE = "native.eventName IN ('ConsoleLogin', 'GetObject')"
FLOWS = ("vpcflow", "tgwflow")
OK, HERE = "native.log_status = 'OK'", "region = 'us-east-1'"


def test_among_all_logs_a_table_is_asked_of_its_own_fields(lake: Lake) -> None:
    calls = of_table(lake, "cloudtrail", WHERE)
    every = of_table(lake, EVENTS, "true")
    assert 0 < calls < every
    assert counted(lake, EVENTS, Selection(filters=(NAMED,))) == calls
    assert counted(lake, EVENTS, Selection(filters=(NOT_NAMED,))) == every - calls
    named = of_table(lake, "cloudtrail", "native.eventName IS NOT NULL")
    unset, held = Filter("native.eventName", "unset"), Filter("native.eventName", "set")
    assert counted(lake, EVENTS, Selection(filters=(unset,))) == every - named
    assert counted(lake, EVENTS, Selection(filters=(held,))) == named


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("native.eventName:(ConsoleLogin OR GetObject)", {"cloudtrail": WHERE}),
        ("native.log_status:OK region:us-east-1", dict.fromkeys(FLOWS, f"{OK} AND {HERE}")),
        ("native.eventName:GetObject AND native.log_status:OK", {}),
        (
            "native.eventName:GetObject OR native.log_status:OK",
            {"cloudtrail": "native.eventName = 'GetObject'"} | dict.fromkeys(FLOWS, OK),
        ),
    ],
)
def test_so_does_a_search(lake: Lake, text: str, due: dict[str, str]) -> None:
    found = counted(lake, EVENTS, Selection(search=Search(text)))
    assert found == sum(of_table(lake, table, where) for table, where in due.items())


def test_no_row_has_the_fields_of_two_tables(lake: Lake) -> None:
    both = Selection(filters=(NAMED, Filter("native.log_status", "is", "OK")))
    assert counted(lake, EVENTS, both) == 0
    assert both.unanswered(EVENTS) == []


def test_what_the_tables_of_a_family_share_stays(lake: Lake) -> None:
    """`native` as far as the view has it, under a condition on what one of its tables has."""
    found = 0
    for family, tables in catalogue().families.items():
        for table in tables:
            own = fields_of(table).keys() - fields_of(family).keys()
            for field in sorted(own)[:3]:
                selection = Selection(filters=(Filter(field, "set"),))
                rows = chosen(family, selection)
                assert columns(lake, f"({rows.sql})") == columns(lake, family)
                found += counted(lake, family, selection)
    assert found


def test_the_columns_are_those_of_the_view(lake: Lake) -> None:
    rows = chosen(EVENTS, Selection(search=Search("NOT native.eventName:*")))
    assert columns(lake, f"({rows.sql})") == columns(lake, EVENTS)


def test_panels_and_their_sql_follow(lake: Lake) -> None:
    """Every panel that counts all logs, also those of further tables; its SQL runs as it stands."""
    calls = of_table(lake, "cloudtrail", WHERE)
    panels = {p.title: p for p in run_dashboard(lake, "hunting", filters=[NAMED.url()])}
    types = panels["All - LogType"]
    assert types.rows == (("cloudtrail", calls),)
    assert sum(n for _, n in panels["All - AWS Account"].rows) == calls
    assert [tuple(row) for row in lake.sql(types.sql).fetchall()] == list(types.rows)
    others = {p.title: p for p in run_dashboard(lake, "hunting", filters=[NOT_NAMED.url()])}
    every = {p.title: p for p in run_dashboard(lake, "hunting")}
    for title in ("VPCFlowLogs - Action Table", "GuardDuty - Type Table"):
        assert others[title].rows == every[title].rows != ()


@pytest.mark.parametrize(
    ("text", "table", "where"),
    [
        ("action is REJECT", "vpcflow", "event.action = 'REJECT'"),
        ("action is BLOCK", "waf", "native.action = 'BLOCK'"),
        ("native.action not REJECT", "vpcflow", "event.action IS DISTINCT FROM 'REJECT'"),
        ("srcport is 443", "vpcflow", "source.port = 443"),
        ("srcport is https", "vpcflow", "false"),
        (
            "action is REJECT,BLOCK",
            EVENTS,
            "event.dataset IN ('vpcflow', 'waf') AND event.action IN ('REJECT', 'BLOCK')",
        ),
    ],
)
def test_a_filter_on_a_logs_own_name_is_the_search_for_it(
    text: str, table: str, where: str, lake: Lake
) -> None:
    """Of what one log keeps as a native member, another keeps under an ECS name alone."""
    chosen = Selection(filters=(Filter.parse(text),))
    assert chosen.unanswered(table) == []
    assert counted(lake, table, chosen) == of_table(lake, table, where)
    assert of_table(lake, table, where) > 0 or where == "false"
    assert chosen.unanswered("cloudtrail") == list(chosen.filters)
