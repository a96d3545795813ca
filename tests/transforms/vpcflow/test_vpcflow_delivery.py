"""VPC flow logs in every form of delivery: bare lines, envelopes, JSON, CSV, Parquet."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import FLOW_HEADER, FLOW_KEY, WRAPPERS, subscription
from rows import flat, only, taken

if TYPE_CHECKING:
    from collections.abc import Callable

LINE = (
    "2 123456789010 eni-1235b8ca 172.31.16.139 203.0.113.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
NODATA = "2 123456789010 eni-1235b8ca - - - - - - - 1431280876 1431280934 - NODATA"
HIVE = (
    "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2021/"
    "month=03/day=26/hour=03/"
    "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20210326T0320Z_fe123456.log"
)
VALUES = dict(zip(FLOW_HEADER.split(), LINE.split(), strict=True))


def expected() -> dict[str, Any]:
    """The line as a row, where neither key nor envelope says the region."""
    (found,) = flat(f"{FLOW_HEADER}\n{LINE}\n", "x.log", "vpcflow")
    assert found["source.ip"] == "172.31.16.139"
    assert "cloud.region" not in found
    return found


def camel(name: str) -> str:
    first, *rest = {"srcaddr": "src-addr", "dstaddr": "dst-addr", "srcport": "src-port",
                    "dstport": "dst-port"}.get(name, name).split("-")  # fmt: skip
    return first + "".join(part.capitalize() for part in rest)


DELIVERIES = {
    "without a header": f"{LINE}\n",
    "export task": f"2014-12-14T04:07:55.000Z {LINE}\n",
    "CSV": f"{FLOW_HEADER.replace(' ', ',')}\n{LINE.replace(' ', ',')}\n",
    "CSV in quotes": "".join(
        ",".join(f'"{word}"' for word in text.replace("-id", "_id").split()) + "\r\n"
        for text in (FLOW_HEADER, LINE)
    ),
    "tab separated": f"{FLOW_HEADER}\n{LINE}\n".replace(" ", "\t"),
    "in capitals": f"{FLOW_HEADER.upper()}\n{LINE}\n",
    "JSON lines": json.dumps(VALUES) + "\n",
    "JSON with underscores": json.dumps({n.replace("-", "_"): v for n, v in VALUES.items()}),
    "JSON of Logs Insights": json.dumps({camel(n): v for n, v in VALUES.items()}),
    "CSV of Logs Insights": "".join(
        f"{time},{','.join(words)}\n"
        for time, words in (
            ("@timestamp", [camel(n) for n in VALUES]),
            ("2014-12-14 04:06:50.000", list(VALUES.values())),
        )
    ),
    "JSON numbers": json.dumps(
        {n: int(v) if v.isdigit() and len(v) < 11 else v for n, v in VALUES.items()}
    ),
    "Firehose": json.dumps({"message": LINE}) + "\n",
}


@pytest.mark.parametrize("form", DELIVERIES)
def test_the_same_row_in_every_form(form: str) -> None:
    (found,) = flat(DELIVERIES[form], "any/key", "vpcflow")
    assert found == expected()


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_the_same_row_in_every_compression(wrapper: str) -> None:
    data = WRAPPERS[wrapper](f"{FLOW_HEADER}\n{LINE}\n".encode())
    assert flat(data, "any/key", "vpcflow") == [expected()]


def test_a_subscription_says_account_and_stream() -> None:
    result = taken(json.dumps(subscription([LINE, NODATA])), "any/key")
    assert [row["native"]["log_status"] for row in result.rows] == ["OK", "NODATA"]
    assert json.loads(result.rows[0]["log"]["context"]) == {
        "account": "111122223333",
        "region": None,
        "time": "1706781600000",
        "id": "0" * 56,
        "log_group": "trail-or-flows",
        "log_stream": "111122223333_eu-west-1",
    }
    assert result.rows[0]["cloud"]["account"]["id"] == "123456789010"  # the record's own


V3 = " vpc-0a subnet-0b i-0c 19 IPv4 172.31.16.139 203.0.113.21"
V4 = " us-east-1 use1-az4 - -"
V5 = " - S3 egress 8"
V7 = (
    " arn:aws:ecs:us-east-1:1:cluster/c c arn:aws:ecs:us-east-1:1:container-instance/c/i i "
    "574fc0af 816bc224 pay arn:aws:ecs:us-east-1:1:task-definition/b:3 "
    "arn:aws:ecs:us-east-1:1:task/c/6adbd0d6 6adbd0d6"
)
V10 = " - nat-0d 1"
V11 = " a%20b - - - - - transit_gateway eni-0e subnet-0f use1-az6 vpc-0g nat_gateway"


@pytest.mark.parametrize(
    ("more", "leaves"),
    [
        (V3, {"cloud.vpc.id": "vpc-0a", "native.tcp_flags": 19}),
        (V3 + V4, {"cloud.vpc.id": "vpc-0a", "native.az_id": "use1-az4"}),
        (V3 + V4 + V5, {"native.traffic_path": 8, "native.pkt_dst_aws_service": "S3"}),
        (V3 + V4 + V5 + V7, {"native.traffic_path": 8, "native.ecs_task_id": "6adbd0d6"}),
        (V3 + V4 + V5 + V7 + " BPA", {"native.ecs_service_name": "pay", "event.reason": "BPA"}),
        (
            V3 + V4 + V5 + V7 + V10,
            {"native.resource_id": "nat-0d", "native.encryption_status": 1},
        ),
        (
            V3 + V4 + V5 + V7 + V10 + V11,
            {"native.instance_tag": "a%20b", "native.next_hop_interface_type": "nat_gateway"},
        ),
        (" -" * 25, {"native.account_id": "123456789010"}),
        (" -" * 40, {"native.account_id": "123456789010"}),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_all_fields_of_a_version_without_a_header(
    more: str, leaves: dict[str, Any], wrapped: bool
) -> None:
    text = json.dumps(subscription([LINE + more])) if wrapped else LINE + more + "\n"
    (found,) = flat(text, "any/key", "vpcflow")
    assert only(found, *leaves) == leaves
    assert found["source.ip"] == "172.31.16.139"


V5_NAMES = (
    f"{FLOW_HEADER} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region "
    "az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
    "traffic-path"
)


@pytest.mark.parametrize("line", [LINE, NODATA])
@pytest.mark.parametrize(("name", "value"), [("", ""), (" reject-reason", " BPA")])
@pytest.mark.parametrize("wrapped", [False, True])
def test_all_fields_in_the_order_of_the_alphabet(
    line: str, name: str, value: str, wrapped: bool
) -> None:
    """As the console writes a format in which every field was selected."""
    more = V3 + V4 + V5 if line == LINE else " -" * 15
    named = dict(zip((V5_NAMES + name).split(), (line + more + value).split(), strict=True))
    names = sorted(named)
    text = " ".join(named[one] for one in names)
    sent = json.dumps(subscription([text])) if wrapped else f"{text}\n"
    assert flat(sent, "any/key", "vpcflow") == flat(
        f"{' '.join(names)}\n{text}\n", "any/key", "vpcflow"
    )


@pytest.mark.parametrize("more", [" vpc-0a", " subnet-0b vpc-0a i-0c 19 IPv4 10.0.0.1 10.0.0.2"])
def test_an_unknown_order_without_a_header_is_not_guessed(more: str) -> None:
    result = taken(LINE + more + "\n", "any/key")
    assert result.status == "unknown"
    assert result.reason is not None
    assert result.reason.startswith("lines of vpcflow without a header and with other fields")


@pytest.mark.parametrize(
    ("line", "direction", "encrypted", "outcome"),
    [
        ("1 10.0.0.8 10.0.0.5 4000 80 6 - ingress -", "ingress", 1, "unknown"),
        ("0 10.0.0.8 2001:db8::1 4000 80 6 1 egress EC", "egress", 0, "failure"),
        ("ingress - 10.0.0.8 10.0.0.5 4000 80 3", "ingress", 3, "unknown"),
    ],
)
def test_the_fields_that_pages_on_encryption_controls_choose(
    line: str, direction: str, encrypted: int, outcome: str
) -> None:
    (row,) = flat(json.dumps(subscription([line])), "any/key", "vpcflow")
    assert (row["source.ip"], row["source.port"], row["destination.port"]) == ("10.0.0.8", 4000, 80)
    assert row["network.direction"] == direction
    assert row["native.encryption_status"] == encrypted
    assert row["event.outcome"] == outcome
    assert ("denied" in row["event.type"]) == (outcome == "failure")


@pytest.mark.parametrize("account", ["XXXXXXXXXXXX", "64111117617", "-"])
def test_lines_whose_account_was_made_unreadable_are_known(account: str) -> None:
    version, _, rest = LINE.split(" ", 2)
    (row,) = flat(f"{version} {account} {rest}\n", "any/key", "vpcflow")
    assert row["source.ip"] == VALUES["srcaddr"]


def test_another_order_of_as_many_fields_is_not_taken_for_the_default() -> None:
    first, rest = LINE.split(" ", 1)
    result = taken(
        f"{rest} {first}\n",
        "AWSLogs/123456789012/vpcflowlogs/us-east-1/2014/12/14/x.log",
    )
    assert (result.status, result.rows) == ("unknown", [])


def parquet(columns: dict[str, pa.Array], **options: str) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_parquet_as_aws_types_it() -> None:
    data = parquet(
        {
            "version": pa.array([5, 5], pa.int32()),
            "account_id": pa.array(["123456789012"] * 2),
            "srcaddr": pa.array(["10.0.0.71", None]),
            "dstaddr": pa.array(["52.95.128.179", "-"]),
            "srcport": pa.array([34210, None], pa.int32()),
            "dstport": pa.array([443, None], pa.int32()),
            "protocol": pa.array([6, None], pa.int32()),
            "packets": pa.array([7, None], pa.int64()),
            "bytes": pa.array([471, None], pa.int64()),
            "start": pa.array([1616729292] * 2, pa.int64()),
            "end": pa.array([1616729349] * 2, pa.int64()),
            "action": pa.array(["ACCEPT", "-"]),
            "log_status": pa.array(["OK", "NODATA"]),
            "tcp_flags": pa.array([3, None], pa.int32()),
            "flow_direction": pa.array(["egress", None]),
            "traffic_path": pa.array([8, None], pa.int32()),
        },
        compression="gzip",
    )
    flow, nothing = flat(data, HIVE + ".parquet", "vpcflow")
    assert only(flow, "source", "destination", "network", "native", "cloud", "event.duration") == {
        "source.address": "10.0.0.71",
        "source.ip": "10.0.0.71",
        "source.port": 34210,
        "source.bytes": 471,
        "source.packets": 7,
        "destination.address": "52.95.128.179",
        "destination.ip": "52.95.128.179",
        "destination.port": 443,
        "network.bytes": 471,
        "network.packets": 7,
        "network.iana_number": "6",
        "network.transport": "tcp",
        "network.type": "ipv4",
        "network.direction": "egress",
        "native.version": 5,
        "native.account_id": "123456789012",
        "native.log_status": "OK",
        "native.tcp_flags": 3,
        "native.tcp_flag_names": ["fin", "syn"],
        "native.traffic_path": 8,
        "cloud.account.id": "123456789012",
        "cloud.region": "us-east-1",
        "event.duration": 57_000_000_000,
    }
    assert only(nothing, "event.type", "source", "destination", "network") == {
        "event.type": ["info"]
    }
    assert nothing["@timestamp"] == datetime(2021, 3, 26, 3, 29, 9, tzinfo=UTC)


def test_parquet_of_columns_that_many_sources_have_is_told_by_the_key() -> None:
    data = parquet({"end": pa.array([1616729349]), "bytes": pa.array([4])})
    (found,) = flat(data, HIVE + ".parquet", "vpcflow")
    assert found["network.bytes"] == 4


def test_json_with_the_names_of_logs_insights() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html"""
    record = {camel(name): value for name, value in VALUES.items()}
    record |= {"startTime": record.pop("start"), "endTime": record.pop("end")}
    (found,) = flat(json.dumps(record) + "\n", "x.json", "vpcflow")
    assert found == expected()


