"""All sources, read from their folders, and which of them an object can be.

A source is a folder: `source.toml` tells how to recognise and decode it, `normalize.sql` how a
record becomes a row. Recognising looks at the object's key and at its content; where they disagree
the content wins, since people rename files. What is known to be no log of ours stands in
`ignored.toml`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from lake.errors import SourceError, unknown_name
from lake.paths import resource, user_transforms
from lake.sources.fieldsets import leaves
from lake.sources.source import Delimited, Layout, Members, Source, is_source_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

IDENTITIES = ("id", "unique-line", "object+line")
_TEXT, _LIST, _TABLE = (str, "a text, in quotes"), (list, "a list, in [ ]"), (dict, "a table")
_NUMBER, _FLAG = (int, "a whole number"), (bool, "true or false")
ENTRIES: dict[str, dict[str, tuple[type, str]]] = {
    "": {
        "title": _TEXT,
        "docs": _TEXT,
        "log_type": _TEXT,
        "index": _TEXT,
        "format": _TEXT,
        "identity": _TEXT,
        "accepts": _TEXT,
        "keys": _TEXT,
        "names": _TABLE,
        "family": _TEXT,
        "bucket": _TEXT,
        "latest": _TABLE,
        "recognise": _TABLE,
        "delimited": _TABLE,
        "native": _TABLE,
        "csv": _TABLE,
        "empty": _LIST,
    },
    "latest": {"of": _LIST, "by": _LIST},
    "recognise": {
        "key": _LIST,
        "file": _LIST,
        "members": _LIST,
        "header": _TEXT,
        "line": _TEXT,
        "priority": _NUMBER,
    },
    "delimited": {
        "delimiter": _TEXT,
        "quotes": _FLAG,
        "quoted": _NUMBER,
        "whole": _TEXT,
        "header": _TEXT,
        "columns": _LIST,
        "by_name": _LIST,
        "min_fields": _NUMBER,
        "layouts": _LIST,
        "nulls": _LIST,
        "aliases": _TABLE,
        "pattern": _TEXT,
    },
}
"""What each part of a source.toml may have, and of which kind it is; `docs/design.md` tells it."""
LAYOUT: dict[str, tuple[type, str]] = {
    "columns": _LIST,
    "upto": _LIST,
    "without": _LIST,
    "line": _TEXT,
}
"""The same of an entry of `[[delimited.layouts]]`."""

MEMBERS = 4096
"""Characters of the members of a record that are remembered; a log's are some hundred."""

VIEWS = (
    *("events", "accounts", "objects", "rejects", "duplicates", "forgotten", "export_rejects"),
    *("superseded_rows", "lake_version"),
)
"""Views that are of no source; the last is in `lake.duckdb` alone."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Objects that are known and set aside: by key, or by the members of their JSON."""

    name: str
    status: str
    reason: str
    key: tuple[re.Pattern[str], ...]
    members: tuple[Members, ...]
    content: re.Pattern[str] | None

    def fits(self, key: str) -> bool:
        """Whether an object's key says that it is one of these."""
        return any(p.search(key) for p in self.key)


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
            ignored += _load_ignored(folder / "ignored.toml")
    ordered = sorted(found.values(), key=lambda s: (-s.priority, s.name))
    return Catalogue({s.name: s for s in ordered}, tuple(ignored))


def load_source(folder: Path) -> Source:
    """Read one source's folder. Raises SourceError that names the file and the wrong entry."""
    path = folder / "source.toml"
    if not is_source_name(folder.name):
        raise SourceError(f"{folder}: a source is named in lower case letters, digits and _")
    if folder.name in VIEWS:
        raise SourceError(
            f"{folder}: every lake has a view of that name, which would hide the table. Rename the "
            "folder."
        )
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}. Mend the file.") from error
    _check_names(path, "the top", ENTRIES[""], declared)
    for part in ("latest", "recognise", "delimited"):
        _check_names(path, f"[{part}]", ENTRIES[part], declared.get(part, {}))
    for entry in declared.get("delimited", {}).get("layouts", []):
        _check_names(path, "[[delimited.layouts]]", LAYOUT, entry)
    recognise, latest = declared.get("recognise", {}), declared.get("latest", {})
    try:
        source = Source(
            name=folder.name,
            title=declared["title"],
            docs=declared["docs"],
            log_type=declared.get("log_type", folder.name),
            index=declared.get("index", f"log-aws-{folder.name}"),
            format=declared["format"],
            identity=declared["identity"],
            native=declared.get("native", {}),
            sql=(folder / "normalize.sql").read_text("utf-8"),
            folder=folder,
            accepts=declared.get("accepts"),
            keys=declared.get("keys"),
            names=tuple(declared.get("names", {}).items()),
            delimited=_delimited(declared["delimited"]) if "delimited" in declared else None,
            key=tuple(recognise.get("key", ())),
            file=_patterns(recognise.get("file", [])),
            members=_members(recognise.get("members", [])),
            header=re.compile(recognise["header"]) if "header" in recognise else None,
            line=re.compile(recognise["line"]) if "line" in recognise else None,
            priority=recognise.get("priority", 0),
            csv=tuple(declared.get("csv", {}).items()),
            empty=tuple(declared.get("empty", ())),
            family=declared.get("family"),
            bucket=declared.get("bucket", ""),
            latest=(tuple(latest.get("of", ())), tuple(latest.get("by", ()))),
        )
    except KeyError as error:
        raise SourceError(f"{path}: {error} is missing") from error
    except (re.error, OSError, ValueError, TypeError) as error:
        raise SourceError(f"{path}: {error}") from error
    _check_source(path, source)
    return source


