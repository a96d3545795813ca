"""The sources there are, and which of them an object is of.

Recognising looks at the object's key and at its content; where they disagree the content wins,
since people rename files. What is known to be no log of ours stands in `ignored.toml`. How a
source's folder is read is `lake.sources.declared`'s part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from lake.errors import SourceError, unknown_name
from lake.paths import resource, user_transforms
from lake.sources.declared import load_ignored, load_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from lake.sources.source import Ignored, Source

MEMBERS = 4096
"""Characters of the members of a record that are remembered; a log's are some hundred."""


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """Every source and everything known to be set aside. What the last keys and members fit is
    remembered: an object's key is asked for several times, and records repeat their members."""

    sources: dict[str, Source]
    ignored: tuple[Ignored, ...]
    _fit_key: Callable[[str], list[Source]] = field(init=False, repr=False)
    _fit_members: Callable[[frozenset[str]], list[Source]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        every = self.sources.values()
        fit_key = lru_cache(16)(lambda key: [s for s in every if s.fits_key(key)])
        fit_members = lru_cache(64)(lambda found: [s for s in every if s.fits_members(found)])
        object.__setattr__(self, "_fit_key", fit_key)
        object.__setattr__(self, "_fit_members", fit_members)

    def __getitem__(self, name: str) -> Source:
        try:
            return self.sources[name]
        except KeyError:
            raise unknown_name("source", name, list(self.sources)) from None

    @property
    def families(self) -> dict[str, list[str]]:
        """Family -> its sources: a source.toml may name one; its members are shown as one view."""
        found: dict[str, list[str]] = {}
        for name, source in self.sources.items():
            if source.family:
                found.setdefault(source.family, []).append(name)
        return found

    @property
    def latest(self) -> dict[str, Source]:
        """The view of the last versions -> its source, for those that have versions."""
        return {f"{s.name}_latest": s for s in self.sources.values() if s.latest[0]}

    def by_key(self, key: str) -> list[Source]:
        """The sources whose key patterns fit, best first."""
        return self._fit_key(key)[:]

    def by_members(self, members: Iterable[str]) -> list[Source]:
        """The sources that a JSON record with these top members can be, best first."""
        present = frozenset(members)
        if sum(map(len, present)) > MEMBERS:
            return [s for s in self.sources.values() if s.fits_members(present)]
        return self._fit_members(present)[:]

    def by_header(self, names: Sequence[str]) -> list[Source]:
        """The sources of lines whose header these names (as columns) can be, best first."""
        return [s for s in self.sources.values() if s.delimited and s.fits_header(names)]

    def by_line(self, line: str) -> list[Source]:
        """The sources that a data line can be of, best first."""
        return [s for s in self.sources.values() if s.fits_line(line)]

    def set_aside(self, key: str, members: Iterable[str] = (), head: str = "") -> Ignored | None:
        """What the object is known as, where it is known and no log of ours."""
        present = set(members)
        for known in self.ignored:
            if known.fits(key) or any(wanted.fit(present) for wanted in known.members):
                return known
            if known.content and head and known.content.search(head):
                return known
        return None


def choose(by_content: list[Source], by_key: list[Source]) -> Source | None:
    """An object's source: what content and key agree on, else the content's, else the key's."""
    agreed = [s for s in by_content if s in by_key]
    return next(iter(agreed or by_content or by_key), None)


@cache
def catalogue() -> Catalogue:
    """All sources: the project's, and those of `$LAKE_TRANSFORMS`, which win on equal names."""
    own = user_transforms()
    try:
        if own is not None and not own.is_dir():
            raise SourceError(
                f"LAKE_TRANSFORMS names {own}, which is no folder. Unset it or make it."
            )
        return _catalogue([resource("transforms"), *([own] if own else [])])
    except OSError as error:
        raise SourceError(
            f"{error.filename}, of the sources, cannot be read: {error.strerror}. Allow to read "
            "it, or name another folder with LAKE_TRANSFORMS."
        ) from error


def _catalogue(folders: Iterable[Path]) -> Catalogue:
    found: dict[str, Source] = {}
    ignored: list[Ignored] = []
    for folder in folders:
        next(folder.iterdir(), None)  # `glob` finds nothing where it may not look
        for path in sorted(folder.glob("*/source.toml")):
            source = load_source(path.parent)
            found[source.name] = source
        if (folder / "ignored.toml").exists():
            ignored += load_ignored(folder / "ignored.toml")
    ordered = sorted(found.values(), key=lambda s: (-s.priority, s.name))
    return Catalogue({s.name: s for s in ordered}, tuple(ignored))
