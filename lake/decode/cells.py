"""A cell of a table of events -> JSON, by the type that the source declares for its member.

Athena and CloudTrail Lake print a STRUCT as `{type=IAMUser, arn=null}`, without quotes. Its values
end where a name follows that [native] declares. Where that does not work out (a name that is not
declared or comes twice, braces that do not pair) the cell stays text. Maps are printed alike, and
their names are declared nowhere: what looks like a name behind a comma is taken for one. JSON in a
cell is kept, but for the case of its names, since Athena writes them in lower case; so is what
Python printed (`{'type': 'IAMUser', 'arn': None}`), as pandas writes an event to CSV.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb
import msgspec

from lake.decode.pieces import is_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

_NAME = re.compile(r"([^\W\d]\w*)=")
_MARK = re.compile(r"[{}]|, ([^\W\d]\w*)=")
"""What may end a value of a STRUCT: the next name, or the STRUCT's end."""
_ENTRY = re.compile(r"([^\W\d][\w.:/-]*)=")
_ENTRY_MARK = re.compile(r"[{}]|, ([^\W\d][\w.:/-]*)=")
"""The name before a value of a map, and what may end the value."""
_BEHIND = re.compile(r"\Z|[}\]]|, ")
"""What must follow a brace that ends a STRUCT or a map."""
_NULL = re.compile(r"null(?=, |[}\]]|\Z)")
_ITEM = re.compile(r"[^{}\[\],]*")
"""The only item of a list of texts: with a comma in it, it could be two."""
_PYTHON = re.compile(r"\[*\{'")
_JSON = json.JSONDecoder()
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a member holds: `members` of a STRUCT by their folded names, a list of `item`, or
    JSON; else plain text."""

    members: dict[str, tuple[str, _Kind]] | None = None
    item: _Kind | None = None
    is_json: bool = False


_PLAIN = _Kind()


def folded(name: str) -> str:
    """A name without case and underscores, so that `principal_id` finds `principalId`."""
    return name.lower().replace("_", "")


def cell_json(source: Source, path: str, text: str) -> str:
    """The JSON text of a cell that holds the member at a dotted path."""
    kind = _declared(source, path)
    if kind is not _PLAIN:
        if text[:1] in ("{", "[") and is_value(_bytes(text)):
            return _respelt(text, kind)
        if _PYTHON.match(text) and (printed := _printed(text)) is not None:
            return _respelt(printed, kind)
        try:
            value, end = _value(text, 0, kind, frozenset())
        except ValueError:
            end = -1
        if end == len(text):
            return value
    return _quoted(text)


def _printed(text: str) -> str | None:
    """What Python printed, as JSON; None where the text is no Python literal."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that are none
            said = json.dumps(ast.literal_eval(text), ensure_ascii=False, allow_nan=False)
        said.encode()
        return said
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def value_json(source: Source, path: str, text: str) -> str:
    """A JSON value of the member at a dotted path, with names as the source declares them. A string
    is taken for a cell, and what is in it read."""
    if text[:1] == '"':
        return cell_json(source, path, json.loads(text, strict=False))
    return _respelt(text, _declared(source, path))


def _respelt(text: str, kind: _Kind) -> str:
    """A JSON value with declared names in their own case; all else unchanged."""
    try:
        if kind.item is not None and text[:1] == "[":
            items = _RAWS.decode(text)
            return f"[{', '.join(_respelt(bytes(one).decode(), kind.item) for one in items)}]"
        if kind.members is not None and text[:1] == "{":
            found: dict[str, str] = {}
            for name, raw in _MEMBERS.decode(text).items():
                own, inner = kind.members.get(folded(name), (name, _PLAIN))
                found[own] = _respelt(bytes(raw).decode(), inner)
            return object_text(found)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    return text


def is_nested(source: Source, path: str) -> bool:
    """Whether the member is declared as more than plain text or a number."""
    return _declared(source, path) is not _PLAIN


@cache
def _declared(source: Source, path: str) -> _Kind:
    body: str | Tree = source.native
    for name in path.split("."):
        body = body.get(name, "") if isinstance(body, dict) else ""
    return _kind(body)


def _kind(body: str | Tree) -> _Kind:
    if isinstance(body, dict):
        return _Kind({folded(name): (name, _kind(inner)) for name, inner in body.items()})
    if body == "JSON":
        return _Kind(is_json=True)
    return _kind_of(duckdb.sqltype(body)) if "[]" in body else _PLAIN


