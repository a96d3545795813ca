"""Made logs are what they are taken for: `lake ingest` reads every record, the yardsticks find as
many, and the same seed gives the same bytes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

import lake
from bench import yardsticks
from bench.kinds import KINDS
from bench.made.data import Layout, object_key, object_text, write_logs
from bench.made.geoip import write_geoip
from bench.objects import by_kind, lay_out
from bench.queries import measure_queries
from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest

if TYPE_CHECKING:
    from pathlib import Path

    from bench.kinds import Kind

pytestmark = pytest.mark.long

LAYOUT = Layout(objects=16, days=2, accounts=2)
"""Two accounts in four regions, a day each: sixteen places, one object in each."""
COUNT = 330


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `AWSLogs/`, `geoip/`, and what was read of them in `lakehouse/`."""
    folder = tmp_path_factory.mktemp("made")
    write_logs(folder, dict.fromkeys(KINDS, COUNT), LAYOUT, jobs=1)
    write_geoip(folder / "geoip", LAYOUT.seed)
    geoip = GeoIP.open([folder / "geoip"])
    ingest(folder / "lakehouse", [str(folder / "AWSLogs")], IngestOptions(geoip=geoip))
    return folder


def test_every_record_is_a_row_of_its_table(made: Path) -> None:
    opened = lake.open(made / "lakehouse")
    told = opened.sql(
        "SELECT source, status, count(*), sum(records)::INT, sum(rows)::INT, sum(rejects)::INT "
        "FROM objects GROUP BY ALL ORDER BY 1"
    ).fetchall()
    assert told == [(kind, "read", 16, COUNT, COUNT, 0) for kind in sorted(KINDS)]


def test_no_member_is_unknown_or_lossy(made: Path) -> None:
    status = lake.open(made / "lakehouse").status()
    assert status.unknown_members == {}
    assert status.lossy_members == {}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_lie_in_the_partitions_that_the_keys_name(made: Path, kind: str) -> None:
    opened = lake.open(made / "lakehouse")
    places = opened.sql(f'SELECT DISTINCT account, region, "date"::VARCHAR FROM {kind}').fetchall()
    assert Counter(account for account, _, _ in places) == {
        "111111111111": 8,
        "112121212121": 8,
    }
    assert {day for _, _, day in places} == {"2025-03-10", "2025-03-11"}
    assert len({region for _, region, _ in places}) == 4


def test_every_public_address_has_a_place(made: Path) -> None:
    opened = lake.open(made / "lakehouse")
    without = opened.sql(
        "SELECT count(*) FROM events WHERE NOT is_private(source.ip) "
        'AND (source.geo.city_name IS NULL OR source."as".number IS NULL)'
    ).fetchall()
    assert without == [(0,)]


@pytest.mark.parametrize("name", KINDS)
def test_the_yardsticks_find_every_record(made: Path, name: str) -> None:
    assert yardsticks.of_objects(KINDS[name], by_kind(made)[name])["records"] == COUNT


def test_queries_have_rows_and_the_same_answers_over_plain_files(
    made: Path, tmp_path: Path
) -> None:
    found = list(measure_queries(made / "lakehouse", tmp_path / "plain", 1, "queries"))
    assert len(found) == 12
    assert [one.name for one in found if not one.figures["rows"]] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_seed_is_all_that_decides(kind: Kind) -> None:
    one, other = LAYOUT.place(5), Layout(16, 2, 2, seed=2).place(5)
    text = object_text(kind, one, 5, 20)
    assert text == object_text(kind, one, 5, 20)
    assert text != object_text(kind, other, 5, 20)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (
            "cloudtrail",
            "AWSLogs/112121212121/CloudTrail/us-west-2/2025/03/11/112121212121_CloudTrail_us-west-2_"
            "20250311T2359Z_0000000d0000000d.json.gz",
        ),
        (
            "waf",
            "AWSLogs/112121212121/WAFLogs/us-west-2/bench/2025/03/11/00/00/112121212121_waflogs_"
            "us-west-2_bench_20250311T2359Z_0000000d.log.gz",
        ),
    ],
)
def test_keys(name: str, key: str) -> None:
    assert object_key(KINDS[name], LAYOUT.place(13), 13) == key


def test_records_are_shared_out_to_the_last() -> None:
    layout = Layout(objects=7)
    shares = [layout.share(24, number) for number in range(7)]
    assert shares == [4, 4, 4, 3, 3, 3, 3]


def test_a_folder_of_some_objects_has_their_keys(made: Path, tmp_path: Path) -> None:
    some = by_kind(made)["alb"][:2]
    folder = lay_out(made, some, tmp_path / "some")
    assert [path.relative_to(folder) for path in by_kind(folder)["alb"]] == [
        path.relative_to(made) for path in some
    ]
