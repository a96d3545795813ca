"""VPC Flow Log records and the two formats they are delivered in: the default (version 2) and a
custom one with every field up to version 5.

A record is one direction of one conversation at one network interface within one minute. Format:
https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.demo.chance import hex_id, stream
from lake.demo.objects import DemoObject, day_path, deliveries, gzip_lines, minute_stamp
from lake.demo.world import VPCS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.world import Host, Vpc

DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)
CUSTOM = (
    f"{DEFAULT} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id "
    "sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
    "traffic-path"
)

FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
SAME_VPC, INTERNET_OR_GATEWAY, VPN, PEERING, FAR_PEERING, LOCAL, ENDPOINT, INTERNET = range(1, 9)


@dataclass(frozen=True, slots=True)
class Flow:
    """One record. `log_status` other than OK means a minute without data, and no conversation.

    `path` is the traffic path of what leaves (1 to 8), None of what arrives. `inner_source` is the
    packet's own source where a NAT gateway stands between.
    """

    start: int
    end: int
    host: Host
    source: str = "-"
    target: str = "-"
    source_port: int = 0
    target_port: int = 0
    protocol: int = 6
    packets: int = 0
    bytes: int = 0
    accepted: bool = True
    flags: int = 0
    path: int | None = None
    inner_source: str = ""
    source_service: str = "-"
    target_service: str = "-"
    log_status: str = "OK"


def conversation(
    rng: random.Random,
    at: float,
    host: Host,
    client: str,
    server: str,
    client_port: int,
    server_port: int,
    sent: int,
    answered: int,
    path: int,
    protocol: int = 6,
    service: str = "-",
) -> list[Flow]:
    """Both directions of a conversation at `host`, whose own address is one of the two ends."""
    start = int(at)
    end = start + rng.randrange(1, 60)
    leaves = host.address == client or client in (host.public, host.public6)
    there = Flow(
        start,
        end,
        host,
        client,
        server,
        client_port,
        server_port,
        protocol,
        packets=max(1, sent // 700),
        bytes=max(40, sent),
        flags=_flags(rng, protocol, SYN),
        path=path if leaves else None,
        target_service=service,
    )
    back = Flow(
        start,
        end,
        host,
        server,
        client,
        server_port,
        client_port,
        protocol,
        packets=max(1, answered // 1200),
        bytes=max(40, answered),
        flags=_flags(rng, protocol, SYN_ACK),
        path=None if leaves else path,
        source_service=service,
    )
    return [there, back]


def _flags(rng: random.Random, protocol: int, opening: int) -> int:
    if protocol != 6:
        return 0
    return opening | FIN if rng.random() < 0.7 else opening


def refused(
    rng: random.Random,
    at: float,
    host: Host,
    source: str,
    target: str,
    port: int,
    protocol: int = 6,
) -> Flow:
    """A packet or two that a security group did not let in."""
    packets = rng.choice((1, 1, 1, 2, 3))
    size = 44 if protocol == 6 else 71
    return Flow(
        int(at),
        int(at) + rng.randrange(1, 60),
        host,
        source,
        target,
        rng.randrange(1024, 65535),
        port,
        protocol,
        packets,
        packets * size,
        accepted=False,
        flags=SYN if protocol == 6 else 0,
    )


def flow_objects(seed: int, flows: list[Flow]) -> Iterator[DemoObject]:
    """The records of every VPC, delivered every three hours in the VPC's format."""
    rng = stream(seed, "flow objects")
    for vpc in VPCS:
        own = [flow for flow in flows if flow.host.vpc is vpc]
        account = vpc.account.id
        folder = f"AWSLogs/{account}/vpcflowlogs/{vpc.region}"
        header = (CUSTOM if vpc.custom else DEFAULT) + "\n"
        for end, batch in deliveries(own, lambda flow: flow.start, 3):
            lines = [_line(flow, vpc) for flow in batch]
            name = f"{account}_vpcflowlogs_{vpc.region}_{vpc.flow_log}_{minute_stamp(end)}"
            key = f"{folder}/{day_path(end)}/{name}_{hex_id(rng, 8)}.log.gz"
            yield gzip_lines(key, "vpcflow", lines, header)


def _line(flow: Flow, vpc: Vpc) -> str:
    host = flow.host
    version = 5 if vpc.custom else 2
    if flow.log_status != "OK":
        common = (
            f"{version} {vpc.account.id} {host.interface} - - - - - - - {flow.start} {flow.end} "
            f"- {flow.log_status}"
        )
        return f"{common} {vpc.id} {host.subnet} -{' -' * 12}" if vpc.custom else common
    # the source and target of a record are the interface's private address, never its public one
    source, target = _inside(host, flow.source), _inside(host, flow.target)
    common = (
        f"{version} {vpc.account.id} {host.interface} {source} {target} {flow.source_port} "
        f"{flow.target_port} {flow.protocol} {flow.packets} {flow.bytes} {flow.start} {flow.end} "
        f"{'ACCEPT' if flow.accepted else 'REJECT'} OK"
    )
    if not vpc.custom:
        return common
    leaves = source in (host.address, host.public6)
    return (
        f"{common} {vpc.id} {host.subnet} {host.instance or '-'} {flow.flags} "
        f"{'IPv6' if ':' in source else 'IPv4'} {flow.inner_source or source} {target} "
        f"{vpc.region} {vpc.zone(host.zone)} - - {flow.source_service} {flow.target_service} "
        f"{'egress' if leaves else 'ingress'} {flow.path or '-'}"
    )


def _inside(host: Host, address: str) -> str:
    return host.address if address == host.public else address
