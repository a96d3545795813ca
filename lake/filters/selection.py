"""Everything that a reader has chosen to see, as one condition: time, filters, a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.filters.entities import PREFIX, leaves_of
from lake.filters.fields import Clause, column_of, is_behind, typed
from lake.filters.filters import Filter, TimeRange

if TYPE_CHECKING:
    from lake.filters.search import Search

ALL = TimeRange()
"""All times."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything that is chosen: time, filters, a search, and a condition of a user's own (command
    line)."""

    time: TimeRange = ALL
    filters: tuple[Filter, ...] = ()
    where: str | None = None
    search: Search | None = None

    def clause(self, table: str) -> Clause:
        """All conditions that the table can answer, joined; empty text where there are none."""
        clauses = [self.time.clause()]
        filters = enumerate(self.filters)
        clauses += [f.clause(f"f{n}", table) for n, f in filters if f.applies_to(table)]
        if self.search:
            clauses.append(self.search.clause(table))
        if self.where:
            clauses.append(Clause(f"({self.where}\n)"))
        return Clause(
            " AND ".join(clause.sql for clause in clauses if clause.sql),
            tuple(param for clause in clauses for param in clause.params),
        )

    @property
    def entity(self) -> str:
        """The one thing that is looked at, as rows name it; empty where there is none."""
        named = (f for f in self.filters if f.field.startswith(PREFIX) and f.op == "is")
        return next((str(typed(f.field, "VARCHAR", f.value[0])) for f in named), "")

    def fields(self) -> set[str]:
        """The columns that are asked for, of an entity each that may name it."""
        searched = self.search.fields if self.search else ()
        return {*searched, *(column_of(leaf) for f in self.filters for leaf in leaves_of(f.field))}

    def fits_none(self, table: str) -> bool:
        """Whether no row of a table fits, since it has no such field."""
        return any(not f.applies_to(table) and not f.fits_lack for f in self.filters)

    def unanswered(self, table: str) -> list[Filter]:
        """The filters that neither the table nor one of those behind a view has a field for; they
        do not narrow what it shows."""
        return [
            f
            for f in self.filters
            if not all(is_behind(table, leaf) for leaf in leaves_of(f.field))
        ]
