"""Rows of queries -> records: what Athena, CloudTrail Lake and CloudWatch Logs Insights make of a
JSON log, a column for each member that was asked for; and what other systems have in tables.

A row comes as a line of CSV, as a JSON object (UNLOAD, the console's download), as a list of cells
(`get-query-results`), or out of Parquet. Its columns are named as the members are, in any case, or
by their path (`userIdentity.arn`, `answers.0.Rdata`, `userIdentity_arn`), or as the source's [csv]
says. It becomes a JSON record of the source; its own text stays the original. Tables of Log
Analytics (Microsoft Sentinel) are such rows too (`lake.decode.local_times`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from lake.decode.cells import Items, cell_json, folded, is_nested, object_text, value_json
from lake.decode.local_times import plain
from lake.decode.pieces import members
from lake.decode.wrap import NO_WRAP, row_wrap
from lake.sources.fieldsets import leaves
from lake.sources.source import column_name
from lake.sources.spelling import names_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.decode.wrap import Wrap
    from lake.sources.catalogue import Catalogue
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

ABOUT = "@"
"""The first character of columns that Logs Insights adds about a log event, such as `@timestamp`:
they are no members of the record."""
DEEPEST = 100
"""Dots in a column's name up to which it can be a path: Python's `json` cannot write a thousand
objects nested in each other."""
_JOINS = ("__", "_", "/", "-", ":")
"""What joins the names of a path where JSON was made flat, besides the dot."""
_EMPTY = ('""', "null")
_NOTHING = frozenset(("null", "NULL", "None", "nan", "NaN", r"\N", "NoError"))
"""What stands in an empty cell: words of Python, of databases, of Kaggle's flaws.cloud events."""
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d\d")
"""A number as Excel saves one of twelve digits: such a time is off by hours, such an id is none."""


def whose_row(names: Sequence[str], catalogue: Catalogue) -> Source | None:
    """The JSON source whose members most of these columns are; None where there is none, or where a
    source of lines has more of them."""
    best = whose_table(names, catalogue)
    return best if best is not None and best.format == "json" else None


