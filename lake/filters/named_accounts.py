"""Accounts by the names that people have for them: what a reader writes in place of the twelve
digits that logs tell. Which names there are the caller knows (`lake.serve.accounts`).
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lake.filters.filters import Filter

FIELDS = ("account", "cloud.account.id")
"""The fields that may be asked by name."""


def numbers_of(texts: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts that a reader means, by name or number, whatever the case; a name may be that of
    several."""
    known: dict[str, list[str]] = {}
    for account, name in names.items():
        known.setdefault(name.casefold(), []).append(account)
    found = (one for text in texts for one in known.get(text.strip().casefold(), [text]))
    return tuple(dict.fromkeys(found))


def numbers_like(pattern: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts whose name fits a pattern, in which `*` stands for any text and `?` for one
    character."""
    wanted = pattern.casefold().replace("[", "[[]")
    return tuple(account for account, name in names.items() if fnmatchcase(name.casefold(), wanted))


def by_number(chosen: Filter, names: Mapping[str, str]) -> Filter:
    """A filter on accounts, with the numbers of those that it names."""
    if not names or chosen.field not in FIELDS or chosen.op not in ("is", "not"):
        return chosen
    return replace(chosen, value=numbers_of(chosen.value, names))
