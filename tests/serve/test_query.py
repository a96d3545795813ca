"""A lake that is open for reading: its views and macros, what of it other clients see, and what
moves with it."""

from __future__ import annotations

import ipaddress
import json
import random
import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import logs
import pytest
import small_lake
from engine import ask, between_commits, hashes, put, read, two_sources
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY

import lake as lake_package
from lake.errors import LakeError, UsageError
from lake.filters.fields import fields_of
from lake.program import program_version
from lake.query import Lake, open_lake
from lake.serve.client_file import client_file_stale, write_client_file
from lake.sources.catalogue import catalogue
from lake.sources.declared import VIEWS
from lake.sources.fieldsets import core_sets, field_sets, leaves, path_sql
from lake.sources.rowmodel import EVENTS, view_columns
from lake.upkeep.forget import forget

if TYPE_CHECKING:
    from pathlib import Path

LEDGER = [
    "batches",
    "duplicates",
    "export_rejects",
    "forgotten",
    "objects",
    "rejects",
    "superseded_rows",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of three calls and three flows, with its `lake.duckdb`."""
    made = two_sources(tmp_path_factory.mktemp("query"), 3)
    write_client_file(made / "lake")
    return made


@pytest.fixture(scope="module")
def opened(folder: Path) -> Lake:
    return open_lake(folder / "lake")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake in which an object was read that is no log."""
    made = tmp_path_factory.mktemp("empty")
    put(made / "logs", "notes.txt", b"Nothing to see here.\n")
    read(made / "lake", made / "logs")
    return open_lake(made / "lake")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT event.action, count(*), count(DISTINCT source.ip) FROM vpcflow GROUP BY ALL",
        "SELECT count(DISTINCT event.action), count(DISTINCT source.ip) FROM vpcflow",
        "SELECT event.action, source.ip, count(*) FROM vpcflow "
        "GROUP BY GROUPING SETS ((event.action), (source.ip))",
    ],
)
def test_a_query_reads_the_leaves_that_it_names(opened: Lake, query: str) -> None:
    """And no whole STRUCT, in which a record's text is too."""
    ((_, plan),) = opened.cursor().execute(f"EXPLAIN (FORMAT json) {query}").fetchall()

    def scans(node: dict[str, Any]) -> list[list[str]]:
        told = node["extra_info"]
        mine = [told["Projections"]] if told.get("Function") == "READ_PARQUET" else []
        return mine + [one for child in node["children"] for one in scans(child)]

    assert scans(json.loads(plan)[0]) == [["event.action", "source.ip"]]


# -- views ---------------------------------------------------------------------------------------


def test_batches_say_what_was_done_and_when(tmp_path: Path) -> None:
    lake = two_sources(tmp_path, 1) / "lake"
    between = between_commits()
    forget(lake, date(2024, 2, 2))
    told = ask(lake, "SELECT batch, did, committed_at, program FROM batches ORDER BY batch")
    assert [(batch, did) for batch, did, *_ in told] == [(1, "ingest"), (2, "forget")]
    assert told[0][2] < between < told[1][2] <= datetime.now(UTC)
    assert {program for *_, program in told} == {program_version()}


