"""The row model as types: reads `transforms/ecs.toml` and gives every field set its DuckDB type.

It decides which dotted names a `normalize.sql` may fill and how they nest; what fills them is the
source's business. Names follow ECS 8 (https://www.elastic.co/guide/en/ecs/current/).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Any

from lake.errors import SourceError
from lake.paths import resource

Tree = dict[str, "str | Tree"]
"""Member name -> DuckDB type, or the members of a STRUCT."""

PARTITION = {"account": "VARCHAR", "region": "VARCHAR", "date": "DATE"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of the row model: its dotted name (`source.geo.city_name`) and DuckDB type."""

    name: str
    type: str


@cache
def _declared() -> dict[str, Any]:
    with (resource("transforms") / "ecs.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def field_sets() -> dict[str, Tree]:
    """Every ECS field set of the lake, in the order of the columns."""
    types = _declared()["types"]
    return {name: _resolve(body, types, (name,)) for name, body in _declared()["sets"].items()}


def core_sets() -> list[str]:
    """The field sets that every table has, and with them the view `events`."""
    return list(_declared()["core"])


def sought() -> list[str]:
    """The leaves by which one thing is looked for: files have Bloom filters of them."""
    return list(_declared()["sought"])


def _resolve(body: Any, types: dict[str, Any], seen: tuple[str, ...]) -> Any:  # noqa: ANN401
    if isinstance(body, dict):
        return {key: _resolve(value, types, seen) for key, value in body.items()}
    if not body.startswith("@"):
        return body
    name = body[1:]
    if name not in types or name in seen[1:]:
        raise SourceError(f"ecs.toml: {'.'.join(seen)} refers to {body}, which is not a type")
    return _resolve(types[name], types, (*seen, name))


@cache
def ecs_leaves() -> dict[str, str]:
    """Dotted leaf name -> DuckDB type, over all field sets."""
    return {leaf.name: leaf.type for leaf in leaves(dict(field_sets()))}


def leaves(tree: Tree, prefix: str = "") -> list[Leaf]:
    """The leaves below a tree, depth first, in order."""
    found: list[Leaf] = []
    for name, body in tree.items():
        if isinstance(body, dict):
            found += leaves(body, f"{prefix}{name}.")
        else:
            found.append(Leaf(prefix + name, body))
    return found


def quote(name: str) -> str:
    """A SQL identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def path_sql(leaf: str) -> str:
    """A leaf's dotted name in SQL: `"native"."service"."count"`."""
    return ".".join(map(quote, leaf.split(".")))


def packed(body: object) -> str:
    """SQL that packs a STRUCT: a tree of its members, whose leaves say where each is found."""
    if isinstance(body, dict):
        return f"struct_pack({', '.join(f'{quote(n)} := {packed(b)}' for n, b in body.items())})"
    return path_sql(str(body))


def literal(text: str) -> str:
    """A SQL string literal. Only for text of the project's own or checked by an allow-list."""
    return "'" + text.replace("'", "''") + "'"


def type_sql(body: str | Tree) -> str:
    """The DuckDB type of a tree: `STRUCT("ip" VARCHAR, "geo" STRUCT(...))`. JSON is text."""
    if isinstance(body, str):
        return "VARCHAR" if body == "JSON" else body
    inner = ", ".join(f"{quote(name)} {type_sql(member)}" for name, member in body.items())
    return f"STRUCT({inner})"


def prune(tree: Tree, used: set[str], prefix: str = "") -> Tree:
    """The tree with the leaves that are used, and of every STRUCT with its first leaf, used or not:
    so leaves may be added to its files' type later, never a STRUCT, and none ever goes."""
    first = next((name for name, body in tree.items() if isinstance(body, str)), None)
    kept: Tree = {}
    for name, body in tree.items():
        path = prefix + name
        if path in used or name == first:
            kept[name] = body
        elif isinstance(body, dict):
            kept[name] = prune(body, used, path + ".")
    return kept
