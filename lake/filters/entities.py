"""What a reader follows through all sources (an address, a user, an access key, a bucket): its
kinds, as `sql/entities.toml` has them, and of which kind a value is.

`entity.address` stands for the leaves that may hold such a value; `lake.filters.filters` and
`lake.filters.search` take it where a field stands.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address

from lake.errors import SourceError
from lake.paths import resource
from lake.sources.fieldsets import core_sets, ecs_leaves

PREFIX = "entity."


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity; the entries are told in `sql/entities.toml`."""

    name: str
    title: str
    icon: str
    fields: tuple[str, ...]
    names: tuple[str, ...]
    counted: tuple[str, ...]
    address: bool = False
    looks_like: str = ""
    bare: bool = False

    @property
    def field(self) -> str:
        """As it stands in a filter."""
        return PREFIX + self.name

    def value_in(self, text: str) -> str | None:
        """The value that a text is, or that stands in it (an ARN); None where there is none."""
        if self.address:
            return as_address(text)
        found = re.fullmatch(self.looks_like, text) if self.looks_like else None
        return found["value"] if found else None


@cache
def kinds() -> dict[str, Kind]:
    """The kinds by name, in the order of the file. Raises SourceError."""
    path = resource("sql") / "entities.toml"
    with path.open("rb") as file:
        declared = tomllib.load(file)
    core = tuple(f"{name}." for name in core_sets())
    found = {}
    for name, entry in declared.items():
        lists = {key: tuple(entry[key]) for key in ("fields", "names", "counted")}
        found[name] = Kind(name, **entry | lists)
        for leaf in found[name].fields:
            if leaf not in ecs_leaves() or not leaf.startswith(core):
                raise SourceError(f"{path}: {name}: not every table has the field {leaf}.")
    return found


def leaves_of(field: str) -> tuple[str, ...]:
    """The leaves that a field stands for: those of an entity's kind, or the field itself."""
    kind = kinds().get(field.removeprefix(PREFIX)) if field.startswith(PREFIX) else None
    return kind.fields if kind else (field,)


def kind_named_by(leaf: str) -> Kind | None:
    """The kind whose things the values of a leaf name."""
    return next((kind for kind in kinds().values() if leaf in kind.names), None)


def entities_of(text: str, kind: str | None = None) -> list[tuple[Kind, str]]:
    """The kinds that a text may be of, the likeliest first, each with the value that is meant.

    >>> [(kind.name, value) for kind, value in entities_of("arn:aws:iam::111111111111:role/Admin")]
    [('role', 'Admin')]
    >>> [kind.name for kind, _ in entities_of("example.com")]
    ['domain', 'user', 'role', 'bucket']
    """
    text = text.strip()
    if kind is not None:
        chosen = kinds()[kind]
        return [(chosen, chosen.value_in(text) or text)]
    spelt = [(kind, kind.value_in(text)) for kind in kinds().values()]
    found = [(kind, value) for kind, value in spelt if value is not None]
    if found and not all(value == text for _, value in found):
        return found  # an ARN says what it is
    return found + [(kind, text) for kind, value in spelt if kind.bare and value is None]


@cache
def address_leaves() -> frozenset[str]:
    """The leaves of which the lake keeps addresses alone, in the form of `as_address`."""
    ends = (".ip", ".resolved_ip")
    return frozenset(name for name in ecs_leaves() if name.endswith(ends))


def as_address(text: str) -> str | None:
    """An address as the lake writes it: in RFC 5952 form, without a zone, IPv4 within IPv6 in dots.
    None for what is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(found)
