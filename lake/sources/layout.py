"""What `export.toml` says of a source: how its documents differ from its rows.

A row's field sets and `native` become a document by one rule for every source (`documents`); the
exceptions are data: columns of a log that the row model keeps under ECS names alone, members of
JSON members that are fields of their own, what is also searched by word, how indices rotate. Every
dotted name here is a document's.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lake.errors import SourceError
from lake.paths import resource
from lake.sources.fieldsets import Tree, ecs_leaves, field_sets, leaves

if TYPE_CHECKING:
    from pathlib import Path

    from lake.sources.source import Source

ROTATIONS = {"yearly": "%Y", "monthly": "%Y-%m", "weekly": "%Y-w%W", "daily": "%Y-%m-%d"}
"""How often an index is followed by the next -> how the time stands in its name."""
FLAT, ASIDE = "flat", "native"
"""Where a document has the whole of JSON members some of whose members are fields of their own, and
native members whose name is a field set's."""
_ALL = {"text", "ip", "geo_point"}
_OWN = {"rotation", "text", "ip", "members", "fields"}
_FIELDS = ("keyword", "long", "double")


@dataclass(frozen=True, slots=True)
class Layout:
    """`members`: name at a document's top -> leaf of the row. `fields`: dotted name of a member
    within a JSON member -> type. `aside`: native members whose name is a field set's, which stand
    under `native`. `text`, `ip`, `geo_point`: names of leaves."""

    rotation: str
    members: dict[str, str]
    fields: dict[str, str]
    aside: frozenset[str]
    text: frozenset[str]
    ip: frozenset[str]
    geo_point: frozenset[str]


@cache
def layout_of(source: Source) -> Layout:
    """A source's layout. Raises SourceError that names the file and the wrong entry."""
    path = source.folder / "export.toml"
    own = _read(path, _OWN)
    common = _common()
    layout = Layout(
        rotation=own.get("rotation", "monthly"),
        members=own.get("members", {}),
        fields=own.get("fields", {}),
        aside=frozenset(source.native) & frozenset(field_sets()),
        text=frozenset(common.get("text", [])) | frozenset(own.get("text", [])),
        ip=frozenset(common.get("ip", [])) | frozenset(own.get("ip", [])),
        geo_point=frozenset(common.get("geo_point", [])),
    )
    _check(path, source, layout, own)
    return layout


@cache
def _common() -> dict[str, Any]:
    path = resource("transforms") / "export.toml"
    common = _read(path, _ALL)
    known = {*ecs_leaves(), *common["geo_point"]}
    wrong = sorted({name for names in common.values() for name in names} - known)
    if wrong:
        raise SourceError(f"{path}: {wrong[0]!r} is no leaf of ecs.toml")
    return common


def _read(path: Path, known: set[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}. Mend the file.") from error
    wrong = sorted(set(declared) - known)
    if wrong:
        raise SourceError(f"{path}: there is no {wrong[0]!r} here. Known: {sorted(known)}")
    return declared


def _check(path: Path, source: Source, layout: Layout, own: dict[str, Any]) -> None:
    if layout.rotation not in ROTATIONS:
        raise SourceError(f"{path}: rotation is one of {', '.join(ROTATIONS)}")
    for name, leaf in layout.members.items():
        if leaf not in ecs_leaves():
            raise SourceError(f"{path}: members.{name}: {leaf!r} is no leaf of ecs.toml")
        if name in field_sets() or "." in name:
            raise SourceError(f"{path}: members.{name}: a field set has this name, or it has a dot")
    for name, kind in layout.fields.items():
        top, _, inner = name.partition(".")
        if source.native.get(top) != "JSON" or not inner or "." in inner:
            raise SourceError(f"{path}: fields: {name!r} is no member of a JSON member of [native]")
        if kind not in _FIELDS:
            raise SourceError(f"{path}: fields.{name!r}: the type is one of {', '.join(_FIELDS)}")
    for name, needed in ((FLAT, layout.fields), (ASIDE, layout.aside)):
        if needed and name in source.native:
            raise SourceError(f"{path}: [native] has a {name!r}, which documents have otherwise")
    native: Tree = source.native
    known = {leaf.name for leaf in leaves(native)}
    for entry in ("text", "ip"):
        if wrong := sorted(set(own.get(entry, [])) - known):
            raise SourceError(f"{path}: {entry}: {wrong[0]!r} is no leaf of [native]")