def test_an_empty_lake_has_every_view(empty: Lake) -> None:
    views = empty.sql(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    ).fetchall()
    families = {source.family for source in catalogue().sources.values() if source.family}
    assert sorted(name for (name,) in views) == sorted(
        [*catalogue().sources, *catalogue().latest, *families, *VIEWS[:-1]]
    )
    assert empty.tables() == []
    counts = {
        name: empty.sql(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for (name,) in views
    }
    assert {name for name, count in counts.items() if count} == {"batches", "objects"}


@pytest.mark.parametrize("name", sorted(catalogue().sources))
def test_a_table_without_rows_has_every_column(empty: Lake, name: str) -> None:
    relation = empty.sql(f'FROM "{name}"')
    *columns, account, region, day = view_columns(catalogue()[name])
    assert relation.columns[:-3] == columns
    assert sorted(relation.columns[-3:]) == sorted([account, region, day])


def test_every_leaf_of_every_view_can_be_asked_for(opened: Lake) -> None:
    """Leaves that the files do not hold are NULL, and none of them is an error."""
    for view in ("cloudtrail", "vpcflow", "events", "waf"):
        described = opened.sql(f"DESCRIBE {view}").fetchall()
        columns = [f'"{name}"' for name, *_ in described]
        asked = ", ".join(f"max({column}::VARCHAR)" for column in columns)
        assert len(opened.sql(f"SELECT {asked} FROM {view}").fetchall()) == 1
    every = [leaf.name for name in core_sets() for leaf in leaves({name: field_sets()[name]})]
    assert len(every) > 100
    asked = ", ".join(f"count({path})" for path in every)
    assert len(opened.sql(f"SELECT {asked} FROM events").fetchall()[0]) == len(every)


def test_events_hold_the_rows_of_every_table(opened: Lake) -> None:
    query = "SELECT event.dataset, count(*), count(source.ip) FROM events GROUP BY ALL ORDER BY 1"
    assert opened.sql(query).fetchall() == [("cloudtrail", 3, 3), ("vpcflow", 3, 3)]
    assert opened.tables() == ["cloudtrail", "vpcflow"]


def test_partition_keys_are_text_and_a_day(opened: Lake) -> None:
    query = 'SELECT DISTINCT account, region, "date"::VARCHAR, typeof(account), typeof("date")'
    assert opened.sql(f"{query} FROM events").fetchall() == [
        (ACCOUNT, "eu-west-1", "2024-02-01", "VARCHAR", "DATE")
    ]


def test_times_are_utc_whatever_the_machine_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    found = open_lake(folder / "lake").sql('SELECT min("@timestamp")::VARCHAR FROM cloudtrail')
    assert found.fetchall() == [("2024-02-01 10:00:01+00",)]


def leaves_read(opened: Lake, sql: str) -> str:
    """What the plan says that the scan of Parquet reads."""
    plan = opened.cursor().execute(f"EXPLAIN {sql}").fetchall()[0][1]
    assert "READ_PARQUET" in plan
    return str(plan)


@pytest.mark.parametrize(
    ("sql", "wanted", "unwanted"),
    [
        ("SELECT event.action, count(*) FROM events GROUP BY 1", "event.action", "original"),
        ("SELECT native.eventName FROM cloudtrail", "native.eventName", "requestParameters"),
        ("SELECT sum(network.bytes) FROM vpcflow", "network.bytes", "original"),
    ],
)
def test_a_query_reads_the_leaves_it_names(
    opened: Lake, sql: str, wanted: str, unwanted: str
) -> None:
    plan = leaves_read(opened, sql)
    assert wanted in plan
    assert unwanted not in plan


def test_a_family_reads_the_leaves_a_query_names(demo_lake: Lake) -> None:
    plan = leaves_read(demo_lake, "SELECT count(*) FROM elb WHERE http.response.status_code >= 500")
    assert "http.response.status_code" in plan
    assert "original" not in plan


def test_a_day_spares_the_files_of_other_days(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail([logs.event(1), logs.event(90_000)]))
    read(tmp_path / "lake", tmp_path / "logs")
    lake = open_lake(tmp_path / "lake")
    sql = "SELECT event.id FROM cloudtrail WHERE \"date\" = DATE '2024-02-02'"
    profile = lake.cursor().execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1]
    assert "Total Files Read: 1" in profile


def test_wrong_sql_is_duckdbs_own_error(opened: Lake) -> None:
    with pytest.raises(duckdb.Error, match="nothing_of_the_kind"):
        opened.sql("SELECT nothing_of_the_kind FROM cloudtrail")


def test_a_value_is_a_parameter(opened: Lake) -> None:
    query = "SELECT count(*) FROM cloudtrail WHERE user.name = $who"
    assert opened.sql(query, {"who": "ana"}).fetchall() == [(3,)]
    assert opened.sql(query, {"who": "' OR true --"}).fetchall() == [(0,)]


def test_a_scan_is_a_lazy_frame_of_the_snapshot(opened: Lake) -> None:
    import polars as pl

    frame = opened.scan("vpcflow").select(pl.col("network").struct.field("bytes").sum())
    assert frame.collect().item() == 3006


def test_a_scan_says_what_there_is(opened: Lake) -> None:
    with pytest.raises(LakeError, match=r"no rows of waf\. It has: cloudtrail, vpcflow\."):
        opened.scan("waf")
    with pytest.raises(UsageError, match=r"unknown source 'trail'\. Known: alb"):
        opened.scan("trail")


def test_refresh_takes_up_what_is_new(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(2)))
    read(tmp_path / "lake", tmp_path / "logs")
    lake = lake_package.open(tmp_path / "lake")
    version, cursor = lake.version, lake.cursor()
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(2)))
    report = lake.ingest(str(tmp_path / "logs"), options=lake_package.IngestOptions(jobs=1))
    assert (report.rows, report.unchanged) == (2, 1)
    assert lake.version > version
    assert len(hashes(lake)) == 4
    # A cursor keeps the views it began with.
    assert cursor.execute("SELECT count(*) FROM events").fetchall() == [(2,)]
    assert lake.refresh() == lake.version


