"""Who reads and writes the company's buckets, the attacker included.

Server access logs tell of all these requests, CloudTrail of those to audited buckets, with the
same request ids, addresses and sizes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lake.demo import story
from lake.demo.chance import MACHINES, OFFICE, VISITORS, hex_id, moments, stream
from lake.demo.storage import BOTO, StorageRequest, make_request
from lake.demo.web import visitors
from lake.demo.world import (
    ASSETS,
    BUILDS,
    DEPLOYER,
    DEPOT,
    EXPORTS,
    MANIFESTS,
    MARIA,
    SHOP_EU,
    SHOP_US,
    hosts_of,
)

if TYPE_CHECKING:
    import random


@lru_cache(maxsize=4)
def storage_requests(seed: int) -> tuple[StorageRequest, ...]:
    """Every request of the three days, in order of time."""
    rng = stream(seed, "storage")
    found = _assets(rng, seed) + _exports(rng) + _builds(rng) + _manifests(rng) + _theft(rng)
    return tuple(sorted(found, key=lambda request: request.at))


def _assets(rng: random.Random, seed: int) -> list[StorageRequest]:
    """The CDN fetching what it has not cached, visitors at the bucket itself, and lifecycle."""
    found = []
    for at in moments(rng, 1500, VISITORS, utc_offset=-1):
        key = f"images/tent-{rng.randrange(100, 160)}.webp"
        found.append(
            make_request(
                rng,
                at,
                ASSETS,
                "REST.GET.OBJECT",
                key,
                "svc:cloudfront",
                f"52.94.7.{rng.randrange(1, 250)}",
                "Amazon CloudFront",
                rng.randrange(20000, 180000),
            )
        )
    for at in moments(rng, 160, VISITORS, utc_offset=-1):
        visitor = rng.choice(visitors(seed))
        found.append(
            make_request(
                rng,
                at,
                ASSETS,
                "REST.GET.OBJECT",
                rng.choice(("private/prices.csv", "images/hero.webp")),
                "",
                visitor.address,
                visitor.agent,
                0,
                403,
                "AccessDenied",
            )
        )
    for at in moments(rng, 60, MACHINES):
        found.append(
            make_request(
                rng,
                at,
                ASSETS,
                "S3.EXPIRE.OBJECT",
                f"previews/{hex_id(rng, 10)}.webp",
                "svc:s3",
                "",
                "-",
                rng.randrange(4000, 9000),
                0,
            )
        )
    return found


def _exports(rng: random.Random) -> list[StorageRequest]:
    """The nightly export, its readers, and a few mistakes."""
    hosts = hosts_of(SHOP_US, "app")
    found = []
    for at in moments(rng, 900, MACHINES):
        key = export_key(rng.randrange(400))
        write = rng.random() < 0.3
        missing = not write and rng.random() < 0.04
        found.append(
            make_request(
                rng,
                at,
                EXPORTS,
                "REST.PUT.OBJECT" if write else "REST.GET.OBJECT",
                key,
                "role:halden-export",
                rng.choice(hosts).address,
                BOTO,
                rng.randrange(200_000, 4_000_000),
                404 if missing else 200,
                "NoSuchKey" if missing else "",
            )
        )
    for at in moments(rng, 40, OFFICE, utc_offset=1):
        found.append(
            make_request(
                rng,
                at,
                EXPORTS,
                "REST.GET.BUCKET",
                "",
                f"user:{MARIA.name}",
                MARIA.address,
                "S3Console/0.4, aws-internal/3",
                5200,
            )
        )
    return found


def _builds(rng: random.Random) -> list[StorageRequest]:
    """The build machine and the web servers that fetch what it built; S3 slows some down."""
    found = []
    for at in moments(rng, 520, OFFICE, utc_offset=1):
        key = f"releases/{rng.randrange(2100, 2140)}/shop-{hex_id(rng, 7)}.tar.zst"
        found.append(
            make_request(
                rng,
                at,
                BUILDS,
                rng.choice(
                    ("REST.PUT.OBJECT", "REST.HEAD.OBJECT", "REST.GET.BUCKET", "REST.PUT.PART")
                ),
                key,
                f"user:{DEPLOYER.name}",
                DEPLOYER.address,
                DEPLOYER.agent,
                rng.randrange(800_000, 9_000_000),
            )
        )
    hosts = hosts_of(SHOP_EU, "web") + hosts_of(SHOP_US, "web")
    for at in moments(rng, 600, OFFICE, utc_offset=1):
        slow = rng.random() < 0.05
        broken = not slow and rng.random() < 0.01
        status = 503 if slow else 500 if broken else 200
        error = "SlowDown" if slow else "InternalError" if broken else ""
        found.append(
            make_request(
                rng,
                at,
                BUILDS,
                "REST.GET.OBJECT",
                f"releases/{rng.randrange(2100, 2140)}/manifest.json",
                "role:halden-web",
                rng.choice(hosts).address,
                BOTO,
                rng.randrange(900, 40000),
                status,
                error,
            )
        )
    return found


def _manifests(rng: random.Random) -> list[StorageRequest]:
    hosts = hosts_of(DEPOT, "app")
    found = []
    for at in moments(rng, 620, OFFICE, utc_offset=9):
        operation = rng.choice(
            ("REST.PUT.OBJECT", "REST.GET.OBJECT", "REST.GET.OBJECT", "REST.DELETE.OBJECT")
        )
        found.append(
            make_request(
                rng,
                at,
                MANIFESTS,
                operation,
                f"depot/{rng.randrange(1, 9)}/{hex_id(rng, 8)}.json",
                "role:halden-depot",
                rng.choice(hosts).address,
                BOTO,
                rng.randrange(800, 60000),
            )
        )
    return found


_COMMANDS = {"REST.GET.OBJECT": "get-object", "REST.GET.BUCKET": "list-objects-v2"}
"""Operation -> the command that the thief types."""


def _theft(rng: random.Random) -> list[StorageRequest]:
    """Refused at first, then everything: 260 exports in half an hour to one foreign address."""

    def ask(
        at: float, kind: str, key: str, size: int, status: int = 200, error: str = ""
    ) -> StorageRequest:
        caller, command = f"user:{story.STORY.stolen_user}", _COMMANDS[kind]
        agent = f"{story.ATTACKER_CLI}s3api.{command}"
        return make_request(
            rng, at, EXPORTS, kind, key, caller, story.ATTACKER, agent, size, status, error
        )

    get = "REST.GET.OBJECT"
    found = [
        ask(story.FIRST_CALL + 240 + 3.5 * n, get, export_key(n), 0, 403, "AccessDenied")
        for n in range(14)
    ]
    found.append(ask(story.EXFILTRATION - 40, "REST.GET.BUCKET", "", 187_400))
    step = (story.EXFILTRATION_END - story.EXFILTRATION) / 260
    for number in range(260):
        at = round(story.EXFILTRATION + number * step + rng.uniform(0, step), 6)
        found.append(ask(at, get, export_key(number), rng.randrange(20_000_000, 120_000_000)))
    return found


def export_key(number: int) -> str:
    return f"customers/2025/{number % 12 + 1:02d}/export-{number:04d}.csv.gz"
