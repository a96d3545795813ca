"""Rows as documents, and the templates that tell OpenSearch of their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from conflicts import write_conflicts
from logs import flow, flow_file, flows
from own_source import LINES, LINES_SQL, odd, own_source

from lake.ask.output import as_text
from lake.documents.documents import Document, documents
from lake.errors import SourceError, UsageError
from lake.export.templates import properties, templates
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.sources.catalogue import catalogue
from lake.sources.layout import layout_of

if TYPE_CHECKING:
    from pathlib import Path

    from lake.query import Lake

KNOWN = "flat_object"


def of(lake: Lake, table: str, where: str = "true") -> list[Document]:
    found = lake.sql(f"FROM {table} WHERE {where} ORDER BY log.offset").to_arrow_reader(1000)
    return [one for batch in found for one in documents(catalogue()[table], batch)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("small"))


def read(folder: Path, name: str, data: bytes) -> Lake:
    (folder / "logs").mkdir()
    (folder / "logs" / name).write_bytes(data)
    ingest(folder / "lakehouse", [str(folder / "logs")], IngestOptions(jobs=1))
    return open_lake(folder / "lakehouse")


def empties(value: Any, path: str = "") -> list[str]:  # noqa: ANN401
    """Where a value holds NULL, an empty object or an empty list."""
    if isinstance(value, dict):
        found = [e for name, one in value.items() for e in empties(one, f"{path}.{name}")]
        return found if value else [path]
    if isinstance(value, list):
        found = [e for one in value for e in empties(one, path + "[]")]
        return found if value else [path]
    return [path] if value is None else []


def test_a_document_has_the_row_and_the_record(lake: Lake) -> None:
    (one,) = of(lake, "cloudtrail", "event.id LIKE '%0004'")
    row = lake.sql(
        "SELECT event.hash, event.ingested, event.original, log.file.path FROM cloudtrail "
        "WHERE event.id LIKE '%0004'"
    ).fetchall()[0]
    body = one.body
    ingested = body["event"].pop("ingested")
    assert ingested == row[1].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (one.index, one.id) == ("log-aws-cloudtrail-2024-03", str(row[0]))
    assert body == {
        "@timestamp": "2024-03-01T10:11:00.000000Z",
        "@message": row[2],
        "@id": "00000000-0000-0000-0000-000000000004",
        "@log_type": "cloudtrail",
        "event": {
            "action": "GetObject",
            "category": ["file"],
            "dataset": "cloudtrail",
            "hash": row[0],
            "id": "00000000-0000-0000-0000-000000000004",
            "kind": "event",
            "module": "s3.amazonaws.com",
            "outcome": "failure",
            "provider": "s3.amazonaws.com",
            "reason": "AccessDenied",
            "type": ["access", "denied"],
        },
        "cloud": {
            "account": {"id": "111111111111"},
            "provider": "aws",
            "region": "us-east-1",
            "service": {"name": "s3"},
        },
        "source": {
            "address": "8.8.4.4",
            "ip": "8.8.4.4",
            "geo": {"country_iso_code": "SG", "country_name": "Singapore"},
            "as": {"number": 64500, "organization": {"name": "Example"}},
        },
        "user": {"name": "bob", "type": "IAMUser", "id": small_lake.BOB},
        "user_agent": body["user_agent"],
        "error": {"code": "AccessDenied"},
        "tls": {"version": "1.3", "version_protocol": "tls"},
        "related": {"ip": ["8.8.4.4"], "user": ["bob"]},
        "log": {"file": {"path": row[3]}, "offset": 4},
        "eventVersion": "1.09",
        "eventTime": "2024-03-01T10:11:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "8.8.4.4",
        "userAgent": small_lake.CLI,
        "errorCode": "AccessDenied",
        "eventID": "00000000-0000-0000-0000-000000000004",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111111111111",
        "tlsDetails": {"tlsVersion": "TLSv1.3"},
        "userIdentity": {
            "type": "IAMUser",
            "userName": "bob",
            "arn": small_lake.BOB,
            "accountId": "111111111111",
        },
    }
    assert body["user_agent"]["original"] == small_lake.CLI


def test_columns_of_a_line_stand_under_the_logs_own_names(tmp_path: Path) -> None:
    found = of(read(tmp_path, "vpcflowlogs.log.gz", flow_file(flows(1))), "vpcflow")
    body = found[0].body
    assert found[0].index.startswith("log-aws-vpcflowlogs-")
    names = ("srcaddr", "dstaddr", "srcport", "dstport", "action", "bytes", "packets", "protocol")
    endpoints = body["source"], body["destination"]
    assert [body[name] for name in names] == [
        endpoints[0]["address"],
        endpoints[1]["address"],
        endpoints[0]["port"],
        endpoints[1]["port"],
        body["event"]["action"],
        endpoints[0]["bytes"],
        endpoints[0]["packets"],
        body["network"]["iana_number"],
    ]


def test_a_number_beyond_its_leaf_stands_as_the_log_has_it(tmp_path: Path) -> None:
    lines = [flow(1), flow(2, bytes="9" * 30), flow(3, bytes="-")]
    found = of(read(tmp_path, "vpcflowlogs.log.gz", flow_file(lines)), "vpcflow")
    assert [one.body.get("bytes") for one in found] == [1_001, "9" * 30, None]
    assert [one.json.count('"bytes":') for one in found] == [3, 1, 0]  # source, network, its own


def test_nothing_is_null_or_empty(demo_lake: Lake) -> None:
    for table in demo_lake.tables():
        found = demo_lake.sql(f"FROM {table} USING SAMPLE 50 ROWS (reservoir, 7)").to_arrow_reader()
        bodies = [one.body for rows in found for one in documents(catalogue()[table], rows)]
        assert bodies, table
        assert [e for body in bodies for e in empties(body)] == []


def test_a_text_that_says_nothing_is_left_out(tmp_path: Path) -> None:
    """As the original leaves it out, so that its dashboards show no bar of it; what a JSON member
    holds is kept as it is, but for the fields that dashboards ask."""
    told = {"bucketName": "-", "key": "a/b", "acl": ""}
    more = {"errorCode": "", "userAgent": "-", "requestParameters": told, "awsRegion": "eu-west-1"}
    logs = tmp_path / "logs"
    logs.mkdir()
    records = [small_lake.event(n, "10:00:00", "s3", "GetObject", **more) for n in (1, 2)]
    records[1] |= {
        "errorCode": "NoSuchKey",
        "userAgent": "curl/8",
        "requestParameters": {"key": "-"},
    }
    (logs / "a.json").write_text(json.dumps({"Records": records}))
    ingest(tmp_path / "lakehouse", [str(logs)], IngestOptions(jobs=1))
    silent, other = (one.body for one in of(open_lake(tmp_path / "lakehouse"), "cloudtrail"))
    assert "errorCode" not in silent
    assert "original" not in silent["user_agent"]
    assert silent["requestParameters"] == {"key": "a/b"}
    assert silent["flat"]["requestParameters"] == told
    assert (other["errorCode"], other["user_agent"]["original"]) == ("NoSuchKey", "curl/8")
    assert "requestParameters" not in other
    assert json.loads(silent["@message"]) == records[0]


def mapped(fields: dict[str, Any], value: Any, path: str = "") -> list[str]:  # noqa: ANN401
    """Members of a document of which the template says nothing."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        for name, member in one.items():
            field = fields.get(name)
            if field is None:
                found.append(f"{path}{name}")
            elif "properties" in field and field.get("dynamic") is not False:
                found += mapped(field["properties"], member, f"{path}{name}.")
    return found


