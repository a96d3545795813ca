"""What comes late, again, changed or from elsewhere: nothing is there twice, nothing that was known
is lost, and what an earlier state of an object alone had can be asked for."""

from __future__ import annotations

import gzip
import json
import os
import socket
import tarfile
from datetime import UTC, date, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
import pytest
from command import run_lake
from engine import ask, balance, fates, hashes, put, read
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY
from own_source import LINES, LINES_SQL, odd, own_source

from docs.generate import questions
from lake.decode import decode
from lake.ingest import IngestOptions, ingest
from lake.model import RawObject
from lake.query import open_lake
from lake.serve.status import read_status
from lake.store.known import KnownObject, is_unchanged
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.query import Lake
    from lake.report import IngestReport

ALB_KEY = (
    f"AWSLogs/{ACCOUNT}/elasticloadbalancing/eu-west-1/2024/02/01/"
    f"{ACCOUNT}_elasticloadbalancing_eu-west-1_net.n.0123456789abcdef_20240201T1005Z_1a2b.log.gz"
)
FINDING_KEY = f"AWSLogs/{ACCOUNT}/GuardDuty/eu-west-1/2024/02/01/findings.jsonl.gz"
GONE = "SELECT position FROM superseded_rows ORDER BY 1"
"""Places of the rows that only an earlier state of their object holds."""
ORGANISATION = TRAIL_KEY.replace("AWSLogs/", "AWSLogs/o-exampleorg1/")


class Place:
    """A folder with a lake, and objects that come to it and change."""

    def __init__(self, folder: Path, originals: Sequence[bool] = (True,)) -> None:
        """`originals`: whether the ingests keep them, one after the other, over and over."""
        self.logs, self.lake = folder / "logs", folder / "lake"
        self._originals = cycle(originals)

    def put(self, data: bytes, key: str = FLOW_KEY) -> Path:
        return put(self.logs, key, data)

    def read(self, **options: Any) -> IngestReport:  # noqa: ANN401
        report = read(self.lake, self.logs, originals=next(self._originals), **options)
        balance(self.lake)
        return report

    def take(self, data: bytes, key: str = FLOW_KEY) -> tuple[int, int]:
        """Write an object and ingest: rows and duplicates."""
        self.put(data, key)
        report = self.read()
        return report.rows, report.duplicates

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self.lake, query)

    def bytes(self) -> list[int]:
        """Of all flows, which tells one from another."""
        return [n for (n,) in self.ask("SELECT network.bytes FROM vpcflow ORDER BY 1")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


KEPT = {
    "originals": (True,),
    "no originals": (False,),
    "originals later": (False, True),
    "no originals later": (True, False),
}


@pytest.fixture(params=KEPT.values(), ids=KEPT)
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path, request.param)


@pytest.fixture(params=[64 << 20, 512], ids=["at once", "in windows"])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "WINDOW", request.param)


def flows(*numbers: int) -> bytes:
    return logs.flow_file([logs.flow(number) for number in numbers])


# -- an object of lines that changes ------------------------------------------------------------

CHANGES = {
    "grows": (flows(1, 2, 3, 4, 5), flows(1, 2, 3, 4, 5, 6, 7), (2, 5), []),
    "grows at its head": (flows(3, 4, 5), flows(1, 2, 3, 4, 5), (2, 3), []),
    "shrinks": (flows(1, 2, 3, 4, 5), flows(1, 2, 3), (0, 3), [(5,), (6,)]),
    "is edited": (flows(1, 2, 3, 4, 5), flows(1, 2, 9, 4, 5), (1, 4), [(4,)]),
    "is another": (flows(1, 2), flows(3, 4), (2, 0), [(2,), (3,)]),
    "has another order": (flows(1, 2, 3), flows(3, 1, 2), (0, 3), []),
    "has a line once more": (flows(1, 1, 2), flows(1, 1, 1, 2), (1, 3), []),
    "has a line once less": (flows(1, 1, 1, 2), flows(1, 1, 2), (0, 3), [(4,)]),
}


