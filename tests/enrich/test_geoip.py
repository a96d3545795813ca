"""Places and systems of addresses, from databases made here and MaxMind's public test ones."""

from __future__ import annotations

import pickle
import random
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import maxminddb
import maxminddb.reader
import mmdb_writer
import pyarrow as pa
import pytest
from netaddr import IPSet

from lake.enrich.address import parse
from lake.enrich.columns import member_type
from lake.enrich.geoip import GeoIP, default_folder
from lake.enrich.georecord import places, systems
from lake.enrich.mmdb import Database
from lake.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path(__file__).parents[2].parent / "shared" / "geoip"
BUILT = 1_770_245_369  # 2026-02-04T22:49:29Z

LONDON = {
    "city": {"names": {"de": "London (de)", "en": "London"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "country": {
        "iso_code": "GB",
        "names": {"de": "Vereinigtes Königreich", "en": "United Kingdom"},
    },
    "location": {"latitude": 51.5142, "longitude": -0.0931, "time_zone": "Europe/London"},
    "postal": {"code": "OX1"},
    "registered_country": {"iso_code": "US", "names": {"en": "United States"}},
    "subdivisions": [
        {"iso_code": "ENG", "names": {"en": "England"}},
        {"iso_code": "WBK", "names": {"en": "West Berkshire"}},
    ],
}
LONDON_GEO = {
    "city_name": "London",
    "continent_code": "EU",
    "continent_name": "Europe",
    "country_iso_code": "GB",
    "country_name": "United Kingdom",
    "location": {"lat": 51.5142, "lon": -0.0931},
    "name": None,
    "postal_code": "OX1",
    "region_iso_code": "GB-ENG",
    "region_name": "England",
    "timezone": "Europe/London",
}
NOWHERE = dict.fromkeys(LONDON_GEO)
SWEDEN = {"country": {"iso_code": "SE", "names": {"en": "Sweden"}}}
BREDBAND = {
    "autonomous_system_number": 29518,
    "autonomous_system_organization": "Bredband2 AB",
}
BREDBAND_AS = {"number": 29518, "organization": {"name": "Bredband2 AB"}}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def make(
        kind: str, nets: dict[str, Any], name: str = "", built: int = BUILT, version: int = 6
    ) -> Path:
        monkeypatch.setattr(mmdb_writer.time, "time", lambda: built)
        writer = mmdb_writer.MMDBWriter(
            ip_version=version, ipv4_compatible=version == 6, database_type=kind
        )
        for net, record in nets.items():
            writer.insert_network(IPSet([net]), record)
        path = tmp_path / f"{name or kind}.mmdb"
        writer.to_db_file(str(path))
        return path

    return make


def _one(geoip: GeoIP, text: str) -> dict[str, Any]:
    row: dict[str, Any] = geoip.lookup([text]).to_pylist()[0]
    return row


def test_lookup_gives_every_column_in_the_given_order(write: Callable[..., Path]) -> None:
    city = write("GeoLite2-City", {"81.2.69.0/24": LONDON, "2001:218::/32": SWEDEN})
    asn = write("GeoLite2-ASN", {"89.160.0.0/17": BREDBAND, "81.2.69.142/32": {**BREDBAND}})
    table = GeoIP.open([city, asn]).lookup(
        pa.array(["89.160.20.112", "[2001:218::1]", None, "-", "81.2.69.142", "10.0.0.1"])
    )
    sweden = {**NOWHERE, "country_iso_code": "SE", "country_name": "Sweden"}
    assert table.column_names == ["text", "ip", "geo", "as"]
    assert table["text"].to_pylist()[1] == "[2001:218::1]"
    assert table["ip"].to_pylist() == [
        "89.160.20.112", "2001:218::1", None, None, "81.2.69.142", "10.0.0.1",
    ]  # fmt: skip
    assert table["geo"].to_pylist() == [None, sweden, None, None, LONDON_GEO, None]
    assert table["as"].to_pylist() == [BREDBAND_AS, None, None, None, BREDBAND_AS, None]


def test_types_are_those_of_ecs_toml(write: Callable[..., Path]) -> None:
    table = GeoIP.open([write("GeoLite2-City", {"81.2.69.0/24": LONDON})]).lookup(["81.2.69.142"])
    assert table.schema.field("geo").type == member_type("source.geo") == member_type("client.geo")
    assert table.schema.field("as").type == member_type("source.as")
    assert [field.name for field in member_type("source.geo")] == list(LONDON_GEO)
    assert member_type("source.geo").field("location").type == pa.struct(
        [("lat", pa.float64()), ("lon", pa.float64())]
    )
    assert member_type("source.as").field("number").type == pa.int64()
    assert GeoIP.none().lookup(["81.2.69.142"]).schema == table.schema
    assert GeoIP.none().lookup([]).schema == table.schema
    with pytest.raises(SourceError, match=r"no source\.ge0"):
        member_type("source.ge0")
    with pytest.raises(SourceError, match=r"event\.category is VARCHAR\[\]"):
        member_type("event.category")


def test_chunked_and_large_text_is_taken(write: Callable[..., Path]) -> None:
    geoip = GeoIP.open([write("GeoLite2-City", {"81.2.69.0/24": LONDON})])
    texts = pa.chunked_array([["81.2.69.1"], ["81.2.70.1", "81.2.69.2"]], pa.large_string())
    table = geoip.lookup(texts)
    assert [row and row["city_name"] for row in table["geo"].to_pylist()] == [
        "London", None, "London",
    ]  # fmt: skip


def test_private_addresses_are_not_looked_up(write: Callable[..., Path]) -> None:
    everything = {net: LONDON for net in ("10.0.0.0/8", "198.51.100.0/24", "fd00::/8", "::1/128")}
    geoip = GeoIP.open([write("GeoLite2-City", {**everything, "81.2.69.0/24": LONDON})])
    table = geoip.lookup(["10.1.2.3", "198.51.100.1", "fd00::1", "::1"])
    assert table["geo"].to_pylist() == [None] * 4


@pytest.mark.parametrize("text", ["::ffff:81.2.69.142", "64:ff9b::5102:458e"])
def test_an_address_that_carries_an_ipv4_one_has_its_place(
    write: Callable[..., Path], text: str
) -> None:
    row = _one(GeoIP.open([write("GeoLite2-City", {"81.2.69.142/32": LONDON})]), text)
    assert (row["ip"], row["geo"]) == (text, LONDON_GEO)


def test_an_ipv4_database_has_nothing_for_ipv6(write: Callable[..., Path]) -> None:
    geoip = GeoIP.open([write("GeoLite2-City", {"81.2.69.0/24": LONDON}, version=4)])
    table = geoip.lookup(["2001:218::1", "81.2.69.142"])
    assert table["geo"].to_pylist() == [None, LONDON_GEO]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, None),
        ({"country": "GB", "continent": 3, "location": [], "subdivisions": "ENG"}, None),
        ({"registered_country": {"iso_code": "US"}}, None),
        ({"subdivisions": [], "city": {"names": {"de": "Köln"}}}, None),
        ({"country": {"iso_code": "SE"}}, {**NOWHERE, "country_iso_code": "SE"}),
        (
            {"location": {"latitude": 1, "time_zone": "UTC"}},
            {**NOWHERE, "timezone": "UTC"},
        ),
        (
            {"location": {"latitude": 0, "longitude": 0}},
            {**NOWHERE, "location": {"lat": 0.0, "lon": 0.0}},
        ),
        (  # DB-IP City Lite names regions and gives them no code
            {"country": {"iso_code": "US"}, "subdivisions": [{"names": {"en": "California"}}]},
            {**NOWHERE, "country_iso_code": "US", "region_name": "California"},
        ),
        ({"subdivisions": [{"iso_code": "CA"}]}, None),
    ],
)
def test_place_of_a_record(
    write: Callable[..., Path], record: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    """Also beside a record that is as expected, whose address is asked in the same call."""
    nets = {"81.2.69.0/24": record, "89.160.20.0/24": LONDON}
    for one in (nets, {"81.2.69.0/24": record}):
        database = Database(write("GeoLite2-City", one))
        found = places(database, ["81.2.69.142", "89.160.20.1", "8.8.8.8"]).to_pylist()
        assert found == [expected, LONDON_GEO if len(one) > 1 else None, None]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, None),
        (BREDBAND, BREDBAND_AS),
        ({"autonomous_system_number": 7018}, {"number": 7018, "organization": None}),
        (
            {"autonomous_system_organization": "Telstra"},
            {"number": None, "organization": {"name": "Telstra"}},
        ),
        ({"traits": BREDBAND}, BREDBAND_AS),  # GeoIP2 Enterprise, DB-IP Location+ISP
        ({**BREDBAND, "isp": "Bredband2", "organization": "Customer"}, BREDBAND_AS),  # GeoIP2 ISP
        ({"autonomous_system_number": "AS29518", "autonomous_system_organization": ""}, None),
        ({"autonomous_system_number": 1 << 63}, None),
        ({"traits": "Bredband2"}, None),
    ],
)
def test_system_of_a_record(
    write: Callable[..., Path], record: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    database = Database(write("GeoLite2-ASN", {"81.2.69.0/24": record}))
    assert systems(database, ["81.2.69.142", "8.8.8.8"]).to_pylist() == [expected, None]


def test_a_folder_gives_cities_before_countries_and_newer_before_older(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    write("GeoLite2-City", {"81.2.69.0/24": LONDON}, built=BUILT - 86_400)
    write("DBIP-City-Lite", {"81.2.69.0/24": {**LONDON, "city": {"names": {"en": "new"}}}})
    write("GeoLite2-Country", {"81.2.69.0/24": SWEDEN}, built=BUILT + 86_400)
    write("GeoIP2-ISP", {"81.2.69.0/24": BREDBAND})
    write("GeoIP2-Connection-Type", {"81.2.69.0/24": {"connection_type": "Cable"}})
    geoip = GeoIP.open([tmp_path])
    row = _one(geoip, "81.2.69.142")
    assert (row["geo"]["city_name"], row["as"]) == ("new", BREDBAND_AS)
    assert geoip.builds == "DBIP-City-Lite 2026-02-04T22:49:29Z, GeoIP2-ISP 2026-02-04T22:49:29Z"
    assert geoip.describe() == (
        "GeoIP: places from DBIP-City-Lite of 2026-02-04, "
        "autonomous systems from GeoIP2-ISP of 2026-02-04."
    )


def test_one_database_may_serve_both(write: Callable[..., Path]) -> None:
    both = write(
        "DBIP-Location-ISP (compat=Enterprise)", {"81.2.69.0/24": {**LONDON, "traits": BREDBAND}}
    )
    geoip = GeoIP.open([both])
    row = _one(geoip, "81.2.69.142")
    assert (row["geo"], row["as"]) == (LONDON_GEO, BREDBAND_AS)
    assert geoip.builds == "DBIP-Location-ISP (compat=Enterprise) 2026-02-04T22:49:29Z"


def test_what_is_missing_is_said(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKE_GEOIP", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert GeoIP.default().builds is None
    assert GeoIP.default().describe() == (
        "GeoIP: no database, so geo and as stay empty. Run 'lake geoip update', or put .mmdb files "
        f"into {tmp_path / 'siem-lake' / 'geoip'}."
    )
    asn = GeoIP.open([write("GeoLite2-ASN", {"89.160.0.0/17": BREDBAND})])
    assert asn.describe() == (
        "GeoIP: no database for places, autonomous systems from GeoLite2-ASN of 2026-02-04."
    )
    monkeypatch.setenv("LAKE_GEOIP", str(tmp_path))
    assert GeoIP.default().builds == "GeoLite2-ASN 2026-02-04T22:49:29Z"


def test_a_variable_that_gives_no_database_is_refused(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no database")
    (tmp_path / "empty").mkdir()
    for name, words in (
        ("gone", "no GeoIP database at"),
        ("text", "is no GeoIP database that can be read"),
        ("empty", r"no \.mmdb file in"),
    ):
        monkeypatch.setenv("LAKE_GEOIP", str(tmp_path / name))
        with pytest.raises(UsageError, match=rf"^LAKE_GEOIP=.*{name}: .*{words}"):
            GeoIP.default()
    file = write("GeoLite2-ASN", {"89.160.0.0/17": BREDBAND})
    monkeypatch.setenv("LAKE_GEOIP", str(file))
    assert GeoIP.default().builds == "GeoLite2-ASN 2026-02-04T22:49:29Z"


def test_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKE_GEOIP", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.delenv("LAKE_GEOIP")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "siem-lake" / "geoip"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "share" / "siem-lake" / "geoip"


def test_paths_that_do_not_serve_are_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    good = write("GeoLite2-City", {"81.2.69.0/24": LONDON}).read_bytes()
    folder = tmp_path / "empty"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"no GeoIP database at .*x\.mmdb.*lake geoip update"):
        GeoIP.open([tmp_path / "x.mmdb"])
    with pytest.raises(UsageError, match=r"no \.mmdb file in .*empty.*lake geoip update"):
        GeoIP.open([folder])
    for damaged in (b"", b"not a database", good[:200], good[len(good) // 2 :], good[:-40]):
        (folder / "x.mmdb").write_bytes(damaged)
        with pytest.raises(UsageError, match=r"x\.mmdb is no GeoIP database that can be read.*"):
            GeoIP.open([folder])
    speed = write("GeoIP2-Connection-Type", {"81.2.69.0/24": {"connection_type": "Cable"}})
    with pytest.raises(UsageError, match=r"\(GeoIP2-Connection-Type\) holds neither places"):
        GeoIP.open([speed])


def test_pickled_as_paths_and_reopened_once(write: Callable[..., Path]) -> None:
    geoip = GeoIP.open([write("GeoLite2-City", {"81.2.69.0/24": LONDON})])
    sent = pickle.dumps(geoip)
    assert len(sent) < 1_000
    first, second = pickle.loads(sent), pickle.loads(sent)  # noqa: S301
    assert first is second
    assert _one(first, "81.2.69.142")["geo"] == LONDON_GEO
    assert first.builds == geoip.builds
    nothing = pickle.loads(pickle.dumps(GeoIP.none()))  # noqa: S301
    assert _one(nothing, "81.2.69.142")["geo"] is None


@pytest.mark.parametrize("bits", [24, 28, 32])
def test_the_walk_finds_what_maxminddb_finds(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    """Of every record size, and with positions over 2**24, as real City databases have them."""

    def adjust(tree: mmdb_writer.TreeWriter) -> None:
        tree.record_size = bits

    monkeypatch.setattr(mmdb_writer.TreeWriter, "_adjust_record_size", adjust)
    dice = random.Random(7)
    nets: dict[str, Any] = {}
    for number in range(17 if bits > 24 else 0):  # maxminddb refuses one record of 16 MB
        filler = f"{number}".ljust(1 << 20)
        nets[f"1.0.{number}.0/24"] = {"country": {"iso_code": "AU"}, "filler": filler}
    for number in range(400):
        address = ".".join(str(dice.randrange(2, 224)) for _ in range(4))
        nets[f"{address}/{dice.randrange(9, 33)}"] = {"country": {"iso_code": str(number)}}
        high = f"2{dice.randrange(4096):03x}:{dice.randrange(65536):x}:{dice.randrange(65536):x}"
        nets[f"{high}::/{dice.randrange(17, 49)}"] = {"country": {"iso_code": f"v6 {number}"}}
    path = write("Country", nets)
    asked = [net.partition("/")[0] for net in nets]
    asked += [".".join(str(dice.randrange(1, 224)) for _ in range(4)) for _ in range(2_000)]
    asked += [f"2{dice.randrange(4096):03x}:{dice.randrange(65536):x}::1" for _ in range(2_000)]
    addresses = parse(asked)
    positions = Database(path).find(addresses)
    plain = maxminddb.reader.Reader(path, maxminddb.MODE_FILE)
    wanted = [
        plain._find_address_in_tree(bytearray(ip_address(ip).packed))[0]
        for ip in addresses.texts.to_pylist()
    ]
    assert plain.metadata().record_size == bits
    assert positions.tolist() == wanted
    assert (positions.max() > 1 << 24) == (bits > 24)
    assert 800 < (positions > 0).sum() < 4_000
    plain.close()

    public = parse(asked).public()
    seen = {public.texts[int(at)].as_py() for at in (*public.v4_at, *public.v6_at)}
    with maxminddb.open_database(path) as reader:
        for row in GeoIP.open([path]).lookup(asked).to_pylist():
            record = reader.get(row["ip"]) if row["ip"] in seen else None
            code = record["country"]["iso_code"] if record else None
            assert (row["geo"] and row["geo"]["country_iso_code"]) == code


def test_a_record_that_cannot_be_decoded_is_said_to_be_damage(write: Callable[..., Path]) -> None:
    path = write("GeoLite2-City", {"81.2.69.0/24": LONDON, "89.160.20.0/24": SWEDEN})
    whole = path.read_bytes()
    at = whole.index(b"Sweden") - 1
    path.write_bytes(whole[:at] + b"\x1f\xff\xff" + whole[at + 3 :])
    with pytest.raises(UsageError, match="no GeoIP database that can be read"):
        places(Database(path), ["81.2.69.142", "89.160.20.1"])


NAMED = ("city", "continent", "country")

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="MaxMind's test databases are not at ../shared/geoip"
)


@needs_shared
@pytest.mark.parametrize(
    ("ip", "geo", "system"),
    [
        (
            "81.2.69.142",
            {**LONDON_GEO, "postal_code": None},
            None,
        ),
        (
            "89.160.20.112",
            {
                **NOWHERE,
                "city_name": "Linköping",
                "continent_code": "EU",
                "continent_name": "Europe",
                "country_iso_code": "SE",
                "country_name": "Sweden",
                "location": {"lat": 58.4167, "lon": 15.6167},
                "region_iso_code": "SE-E",
                "region_name": "Östergötland County",
                "timezone": "Europe/Stockholm",
            },
            BREDBAND_AS,
        ),
        (
            "2001:218::1",
            {
                **NOWHERE,
                "continent_code": "AS",
                "continent_name": "Asia",
                "country_iso_code": "JP",
                "country_name": "Japan",
                "location": {"lat": 35.68536, "lon": 139.75309},
                "timezone": "Asia/Tokyo",
            },
            None,
        ),
        ("12.81.96.1", None, {"number": 7018, "organization": None}),
        (
            "18.236.253.47",
            None,
            {"number": 3, "organization": {"name": "Massachusetts Institute of Technology"}},
        ),
        ("10.0.0.1", None, None),
    ],
)
def test_maxminds_test_databases(
    ip: str, geo: dict[str, Any] | None, system: dict[str, Any] | None
) -> None:
    row = _one(GeoIP.open([SHARED]), ip)
    assert row == {"text": ip, "ip": ip, "geo": geo, "as": system}


@needs_shared
def test_maxminds_test_databases_are_named() -> None:
    geoip = GeoIP.open([SHARED])
    assert geoip.builds == "GeoLite2-City 2026-02-04T22:49:29Z, GeoLite2-ASN 2026-02-04T22:49:29Z"
    country = GeoIP.open([SHARED / "GeoLite2-Country-Test.mmdb"])
    assert _one(country, "81.2.69.142")["geo"] == {
        **NOWHERE,
        "continent_code": "EU",
        "continent_name": "Europe",
        "country_iso_code": "GB",
        "country_name": "United Kingdom",
    }


@needs_shared
def test_every_network_of_maxminds_test_databases() -> None:
    """What is found for each network's first address is what maxminddb finds."""
    for name in ("City", "Country"):
        path = SHARED / f"GeoLite2-{name}-Test.mmdb"
        with maxminddb.open_database(path) as reader:
            nets = [(str(net.network_address), record) for net, record in reader]
        table = GeoIP.open([path]).lookup([ip for ip, _ in nets])
        rows = table["geo"].to_pylist()
        compared = 0
        for (_, record), geo in zip(nets, rows, strict=True):
            if geo is not None:
                names = {name: record.get(name, {}).get("names", {}).get("en") for name in NAMED}
                assert [geo[f"{name}_name"] for name in NAMED] == list(names.values())
                assert geo["timezone"] == record.get("location", {}).get("time_zone")
                compared += 1
        assert compared > 200