def events_in(lake: Lake) -> int:
    ((found,),) = lake.sql("SELECT count(*) FROM events").fetchall()
    return int(found)


def test_a_refresh_that_fails_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody is told of a version whose rows cannot be asked yet."""
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(2)))
    read(tmp_path / "lake", tmp_path / "logs")
    lake = lake_package.open(tmp_path / "lake")
    still = lake.still()
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(2)))
    read(tmp_path / "lake", tmp_path / "logs")
    version = lake.version

    def full() -> str:
        assert lake.version == version
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lake.query.macros", full)
        with pytest.raises(OSError, match="no space"):
            lake.refresh()
    assert (lake.version, events_in(lake)) == (version, 2)
    assert lake.refresh() > version
    assert events_in(lake) == 4
    assert (still.version, events_in(still)) == (version, 2)


def test_a_lake_of_the_past_stays_there(folder: Path) -> None:
    from datetime import UTC, datetime

    lake = open_lake(folder / "lake", datetime.now(UTC))
    version = lake.version
    assert lake.refresh() == version


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda at: None, "the folder is not there. Make one with `lake ingest WHERE --lake DIR`"),
        (lambda at: at.mkdir(), "the folder is empty"),
        (lambda at: put(at, "letter.txt", b"Dear aunt,"), "the folder holds none"),
    ],
    ids=["nothing", "empty", "other things"],
)
def test_no_lake(make: Any, words: str, tmp_path: Path) -> None:  # noqa: ANN401
    make(tmp_path / "here")
    with pytest.raises(UsageError) as told:
        open_lake(tmp_path / "here")
    assert words in str(told.value)


# -- lake.duckdb ---------------------------------------------------------------------------------


def client(lake: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a DuckDB client that knows nothing of the project sees."""
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.execute(sql).fetchall()


def test_plain_duckdb_sees_views_and_macros(folder: Path) -> None:
    query = "SELECT event.dataset, count(*) FROM events GROUP BY ALL ORDER BY 1"
    assert client(folder / "lake", query) == [("cloudtrail", 3), ("vpcflow", 3)]
    assert client(folder / "lake", "SELECT cidr('10.1.2.3', '10.0.0.0/8')") == [(True,)]
    assert client(folder / "lake", "SELECT count(*) FROM objects") == [(2,)]


