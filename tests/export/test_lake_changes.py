"""An index stays equal to the lake through what befalls the lake: `rebuild`, objects that changed,
ingests while `--follow` waits. Against a real server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest
import small_lake

from lake.enrich.geoip import GeoIP
from lake.export.opensearch import export
from lake.export.report import ExportOptions, ExportReport
from lake.export.target import Place
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.upkeep.rebuild import RebuildOptions, rebuild

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opensearch_server import OpenSearchServer

pytestmark = pytest.mark.opensearch
TRAIL = "/log-aws-cloudtrail-*"
SECONDS = 240


def send(server: OpenSearchServer, lake: Path) -> ExportReport:
    return export(lake, Place(server.url), ExportOptions())


def sent(report: ExportReport) -> int:
    return sum(count.sent for count in report.tables.values())


def in_lake(lake: Path) -> set[str]:
    opened = open_lake(lake)
    return {
        str(row[0])
        for table in opened.tables()
        for row in opened.sql(f"SELECT event.hash FROM {table}").fetchall()
    }


def in_index(server: OpenSearchServer) -> set[str]:
    return set().union(*server.ids().values())


def with_geo(server: OpenSearchServer) -> int:
    server.ask("POST", f"{TRAIL}/_refresh")
    query = {"query": {"exists": {"field": "source.geo.country_iso_code"}}}
    return int(server.ask("POST", f"{TRAIL}/_count", query)["count"])


def write(place: Path, numbers: range) -> None:
    records = [small_lake.event(number, "13:00:00", "s3", "GetObject") for number in numbers]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"Records": records}))


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds(what):
        assert time.monotonic() < end
        time.sleep(0.2)


def holds(what: Callable[[], bool]) -> bool:
    """Whether it is so; not while an index is there and its shard has not started."""
    try:
        return what()
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return False


def test_rows_that_were_made_anew_replace_their_documents(
    opensearch: OpenSearchServer, tmp_path: Path
) -> None:
    small_lake.make(tmp_path)
    lake = tmp_path / "lakehouse"
    send(opensearch, lake)
    query = "SELECT count(*) FROM cloudtrail WHERE source.geo.country_iso_code IS NOT NULL"
    assert [(with_geo(opensearch),)] == open_lake(lake).sql(query).fetchall() != [(0,)]
    rebuild(lake, RebuildOptions(geoip=GeoIP.none()))
    report = send(opensearch, lake)
    assert (sent(report), report.complete) == (14, True)
    assert in_index(opensearch) == in_lake(lake)
    assert with_geo(opensearch) == 0
    assert sent(send(opensearch, lake)) == 0


def test_what_an_object_held_before_it_changed_stays(
    opensearch: OpenSearchServer, tmp_path: Path
) -> None:
    """As in the lake, where `superseded_rows` names it."""
    name = "AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01/one.json"
    lake = tmp_path / "lakehouse"
    for numbers, due in ((range(3), 3), (range(1, 5), 2)):
        write(tmp_path / "logs" / name, numbers)
        ingest(lake, [str(tmp_path / "logs")], IngestOptions(jobs=1))
        assert sent(send(opensearch, lake)) == due
        assert in_index(opensearch) == in_lake(lake)
    gone = open_lake(lake).sql("SELECT count(*) FROM superseded_rows").fetchall()
    assert (gone, len(in_index(opensearch))) == ([(1,)], 5)


def test_follow_goes_on_after_each_ingest(opensearch: OpenSearchServer, tmp_path: Path) -> None:
    small_lake.make(tmp_path)
    lake = tmp_path / "lakehouse"
    command = [sys.executable, "-m", "lake.cli", "export", "opensearch", opensearch.url]
    process = subprocess.Popen(
        [*command, "--lake", str(lake), "--follow"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # what a shell runs in the background ignores it, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        until(lambda: len(in_index(opensearch)) == 14)
        for number in (60, 70):
            place = tmp_path / f"new/AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01/{number}"
            write(place.with_suffix(".json"), range(number, number + 2))
            ingest(lake, [str(tmp_path / "new")], IngestOptions(jobs=1))
            due = in_lake(lake)
            until(lambda due=due: in_index(opensearch) == due)  # type: ignore[misc]
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=SECONDS)[1].decode()
    finally:
        process.kill()
        process.wait(SECONDS)
    assert (len(due), process.returncode) == (18, 130), told
    assert "Traceback" not in told
