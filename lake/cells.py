"""A cell of a table of events -> JSON, by the type that the source declares for its member.

Athena and CloudTrail Lake print a STRUCT as `{type=IAMUser, arn=null}`, without quotes. Only the
names that [native] declares tell where a value ends; where they do not tell for certain (a name
that is not declared or comes twice, a brace in a value, a map of more than one entry) the cell
stays the text that it is. JSON in a cell goes on as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from lake.frames import is_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.fieldsets import Tree
    from lake.sources import Source

_NAME = re.compile(r"([^\W\d]\w*)=")
_TEXT = re.compile(r"[^{}]*?(?=, [^\W\d]\w*=|\})")
"""A value up to the next name, or to the end of its STRUCT."""
_NULL = re.compile(r"null(?=, |[}\]]|\Z)")
_MAP = re.compile(r"\{[^{}]*\}")
_ENTRY = re.compile(r"\{([^{}=,]+)=([^{}=,]*)\}")
"""A map of one entry, of which nothing can be another one."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a member holds: `members` of a STRUCT by their names in lower case, or a list of such,
    or JSON; else plain text."""

    members: dict[str, tuple[str, _Kind]] | None = None
    listed: bool = False
    is_json: bool = False


_PLAIN = _Kind()


def cell_json(source: Source, path: str, text: str) -> str:
    """The JSON text of a cell that holds the member at a dotted path."""
    kind = _declared(source, path)
    if kind is not _PLAIN:
        if text[:1] in ("{", "[") and is_value(text.encode()):
            return text
        try:
            value, end = _value(text, 0, kind)
        except ValueError:
            end = -1
        if end == len(text):
            return value
    return _quoted(text)


@cache
def _declared(source: Source, path: str) -> _Kind:
    body: str | Tree = source.native
    for name in path.split("."):
        body = body.get(name, "") if isinstance(body, dict) else ""
    return _kind(body)


def _kind(body: str | Tree) -> _Kind:
    if isinstance(body, dict):
        return _Kind({name.lower(): (name, _kind(inner)) for name, inner in body.items()})
    if body == "JSON":
        return _Kind(is_json=True)
    if body.startswith("STRUCT(") and body.endswith(")[]"):
        members = duckdb.sqltype(body.removesuffix("[]")).children
        return _Kind({name.lower(): (name, _PLAIN) for name, _ in members}, listed=True)
    return _PLAIN


def _value(text: str, at: int, kind: _Kind) -> tuple[str, int]:
    """The value that begins at a place, as JSON, and where it ends. Raises ValueError where that
    cannot be told."""
    if _NULL.match(text, at):
        return "null", at + 4
    if kind.members is not None:
        return (_list if kind.listed else _struct)(text, at, kind.members)
    if kind.is_json:
        found = _matched(_MAP, text, at)
        entry = _ENTRY.fullmatch(found[0])
        if entry is not None:
            return written({entry[1]: _quoted(entry[2])}), found.end()
        return found[0] if found[0] == "{}" else _quoted(found[0]), found.end()
    found = _matched(_TEXT, text, at)
    return _quoted(found[0]), found.end()


def _list(text: str, at: int, members: dict[str, tuple[str, _Kind]]) -> tuple[str, int]:
    if text.startswith("[]", at):
        return "[]", at + 2
    found: list[str] = []
    at = _after("[", text, at)
    while True:
        value, at = _struct(text, at, members)
        found.append(value)
        if text.startswith("]", at):
            return f"[{', '.join(found)}]", at + 1
        at = _after(", ", text, at)


def _struct(text: str, at: int, members: dict[str, tuple[str, _Kind]]) -> tuple[str, int]:
    found: dict[str, str] = {}
    at = _after("{", text, at)
    while True:
        named = _matched(_NAME, text, at)
        name, kind = members.get(named[1].lower(), (None, _PLAIN))
        if name is None or name in found:
            raise ValueError(named[1])
        found[name], at = _value(text, named.end(), kind)
        if text.startswith("}", at):
            return written(found), at + 1
        at = _after(", ", text, at)


def _after(mark: str, text: str, at: int) -> int:
    if not text.startswith(mark, at):
        raise ValueError(mark)
    return at + len(mark)


def _matched(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(pattern.pattern)
    return found


def written(members: Mapping[str, object]) -> str:
    """A JSON object of members whose values are JSON texts, or such objects again."""
    shown = (
        f"{_quoted(name)}: {written(value) if isinstance(value, dict) else value}"
        for name, value in members.items()
    )
    return f"{{{', '.join(shown)}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
