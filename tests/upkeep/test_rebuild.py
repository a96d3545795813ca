"""Rebuilding: the same rows leaf by leaf from what a row keeps of its record, other rows where the
transform or the GeoIP database has changed, and no row lost."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import query_results
from engine import ask, balance, hashes, put, read
from logs import ACCOUNT, FLOW_HEADER, FLOW_KEY, TRAIL_KEY
from original import lay_out_samples, require
from own_source import LINES, LINES_SQL, odd, own_source
from small_lake import make

from lake.enrich.geoip import GeoIP
from lake.errors import LakeError, UsageError
from lake.query import open_lake
from lake.serve.status import read_status
from lake.sources.catalogue import catalogue
from lake.upkeep import rederive
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.rebuild import RebuildOptions, rebuild
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

NONE = RebuildOptions(geoip=GeoIP.none())


def content(lake: Path) -> dict[str, pa.Table]:
    """Every table's rows with every leaf."""
    opened = open_lake(lake)
    return {name: opened.sql(f"FROM {name}").to_arrow_table() for name in opened.tables()}


def differing(before: dict[str, pa.Table], after: dict[str, pa.Table]) -> dict[str, int]:
    """How many rows of each table are not in the other, leaf by leaf."""
    found = {}
    for name in before | after:
        with duckdb.connect() as con:
            con.register("x", before[name])
            con.register("y", after[name])
            count = "SELECT count(*) FROM (FROM {} EXCEPT ALL FROM {})"
            rows = [con.sql(count.format(*pair)).fetchall()[0][0] for pair in ("xy", "yx")]
        if any(rows):
            found[name] = max(rows)
    return found


def rebuilt(lake: Path, options: RebuildOptions = NONE) -> dict[str, int]:
    """The rows that a rebuild has changed, by table; none of them stays behind."""
    before, same = content(lake), hashes(lake)
    report = rebuild(lake, options)
    assert {name: count.kept for name, count in report.tables.items()} == dict.fromkeys(before, 0)
    assert {n: c.rows for n, c in report.tables.items()} == {n: len(t) for n, t in before.items()}
    assert {count.renamed for count in report.tables.values()} == {0}
    assert hashes(lake) == same
    found = verify(lake)
    assert (found.findings, found.notes) == ([], [])
    balance(lake)
    return differing(before, content(lake))


# -- every form of delivery -----------------------------------------------------------------------


def tabbed(lines: list[str]) -> bytes:
    return "\n".join(line.replace(" ", "\t") for line in [FLOW_HEADER, *lines, ""]).encode()


def two_headers() -> bytes:
    """The second half with other fields, in another order."""
    other = "action end start bytes packets srcaddr dstaddr protocol"
    begin = 1_706_781_600
    lines = [f"REJECT {begin + n} {begin + n - 60} {n} 1 10.0.0.9 203.0.113.8 17" for n in range(5)]
    return logs.flow_file(logs.flows(5)) + "\n".join([other, *lines, ""]).encode()


def flow_members(number: int) -> dict[str, Any]:
    """A flow as JSON; every second one leaves out what is null."""
    names = FLOW_HEADER.replace("-", "_").split()
    members = dict(zip(names, logs.flow(number).split(), strict=True))
    if number % 2:
        del members["packets"]
    return members


