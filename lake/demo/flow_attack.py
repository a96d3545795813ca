"""The parts of the attack that are packets: the port scan, the shell on the bastion, and what the
bastion sends home afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.demo import story
from lake.demo.chance import END, START, moments, stream
from lake.demo.flow import INTERNET, RST, SYN, Flow, conversation, refused
from lake.demo.world import SHOP_EU, SHOP_US, hosts_of

if TYPE_CHECKING:
    import random


def attack_flows(seed: int) -> list[Flow]:
    """The attacker's records and those of the machine they took, in no order."""
    rng = stream(seed, "flows of the attack")
    return _scan(rng) + _shell(rng) + _calls_home(rng, seed)


def _scan(rng: random.Random) -> list[Flow]:
    """The port scan of the first evening, over every public address of the shop."""
    flows: list[Flow] = []
    at = float(story.SCAN)
    for vpc in (SHOP_US, SHOP_EU):
        for host in (host for host in hosts_of(vpc) if host.public):
            for port in rng.sample(story.SCANNED_PORTS, len(story.SCANNED_PORTS)):
                at += rng.uniform(0.4, 1.9)
                if port == 443 and host.role in ("alb", "nlb"):
                    flows += [
                        Flow(
                            int(at),
                            int(at) + 2,
                            host,
                            story.ATTACKER,
                            host.address,
                            rng.randrange(32768, 61000),
                            443,
                            packets=3,
                            bytes=132,
                            flags=SYN | RST,
                        )
                    ]
                else:
                    flows.append(refused(rng, at, host, story.ATTACKER, host.address, port))
    return flows


def _shell(rng: random.Random) -> list[Flow]:
    """SSH to the bastion: refused before the security group was opened, let in after."""
    host = story.TAKEN
    flows = [
        refused(rng, story.OPEN_PORT - 900 + 60 * n, host, story.ATTACKER, host.address, 22)
        for n in range(12)
    ]
    for minute in range(0, 64, 2):
        flows += conversation(
            rng,
            story.SHELL + 60 * minute,
            host,
            story.ATTACKER,
            host.address,
            51822,
            22,
            rng.randrange(4000, 30000),
            rng.randrange(9000, 80000),
            INTERNET,
        )
    for day in (2, 3):  # they come back after the doors were shut
        for at in moments(
            rng, 40, since=START + (day - 1) * 86400 + 9 * 3600, until=min(END, START + day * 86400)
        ):
            flows.append(refused(rng, at, host, story.ATTACKER, host.address, 22))
    return flows


def _calls_home(rng: random.Random, seed: int) -> list[Flow]:
    """What the taken machine sends to the address of the bad domain; at first, a great deal."""
    host = story.TAKEN
    flows: list[Flow] = []
    for at in story.beacons(stream(seed, "beacons")):
        if at >= story.DNS_BLOCKED:  # the name is no longer answered; the old address still is
            flows.append(
                Flow(
                    int(at) + 1,
                    int(at) + 61,
                    host,
                    host.address,
                    story.STORY.bad_domain_address,
                    rng.randrange(32768, 61000),
                    443,
                    packets=3,
                    bytes=180,
                    accepted=False,
                    flags=SYN,
                )
            )
            continue
        heavy = story.EXFILTRATION <= at <= story.EXFILTRATION_END
        sent = rng.randrange(180_000_000, 420_000_000) if heavy else rng.randrange(2200, 5200)
        flows += conversation(
            rng,
            at + 1,
            host,
            host.address,
            story.STORY.bad_domain_address,
            rng.randrange(32768, 61000),
            443,
            sent,
            rng.randrange(1500, 9000),
            INTERNET,
        )
    return flows