def test_two_clients_at_once(folder: Path) -> None:
    with duckdb.connect(str(folder / "lake" / "lake.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM events").fetchall() == [(6,)]
        write_client_file(folder / "lake")
        assert con.execute("SELECT count(*) FROM events").fetchall() == [(6,)]


def test_nothing_is_left_beside_the_client_file(folder: Path) -> None:
    write_client_file(folder / "lake")
    assert sorted(p.name for p in (folder / "lake").iterdir() if "duckdb" in p.name) == [
        "lake.duckdb"
    ]


def test_a_moved_lake(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "it's moved"
    shutil.copytree(folder / "lake", moved)
    assert not client_file_stale(folder / "lake")
    assert client_file_stale(moved)
    assert hashes(open_lake(moved)) == hashes(open_lake(folder / "lake"))
    write_client_file(moved)
    assert not client_file_stale(moved)
    (view,) = client(moved, "SELECT sql FROM duckdb_views() WHERE view_name = 'cloudtrail'")
    assert str(folder / "lake") not in view[0]
    assert client(moved, "SELECT count(*) FROM events") == [(6,)]


# -- macros --------------------------------------------------------------------------------------

CIDR = [
    ("10.1.2.3", "10.0.0.0/8", True),
    ("11.1.2.3", "10.0.0.0/8", False),
    ("100.1.2.3", "10.0.0.0/8", False),
    ("172.16.0.1", "172.16.0.0/12", True),
    ("172.31.255.255", "172.16.0.0/12", True),
    ("172.32.0.0", "172.16.0.0/12", False),
    ("192.168.1.7", "192.168.0.0/16", True),
    ("192.168.1.7", "192.168.1.4/30", True),
    ("192.168.1.8", "192.168.1.4/30", False),
    ("192.168.1.127", "192.168.1.0/25", True),
    ("192.168.1.128", "192.168.1.0/25", False),
    ("192.168.10.1", "192.168.1.0/24", False),
    ("203.0.113.9", "203.0.113.9/32", True),
    ("203.0.113.9", "203.0.113.9", True),
    ("203.0.113.90", "203.0.113.9", False),
    ("8.8.8.8", "0.0.0.0/0", True),
    ("127.255.255.255", "0.0.0.0/1", True),
    ("128.0.0.0", "0.0.0.0/1", False),
    ("2001:db8::1", "2001:db8::/32", True),
    ("2001:db9::1", "2001:db8::/32", False),
    ("2001:db8:1::", "2001:db8::/47", True),
    ("2001:db8:2::", "2001:db8::/47", False),
    ("fe80::1", "fe80::/10", True),
    ("febf::1", "fe80::/10", True),
    ("fec0::1", "fe80::/10", False),
    ("::1", "::1", True),
    ("::1", "::1/128", True),
    ("::2", "::1/128", False),
    ("2001:db8::1", "::/0", True),
    ("2001:db8::1", "0.0.0.0/0", False),
    ("10.1.2.3", "::/0", False),
    ("::ffff:10.1.2.3", "::ffff:10.0.0.0/104", True),
    (None, "10.0.0.0/8", None),
]


NO_NETWORK = (
    *("10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "::/129", "::/-1", "10/8", "10.0.0.0/8/99"),
    *("2001:db8:::::/16", "1::2::3/16", ":1:2:3:4:5:6:7/16", "1:2:3:4:5:6:7:/16", "g::/16"),
    *("300.0.0.0/8", "1.2.3.4.5/8", "999999999999.1.1.1/8", "", "/8", "host.example"),
)


@pytest.mark.parametrize("net", NO_NETWORK)
def test_a_network_that_is_none_tells_nothing(opened: Lake, net: str) -> None:
    for ip in ("10.0.0.1", "::1"):
        assert opened.sql("SELECT cidr($ip, $net)", {"ip": ip, "net": net}).fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.0.0.1", 1),
        ("255.255.255.255", 4294967295),
        ("300.1.1.1", None),
        ("1.2.3.4.5", None),
        ("-1.2.3.4", None),
        ("999999999999.1.1.1", None),
        ("host.example", None),
        ("::1", None),
    ],
)
def test_the_number_of_an_address(opened: Lake, text: str, number: int | None) -> None:
    """What lists are ordered by holds names of strangers, too."""
    assert opened.sql("SELECT ipv4_number($t)", {"t": text}).fetchall() == [(number,)]
    assert opened.sql("SELECT address_order($t).text", {"t": text}).fetchall() == [(text,)]


def test_addresses_are_ordered_as_numbers(opened: Lake) -> None:
    due = [
        *("::", "::1", "10.0.0.9", "10.0.0.10", "172.16.0.1"),
        *("::ffff:10.0.0.9", "::ffff:10.0.0.10", "64:ff9b::10.0.0.9"),
        *("2001:db8::2", "2001:db8::a", "2001:db8::10", "2001:db8:0:1::", "fe80::1"),
    ]
    query = "SELECT list(ip ORDER BY address_order(ip)) FROM (SELECT unnest($ips) AS ip)"
    assert opened.sql(query, {"ips": sorted(due)}).fetchall() == [(due,)]


@pytest.mark.parametrize(("ip", "net", "within"), CIDR)
def test_cidr(opened: Lake, ip: str | None, net: str, within: bool | None) -> None:
    query = "SELECT cidr(v, $net) FROM (VALUES ($ip::VARCHAR)) AS t(v)"
    assert opened.sql(query, {"ip": ip, "net": net}).fetchall() == [(within,)]


PRIVATE = {
    "10.0.0.1": True, "11.0.0.1": False, "172.15.255.255": False, "172.16.0.0": True,
    "172.31.255.255": True, "172.32.0.0": False, "192.168.0.1": True, "192.169.0.1": False,
    "100.63.255.255": False, "100.64.0.0": True, "100.127.255.255": True, "100.128.0.0": False,
    "127.0.0.1": True, "169.254.169.254": True, "8.8.8.8": False, "::1": True, "fc00::1": True,
    "fd12:3456::1": True, "fe80::1": True, "febf::1": True, "fec0::1": False,
    "2001:db8::1": False, "fc1::1": False, "fd::1": False, "fe8::1": False, "::ffff:10.0.0.1": True,
    "::ffff:172.31.0.1": True, "::ffff:8.8.8.8": False, None: None,
}  # fmt: skip


@pytest.mark.parametrize(("ip", "private"), PRIVATE.items())
def test_is_private(opened: Lake, ip: str | None, private: bool | None) -> None:
    assert opened.sql("SELECT is_private($ip::VARCHAR)", {"ip": ip}).fetchall() == [(private,)]


@pytest.mark.parametrize(
    "width", ["1 second", "15 minutes", "1 day", "7 days", "1 month", "1 year"]
)
def test_a_bar_in_utc(opened: Lake, width: str) -> None:
    """As DuckDB's own, but in UTC whatever the session's zone is."""
    times = "(VALUES ('2024-02-29 23:59:59.999999+00'), ('1899-12-31 00:00:00+00'), (NULL)) AS v(t)"
    query = f"SELECT epoch_us({{}}($width::INTERVAL, t::TIMESTAMPTZ)) FROM {times}"
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    wanted = con.execute(query.format("time_bucket"), {"width": width}).fetchall()
    assert opened.sql(query.format("utc_bucket"), {"width": width}).fetchall() == wanted


ARN = {
    "arn:aws:iam::111122223333:user/ana": (
        "aws", "iam", None, "111122223333", "user/ana", "user", "ana",
    ),
    "arn:aws:sts::111122223333:assumed-role/admin/i-0abc": (
        "aws", "sts", None, "111122223333", "assumed-role/admin/i-0abc", "assumed-role",
        "admin/i-0abc",
    ),
    "arn:aws-cn:s3:::bucket/a:b/c": (
        "aws-cn", "s3", None, None, "bucket/a:b/c", None, "bucket/a:b/c",
    ),
    "arn:aws:s3:::bucket": ("aws", "s3", None, None, "bucket", None, "bucket"),
    "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:*": (
        "aws", "logs", "eu-west-1", "111122223333", "log-group:/aws/lambda/f:*", "log-group",
        "/aws/lambda/f:*",
    ),
    "111122223333": None, "": None, None: None, "arn:aws:s3": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), ARN.items())