def test_every_member_is_mapped(demo_lake: Lake) -> None:
    """But those of JSON members beside the few that are fields."""
    for table in demo_lake.tables():
        fields = properties(catalogue()[table])
        found = demo_lake.sql(f"FROM {table} USING SAMPLE 50 ROWS (reservoir, 7)").to_arrow_reader()
        for rows in found:
            for one in documents(catalogue()[table], rows):
                assert mapped(fields, one.body) == []


def test_templates() -> None:
    made = templates(catalogue().sources.values())
    assert sorted(made) == [
        "siem-lake-log-aws-cloudfront",
        "siem-lake-log-aws-cloudtrail",
        "siem-lake-log-aws-elb",
        "siem-lake-log-aws-guardduty",
        "siem-lake-log-aws-r53resolver",
        "siem-lake-log-aws-s3accesslog",
        "siem-lake-log-aws-vpcflowlogs",
        "siem-lake-log-aws-waf",
    ]
    trail = made["siem-lake-log-aws-cloudtrail"]
    assert trail["index_patterns"] == ["log-aws-cloudtrail-*"]
    fields = trail["template"]["mappings"]["properties"]
    keyword = {"type": "keyword", "ignore_above": 8191}
    bytes_in = {"type": "long", "ignore_malformed": True}
    assert fields["@timestamp"] == {"type": "date"}
    assert fields["source"]["properties"]["ip"] == {"type": "ip", "ignore_malformed": True}
    geo = fields["source"]["properties"]["geo"]["properties"]
    assert geo["location"] == {"type": "geo_point", "ignore_malformed": True}
    assert geo["country_name"] == keyword
    assert fields["userIdentity"]["properties"]["arn"] == keyword | {
        "fields": {"text": {"type": "text"}}
    }
    assert fields["serviceEventDetails"] == {"type": KNOWN}
    assert fields["flat"]["properties"]["requestParameters"] == {"type": KNOWN}
    assert fields["requestParameters"] == {"dynamic": False, "properties": {"bucketName": keyword}}
    assert fields["additionalEventData"]["properties"]["bytesTransferredIn"] == bytes_in
    assert "original" not in fields["event"]["properties"]


