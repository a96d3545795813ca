"""What a log source is: how it is recognised, how its lines are cut, what its rows may hold.

A source is a folder under `transforms/` (or under a folder of the user's own);
`lake.sources.declared` reads it. Here it answers whether a key, a record's members, a header or a
line is its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.errors import SourceError
from lake.sources.fieldsets import Tree, ecs_leaves, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_WORD = re.compile(r"[\w/-]+")
"""A pattern that fits itself alone."""


def column_name(header: str) -> str:
    """A header's or member's name as a column: `cs(User-Agent)` -> `cs_user_agent`."""
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def is_source_name(name: str) -> bool:
    """Whether a source, and so its table, may be called that."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Members:
    """Members that all stand at the top of a JSON record, and such (`!s3`) of which none does."""

    needed: frozenset[str]
    forbidden: frozenset[str]

    def fit(self, present: set[str]) -> bool:
        """Whether a record with these members is one."""
        return self.needed <= present and not self.forbidden & present


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


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a line without a header, in order; `line` tells lines of one width apart."""

    columns: tuple[str, ...]
    line: re.Pattern[str] | None

    def fits(self, line: str, fields: int) -> bool:
        """Whether a line, cut into so many fields, is laid out like this."""
        return fields == len(self.columns) and (self.line is None or bool(self.line.search(line)))


@dataclass(frozen=True, slots=True, eq=False)
class Delimited:
    """How a line is cut into columns. `pattern` is for lines whose quotes do not add up, among
    them those in which more than `quoted` fields stand in quotes (0: any number may), and those in
    which the next to the first `clients` such fields is in quotes as well (0: it may be). In the
    text `whole`, where a line has it, the delimiter ends no field. The columns of `by_name` stand
    in no line: a header, a table or JSON gives them. `typed` are columns that are no text, each
    with the target that is NULL where it has none of the target's type."""

    delimiter: str
    header: str
    columns: tuple[str, ...]
    quotes: bool = False
    min_fields: int = 1
    layouts: tuple[Layout, ...] = ()
    nulls: tuple[str, ...] = ("-",)
    aliases: tuple[tuple[str, str], ...] = ()
    pattern: re.Pattern[str] | None = None
    quoted: int = 0
    clients: int = 0
    whole: str = ""
    by_name: tuple[str, ...] = ()
    typed: tuple[tuple[str, str], ...] = ()
    _spelt: dict[str, str] = field(init=False, repr=False, compare=False)
    _known: frozenset[str] = field(init=False, repr=False, compare=False)
    _folded: dict[str, str] = field(init=False, repr=False, compare=False)
    """Names without their underscores -> columns."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_spelt", dict(self.aliases))
        object.__setattr__(self, "_known", frozenset((*self.columns, *self.by_name)))
        known = {name: name for name in self._known} | self._spelt
        folded = {name.replace("_", ""): column for name, column in known.items()}
        object.__setattr__(self, "_folded", folded)

    @property
    def mark(self) -> str:
        """What stands before the names of fields where a directive gives them."""
        return self.header if self.header.startswith("#") else "#Fields:"

    def named(self, line: str) -> list[str] | None:
        """The names that a line gives which is such a directive, else None."""
        return line[len(self.mark) :].split() if line.startswith(self.mark) else None

    def layout(self, line: str) -> Layout | None:
        """How a line without a header is laid out, or None where that is not known."""
        line = line.replace("\t", " ") if self.delimiter == " " else line
        cut = line.split() if self.delimiter == " " else line.split(self.delimiter)
        return next((one for one in self.layouts if one.fits(line, len(cut))), None)

    def column(self, header: str) -> str | None:
        """The known column that a header's name means, or None: `srcPort`, `SRCPORT` and `src-port`
        are `src_port`."""
        name = self._spelt.get(header) or column_name(header)
        name = self._spelt.get(name, name)
        return name if name in self._known else self._folded.get(name.replace("_", ""))


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One log source, as its folder declares it. `native` is the tree of its own members."""

    name: str
    title: str
    docs: str
    log_type: str
    index: str
    format: str
    identity: str
    native: Tree
    sql: str
    folder: Path
    accepts: str | None = None
    keys: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    """Members that the other spelling names otherwise: `Name` or `Parent.Name` -> the own name."""
    delimited: Delimited | None = None
    key: tuple[str, ...] = ()
    """Patterns, of which one is found in the object's key."""
    file: tuple[re.Pattern[str], ...] = ()
    """Patterns, of which one is found in the key's last part. A source that has patterns of both
    kinds is told by both together."""
    members: tuple[Members, ...] = ()
    header: re.Pattern[str] | None = None
    line: re.Pattern[str] | None = None
    priority: int = 0
    csv: tuple[tuple[str, str], ...] = ()
    empty: tuple[str, ...] = ()
    """Members of which an empty cell of CSV says something: no error code, no error."""
    family: str | None = None
    bucket: str = ""
    """The leaf with the bucket whose log it is, where records tell no account."""
    latest: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Of records that come again in newer versions: the leaves that name the thing, and those that
    order its versions. Without them, every record is its own."""
    _key: tuple[Callable[[str], object], ...] = field(init=False, repr=False)
    _file: tuple[Callable[[str], object], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", tuple(map(_finder, self.key)))
        object.__setattr__(self, "_file", tuple(pattern.search for pattern in self.file))

    def fits_key(self, key: str) -> bool:
        """Whether the object's key says that it is of this source."""
        told = bool(self._key or self.file)
        return told and _found(self._key, key) and _found(self._file, key.rpartition("/")[2])

    def fits_members(self, members: Iterable[str]) -> bool:
        """Whether a JSON record with these members at its top is of this source."""
        present = set(members)
        return any(wanted.fit(present) for wanted in self.members)

    def fits_header(self, names: Sequence[str]) -> bool:
        """Whether a header line with these names (as columns) is of this source."""
        return bool(self.header and self.header.search(" ".join(names)))

    def fits_line(self, line: str) -> bool:
        """Whether a data line without a header is of this source."""
        return bool(self.line and self.line.search(line)) or self.fits_tabs(line)

    def fits_tabs(self, line: str) -> bool:
        """Whether it is if its fields end at tabs, where the source's own end at blanks: so
        CloudWatch Logs delivers them as plain text."""
        if "\t" not in line or self.line is None or self.line.search(line):
            return False
        blanks = self.delimited is not None and self.delimited.delimiter == " "
        return blanks and bool(self.line.search(line.replace("\t", " ")))

    @property
    def lines(self) -> Delimited:
        """How its lines are cut. Raises SourceError for a source of JSON."""
        if self.delimited is None:
            raise SourceError(f"{self.name}: its records are JSON, which is not cut as lines are.")
        return self.delimited

    @property
    def select(self) -> str:
        """`normalize.sql` as it stands within another SELECT, without a semicolon at its end."""
        return self.sql.rstrip().rstrip(";")

    @property
    def targets(self) -> dict[str, str]:
        """Every column that `normalize.sql` may give -> its DuckDB type."""
        native = {f"native.{leaf.name}": leaf.type for leaf in leaves(self.native)}
        whole = {
            f"native.{name}": "STRUCT" for name, b in self.native.items() if isinstance(b, dict)
        }
        fixed = {
            "record": "",
            "@timestamp": "TIMESTAMPTZ",
            "reject": "VARCHAR",
            "identity": "VARCHAR",
        }
        return fixed | ecs_leaves() | native | whole


def _found(finders: tuple[Callable[[str], object], ...], text: str) -> bool:
    """Whether one of these finds what it looks for; of none, yes. A loop, since `any` with a
    generator takes twice as long."""
    for finds in finders:
        if finds(text):
            return True
    return not finders


def _finder(pattern: str) -> Callable[[str], object]:
    """Whether a pattern is found in a text; a plain word, as most are, in a quarter of the time."""
    found = re.compile(pattern)
    return (lambda text: pattern in text) if _WORD.fullmatch(pattern) else found.search
