"""VPC flow logs of the default format, version 2.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.made.chance import addresses, hosts, moments, numbers, skewed, weighted

if TYPE_CHECKING:
    from bench.made.chance import Stream
    from bench.made.place import Place

HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)
PROTOCOLS = {6: 85.0, 17: 13.0, 1: 2.0}
PORTS = {443: 55.0, 80: 15.0, 53: 12.0, 22: 8.0, 3306: 5.0, 3389: 5.0}
ACTIONS = {"ACCEPT": 85.0, "REJECT": 15.0}
INSIDE, OUTSIDE = 800, 200_000
"""Interfaces of our own, and addresses that they talk with."""
QUIET = 0.003
"""The part of intervals in which an interface had no traffic."""


def flows(rng: Stream, place: Place, count: int) -> list[str]:
    """Lines: four of five flows are with the world, half of them came in."""
    own = skewed(rng, hosts(place.seed, "vpcflow", INSIDE), count)
    outside = skewed(rng, addresses(place.seed, "vpcflow", OUTSIDE), count)
    neighbours = skewed(rng, hosts(place.seed, "vpcflow", INSIDE)[::-1], count)
    within = rng.random(count) < 0.2
    packets = (rng.pareto(1.2, count) * 4 + 1).astype(np.int64).clip(1, 2_000_000)
    sizes = (packets * rng.integers(40, 1_460, count)).tolist()
    columns = zip(
        *(own, outside, neighbours, within.tolist(), (rng.random(count) < 0.5).tolist()),
        *((rng.random(count) < QUIET).tolist(), numbers(rng, 1_024, 65_535, count)),
        *(weighted(rng, PORTS, count), weighted(rng, PROTOCOLS, count)),
        *(packets.tolist(), sizes, moments(rng, place.begin, place.seconds, count)),
        *(numbers(rng, 10, 60, count), weighted(rng, ACTIONS, count)),
        strict=True,
    )
    lines = []
    head = f"2 {place.account}"
    for (here, interface), far, (near, _), local, inward, quiet, high, low, *counts in columns:
        protocol, packet, size, end, length, action = counts
        stop = int(end)
        if quiet:
            lines.append(f"{head} {interface} - - - - - - - {stop - length} {stop} - NODATA")
            continue
        there = near if local else far
        ends = f"{there} {here} {high} {low}" if inward else f"{here} {there} {high} {low}"
        lines.append(
            f"{head} {interface} {ends} {protocol} {packet} {size} {stop - length} {stop} "
            f"{action} OK"
        )
    return lines