@pytest.mark.parametrize(("first", "then", "counts", "gone"), CHANGES.values(), ids=CHANGES)
def test_lines_of_an_object_that(
    first: bytes,
    then: bytes,
    counts: tuple[int, int],
    gone: list[tuple[int]],
    any_place: Place,
    window: None,
) -> None:
    any_place.take(first)
    assert any_place.take(then) == counts
    whole = len(any_place.bytes())
    assert whole == first.count(b"\n") - 1 + counts[0]
    if gone and counts[1] == 3 and b"1001 " in then and then.count(b" 1001 ") == 2:
        assert len(any_place.ask(GONE)) == 1  # which of equal lines is gone nobody can tell
    else:
        assert any_place.ask(GONE) == gone
    assert any_place.ask("SELECT superseded FROM objects ORDER BY batch") == [(True,), (False,)]


def test_an_object_that_changes_back(any_place: Place) -> None:
    assert any_place.take(flows(1, 2, 3)) == (3, 0)
    assert any_place.take(flows(1, 9, 3, 4)) == (2, 2)
    assert any_place.take(flows(1, 2, 3)) == (0, 3)
    assert any_place.bytes() == [1001, 1002, 1003, 1004, 1009]
    query = "SELECT v.network.bytes FROM superseded_rows s JOIN vpcflow v ON v.event.hash = s.hash"
    assert sorted(any_place.ask(query)) == [(1004,), (1009,)]
    assert any_place.take(flows(1, 9, 3, 4)) == (0, 4)
    assert sorted(any_place.ask(query)) == [(1002,)]


def test_an_object_that_grows_day_by_day(any_place: Place) -> None:
    for last in range(1, 6):
        assert any_place.take(flows(*range(1, last + 1))) == (1, last - 1)
    assert any_place.bytes() == [1001, 1002, 1003, 1004, 1005]
    assert any_place.ask(GONE) == []


