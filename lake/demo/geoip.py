"""The demo's own GeoIP databases, in the shape of GeoLite2-City and GeoLite2-ASN.

They say of the demo's addresses what `places` invents, and of no other address anything. Their
type and description say so; the type ends as MaxMind's does because readers choose the schema by
it (geoip2 wants GeoLite2-ASN in it). The format is MaxMind DB 2.0 with IPv4 below ::/96.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmdb_writer import MmdbU16, MmdbU32, MMDBWriter
from netaddr import IPSet

from lake.demo.chance import END
from lake.demo.places import CONTINENTS, PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from lake.demo.places import Place

_DESCRIPTION = "Invented demo data of siem-lake: no real address is where this says it is"


class _DatedWriter(MMDBWriter):
    """A writer whose build time is the end of the demo, not the clock's."""

    def _build_meta(self) -> dict[str, Any]:
        return {**super()._build_meta(), "build_epoch": END}


def write_geoip(directory: Path) -> tuple[Path, Path]:
    """Write demo-city.mmdb and demo-asn.mmdb into `directory` and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    city, asn = directory / "demo-city.mmdb", directory / "demo-asn.mmdb"
    _write(city, "siem-lake-demo-GeoLite2-City", [(place, _city(place)) for place in PLACES])
    _write(asn, "siem-lake-demo-GeoLite2-ASN", [(place, _asn(place)) for place in PLACES])
    return city, asn


def _write(path: Path, kind: str, rows: list[tuple[Place, dict[str, Any]]]) -> None:
    writer = _DatedWriter(6, kind, ["en"], {"en": _DESCRIPTION}, ipv4_compatible=True)
    for place, value in rows:
        writer.insert_network(IPSet([str(place.network)]), value)
    writer.to_db_file(str(path))


def _city(place: Place) -> dict[str, Any]:
    country = place.country
    number, continent = CONTINENTS[country.continent]
    as_country = {
        "geoname_id": MmdbU32(country.geoname),
        "iso_code": country.code,
        "names": {"en": country.name},
    }
    return {
        "city": {"names": {"en": place.city}},
        "continent": {
            "code": country.continent,
            "geoname_id": MmdbU32(number),
            "names": {"en": continent},
        },
        "country": as_country,
        "location": {
            "accuracy_radius": MmdbU16(50),
            "latitude": place.latitude,
            "longitude": place.longitude,
            "time_zone": country.zone,
        },
        "registered_country": as_country,
        "subdivisions": [{"iso_code": place.region[0], "names": {"en": place.region[1]}}],
    }


def _asn(place: Place) -> dict[str, Any]:
    return {
        "autonomous_system_number": MmdbU32(place.asn),
        "autonomous_system_organization": place.owner,
    }
