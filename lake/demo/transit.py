"""Transit Gateway flow logs: what goes between the shop's networks and the offices.

Format: https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html, the default fields of
version 6. AWS delivers them into the same folder as VPC flow logs; only the header tells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lake.demo.chance import OFFICE, fixed_hex, hex_id, moments, stream
from lake.demo.objects import DemoObject, day_path, deliveries, gzip_lines, minute_stamp
from lake.demo.story import EXFILTRATION, TAKEN
from lake.demo.world import DEPOT, SHOP_EU, SHOP_US, TRANSIT_GATEWAY, hosts_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from lake.demo.world import Host, Vpc

HEADER = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id "
    "tgw-dst-vpc-account-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id "
    "tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr "
    "srcport dstport protocol packets bytes start end log-status type packets-lost-no-route "
    "packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region "
    "flow-direction pkt-src-aws-service pkt-dst-aws-service\n"
)


def transit_objects(seed: int) -> Iterator[DemoObject]:
    """The gateway's records in Frankfurt, delivered every six hours."""
    rng = stream(seed, "transit gateway")
    account, region = SHOP_EU.account.id, SHOP_EU.region
    lines = [_line(rng, at) for at in moments(rng, 2200, OFFICE, utc_offset=1)]
    # from the taken machine, into a network without a route: somebody looks around
    lines += [_lost(rng, EXFILTRATION - 600 + 4 * number, number) for number in range(60)]
    folder = f"AWSLogs/{account}/vpcflowlogs/{region}"
    flow_log = "fl-0" + fixed_hex("flow log of the transit gateway", 16)
    for end, batch in deliveries(lines, lambda item: item[0], 6):
        name = f"{account}_vpcflowlogs_{region}_{flow_log}_{minute_stamp(end)}"
        key = f"{folder}/{day_path(end)}/{name}_{hex_id(rng, 8)}.log.gz"
        yield gzip_lines(key, "tgwflow", [line for _, line in batch], HEADER)


def _line(rng: random.Random, at: float) -> tuple[int, str]:
    near = rng.choice(hosts_of(SHOP_EU, "app", "web"))
    far = rng.choice(hosts_of(rng.choice((SHOP_US, DEPOT)), "app", "database"))
    source, target = (near, far) if rng.random() < 0.5 else (far, near)
    ports = (rng.randrange(32768, 61000), rng.choice((443, 5432, 9000, 9000, 389)))
    size = rng.randrange(400, 400000)
    lost = 1 if rng.random() < 0.01 else 0
    return int(at), _record(rng, int(at), source, target, ports, size, (lost, 0, lost, 0))


def _lost(rng: random.Random, at: float, number: int) -> tuple[int, str]:
    ports = (rng.randrange(32768, 61000), 22)
    target = replace(hosts_of(SHOP_EU, "bastion")[0], address=f"10.20.50.{number + 1}")
    return int(at), _record(rng, int(at), TAKEN, target, ports, 60, (1, 0, 0, 0))


def _attachment(vpc: Vpc) -> str:
    return "tgw-attach-0" + fixed_hex(f"attachment {vpc.id}", 16)


def _record(
    rng: random.Random,
    start: int,
    source: Host,
    target: Host,
    ports: tuple[int, int],
    size: int,
    lost: tuple[int, int, int, int],
) -> str:
    account = SHOP_EU.account.id
    return " ".join(
        (
            "6",
            "TransitGateway",
            account,
            TRANSIT_GATEWAY,
            _attachment(source.vpc),
            source.vpc.account.id,
            target.vpc.account.id,
            source.vpc.id,
            target.vpc.id,
            source.subnet,
            target.subnet,
            _interface(source.vpc, source.zone),
            _interface(target.vpc, target.zone),
            source.vpc.zone(source.zone),
            target.vpc.zone(target.zone),
            _attachment(target.vpc),
            source.address,
            target.address,
            str(ports[0]),
            str(ports[1]),
            "6",
            str(max(1, size // 900)),
            str(size),
            str(start),
            str(start + rng.randrange(20, 60)),
            "OK",
            "IPv4",
            *(str(number) for number in lost),
            str(rng.choice((2, 3, 18, 19))),
            SHOP_EU.region,
            rng.choice(("ingress", "egress")),
            "-",
            "-",
        )
    )


def _interface(vpc: Vpc, zone: int) -> str:
    """The gateway's own interface in a zone of the VPC."""
    return "eni-0" + fixed_hex(f"gateway interface {vpc.id} {zone}", 16)