def test_the_status_tells_of_objects_that_have_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged line and the right one are both rows: by their texts they are two records."""
    words = ["status", "--lake", str(place.lake)]
    place.take(flows(1, 9, 3))
    place.take(logs.trail(logs.events(2)), TRAIL_KEY)
    assert "earlier readings" not in run_lake(words, monkeypatch, capsys)[1]
    assert place.take(flows(1, 2, 3)) == (1, 2)
    altered = logs.event(1, sourceIPAddress="192.0.2.66")
    place.take(logs.trail([altered, logs.event(2)]), TRAIL_KEY)
    out = run_lake(words, monkeypatch, capsys)[1]
    sql = f"lake sql --lake {place.lake}"
    assert f"earlier readings of objects that have changed: 2, what only they hold: {sql} 'f" in out
    assert f"records that also came with another text: 1, {sql} 'from duplicates" in out


@pytest.mark.parametrize("together", [True, False])
def test_what_has_grown_lies_elsewhere_too(any_place: Place, together: bool) -> None:
    """The copy's lines are the grown object's, of which most are known from before it grew."""
    any_place.take(flows(1, 2, 3))
    any_place.put(flows(1, 2, 3, 4))
    if not together:
        assert any_place.read().rows == 1
    any_place.put(flows(1, 2, 3, 4), f"elsewhere/{FLOW_KEY}")
    any_place.read()
    again = any_place.put(flows(1, 2, 3, 4), f"archive/{FLOW_KEY}")
    with tarfile.open(again.with_suffix(".tar"), "w") as packed:
        packed.add(again, "flow.log.gz")
    assert any_place.read().duplicates == 8
    assert any_place.bytes() == [1001, 1002, 1003, 1004]


def test_an_object_whose_lines_are_anothers_grows(any_place: Place) -> None:
    copy = f"copy/{FLOW_KEY}"
    any_place.take(flows(1, 2, 3))
    assert any_place.take(flows(1, 2, 3), copy) == (0, 3)
    assert any_place.take(flows(1, 2, 3, 4), copy) == (1, 3)
    assert any_place.bytes() == [1001, 1002, 1003, 1004]
    assert any_place.take(flows(5)) == (1, 0)
    assert any_place.ask(GONE) == []  # the copy has them still


def test_an_object_whose_copy_was_cut_off(any_place: Place) -> None:
    whole = gzip.compress(logs.flow_file(logs.flows(400)), mtime=0)
    path = any_place.put(b"")
    path.write_bytes(whole[:1500])
    report = any_place.read()
    assert (report.rows, report.rejects, report.statuses["partial"]) == (142, 1, 1)
    path.write_bytes(whole)
    report = any_place.read()
    assert (report.rows, report.duplicates, report.rejects) == (258, 142, 0)
    assert any_place.bytes() == list(range(1001, 1401))
    assert any_place.ask(GONE) == []


def test_lines_in_several_files_of_a_batch(
    any_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lake.stage import worker

    any_place.take(flows(1, 1, 2, 2))
    monkeypatch.setattr(worker, "CHUNK_BYTES", 1)
    monkeypatch.setattr(decode, "WINDOW", 256)
    assert any_place.take(flows(1, 1, 2, 2, 2, 1)) == (2, 4)


def test_lines_of_another_day_come_to_an_object(any_place: Place) -> None:
    any_place.take(flows(1, 2))
    assert any_place.take(flows(1, 2, 86_401)) == (1, 2)
    days = any_place.ask('SELECT "date"::VARCHAR, count(*) FROM vpcflow GROUP BY 1 ORDER BY 1')
    assert days == [("2024-02-01", 2), ("2024-02-02", 1)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_row_of_a_copy_without_a_key_is_of_the_object_that_has_one(
    jobs: int, tmp_path: Path
) -> None:
    """Its key tells the region, which a flow does not."""
    put(tmp_path / "logs", "A copy/flows", flows(1, 2))
    put(tmp_path / "logs", FLOW_KEY, flows(1, 2))
    ingest(tmp_path / "lake", [str(tmp_path / "logs")], IngestOptions(jobs=jobs))
    asked = "SELECT region, count(*) FROM vpcflow GROUP BY 1"
    assert ask(tmp_path / "lake", asked) == [("eu-west-1", 2)]


# -- an object of records with ids that changes --------------------------------------------------


def test_a_record_that_kept_its_id_and_was_altered(place: Place) -> None:
    """The first text is the row; the other one is kept where it was dropped."""
    place.take(logs.trail(logs.events(3)), TRAIL_KEY)
    altered = logs.event(2, sourceIPAddress="192.0.2.66")
    assert place.take(logs.trail([logs.event(1), altered, logs.event(3)]), TRAIL_KEY) == (0, 3)
    ((text, before),) = place.ask(
        "SELECT d.text, c.source.ip FROM duplicates d JOIN cloudtrail c ON c.event.hash = d.hash "
        "WHERE d.text IS NOT NULL"
    )
    assert (json.loads(text), before) == (altered, "198.51.100.7")


CALLS = logs.trail(logs.events(3))
PLAIN_KEY = TRAIL_KEY.removesuffix(".gz")
ADDRESS = b"198.51.100.7"


def stored(text: bytes) -> bytes:
    """Gzip whose bytes are the text's own: other ones are text still, and the checksum is wrong."""
    return gzip.compress(text, 0, mtime=0)


def with_other(data: bytes, byte: int, times: int = 1) -> bytes:
    """With another byte in the first addresses."""
    return data.replace(ADDRESS, ADDRESS[:2] + bytes([byte]) + ADDRESS[3:], times)


DAMAGES = {
    "a checksum tells": (TRAIL_KEY, stored(CALLS), ord("1"), 1),
    "every record": (TRAIL_KEY, stored(CALLS), ord("1"), 3),
    "no UTF-8": (PLAIN_KEY, CALLS, 0xFF, 1),
}


