"""Data streams instead of indices: the same rows, whatever the lake went through. Against a real
server."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import small_lake

from lake.enrich.geoip import GeoIP
from lake.export.opensearch import export
from lake.export.report import ExportOptions, ExportReport
from lake.export.target import Place
from lake.export.templates import stream_of, templates
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.sources.catalogue import catalogue
from lake.upkeep.forget import forget
from lake.upkeep.rebuild import RebuildOptions, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opensearch_server import OpenSearchServer

TRAIL = "log-aws-cloudtrail-stream"


@pytest.fixture
def server(opensearch: OpenSearchServer) -> Iterator[OpenSearchServer]:
    yield opensearch
    opensearch.ask("DELETE", "/_data_stream/log-aws-*")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    small_lake.make(tmp_path)
    return tmp_path / "lakehouse"


def send(server: OpenSearchServer, lake: Path, **options: Any) -> ExportReport:  # noqa: ANN401
    return export(lake, Place(server.url), ExportOptions(streams=True, **options))


def sent(report: ExportReport) -> int:
    return sum(count.sent for count in report.tables.values())


def rows(lake: Path, where: str = "true") -> list[str]:
    opened = open_lake(lake)
    return sorted(
        str(row[0])
        for table in opened.tables()
        for row in opened.sql(f"SELECT event.hash FROM {table} WHERE {where}").fetchall()
    )


def ids(server: OpenSearchServer) -> list[str]:
    """Every document's id, as often as it is there."""
    server.ask("POST", "/log-aws-*-stream/_refresh")
    found = server.ask("POST", "/log-aws-*-stream/_search", {"size": 1000, "_source": False})
    return sorted(hit["_id"] for hit in found["hits"]["hits"])


def test_their_templates() -> None:
    sources = list(catalogue().sources.values())
    indices, streams = templates(sources), templates(sources, streams=True)
    assert list(streams) == [f"{name}-stream" for name in indices]
    for name, body in indices.items():
        own = streams[f"{name}-stream"]
        assert own["template"] == body["template"]
        assert own["data_stream"] == {}
        assert own["priority"] > body["priority"]
    assert stream_of(catalogue()["cloudtrail"]) == TRAIL


@pytest.mark.opensearch
def test_the_stream_is_equal_to_the_lake(
    server: OpenSearchServer, lake: Path, tmp_path: Path
) -> None:
    first = send(server, lake)
    assert (sent(first), first.complete) == (14, True)
    told = server.ask("GET", f"/_data_stream/{TRAIL}")["data_streams"][0]
    assert told["template"] == f"siem-lake-{TRAIL}"
    assert ids(server) == rows(lake)
    assert sent(send(server, lake)) == 0
    new = tmp_path / "new/AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01/new.json"
    new.parent.mkdir(parents=True)
    new.write_text(json.dumps({"Records": [small_lake.event(50, "13:00:00", "s3", "GetObject")]}))
    ingest(lake, [str(tmp_path / "new")], IngestOptions(jobs=1))
    assert sent(send(server, lake)) == 1
    assert ids(server) == rows(lake)


@pytest.mark.opensearch
def test_what_was_sent_before_is_told_apart(server: OpenSearchServer, lake: Path) -> None:
    """A run that was killed before it noted anything: its documents are there, and stay."""
    send(server, lake)
    for file in (lake / "_exports").glob("*.jsonl"):
        file.unlink()
    again = send(server, lake)
    assert (sent(again), again.complete) == (14, True)
    assert ids(server) == rows(lake)


@pytest.mark.opensearch
def test_a_stream_that_was_rolled_over(server: OpenSearchServer, lake: Path) -> None:
    """Its older indices are not asked whether they have a document: a second one is told, and
    --again removes it."""
    send(server, lake)
    server.ask("POST", f"/{TRAIL}/_rollover")
    assert sent(send(server, lake)) == 0
    for file in (lake / "_exports").glob("*.jsonl"):
        file.unlink()
    twice = send(server, lake)
    assert not twice.complete
    assert "the indices do not hold what the lake does: cloudtrail" in twice.notes[0]
    assert len(ids(server)) > len(rows(lake))
    assert send(server, lake, again=True).complete
    assert ids(server) == rows(lake)


@pytest.mark.opensearch
def test_rebuilt_and_forgotten(server: OpenSearchServer, lake: Path) -> None:
    send(server, lake)
    server.ask("POST", f"/{TRAIL}/_rollover")
    rebuild(lake, RebuildOptions(geoip=GeoIP.none()))
    report = send(server, lake)
    assert (sent(report), report.complete) == (14, True)
    assert ids(server) == rows(lake)
    forget(lake, date(2024, 3, 15))
    report = send(server, lake)
    assert (sent(report), report.complete) == (0, True)
    assert ids(server) == rows(lake) == []


@pytest.mark.opensearch
def test_a_condition_beside_the_rest(server: OpenSearchServer, lake: Path) -> None:
    """What was sent under another condition is left alone."""
    send(server, lake)
    report = send(server, lake, where="event.action = 'GetObject'", again=True)
    assert sent(report) == 1
    assert ids(server) == rows(lake)
