"""Which days a key is for. AWS writes the day into the keys of most logs, as folders
(`2024/02/01/`, `year=2024/month=02/day=01/`, `eventDay=20240201/`) or in the name
(`_20240201T1000Z_`, `.2024-02-01-10.`); `--since` and `--until` choose objects by it. A key without
a day is always taken, and rows are never filtered here."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_YEAR = r"(?:year=|y=)?((?:19|20)\d\d)"
_MONTH = r"(?:month=|m=)?(0?[1-9]|1[0-2])"
_DAY = r"(?:day=|d=)?(0?[1-9]|[12]\d|3[01])"
_ONE = r"(?:eventDay|date|dt|day)=(\d{4})-?(\d\d)-?(\d\d)"

# Only directly above the name, with hours and minutes between at most: a case kept in
# cases/2024/03/15/evidence/ says when the case was opened, not what is in it.
_FOLDERS = re.compile(
    rf"(?:^|/)(?:{_YEAR}/{_MONTH}/{_DAY}|{_ONE})(?:/(?:hour=|h=)?\d\d(?:/(?:minute=)?\d\d)?)?/[^/]*$"
)
_PREFIX = re.compile(rf"(?:^|/)(?:{_YEAR}(?:/{_MONTH}(?:/{_DAY})?)?|{_ONE})/$")

_NAMES = (
    # CloudTrail, flow logs, load balancers, WAF, Resolver, Config: _20240201T1000Z_, T100000Z
    re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)T\d{4}(?:\d\d)?Z"),
    # CloudFront E123.2024-02-01-10.x.gz, S3 access 2024-02-01-10-00-00-X, Firehose -1-2024-02-01-..
    re.compile(r"(?<![\d])(20\d\d)-(\d\d)-(\d\d)-\d\d(?!\d)"),
    # Network Firewall _202402011000_
    re.compile(r"_(20\d\d)(\d\d)(\d\d)\d{4}_"),
)


@dataclass(frozen=True, slots=True)
class Days:
    """The days asked for: both ends included, UTC, None = open.

    A log is delivered after what it tells, so a key may be one day past `until`.
    """

    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until {self.until} lies before since {self.since}")

    @property
    def all(self) -> bool:
        """Whether no day was chosen, so that all are wanted."""
        return self.since is None and self.until is None

    def touches(self, first: date, last: date) -> bool:
        """Whether keys of the days from `first` to `last` may be asked for."""
        if self.since is not None and last < self.since:
            return False
        return self.until is None or first - timedelta(days=1) <= self.until

    def covers(self, first: date, last: date) -> bool:
        """Whether every key of these days is asked for."""
        if self.since is not None and first < self.since:
            return False
        return self.until is None or last - timedelta(days=1) <= self.until

    def takes(self, key: str) -> bool:
        """False only where the key carries a day and no day that it carries is asked for."""
        if self.all:
            return True
        span = key_days(key)
        return span is None or self.touches(*span)

    def too_old(self, modified: datetime) -> bool:
        """An object cannot tell of what came after it was last written."""
        return self.since is not None and modified.astimezone(UTC).date() < self.since


def key_days(key: str) -> tuple[date, date] | None:
    """The first and the last day that a key carries, in its folders and in its name."""
    found = [
        _date(*match) for pattern in _NAMES for match in pattern.findall(key.rpartition("/")[2])
    ]
    if folders := _FOLDERS.search(key):
        found.append(_date(*(part for part in folders.groups() if part)))
    days = [day for day in found if day is not None]
    return (min(days), max(days)) if days else None


def prefix_days(prefix: str) -> tuple[date, date] | None:
    """The days below a prefix that ends in a year, a month or a day folder.

    >>> prefix_days("AWSLogs/111122223333/CloudTrail/eu-west-1/2024/02/")
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    match = _PREFIX.search(prefix)
    if match is None:
        return None
    parts = [int(part) for part in match.groups() if part]
    if len(parts) == 3:
        day = _date(*match.groups()[:3]) if match[1] else _date(*match.groups()[3:])
        return (day, day) if day else None
    if len(parts) == 2:
        year, month = parts
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return date(parts[0], 1, 1), date(parts[0], 12, 31)


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
