"""What the networks of the company carry: the shop's visitors, its own machines, the noise of the
Internet, and the parts of the attack that are packets.

Visitors' conversations are taken from the shop's requests, so that a client's address and port in
the load balancer's log are found here too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

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


def _inner(rng: random.Random, vpc: Vpc, count: int) -> list[Flow]:
    """The machines among themselves and towards AWS, the offices and the other networks."""
    first = str(vpc.cidr.network_address).rsplit(".", 2)[0]
    away = {SHOP_US.id: "10.20.20.111", SHOP_EU.id: "10.10.20.111", DEPOT.id: "10.10.21.112"}
    web, app = hosts_of(vpc, "web"), hosts_of(vpc, "app")
    database, nat = hosts_of(vpc, "database")[0], hosts_of(vpc, "nat")[0]
    bastion = hosts_of(vpc, "bastion")[0]
    flows: list[Flow] = []
    for at in moments(rng, count, MACHINES):
        kind, port = rng.random(), rng.randrange(32768, 61000)
        server = rng.choice(app)
        if kind < 0.3:
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                database.address,
                port,
                5432,
                rng.randrange(2000, 60000),
                rng.randrange(8000, 900000),
                SAME_VPC,
            )
        elif kind < 0.5:
            host = rng.choice(web)
            flows += conversation(
                rng,
                at,
                host,
                host.address,
                server.address,
                port,
                9000,
                rng.randrange(1000, 20000),
                rng.randrange(2000, 80000),
                SAME_VPC,
            )
        elif kind < 0.68:
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                rng.choice(S3_ADDRESSES),
                port,
                443,
                rng.randrange(2000, 90000),
                rng.randrange(5000, 2000000),
                ENDPOINT,
                service="S3",
            )
        elif kind < 0.78:
            flows += _through_nat(rng, at, nat, server, port)
        elif kind < 0.84:
            path = FAR_PEERING if vpc is not SHOP_EU or rng.random() < 0.5 else PEERING
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                away[vpc.id],
                port,
                9000,
                rng.randrange(900, 9000),
                rng.randrange(900, 30000),
                path,
            )
        elif kind < 0.88:
            host = rng.choice(web)
            flows += conversation(
                rng,
                at,
                host,
                host.address,
                f"{first}.40.9",
                port,
                8125,
                400,
                90,
                PEERING,
                protocol=17,
            )
        elif kind < 0.93:
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                "192.168.40.12",
                port,
                636,
                rng.randrange(700, 4000),
                rng.randrange(900, 8000),
                VPN,
            )
        elif kind < 0.95:
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                "10.99.3.20",
                port,
                2049,
                rng.randrange(900, 40000),
                rng.randrange(900, 90000),
                LOCAL,
            )
        elif kind < 0.97:
            flows.append(_opening(at, server, database, port))
        else:
            flows += conversation(
                rng,
                at,
                server,
                server.address,
                "52.94.12.7",
                port,
                443,
                rng.randrange(900, 9000),
                rng.randrange(2000, 30000),
                INTERNET_OR_GATEWAY,
                service="DYNAMODB",
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
