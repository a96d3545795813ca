"""One thing through all sources: of which kind a text is, and which rows know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import run_panel
from lake.dashboards.scope import view_of
from lake.errors import UsageError
from lake.filters.entities import entities_of, kind_named_by, kinds, leaves_of
from lake.filters.fields import all_fields, fields_of
from lake.filters.filters import Filter
from lake.filters.search import read_search
from lake.filters.selection import Selection
from lake.query import Lake, open_lake
from lake.serve.extent import extent_of
from lake.sources.rowmodel import EVENTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def lake(demo_folder: Path) -> Lake:
    return open_lake(demo_folder / "lakehouse", locked=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("198.51.100.7", [("address", "198.51.100.7"), "user", "role", "bucket"]),
        ("2001:DB8:0::1", [("address", "2001:db8::1")]),
        (" AKIAIOSFODNN7EXAMPLE ", [("access_key", "AKIAIOSFODNN7EXAMPLE"), "user"]),
        ("i-0123456789abcdef0", [("instance", "i-0123456789abcdef0"), "user"]),
        ("arn:aws:ec2:us-east-1:1:instance/i-0a1b2c3d", [("instance", "i-0a1b2c3d")]),
        ("arn:aws:iam::111111111111:user/team/alice", [("user", "alice")]),
        ("arn:aws-cn:iam::111111111111:role/Admin", [("role", "Admin")]),
        ("arn:aws:sts::111111111111:assumed-role/Admin/alice", [("role", "Admin")]),
        ("arn:aws:s3:::logs.example.com/AWSLogs/*", [("bucket", "logs.example.com")]),
        ("s3://logs/a/b", [("bucket", "logs")]),
        ("https://www.example.com:8443/a?b", [("domain", "www.example.com")]),
        ("example.com", [("domain", "example.com"), "user", "role", "bucket"]),
        ("alice", [("user", "alice"), ("role", "alice"), ("bucket", "alice")]),
        ("alice@example.com", [("user", "alice@example.com"), "role", "bucket"]),
        ("300.1.1.1", [("user", "300.1.1.1"), "role", "bucket"]),
    ],
)
def test_of_which_kind_a_text_is(text: str, meant: list[tuple[str, str] | str]) -> None:
    found = entities_of(text)
    for due, (kind, value) in zip(meant, found, strict=False):
        assert due in (kind.name, (kind.name, value))
    assert len(found) >= len(meant)


def test_a_kind_that_is_given_takes_the_value_out_of_a_text() -> None:
    assert [(k.name, v) for k, v in entities_of("s3://logs/a", "bucket")] == [("bucket", "logs")]
    assert [(k.name, v) for k, v in entities_of("10.0.0.1", "user")] == [("user", "10.0.0.1")]


def test_every_leaf_of_every_kind_is_one_of_every_table() -> None:
    for kind in kinds().values():
        for leaf in (*kind.fields, *kind.counted):
            assert leaf in fields_of(EVENTS), leaf
        assert set(kind.counted) <= set(kind.names)
        assert set(kind.names) <= set(all_fields())
        assert all_fields()[kind.field] == "VARCHAR"
        assert leaves_of(kind.field) == kind.fields
    assert leaves_of("source.ip") == ("source.ip",)
    assert kind_named_by("event.action") is None


# of each kind one thing of the demo's attack, and the rows that know it, in SQL
KNOWN = {
    "address": ("26.77.13.201", "list_contains(related.ip, '26.77.13.201')"),
    "access_key": (
        "AKIAHALDENCI7EXAMPLE",
        "user.access_key.id = 'AKIAHALDENCI7EXAMPLE' "
        "OR list_contains(related.access_keys, 'AKIAHALDENCI7EXAMPLE')",
    ),
    "user": ("ci-deployer", "list_contains(related.user, 'ci-deployer')"),
    "role": ("halden-export", "list_contains(user.roles, 'halden-export')"),
    "bucket": (
        "halden-customer-exports",
        "list_contains(related.buckets, 'halden-customer-exports')",
    ),
    "domain": (
        "shop.halden.example",
        "url.domain = 'shop.halden.example' OR dns.question.name = 'shop.halden.example'"
        " OR dns.question.registered_domain = 'shop.halden.example'"
        " OR list_contains(related.hosts, 'shop.halden.example')"
        " OR destination.domain = 'shop.halden.example'",
    ),
    "instance": (
        "i-0973def78c47b35f0",
        "cloud.instance.id = 'i-0973def78c47b35f0'"
        " OR list_contains(related.hosts, 'i-0973def78c47b35f0')"
        " OR list_contains(related.user, 'i-0973def78c47b35f0')",
    ),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_filter_search_and_sql_find_the_same_rows(lake: Lake, kind: str) -> None:
    value, sql = KNOWN[kind]
    (due,) = lake.sql(f"SELECT count(*) FROM events WHERE {sql}").fetchall()[0]
    chosen = Selection(filters=(Filter(f"entity.{kind}", "is", value),))
    assert extent_of(EVENTS, chosen, lake.answer).events == due > 0
    searched = Selection(search=read_search(f'entity.{kind}:"{value}"'))
    assert extent_of(EVENTS, searched, lake.answer).events == due
    (every,) = lake.sql("SELECT count(*) FROM events").fetchall()[0]
    others = Selection(filters=(Filter(f"entity.{kind}", "not", value),))
    assert extent_of(EVENTS, others, lake.answer).events == every - due
    held, none = (
        extent_of(EVENTS, Selection(filters=(Filter(f"entity.{kind}", op),)), lake.answer).events
        for op in ("set", "unset")
    )
    assert held + none == every
    assert held >= due


def test_a_filter_takes_what_a_reader_writes() -> None:
    for field, text, value in (
        ("entity.address", "2001:DB8:0::1", "2001:db8::1"),
        ("entity.address", "::FFFF:10.0.0.2", "::ffff:10.0.0.2"),
        ("entity.address", "fe80::1%eth0", "fe80::1"),
        ("entity.role", "arn:aws:sts::111111111111:assumed-role/Admin/alice", "Admin"),
        ("entity.user", "alice", "alice"),
    ):
        assert dict(Filter(field, "is", text).clause("f").params) == {"f_0": value}
        assert read_search(f'{field}:"{text}"').params == (("s_0", value),)  # type: ignore[union-attr]


def test_a_network_of_addresses(lake: Lake) -> None:
    searched = Selection(search=read_search("entity.address:26.77.13.0/24"))
    (due,) = lake.sql(
        "SELECT count(*) FROM events WHERE len(list_filter(related.ip, "
        "lambda ip: starts_with(ip, '26.77.13.'))) > 0"
    ).fetchall()[0]
    assert extent_of(EVENTS, searched, lake.answer).events == due > 0


def test_buckets_are_those_that_the_logs_name(lake: Lake) -> None:
    for table, native in (
        ("s3access", "native.Bucket"),
        (
            "cloudtrail",
            "if(native.eventSource LIKE 's3%', native.requestParameters ->> '$.bucketName', NULL)",
        ),
    ):
        due = f"SELECT {native} AS bucket, count(*) FROM {table} WHERE bucket NOT NULL GROUP BY ALL"
        got = f"SELECT unnest(related.buckets) AS bucket FROM {table}"
        counted = f"SELECT bucket, count(*) FROM ({got}) GROUP BY ALL"
        assert sorted(lake.sql(due).fetchall()) == sorted(lake.sql(counted).fetchall())


def test_a_panel_names_the_others_and_not_itself(lake: Lake) -> None:
    kind, value = "bucket", KNOWN["bucket"][0]
    chosen = Selection(filters=(Filter(f"entity.{kind}", "is", value),))
    view = view_of(find_dashboard("entity"), chosen, lake.answer)
    related = {
        panel.title: run_panel(view, panel, lake.answer).rows
        for panel in view.dashboard.panels
        if panel.query == "relations"
    }
    where = KNOWN[kind][1]
    due = lake.sql(
        f"SELECT x, count(*) FROM (SELECT unnest(related.ip) AS x FROM events WHERE {where}) "
        "GROUP BY x ORDER BY 2 DESC, address_order(x) LIMIT 10"
    ).fetchall()
    assert list(related["Entity - Related Addresses"]) == due
    assert value not in [name for name, _ in related["Entity - Related Buckets"]]
    keys = lake.sql(
        f'SELECT "user".access_key.id AS x, count(*) FROM events WHERE ({where}) '
        "AND x NOT NULL GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT 10"
    ).fetchall()
    assert list(related["Entity - Related Access Keys"]) == keys
    # one more kind further: what a related thing's own page is about is in these events
    name = related["Entity - Related Addresses"][0][0]
    beside = Selection(filters=(*chosen.filters, Filter("entity.address", "is", name)))
    assert extent_of(EVENTS, beside, lake.answer).events == due[0][1]


def test_a_thing_that_is_named_by_its_arn_is_not_related_to_itself(lake: Lake) -> None:
    arn = "arn:aws:iam::111111111111:role/halden-export"
    chosen = Selection(filters=(Filter("entity.role", "is", arn),))
    view = view_of(find_dashboard("entity"), chosen, lake.answer)
    (panel,) = (p for p in view.dashboard.panels if p.title == "Entity - Related Roles")
    assert "halden-export" not in [name for name, _ in run_panel(view, panel, lake.answer).rows]
    assert chosen.entity == "halden-export"


def test_what_is_no_kind() -> None:
    with pytest.raises(UsageError, match="unknown field"):
        Filter("entity.planet", "is", "Mars")
