"""What somebody who writes a query has at hand: the views, their columns as SQL writes them, the
macros, and queries to begin with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lake.filters.fields import fields_of
from lake.paths import resource
from lake.serve.views import LEDGER, macros
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import quote
from lake.sources.rowmodel import log_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.query import Lake

_MACRO = re.compile(r"^-- (\w+\(.*?\)): ((?:.|\n--)+)$", re.MULTILINE)
_DESCRIBED = (*LEDGER, "superseded_rows", "accounts")
"""Views that tell their columns themselves."""


def example() -> str:
    """A query to begin with."""
    return (resource("sql") / "example.sql").read_text("utf-8").strip()


def first_rows(view: str) -> str:
    """The query for some rows of a view."""
    return f"FROM {quote(view) if not view.isidentifier() else view}\nLIMIT 100"


def rows_with(view: str, columns: Sequence[str]) -> str:
    """The query for these columns, as `columns_of_view` writes them, of a view."""
    listed = ",\n       ".join(columns)
    return f"SELECT {listed}\n{first_rows(view)}" if columns else first_rows(view)


def functions() -> list[tuple[str, str]]:
    """The macros that a query can use: how each is called, and a line that says what it gives."""
    found = []
    for call, about in _MACRO.findall(macros()):
        words = " ".join(about.replace("\n--", " ").split())
        found.append((call, words.split(". ")[0].rstrip(".")))
    return found


def views_of(lake: Lake) -> list[str]:
    """What can be asked: `events`, tables that have rows, their families and last versions, the
    ledger's views."""
    held = lake.tables()
    latest = [name for name, source in catalogue().latest.items() if source.name in held]
    return [*log_views(held), *latest, *_DESCRIBED]


def columns_of_view(lake: Lake, view: str) -> list[tuple[str, str]]:
    """Columns of a view as they are written in SQL, members of a STRUCT one by one, with types."""
    if view in _DESCRIBED:
        described = lake.sql(f"DESCRIBE {view}").fetchall()
        short = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
        return [(sql_name(name), kind.replace(*short)) for name, kind, *_ in described]
    found = {"@timestamp": "TIMESTAMPTZ"} | fields_of(view)
    return [(sql_name(name), kind) for name, kind in found.items()]


def sql_name(name: str) -> str:
    """A field as SQL writes it: quoted where its name would mean something else."""
    parts = [name] if name.startswith("@") else name.split(".")
    return ".".join(
        part if part.isidentifier() and part not in ("date", "table") else quote(part)
        for part in parts
    )
