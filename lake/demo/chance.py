"""Seeded chance: streams of random numbers, made-up identifiers, times with a daily rhythm.

Every module draws from a stream of its own, so a change in one source leaves the bytes of the
others as they were. Nothing here reads a clock. Times are seconds since 1970, UTC.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

START = int(datetime(2025, 3, 10, tzinfo=UTC).timestamp())  # a Monday
DAYS = 3
END = START + DAYS * 86400

# Share of a day's traffic by local hour: shops are visited in the evening, offices work by day.
VISITORS = (3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 11, 10, 10, 10, 10, 11, 12, 13, 13, 11, 8, 5)
OFFICE = (0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 11, 7, 10, 12, 11, 9, 6, 3, 1, 1, 0, 0, 0)
MACHINES = (9, 9, 9, 9, 9, 9, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 10, 9, 9, 9)

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
URLSAFE = BASE64 + "-_"
LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"


def stream(seed: int, name: str) -> random.Random:
    """A stream of random numbers of its own for `name`."""
    return random.Random(f"siem-lake demo {seed} {name}")


def fixed_hex(name: str, digits: int) -> str:
    """Hexadecimal digits that belong to `name` whatever the seed: ids of the made world."""
    return hashlib.sha256(name.encode()).hexdigest()[:digits]


def fixed_id(prefix: str, name: str, length: int = 16) -> str:
    """An upper-case id such as an access key's, the same for `name` whatever the seed."""
    digest = hashlib.sha256(f"{prefix} {name}".encode()).digest()
    return prefix + "".join(BASE32[byte % 32] for byte in digest[:length])


def hex_id(rng: random.Random, digits: int) -> str:
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def text_id(rng: random.Random, length: int, alphabet: str) -> str:
    return "".join(rng.choices(alphabet, k=length))


def uuid(rng: random.Random) -> str:
    """A random identifier in the form of a version 4 UUID."""
    digits = hex_id(rng, 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def moments(
    rng: random.Random,
    count: int,
    hours: Sequence[int] = MACHINES,
    utc_offset: int = 0,
    since: float = START,
    until: float = END,
) -> list[float]:
    """`count` times in order, spread as `hours` says for the local hours of `utc_offset`."""
    slots = range(int(since) // 3600, (int(until) + 3599) // 3600)
    weights = list(accumulate(hours[(slot + utc_offset) % 24] for slot in slots))
    times = []
    for slot in rng.choices(slots, cum_weights=weights, k=count):
        at = slot * 3600 + rng.random() * 3600
        times.append(round(min(max(at, since), until - 1), 6))
    return sorted(times)


def pick(rng: random.Random, weighted: Sequence[tuple[int, T]]) -> T:
    """One of the values of (weight, value) pairs."""
    return rng.choices([v for _, v in weighted], [w for w, _ in weighted])[0]


def moment(day: int, hour: int, minute: int, second: int = 0) -> int:
    """A time of the demo: `day` counts from 1."""
    return START + (day - 1) * 86400 + hour * 3600 + minute * 60 + second


def at_utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def iso(at: float) -> str:
    """2025-03-11T02:03:04Z"""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milli(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_micro(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def written(at: float) -> str:
    """A time as IAM and STS write it in their answers: Mar 11, 2025, 2:24:31 AM."""
    time = at_utc(at)
    return f"{time:%b} {time.day}, {time.year}, {time.hour % 12 or 12}:{time:%M:%S %p}"
