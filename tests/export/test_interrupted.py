"""An export that is killed, waits, or finds the lake changed or damaged on the way. Where documents
are looked at, against a real server."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import small_lake

from lake.errors import LakeError, StorageError
from lake.export import opensearch as exporting
from lake.export.report import ExportOptions, ExportReport
from lake.export.sent import Memory, Sent
from lake.export.target import Place
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.forget import forget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opensearch_server import OpenSearchServer

FIRST, SECOND = "2024-03-01", "2024-03-02"


class Killed(BaseException):
    """As a kill: nothing of the export catches it."""


def send(server: OpenSearchServer, lake: Path, **options: Any) -> ExportReport:  # noqa: ANN401
    return exporting.export(lake, Place(server.url), ExportOptions(**options))


def add(lake: Path, name: str, numbers: range, day: str = FIRST) -> None:
    place = lake.parent / f"{name}/AWSLogs/111111111111/CloudTrail/us-east-1/{name}.json"
    place.parent.mkdir(parents=True)
    at = f"{day}T13:00:00Z"
    records = [small_lake.event(n, "13:00:00", "s3", "GetObject", eventTime=at) for n in numbers]
    place.write_text(json.dumps({"Records": records}))
    ingest(lake, [str(place)], IngestOptions(jobs=1))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Three events of one day, two of the next."""
    add(tmp_path / "lakehouse", "one", range(3))
    add(tmp_path / "lakehouse", "two", range(10, 12), SECOND)
    return tmp_path / "lakehouse"


def in_lake(lake: Path) -> set[str]:
    found = open_lake(lake).sql("SELECT event.hash FROM cloudtrail").fetchall()
    return {str(row[0]) for row in found}


def in_index(server: OpenSearchServer) -> set[str]:
    return set().union(*server.ids().values())


def kill(server: OpenSearchServer, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All documents are sent, and none is noted."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Memory, "note", killed)
        send(server, lake)
    assert in_index(server) == in_lake(lake)


def test_what_is_forgotten_after_a_kill_is_deleted(
    opensearch: OpenSearchServer, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the days that a killed run had begun to send none was noted as sent."""
    kill(opensearch, lake, monkeypatch)
    forget(lake, date.fromisoformat(SECOND))
    report = send(opensearch, lake)
    assert (report.complete, report.tables["cloudtrail"].deleted) == (True, 3)
    assert in_index(opensearch) == in_lake(lake)
    assert len(in_lake(lake)) == 2
    assert send(opensearch, lake).tables["cloudtrail"].sent == 0


def test_what_is_merged_after_a_kill_is_sent(
    opensearch: OpenSearchServer, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(opensearch, lake)
    add(lake, "three", range(20, 23))
    kill(opensearch, lake, monkeypatch)
    compact(lake, CompactOptions(grace=timedelta(0)))
    assert send(opensearch, lake).complete
    assert in_index(opensearch) == in_lake(lake)


def test_again_deletes_days_that_nobody_remembers(opensearch: OpenSearchServer, lake: Path) -> None:
    """As the note about the counts promises; days that were not chosen stay."""
    send(opensearch, lake)
    for path in (lake / "_exports").iterdir():
        path.unlink()
    forget(lake, date.fromisoformat(SECOND))
    (note,) = send(opensearch, lake).notes
    assert "cloudtrail 5 of 2 documents" in note
    assert "--again" in note
    later = send(opensearch, lake, again=True, since=date.fromisoformat(SECOND))
    assert later.tables["cloudtrail"].deleted == 0
    report = send(opensearch, lake, again=True)
    assert (report.complete, report.tables["cloudtrail"].deleted) == (True, 3)
    assert in_index(opensearch) == in_lake(lake)


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Have something happen before the first file is read."""
    given = exporting._rows

    def rows(*words: Any) -> Any:  # noqa: ANN401
        monkeypatch.setattr(exporting, "_rows", given)
        change()
        return given(*words)

    monkeypatch.setattr(exporting, "_rows", rows)


def test_files_that_are_deleted_on_the_way(
    opensearch: OpenSearchServer, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export goes on with the lake as it is then."""
    changed(monkeypatch, lambda: forget(lake, date.fromisoformat(SECOND), now=True))
    assert send(opensearch, lake).complete
    assert in_index(opensearch) == in_lake(lake)
    assert len(in_lake(lake)) == 2


def data_file(lake: Path) -> Path:
    return next(lake.glob(f"cloudtrail/*/*/date={FIRST}/*.parquet"))


def test_a_file_that_cannot_be_read(opensearch: OpenSearchServer, lake: Path) -> None:
    path = data_file(lake)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) // 4) + whole[4 + len(whole) // 4 :])
    with pytest.raises(LakeError, match=r"parquet cannot be read: .*`lake verify`"):
        send(opensearch, lake)
    path.unlink()
    with pytest.raises(LakeError, match=r"parquet is gone. Bring it back from a copy; `lake"):
        send(opensearch, lake)
    path.write_bytes(whole)
    assert send(opensearch, lake).complete


def test_a_full_disk(
    opensearch: OpenSearchServer, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="cannot be written: "):
        patch.setattr("lake.export.sent.os.fsync", full)
        send(opensearch, lake)
    assert send(opensearch, lake).complete


def test_the_second_of_two_exports_waits(opensearch: OpenSearchServer, lake: Path) -> None:
    """For one cluster: it would not know of what the other has sent."""
    send(opensearch, lake)
    (path,) = (lake / "_exports").glob("*.jsonl")
    waits, report = threading.Event(), []

    def second() -> None:
        place, options = Place(opensearch.url), ExportOptions()
        report.append(
            exporting.export(lake, place, options, lambda told: told.waiting and waits.set())
        )

    thread = threading.Thread(target=second)
    with Memory(lake, path.stem, None).alone(lambda: None):
        thread.start()
        assert waits.wait(30)
        add(lake, "three", range(20, 23))
    thread.join(30)
    assert report[0].complete
    assert in_index(opensearch) == in_lake(lake)


def test_what_is_remembered_is_read_whatever_a_kill_has_left(tmp_path: Path) -> None:
    key = ("cloudtrail", FIRST, "111111111111", "us-east-1")
    memory, other = Memory(tmp_path, "c", None), Memory(tmp_path, "c", "true")
    memory.note(Sent(*key, files=("a", "b"), rows=3))
    memory.begin({key: ["b", "c"]})
    with memory.path.open("ab") as file:
        file.write(b'\xff\xfe\0[1]\n7\nnull\n{"where": null, "files": 7}\n{"where"')
    memory.begin({key: ["c", "d"]})
    memory.begin({key: ["d"]})
    other.begin({key: ["e"]})
    found = Memory(tmp_path, "c", None)
    found.read()
    assert (found.sent[key].files, found.begun) == (("a", "b"), {key: {"b", "c", "d"}})
    found.note(Sent(*key, files=("a", "c"), rows=4))
    memory.read()
    assert (memory.sent[key].rows, memory.begun) == (4, {})
    other.read()
    assert (other.sent, other.begun) == ({}, {key: {"e"}})