def test_arn(opened: Lake, text: str | None, parts: tuple[str | None, ...] | None) -> None:
    ((found,),) = opened.sql("SELECT arn($text::VARCHAR)", {"text": text}).fetchall()
    assert (tuple(found.values()) if found else None) == parts


def test_cidr_agrees_with_python(opened: Lake) -> None:
    chance, pairs = random.Random(7), []
    for number in range(400):
        kind = (ipaddress.IPv4Address, ipaddress.IPv6Address)[number % 2]
        most = kind(0).max_prefixlen
        bits, address = chance.randrange(most + 1), kind(chance.getrandbits(most))
        net = ipaddress.ip_network(f"{address}/{bits}", strict=False)
        near = kind(int(address) ^ (1 << chance.randrange(most)))
        pairs.append((str(near), str(net), near in net))
    rows = ", ".join(f"('{ip}', '{net}', {within})" for ip, net, within in pairs)
    wrong = (
        f"FROM (VALUES {rows}) AS t(ip, net, within) WHERE cidr(ip, net) IS DISTINCT FROM within"
    )
    assert opened.sql(wrong).fetchall() == []


def test_an_address_that_is_not_there_lies_in_no_network(opened: Lake) -> None:
    """A flow log's NODATA line has no address: `WHERE cidr(...)` must leave it out."""
    nothing = "SELECT count(*) FROM (VALUES (NULL::VARCHAR)) AS t(ip) WHERE "
    for net in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "10.0.0.0/9", "::/0"):
        assert opened.sql(f"{nothing} cidr(ip, '{net}')").fetchall() == [(0,)]


def test_ago(opened: Lake) -> None:
    query = "SELECT now() - ago('2 hours'), now() - ago('90 days')"
    assert opened.sql(query).fetchall() == [(timedelta(hours=2), timedelta(days=90))]


def test_a_time_before_the_lake_is_no_empty_lake(folder: Path) -> None:
    with pytest.raises(UsageError, match="no state as of 2001-01-01T00:00:00Z: it was made at 20"):
        open_lake(folder / "lake", datetime(2001, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("view", [EVENTS, "cloudtrail"])
def test_every_leaf_in_another_type(view: str, tmp_path: Path) -> None:
    """DuckDB 2.0.0 ended with an internal error, and took the database with it, where a query had a
    leaf in another type (`source.port::VARCHAR`, `source.bytes / 1024`) that some file lacks."""
    lake = small_lake.make(tmp_path)
    for name in fields_of(view):
        lake.sql(f"SELECT {path_sql(name)}::VARCHAR FROM {view}").fetchall()
        lake.sql(f"SELECT count(*) FROM {view} WHERE {path_sql(name)}::VARCHAR > '4'").fetchall()
    assert lake.sql(f"SELECT sum(source.bytes / 1.5) FROM {view}").fetchall() == [(None,)]
