"""The terms that a search is made of, and how those that stand side by side are joined."""

from __future__ import annotations

from dataclasses import dataclass

from lake.filters.fields import WITHIN, type_of


@dataclass(frozen=True, slots=True)
class Leaf:
    """A test of one field; `op` is `=`, `<`, `like`, `within`, `text` or `set`. `end` is a further
    order and its parameter: of a list, one item keeps both."""

    field: str
    op: str
    param: str = ""
    end: tuple[str, str] | None = None

    @property
    def tests(self) -> tuple[tuple[str, str], ...]:
        """Operators and their parameters."""
        return ((self.op, self.param), *([self.end] if self.end else []))


@dataclass(frozen=True, slots=True)
class Not:
    """What must not fit."""

    part: Node


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts of which `word` (AND, OR) says whether all or one must fit."""

    word: str
    parts: tuple[Node, ...]


Node = Leaf | Not | Joined


def leaves(node: Node) -> list[Leaf]:
    """All tests in a search, from left to right."""
    if isinstance(node, Leaf):
        return [node]
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return [leaf for part in parts for leaf in leaves(part)]


def join(word: str, parts: list[Node]) -> Node:
    """Parts joined by AND or OR; a single one stands alone."""
    return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))


def together(parts: list[Node], tied: list[bool]) -> list[Node]:
    """Values of one field that stand side by side without AND become one part, of which any may
    fit: a row has only one. Lists have several, and all must be there."""
    kept: list[Node] = []
    places: dict[str, int] = {}
    for node, fast in zip(parts, tied, strict=True):
        name = None if fast else _only_field(node)
        if name in places:
            before = kept[places[name]]
            same = before.parts if isinstance(before, Joined) else (before,)
            kept[places[name]] = Joined("OR", (*same, node))
            continue
        if name:
            places[name] = len(kept)
        kept.append(node)
    return kept


def _only_field(node: Node) -> str | None:
    if isinstance(node, Leaf):
        kind = type_of(node.field)
        listed = kind.endswith("[]") and kind != WITHIN  # of which a row has one, mostly
        return node.field if node.op in ("=", "like", "within") and not listed else None
    if isinstance(node, Joined) and node.word == "OR":
        named = {_only_field(part) for part in node.parts}
        return named.pop() if len(named) == 1 else None
    return None
