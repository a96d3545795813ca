"""What a reader has chosen to see: a time range and filters on fields.

A `TimeRange` and a `Filter` each give their SQL and their words, a filter also its form in a URL,
from one definition, so that a link, a sentence on a page and a query cannot differ. Values reach
SQL as parameters only; a field's name only after it was found in the row model
(`lake.sources.fieldsets`) or among a source's own members. Which table is asked, and where the
conditions enter, is `lake.dashboards.panels`' part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from lake.errors import UsageError
from lake.filters.entities import leaves_of
from lake.filters.fields import (
    Clause,
    column_of,
    field_sql,
    fields_of,
    named_in_full,
    type_of,
    typed,
)
from lake.filters.own_names import kept_as
from lake.words import Sentence, either

OPS = {
    "is": "is",
    "not": "is not",
    "contains": "contains",
    "from": "is at least",
    "below": "is below",
    "set": "is set",
    "unset": "is not set",
    "any": "may be anything",
}
"""Operator as it stands in a URL -> in words."""
ALONE = ("set", "unset", "any")
"""Operators without a value."""

_OPPOSITE = {"is": "not", "not": "is", "set": "unset", "unset": "set"}
_WRITTEN = sorted((*OPS.items(), *((op, op) for op in OPS)), key=lambda one: -len(one[1]))
"""Operator -> how a filter may write it, the longest first: `source.ip is not set`, or `unset`."""
_MISREAD = re.compile(r"(not|set|at least|below)( |$)")
"""Values that would be read as a part of the operator `is`."""
_PLAIN = "".join(chr(n) for n in range(32, 127) if chr(n) not in "%,")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """From `start` on and before `end`, both aware and kept in UTC; None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            moment = getattr(self, name)
            if moment is None:
                continue
            if moment.tzinfo is None:
                raise ValueError(f"{name} of a time range has no time zone: {moment}")
            object.__setattr__(self, name, moment.astimezone(UTC))
        if self.start and self.end and self.start >= self.end:
            raise UsageError(
                Sentence(
                    "The time range ends ({end}) before it begins ({start}). Swap the two.",
                    end=show_time(self.end),
                    start=show_time(self.start),
                )
            )

    def within(self, extent: TimeRange) -> TimeRange:
        """The part of this range that `extent` covers; open sides take those of `extent`."""
        starts = [m for m in (self.start, extent.start) if m]
        ends = [m for m in (self.end, extent.end) if m]
        start, end = max(starts, default=None), min(ends, default=None)
        return TimeRange() if start and end and start >= end else TimeRange(start, end)

    def clause(self) -> Clause:
        """Conditions on `@timestamp`, and on the partition key `date` so that files are skipped."""
        parts: list[str] = []
        params: list[tuple[str, Any]] = []
        if self.start:
            parts.append('"@timestamp" >= $from AND "date" >= $from_date')
            params += [("from", self.start), ("from_date", self.start.date())]
        if self.end:
            parts.append('"@timestamp" < $to AND "date" <= $to_date')
            params += [("to", self.end), ("to_date", self.end.date())]
        return Clause(" AND ".join(parts), tuple(params))

    def words(self) -> Sentence:
        """As a sentence says it; the zone is always named."""
        if self.start and self.end:
            return Sentence(
                "{start} to {end} UTC", start=show_time(self.start), end=show_time(self.end)
            )
        if self.start:
            return Sentence("from {start} UTC on", start=show_time(self.start))
        if self.end:
            return Sentence("before {end} UTC", end=show_time(self.end))
        return Sentence("all times (UTC)")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one field. Several values mean: any of them.

    `field` is a leaf of the row model (`source.ip`), a source's own member (`native.eventName`,
    also without `native.`) or what is within its JSON (`native.requestParameters.bucketName`), a
    partition key (`account`, `region`, `date`) or a kind of entity (`entity.address`), which stands
    for several leaves: one of them is. `value` is text or several texts; they are read as the
    field's type. `set`, `unset` and `any` take none; `any` takes every row, and stands in the place
    of what a page says of the field itself. On a list, `is` means: one of its items is.
    Raises UsageError for a field that no table has, an unknown operator, an order of a list, a
    value of another type.
    """

    field: str
    op: str
    value: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.value, str):
            object.__setattr__(self, "value", (self.value,))
        if self.op not in OPS:
            raise UsageError(
                Sentence(
                    "unknown operator '{name}'. Known: {known}.",
                    name=self.op,
                    known=", ".join(OPS),
                )
            )
        if (self.op in ALONE) == bool(self.value):
            raise UsageError(
                Sentence(
                    "{field} {operator}: give a value to compare with, or none.",
                    field=self.field,
                    operator=Sentence(OPS[self.op]),
                )
            )
        object.__setattr__(self, "field", named_in_full(self.field))
        kind = type_of(self.field)
        if kind.startswith("STRUCT") and self.op not in ALONE:
            raise UsageError(
                Sentence("{field} holds structures: only set and unset apply.", field=self.field)
            )
        if self.op in ("from", "below") and self._listed:
            raise UsageError(
                Sentence("{field} holds a list, which has no order: take is.", field=self.field)
            )
        if self.op not in ("contains", *ALONE):
            for text in self.value:
                typed(self.field, kind, text)

    def applies_to(self, table: str) -> bool:
        """Whether a table, or the view over all of them, has the field, or another in its place."""
        return all(column_of(leaf) in fields_of(table) for leaf in self._asked(table))

    def _asked(self, table: str) -> list[str]:
        """The fields of a table that it is about: `native.action` of one log is what another keeps
        as event.action."""
        return [kept_as(table, leaf, fields_of(table)) for leaf in leaves_of(self.field)]

    @property
    def _listed(self) -> bool:
        return any(type_of(name).endswith("[]") for name in leaves_of(self.field))

    @property
    def fits_lack(self) -> bool:
        """Whether a row without the field fits."""
        return self.op in ("not", "unset", "any")

    @property
    def opposite(self) -> Filter | None:
        """The filter that takes every row which this one leaves out and no other; None where no
        operator does: a row without a value is neither at least 5 nor below."""
        op = _OPPOSITE.get(self.op)
        return Filter(self.field, op, self.value) if op else None

    def clause(self, prefix: str, table: str | None = None) -> Clause:
        """The condition on a table's rows, or on fields as they are named; its parameters are named
        after `prefix`. NULL is never `is`."""
        fields = self._asked(table) if table else leaves_of(self.field)
        if self.op == "any":
            return Clause("true")
        if self.op in ("set", "unset"):
            if self.op == "set":
                return Clause(_any([f"{field_sql(name)} IS NOT NULL" for name in fields]))
            return Clause(" AND ".join(f"{field_sql(name)} IS NULL" for name in fields))
        kind = type_of(self.field)
        values = [
            text if self.op == "contains" else typed(self.field, kind, text) for text in self.value
        ]
        params = tuple((f"{prefix}_{n}", value) for n, value in enumerate(values))
        sql = _any(
            [
                _comparison(self.op, field_sql(name), type_of(name), kind, f"${param}")
                for name in fields
                for param, _ in params
            ]
        )
        return Clause(f"coalesce(NOT ({sql}), true)" if self.op == "not" else sql, params)

    def words(self) -> Sentence:
        """As a sentence says it: `cloud.region is us-east-1 or eu-west-1`."""
        template = f"{{field}} {OPS[self.op]}"
        if not self.value:
            return Sentence(template, field=self.field)
        return Sentence(
            f"{template} {{value}}", field=self.field, value=either([v or '""' for v in self.value])
        )

    def url(self) -> str:
        """As one parameter of a URL: `cloud.region is us-east-1,eu-west-1`; `parse` reads it."""
        values = ",".join(percent_encode(text, safe=_PLAIN) for text in self.value)
        if self.op == "is" and _MISREAD.match(values):
            values = f"%{ord(values[0]):02x}{values[1:]}"
        return f"{self.field} {self.op} {values}" if self.value else f"{self.field} {self.op}"

    @classmethod
    def parse(cls, text: str) -> Filter:
        """What `url` gave, or somebody wrote: `source.ip is 1.2.3.4`, also in the words of a
        sentence, `source.ip is not 1.2.3.4`. Raises UsageError."""
        field, _, rest = text.partition(" ")
        op, given, values = rest.partition(" ")
        for name, words in _WRITTEN:
            if rest == words or rest.startswith(f"{words} "):
                op, given, values = name, rest[len(words) :], rest[len(words) + 1 :]
                break
        if not op:
            raise UsageError(
                Sentence("'{text}' is no filter. Write one like: source.ip is 192.0.2.1", text=text)
            )
        return cls(field, op, tuple(unquote(v) for v in values.split(",")) if given else ())


def show_time(moment: datetime) -> str:
    """`2024-02-29 10:15`, with seconds and fractions where there are any. The caller says UTC."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return text.rstrip("0") if moment.microsecond else text.removesuffix(":00")


def _any(parts: list[str]) -> str:
    return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]


def _comparison(op: str, name: str, kind: str, given: str, param: str) -> str:
    """A field of a type with a value of the type `given`."""
    if op == "contains":
        text = f"lower(CAST({name} AS VARCHAR))"
        return f"contains({text}, lower({param}))"
    if kind.endswith("[]"):
        return f"list_contains({name}, {param})"
    if given == "VARCHAR" and kind in ("INTEGER", "BIGINT"):  # another log's text: srcport
        param = f"TRY_CAST({param} AS {kind})"
    return f"{name} {({'from': '>=', 'below': '<'}).get(op, '=')} {param}"
