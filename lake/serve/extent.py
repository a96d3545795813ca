"""How far events reach: first, last and number of them, whole or by account and region, and what a
lake's files tell of that without their rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from lake.filters.filters import TimeRange
from lake.filters.selection import Selection
from lake.paths import resource
from lake.serve.chosen import chosen
from lake.serve.gather import FILES
from lake.serve.queries import Ask, Block, Gathering, Query, read_blocks
from lake.serve.status import are_scattered
from lake.sources.fieldsets import PARTITION, literal
from lake.sources.rowmodel import EVENTS, tables_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Extent:
    """First and last event (UTC) and their number; None where there is none."""

    first: datetime | None
    last: datetime | None
    events: int

    @property
    def time(self) -> TimeRange:
        """The range that holds them all."""
        end = self.last + timedelta(microseconds=1) if self.last else None
        return TimeRange(self.first, end)


@cache
def lake_blocks() -> dict[str, Block]:
    """The queries of `sql/lake.sql`, by name: those that are asked of any table, and of the
    ledger."""
    return read_blocks(resource("sql") / "lake.sql")


def extent_of(table: str, selection: Selection, ask: Ask) -> Extent:
    """First and last event of a table under a selection."""
    return extent_over(places_of(table, selection, ask))


def last_range(span: timedelta, ask: Ask) -> TimeRange:
    """The last `span` of a lake's events, up to its newest, since evidence is old; of no event, all
    time. Events of days to come are left out where there are others: one wrong clock would empty
    every such range."""
    newest = extent_of(EVENTS, Selection(), ask).last
    if newest is None:
        return TimeRange()
    tomorrow = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), time.min, UTC)
    if newest < tomorrow:
        return TimeRange(newest - span)
    known = extent_of(EVENTS, Selection(TimeRange(None, tomorrow)), ask).last
    return TimeRange(known - span, tomorrow) if known else TimeRange(newest - span)


def extent_over(places: Sequence[Place]) -> Extent:
    """First and last event of several accounts and regions, and the number of all their events."""
    return Extent(
        min((place.first for place in places), default=None),
        max((place.last for place in places), default=None),
        sum(place.events for place in places),
    )


class Place(NamedTuple):
    """An account and region with its first and last event (UTC) and their number."""

    account: str
    region: str
    first: datetime
    last: datetime
    events: int


def places_of(
    table: str, selection: Selection, ask: Ask, gather: Gathering | None = None
) -> list[Place]:
    """Accounts and regions of a table under a selection, with the first and last event of each and
    their number: one query for a page's extent and for what it lists beside it, since each look at
    the rows of a large lake opens all its files."""
    rows, files = chosen(table, selection), files_of(table, selection)
    block = lake_blocks()["places_of_files" if files else "places"]
    relations = {"files": files} if files else {"logs": rows.sql}
    query = Query.over(block, relations, dict(rows.params))
    return [Place(*row) for row in ask(replace(query, gather=gather)).rows]


def scattered(table: str, ask: Ask) -> tuple[int, int] | None:
    """Files and partitions of a table, or of those behind a view, where `lake compact` would make
    few files of many."""
    files = files_of(table, Selection())
    if files is None:
        return None
    found = ask(Query.over(lake_blocks()["scattered_files"], {"files": files}, {})).one()
    held = int(found["files"]), int(found["partitions"])
    return held if are_scattered(*held) else None


def rows_without_originals(ask: Ask) -> int:
    """Rows of the lake that were read without their records as they came."""
    return int(ask(Query.over(lake_blocks()["rows_without_originals"], {}, {})).one()["rows"])


def files_of(table: str, selection: Selection) -> str | None:
    """The lake's files that hold a table's rows under a selection and no others, where it is of
    accounts, regions and days alone: what is known of a file need not be asked of its rows."""
    applied = {f.field for f in selection.filters} - {f.field for f in selection.unanswered(table)}
    beside = selection.search or selection.where or selection.time != TimeRange()
    tables = tables_of(table)
    if beside or not tables or applied - PARTITION.keys():
        return None
    sources = ", ".join(map(literal, tables))
    clause = selection.clause(table)
    also = f" AND {clause.sql}" if clause.sql else ""
    return f'SELECT * FROM {FILES} WHERE "source" IN ({sources}){also}'
