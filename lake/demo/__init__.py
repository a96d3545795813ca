"""`lake demo`: three invented days of a company's AWS logs, with an attack in them.

The logs are made as S3 would hold them, with the keys AWS gives them, together with GeoIP
databases that know their addresses. The same seed gives the same bytes. What happens is decided
by the modules of this package, `story` first; this one collects and writes.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.demo.alb import alb_objects
from lake.demo.cloudfront import cloudfront_objects, realtime_objects
from lake.demo.dns import dns_objects
from lake.demo.feeds import clb_objects, nlb_objects
from lake.demo.flow import flow_objects
from lake.demo.flow_traffic import all_flows
from lake.demo.geoip import write_geoip
from lake.demo.guardduty import guardduty_objects
from lake.demo.s3access import s3access_objects
from lake.demo.trail import insight_objects, trail_objects
from lake.demo.transit import transit_objects
from lake.demo.waf import waf_objects
from lake.demo.world import ACCOUNTS
from lake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lake.demo.objects import DemoObject

__all__ = ["DemoSummary", "demo_objects", "write_demo"]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was written: the objects below `logs`, GeoIP databases, and `records` by table.

    `set_aside` counts the objects among `objects` that hold no events (digests, a test file).
    """

    logs: Path
    geoip_city: Path
    geoip_asn: Path
    accounts: Path
    objects: int
    set_aside: int
    records: Mapping[str, int]

    @property
    def total(self) -> int:
        """All records together."""
        return sum(self.records.values())


def demo_objects(seed: int = 7) -> Iterator[DemoObject]:
    """Every object of the demo, the same for the same seed."""
    yield from trail_objects(seed)
    yield from insight_objects(seed)
    yield from flow_objects(seed, all_flows(seed))
    yield from transit_objects(seed)
    yield from guardduty_objects(seed)
    yield from waf_objects(seed)
    yield from alb_objects(seed)
    yield from nlb_objects(seed)
    yield from clb_objects(seed)
    yield from cloudfront_objects(seed)
    yield from realtime_objects(seed)
    yield from s3access_objects(seed)
    yield from dns_objects(seed)


def write_demo(directory: Path, seed: int = 7) -> DemoSummary:
    """Write the demo below `directory`: `logs/` with the objects, `geoip/` with the databases, and
    `accounts.json` with the names of the accounts, as `aws organizations list-accounts` prints it.

    The same call again writes the same files. Raises UsageError where `logs/` already holds
    something else: another seed's objects, or logs that are somebody's own.
    """
    logs = directory / "logs"
    made = {item.key: item for item in demo_objects(seed)}
    if logs.exists():
        for path in logs.rglob("*"):
            if path.is_file() and path.relative_to(logs).as_posix() not in made:
                raise UsageError(
                    f"{logs} holds other files ({path.name}); name a folder that is new or empty."
                )
    records: Counter[str] = Counter()
    for key, item in made.items():
        path = logs / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.body)
        if item.source:
            records[item.source] += item.records
    city, asn = write_geoip(directory / "geoip")
    names = {"Accounts": [{"Id": one.id, "Name": one.name} for one in ACCOUNTS]}
    accounts = directory / "accounts.json"
    accounts.write_text(json.dumps(names, indent=4) + "\n")
    return DemoSummary(
        logs,
        city,
        asn,
        accounts,
        objects=len(made),
        set_aside=sum(item.source is None for item in made.values()),
        records=dict(sorted(records.items())),
    )
