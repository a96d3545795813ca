"""Our rows beside the documents that the original normaliser made of the same objects.

Every ECS field of an original document is compared with ours, and each native member that stands
under one name in both. Only the representation is evened out: numbers as text, a list of one,
instants, the spelling of an address. What still differs is a `Difference`, and
`expected_differences.toml` lists, with a reason each, those that are meant. Fields that only we
have are not looked at: the original has fewer.

    python tests/expected.py cloudtrail            # what differs and is not listed, field by field
    python tests/expected.py waf --summary         # counts only
    python tests/expected.py waf --listed          # what the list covers, by entry
    python tests/expected.py alb --object '*edge*' # one object (fnmatch over its key)
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import json
import sys
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from expected_objects import SECTIONS, Object, objects, rows_of

from lake.sources.fieldsets import field_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

DIFFERENCES = Path(__file__).with_name("expected_differences.toml")
MISSING = "(none)"
NO_ROW = "(row)"
"""The field of a difference where an original document has no row of ours at all."""
_SKIP = ("event.ingested",)


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a record that the two normalisers give differently; values as text."""

    section: str
    key: str
    record: str
    field: str
    original: str
    ours: str

    def __str__(self) -> str:
        return (
            f"{self.section}: {self.field}\n  original {self.original[:300]}\n"
            f"  ours     {self.ours[:300]}\n  object   {self.key}\n  record   {self.record}"
        )


@dataclass(slots=True)
class Entry:
    """A listed difference. Patterns are fnmatch's, on the text of the values."""

    section: str
    field: str
    reason: str
    original: str = "*"
    ours: str = "*"
    object: str = "*"
    found: int = 0

    def covers(self, d: Difference) -> bool:
        return (
            self.section == d.section
            and fnmatchcase(d.field, self.field)
            and fnmatchcase(d.original, self.original)
            and fnmatchcase(d.ours, self.ours)
            and fnmatchcase(d.key, self.object)
        )

    def __str__(self) -> str:
        values = f" original={self.original!r} ours={self.ours!r} object={self.object!r}"
        return f"[[{self.section}]] field={self.field!r}{values}"


def entries(section: str) -> list[Entry]:
    """The listed differences of a source. Raises TypeError for an entry with unknown members."""
    listed = tomllib.loads(DIFFERENCES.read_text("utf-8")).get(section, [])
    return [Entry(section=section, **entry) for entry in listed]


# -- comparing ---------------------------------------------------------------------------------


def differences(obj: Object) -> Iterator[Difference]:
    """Every field of the original's documents that our rows give differently, or not."""
    rows = [(name, row) for name, t in rows_of(obj).tables.items() for row in t.to_pylist()]
    for document, match in pair(list(obj.documents), rows):
        source = document["_source"]
        if match is None:
            what = str(source.get("@message", document["_id"]))[:200]
            yield Difference(obj.section, obj.key, what, NO_ROW, document["_id"], MISSING)
            continue
        table, row = match
        record = f"no. {row['log']['offset']}: {row['event']['original'][:200]}"
        ours, theirs = flat(row), flat(source)
        native = dict(_natives(source, row["native"] or {}, "native."))
        ours |= {name: own for name, (_, own) in native.items()}
        theirs |= {name: value for name, (value, _) in native.items()}
        for name, value in theirs.items():
            if name in _SKIP:
                continue
            own = ours.get(name)
            if not same(name, value, own):
                yield Difference(table, obj.key, record, name, text(name, value), text(name, own))


Row = tuple[str, dict[str, Any]]


def pair(
    documents: list[dict[str, Any]], rows: list[Row]
) -> list[tuple[dict[str, Any], Row | None]]:
    """Each document with the row of the same record: by the ids that the original makes (the
    record's own id, an MD5 of its text), in order where several are equal; what is left over
    by position if the numbers agree."""
    rows = sorted(rows, key=lambda r: r[1]["log"]["offset"])
    waiting: dict[str, list[int]] = defaultdict(list)
    for at, document in enumerate(documents):
        waiting[document["_id"]].append(at)
    found: dict[int, Row] = {}
    left: list[Row] = []
    for row in rows:
        at_id = next((i for i in _ids(row[1]) if waiting.get(i)), None)
        if at_id is None:
            left.append(row)
        else:
            found[waiting[at_id].pop(0)] = row
    missing = [at for at in range(len(documents)) if at not in found]
    if len(missing) == len(left):
        found |= dict(zip(missing, left, strict=True))
    return [(document, found.get(at)) for at, document in enumerate(documents)]


def _ids(row: dict[str, Any]) -> list[str]:
    return original_ids(row["event"]["original"], row["event"].get("id"))


def original_ids(text: str, known: str | None) -> list[str]:
    """The ids that the original may give to the document of a record, likeliest first; `known` is
    the record's own id, where it has one."""
    ids = [known or "", _md5(text)]
    if text.startswith("{"):
        parsed = json.loads(text, strict=False)
        ids += [_md5(json.dumps(parsed)), str(parsed.get("eventID"))]
        service = parsed.get("service") or parsed.get("Service") or {}
        if isinstance(service, dict):
            count = service.get("count", service.get("Count"))
            ids.append(f"{parsed.get('id', parsed.get('Id'))}_{count}")
    return ids


