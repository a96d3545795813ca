"""A folder of made logs: how records are shared out over objects, accounts, regions and days.

Objects of one stretch of time stand under each account and region in turn, so that every account
and region has logs of the whole time.
"""

from __future__ import annotations

import gzip
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import TYPE_CHECKING

from bench.kinds import KINDS
from bench.made.chance import stream
from bench.made.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    from bench.kinds import Kind

BEGIN = datetime(2025, 3, 10, tzinfo=UTC).timestamp()
DAY = 86_400
REGIONS = ("us-east-1", "eu-central-1", "us-west-2", "ap-northeast-1")
LEVEL = 6
"""Of gzip: zlib's default."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Objects of each kind, and what they spread over; the seed of everything that is made."""

    objects: int = 50
    days: int = 5
    accounts: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        if min(self.objects, self.days, self.accounts) < 1:
            raise ValueError("objects, days and accounts are at least 1")

    def place(self, number: int) -> Place:
        """Where and when an object's records are from."""
        slot, turn = divmod(number, self.accounts * len(REGIONS))
        slots = -(-self.objects // (self.accounts * len(REGIONS)))
        seconds = self.days * DAY / slots
        return Place(
            self.seed,
            f"{111_111_111_111 + turn % self.accounts * 1_010_101_010:012d}",
            REGIONS[turn // self.accounts],
            BEGIN + slot * seconds,
            seconds,
        )

    def share(self, records: int, number: int) -> int:
        """How many of the records one object holds."""
        return records // self.objects + (number < records % self.objects)


def object_key(kind: Kind, place: Place, number: int) -> str:
    """The S3 key: of the day of its records, under the time at which they end."""
    begin = datetime.fromtimestamp(place.begin, UTC)
    end = datetime.fromtimestamp(place.begin + place.seconds - 1, UTC)
    return kind.key.format(
        account=place.account,
        region=place.region,
        day=f"{begin:%Y/%m/%d}",
        hour=f"{begin:%H}",
        stamp=f"{end:%Y%m%dT%H%MZ}",
        name=f"{number:08x}{number:08x}",
    )


def object_text(kind: Kind, place: Place, number: int, count: int) -> str:
    """What one object holds, unpacked."""
    records = kind.make(stream(place.seed, kind.name, number), place, count)
    return kind.head + kind.between.join(records) + kind.tail


def write_objects(folder: Path, kind: Kind, records: int, layout: Layout, numbers: range) -> None:
    """Write the objects of these numbers below a folder; objects without records are left out."""
    for number in numbers:
        count = layout.share(records, number)
        if not count:
            continue
        place = layout.place(number)
        path = folder / object_key(kind, place, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = object_text(kind, place, number, count)
        path.write_bytes(gzip.compress(text.encode(), LEVEL, mtime=0))


def write_logs(folder: Path, records: dict[str, int], layout: Layout, jobs: int) -> None:
    """Write so many records of each kind, with so many processes."""
    step = max(layout.objects // (jobs * 8), 1)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        started = [
            pool.submit(write_objects, folder, KINDS[name], count, layout, numbers)
            for name, count in records.items()
            for first in range(0, layout.objects, step)
            if (numbers := range(first, min(first + step, layout.objects)))
        ]
        for one in started:
            one.result()
