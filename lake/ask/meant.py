"""What a query may have meant by a column that is not there: DuckDB looks for near names among the
columns of a view, which are field sets; the fields are within them, and a log's own names for what
has an ECS name stand in `export.toml`.
"""

from __future__ import annotations

import re

from lake.ask.at_hand import sql_name
from lake.filters.fields import fields_of
from lake.sources.catalogue import catalogue
from lake.sources.layout import layout_of
from lake.sources.rowmodel import EVENTS
from lake.words import Sentence, either

MOST = 5
"""Fields that are named at most."""
_MISSING = re.compile(r'Referenced column "(.+?)" not found')


def meant(text: str, error: str) -> Sentence | None:
    """A sentence with the fields that the unknown column of a query could be, as SQL writes them;
    None where the error is about something else, or no field is called so."""
    missing = _MISSING.search(error)
    if missing is None:
        return None
    found: dict[str, None] = {}
    for view in _asked(text):
        found |= dict.fromkeys(_called(view, missing[1]))
    return Sentence("Did you mean {fields}?", fields=either(list(found)[:MOST])) if found else None


def _asked(text: str) -> list[str]:
    """The views over logs that a query names."""
    known = catalogue()
    words = set(re.findall(r"\w+", text.casefold()))
    return [v for v in (EVENTS, *known.sources, *known.latest, *known.families) if v in words]


def _called(view: str, name: str) -> list[str]:
    """The fields of a view of this name, whole or without what stands before it; those that bear it
    alone come first."""
    of = catalogue().sources.get(view)
    members = layout_of(of).members if of else {}
    plain = _plain(name)
    fields = [f for f in fields_of(view) if plain in _endings(f)]
    fields.sort(key=lambda f: f.count("."))
    own = [leaf for member, leaf in members.items() if _plain(member) == plain]
    return [sql_name(f) for f in dict.fromkeys([*own, *fields])]


def _endings(field: str) -> list[str]:
    parts = field.split(".")
    return [_plain(".".join(parts[at:])) for at in range(len(parts))]


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name.casefold())
