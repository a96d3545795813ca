"""What the networks of the company carry: the shop's visitors, its own machines, the noise of the
Internet, and the parts of the attack that are packets.

Visitors' conversations are taken from the shop's requests, so that a client's address and port in
the load balancer's log are found here too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from lake.demo.chance import MACHINES, OFFICE, moments, stream
from lake.demo.flow import (
    ENDPOINT,
    FAR_PEERING,
    FIN,
    INTERNET,
    INTERNET_OR_GATEWAY,
    LOCAL,
    PEERING,
    SAME_VPC,
    SYN,
    VPN,
    Flow,
    conversation,
)
from lake.demo.flow_attack import attack_flows
from lake.demo.flow_noise import noise, silence
from lake.demo.web_traffic import shop_requests
from lake.demo.world import DEPOT, SHOP_EU, SHOP_HOST, SHOP_US, hosts_of

if TYPE_CHECKING:
    import random

    from lake.demo.web import Request
    from lake.demo.world import Host, Vpc

_PEERS = {SHOP_US.id: "10.20.20.111", SHOP_EU.id: "10.10.20.111", DEPOT.id: "10.10.21.112"}
"""VPC -> the server that it asks in the one it is peered with."""
S3_ADDRESSES = ("52.216.18.35", "52.216.137.92", "52.217.4.116", "52.217.88.201")


def all_flows(seed: int) -> list[Flow]:
    """Every flow record of the three days, in no order."""
    rng = stream(seed, "flows")
    flows = _visits(rng, seed)
    for vpc, share in ((SHOP_US, 1.0), (SHOP_EU, 0.7), (DEPOT, 0.5)):
        flows += _inner(rng, vpc, round(2100 * share))
        flows += noise(rng, vpc, round(1100 * share))
        flows += silence(rng, vpc)
    flows += attack_flows(seed)
    return flows


def _visits(rng: random.Random, seed: int) -> list[Flow]:
    """The shop's visitors at the load balancers, one conversation for each connection."""
    connections: dict[str, list[Request]] = defaultdict(list)
    for request in shop_requests(seed):
        connections[request.connection].append(request)
    flows: list[Flow] = []
    for requests in connections.values():
        first = requests[0]
        vpc = SHOP_US if first.host == SHOP_HOST else SHOP_EU
        host = rng.choice(hosts_of(vpc, "alb"))
        client = first.visitor.address
        server = (host.public6 if ":" in client else host.public) or host.address
        sent = sum(request.received for request in requests) + 900
        answered = sum(request.sent for request in requests) + 4200
        flows += conversation(
            rng, first.at, host, client, server, first.port, 443, sent, answered, INTERNET
        )
        if not first.rule:  # and on to a web server, seen from there
            web = rng.choice(hosts_of(vpc, "web"))
            flows += conversation(
                rng,
                first.at,
                web,
                host.address,
                web.address,
                rng.randrange(1024, 65535),
                8080,
                sent,
                answered,
                SAME_VPC,
            )
    return flows


class _Way(NamedTuple):
    """Where a conversation of a machine goes, and the limits of the bytes of both directions."""

    host: Host
    there: str
    port: int
    sent: tuple[int, int]
    answered: tuple[int, int]
    path: int
    service: str = "-"


def _inner(rng: random.Random, vpc: Vpc, count: int) -> list[Flow]:
    """The machines among themselves and towards AWS, the offices and the other networks."""
    nat, bastion = hosts_of(vpc, "nat")[0], hosts_of(vpc, "bastion")[0]
    database = hosts_of(vpc, "database")[0]
    metrics = str(vpc.cidr.network_address).rsplit(".", 2)[0] + ".40.9"
    flows: list[Flow] = []
    for at in moments(rng, count, MACHINES):
        kind, port = rng.random(), rng.randrange(32768, 61000)
        server = rng.choice(hosts_of(vpc, "app"))
        if 0.68 <= kind < 0.78:
            flows += _through_nat(rng, at, nat, server, port)
        elif 0.84 <= kind < 0.88:
            host = rng.choice(hosts_of(vpc, "web"))
            ends = host.address, metrics, port, 8125
            flows += conversation(rng, at, host, *ends, 400, 90, PEERING, protocol=17)
        elif 0.95 <= kind < 0.97:
            flows.append(_opening(at, server, database, port))
        else:
            way = _way(rng, kind, vpc, server)
            ends = way.host.address, way.there, port, way.port
            sent, answered = rng.randrange(*way.sent), rng.randrange(*way.answered)
            flows += conversation(
                rng, at, way.host, *ends, sent, answered, way.path, service=way.service
            )
    office = "33.10.2.23" if vpc is DEPOT else "33.10.1.17"
    for at in moments(rng, count // 25, OFFICE, utc_offset=9 if vpc is DEPOT else 1):
        flows += conversation(
            rng,
            at,
            bastion,
            office,
            bastion.address,
            rng.randrange(32768, 61000),
            22,
            rng.randrange(3000, 40000),
            rng.randrange(9000, 300000),
            INTERNET,
        )
    return flows


def _way(rng: random.Random, kind: float, vpc: Vpc, server: Host) -> _Way:
    """One of the ways that an application server or one that asks it goes, by chance."""
    if kind < 0.3:
        database = hosts_of(vpc, "database")[0].address
        return _Way(server, database, 5432, (2000, 60000), (8000, 900000), SAME_VPC)
    if kind < 0.5:
        host = rng.choice(hosts_of(vpc, "web"))
        return _Way(host, server.address, 9000, (1000, 20000), (2000, 80000), SAME_VPC)
    if kind < 0.68:
        bucket = rng.choice(S3_ADDRESSES)
        return _Way(server, bucket, 443, (2000, 90000), (5000, 2000000), ENDPOINT, "S3")
    if kind < 0.84:
        path = FAR_PEERING if vpc is not SHOP_EU or rng.random() < 0.5 else PEERING
        return _Way(server, _PEERS[vpc.id], 9000, (900, 9000), (900, 30000), path)
    if kind < 0.93:
        return _Way(server, "192.168.40.12", 636, (700, 4000), (900, 8000), VPN)
    if kind < 0.95:
        return _Way(server, "10.99.3.20", 2049, (900, 40000), (900, 90000), LOCAL)
    table = "52.94.12.7"
    return _Way(server, table, 443, (900, 9000), (2000, 30000), INTERNET_OR_GATEWAY, "DYNAMODB")


def _through_nat(rng: random.Random, at: float, nat: Host, host: Host, port: int) -> list[Flow]:
    """A machine's way out at the NAT gateway: the packet's own source is the machine."""
    there = Flow(
        int(at),
        int(at) + 58,
        nat,
        host.address,
        "52.94.76.10",
        port,
        443,
        packets=22,
        bytes=rng.randrange(3000, 9000),
        flags=SYN | FIN,
    )
    out = Flow(
        int(at),
        int(at) + 58,
        nat,
        nat.address,
        "52.94.76.10",
        port,
        443,
        packets=22,
        bytes=there.bytes,
        flags=SYN | FIN,
        path=INTERNET,
        inner_source=host.address,
        target_service="EC2",
    )
    return [there, out]


def _opening(at: float, host: Host, database: Host, port: int) -> Flow:
    """The first minute of a long conversation: only its SYN has been seen."""
    return Flow(
        int(at),
        int(at) + 59,
        host,
        host.address,
        database.address,
        port,
        5432,
        packets=4,
        bytes=260,
        flags=SYN,
        path=SAME_VPC,
    )
