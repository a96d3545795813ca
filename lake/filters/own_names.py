"""What a reader may call a field: a log's own name for what the rows keep under an ECS name alone
(`dstport`), and what is near a name that no field has.
"""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from lake.sources.catalogue import catalogue
from lake.sources.layout import layout_of

if TYPE_CHECKING:
    from collections.abc import Iterable

NATIVE = "native."
MOST = 3
"""Near names that are told."""


@cache
def own_names(table: str) -> dict[str, str]:
    """A log's own names for what its table keeps under ECS names alone -> these; of a view none."""
    source = catalogue().sources.get(table)
    return layout_of(source).members if source else {}


@cache
def _meant() -> dict[str, tuple[str, ...]]:
    """A log's own name -> the fields that have it, in one table or another."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table in catalogue().sources:
        for name, leaf in own_names(table).items():
            found[name].add(leaf)
    for table, source in catalogue().sources.items():
        for name in found.keys() & source.native.keys() - own_names(table).keys():
            found[name].add(f"{NATIVE}{name}")
    return {name: tuple(sorted(leaves)) for name, leaves in found.items()}


def meant_by(name: str) -> str | None:
    """The field that a log's own name stands for; None where it is none, or one name of several
    fields."""
    fields = _meant().get(name, ())
    return fields[0] if len(fields) == 1 else None


def kept_as(table: str, field: str, known: Iterable[str]) -> str:
    """What a table has in the place of another's native member: its own field of that name."""
    return field if field in known else own_names(table).get(field.removeprefix(NATIVE), field)


def near(name: str, known: Iterable[str]) -> list[str]:
    """The fields that a name that is none could mean: those that a log calls so, or that are
    written alike but for case, signs between words, what stands before (`native.`) and what a
    search engine adds (`.keyword`); without such, those that look like it."""
    fields = list(known)
    plain = _plain(name)
    alike = [field for field in fields if _plain(field) == plain]
    alike += [field for own, of in _meant().items() if _plain(own) == plain for field in of]
    return list(dict.fromkeys(alike or get_close_matches(name, fields, MOST, 0.5)))[:MOST]


def _plain(name: str) -> str:
    """`native.eventName`, `eventname` and `eventName.keyword` alike."""
    said = name.casefold().removeprefix(NATIVE)
    for added in (".keyword", ".text", ".raw"):
        said = said.removesuffix(added)
    return re.sub(r"[^a-z0-9]", "", said)
