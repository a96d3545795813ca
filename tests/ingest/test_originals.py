"""A lake without the records as they came: the same rows else, and what is given up is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import logs
import pyarrow.parquet as pq
import pytest
from command import run_lake
from engine import ask, balance, contents, hashes, put, raw_files, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest
from lake.serve.status import read_status
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.rebuild import RebuildOptions, rebuild
from lake.upkeep.rederive import NOT_KEPT
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

NOT_UTF8 = logs.flow(99, account="\udcff").encode("utf-8", "surrogateescape")


def filled(folder: Path) -> Path:
    """Logs of several sources; a line is no UTF-8."""
    put(folder, TRAIL_KEY, logs.trail(logs.events(20)))
    put(folder, FLOW_KEY, logs.flow_file(logs.flows(20)) + NOT_UTF8)
    put(folder, "queries.json", json.dumps(logs.QUERY).encode())
    put(folder, "all.log", "\n".join(logs.BALANCER_LINES.values()).encode())
    return folder


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    """A lake with and one without originals, of the same logs."""
    place = filled(tmp_path / "logs")
    for name in ("with", "without"):
        read(tmp_path / name, place, originals=name == "with")
        balance(tmp_path / name)
    return tmp_path / "with", tmp_path / "without"


def test_the_same_rows_but_for_their_originals(both: tuple[Path, Path]) -> None:
    whole, bare = both
    assert hashes(whole) == hashes(bare)
    count = "SELECT count(*), count(event.original), count(log.encoding) FROM events"
    assert (ask(whole, count), ask(bare, count)) == ([(46, 46, 1)], [(46, 0, 0)])
    for table in ("cloudtrail", "vpcflow", "route53resolver", "alb", "nlb", "clb"):
        assert ask(whole, f"FROM {table} SELECT * EXCLUDE (event, log) ORDER BY ALL") == ask(
            bare, f"FROM {table} SELECT * EXCLUDE (event, log) ORDER BY ALL"
        )
    for file in raw_files(bare):
        event = pq.read_schema(bare / file).field("event").type
        assert "original" not in {member.name for member in event}
    assert verify(bare).findings == []


def test_what_is_given_up_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, lake = filled(tmp_path / "logs"), tmp_path / "lake"
    words = ["ingest", str(place), "--lake", str(lake), "--jobs", "1"]
    _, _, told = run_lake([*words, "--no-original"], monkeypatch, capsys)
    assert "without the records as they came (--no-original): lake rebuild leaves" in told
    put(place, f"more/{TRAIL_KEY}", logs.trail(logs.events(5, first=100)))
    _, _, told = run_lake(words, monkeypatch, capsys)
    assert "--no-original" not in told
    _, out, _ = run_lake(["status", "--lake", str(lake)], monkeypatch, capsys)
    assert "46 rows were read without their records as they came (--no-original)" in out
    assert read_status(lake).bare == 46


def test_a_rebuild_leaves_them_as_they_are(both: tuple[Path, Path], tmp_path: Path) -> None:
    _, bare = both
    put(tmp_path / "more", f"more/{TRAIL_KEY}", logs.trail(logs.events(5, first=100)))
    read(bare, tmp_path / "more")
    before = contents(bare, "cloudtrail")
    report = rebuild(bare, RebuildOptions(geoip=GeoIP.none()))
    trail = report.tables["cloudtrail"]
    assert (trail.rows, trail.kept, trail.reasons) == (25, 20, {NOT_KEPT: 20})
    assert contents(bare, "cloudtrail") == before
    assert verify(bare).findings == []


def test_files_with_and_without_are_merged(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(4):
        key = TRAIL_KEY.replace("a1b2", f"{number}1b2")
        put(tmp_path / f"{number}", key, logs.trail(logs.events(5, first=10 * number + 1)))
        read(lake, tmp_path / f"{number}", originals=number % 2 == 0)
    before = contents(lake, "cloudtrail")
    assert compact(lake, CompactOptions()).files_after == 1
    assert contents(lake, "cloudtrail") == before
    assert ask(lake, "SELECT count(*), count(event.original) FROM cloudtrail") == [(20, 10)]


def test_documents_have_no_message(
    both: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = []
    for lake in both:
        words = ["sql", "FROM vpcflow ORDER BY event.hash", "--lake", str(lake)]
        _, out, _ = run_lake([*words, "--format", "documents"], monkeypatch, capsys)
        documents.append([json.loads(line) for line in out.splitlines()])
    whole, bare = documents
    assert all(document.pop("@message") for document in whole)
    for document in (*whole, *bare):
        del document["event"]["ingested"]
        document.get("log", {}).pop("encoding", None)
    assert whole == bare


def test_a_damaged_object_that_is_whole_now(tmp_path: Path) -> None:
    """Without a text to tell whether the record was damaged, the whole object's takes its place."""
    lake, place = tmp_path / "lake", tmp_path / "logs"
    whole = logs.trail(logs.events(3))
    path = put(place, TRAIL_KEY.removesuffix(".gz"), whole[:-40])
    assert read(lake, place, originals=False).statuses["partial"] == 1
    path.write_bytes(whole)
    report = read(lake, place, originals=False)
    assert (report.rows, report.duplicates, report.mended) == (1, 2, 2)
    balance(lake)
    assert verify(lake).findings == []


def test_a_record_that_was_altered_keeps_its_row(tmp_path: Path) -> None:
    lake, place = tmp_path / "lake", tmp_path / "logs"
    put(place, TRAIL_KEY, logs.trail(logs.events(3)))
    ingest(lake, [str(place)], IngestOptions(jobs=1, originals=False))
    put(place, TRAIL_KEY, logs.trail([logs.event(1, sourceIPAddress="192.0.2.66")]))
    report = read(lake, place, originals=False)
    assert (report.rows, report.duplicates, report.reworded) == (0, 1, 0)
    assert ask(lake, "SELECT DISTINCT source.ip FROM cloudtrail") == [("198.51.100.7",)]