def whose_table(names: Sequence[str], catalogue: Catalogue) -> Source | None:
    """The source that has most of these columns, as members or as columns of its lines.

    Columns that Logs Insights adds are not counted. Of the others a source must have at least three
    and at least half; two are enough where there are no others.
    """
    own = [name for name in names if not name.startswith(ABOUT)]
    best: Source | None = None
    most = 1
    for source in catalogue.sources.values():
        known = _known(source, own)
        if known > most and (known >= max(3, len(own) // 2) or known == len(own)):
            best, most = source, known
    return best


def _known(source: Source, names: Sequence[str]) -> int:
    """How many of the columns are the source's; 0 for a JSON source that cannot be recognised by
    them."""
    if source.delimited is not None:
        return sum(source.delimited.column(plain(name)) is not None for name in names)
    paths = [path for path in row_paths(source, tuple(names)) if path is not None]
    if source.header is not None:
        told = source.fits_header([column_name(name) for name in names])
    else:
        told = bool(source.csv)
    return len(paths) if told or source.fits_members(paths) else 0


def is_row(source: Source, names: Sequence[str]) -> bool:
    """Whether a JSON object with these members is a row of a query rather than a record.

    It is one where a name is a path (`userIdentity.arn`), is added by Logs Insights (`@message`),
    or stands in [csv] alone; or where all names are in lower case, as Athena writes them, and some
    member is not.
    """
    if source.format != "json":
        return False
    if any(name.startswith(ABOUT) or "." in name for name in names):
        return True
    paths = row_paths(source, tuple(names))
    if any(name in _others(source) for name in names):
        return True
    if any("." in (path or "") for path in paths):
        return True
    if any(name != name.lower() for name in names):
        return False
    return any(path not in (None, name) for name, path in zip(names, paths, strict=True))


@cache
def _others(source: Source) -> frozenset[str]:
    """The columns of [csv] whose names are no member's, in any case."""
    return frozenset(name for name, _ in source.csv if _path(source, name) is None)


def holds_text(source: Source, text: bytes) -> bool:
    """Whether a record holds JSON as a string where the source declares an object, a list or
    JSON."""
    if b'"{' not in text and b'"[' not in text:
        return False
    found = members(text) or {}
    strings = (name for name, raw in found.items() if bytes(raw)[:2] in (b'"{', b'"['))
    return any(name in source.native and is_nested(source, name) for name in strings)


def are_lowercased(source: Source, names: Sequence[str], texts: Sequence[bytes]) -> bool:
    """Whether records come with all names in lower case, as Athena writes them: no name at the top
    (`names`) has a capital, and within a member stands a declared name without its capitals. In
    what UNLOAD writes nothing else may tell rows from records."""
    if any(name != name.lower() for name in names):
        return False
    return any(name in text for text in texts for name in _lowercased(source))


@cache
def _lowercased(source: Source) -> tuple[bytes, ...]:
    """Names within [native]'s members that have capitals: in lower case, as JSON quotes them."""
    names = names_within(source)
    return tuple(f'"{name.lower()}"'.encode() for name in names if name != name.lower())


@lru_cache(maxsize=256)
def row_paths(source: Source, names: tuple[str, ...]) -> list[str | None]:
    """For each column the member that it holds, as a dotted path; None where it holds none.

    What [csv] says goes before the name. A column that only its name makes a member's gives way to
    one that [csv] says holds it: beside `ActivityType`, `Type` is the table's own.
    """
    exact = dict(source.csv)
    lowered = {name.lower(): path for name, path in source.csv}
    names = tuple(map(plain, names))
    declared = [exact.get(name) or lowered.get(name.lower()) for name in names]
    held = set(filter(None, declared))
    found = zip(names, declared, (_path(source, name) for name in names), strict=True)
    return [told or (None if path in held - {name} else path) for name, told, path in found]


def _path(source: Source, name: str) -> str | None:
    """The declared path that a name means: dotted, or with what else joins names
    (`userIdentity_arn`, `user_identity_arn`, `httpRequest/clientIp`, `useridentityarn`)."""
    found = _dotted(source, name)
    if found is not None:
        return found
    joined = (_dotted(source, name.replace(by, ".")) for by in _JOINS if by in name)
    return next(filter(None, joined), None) or _run_together(source).get(_squeezed(name))


def _dotted(source: Source, name: str) -> str | None:
    """The declared path that a dotted name means, whatever its case and underscores; below a member
    of JSON, or an item of a list, any name will do. None where [native] has no such member."""
    if name.count(".") > DEEPEST:
        return None
    body: str | Tree = source.native
    found: list[str] = []
    for part in name.split("."):
        if isinstance(body, dict):
            declared = {folded(member): member for member in body}
            if folded(part) not in declared:
                return None
            found.append(declared[folded(part)])
            body = body[found[-1]]
        elif part and (body == "JSON" or (body.endswith("[]") and part.isdecimal())):
            found.append(part)
            body = "JSON"
        else:
            return None
    return ".".join(found)


@cache
def _run_together(source: Source) -> dict[str, str]:
    """The paths below [native]'s members, by their names run together, where that tells of one."""
    told: dict[str, str] = {}
    paths = [leaf.name for leaf in leaves(source.native) if "." in leaf.name]
    counts = Counter(map(_squeezed, paths))
    for path in paths:
        if counts[_squeezed(path)] == 1:
            told[_squeezed(path)] = path
    return told


def _squeezed(name: str) -> str:
    return re.sub(r"[._/:-]", "", name).lower()


def row_record(source: Source, text: str) -> tuple[str, Wrap]:
    """The record in a row that is a JSON object, and what the row says of the log event. Another
    text comes back unchanged."""
    cells = members(text)
    if cells is None:
        return text, NO_WRAP
    names = tuple(cells)
    values = [bytes(raw).decode() for raw in cells.values()]
    record: dict[str, object] = {}
    for name, path, value in zip(names, row_paths(source, names), values, strict=True):
        if path is None:
            if not name.startswith(ABOUT) and _path(source, name) is None:
                record[name] = value  # to be counted as unknown
        elif value not in _EMPTY or path in source.empty:
            put(record, path, value_json(source, path, '""' if value == "null" else value))
    texts = (json.loads(value, strict=False) if value[:1] == '"' else value for value in values)
    return object_text(record), wrap_of_row(dict(zip(names, texts, strict=True)))


def table_record(source: Source, names: Sequence[str], cells: list[str]) -> str:
    """The record in a row of a table, as JSON text; `cells` as `utc_cells` gives them. A source of
    lines has its columns as members."""
    if source.format == "json":
        return cells_record(source, row_paths(source, tuple(names)), cells)
    filled = {plain(name): cell for name, cell in zip(names, cells, strict=True) if cell}
    return json.dumps(filled, ensure_ascii=False)


def cells_record(source: Source, paths: Sequence[str | None], cells: Sequence[str]) -> str:
    """The record in a row of cells, as JSON text; `paths` as `row_paths` gives them."""
    record: dict[str, object] = {}
    for path, cell in zip(paths, cells, strict=True):
        value = "" if cell in _NOTHING or _ROUNDED.fullmatch(cell) else cell
        if path and (value or path in source.empty):
            put(record, path, cell_json(source, path, value))
    return object_text(record)


def wrap_of_row(cells: Mapping[str, str]) -> Wrap:
    """What a row says of the log event around its record: Logs Insights gives time, account, group
    and stream, Log Analytics the time."""
    time = cells.get("@timestamp") or cells.get("TimeGenerated") or cells.get("TimeGenerated [UTC]")
    told = row_wrap(time, cells.get("@log"), cells.get("@logStream"))
    return NO_WRAP if told == NO_WRAP else told


def put(record: dict[str, object], path: str, value: str) -> None:
    """Set the member at a dotted path to a JSON text, and make the objects above it. Of two columns
    for one member the first that is not empty is taken."""
    parts = path.split(".")
    for name, below in pairwise(parts):
        inner = record.setdefault(name, Items() if below.isdecimal() else {})
        if not isinstance(inner, dict) or isinstance(inner, Items) != below.isdecimal():
            return
        record = inner
    if record.get(parts[-1], '""') == '""':
        record[parts[-1]] = value
