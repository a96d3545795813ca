"""What knocks on every public address all day, and the minutes in which nothing was to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo import story
from lake.demo.chance import DAYS, START, hex_id, moments
from lake.demo.flow import INTERNET, Flow, conversation, refused
from lake.demo.places import SCANNERS
from lake.demo.world import hosts_of

if TYPE_CHECKING:
    import random

    from lake.demo.world import Vpc

_NOISE_PORTS = (23, 23, 23, 2323, 445, 445, 3389, 3389, 22, 22, 8080, 5900, 6379, 1433, 5555, 8545)


def noise(rng: random.Random, vpc: Vpc, count: int) -> list[Flow]:
    """What knocks on every public address all day, and is not let in."""
    flows: list[Flow] = []
    public = [host for host in hosts_of(vpc) if host.public]
    for at in moments(rng, count):
        host = rng.choice(public)
        source = SCANNERS.address(rng.randrange(256, 65000))
        if rng.random() < 0.35:
            source = rng.choice(story.STORY.scanner_addresses)
        protocol = 17 if rng.random() < 0.12 else 6
        port = (
            rng.choice((53, 123, 161, 1900, 5060)) if protocol == 17 else rng.choice(_NOISE_PORTS)
        )
        target = host.address
        if host.public6 and rng.random() < 0.25:
            source, target = f"3ffe:2800:bad::{hex_id(rng, 4)}", host.public6
        flows.append(refused(rng, at, host, source, target, port, protocol))
    for at in moments(rng, count // 12):  # pings are let in
        host = rng.choice(public)
        flows += conversation(
            rng,
            at,
            host,
            rng.choice(story.STORY.scanner_addresses),
            host.address,
            0,
            0,
            84,
            84,
            INTERNET,
            protocol=1,
        )
    return flows


def silence(rng: random.Random, vpc: Vpc) -> list[Flow]:
    """Minutes in which an interface had no traffic, and a few that the service skipped."""
    host = hosts_of(vpc, "bastion")[0]
    return [
        Flow(start, start + 60, host, log_status="SKIPDATA" if rng.random() < 0.05 else "NODATA")
        for start in (START + rng.randrange(DAYS * 86400 - 60) for _ in range(80))
    ]