def flow_parquet() -> bytes:
    """With times and numbers of their own types, and a column that nobody knows."""
    rows = 6
    end = [int(datetime(2024, 2, 1, 10, tzinfo=UTC).timestamp()) + n for n in range(rows)]
    table = pa.table(
        {
            "version": pa.array([5] * rows, pa.int32()),
            "account-id": [ACCOUNT] * rows,
            "interface-id": ["eni-1"] * rows,
            "srcaddr": ["10.0.0.5", None, "10.0.0.7", "10.0.0.8", "::1", "x"],
            "dstaddr": ["203.0.113.9"] * rows,
            "srcport": pa.array([443.0, None, 80.0, 81.0, 82.0, 83.0], pa.float64()),
            "dstport": pa.array([443] * rows, pa.uint16()),
            "protocol": pa.array([6] * rows, pa.int8()),
            "packets": pa.array([2**53 + 1] * rows, pa.int64()),
            "bytes": pa.array([10 + n for n in range(rows)], pa.uint64()),
            "start": pa.array(end, pa.int64()),
            "end": pa.array(end, pa.int64()),
            "action": pa.array(["ACCEPT"] * rows).dictionary_encode(),
            "log-status": ["OK"] * rows,
            "loaded_at": pa.array([datetime(2024, 3, 1, tzinfo=UTC)] * rows, pa.timestamp("ns")),
            "price": pa.array([1.5] * rows, pa.float32()),
            "tags": [["a", "b"], [], None, ["c"], [], []],
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


ASKED = [
    {
        "@timestamp": f"2024-02-01 10:00:0{number}.000",
        "@log": f"{ACCOUNT}:trail",
        "eventName": "GetUser",
        "eventSource": "iam.amazonaws.com",
        "userIdentity.userName": "ana",
        "requestParameters.userName": f"user-{number}",
        "resources.0.ARN": f"arn:aws:iam::{ACCOUNT}:user/user-{number}",
    }
    for number in range(3)
]
"""Fields that a query of Logs Insights asked for."""


def flow_fields(number: int) -> dict[str, str]:
    return {
        "@timestamp": f"2024-02-01 10:00:0{number}.000",
        "srcAddr": "10.0.0.5",
        "dstAddr": "203.0.113.9",
        "bytes": f"{1000 + number}",
    }


def console_csv(delimiter: str = ",") -> bytes:
    """A download of CloudTrail's event history."""
    source = catalogue()["cloudtrail"]
    names = [name for name, _ in source.csv]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter)
    writer.writeheader()
    for number in range(3):
        row = dict.fromkeys(names, "")
        for name, path in source.csv:
            row[name] = {
                "eventTime": f"2024-02-01T10:00:0{number}Z",
                "eventID": f"id-{number}",
                "eventName": 'Get,"Bucket"\nAcl',
                "eventSource": "s3.amazonaws.com",
                "sourceIPAddress": "198.51.100.7",
            }.get(path, "")
        writer.writerow(row)
    return out.getvalue().encode()


TABBED = tabbed(logs.flows(4))
OF_VERSION_5 = (
    "vpc-1 subnet-1 i-1 2 IPv4 10.0.0.7 52.1.2.3 eu-west-1 euw1-az1 - - - AMAZON egress 8"
)
EXPORT = "".join(f"2024-02-01T10:00:0{n}.000Z {logs.flow(n)}\n" for n in range(1, 6)).encode()
BYTES = logs.trail(logs.events(3)).replace(b'"bucket-2"', b'"caf\xe9"')
HALF = (logs.trail(logs.events(3)) + b"\n").replace(b'"bucket-2"', b'"cut \\ud83d"')
DELIVERIES: dict[str, tuple[str, bytes]] = {
    "records of CloudTrail": (TRAIL_KEY, logs.trail(logs.events(4))),
    "lines under a header": (FLOW_KEY, logs.flow_file(logs.flows(4))),
    "lines with two spaces": (FLOW_KEY, logs.flow_file(logs.flows(4)).replace(b" 443", b"  443")),
    "a header of tabs": ("flows/tabs.log", TABBED),
    "a header of commas": ("flows/c.csv", TABBED.replace(b"\t", b",")),
    "lines behind records": (
        "all.log",
        b"\n".join([*(logs.compact(e) for e in logs.events(2)), *map(str.encode, logs.flows(2))]),
    ),
    "a table of pandas": (
        "flows/p.csv",
        b"," + TABBED.replace(b"\t", b",").replace(b"\n2", b"\n0,2"),
    ),
    "a header of semicolons": ("flows/d.csv", TABBED.replace(b"\t", b";")),
    "two headers in one object": (FLOW_KEY, two_headers()),
    "lines of several sources": ("all.log", "\n".join(logs.BALANCER_LINES.values()).encode()),
    "records among lines": (
        "all.log",
        "\n".join([*logs.flows(2), json.dumps(logs.event(1)), json.dumps(logs.QUERY)]).encode(),
    ),
    "a header, and lines of other sources": (
        "all.log",
        "\n".join([FLOW_HEADER, *logs.flows(2), *logs.BALANCER_LINES.values()]).encode(),
    ),
    "W3C with tabs": ("w3c.log", b"#Version: 1.0\n#Fields: " + TABBED.replace(b"\t", b" ", 13)),
    "tabs without a header": ("tabs.log", TABBED.split(b"\n", 1)[1]),
    "a CloudWatch export": ("exported/x.gz", EXPORT),
    "a subscription of lines": ("s.gz", logs.compact(logs.subscription(logs.flows(3)))),
    "files of networks and of gateways, one behind the other": (
        "all.log",
        "\n".join(
            [
                *(FLOW_HEADER, *logs.flows(2)),
                *(logs.GATEWAY_HEADER, logs.GATEWAY_FLOW),
                *(FLOW_HEADER, logs.flow(3)),
            ]
        ).encode(),
    ),
    "a subscription of two layouts": (
        "s.gz",
        logs.compact(
            logs.subscription([logs.flow(1), f"{logs.flow(2)} {OF_VERSION_5}", *logs.flows(2, 3)])
        ),
    ),
    "a subscription of calls": (
        "s.gz",
        logs.compact(logs.subscription([json.dumps(e) for e in logs.events(3)])),
    ),
    "EventBridge": (
        "e.json",
        b"\n".join(logs.compact(logs.bus_event(e, n)) for n, e in enumerate(logs.events(3))),
    ),
    "lookup-events": ("l.json", logs.pretty(logs.looked_up(logs.events(3)))),
    "flows as JSON": (
        "flows.json",
        b"\n".join(logs.compact(flow_members(n)) for n in range(6)),
    ),
    "flows in messages": (
        "firehose.json",
        b"\n".join(logs.compact({"message": line}) for line in logs.flows(4)),
    ),
    "headers in messages": (
        "vector.json",
        b"\n".join(
            logs.compact({"message": m, "n": 1}) for m in two_headers().decode().split("\n")
        ),
    ),
    "flows as Parquet": ("vpcflowlogs/flows.parquet", flow_parquet()),
    "CSV of the console": ("event_history.csv", console_csv()),
    "the same as Excel saves it": ("event_history.txt", console_csv(";")),
    "CSV of Athena": (
        "q.csv",
        query_results.quoted_csv([query_results.as_athena(n) for n in range(3)]),
    ),
    "an answer of CloudTrail Lake": (
        "answer.json",
        logs.pretty(query_results.answer([query_results.as_lake(n) for n in range(3)])),
    ),
    "an answer of Athena": (
        "answer.json",
        logs.pretty(query_results.athena_answer([query_results.as_athena(n) for n in range(3)])),
    ),
    "a table of events": (
        "answer.json",
        logs.pretty(query_results.table_answer(logs.events(3), "SQL of OpenSearch")),
    ),
    "fields of Logs Insights, an answer": (
        "a.json",
        logs.pretty(query_results.fields_answer(ASKED)),
    ),
    "fields of Logs Insights, JSON": ("a.json", logs.compact(ASKED)),
    "fields of Logs Insights, CSV": ("a.csv", query_results.quoted_csv(ASKED)),
    "flows in an answer of Logs Insights": (
        "a.json",
        logs.compact(query_results.fields_answer([flow_fields(n) for n in range(3)])),
    ),
    "JSON of Athena": ("q.json", query_results.selected(*logs.events(3), form="JSON")),
    "events as Parquet": ("q.parquet", query_results.selected(*logs.events(3), form="Parquet")),
    "half of a surrogate pair in an envelope": (
        "half.json",
        logs.compact(
            logs.subscription([json.dumps(e).replace("198", "\ud83d") for e in logs.events(3)])
        ),
    ),
    "members that are JSON text": (
        "q.json",
        logs.trail([logs.event(n, requestParameters='{"a": {"b": 1}}') for n in range(3)]),
    ),
    "bytes that are no UTF-8": (TRAIL_KEY, BYTES),
    "half of a surrogate pair": ("half.json", HALF),
    "queries of the Resolver": (
        "q.json",
        b"\n".join(logs.compact(logs.QUERY | {"srcport": str(n)}) for n in range(4)),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", DELIVERIES)
def test_the_same_rows_from_every_delivery(name: str, tmp_path: Path) -> None:
    key, data = DELIVERIES[name]
    put(tmp_path / "logs", key, data)
    assert read(tmp_path / "lake", tmp_path / "logs", geoip=GeoIP.none()).rows > 2
    assert rebuilt(tmp_path / "lake") == {}


@pytest.mark.long
def test_all_of_them_in_one_lake_and_compacted(tmp_path: Path) -> None:
    for number, (key, data) in enumerate(DELIVERIES.values()):
        put(tmp_path / "logs" / str(number), key, data)
    read(tmp_path / "lake", tmp_path / "logs", geoip=GeoIP.none(), account="444455556666")
    compact(tmp_path / "lake")
    assert rebuilt(tmp_path / "lake") == {}
    assert rebuilt(tmp_path / "lake") == {}


@pytest.mark.long
def test_the_samples_and_the_corpus(tmp_path: Path) -> None:
    lay_out_samples(tmp_path / "logs")
    corpus = require("corpus")
    read(tmp_path / "lake", tmp_path / "logs", corpus, geoip=GeoIP.none(), account="444455556666")
    assert len(hashes(tmp_path / "lake")) > 2_000
    assert rebuilt(tmp_path / "lake") == {}


@pytest.mark.long
def test_the_demo(demo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_folder / "lakehouse", tmp_path / "lake")
    geoip = GeoIP.open([demo_folder / "geoip"])
    assert rebuilt(tmp_path / "lake", RebuildOptions(geoip=geoip)) == {}


def test_the_account_that_the_user_named_is_kept(tmp_path: Path) -> None:
    put(tmp_path / "logs", "x.json", logs.compact(logs.QUERY | {"account_id": None}))
    read(tmp_path / "lake", tmp_path / "logs", account="444455556666")
    assert rebuilt(tmp_path / "lake") == {}
    found = ask(tmp_path / "lake", "SELECT account FROM route53resolver")
    assert found == [("444455556666",)]


@pytest.mark.parametrize("odd", "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e")
def test_a_cell_of_csv_with_what_python_takes_for_the_end_of_a_line(
    odd: str, tmp_path: Path
) -> None:
    data = console_csv().replace(b'"Get,""Bucket""\nAcl"', f"Get{odd}Bucket".encode())
    put(tmp_path / "logs", "event_history.csv", data)
    assert read(tmp_path / "lake", tmp_path / "logs").rows == 3
    assert rebuilt(tmp_path / "lake") == {}
    actions = "SELECT DISTINCT event.action FROM cloudtrail"
    assert ask(tmp_path / "lake", actions) == [(f"Get{odd}Bucket",)]


def test_an_object_that_came_with_another_header_later(tmp_path: Path) -> None:
    """Its rows of both readings stand side by side, each under its own header."""
    first = put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(3)))
    read(tmp_path / "lake", tmp_path / "logs")
    turned = [" ".join(reversed(line.split())) for line in [FLOW_HEADER, *logs.flows(3, first=50)]]
    first.write_bytes(gzip.compress("\n".join([*turned, ""]).encode()))
    assert read(tmp_path / "lake", tmp_path / "logs").rows == 3
    assert rebuilt(tmp_path / "lake") == {}


def test_a_lake_from_before_layouts_were_kept(tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    """The header that was kept, and the line itself, do for what is delivered as usual."""
    monkeypatch.setattr("lake.decode.noted.Noted.laid_out", lambda *_: None)
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(4)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(4)))
    put(tmp_path / "logs", "exported/x.gz", EXPORT)
    read(tmp_path / "lake", tmp_path / "logs")
    assert "layouts" not in str(ask(tmp_path / "lake", "SELECT context FROM objects"))
    assert rebuilt(tmp_path / "lake") == {}


