"""What a line tells of the lines below it: whose header or directive it is, what they are cut at,
and which field is which column. `lake.decode.recognise` asks it of an object's first lines, and
`lake.upkeep.relayout` of those that an object was read with before.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

from lake.decode.local_times import plain
from lake.decode.rows import is_row
from lake.decode.shapes import Shape
from lake.decode.tokens import SEPARATOR, cut_line
from lake.sources.catalogue import choose
from lake.sources.source import column_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lake.sources.catalogue import Catalogue
    from lake.sources.source import Delimited, Source

P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED = 4096
"""Characters of a header that is remembered."""
DELIMITERS = ("\t", ",", " ", ";", "|")
"""What the fields under a `#Fields:` line may be cut at: who sets up a delivery chooses it.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateDelivery.html"""

NAMES = r"^[,;|\t]?\"?@?[A-Za-z][\w():\-]+\"?([ ,;|\t]+\"?@?[A-Za-z]|$)"
"""A line that may be a header: it begins with two names, or is one."""
NUMBER = r"\d{3}"
"""No name of a field has such a number, and no line of data (`ACCEPT OK 1418530010 ...`) lacks one:
the lines that only begin like a header are told at once, not one by one."""
MAY_HEAD = re.compile(rf"(?s)(?={NAMES})(?!.*{NUMBER})", re.ASCII)  # as Arrow reads them


def remembered(function: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """A function of a line whose last answers are kept: objects come by the thousand with one
    header. Not those to a long line, which is none, most likely, and takes up memory."""
    kept = cast("Callable[Concatenate[str, P], T]", lru_cache(64)(function))

    def answer(line: str, /, *more: P.args, **named: P.kwargs) -> T:
        return (kept if len(line) < REMEMBERED else function)(line, *more, **named)

    return answer


@remembered
def shape_under(
    _line: str, source: str, given: Delimited, names: tuple[str, ...]
) -> tuple[Shape, list[str]]:
    """The shape of the lines under a header, and its names that are no column's."""
    unknown = [name for name in names if given.column(name) is None]
    return header_shape(source, given, names), unknown


@remembered
def read_header(
    line: str,
    catalogue: Catalogue,
    by_key: tuple[Source, ...],
    forced: Source | None,
    least: Callable[[Source, list[str]], bool],
) -> tuple[Source, str | None, list[str]] | None:
    """Where a line is a header: whose, what its names are cut at (None: spaces), and they."""
    for delimiter in (",", ";", "\t", "|", None):
        if delimiter is not None and delimiter not in line:
            continue
        if delimiter == "|" and " |" in line:  # drawn for people: the blanks cut it too
            continue
        names = line.split(delimiter)
        found = catalogue.by_header([column_name(n) for n in names])
        source = forced or choose(found, [s for s in by_key if s in found])
        source = source or whose_columns(by_key, names)
        if source is not None and source.delimited and least(source, names):
            return source, delimiter, names
    return None


@remembered
def read_directive(
    line: str, catalogue: Catalogue, by_key: tuple[Source, ...], forced: Source | None
) -> tuple[Source, list[str]] | None:
    """Where a line is a directive that names fields (`#Fields: date time ...`): whose, and they."""
    told = [
        (source, names)
        for source in ([forced] if forced else catalogue.sources.values())
        if source.delimited and (names := source.delimited.named(line))
    ]
    found = [s for s, names in told if s.fits_header([column_name(n) for n in names])]
    source = choose(found, [s for s in by_key if s in found])
    for one, names in told:
        if one in (source, forced) or (
            source is None and one in by_key and names_columns(one, names)
        ):
            return one, names
    return None


def cut_at(lines: list[str], given: Delimited, width: int) -> str | None:
    """What lines are cut at under a directive of so many names, where that is not the source's own
    delimiter: with it, some line has as many fields."""
    for delimiter in (given.delimiter, *DELIMITERS):
        own = replace(given, delimiter=delimiter, pattern=None)
        for line in lines:
            cut = cut_line(line, own) if given.quotes else line.replace(delimiter, SEPARATOR)
            if cut is not None and len(cut.split(SEPARATOR)) == width:
                return delimiter
    return None


def whose_columns(sources: Iterable[Source], names: list[str]) -> Source | None:
    """The source whose columns these names are, where none of them tells a source: its owner may
    have chosen only such (`start end bytes`)."""
    return next((s for s in sources if names_columns(s, names)), None)


def header_shape(source: str, given: Delimited, names: Sequence[str]) -> Shape:
    """The shape of lines under a header with these names."""
    known: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        column = given.column(name)
        if column and column not in known:
            known[column] = str(place)
    return Shape(source, "fields", tuple((p, c) for c, p in known.items()), len(names))


@remembered
def names_in(line: str) -> list[str]:
    """The names of a header, whatever they are cut at."""
    return re.split(r"[\s,;|]+", line.strip())


@remembered
def header_of(line: str, source: Source, catalogue: Catalogue | None) -> Source | None:
    """Whose header a line is, whatever it is cut at, among lines of this source: its own, or one
    that has the marks of another in the catalogue, as where files were put behind one another."""
    names = names_in(line)
    found = catalogue.by_header([column_name(n) for n in names]) if catalogue else []
    others = [s for s in found if s.delimited and s.delimited.header == "first-line"]
    if others and source not in others:
        return others[0]
    return source if heads(source, names) else None


def heads(source: Source, names: list[str]) -> bool:
    """Whether a line of these names is a header of the source."""
    if source.fits_header([column_name(n) for n in names]):
        return True
    given = source.delimited
    return given is not None and given.header == "first-line" and names_columns(source, names)


def names_columns(source: Source, names: list[str]) -> bool:
    """Whether most of these names are columns of the source."""
    given = source.delimited
    known = sum(given.column(name) is not None for name in names) if given else 0
    return 2 * known > len(names)


def members_shape(source: Source, members: list[str]) -> Shape:
    """The shape of a source's JSON records: one STRUCT, or rows of a query, to be made records of;
    or the members that are its columns, the first of two for one."""
    if source.format == "json" or source.delimited is None:
        return Shape(source.name, "rows" if is_row(source, members) else "json")
    columns: dict[str, str] = {}
    for member in members:
        if column := source.delimited.column(member):
            columns.setdefault(column, member)
    return Shape(source.name, "members", tuple((m, c) for c, m in columns.items()))


def row_shape(source: Source, names: Sequence[str]) -> Shape:
    """The shape of the records that rows of a table become (`lake.decode.rows.table_record`)."""
    if source.format == "json":
        return Shape(source.name, "json")
    return members_shape(source, [plain(name) for name in names])


def holds(shape: Shape, count: int) -> bool:
    """Whether a line of so many fields may be of a shape of fields: one too many may be the nothing
    behind a last delimiter."""
    return count in (shape.width, shape.width + 1) if shape.width else count >= shape.least


def line_shape(source: Source, line: str) -> Shape | None:
    """The shape of a source's lines without a header; None where the layout is not known. Where a
    source has headers the order of its columns holds for no line but one that looks like it; where
    nothing came but the beginning of a header, there is no line yet."""
    given = source.delimited
    if given is None:
        return None
    layout = given.layout(line)
    foreign = line and given.header != "none" and not source.fits_line(line)
    if layout is None and (given.layouts or foreign):
        return None
    names = layout.columns if layout else given.columns
    columns = tuple((str(i), c) for i, c in enumerate(names, 1))
    width = len(columns) if layout else 0
    return Shape(source.name, "fields", columns, width, given.min_fields)