def count(fields: dict[str, Any]) -> int:
    inner = ("properties", "fields")
    return sum(1 + sum(count(f.get(name, {})) for name in inner) for f in fields.values())


def test_templates_stay_below_the_limit_of_fields() -> None:
    for name, made in templates(catalogue().sources.values()).items():
        fields = count(made["template"]["mappings"]["properties"])
        assert fields < made["template"]["settings"]["index.mapping.total_fields.limit"] / 2, name


def test_members_that_change_type(tmp_path: Path) -> None:
    write_conflicts(tmp_path / "logs")
    ingest(tmp_path / "lakehouse", [str(tmp_path / "logs")], IngestOptions(jobs=1))
    found = of(open_lake(tmp_path / "lakehouse"), "cloudtrail")
    given = [one.body.get("requestParameters") for one in found]
    flat = [one.body.get("flat", {}).get("requestParameters") for one in found]
    assert given[:2] == flat[:2] == [{"source": {"s3": "bucket"}}, {"source": "text"}]
    assert len(given[8]["partitionInputList"]) == 116_000
    name = "flat.requestParameters.flat.requestParameters.partitionInputList="
    assert len(name + flat[8]["partitionInputList"]) == 32_766
    assert given[9:11] == [
        {"bucketName": '{"Ref": "Logs"}'},
        {"bucketName": ["one", '{"Ref": "Logs"}']},
    ]
    assert flat[9] == {"bucketName": {"Ref": "Logs"}}
    assert (given[12], flat[12]) == ({"bucketName": 7}, {"bucketName": 7, "bucketName.inner": 1})
    assert given[13] is None
    assert flat[13] == {"": 1, " ": 2, ".": 3, "a..b": 4, "c.": 5, ".d": 6}
    assert flat[14] is None
    assert given[17] == flat[17] == [{"list": 1}, {"list": "two"}, {"value": "three"}]
    assert given[18:22] == [
        [{"value": [1, 2]}, {"value": [3]}],
        {"value": "text alone"},
        {"value": 17},
        {"value": True},
    ]
    assert given[22:25] == [None, None, None]
    more = [one.body.get("additionalEventData") for one in found]
    assert {"bytesTransferredIn": 1.5e3, "bytesTransferredOut": "many"} in more
    assert more.count({"MFAUsed": False}) == 1
    assert [e for one in found for e in empties(one.body)] == []