# -- what has changed ------------------------------------------------------------------------------


def test_another_geoip_database(tmp_path: Path) -> None:
    make(tmp_path)
    lake = tmp_path / "lakehouse"
    with_places = content(lake)
    country = "SELECT count(source.geo.country_iso_code) FROM cloudtrail"
    assert ask(lake, country) == [(12,)]
    before = open_lake(lake)
    assert rebuilt(lake) == {"cloudtrail": 12}
    assert ask(lake, country) == [(0,)]
    assert before.sql(country).fetchall() == [(12,)]
    databases = GeoIP.open([tmp_path / "city.mmdb", tmp_path / "asn.mmdb"])
    assert rebuilt(lake, RebuildOptions(geoip=databases)) == {"cloudtrail": 12}
    assert differing(with_places, content(lake)) == {}
    assert open_lake(lake).status().geoip == databases.builds


CHANGED = LINES_SQL.replace('ip AS "source.ip"', 'ip AS "destination.ip"').replace(
    "substr(how, 2) AS BIGINT)", "substr(how, 2) AS BIGINT) * 10"
)


def test_another_transform(tmp_path: Path) -> None:
    """Another leaf, another value, another day; the same identity, original and place."""
    logs_of = put(tmp_path / "logs", "odd.log", odd("192.0.2.1 n5", "192.0.2.2 n6", "- reject"))
    (tmp_path / "one").mkdir()
    with own_source(tmp_path / "one"):
        assert read(tmp_path / "lake", logs_of).rows == 2
        query = "SELECT event.hash, event.original, log.offset, event.ingested FROM own ORDER BY 3"
        before = open_lake(tmp_path / "lake").sql(query).fetchall()
    (tmp_path / "two").mkdir()
    later = CHANGED.replace(
        "TRY_CAST(time AS TIMESTAMPTZ) END", "TRY_CAST(time AS TIMESTAMPTZ) + INTERVAL 1 DAY END"
    )
    with own_source(tmp_path / "two", LINES, later):
        report = rebuild(tmp_path / "lake", RebuildOptions("own", GeoIP.none()))
        assert (report.tables["own"].rows, report.tables["own"].kept) == (2, 0)
        opened = open_lake(tmp_path / "lake")
        assert opened.sql(query).fetchall() == before
        found = opened.sql('SELECT native.n, source.ip, destination.ip, "date"::VARCHAR FROM own')
        assert found.order("1").fetchall() == [
            (50, None, "192.0.2.1", "2024-02-02"), (60, None, "192.0.2.2", "2024-02-02"),
        ]  # fmt: skip
        assert verify(tmp_path / "lake").findings == []
        assert read(tmp_path / "lake", logs_of).unchanged == 1


