"""Where the demo's public addresses are said to be, and to whom they are said to belong.

Public addresses must be global for `ipaddress`, so documentation ranges will not do: these are real
ranges that hardly any visitor comes from, and 3ffe::/16, which IANA took back. Countries and
cities are invented, and so is every organisation with Example in its name; its AS number is one
of those kept for documentation (RFC 5398). Only Amazon's ranges are what they really are.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Country:
    """A country as GeoNames numbers it; `offset` is a working hour's distance from UTC."""

    code: str
    name: str
    continent: str
    geoname: int
    zone: str
    offset: int


@dataclass(frozen=True, slots=True)
class Place:
    """A network with its invented city and owner; `visits` weighs it among the shop's visitors."""

    network: Network
    country: Country
    city: str
    region: tuple[str, str]
    latitude: float
    longitude: float
    asn: int
    owner: str
    visits: int = 0

    def __post_init__(self) -> None:
        if not self.network.is_global:
            raise ValueError(f"{self.network} is not global")

    def address(self, number: int) -> str:
        """The `number`th address of the network."""
        return str(self.network[number])


_COUNTRIES = {
    country.code: country
    for country in (
        Country("US", "United States", "NA", 6252001, "America/New_York", -5),
        Country("DE", "Germany", "EU", 2921044, "Europe/Berlin", 1),
        Country("GB", "United Kingdom", "EU", 2635167, "Europe/London", 0),
        Country("FR", "France", "EU", 3017382, "Europe/Paris", 1),
        Country("JP", "Japan", "AS", 1861060, "Asia/Tokyo", 9),
        Country("IN", "India", "AS", 1269750, "Asia/Kolkata", 5),
        Country("BR", "Brazil", "SA", 3469034, "America/Sao_Paulo", -3),
        Country("AU", "Australia", "OC", 2077456, "Australia/Perth", 8),
        Country("CA", "Canada", "NA", 6251999, "America/Halifax", -4),
        Country("NL", "The Netherlands", "EU", 2750405, "Europe/Amsterdam", 1),
        Country("SE", "Sweden", "EU", 2661886, "Europe/Stockholm", 1),
        Country("SG", "Singapore", "AS", 1880251, "Asia/Singapore", 8),
        Country("KE", "Kenya", "AF", 192950, "Africa/Nairobi", 3),
        Country("MX", "Mexico", "NA", 3996063, "America/Mexico_City", -6),
        Country("PL", "Poland", "EU", 798544, "Europe/Warsaw", 1),
        Country("ES", "Spain", "EU", 2510769, "Europe/Madrid", 1),
        Country("IT", "Italy", "EU", 3175395, "Europe/Rome", 1),
        Country("KR", "South Korea", "AS", 1835841, "Asia/Seoul", 9),
        Country("ZA", "South Africa", "AF", 953987, "Africa/Johannesburg", 2),
        Country("IS", "Iceland", "EU", 2629691, "Atlantic/Reykjavik", 0),
        Country("SC", "Seychelles", "AF", 241170, "Indian/Mahe", 4),
        Country("PA", "Panama", "NA", 3703430, "America/Panama", -5),
    )
}
CONTINENTS = {
    "AF": (6255146, "Africa"),
    "AS": (6255147, "Asia"),
    "EU": (6255148, "Europe"),
    "NA": (6255149, "North America"),
    "OC": (6255151, "Oceania"),
    "SA": (6255150, "South America"),
}


def _place(
    network: str,
    code: str,
    city: str,
    region: tuple[str, str],
    at: tuple[float, float],
    owner: tuple[int, str],
    visits: int = 0,
) -> Place:
    return Place(
        ipaddress.ip_network(network), _COUNTRIES[code], city, region, *at, *owner, visits=visits
    )


_OREGON, _TEXAS, _JERSEY = ("OR", "Oregon"), ("TX", "Texas"), ("NJ", "New Jersey")
_HAMBURG, _HESSE, _TOKYO = ("HH", "Hamburg"), ("HE", "Hesse"), ("13", "Tokyo")
_VIRGINIA = ("VA", "Virginia")
_CLOUD, _AMAZON, _HALDEN = (65536, "Example Cloud"), (16509, "AMAZON-02"), (65537, "Example Halden")
_ALSTER, _CASCADE, _YODO = (
    (64503, "Alster Example Netz"),
    (64500, "Cascade Example Fiber"),
    (64507, "Yodo Example Hikari"),
)
_HRAFN = (64496, "Hrafn Example Hosting")

