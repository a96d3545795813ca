"""Broken objects over every source, and what must come of each: `case.py` says how one is told."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from broken import contents, json_texts, lines, names, stored, tables, values

if TYPE_CHECKING:
    from broken.case import Case

FAMILIES = {
    module.__name__.rpartition(".")[2]: module
    for module in (stored, contents, json_texts, lines, values, tables, names)
}


@cache
def family(name: str) -> tuple[Case, ...]:
    """The cases of one kind."""
    return tuple(FAMILIES[name].cases())


@cache
def every() -> tuple[Case, ...]:
    return tuple(case for name in FAMILIES for case in family(name))
