"""What reading JSON records as `[native]` declares them leaves out: members that it does not name,
and values that are not of their declared type, of which DuckDB's from_json makes NULL, or 2 of 1.5.

msgspec goes through every record with the declared types: 2.8 µs a CloudTrail event where from_json
takes 12.9 and json_keys, for the names alone, 5.1. Only a record that does not fit is looked at in
Python, value by value. Nothing is changed here: event.original has what came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, cast

import duckdb
import msgspec

from lake.decode.pieces import members_of
from lake.errors import SourceError
from lake.sources.fieldsets import type_sql
from lake.sources.spelling import ODD, own_names

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from lake.sources.catalogue import Catalogue
    from lake.sources.source import Source

Declared = duckdb.sqltypes.DuckDBPyType
LEARNED = 64
"""Members unknown to a source that the fast way learns to pass over and count."""
_RANGES = {"BIGINT": 63, "INTEGER": 31}
_ANY = msgspec.json.Decoder()
_WHOLE_NUMBER = re.compile(r"\s*[+-]?\d{1,19}\s*")
_TRUTHS = {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"}
_LEARNABLE = re.compile(r'[^\x00-\x1f"\\]{1,200}').fullmatch
"""A name that msgspec takes for a member's."""
_ODD = {keys: re.compile(pattern.encode()) for keys, pattern in ODD.items()}


@dataclass(slots=True)
class Losses:
    """The records of one source in one object; counts go to `unknown` and `lossy`, by member."""

    source: Source
    catalogue: Catalogue
    unknown: Counter[str]
    lossy: Counter[str]
    _learned: list[str] = field(default_factory=list)

    def look(self, texts: Sequence[bytes]) -> None:
        """Count what the records' native STRUCTs will not hold."""
        learned = tuple(self._learned)
        order = tuple(members_of(texts[0]) or ()) if texts else ()
        decode = _decoder(self.source, learned, order).decode
        for text in texts:
            try:
                record = decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._look_closely(text)
                if len(self._learned) > len(learned):
                    learned = tuple(self._learned)
                    decode = _decoder(self.source, learned, order).decode
                continue
            for at, name in enumerate(learned):
                if getattr(record, f"learned_{at}") is not None:
                    self.unknown[name] += 1

    def _look_closely(self, text: bytes) -> None:
        if self.source.keys is not None and _ODD[self.source.keys].match(text):
            text = own_names(text.decode("utf-8", "replace"), self.source).encode()
        try:
            record = _ANY.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # no JSON object: it becomes a reject
        if not isinstance(record, dict):
            return
        known = {name.lower() for name in self.source.native}
        others = [name for name in record if name.lower() not in known]
        best = self.catalogue.by_members(record)[:1]
        if others and best != [self.source] and (best or 2 * len(others) > len(record)):
            return  # another source's record, or an envelope; it is recognised by itself
        for name in others:
            self.unknown[name[:200]] += 1
            if len(self._learned) < LEARNED and name not in self._learned and _LEARNABLE(name):
                self._learned.append(name)
        for path in set(_lost(record, _declared(self.source))):
            self.lossy[path] += 1


def _members(declared: Declared) -> list[tuple[str, Declared]]:
    """A STRUCT's members, or a list's one kind of item."""
    return cast("list[tuple[str, Declared]]", declared.children)


@cache
def _declared(source: Source) -> Declared:
    try:
        return duckdb.sqltype(type_sql(source.native))
    except duckdb.Error as error:
        raise SourceError(f"{source.folder / 'source.toml'}: [native]: {error}") from error


@lru_cache(maxsize=256)
def _decoder(
    source: Source, learned: tuple[str, ...], order: tuple[str, ...]
) -> msgspec.json.Decoder[Any]:
    """Numbers and truth values may stand in text, as from_json takes them. msgspec looks for a
    member after the one before it: with the members in the `order` of the log that takes half as
    long."""
    members: list[tuple[str, Any, Any]] = []
    names: dict[str, str] = {}
    place = {name: at for at, name in enumerate(order)}
    every = sorted(_members(_declared(source)), key=lambda one: place.get(one[0], len(place)))
    for at, (name, declared) in enumerate(every):
        names[f"member_{at}"] = name
        members.append((f"member_{at}", _type(declared) or msgspec.Raw, None))
    for at, name in enumerate(learned):
        names[f"learned_{at}"] = name
        members.append((f"learned_{at}", msgspec.Raw, None))
    whole = msgspec.defstruct("Record", members, rename=names, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(whole, strict=False)


def _type(declared: Declared) -> Any:  # noqa: ANN401
    """The msgspec type that a declared type's values have; None where any value is kept."""
    if declared.id in ("bigint", "integer"):
        bits = _RANGES[str(declared)]
        return Annotated[int, msgspec.Meta(ge=-(2**bits), le=2**bits - 1)] | None
    if declared.id == "double":
        return float | None
    if declared.id == "boolean":
        return bool | None
    if declared.id == "list":
        return list[_type(_members(declared)[0][1]) or msgspec.Raw] | None  # type: ignore[misc]
    if declared.id == "struct":
        inner = [(name, _type(kind)) for name, kind in _members(declared)]
        names = {f"member_{at}": name for at, (name, _) in enumerate(inner)}
        members = [(f"member_{at}", t, None) for at, (_, t) in enumerate(inner) if t is not None]
        return msgspec.defstruct("Part", members, rename=names, gc=False) | None
    return None


def _lost(value: object, declared: Declared, path: str = "") -> Iterator[str]:
    """The paths of what from_json changes or leaves out; empty text is nothing to lose."""
    if value is None or value == "":
        return
    if declared.id == "struct" and isinstance(value, dict):
        for name, kind in _members(declared):
            if name in value:
                yield from _lost(value[name], kind, f"{path}.{name}" if path else name)
    elif declared.id == "list" and isinstance(value, list):
        for item in value:
            yield from _lost(item, _members(declared)[0][1], path + "[]")
    elif not _kept(value, declared):
        yield path


def _kept(value: object, declared: Declared) -> bool:
    if declared.id in ("bigint", "integer"):
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        limit = 2 ** _RANGES[str(declared)]
        return -limit <= value < limit and value == value // 1
    if declared.id == "double":
        return _is_number(value)
    if declared.id == "boolean":
        return value in (0, 1) or (isinstance(value, str) and value.lower() in _TRUTHS)
    return declared.id not in ("struct", "list")


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return abs(float(value)) < float("inf")
    except (ValueError, OverflowError):
        return False