def test_a_row_that_the_transform_now_rejects_stays(tmp_path: Path) -> None:
    records = [f"192.0.2.{n} n{n}" for n in range(1, 6)]
    where = put(tmp_path / "logs", "odd.log", odd(*records))
    (tmp_path / "one").mkdir()
    with own_source(tmp_path / "one"):
        read(tmp_path / "lake", where)
        before = hashes(tmp_path / "lake")
    (tmp_path / "two").mkdir()
    sql = CHANGED.replace('AS "destination.ip"', 'AS "source.ip"')
    sql = sql.replace("how = 'reject' THEN 'told so'", "how = 'n3' THEN 'no three'")
    with own_source(tmp_path / "two", LINES, sql.replace("'gone'", "'n4'")):
        count = rebuild(tmp_path / "lake", NONE).tables["own"]
        assert (count.rows, count.kept) == (5, 2)
        assert count.reasons == {
            "no three": 1, "normalize.sql gives no row for this record": 1,
        }  # fmt: skip
        assert hashes(tmp_path / "lake") == before
        values = "SELECT native.n FROM own ORDER BY log.offset"
        assert ask(tmp_path / "lake", values) == [(10,), (20,), (3,), (4,), (50,)]
        assert verify(tmp_path / "lake").findings == []


def test_places_do_not_go_because_no_database_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKE_GEOIP", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))
    make(tmp_path)
    lake = tmp_path / "lakehouse"
    placed = "SELECT count(source.geo.country_iso_code) FROM cloudtrail"
    assert ask(lake, placed) == [(12,)]
    for options in (None, RebuildOptions("cloudtrail")):
        with pytest.raises(UsageError, match=r"places from .* would be lost.*--no-geoip"):
            rebuild(lake, options)
    assert ask(lake, placed) == [(12,)]
    rebuild(lake, NONE)
    assert ask(lake, placed) == [(0,)]
    assert read_status(lake).geoip == ""
    assert rebuild(lake).tables["cloudtrail"].kept == 0  # there is nothing more to lose


