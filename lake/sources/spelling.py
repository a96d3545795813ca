"""JSON member names as [native] spells them: `AccountId` -> `accountId`, `query-name` ->
`query_name`.

AWS exports a record in camelCase while its APIs, and tools built on them, write PascalCase; what a
log writes in snake_case may come from EventBridge with hyphens; and some members have another name
altogether. A source says which its own spelling is (`keys`), and a record whose first member is
spelled in the other one is respelled before it is parsed. Only names are touched, never values; the
record's own text stays what it was.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

ODD = {
    "camel": r'^\s*\{\s*"[A-Z][A-Za-z0-9]*"\s*:',
    "snake": r'^\s*\{\s*"[a-z0-9]+(?:-[a-z0-9]+)+"\s*:',
}
"""A source's own spelling -> a record whose first member is in the other: PascalCase, hyphens."""
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]', re.DOTALL)
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_LISTED = re.compile(r'"?(\w+)"?\s+(?:[A-Z]+)\b')


def respelled(texts: pa.ChunkedArray, source: Source) -> pa.ChunkedArray | None:
    """The texts with the names of oddly spelled records respelled; None where there is no such one,
    or the source knows one spelling only."""
    if source.keys is None:
        return None
    odd = pc.match_substring_regex(texts, ODD[source.keys])
    if not pc.any(odd).as_py():
        return None
    return pa.chunked_array(
        [
            pa.array(
                [
                    own_names(text, source) if wrong else text
                    for text, wrong in zip(texts.to_pylist(), odd.to_pylist(), strict=True)
                ],
                pa.string(),
            )
        ]
    )


def own_names(text: str, source: Source) -> str:
    """One JSON text with its member names respelled: as the source's [names] say, else in the
    spelling of [native]."""
    spell = _camel if source.keys == "camel" else _snake
    declared = _declared(source)
    names = dict(source.names)
    around = [""]
    last = ""

    def respell(match: re.Match[str]) -> str:
        nonlocal last
        name, colon = match.groups()
        if name is None:
            if match[0] == "{":
                around.append(last)
            elif len(around) > 1:
                last = around.pop()
            return match[0]
        if colon is None:
            return match[0]
        last = name
        own = names.get(f"{around[-1]}.{name}") or names.get(name) or spell(name, *declared)
        return f'"{own}"{colon}'

    return _TOKEN.sub(respell, text)


def _camel(name: str, exact: frozenset[str], declared: dict[str, str]) -> str:
    """With a small first letter, else as [native] declares the name in another case. Names of
    callers stay (`AWS::IAM::Role`, `USER`)."""
    if not _NAME.fullmatch(name) or name.isupper():
        return name
    small = name[0].lower() + name[1:]
    if small in exact:
        return small
    return declared.get(name.lower(), small if name[1].islower() else name)


def _snake(name: str, exact: frozenset[str], _declared: dict[str, str]) -> str:
    """With `_` for hyphens, where [native] declares that."""
    own = name.replace("-", "_")
    return own if own in exact else name


def names_within(source: Source) -> list[str]:
    """The names that [native] declares within its members."""
    return [
        name
        for body in source.native.values()
        for name in (_names(body) if isinstance(body, dict) else _LISTED.findall(body))
    ]


@cache
def _declared(source: Source) -> tuple[frozenset[str], dict[str, str]]:
    names = _names(source.native)
    return frozenset(names), {name.lower(): name for name in names}


def _names(tree: Tree) -> list[str]:
    found: list[str] = []
    for name, body in tree.items():
        found.append(name)
        found += _names(body) if isinstance(body, dict) else _LISTED.findall(body)
    return found
