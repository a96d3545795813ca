"""The kinds of logs that are measured, as a table: what their objects are called, how they are
made, and how their records stand in an object. Each is called after the lake's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.made import balancer, firewall, flows, trail

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.made.chance import Stream
    from bench.made.place import Place


@dataclass(frozen=True, slots=True)
class Kind:
    """`records` of a full run. `folder` stands in the key of every object of the kind, and tells
    it; `key` is a format of account, region, day (2025/03/10), hour, stamp (20250310T0255Z) and
    name (16 hexadecimal digits). `head`, `between` and `tail` are the text around the records."""

    name: str
    records: int
    make: Callable[[Stream, Place, int], list[str]]
    folder: str
    key: str
    json: bool
    head: str = ""
    between: str = "\n"
    tail: str = "\n"

    @property
    def listed(self) -> bool:
        """Whether an object is one JSON document with a list of records, not lines."""
        return self.between == ","


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "cloudtrail",
            100_000,
            trail.events,
            "/CloudTrail/",
            "AWSLogs/{account}/CloudTrail/{region}/{day}/"
            "{account}_CloudTrail_{region}_{stamp}_{name}.json.gz",
            json=True,
            head='{"Records":[',
            between=",",
            tail="]}",
        ),
        Kind(
            "vpcflow",
            1_000_000,
            flows.flows,
            "/vpcflowlogs/",
            "AWSLogs/{account}/vpcflowlogs/{region}/{day}/"
            "{account}_vpcflowlogs_{region}_fl-0be2c41a7d3f5e690_{stamp}_{name:.8}.log.gz",
            json=False,
            head=f"{flows.HEADER}\n",
        ),
        Kind(
            "alb",
            300_000,
            balancer.requests,
            "/elasticloadbalancing/",
            "AWSLogs/{account}/elasticloadbalancing/{region}/{day}/"
            "{account}_elasticloadbalancing_{region}_app.bench.50dc6c495c0c9188_{stamp}_10.0.0.4_"
            "{name:.8}.log.gz",
            json=False,
        ),
        Kind(
            "waf",
            200_000,
            firewall.inspections,
            "/WAFLogs/",
            "AWSLogs/{account}/WAFLogs/{region}/bench/{day}/{hour}/00/"
            "{account}_waflogs_{region}_bench_{stamp}_{name:.8}.log.gz",
            json=True,
        ),
    )
}
