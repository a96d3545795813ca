"""Rows of queries -> records: what Athena, CloudTrail Lake and CloudWatch Logs Insights make of a
JSON log, a column for each member that was asked for.

A row comes as a line of CSV, as a JSON object (UNLOAD, the console's download), as a list of cells
(`get-query-results`), or out of Parquet. Its columns are named as the members are, in any case, or
by their path (`userIdentity.arn`, `answers.0.Rdata`), or as the source's [csv] says. It becomes a
JSON record of the source; its own text stays the original.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from lake.decode.cells import Items, cell_json, is_nested, value_json, written
from lake.decode.pieces import members
from lake.decode.wrap import NO_WRAP, row_wrap
from lake.sources.source import column_name
from lake.sources.spelling import names_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lake.decode.wrap import Wrap
    from lake.sources.catalogue import Catalogue
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

ABOUT = "@"
"""What the names begin with of what Logs Insights says of a log event, such as `@timestamp`."""
DEEPEST = 100
"""Parts of a path; Python cannot write a thousand objects within one another."""
_CELLS = msgspec.json.Decoder(list[dict[str, str | None]])
_FIELD = {"field", "value"}
_EMPTY = ('""', "null")


def whose_row(names: Sequence[str], catalogue: Catalogue) -> Source | None:
    """The source of whose members most of these columns are: half of those that are not about the
    log event, and three, or all of two. None where a source of lines has more of them."""
    own = [name for name in names if not name.startswith(ABOUT)]
    best: Source | None = None
    most = 1
    for source in catalogue.sources.values():
        known = _known(source, own)
        if known > most and (known >= max(3, len(own) // 2) or known == len(own)):
            best, most = source, known
    return best if best is not None and best.format == "json" else None


def _known(source: Source, names: Sequence[str]) -> int:
    """How many of the columns are the source's, where they tell it from others."""
    if source.delimited is not None:
        return sum(source.delimited.column(name) is not None for name in names)
    paths = [path for path in row_paths(source, tuple(names)) if path is not None]
    if source.header is not None:
        told = source.fits_header([column_name(name) for name in names])
    else:
        told = bool(source.csv)
    return len(paths) if told or source.fits_members(paths) else 0


def is_row(source: Source, names: Sequence[str]) -> bool:
    """Whether a JSON object with these members is a row of a query rather than a record of the
    source: some name is a path, or about the log event, or all are in lower case."""
    if source.format != "json":
        return False
    if any(name.startswith(ABOUT) or "." in name for name in names):
        return True
    if any(name != name.lower() for name in names):
        return False
    paths = row_paths(source, tuple(names))
    return any(path not in (None, name) for name, path in zip(names, paths, strict=True))


def holds_text(source: Source, text: bytes) -> bool:
    """Whether a record has JSON in a string where the source declares an object, a list or JSON."""
    if b'"{' not in text and b'"[' not in text:
        return False
    found = members(text) or {}
    strings = (name for name, raw in found.items() if bytes(raw)[:2] in (b'"{', b'"['))
    return any(name in source.native and is_nested(source, name) for name in strings)


def are_small(source: Source, names: Sequence[str], texts: Sequence[bytes]) -> bool:
    """Whether records whose own names are all small have names within their members small that the
    source has not, as Athena has all names: of what UNLOAD writes nothing else may tell."""
    if any(name != name.lower() for name in names):
        return False
    return any(name in text for text in texts for name in _small(source))


@cache
def _small(source: Source) -> tuple[bytes, ...]:
    """The names within [native]'s members that are not small, as they stand in JSON once small."""
    names = names_within(source)
    return tuple(f'"{name.lower()}"'.encode() for name in names if name != name.lower())


@lru_cache(maxsize=256)
def row_paths(source: Source, names: tuple[str, ...]) -> list[str | None]:
    """The members that columns hold, as dotted paths, by their names."""
    exact = dict(source.csv)
    folded = {name.lower(): path for name, path in source.csv}
    return [exact.get(name) or folded.get(name.lower()) or _path(source, name) for name in names]


def _path(source: Source, name: str) -> str | None:
    """The path that a name is, in whatever case, where [native] declares such a member, or JSON or
    a list that can have it."""
    if name.count(".") > DEEPEST:
        return None
    body: str | Tree = source.native
    found: list[str] = []
    for part in name.split("."):
        if isinstance(body, dict):
            declared = {member.lower(): member for member in body}
            if part.lower() not in declared:
                return None
            found.append(declared[part.lower()])
            body = body[found[-1]]
        elif part and (body == "JSON" or (body.endswith("[]") and part.isdecimal())):
            found.append(part)
            body = "JSON"
        else:
            return None
    return ".".join(found)


def answer_cells(row: bytes) -> dict[str, str] | None:
    """The columns and cells of such a row, what is null being empty; None where it is none.
    CloudWatch Logs has `[{"field": "srcAddr", "value": "10.0.0.1"}]`, CloudTrail Lake a list of one
    cell each, `[{"eventID": "..."}, {"eventName": "..."}]`."""
    try:
        listed = _CELLS.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    cells: dict[str, str] = {}
    for one in listed:
        pairs = [(one["field"] or "", one["value"])] if one.keys() == _FIELD else one.items()
        for name, value in pairs:
            cells[name] = cells.get(name) or value or ""
    return cells


def cells_object(cells: dict[str, str]) -> bytes:
    """The cells of a row as a JSON object."""
    return json.dumps(cells, ensure_ascii=False).encode("utf-8", "surrogatepass")


def as_object(text: bytes) -> bytes:
    """A row that is a list of cells (`get-query-results`) as the JSON object that it was read as;
    any other text as it is."""
    cells = answer_cells(text) if text[:1] == b"[" else None
    return text if cells is None else cells_object(cells)


def row_record(source: Source, text: str) -> tuple[str, Wrap]:
    """The record that a row is which is a JSON object, and what the row says of the log event; the
    text itself where it is no object."""
    cells = members(text)
    if cells is None:
        return text, NO_WRAP
    names = tuple(cells)
    values = [bytes(raw).decode() for raw in cells.values()]
    record: dict[str, object] = {}
    for name, path, value in zip(names, row_paths(source, names), values, strict=True):
        if path is None:
            if not name.startswith(ABOUT):
                record[name] = value  # to be counted as unknown
        elif value not in _EMPTY or path in source.empty:
            put(record, path, value_json(source, path, '""' if value == "null" else value))
    texts = (json.loads(value, strict=False) if value[:1] == '"' else value for value in values)
    return written(record), said(dict(zip(names, texts, strict=True)))


def cells_record(source: Source, paths: Sequence[str | None], cells: Sequence[str]) -> str:
    """The record that a row of cells is."""
    record: dict[str, object] = {}
    for path, value in zip(paths, cells, strict=True):
        if path and (value or path in source.empty):
            put(record, path, cell_json(source, path, value))
    return written(record)


def said(cells: Mapping[str, str]) -> Wrap:
    """What a row of Logs Insights says of the log event."""
    told = row_wrap(cells.get("@timestamp"), cells.get("@log"), cells.get("@logStream"))
    return NO_WRAP if told == NO_WRAP else told


def put(record: dict[str, object], path: str, value: str) -> None:
    """Of two columns for one member the first that has something is taken."""
    parts = path.split(".")
    for name, below in pairwise(parts):
        inner = record.setdefault(name, Items() if below.isdecimal() else {})
        if not isinstance(inner, dict) or isinstance(inner, Items) != below.isdecimal():
            return
        record = inner
    if record.get(parts[-1], '""') == '""':
        record[parts[-1]] = value
