"""What an object's key says beside its source and its day (`lake.objects.days`): account and
region, as AWS lays keys out.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
and its like for other services; Hive-style keys (`aws-account-id=`, `region=`, `year=`) too. A key
is attacker-controlled text: only what has the right shape is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# the first of each looks at folders alone
_ACCOUNT = (
    re.compile(r"(?:^|/)(?:aws-account-id=|account[Ii]d=)?([0-9]{12})(?=/)"),
    re.compile(r"(?:^|[/_.])([0-9]{12})_[A-Za-z]"),
)
_REGION_WORD = r"(?:[a-z]{2,6}(?:-[a-z]{2,9}){1,3}-[0-9]{1,2}[a-z]?)"
_REGION = (
    re.compile(rf"(?:^|/)(?:aws-region=|region=)?({_REGION_WORD})(?=/)"),
    re.compile(rf"_({_REGION_WORD})_"),
)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Account (twelve digits) and region that a key names; None where it does not."""

    account: str | None
    region: str | None


def key_facts(key: str) -> KeyFacts:
    """Read a key such as `AWSLogs/123456789012/CloudTrail/us-east-1/2024/02/01/...`."""
    folder, slash, _ = key.rpartition("/")
    return _of_folder(folder + slash) or KeyFacts(_first(_ACCOUNT, key), _first(_REGION, key))


@lru_cache(256)
def _of_folder(folder: str) -> KeyFacts | None:
    """What the folders of a key say, where they say both: a folder has many objects."""
    account, region = _first(_ACCOUNT[:1], folder), _first(_REGION[:1], folder)
    return KeyFacts(account, region) if account and region else None


def _first(patterns: tuple[re.Pattern[str], ...], key: str) -> str | None:
    for pattern in patterns:
        match = pattern.search(key)
        if match:
            return match.group(1)
    return None
