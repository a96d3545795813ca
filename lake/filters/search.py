"""The language of the search box: `event.outcome:failure source.ip:10.0.0.0/8 NOT "sts"`.

It gives SQL whose values are parameters for what `lake.filters.search_text` has read. A row without
a field does not match a term on it, so a table that has no such field answers as one where it is
empty. docs/search.md has the language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lake.filters.entities import leaves_of
from lake.filters.fields import (
    WITHIN,
    Clause,
    column_of,
    field_sql,
    fields_of,
    is_behind,
    type_of,
)
from lake.filters.filters import Filter
from lake.filters.own_names import kept_as
from lake.filters.search_terms import Joined, Leaf, Node, Not, leaves
from lake.filters.search_text import TEXT, read_text
from lake.words import Sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Search:
    """A search that has been read, which may name accounts by those of `names` (number, name).
    Raises UsageError that says where it cannot be, and what to write instead. An empty text is
    none: see `read_search`."""

    text: str
    names: tuple[tuple[str, str], ...] = ()
    root: Node = field(init=False, compare=False, repr=False)
    params: tuple[tuple[str, Any], ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        root, params = read_text(self.text, self.names)
        object.__setattr__(self, "root", root)
        object.__setattr__(self, "params", params)

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that it names, once each."""
        tests = (leaf for leaf in leaves(self.root) if leaf.op != "text")
        named = (column_of(name) for leaf in tests for name in leaves_of(leaf.field))
        return tuple(dict.fromkeys(named))

    @property
    def has_words(self) -> bool:
        """Whether something of it is looked for in the record as it came."""
        return any(leaf.field == TEXT for leaf in leaves(self.root))

    def missing(self, table: str) -> tuple[str, ...]:
        """The fields that neither a table has nor one of those behind a view; what is asked of them
        fits no row of it."""
        return tuple(name for name in self.fields if not is_behind(table, name))

    def clause(self, table: str) -> Clause:
        """The condition for a table, with the parameters that it uses."""
        sql = _sql(self.root, table)
        used = {
            param for leaf in leaves(self.root) if _asked(leaf, table) for _, param in leaf.tests
        }
        return Clause(sql, tuple((name, value) for name, value in self.params if name in used))

    @property
    def filters(self) -> tuple[Filter, ...]:
        """Filters that together take the same rows; none where it is more than values that fields
        have, or have not, joined by AND."""
        joined = isinstance(self.root, Joined) and self.root.word == "AND"
        parts = self.root.parts if joined else (self.root,)  # type: ignore[union-attr]
        values = dict(self.params)
        found = [one for part in parts for one in _as_filters(part, values)]
        return tuple(one for one in found if one) if all(found) else ()

    def words(self) -> Sentence:
        """As a sentence says it."""
        return Sentence("search {text}", text=self.text.strip())


def read_search(text: str | None, names: Mapping[str, str] | None = None) -> Search | None:
    """A search, or None for a text that asks for nothing; `names` are those of accounts, by number.
    Raises UsageError."""
    return Search(text, tuple((names or {}).items())) if text and text.strip() else None


_FILTERS = {"=": "is", "set": "set", ">=": "from", "<": "below"}


def _as_filters(node: Node, values: dict[str, Any]) -> list[Filter | None]:
    """One term of a search as filters; None stands for what is no filter."""
    if isinstance(node, Not):
        inside = _as_filters(node.part, values)
        return [inside[0].opposite if len(inside) == 1 and inside[0] else None]
    if isinstance(node, Joined):
        found = leaves(node) if all(isinstance(part, Leaf) for part in node.parts) else []
        one_field = len({leaf.field for leaf in found}) == 1
        if node.word != "OR" or not one_field or any(leaf.op != "=" or leaf.end for leaf in found):
            return [None]
        given = tuple(_text(values[leaf.param]) for leaf in found)
        return [Filter(found[0].field, "is", given)]
    kind = type_of(node.field)
    ordered = not kind.endswith("[]") and kind != WITHIN
    return [
        Filter(node.field, _FILTERS[op], _text(values[param]) if param else ())
        if op in ("=", "set") or (op in _FILTERS and ordered)
        else None
        for op, param in node.tests
    ]


def _text(value: Any) -> str:  # noqa: ANN401  as many types as fields have
    """A value as a filter has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _asked(leaf: Leaf, table: str) -> list[str]:
    """The fields of a table that a test is of; none where it has none of them."""
    known = fields_of(table)
    names = (kept_as(table, name, known) for name in leaves_of(leaf.field))
    return [name for name in names if column_of(name) in known]


def _sql(node: Node, table: str) -> str:
    if isinstance(node, Not):
        return f"coalesce(NOT ({_sql(node.part, table)}), true)"
    if isinstance(node, Joined):
        return "(" + f" {node.word} ".join(_sql(part, table) for part in node.parts) + ")"
    known = fields_of(table)
    tests = [_test(node, name, known.get(name, WITHIN)) for name in _asked(node, table)]
    return f"({' OR '.join(tests)})" if len(tests) > 1 else tests[0] if tests else "false"


def _test(leaf: Leaf, field: str, own: str) -> str:
    """The test of a field of this type; a list fits where one item of it does."""
    name = field_sql(field)
    if leaf.op == "set":
        return f"{name} IS NOT NULL"
    listed, kind, alike = own.endswith("[]"), own.removesuffix("[]"), own == type_of(leaf.field)
    if leaf.op == "=" and listed and (alike or kind in ("VARCHAR", "JSON")):
        return f"list_contains({name}, ${leaf.param})"
    item = "x" if listed else name
    test = " AND ".join(_item_test(op, item, f"${p}", kind, alike) for op, p in leaf.tests)
    if listed:
        return f"len(list_filter({name}, lambda x: {test})) > 0"
    return f"({test})" if leaf.end else test


def _item_test(op: str, item: str, given: str, kind: str, typed_alike: bool) -> str:
    if kind == "JSON" and op in _MEMBER_TESTS:
        return _MEMBER_TESTS[op].format(item=item, op=op, given=given)
    if op in _ORDERS and not typed_alike:  # the value is a text, since tables differ in type
        given = f"TRY_CAST({given} AS {kind})"
    elif op == "like" or not typed_alike:
        item = item if kind in ("VARCHAR", "JSON") else f"CAST({item} AS VARCHAR)"
    return _TESTS.get(op, "{item} {op} {given}").format(item=item, op=op, given=given)


_ORDERS = ("<", "<=", ">", ">=")
_MEMBER_ORDER = (
    "CASE WHEN TRY_CAST({given} AS DOUBLE) IS NULL THEN {item} {op} {given} "
    "ELSE TRY_CAST({item} AS DOUBLE) {op} TRY_CAST({given} AS DOUBLE) END"
)
"""Of members of JSON numbers are compared with a number, texts with a text."""
_MEMBER_WITHIN = (
    "CASE WHEN contains({item}, '/') THEN {item} = {given} ELSE cidr({item}, {given}) END"
)
"""A rule's network is meant itself (`cidrIp:0.0.0.0/0`), not what lies in it."""
_MEMBER_TESTS = {**dict.fromkeys(_ORDERS, _MEMBER_ORDER), "within": _MEMBER_WITHIN}
_TESTS = {
    "text": "lower({item}) LIKE lower({given}) ESCAPE '#'",
    "like": "{item} LIKE {given} ESCAPE '#'",
    "within": "cidr({item}, {given})",
}