@pytest.mark.parametrize(("key", "whole", "byte", "times"), DAMAGES.values(), ids=DAMAGES)
def test_a_record_of_a_damaged_object_that_is_whole_now(
    key: str, whole: bytes, byte: int, times: int, place: Place
) -> None:
    """It takes the place of the damaged one, whose text is kept."""
    path = place.put(b"", key)
    path.write_bytes(with_other(whole, byte, times))
    first = place.read()
    assert (first.rows, first.mended) == (3, 0)
    path.write_bytes(whole)
    put(place.logs, f"copy/{key}", b"").write_bytes(whole)
    report = place.read()
    assert (report.rows, report.duplicates) == (0, 6)
    assert (report.mended, report.reworded) == (times, 0)
    texts = [text for (text,) in place.ask("SELECT event.original FROM cloudtrail")]
    assert sorted(map(json.loads, texts), key=str) == sorted(logs.events(3), key=str)
    assert place.ask("SELECT DISTINCT source.ip FROM cloudtrail") == [(ADDRESS.decode(),)]
    told = "SELECT position FROM duplicates WHERE text IS NOT NULL AND path = '{}' ORDER BY 1"
    assert place.ask(told.format(path)) == [(n,) for n in range(1, times + 1)]
    status = read_status(place.lake)
    assert (status.reworded, status.earlier) == (times, 1)
    assert place.ask(GONE) == []
    assert (verify(place.lake).findings, place.read().unchanged) == ([], 2)


def test_a_damaged_record_stays_where_what_comes_is_no_better(place: Place) -> None:
    path = place.put(b"", TRAIL_KEY)
    texts = (with_other(stored(CALLS), ord("1")), with_other(stored(CALLS), ord("2")))
    for number, data in enumerate((*texts, with_other(stored(CALLS), ord("3"))[:-300])):
        path.write_bytes(data)
        report = place.read()
        assert report.mended == 0
        assert report.reworded == (number > 0)
    assert place.ask("SELECT source.ip FROM cloudtrail ORDER BY log.offset LIMIT 1") == [
        ("191.51.100.7",)
    ]


def test_records_that_an_object_has_no_more(place: Place) -> None:
    place.take(logs.trail(logs.events(5)), TRAIL_KEY)
    assert place.take(logs.trail(logs.events(5, first=4)), TRAIL_KEY) == (3, 2)
    gone = "SELECT source, position, path, account, region FROM superseded_rows ORDER BY 2"
    path = str(place.logs / TRAIL_KEY)
    assert place.ask(gone) == [
        ("cloudtrail", number, path, ACCOUNT, "eu-west-1") for number in (1, 2, 3)
    ]
    place.take(logs.trail([logs.event(2)]), ORGANISATION)
    assert place.ask("SELECT position FROM superseded_rows ORDER BY 1") == [(1,), (3,)]


def test_a_reading_that_failed_supersedes_none(place: Place) -> None:
    path = place.put(flows(1, 2))
    place.read()
    path.unlink()
    path.symlink_to("nowhere.log")
    assert dict(place.read().statuses) == {"failed": 1}
    query = "SELECT status, superseded FROM objects ORDER BY batch"
    assert place.ask(query) == [("read", False), ("failed", False)]
    assert place.ask(GONE) == []
    path.unlink()
    assert place.take(flows(1, 2)) == (0, 2)
    assert place.ask(query) == [("read", True), ("failed", True), ("read", False)]
    assert place.ask(GONE) == []


def test_the_question_after_changed_objects(place: Place) -> None:
    place.put(flows(1, 2, 3))
    place.put(flows(5, 6), f"other/{FLOW_KEY}")
    place.take(logs.trail(logs.events(2)), TRAIL_KEY)
    altered = logs.event(1, sourceIPAddress="192.0.2.66")
    place.put(logs.trail([altered, logs.event(2)]), TRAIL_KEY)
    place.take(flows(1, 9))
    (sql,) = [sql for name, _, sql in questions() if name == "21_changed_objects"]
    assert [(path, contents, *rest) for path, contents, _, _, *rest in place.ask(sql)] == [
        (str(place.logs / TRAIL_KEY), 2, 0, 1),
        (str(place.logs / FLOW_KEY), 2, 2, 0),
    ]


