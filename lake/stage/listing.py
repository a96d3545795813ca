"""Which objects an ingest has to read: those of its places that the lake does not know as they are
now."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.errors import LakeError
from lake.model import Unreadable
from lake.objects.names import identity_of
from lake.store.known import is_unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lake.model import Location, ObjectResult, RawObject
    from lake.store.known import KnownObject

TELL_EVERY = 500
"""Objects between two words on how many have been listed."""
MENDED = "an archive that was damaged before; what is in it are objects of their own"
LISTED = "a folder that could not be listed before; what is in it are objects of their own"


@dataclass(slots=True)
class Listing:
    """What was found in the places, compared with what the lake knows. `rehash`: tell what has
    changed by every object's content.

    `unchanged`: what need not be read again, by what became of it then. `work`: objects to read,
    each with the location that opens it. `reread`: paths of those of which the lake has records.
    `aside`: what became of what cannot be opened or is no file.
    """

    known: Mapping[str, KnownObject]
    rehash: bool = False
    listed: int = 0
    unchanged: Counter[str] = field(default_factory=Counter)
    work: list[tuple[Location, RawObject]] = field(default_factory=list)
    reread: set[str] = field(default_factory=set)
    aside: list[ObjectResult] = field(default_factory=list)

    def collect(self, locations: Iterable[Location], tell: Callable[[int], None]) -> None:
        """List the objects of every place, each once; `tell` gets their number now and then.
        Raises AccessError as the locations do."""
        seen: set[tuple[str, str]] = set()
        places = list(locations)
        for location in places:
            for found in location.objects():
                self.listed += 1
                if self.listed % TELL_EVERY == 0:
                    tell(self.listed)
                if isinstance(found, Unreadable):
                    self._set_aside(found.result())
                elif (found.root, found.key) not in seen:
                    seen.add((found.root, found.key))
                    self._add(location, found)
        self._tell_mended({root for root, _ in seen})
        self._tell_listed(places, seen)

    def _add(self, location: Location, obj: RawObject) -> None:
        before = self.known.get(obj.identity)
        if before is not None and self._unchanged(location, obj, before):
            self.unchanged[before.status] += 1
            return
        self.work.append((location, obj))
        if before is not None and before.has_records:
            self.reread.add(obj.path)

    def _unchanged(self, location: Location, obj: RawObject, before: KnownObject) -> bool:
        same = is_unchanged(obj, before, self.rehash)
        if same is not None:
            return same
        try:
            with location.open(obj) as stream:
                digest = hashlib.sha256()
                while block := stream.read(1 << 20):
                    digest.update(block)
        except (OSError, LakeError):
            return False
        return digest.hexdigest() == before.sha256

    def _set_aside(self, result: ObjectResult) -> None:
        """What cannot be opened is noted; what is no file, once."""
        before = self.known.get(result.obj.identity)
        if before is not None and before.status == result.status == "ignored":
            self.unchanged[before.status] += 1
        else:
            self.aside.append(result)

    def _tell_mended(self, roots: set[str]) -> None:
        """Of an archive that was damaged once, and is whole now that its members were listed."""
        damaged = {result.obj.identity for result in self.aside}
        for root in roots - {"file://"}:
            archive = root.removeprefix("file://")
            found = Unreadable(*identity_of(archive), archive, MENDED, "ignored").result()
            before = self.known.get(found.obj.identity)
            if before and before.status == "failed" and found.obj.identity not in damaged:
                self.aside.append(found)

    def _tell_listed(self, places: list[Location], seen: set[tuple[str, str]]) -> None:
        """Of a folder, or a prefix of a bucket, that could not be listed once and was listed now:
        all below it was asked for, something came, and nothing that it lies in failed."""
        failed = [_place(result.obj.identity) for result in self.aside]
        for identity, before in self.known.items():
            if before.status != "failed" or not identity.endswith("/"):
                continue
            place = _place(identity)
            if any(place.startswith(one) for one in failed if one.endswith("/")):
                continue
            paths = [path for one in places if (path := one.listed_as(place)) is not None]
            if paths and any(f"{root}/{key}".startswith(place) for root, key in seen):
                root, _, key = identity.partition("\n")
                self.aside.append(Unreadable(root, key, paths[0], LISTED, "ignored").result())


def _place(identity: str) -> str:
    """Root and key as one text, with which what is below a folder begins."""
    root, _, key = identity.partition("\n")  # of a whole bucket, / is the key
    return f"{root}/{'' if key == '/' else key}"
