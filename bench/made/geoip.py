"""GeoIP databases for made addresses: an invented city and network for each /13 of IPv4's public
space, in the layout of GeoLite2-City and GeoLite2-ASN.

The demo's databases (`lake.demo.geoip`) know a few dozen networks; looking up made addresses in
them would measure the way to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.made.chance import PUBLIC, stream

if TYPE_CHECKING:
    from pathlib import Path

COUNTRIES = (
    ("US", "United States", "NA", "North America"),
    ("DE", "Germany", "EU", "Europe"),
    ("GB", "United Kingdom", "EU", "Europe"),
    ("JP", "Japan", "AS", "Asia"),
    ("BR", "Brazil", "SA", "South America"),
    ("ZA", "South Africa", "AF", "Africa"),
)
LANGUAGES = ("de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN")
CITIES, NETWORKS = 5_000, 20_000


def write_geoip(folder: Path, seed: int) -> None:
    """Write bench-city.mmdb and bench-asn.mmdb into a folder."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    folder.mkdir(parents=True, exist_ok=True)
    rng = stream(seed, "geoip")
    blocks = [f"{first}.{second}.0.0/13" for first in PUBLIC for second in range(0, 256, 8)]
    cities, networks = [_city(rng, n) for n in range(CITIES)], [_asn(n) for n in range(NETWORKS)]
    for name, kind, values in (
        ("city", "GeoLite2-City", cities),
        ("asn", "GeoLite2-ASN", networks),
    ):
        writer = MMDBWriter(6, f"siem-lake-bench-{kind}", list(LANGUAGES), ipv4_compatible=True)
        for block, value in zip(blocks, rng.integers(0, len(values), len(blocks)), strict=True):
            writer.insert_network(IPSet([block]), values[value])
        writer.to_db_file(str(folder / f"bench-{name}.mmdb"))


def _city(rng: Any, number: int) -> dict[str, Any]:  # noqa: ANN401  numpy's generator
    code, name, continent, continent_name = COUNTRIES[number % len(COUNTRIES)]
    country = {"geoname_id": 100 + number % 6, "iso_code": code, "names": _names(name)}
    return {
        "city": {"geoname_id": 10_000 + number, "names": _names(f"City {number}")},
        "continent": {"code": continent, "geoname_id": 1, "names": _names(continent_name)},
        "country": country,
        "location": {
            "accuracy_radius": 50,
            "latitude": round(float(rng.uniform(-60, 60)), 4),
            "longitude": round(float(rng.uniform(-180, 180)), 4),
            "time_zone": "Etc/UTC",
        },
        "postal": {"code": f"{number:05d}"},
        "registered_country": country,
        "subdivisions": [{"iso_code": f"{number % 90:02d}", "names": _names(f"Region {number}")}],
    }


def _asn(number: int) -> dict[str, Any]:
    return {
        "autonomous_system_number": 64_512 + number,
        "autonomous_system_organization": f"Bench Network {number}",
    }


def _names(name: str) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, name)