def _md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def flat(document: dict[str, Any]) -> dict[str, Any]:
    """The ECS fields of a document or a row by dotted name; empty ones left out."""
    known = {"@timestamp", *field_sets()}
    return dict(_leaves({n: v for n, v in document.items() if n in known}, ""))


def _natives(
    original: dict[str, Any], ours: dict[str, Any], prefix: str
) -> Iterator[tuple[str, tuple[object, object]]]:
    """The members that both have, single values only: (theirs, ours) by dotted name."""
    for name, value in original.items():
        own = ours.get(name)
        if isinstance(value, dict) and isinstance(own, dict):
            yield from _natives(value, own, f"{prefix}{name}.")
        elif name in ours and not isinstance(value, dict | list):
            yield prefix + name, (value, own)


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{prefix}{name}.")
        elif isinstance(inner, list) and inner and all(isinstance(i, dict) for i in inner):
            members = {m: [i[m] for i in inner if i.get(m)] for m in {m for i in inner for m in i}}
            yield from _leaves(members, f"{prefix}{name}.")
        elif inner is not None and inner != []:
            yield prefix + name, inner


def same(name: str, one: object, other: object) -> bool:
    """Whether two values of a field say the same; a number may stand as text."""
    numbers = [v for v in (one, other) if isinstance(v, int | float) and not isinstance(v, bool)]
    if numbers and other is not None:
        try:
            return Decimal(str(one)) == Decimal(str(other))
        except InvalidOperation:
            return False
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one).lower() == str(other).lower()
    return text(name, one) == text(name, other)


def text(name: str, value: object) -> str:
    """A value as text, such that equal things have equal texts. Lists sorted, joined by `, `."""
    if value is None:
        return MISSING
    if isinstance(value, list):
        return ", ".join(sorted({text(name, v) for v in value})) if value else MISSING
    if isinstance(value, dict):
        return ", ".join(f"{n}={text(n, v)}" for n, v in sorted(value.items()) if v is not None)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    plain = str(value)
    if name == "@timestamp" or name in ("event.start", "event.end"):
        return datetime.fromisoformat(plain).astimezone(UTC).isoformat()
    if name.endswith(".ip"):
        try:
            return str(ipaddress.ip_address(plain))
        except ValueError:
            return plain
    return plain


@dataclass(slots=True)
class Outcome:
    """A source's comparison: fields looked at, differences not listed, entries with their use."""

    compared: int
    documents: int
    unlisted: list[Difference]
    entries: list[Entry]
    listed: list[tuple[Entry, Difference]]

    @property
    def stale(self) -> list[Entry]:
        return [e for e in self.entries if not e.found]


def compare(section: str, only: str = "*") -> Outcome:
    """Compare every object in which the source has rows or documents."""
    known = {s: entries(s) for s in SECTIONS}
    result = Outcome(0, 0, [], known[section], [])
    for obj in objects():
        if not fnmatchcase(obj.key, only) or not _concerns(obj, section):
            continue
        if obj.section == section:
            result.documents += len(obj.documents)
            result.compared += sum(len(flat(d["_source"])) for d in obj.documents)
        for difference in differences(obj):
            if difference.section != section:
                continue
            entry = next((e for e in known[section] if e.covers(difference)), None)
            if entry is None:
                result.unlisted.append(difference)
            else:
                entry.found += 1
                result.listed.append((entry, difference))
    return result


def _concerns(obj: Object, section: str) -> bool:
    # only these pairs share folders, so objects of others need not be read
    kin = {
        "tgwflow": "vpcflow",
        "cloudtrail_insight": "cloudtrail",
        "alb_connection": "alb",
        "cloudfront_realtime": "cloudfront",
    }
    return kin.get(obj.section, obj.section) == kin.get(section, section)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Our rows beside the original's documents.")
    parser.add_argument("section", choices=SECTIONS)
    parser.add_argument("--summary", action="store_true", help="counts only")
    parser.add_argument("--listed", action="store_true", help="show what the list covers")
    parser.add_argument("--object", default="*", help="fnmatch pattern over the object's key")
    parser.add_argument("--examples", type=int, default=3)
    given = parser.parse_args(arguments)
    outcome = compare(given.section, given.object)
    by_field: dict[str, list[Difference]] = defaultdict(list)
    for d in outcome.unlisted:
        by_field[d.field].append(d)
    for name, found in sorted(by_field.items(), key=lambda item: -len(item[1])):
        print(f"{len(found):6} {name}")
        if given.summary:
            continue
        values = Counter((d.original, d.ours) for d in found)
        for (original, ours), count in values.most_common(given.examples):
            example = next(d for d in found if (d.original, d.ours) == (original, ours))
            print(f"   {count:6} original {original[:160]!r}\n          ours     {ours[:160]!r}")
            print(f"          {example.key}\n          {example.record[:160]}")
    if given.listed:
        for entry in outcome.entries:
            print(f"{entry.found:6} {entry}\n       {entry.reason}")
            values = Counter((d.original, d.ours) for e, d in outcome.listed if e is entry)
            for (original, ours), count in values.most_common(given.examples):
                print(f"   {count:6} {original[:100]!r} -> {ours[:100]!r}")
    if given.object == "*":
        for entry in outcome.stale:
            print(f"  matches nothing: {entry}")
    print(
        f"{given.section}: {outcome.documents} documents, {outcome.compared} fields; "
        f"{len(outcome.unlisted)} differences not listed, {len(outcome.listed)} listed"
    )
    return 1 if outcome.unlisted or outcome.stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
