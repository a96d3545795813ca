"""What an object's key says beside its source: account, region and day, as AWS lays keys out.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
and its like for other services; Hive-style keys (`aws-account-id=`, `region=`, `year=`) too. A key
is attacker-controlled text: only what has the right shape is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_ACCOUNT = (
    re.compile(r"(?:^|/)(?:aws-account-id=|account[Ii]d=)?(\d{12})(?=/)"),
    re.compile(r"(?:^|[/_.])(\d{12})_[A-Za-z]"),
)
_REGION_WORD = r"(?:[a-z]{2,6}(?:-[a-z]{2,9}){1,3}-\d{1,2}[a-z]?)"
_REGION = (
    re.compile(rf"(?:^|/)(?:aws-region=|region=)?({_REGION_WORD})(?=/)"),
    re.compile(rf"_({_REGION_WORD})_"),
)
_DAY = (
    re.compile(r"/(\d{4})/(\d{1,2})/(\d{1,2})(?=/)"),
    re.compile(r"/year=(\d{4})/month=(\d{1,2})/day=(\d{1,2})(?=/)"),
    re.compile(r"[_.-](\d{4})-?(\d{2})-?(\d{2})(?:T\d{4}Z|-\d{2}[.-]|\d{4}_)"),
    re.compile(r"(?:^|/)(\d{4})-(\d{2})-(\d{2})-\d{2}-\d{2}-\d{2}"),
)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Account (twelve digits), region and day that a key names; None where it does not."""

    account: str | None
    region: str | None
    day: date | None


def key_facts(key: str) -> KeyFacts:
    """Read a key such as `AWSLogs/123456789012/CloudTrail/us-east-1/2024/02/01/...`."""
    return KeyFacts(_first(_ACCOUNT, key), _first(_REGION, key), _day(key))


def _first(patterns: tuple[re.Pattern[str], ...], key: str) -> str | None:
    for pattern in patterns:
        match = pattern.search(key)
        if match:
            return match.group(1)
    return None


def _day(key: str) -> date | None:
    for pattern in _DAY:
        match = pattern.search(key)
        if match:
            try:
                return date(*(int(part) for part in match.groups()))
            except ValueError:
                continue
    return None