# -- what is known and what is read again --------------------------------------------------------


NOON, LATER = datetime(2024, 2, 1, 12, tzinfo=UTC), datetime(2024, 2, 1, 13, tzinfo=UTC)
RULES = {
    "the same size and ETag": ((9, NOON, "e1"), (9, LATER, "e1"), True),
    "another ETag": ((9, NOON, "e1"), (9, NOON, "e2"), False),
    "another size": ((9, NOON, "e1"), (8, NOON, "e1"), False),
    "the same size and time": ((9, NOON, None), (9, NOON, None), True),
    "another time": ((9, NOON, None), (9, LATER, None), None),
    "no time": ((9, None, None), (9, None, None), None),
    "an ETag where there was none": ((9, NOON, None), (9, NOON, "e1"), True),
}


@pytest.mark.parametrize(("before", "now", "same"), RULES.values(), ids=RULES)
def test_what_is_taken_for_unchanged(
    before: tuple[Any, ...], now: tuple[Any, ...], same: bool | None
) -> None:
    """None: its content is looked at."""
    had, when, tag = before
    at = when and when.replace(tzinfo=None)
    known = KnownObject(had, at, tag, sha256="00", status="read", transform=None, has_records=True)
    size, modified, etag = now
    obj = RawObject("file://", "k", "/k", size, modified, etag=etag)
    assert is_unchanged(obj, known) is same
    assert is_unchanged(obj, known, rehash=True) is (None if size == before[0] else False)
    assert is_unchanged(obj, None) is False


def test_other_content_of_the_same_size_and_time(place: Place) -> None:
    """Only the content tells, and it is looked at when asked for."""
    path = place.put(flows(1, 2), "vpcflowlogs/flow.log")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    place.read()
    path.write_bytes(flows(1, 3))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert place.read().unchanged == 1
    report = place.read(rehash=True)
    assert (report.rows, report.duplicates) == (1, 1)
    report = place.read(rehash=True)
    assert (report.unchanged, report.records) == (1, 0)
    assert place.ask(GONE) == [(3,)]


def test_the_same_content_written_anew(place: Place) -> None:
    line = (
        "tls 2.0 2024-02-01T10:00:00 net/n/0123456789abcdef fedcba9876543210 198.51.100.7:40000 "
        "10.0.0.5:443 5 2 98 246 - arn:aws:acm:eu-west-1:111122223333:certificate/c - "
        "ECDHE-RSA-AES128-SHA tlsv12 - n.example.com - - - 2024-02-01T09:59:59"
    )
    assert place.take(f"{line}\n".encode(), ALB_KEY) == (1, 0)
    path = place.put(f"{line}\n".encode(), ALB_KEY)
    os.utime(path, (1_800_000_000, 1_800_000_000))
    assert place.read().unchanged == 1
    path.write_bytes(gzip.compress(f"{line}\n".encode(), 1, mtime=7))  # packed otherwise
    report = place.read()
    assert (report.rows, report.duplicates) == (0, 1)
    assert place.ask(GONE) == []


def test_an_object_that_was_deleted_and_came_again(place: Place) -> None:
    path = place.put(flows(1, 2))
    place.read()
    path.rename(place.logs / "aside")
    place.logs.joinpath("aside").rename(place.lake.parent / "aside")
    place.put(b"words\n", "notes.txt")
    place.read()
    assert len(place.bytes()) == 2
    place.lake.parent.joinpath("aside").rename(path)
    assert place.read().unchanged == 2
    path.unlink()
    assert place.take(flows(1, 2)) == (0, 0)