SINCE_7 = [
    "ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn",
    "ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id",
    "ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id", "resource-id",
    "instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2", "asg-tag", "asg-tag-2",
    "interface-type", "next-hop-interface-id", "next-hop-subnet-id", "next-hop-az-id",
    "next-hop-vpc-id", "next-hop-interface-type",
]  # fmt: skip


@pytest.mark.parametrize("name", SINCE_7)
@pytest.mark.parametrize("spelt", [camel, str], ids=["camel", "hyphens"])
def test_json_with_the_fields_since_version_7(name: str, spelt: Callable[[str], str]) -> None:
    record = {spelt(n): v for n, v in VALUES.items()} | {spelt(name): "x-1"}
    result = taken(json.dumps(record), "x.json")
    assert result.decoding.unknown_members == {}
    assert result.rows[0]["native"][name.replace("-", "_")] == "x-1"


def test_json_of_members_that_many_sources_have_is_told_by_the_key() -> None:
    (found,) = flat('{"start":1616729292,"end":1616729349,"bytes":4}\n', HIVE, "vpcflow")
    assert found["network.bytes"] == 4
    assert taken('{"start":1616729292,"end":1616729349,"bytes":4}\n', "x").status == "unknown"


@pytest.mark.parametrize("hour", ["", "hour=03/"])
def test_a_hive_key_says_account_and_region(hour: str) -> None:
    key = HIVE.replace("hour=03/", hour) + ".gz"
    (found,) = flat("srcaddr dstaddr end\n10.0.0.1 10.0.0.2 1616729349\n", key, "vpcflow")
    assert only(found, "cloud") == {
        "cloud.account.id": "123456789012",
        "cloud.region": "us-east-1",
    }


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("srcaddr\n10.0.0.1\n", "source.ip", "10.0.0.1"),
        ("instance-tag-2 srcaddr end\nweb 10.0.0.1 1616729349\n", "native.instance_tag_2", "web"),
    ],
)
def test_a_header_of_one_field_or_with_a_digit_is_no_row(text: str, field: str, value: str) -> None:
    (found,) = flat(text, FLOW_KEY, "vpcflow")
    assert found[field] == value
