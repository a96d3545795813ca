"""Transit Gateway flow logs: the default format, orders of their own, losses, forms of delivery."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logs import FLOW_HEADER, GATEWAY_HEADER, flow, subscription
from rows import Lines, flat, only, taken

KEY = (
    "AWSLogs/123456789012/vpcflowlogs/us-east-1/2022/03/01/"
    "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20220301T1555Z_fe123456.log.gz"
)
LINE = (
    "6 TransitGateway 123456789012 tgw-0a1b tgw-attach-0c 222222222222 333333333333 vpc-1 vpc-2 "
    "subnet-1 subnet-2 eni-1 eni-2 use1-az1 use1-az2 tgw-attach-0d 10.20.33.164 10.40.2.236 40010 "
    "443 6 6 1290 1646150000 1646150060 OK IPv4 0 0 0 0 27 us-east-1 ingress EC2 S3"
)
NODATA = (
    "6 TransitGateway 123456789012 tgw-0a1b tgw-attach-0c - - - - - - - - - - - - - - - - - - "
    "1646150000 1646150060 NODATA - - - - - - us-east-1 - - -"
)


LINES = Lines("tgwflow", KEY, GATEWAY_HEADER)
rows, row = LINES.rows, LINES.row


def test_a_line_field_by_field() -> None:
    assert row(LINE) == {
        "@timestamp": datetime(2022, 3, 1, 15, 54, 20, tzinfo=UTC),
        "event.category": ["network"],
        "event.type": ["connection"],
        "event.outcome": "success",
        "event.start": datetime(2022, 3, 1, 15, 53, 20, tzinfo=UTC),
        "event.end": datetime(2022, 3, 1, 15, 54, 20, tzinfo=UTC),
        "event.duration": 60_000_000_000,
        "event.dataset": "tgwflow",
        "event.module": "vpcflowlogs",
        "cloud.account.id": "123456789012",
        "cloud.region": "us-east-1",
        "source.address": "10.20.33.164",
        "source.ip": "10.20.33.164",
        "source.port": 40010,
        "source.bytes": 1290,
        "source.packets": 6,
        "destination.address": "10.40.2.236",
        "destination.ip": "10.40.2.236",
        "destination.port": 443,
        "network.bytes": 1290,
        "network.packets": 6,
        "network.iana_number": "6",
        "network.transport": "tcp",
        "network.type": "ipv4",
        "network.direction": "ingress",
        "related.ip": ["10.20.33.164", "10.40.2.236"],
        "native.version": 6,
        "native.resource_type": "TransitGateway",
        "native.account_id": "123456789012",
        "native.tgw_id": "tgw-0a1b",
        "native.tgw_attachment_id": "tgw-attach-0c",
        "native.tgw_pair_attachment_id": "tgw-attach-0d",
        "native.tgw_src_vpc_account_id": "222222222222",
        "native.tgw_dst_vpc_account_id": "333333333333",
        "native.tgw_src_vpc_id": "vpc-1",
        "native.tgw_dst_vpc_id": "vpc-2",
        "native.tgw_src_subnet_id": "subnet-1",
        "native.tgw_dst_subnet_id": "subnet-2",
        "native.tgw_src_eni": "eni-1",
        "native.tgw_dst_eni": "eni-2",
        "native.tgw_src_az_id": "use1-az1",
        "native.tgw_dst_az_id": "use1-az2",
        "native.log_status": "OK",
        "native.tcp_flags": 27,
        "native.tcp_flag_names": ["fin", "syn", "psh", "ack"],
        "native.packets_lost_no_route": 0,
        "native.packets_lost_blackhole": 0,
        "native.packets_lost_mtu_exceeded": 0,
        "native.packets_lost_ttl_expired": 0,
        "native.pkt_src_aws_service": "EC2",
        "native.pkt_dst_aws_service": "S3",
    }


LOST = (
    "packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded "
    "packets-lost-ttl-expired packets srcaddr end"
)


@pytest.mark.parametrize(
    ("counts", "outcome", "reason"),
    [
        ("0 0 0 0 6", "success", None),
        ("0 0 0 0 0", "unknown", None),
        ("3 0 1 0 0", "failure", "packets lost: no route, mtu exceeded"),
        ("0 7 0 2 0", "failure", "packets lost: blackhole, ttl expired"),
        ("4 0 0 0 6", "success", "packets lost: no route"),
        ("6 0 0 0 6", "failure", "packets lost: no route"),
        ("- - - - 6", "success", None),
        ("0 0 0 0 -", "success", None),
        ("- - - - -", "unknown", None),
        (
            "9223372036854775807 9223372036854775807 0 0 1",
            "failure",
            "packets lost: no route, blackhole",
        ),
    ],
)
def test_the_outcome_is_what_became_of_the_packets(
    counts: str, outcome: str, reason: str | None
) -> None:
    found = row(f"{counts} 10.0.0.1 1646150060", LOST)
    assert found["event.outcome"] == outcome
    assert found.get("event.reason") == reason


@pytest.mark.parametrize("status", ["NODATA", "SKIPDATA"])
def test_a_window_without_records_is_no_connection(status: str) -> None:
    found = row(NODATA.replace("NODATA", status))
    assert only(found, "event.type", "event.outcome", "source", "network", "native.log") == {
        "event.type": ["info"],
        "event.outcome": "unknown",
        "native.log_status": status,
    }


def test_a_type_that_is_no_ip_version() -> None:
    assert row(LINE.replace("IPv4", "EFA"))["network.type"] == "ipv4"


def test_ipv6_and_an_order_of_its_own() -> None:
    found = row(
        "1646150060 2001:db8:0:0::1 17 tgw-0a1b 2001:db8::2", "end srcaddr protocol tgw-id dstaddr"
    )
    assert only(found, "source", "destination", "network", "native", "cloud", "@timestamp") == {
        "@timestamp": datetime(2022, 3, 1, 15, 54, 20, tzinfo=UTC),
        "cloud.account.id": "123456789012",
        "cloud.region": "us-east-1",
        "source.address": "2001:db8:0:0::1",
        "source.ip": "2001:db8::1",
        "destination.address": "2001:db8::2",
        "destination.ip": "2001:db8::2",
        "network.iana_number": "17",
        "network.transport": "udp",
        "network.type": "ipv6",
        "native.tgw_id": "tgw-0a1b",
    }


@pytest.mark.parametrize(
    ("header", "line", "moment", "time_source"),
    [
        ("tgw-id start end", "t 1646150000 1646150060", "2022-03-01T15:54:20Z", None),
        ("tgw-id start", "t 1646150000", "2022-03-01T15:53:20Z", "start"),
        ("tgw-id srcaddr", "t 10.0.0.1", "2022-03-01T15:55:00Z", "key"),
    ],
)
def test_the_time_is_end_else_start_else_that_of_the_delivery(
    header: str, line: str, moment: str, time_source: str | None
) -> None:
    found = row(line, header)
    assert found["@timestamp"] == datetime.fromisoformat(moment)
    assert found.get("native.time_source") == time_source


def test_what_does_not_fit_a_number_keeps_its_text() -> None:
    found = row("t 18446744073709551615 1 1646150060", "tgw-id packets bytes end")
    assert only(found, "native.packets", "native.bytes", "source.bytes", "source.packets") == {
        "native.packets": "18446744073709551615",
        "source.bytes": 1,
    }


def test_a_protocol_of_a_tables_export() -> None:
    found = row("t 17.0 1646150060", "tgw-id protocol end")
    assert (found["network.iana_number"], found["network.transport"]) == ("17", "udp")


def columns() -> dict[str, str]:
    return dict(zip(GATEWAY_HEADER.split(), LINE.split(), strict=True))


DELIVERIES = {
    "without a header": f"{LINE}\n",
    "subscription": json.dumps(subscription([LINE])),
    "export task": f"2022-03-01T15:54:25.000Z {LINE}\n",
    "Firehose": json.dumps({"message": LINE}) + "\n",
    "CSV": f"{GATEWAY_HEADER.replace(' ', ',')}\n{LINE.replace(' ', ',')}\n",
    "JSON": json.dumps(columns()),
    "JSON with underscores": json.dumps({n.replace("-", "_"): v for n, v in columns().items()}),
}


@pytest.mark.parametrize("form", DELIVERIES)
def test_the_same_row_in_every_form(form: str) -> None:
    (found,) = flat(DELIVERIES[form], "any/key", "tgwflow")
    assert found == row(LINE, key="any/key")


def test_the_first_31_fields_without_a_header() -> None:
    """The region and the flags are not among them."""
    first = " ".join(LINE.split()[:31])
    header = " ".join(GATEWAY_HEADER.split()[:31])
    (found,) = flat(json.dumps(subscription([first])), "any/key", "tgwflow")
    assert found == row(first, header, key="any/key")


def test_a_line_without_a_resource_type_and_without_a_header() -> None:
    (found,) = flat(LINE.replace("TransitGateway", "-"), "any/key", "tgwflow")
    wanted = row(LINE, key="any/key")
    assert found == {n: value for n, value in wanted.items() if n != "native.resource_type"}


def test_parquet_in_a_hive_folder() -> None:
    given = {
        name.replace("-", "_"): pa.array([int(v) if v.isdigit() and len(v) < 12 else v])
        for name, v in columns().items()
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(given), buffer)
    key = (
        "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
        "year=2022/month=03/day=01/123456789012_vpcflowlogs_us-east-1_fl-1_20220301T1555Z_f.parquet"
    )
    assert flat(buffer.getvalue(), key, "tgwflow") == [row(LINE)]


@pytest.mark.parametrize("line", [LINE, NODATA])
def test_a_data_line_is_no_header(line: str) -> None:
    result = taken(f"{line}\n{line}\n", KEY)
    assert [r["native"]["tgw_id"] for r in result.rows] == ["tgw-0a1b", "tgw-0a1b"]


def test_in_the_folder_of_vpc_flow_logs_the_names_tell() -> None:
    ours = taken(f"{GATEWAY_HEADER}\n{LINE}\n", KEY)
    theirs = taken(f"{FLOW_HEADER}\n{flow(1)}\n", KEY)
    assert [r["event"]["dataset"] for r in ours.rows] == ["tgwflow"]
    assert [r["event"]["dataset"] for r in theirs.rows] == ["vpcflow"]


def test_a_format_without_a_field_of_the_gateway() -> None:
    """The kind of resource is said by no other flow log."""
    (found,) = flat(
        "version resource-type account-id srcaddr dstaddr start end bytes\n"
        "6 TransitGateway 123456789012 10.0.0.1 10.0.0.2 1646150000 1646150060 40\n",
        KEY,
        "tgwflow",
    )
    assert (found["source.ip"], found["network.bytes"]) == ("10.0.0.1", 40)


def test_json_with_the_names_of_logs_insights_for_the_times() -> None:
    record = dict(zip(GATEWAY_HEADER.split(), LINE.split(), strict=True))
    record |= {"startTime": record.pop("start"), "endTime": record.pop("end")}
    (found,) = flat(json.dumps(record), "x.json", "tgwflow")
    assert found == row(LINE, key="x.log")