# fmt: off
PLACES = (
    _place("22.10.0.0/16", "US", "Portland", _OREGON, (45.52, -122.68), _CASCADE, 14),
    _place("22.11.0.0/16", "US", "Austin", _TEXAS, (30.27, -97.74),
           (64501, "Oak Example Cable"), 11),
    _place("22.12.0.0/16", "US", "Newark", _JERSEY, (40.74, -74.17), (64502, "Example Mobile"), 9),
    _place("26.20.0.0/16", "DE", "Hamburg", _HAMBURG, (53.55, 9.99), _ALSTER, 13),
    _place("26.21.0.0/16", "DE", "Munich", ("BY", "Bavaria"), (48.14, 11.58),
           (64504, "Isar Example Kabel"), 8),
    _place("26.30.0.0/16", "GB", "Leeds", ("ENG", "England"), (53.8, -1.55),
           (64505, "Aire Example Broadband"), 9),
    _place("26.40.0.0/16", "FR", "Lyon", ("ARA", "Auvergne-Rhone-Alpes"), (45.75, 4.85),
           (64506, "Saone Example Telecom"), 6),
    _place("28.50.0.0/16", "JP", "Osaka", ("27", "Osaka"), (34.69, 135.5), _YODO, 9),
    _place("28.51.0.0/16", "JP", "Sendai", ("04", "Miyagi"), (38.27, 140.87),
           (64508, "Example Tohoku Net"), 4),
    _place("28.60.0.0/16", "IN", "Pune", ("MH", "Maharashtra"), (18.52, 73.86),
           (64509, "Example Deccan Networks"), 6),
    _place("28.70.0.0/16", "BR", "Curitiba", ("PR", "Parana"), (-25.43, -49.27),
           (64510, "Example Araucaria Telecom"), 5),
    _place("29.10.0.0/16", "AU", "Perth", ("WA", "Western Australia"), (-31.95, 115.86),
           (64511, "Example Swan Internet"), 4),
    _place("29.20.0.0/16", "CA", "Halifax", ("NS", "Nova Scotia"), (44.65, -63.58),
           (65538, "Example Fundy Cable"), 4),
    _place("29.30.0.0/16", "NL", "Utrecht", ("UT", "Utrecht"), (52.09, 5.12),
           (65539, "Example Vecht Glas"), 4),
    _place("29.40.0.0/16", "SE", "Uppsala", ("C", "Uppsala County"), (59.86, 17.64),
           (65540, "Example Fyris Bredband"), 3),
    _place("29.50.0.0/16", "SG", "Singapore", ("04", "North East"), (1.35, 103.82),
           (65541, "Example Strait Fibre"), 4),
    _place("29.60.0.0/16", "KE", "Nairobi", ("30", "Nairobi"), (-1.29, 36.82),
           (65542, "Example Athi Online"), 2),
    _place("29.70.0.0/16", "MX", "Puebla", ("PUE", "Puebla"), (19.04, -98.21),
           (65543, "Example Atoyac Redes"), 3),
    _place("29.80.0.0/16", "PL", "Gdansk", ("PM", "Pomerania"), (54.35, 18.65),
           (65544, "Example Motlawa Net"), 3),
    _place("29.90.0.0/16", "ES", "Seville", ("SE", "Seville"), (37.39, -5.98),
           (65545, "Example Betis Fibra"), 3),
    _place("30.10.0.0/16", "IT", "Turin", ("TO", "Turin"), (45.07, 7.69),
           (65546, "Example Dora Telecom"), 3),
    _place("30.20.0.0/16", "KR", "Busan", ("26", "Busan"), (35.18, 129.08),
           (65547, "Example Nakdong Broadband"), 3),
    _place("30.30.0.0/16", "ZA", "Durban", ("KZN", "KwaZulu-Natal"), (-29.86, 31.03),
           (65548, "Example Umgeni Fibre"), 2),
    _place("3ffe:2000::/32", "US", "Portland", _OREGON, (45.52, -122.68), _CASCADE, 4),
    _place("3ffe:2600::/32", "DE", "Hamburg", _HAMBURG, (53.55, 9.99), _ALSTER, 4),
    _place("3ffe:2800::/32", "JP", "Osaka", ("27", "Osaka"), (34.69, 135.5), _YODO, 3),
    # the company's offices, its addresses in the cloud, and Amazon's own services
    _place("33.10.1.0/24", "DE", "Hamburg", _HAMBURG, (53.56, 10.0), _HALDEN),
    _place("33.10.2.0/24", "JP", "Tokyo", _TOKYO, (35.69, 139.69), _HALDEN),
    _place("33.20.0.0/16", "US", "Ashburn", _VIRGINIA, (39.04, -77.49), _CLOUD),
    _place("33.21.0.0/16", "DE", "Frankfurt am Main", _HESSE, (50.11, 8.68), _CLOUD),
    _place("33.22.0.0/16", "JP", "Tokyo", _TOKYO, (35.69, 139.69), _CLOUD),
    _place("3ffe:b000::/32", "US", "Ashburn", _VIRGINIA, (39.04, -77.49), _CLOUD),
    _place("52.216.0.0/15", "US", "Ashburn", _VIRGINIA, (39.04, -77.49), _AMAZON),
    _place("52.94.0.0/16", "US", "Ashburn", _VIRGINIA, (39.04, -77.49), _AMAZON),
    # those who come uninvited
    _place("26.77.13.0/24", "IS", "Reykjavik", ("1", "Capital Region"), (64.15, -21.94), _HRAFN),
    _place("28.45.9.0/24", "SC", "Victoria", ("16", "English River"), (-4.62, 55.45),
           (64497, "Coral Example Relay")),
    _place("30.99.0.0/16", "PA", "Panama City", ("8", "Panama"), (8.98, -79.52),
           (64498, "Isthmus Example VPS")),
)
# fmt: on
SCANNERS = next(place for place in PLACES if place.country.code == "PA")


@lru_cache(maxsize=4096)
def place_of(address: str) -> Place | None:
    """The place of an address; None for private ones and others that the demo does not know."""
    parsed = ipaddress.ip_address(address)
    for place in PLACES:
        if parsed.version == place.network.version and parsed in place.network:
            return place
    return None