def test_days_that_were_left_out_come_later(place: Place) -> None:
    for day in ("01", "02", "03"):
        key = TRAIL_KEY.replace("/2024/02/01/", f"/2024/02/{day}/").replace("0201T", f"02{day}T")
        place.put(logs.trail(logs.events(2, first=(int(day) - 1) * 86_400)), key)
    assert place.read(since=date(2024, 2, 3)).rows == 2
    report = place.read()
    assert (report.unchanged, report.rows, report.duplicates) == (1, 4, 0)


def test_everything_again_changes_nothing(place: Place) -> None:
    place.put(logs.trail([*logs.events(5), {"eventName": "NoTime"}]), TRAIL_KEY)
    place.put(flows(1, 2))
    place.put(b"Call the owner.\n", "notes.txt")
    place.put(b"", "empty.log")
    with socket.socket(socket.AF_UNIX) as listening:
        at = Path.cwd()
        os.chdir(place.logs)  # a socket's name is short
        try:
            listening.bind("s")
        finally:
            os.chdir(at)
        place.read()
        before = open_lake(place.lake).version, hashes(place.lake), fates(place.lake)
        for options in ({}, {"rehash": True}, {"jobs": 1, "account": "000000000012"}):
            report = read(place.lake, place.logs, **options) if "jobs" not in options else None
            if report is None:
                report = place.read(account="000000000012")
            assert (report.unchanged, report.records, dict(report.statuses)) == (5, 0, {})
        assert (open_lake(place.lake).version, hashes(place.lake), fates(place.lake)) == before


def test_what_no_source_knew_is_read_when_one_does(place: Place, tmp_path: Path) -> None:
    place.put(odd("192.0.2.1 n5", "192.0.2.2 n6"), "some/thing")
    assert dict(place.read().statuses) == {"unknown": 1}
    assert place.read().unchanged == 1
    (tmp_path / "transforms").mkdir()
    with own_source(tmp_path / "transforms"):
        assert place.read().rows == 2
        assert place.read().unchanged == 1


# -- the same records from elsewhere -------------------------------------------------------------


def test_an_archive_of_what_was_read_from_a_folder(place: Place, tmp_path: Path) -> None:
    place.put(logs.trail(logs.events(5)), TRAIL_KEY)
    place.put(flows(1, 2, 2))
    place.read()
    before = hashes(place.lake)
    with tarfile.open(tmp_path / "evidence.tar.gz", "w:gz") as packed:
        packed.add(place.logs, "bucket")
    report = read(place.lake, tmp_path / "evidence.tar.gz")
    assert (report.rows, report.duplicates) == (0, 8)
    assert hashes(place.lake) == before


def test_an_insight_of_two_trails(place: Place) -> None:
    ends = [
        logs.event(
            number, eventCategory="Insight", eventType="AwsCloudTrailInsight",
            insightDetails={"state": state, "insightType": "ApiCallRateInsight"},
            sharedEventID="i" * 36, eventID="e" * 36,
        )
        for number, state in ((9, "Start"), (600, "End"))
    ]  # fmt: skip
    key = TRAIL_KEY.replace("CloudTrail", "CloudTrail-Insight")
    assert place.take(logs.trail(ends), key) == (2, 0)
    assert place.take(logs.trail(ends), key.replace("AWSLogs/", "AWSLogs/o-exampleorg1/")) == (0, 2)
    assert place.ask("SELECT DISTINCT source FROM duplicates") == [("cloudtrail_insight",)]