def test_one_table_only(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(4)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(4)))
    read(tmp_path / "lake", tmp_path / "logs")
    files = sorted((tmp_path / "lake" / "cloudtrail").rglob("0*.parquet"))
    assert set(rebuild(tmp_path / "lake", RebuildOptions("vpcflow")).tables) == {"vpcflow"}
    assert sorted((tmp_path / "lake" / "cloudtrail").rglob("0*.parquet")) == files
    with pytest.raises(UsageError, match=r"unknown table 'waf'. Known: cloudtrail, vpcflow"):
        rebuild(tmp_path / "lake", RebuildOptions("waf"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "may not be read. .*ask its owner"),
        (OSError(5, "Input/output error"), "cannot be read: .*Input/output error.*`lake verify`"),
    ],
)
def test_a_data_file_that_the_system_does_not_let_be_read(
    error: OSError, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(4)))
    read(tmp_path / "lake", tmp_path / "logs")
    (path,) = (tmp_path / "lake" / "cloudtrail").rglob("0*.parquet")

    opened = pq.ParquetFile

    def refused(file: Path | str) -> pq.ParquetFile:
        if "cloudtrail" in str(file):
            raise error
        return opened(file)

    for taken in ("lake.store.files.sha256_of", "lake.upkeep.rederive.pq.ParquetFile"):
        with monkeypatch.context() as patch:
            patch.setattr(taken, refused)
            with pytest.raises(LakeError, match=words) as told:
                rebuild(tmp_path / "lake", NONE)
        assert str(path) in str(told.value)
        assert "cannot be written" not in str(told.value)


