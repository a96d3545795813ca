"""VPC flow logs: every version and field order under a header, what a record becomes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from logs import FLOW_HEADER
from rows import Lines, flat, only, taken

KEY = (
    "AWSLogs/123456789010/vpcflowlogs/us-east-1/2018/08/20/"
    "123456789010_vpcflowlogs_us-east-1_fl-1234abcd_20180820T1620Z_fe123456.log"
)
ACCEPTED = (
    "2 123456789010 eni-1235b8ca 172.31.16.139 203.0.113.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
V5 = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id "
    "vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action "
    "tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path "
    "flow-direction log-status"
)


LINES = Lines("vpcflow", KEY, FLOW_HEADER)
rows, row = LINES.rows, LINES.row


def test_a_line_of_version_2_field_by_field() -> None:
    assert row(ACCEPTED) == {
        "@timestamp": datetime(2014, 12, 14, 4, 7, 50, tzinfo=UTC),
        "event.category": ["network"],
        "event.type": ["connection", "allowed"],
        "event.action": "ACCEPT",
        "event.outcome": "success",
        "event.start": datetime(2014, 12, 14, 4, 6, 50, tzinfo=UTC),
        "event.end": datetime(2014, 12, 14, 4, 7, 50, tzinfo=UTC),
        "event.duration": 60_000_000_000,
        "event.dataset": "vpcflow",
        "event.module": "vpcflowlogs",
        "cloud.account.id": "123456789010",
        "cloud.region": "us-east-1",
        "source.address": "172.31.16.139",
        "source.ip": "172.31.16.139",
        "source.port": 20641,
        "source.bytes": 4249,
        "source.packets": 20,
        "destination.address": "203.0.113.21",
        "destination.ip": "203.0.113.21",
        "destination.port": 22,
        "network.bytes": 4249,
        "network.packets": 20,
        "network.iana_number": "6",
        "network.transport": "tcp",
        "network.type": "ipv4",
        "related.ip": ["172.31.16.139", "203.0.113.21"],
        "native.version": 2,
        "native.account_id": "123456789010",
        "native.interface_id": "eni-1235b8ca",
        "native.log_status": "OK",
    }


def test_a_line_of_version_5_in_an_order_of_its_own() -> None:
    found = row(
        "5 10.0.0.71 52.95.128.179 34210 443 6 1616729292 1616729349 IPv4 7 471 123456789012 "
        "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca "
        "ap-southeast-2 apse2-az3 outpost op-0e3bcb6a REJECT 2 10.0.0.62 52.95.128.179 - S3 8 "
        "egress OK",
        V5,
    )
    assert only(found, "event.type", "event.action", "event.outcome", "cloud", "related") == {
        "event.type": ["connection", "denied"],
        "event.action": "REJECT",
        "event.outcome": "failure",
        "cloud.account.id": "123456789012",
        "cloud.region": "ap-southeast-2",
        "cloud.availability_zone": "apse2-az3",
        "cloud.instance.id": "i-0c50d5961bcb2d47b",
        "cloud.vpc.id": "vpc-abcdefab012345678",
        "cloud.subnet.id": "subnet-aaaaaaaa012345678",
        "related.ip": ["10.0.0.62", "10.0.0.71", "52.95.128.179"],
    }
    assert only(found, "network") == {
        "network.bytes": 471,
        "network.packets": 7,
        "network.iana_number": "6",
        "network.transport": "tcp",
        "network.type": "ipv4",
        "network.direction": "egress",
    }
    assert only(found, "native") == {
        "native.version": 5,
        "native.account_id": "123456789012",
        "native.interface_id": "eni-1235b8ca",
        "native.log_status": "OK",
        "native.tcp_flags": 2,
        "native.tcp_flag_names": ["syn"],
        "native.pkt_srcaddr": "10.0.0.62",
        "native.pkt_dstaddr": "52.95.128.179",
        "native.az_id": "apse2-az3",
        "native.sublocation_type": "outpost",
        "native.sublocation_id": "op-0e3bcb6a",
        "native.pkt_dst_aws_service": "S3",
        "native.traffic_path": 8,
    }


@pytest.mark.parametrize(
    ("name", "given", "leaf", "value"),
    [
        ("ecs-cluster-arn", "arn:c", "native.ecs_cluster_arn", "arn:c"),
        ("ecs-cluster-name", "web", "native.ecs_cluster_name", "web"),
        ("ecs-container-instance-arn", "arn:i", "native.ecs_container_instance_arn", "arn:i"),
        ("ecs-container-instance-id", "i1", "native.ecs_container_instance_id", "i1"),
        ("ecs-container-id", "c1", "native.ecs_container_id", "c1"),
        ("ecs-second-container-id", "c2", "native.ecs_second_container_id", "c2"),
        ("ecs-service-name", "svc", "native.ecs_service_name", "svc"),
        ("ecs-task-definition-arn", "arn:d", "native.ecs_task_definition_arn", "arn:d"),
        ("ecs-task-arn", "arn:t", "native.ecs_task_arn", "arn:t"),
        ("ecs-task-id", "0a1b", "native.ecs_task_id", "0a1b"),
        ("resource-id", "nat-0a1b", "native.resource_id", "nat-0a1b"),
        ("encryption-status", "3", "native.encryption_status", 3),
        ("instance-tag", "a", "native.instance_tag", "a"),
        ("instance-tag-2", "b", "native.instance_tag_2", "b"),
        ("interface-tag", "a", "native.interface_tag", "a"),
        ("interface-tag-2", "b", "native.interface_tag_2", "b"),
        ("asg-tag", "a", "native.asg_tag", "a"),
        ("asg-tag-2", "b", "native.asg_tag_2", "b"),
        ("interface-type", "nat", "native.interface_type", "nat"),
        ("next-hop-interface-id", "eni-2", "native.next_hop_interface_id", "eni-2"),
        ("next-hop-subnet-id", "subnet-2", "native.next_hop_subnet_id", "subnet-2"),
        ("next-hop-az-id", "use1-az1", "native.next_hop_az_id", "use1-az1"),
        ("next-hop-vpc-id", "vpc-2", "native.next_hop_vpc_id", "vpc-2"),
        ("next-hop-interface-type", "igw", "native.next_hop_interface_type", "igw"),
        ("pkt-src-aws-service", "EC2", "native.pkt_src_aws_service", "EC2"),
        ("flow-direction", "ingress", "network.direction", "ingress"),
        ("type", "IPv6", "network.type", "ipv6"),
        ("field-of-tomorrow", "x", "native.field_of_tomorrow", None),
    ],
)
def test_a_field_of_a_later_version(name: str, given: str, leaf: str, value: object) -> None:
    plain = row("eni-1 1418530070", "interface-id end")
    found = row(f"eni-1 {given} 1418530070", f"interface-id {name} end")
    assert found == plain | ({leaf: value} if value is not None else {})


def test_a_reason_for_a_rejection_says_that_it_was_one() -> None:
    found = row("eni-1 BPA 1418530070", "interface-id reject-reason end")
    told = (found["event.reason"], found["event.outcome"], found["event.type"])
    assert told == ("BPA", "failure", ["connection", "denied"])


def test_only_egress_has_a_traffic_path() -> None:
    found = row("1 1418530070", "traffic-path end")
    assert found["native.traffic_path"] == 1
    assert found["network.direction"] == "egress"


@pytest.mark.parametrize("status", ["NODATA", "SKIPDATA"])
def test_a_window_without_records_is_no_connection(status: str) -> None:
    found = row(f"2 123456789010 eni-1 - - - - - - - 1431280876 1431280934 - {status}")
    assert only(found, "event", "source", "destination", "network", "native", "related") == {
        "event.category": ["network"],
        "event.type": ["info"],
        "event.outcome": "unknown",
        "event.start": datetime(2015, 5, 10, 18, 1, 16, tzinfo=UTC),
        "event.end": datetime(2015, 5, 10, 18, 2, 14, tzinfo=UTC),
        "event.duration": 58_000_000_000,
        "event.dataset": "vpcflow",
        "event.module": "vpcflowlogs",
        "native.version": 2,
        "native.account_id": "123456789010",
        "native.interface_id": "eni-1",
        "native.log_status": status,
    }


@pytest.mark.parametrize(
    ("kind", "source", "layer"),
    [
        ("EFA", "10.0.0.1", "ipv4"),
        ("EFA", "2001:db8::1", "ipv6"),
        ("EFA", "02:1b:44:11:3a:b7", None),
        ("-", "02:1B:44:11:3A:B7", None),
        ("-", "::1", "ipv6"),
        ("IPv6", "-", "ipv6"),
        ("-", "-", None),
    ],
)
def test_the_layer_of_the_network_is_an_ip_version(
    kind: str, source: str, layer: str | None
) -> None:
    line = f"{kind} {source} 203.0.113.21 1418530070"
    found = row(line, "type srcaddr dstaddr end")
    assert found.get("network.type") == layer
    assert found.get("source.address") == (None if source == "-" else source)


def test_ipv6_in_its_shortest_form() -> None:
    found = row(
        "2 123456789010 eni-1 2001:DB8:0:0:8d6e:3477:df66:f105 ::ffff:10.0.0.1 34892 22 58 54 8855 "
        "1477913708 1477913820 ACCEPT OK"
    )
    assert found["source.address"] == "2001:DB8:0:0:8d6e:3477:df66:f105"
    assert found["source.ip"] == "2001:db8::8d6e:3477:df66:f105"
    assert found["destination.ip"] == "::ffff:10.0.0.1"
    assert found["network.type"] == "ipv6"
    assert found["network.transport"] == "ipv6-icmp"


def test_what_does_not_fit_a_number_keeps_its_text() -> None:
    found = row(
        "2 unknown eni-1 10.0.0.1 10.0.0.2 1 2 6 18446744073709551615 9223372036854775808 "
        "1418530070 1418530010 ACCEPT OK"
    )
    assert only(found, "native.packets", "native.bytes", "source.packets", "source.bytes") == {
        "native.packets": "18446744073709551615",
        "native.bytes": "9223372036854775808",
    }
    assert "network.bytes" not in found
    assert found["cloud.account.id"] == "123456789010"  # the key's
    assert found["native.account_id"] == "unknown"
    assert found["event.end"] < found["event.start"]
    assert "event.duration" not in found


@pytest.mark.parametrize(
    ("header", "line", "moment", "time_source"),
    [
        ("start end", "1418530010 1418530070", "2014-12-14T04:07:50Z", None),
        ("start bytes", "1418530010 1", "2014-12-14T04:06:50Z", "start"),
        ("start end", "1418530010 -", "2014-12-14T04:06:50Z", "start"),
        ("start end", "1418530010250 1418530070500", "2014-12-14T04:07:50.5Z", None),
        ("start end", "99999999999 100000000000", "1973-03-03T09:46:40Z", None),
        ("start end", "1418530010 10000000000000", "2014-12-14T04:06:50Z", "start"),
        ("srcaddr bytes", "10.0.0.1 1", "2018-08-20T16:20:00Z", "key"),
        (
            "@timestamp,srcAddr",
            "2018-08-20 16:19:30.250,::1",
            "2018-08-20T16:19:30.250Z",
            "envelope",
        ),
    ],
)
def test_the_time_is_end_else_start_else_that_of_the_delivery(
    header: str, line: str, moment: str, time_source: str | None
) -> None:
    found = row(line, header)
    assert found["@timestamp"] == datetime.fromisoformat(moment)
    assert found.get("native.time_source") == time_source


def test_without_any_time_a_line_is_a_reject() -> None:
    result = taken("srcaddr dstaddr\n10.0.0.1 10.0.0.2\n", "some/where.log")
    assert [(r.position, r.reason) for r in result.rejects] == [(2, "no valid time")]


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ("0", None),
        ("1", ["fin"]),
        ("2", ["syn"]),
        ("3", ["fin", "syn"]),
        ("18", ["syn", "ack"]),
        ("19", ["fin", "syn", "ack"]),
        ("255", ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]),
    ],
)
def test_tcp_flags_have_names(flags: str, names: list[str] | None) -> None:
    found = row(f"{flags} 1418530070", "tcp-flags end")
    assert found["native.tcp_flags"] == int(flags)
    assert found.get("native.tcp_flag_names") == names


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("1", "icmp"),
        ("6", "tcp"),
        ("17", "udp"),
        ("47", "gre"),
        ("50", "esp"),
        ("58", "ipv6-icmp"),
        ("132", "sctp"),
        ("253", None),
    ],
)
def test_a_protocol_has_its_name(number: str, name: str | None) -> None:
    found = row(f"{number} eni-1 1418530070", "protocol interface-id end")
    assert found["network.iana_number"] == number
    assert found.get("network.transport") == name


def test_numbers_of_a_tables_export() -> None:
    """Where a column has gaps, pandas writes its whole numbers as 6.0."""
    found = row(
        "17.0 443.0 2.0 90.0 18.0 eni-1 1418530070",
        "protocol srcport packets bytes tcp-flags interface-id end",
    )
    assert (found["network.iana_number"], found["network.transport"]) == ("17", "udp")
    assert (found["source.port"], found["source.packets"], found["source.bytes"]) == (443, 2, 90)
    assert found["native.tcp_flags"] == 18


def test_a_nat_gateway_shows_the_packets_own_addresses() -> None:
    found = row(
        "- eni-1 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
        "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
    )
    assert only(found, "source.ip", "destination.ip", "related", "native.pkt", "event.outcome") == {
        "source.ip": "10.0.1.5",
        "destination.ip": "10.0.0.220",
        "related.ip": ["10.0.0.220", "10.0.1.5", "203.0.113.5"],
        "native.pkt_srcaddr": "10.0.1.5",
        "native.pkt_dstaddr": "203.0.113.5",
        "event.outcome": "unknown",
    }


def test_only_the_packets_addresses() -> None:
    found = row("10.0.1.5 203.0.113.5 1418530070", "pkt-srcaddr pkt-dstaddr end")
    assert found["source.ip"] == "10.0.1.5"
    assert found["destination.ip"] == "203.0.113.5"


@pytest.mark.parametrize(
    "given", ["start end bytes packets", "action bytes end", "interface-id end"]
)
def test_a_header_of_names_that_many_sources_have_is_told_by_the_key(given: str) -> None:
    values = {"start": "1418530010", "end": "1418530070", "bytes": "77", "packets": "3",
              "action": "ACCEPT", "interface-id": "eni-1"}  # fmt: skip
    found = row(" ".join(values[name] for name in given.split()), given)
    assert found["@timestamp"] == datetime(2014, 12, 14, 4, 7, 50, tzinfo=UTC)
    assert found.get("network.bytes") == (77 if "bytes" in given else None)


def test_objects_joined_keep_each_its_header() -> None:
    text = f"end bytes start\n1418530070 7 1418530010\n{FLOW_HEADER}\n{ACCEPTED}\n"
    assert [r["network.bytes"] for r in flat(text, KEY, "vpcflow")] == [7, 4249]


def test_equal_lines_stay_two() -> None:
    assert len(rows(ACCEPTED, ACCEPTED)) == 2


def test_a_line_of_another_width_is_a_reject() -> None:
    result = taken(f"{FLOW_HEADER}\n{ACCEPTED}\n{ACCEPTED} extra\n{ACCEPTED[:-3]}\n", KEY)
    assert [(r.position, r.reason) for r in result.rejects] == [
        (3, "15 fields, expected 14"),
        (4, "13 fields, expected 14"),
    ]
    assert len(result.rows) == 1
