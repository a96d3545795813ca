"""What a GeoIP record says, as ECS `geo` and `as`.

GeoLite2, GeoIP2 and DB-IP write the same members.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lake.enrich.columns import member_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lake.enrich.mmdb import Database, Member

_PLACE: dict[str, Member] = {
    "city_name": ("city", "names", "en"),
    "continent_code": ("continent", "code"),
    "continent_name": ("continent", "names", "en"),
    "country_iso_code": ("country", "iso_code"),
    "country_name": ("country", "names", "en"),
    "postal_code": ("postal", "code"),
    "region_iso_code": ("subdivisions", 0, "iso_code"),
    "region_name": ("subdivisions", 0, "names", "en"),
    "timezone": ("location", "time_zone"),
}
_POSITION: dict[str, Member] = {
    "lat": ("location", "latitude"),
    "lon": ("location", "longitude"),
}


def places(database: Database, addresses: Sequence[str]) -> pa.StructArray:
    """What City, Country and Enterprise records say of addresses, as ECS geo, in English; NULL
    where one says nothing. Raises UsageError where the file is damaged."""
    kind = member_type("source.geo")
    texts = {leaf: _texts(database.members(addresses, path)) for leaf, path in _PLACE.items()}
    region = [texts["country_iso_code"], texts["region_iso_code"]]
    at = {leaf: _numbers(database.members(addresses, path)) for leaf, path in _POSITION.items()}
    known = pc.and_(*(pc.is_valid(number) for number in at.values()))
    return _struct(
        kind,
        {
            **texts,
            "region_iso_code": pc.binary_join_element_wise(*region, "-"),
            "location": _struct(kind.field("location").type, at, known),
        },
    )


def systems(database: Database, addresses: Sequence[str]) -> pa.StructArray:
    """What ASN, ISP and Enterprise records say of addresses, as ECS as; in the last the members
    stand in `traits`. NULL and errors as with `places`."""
    kind = member_type("source.as")

    def either(name: str, read: Callable[[list[Any]], pa.Array]) -> pa.Array:
        paths: list[Member] = [(name,), ("traits", name)]
        return pc.coalesce(*(read(database.members(addresses, path)) for path in paths))

    number = either("autonomous_system_number", _whole_numbers)
    name = either("autonomous_system_organization", _texts)
    organization = _struct(kind.field("organization").type, {"name": name})
    return _struct(kind, {"number": number, "organization": organization})


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([v if isinstance(v, str) and v else None for v in values], pa.string())


def _numbers(values: list[Any]) -> pa.Array:
    given = (float(v) if isinstance(v, int | float) else None for v in values)
    return pa.array(given, pa.float64())


def _whole_numbers(values: list[Any]) -> pa.Array:
    given = (v if isinstance(v, int) and v < 1 << 63 else None for v in values)
    return pa.array(given, pa.int64())


def _struct(
    kind: pa.StructType, members: Mapping[str, pa.Array], known: pa.Array | None = None
) -> pa.StructArray:
    """A STRUCT of these members, the others NULL; NULL itself where `known` says so, or where all
    of them are."""
    if known is None:
        known = reduce(pc.or_, (pc.is_valid(member) for member in members.values()))
    coded = {
        name: member.dictionary_encode() if pa.types.is_string(member.type) else member
        for name, member in members.items()
    }
    arrays = [coded.get(f.name, pa.nulls(len(known), f.type)) for f in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=pc.invert(known))