def _kind_of(kind: duckdb.sqltypes.DuckDBPyType) -> _Kind:
    if kind.id == "list":
        return _Kind(item=_kind_of(kind.children[0][1]))  # type: ignore[arg-type]
    if kind.id == "struct":
        return _Kind({folded(n): (n, _kind_of(inner)) for n, inner in kind.children})  # type: ignore[arg-type]
    return _PLAIN


def _value(text: str, at: int, kind: _Kind, left: frozenset[str]) -> tuple[str, int]:
    """The value that begins at a place, as JSON, and where it ends; `left` are the names that its
    STRUCT has not had yet. Raises ValueError where the end cannot be told."""
    if _NULL.match(text, at):
        return "null", at + 4
    if kind.item is not None:
        return _list(text, at, kind.item)
    if kind.members is not None:
        return _struct(text, at, kind.members)
    if kind.is_json:
        return _map(text, at)
    end = _text_end(text, at, _MARK, left)
    return _quoted(text[at:end]), end


def _text_end(
    text: str, at: int, marks: re.Pattern[str], left: frozenset[str] | None = None
) -> int:
    """Where a text ends. Raises ValueError where that cannot be told.

    A text may hold braces of its own (`${jndi:x}`). `left` are the names that its STRUCT has not
    had yet: any other name belongs to the text (`Credential=a, Signature=b`). None for a map, in
    which any name ends it.
    """
    depth = 0
    for mark in marks.finditer(text, at):
        if mark[0] == "{":
            depth += 1
        elif mark[0] == "}":
            if not depth and _BEHIND.match(text, mark.end()):
                return mark.start()
            depth = max(0, depth - 1)
        elif folded(mark[1]) in (left or ()) or (left != frozenset() and not depth):
            return mark.start()
    raise ValueError(text[at:])


def _list(text: str, at: int, item: _Kind) -> tuple[str, int]:
    if text.startswith("[]", at):
        return "[]", at + 2
    found: list[str] = []
    at = _after("[", text, at)
    while True:
        if item is _PLAIN:
            only = _matched(_ITEM, text, at)
            value, at = _quoted(only[0]), only.end()
        else:
            value, at = _value(text, at, item, frozenset())
        found.append(value)
        if text.startswith("]", at):
            return f"[{', '.join(found)}]", at + 1
        if item is _PLAIN:
            raise ValueError("more than one item")
        at = _after(", ", text, at)


def _struct(text: str, at: int, members: dict[str, tuple[str, _Kind]]) -> tuple[str, int]:
    found: dict[str, str] = {}
    at = _after("{", text, at)
    while True:
        named = _matched(_NAME, text, at)
        name, kind = members.get(folded(named[1]), (None, _PLAIN))
        if name is None or name in found:
            raise ValueError(named[1])
        left = frozenset(small for small, (own, _) in members.items() if own not in found)
        found[name], at = _value(text, named.end(), kind, left - {folded(named[1])})
        if text.startswith("}", at):
            return object_text(found), at + 1
        at = _after(", ", text, at)


def _map(text: str, at: int) -> tuple[str, int]:
    if text.startswith("{}", at):
        return "{}", at + 2
    found: dict[str, str] = {}
    at = _after("{", text, at)
    while True:
        named = _matched(_ENTRY, text, at)
        if named[1] in found:
            raise ValueError(named[1])
        found[named[1]], at = _entry(text, named.end())
        if text.startswith("}", at):
            return object_text(found), at + 1
        at = _after(", ", text, at)


def _entry(text: str, at: int) -> tuple[str, int]:
    """A map's value: JSON, as the event has it, or text."""
    if _NULL.match(text, at):
        return "null", at + 4
    if text[at : at + 1] in ("{", "["):
        try:
            _, end = _JSON.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = -1
        if end > 0 and _ENTRY_MARK.match(text, end) and is_value(_bytes(text[at:end])):
            return text[at:end], end
    end = _text_end(text, at, _ENTRY_MARK)
    return _quoted(text[at:end]), end


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _after(mark: str, text: str, at: int) -> int:
    if not text.startswith(mark, at):
        raise ValueError(mark)
    return at + len(mark)


def _matched(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    if found is None:
        raise ValueError(pattern.pattern)
    return found


class Items(dict[str, object]):
    """A list as it is put together: its items by their numbers, as text."""


def object_text(members: Mapping[str, object]) -> str:
    """The JSON text of an object, or of a list (`Items`). Values are JSON texts, or mappings like
    this one."""
    if isinstance(members, Items):
        return f"[{', '.join(_shown(members[number]) for number in sorted(members, key=int))}]"
    return f"{{{', '.join(f'{_quoted(name)}: {_shown(v)}' for name, v in members.items())}}}"


def _shown(value: object) -> str:
    return object_text(value) if isinstance(value, dict) else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