def test_an_account_that_is_named_later(place: Place) -> None:
    """Another account or region is another partition of the same day; the record is the same."""
    bare = logs.flow_file([logs.flow(1, account="-"), logs.flow(2, account="-")])
    place.put(bare, "a/flow.log")
    place.read()
    place.put(bare, "b/flow.log")
    place.put(bare, f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2024/02/01/flow.log")
    report = place.read(account="000000000012")
    assert (report.rows, report.duplicates) == (0, 4)
    assert place.ask("SELECT DISTINCT account, region FROM vpcflow") == [("unknown", "unknown")]


def finding(count: int, minute: int, number: int = 1, **more: object) -> dict[str, Any]:
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": "eu-west-1",
        "id": f"{number:032x}",
        "type": "UnauthorizedAccess:EC2/SSHBruteForce",
        "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0123"}},
        "severity": 5,
        "createdAt": "2024-02-01T09:00:00.000Z",
        "updatedAt": f"2024-02-01T10:{minute:02}:00.000Z",
        "service": {"serviceName": "guardduty", "detectorId": "d", "count": count},
        **more,
    }


def lines(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture
def findings(place: Place) -> Lake:
    """Three deliveries of one finding, the last one first, and one of another."""
    place.take(lines(finding(7, 30), finding(2, 10, 2, severity=8)), FINDING_KEY)
    assert place.take(lines(finding(1, 5)), FINDING_KEY.replace("find", "again")) == (1, 0)
    assert place.take(lines(finding(3, 30)), FINDING_KEY.replace("find", "third")) == (1, 0)
    return open_lake(place.lake)


def test_every_version_of_a_finding_is_kept_and_the_last_is_a_view(findings: Lake) -> None:
    query = "SELECT event.id, native.service.count, event.severity::INTEGER FROM {} ORDER BY 1, 2"
    one, other = f"{1:032x}", f"{2:032x}"
    assert findings.sql(query.format("guardduty")).fetchall() == [
        (one, 1, 5), (one, 3, 5), (one, 7, 5), (other, 2, 8),
    ]  # fmt: skip
    last = findings.sql(query.format("guardduty_latest")).fetchall()
    assert last == [(one, 7, 5), (other, 2, 8)]


def test_a_query_of_the_last_versions_reads_the_leaves_it_names(findings: Lake) -> None:
    sql = "SELECT event.severity, count(*) FROM guardduty_latest GROUP BY 1"
    plan = str(findings.cursor().execute(f"EXPLAIN {sql}").fetchall()[0][1])
    assert plan.count("READ_PARQUET") == 2
    assert "event.severity" in plan
    assert "native.service.count" in plan
    assert "original" not in plan
    assert "native.resource" not in plan


def test_a_finding_of_the_same_version_is_there_once(place: Place) -> None:
    place.take(lines(finding(1, 5), finding(2, 6)), FINDING_KEY)
    other = FINDING_KEY.replace("findings", "again")
    assert place.take(lines(finding(2, 6), finding(1, 5)), other) == (0, 2)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ('of = ["event.idd"]\nby = ["@timestamp"]', "latest: 'event.idd' is no leaf of ecs.toml"),
        ('of = ["event.id"]', "latest has `of` and `by`, each a list of leaves"),
        ('off = ["event.id"]', r"\[latest\] has no 'off'"),
    ],
)
def test_versions_that_are_declared_wrongly(declared: str, words: str, tmp_path: Path) -> None:
    from lake.errors import SourceError
    from lake.sources.catalogue import catalogue

    toml = f"{LINES}[latest]\n{declared}\n"
    with own_source(tmp_path, toml), pytest.raises(SourceError, match=words):
        catalogue()


def test_a_source_of_ones_own_with_versions(place: Place, tmp_path: Path) -> None:
    (tmp_path / "transforms").mkdir()
    toml = f'{LINES}[latest]\nof = ["source.ip"]\nby = ["native.n"]\n'
    with own_source(tmp_path / "transforms", toml, LINES_SQL):
        place.take(odd("192.0.2.1 n5", "192.0.2.2 n6", "192.0.2.1 n4", "192.0.2.3 -"), "odd.log")
        found = place.ask("SELECT source.ip, native.n FROM own_latest ORDER BY 1")
    assert found == [("192.0.2.1", 5), ("192.0.2.2", 6), ("192.0.2.3", None)]