def _check_source(path: Path, source: Source) -> None:
    if source.identity not in IDENTITIES:
        raise SourceError(f"{path}: identity is one of {', '.join(IDENTITIES)}")
    if source.format not in ("json", "delimited"):
        raise SourceError(f"{path}: format is json or delimited")
    if source.keys not in (None, "camel", "snake") or (source.keys and source.format != "json"):
        raise SourceError(f'{path}: keys = "camel" or "snake", and only with format = "json"')
    if source.names and not source.keys:
        raise SourceError(f"{path}: [names] goes with `keys`")
    if (source.format == "delimited") != (source.delimited is not None):
        raise SourceError(f'{path}: [delimited] goes with format = "delimited"')
    known = {*source.targets, "account", "region", "date"} - {"record", "reject", "identity"}
    wrong = sorted({*source.latest[0], *source.latest[1]} - known)
    if wrong:
        raise SourceError(f"{path}: latest: {wrong[0]!r} is no leaf of ecs.toml or [native]")
    if source.bucket and source.targets.get(source.bucket) != "VARCHAR":
        raise SourceError(f"{path}: bucket: {source.bucket!r} is no leaf with a text")
    if bool(source.latest[0]) != bool(source.latest[1]):
        raise SourceError(f"{path}: latest has `of` and `by`, each a list of leaves")
    if not source.native:
        raise SourceError(f"{path}: [native] declares at least one member")
    for leaf in leaves(source.native):
        if not isinstance(leaf.type, str):
            raise SourceError(f"{path}: [native] {leaf.name} = {leaf.type!r} is no type, in quotes")


def _check_names(
    path: Path, where: str, known: dict[str, tuple[type, str]], given: dict[str, Any]
) -> None:
    if not isinstance(given, dict):
        raise SourceError(f"{path}: {where} = {given!r} is to be a table")
    for name, value in given.items():
        if name not in known:
            raise SourceError(f"{path}: {where} has no {name!r}. Known: {sorted(known)}")
        kind, words = known[name]
        if not isinstance(value, kind):
            raise SourceError(f"{path}: {name} = {value!r} is to be {words}")


def _delimited(given: dict[str, Any]) -> Delimited:
    return Delimited(
        delimiter=given["delimiter"],
        header=given["header"],
        columns=tuple(given["columns"]),
        by_name=tuple(given.get("by_name", ())),
        quotes=given.get("quotes", False),
        quoted=given.get("quoted", 0),
        whole=given.get("whole", ""),
        min_fields=given.get("min_fields", 1),
        layouts=tuple(
            layout
            for entry in given.get("layouts", [])
            for layout in _layouts(entry, given["columns"])
        ),
        nulls=tuple(given.get("nulls", ["-"])),
        aliases=tuple(given.get("aliases", {}).items()),
        pattern=re.compile(given["pattern"], re.VERBOSE) if "pattern" in given else None,
    )


def _layouts(given: dict[str, Any], columns: list[str]) -> list[Layout]:
    """The layouts of one entry: its own `columns`, or those of the source up to each of `upto`,
    `without` some."""
    own = given.get("columns", columns)
    ends = [own.index(name) + 1 for name in given.get("upto", [own[-1]])]
    line = re.compile(given["line"]) if "line" in given else None
    left_out = given.get("without", [])
    return [Layout(tuple(c for c in own[:end] if c not in left_out), line) for end in ends]


def _members(lists: list[list[str]]) -> tuple[Members, ...]:
    if not all(isinstance(names, list) for names in lists):
        raise ValueError('members is a list of lists: [["a", "b"]]')
    return tuple(
        Members(
            frozenset(name for name in names if not name.startswith("!")),
            frozenset(name[1:] for name in names if name.startswith("!")),
        )
        for names in lists
    )


def _patterns(texts: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text) for text in texts)


def _load_ignored(path: Path) -> list[Ignored]:
    with path.open("rb") as file:
        declared = tomllib.load(file)
    return [
        Ignored(
            name=name,
            status=entry.get("status", "ignored"),
            reason=entry["reason"],
            key=_patterns(entry.get("key", [])),
            members=_members(entry.get("members", [])),
            content=re.compile(entry["content"]) if "content" in entry else None,
        )
        for name, entry in declared.items()
    ]