def test_a_source_of_ones_own(tmp_path: Path) -> None:
    """Its members are mapped by their types; one that has a field set's name stands aside."""
    (tmp_path / "transforms").mkdir()
    toml = LINES + 'source = "BIGINT"\nmade = "MAP(VARCHAR, VARCHAR)"\n'
    sql = LINES_SQL.replace(
        'AS "native.n"', 'AS "native.n", 7 AS "native.source", MAP {\'a\': \'b\'} AS "native.made"'
    )
    with own_source(tmp_path / "transforms", toml, sql):
        own = tmp_path / "transforms" / "own" / "export.toml"
        own.write_text('rotation = "daily"\n[members]\nfrom = "source.ip"\n')
        lake = read(tmp_path, "odd.log", odd("192.0.2.1 n5"))
        (one,) = of(lake, "own")
        assert one.index == "log-aws-own-2024-02-01"
        assert one.body["native"] == {"source": 7}
        assert (one.body["n"], one.body["made"], one.body["from"]) == (5, {"a": "b"}, "192.0.2.1")
        assert one.body["source"] == {"ip": "192.0.2.1"}
        fields = properties(catalogue()["own"])
        assert fields["native"] == {"properties": {"source": {"type": "long"}}}
        assert fields["made"] == {"type": "flat_object"}
        assert fields["from"] == {"type": "ip", "ignore_malformed": True}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('rotation = "hourly"', "rotation is one of yearly, monthly, weekly, daily"),
        ("[members]\nx = 'event.nope'", "members.x: 'event.nope' is no leaf of ecs.toml"),
        ("[members]\nsource = 'event.id'", "members.source: a field set has this name"),
        ("[fields]\n'n.x' = 'long'", "'n.x' is no member of a JSON member of [native]"),
        ("text = ['nope']", "text: 'nope' is no leaf of [native]"),
        ("ip = ['nope']", "ip: 'nope' is no leaf of [native]"),
        (
            "other = 1",
            "there is no 'other' here. Known: ['fields', 'ip', 'members', 'rotation', 'text']",
        ),
        ("= 1", "Mend the file"),
    ],
)
def test_a_wrong_export_file(tmp_path: Path, text: str, words: str) -> None:
    with own_source(tmp_path):
        (tmp_path / "own" / "export.toml").write_text(text)
        with pytest.raises(SourceError) as raised:
            layout_of(catalogue()["own"])
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("member", "own"),
    [("flat", '[fields]\n"text.a" = "long"\n'), ("native", "")],
)
def test_a_member_that_stands_where_documents_have_something_else(
    tmp_path: Path, member: str, own: str
) -> None:
    toml = f'{LINES}{member} = "VARCHAR"\nsource = "BIGINT"\ntext = "JSON"\n'
    with own_source(tmp_path, toml):
        (tmp_path / "own" / "export.toml").write_text(own)
        with pytest.raises(SourceError, match=f"has a '{member}', which documents have otherwise"):
            layout_of(catalogue()["own"])


def test_documents_of_a_query(lake: Lake) -> None:
    """`lake sql --format documents`: what an export sends, of whole rows of one table."""
    where = "event.id LIKE '%0004'"
    text = as_text(lake.cursor(), f"FROM cloudtrail WHERE {where}", "documents")
    (one,) = of(lake, "cloudtrail", where)
    assert [json.loads(line) for line in text.splitlines()] == [one.body]
    assert as_text(lake.cursor(), "FROM cloudtrail WHERE false", "documents") == ""
    for query in ("SELECT 1 AS event", "SELECT event, native FROM cloudtrail", "FROM events"):
        with pytest.raises(UsageError, match="a document is made of a whole row of one table"):
            as_text(lake.cursor(), query, "documents")
