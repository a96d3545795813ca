"""Objects -> batches, each of which one worker reads: whole objects that their keys say belong
together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.objects.days import key_days
from lake.objects.keys import key_facts
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.model import Location, RawObject

BATCH_BYTES = 16 << 20
"""Stored bytes of a batch; about 200 MB of text."""
BATCH_OBJECTS = 4_000
"""Each is remembered until the batch ends: 100,000 small ones take 0.94 GB, 1.06 with 5,000."""
GROUP_BYTES = 2 << 20
"""A batch this large ends where its group of keys ends."""

LAST = "~"
"""Sorts behind every source's name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that are read together, with the location that opens each."""

    number: int
    objects: tuple[tuple[Location, RawObject], ...]


def batches(work: list[tuple[Location, RawObject]], jobs: int) -> Iterator[Batch]:
    """Batches of whole objects whose keys name the same source, day and account, so that a batch
    writes few, large files. Small groups share a batch. Regions come last, since one object may
    hold events of several and hardly ever of several days; days first, since all batches of a day
    ask for its identities (`lake.store.known.HELD`). Objects whose key tells no source come after
    all others: of two copies, the row is then of the one whose key tells account and region."""

    def group(entry: tuple[Location, RawObject]) -> tuple[str, ...]:
        key = entry[1].key
        facts, days = key_facts(key), key_days(key)
        found = catalogue().by_key(key)
        return (
            found[0].name if found else LAST,
            str(days[0]) if days else "",
            facts.account or "",
            facts.region or "",
            key,
        )

    ordered = sorted(((group(entry), entry) for entry in work), key=lambda pair: pair[0])
    total = sum(obj.size for _, obj in work)
    limit = min(BATCH_BYTES, max(total // (3 * jobs), 1 << 20))
    held: list[tuple[Location, RawObject]] = []
    number, size = 0, 0
    last: tuple[str, ...] | None = None
    for name, entry in ordered:
        ends = last is not None and name[:3] != last[:3] and size >= min(GROUP_BYTES, limit)
        if held and (ends or size + entry[1].size > limit or len(held) >= BATCH_OBJECTS):
            yield Batch(number, tuple(held))
            number, held, size = number + 1, [], 0
        held.append(entry)
        size += entry[1].size
        last = name
    if held:
        yield Batch(number, tuple(held))