def test_an_ingest_while_rows_are_rebuilt(tmp_path: Path, monkeypatch: Any) -> None:  # noqa: ANN401
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(4)))
    late = put(tmp_path / "late", TRAIL_KEY, logs.trail(logs.events(3, first=80)))
    read(tmp_path / "lake", tmp_path / "logs")
    check = rederive.check_unaltered

    def meanwhile(path: Path) -> None:
        read(tmp_path / "lake", late)
        check(path)

    monkeypatch.setattr("lake.upkeep.rederive.check_unaltered", meanwhile)
    assert rebuild(tmp_path / "lake", NONE).tables["cloudtrail"].rows == 4
    assert len(hashes(tmp_path / "lake")) == 7
    assert verify(tmp_path / "lake").findings == []


@pytest.mark.parametrize("grace", [timedelta(0), timedelta(7)], ids=["at once", "a week"])
def test_a_compaction_while_rows_are_rebuilt(
    grace: timedelta,
    tmp_path: Path,
    monkeypatch: Any,  # noqa: ANN401
) -> None:
    for number in range(2):
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        where = put(tmp_path / "logs", key, logs.trail(logs.events(2, first=1 + 2 * number)))
        read(tmp_path / "lake", where)
    before = hashes(tmp_path / "lake")
    check = rederive.check_unaltered

    seen: list[Path] = []

    def meanwhile(path: Path) -> None:
        if not seen:
            compact(tmp_path / "lake", CompactOptions(grace))
        seen.append(path)
        check(path)

    monkeypatch.setattr("lake.upkeep.rederive.check_unaltered", meanwhile)
    told: list[str] = []
    count = rebuild(tmp_path / "lake", NONE, told.append).tables["cloudtrail"]
    assert (count.rows, count.kept) == (4, 0)
    assert "another writer has changed files meanwhile: once more, and writers wait" in told
    assert list((tmp_path / "lake" / "_staging").iterdir()) == []
    assert hashes(tmp_path / "lake") == before
    assert verify(tmp_path / "lake").findings == []
