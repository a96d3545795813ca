"""What a reader may have meant by a search that nothing fits, though it could be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.filters.fields import type_of
from lake.filters.named_accounts import FIELDS
from lake.filters.search_terms import leaves
from lake.words import Sentence

if TYPE_CHECKING:
    from lake.filters.search import Search

_WORDS = r"(?:\s+(?!(?:AND|OR|NOT)\b)[^\s():\"\\&|!+<>-][^\s():\"<>]*+(?!\s*[:<>]))+"
_PARTED = re.compile(rf"([\w.@-]+)\s*:\s*([^\s()\[{{<>\"\\]+{_WORDS})", re.IGNORECASE)
"""A value of a field and further words."""
_ACCOUNT = re.compile(r"[0-9]{12}|unknown")
_STARRED = re.compile(r'([\w.@-]+)\s*:\s*"([^"\\]*\*[^"\\]*)"')
"""A value in quotes with a sign that stands for itself there."""


def hint_for(search: Search) -> Sentence | None:
    """What else could be written for a search that fits nothing; None where nothing is plain."""
    if parted := _PARTED.search(search.text):
        value = " ".join(parted[2].split())
        written = _escaped(value) if "*" in value else f'"{value}"'
        return Sentence(
            "A value with blanks is written {written}.", written=f"{parted[1]}:{written}"
        )
    if starred := _STARRED.search(search.text):
        return Sentence(
            "In quotes * is the sign itself. As any text it stands without them: {written}.",
            written=f"{starred[1]}:{_escaped(starred[2])}",
        )
    given = dict(search.params)
    for leaf in leaves(search.root):
        if leaf.op == "=" and leaf.field in FIELDS and not _ACCOUNT.fullmatch(given[leaf.param]):
            return Sentence(
                "No account of this lake is called {name}: `lake accounts FILE` tells it names.",
                name=given[leaf.param],
            )
        if leaf.op == "=" and type_of(leaf.field) in ("VARCHAR", "VARCHAR[]"):
            return Sentence("A value counts whole and with its case; * stands for any text.")
    return None


def _escaped(text: str) -> str:
    """With its blanks as signs of it."""
    return text.replace(" ", "\\ ")
