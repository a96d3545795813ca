"""What becomes of every object and record of an ingest, and of the next one over the same place."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import logs
import pytest
from engine import ask, balance, fates, hashes, put, read
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY

from lake.decode.decode import Decoding
from lake.errors import UsageError
from lake.model import RawObject
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from pathlib import Path

TRAIL_DAY = f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2024/02"
ORGANISATION = TRAIL_KEY.replace("AWSLogs/", "AWSLogs/o-exampleorg1/")
CUT = f"{ACCOUNT}_vpcflowlogs_eu-west-1_fl-0a1b2c3d4e5f60718_20240201T1005Z_cut.log"
SHORT = f"2 {ACCOUNT} eni-0a1b2c3d"
TIMELESS = {"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "no-time"}


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one object of every fate, read into `lake` beside it."""
    folder = tmp_path_factory.mktemp("varied")
    logs_of = folder / "logs"
    whole = gzip.compress(logs.flow_file(logs.flows(400)), mtime=0)
    put(logs_of, TRAIL_KEY, logs.trail([*logs.events(5), logs.event(1), TIMELESS]))
    put(logs_of, FLOW_KEY.rsplit("/", 1)[0] + f"/{CUT}", whole[:1500])
    put(logs_of, FLOW_KEY, logs.flow_file([*logs.flows(3), SHORT]))
    digest = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/eu-west-1/2024/02/01/digest.json.gz"
    put(logs_of, digest, json.dumps({"awsAccountId": ACCOUNT, "digestStartTime": "x"}).encode())
    put(logs_of, "notes.txt", b"Call the owner of the key on Monday.\n")
    put(logs_of, "empty.json", b"")
    (logs_of / "gone.json").symlink_to("nowhere.json")
    read(folder / "lake", logs_of)
    return folder


def test_each_object_and_its_records(varied: Path) -> None:
    found = fates(varied / "lake")
    # 1,500 bytes of gzip hold 142 lines and the half of one.
    assert found == {
        CUT: ("partial", "vpcflow", 143, 142, 0, 1),
        TRAIL_KEY.rsplit("/", 1)[-1]: ("read", "cloudtrail", 7, 5, 1, 1),
        FLOW_KEY.rsplit("/", 1)[-1]: ("read", "vpcflow", 4, 3, 0, 1),
        "digest.json.gz": ("ignored", None, 0, 0, 0, 0),
        "notes.txt": ("unknown", None, 0, 0, 0, 0),
        "empty.json": ("read", None, 0, 0, 0, 0),
        "gone.json": ("failed", None, 0, 0, 0, 0),
    }
    balance(varied / "lake")


def test_each_fate_has_its_reason(varied: Path) -> None:
    reasons = {name: reason for name, (reason,) in fates(varied / "lake", "reason").items()}
    assert reasons.pop(TRAIL_KEY.rsplit("/", 1)[-1]) is None
    assert reasons["gone.json"] == "a link to nothing: nowhere.json"
    assert reasons["empty.json"] == "the object is empty"
    assert "digest" in reasons["digest.json.gz"]
    assert "text" in reasons["notes.txt"]
    assert "gzip" in reasons[CUT]


def test_a_reject_says_where_and_why(varied: Path) -> None:
    query = "SELECT source, parse_filename(path), position, reason, text FROM rejects ORDER BY 2, 1"
    trail, flow, half = ask(varied / "lake", query)
    assert trail[:3] == ("cloudtrail", TRAIL_KEY.rsplit("/", 1)[-1], 7)
    assert json.loads(trail[4]) == TIMELESS
    assert flow[:3] == ("vpcflow", FLOW_KEY.rsplit("/", 1)[-1], 5)
    assert flow[4] == SHORT
    assert half[:3] == ("vpcflow", CUT, 144)
    assert [row[3] for row in (trail, flow, half)] == [
        "no valid time",
        "3 fields, expected 14",
        "a line cut off where the object is damaged",
    ]


def test_a_duplicate_says_what_it_repeats(varied: Path) -> None:
    assert ask(
        varied / "lake",
        "SELECT d.source, d.position, c.log.offset, c.event.id FROM duplicates d "
        "JOIN cloudtrail c ON c.event.hash = d.hash",
    ) == [("cloudtrail", 6, 1, logs.event(1)["eventID"])]


def test_the_report_adds_up(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail([*logs.events(5), logs.event(1), TIMELESS]))
    report = read(tmp_path / "lake", tmp_path / "logs")
    assert (report.records, report.rows, report.duplicates, report.rejects) == (7, 5, 1, 1)
    held = "SELECT (SELECT count(*) FROM cloudtrail), (SELECT count(*) FROM duplicates), count(*)"
    assert ask(tmp_path / "lake", f"{held} FROM rejects") == [(5, 1, 1)]
    assert (report.objects, dict(report.statuses), report.unchanged) == (1, {"read": 1}, 0)


def test_a_tar_that_is_named_as_a_log_is_told_and_read_under_its_own_name(tmp_path: Path) -> None:
    name, lake, holds = "flows.log.gz", tmp_path / "lake", tmp_path / "logs"
    holds.mkdir()
    with tarfile.open(holds / name, "w:gz") as packed:
        content = logs.flow_file(logs.flows(9))
        member = tarfile.TarInfo("flows.log")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    read(lake, holds)
    assert fates(lake) == {name: ("failed", None, 0, 0, 0, 0)}
    ((reason,),) = fates(lake, "reason").values()
    assert reason == "a tar; its name is a log's: name it .tar, or .tar.gz where it is compressed"
    (holds / name).rename(holds / "flows.tar.gz")
    read(lake, holds)
    assert fates(lake)["flows.log"] == ("read", "vpcflow", 9, 9, 0, 0)


def test_a_tar_of_a_bucket_is_told() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("flows.log"))
    obj = RawObject("https://s3.amazonaws.com/b", "x.tar", "s3://b/x.tar", 10_240, bucket="b")
    decoding = Decoding(obj, catalogue())
    assert list(decoding.records(io.BytesIO(packed.getvalue()))) == []
    assert decoding.status == "failed"
    assert decoding.reason == "a tar; download it and give it as an archive"


def test_a_file_of_zero_bytes_is_told(tmp_path: Path) -> None:
    put(tmp_path / "logs", "hole.json", bytes(70_000))
    put(tmp_path / "logs", TRAIL_KEY, gzip.compress(bytes(70_000)))
    read(tmp_path / "lake", tmp_path / "logs")
    found = fates(tmp_path / "lake", "status, reason")
    assert found["hole.json"][0] == "unknown"
    assert found[TRAIL_KEY.rsplit("/", 1)[-1]][0] == "unknown"
    assert {reason.partition(":")[0] for _, reason in found.values()} == {"no text but zero bytes"}


def test_a_second_ingest_reads_what_failed_and_nothing_else(varied: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(varied / "lake", lake)
    before = hashes(lake)
    report = read(lake, varied / "logs")
    assert (report.unchanged, dict(report.statuses), report.records) == (6, {"failed": 1}, 0)
    assert hashes(lake) == before


def test_a_folder_that_could_not_be_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is failed until everything below it has been listed."""
    top, lake = tmp_path / "w", tmp_path / "lake"
    put(top, f"closed/deep/{TRAIL_KEY}", logs.trail(logs.events(5)))
    put(top, FLOW_KEY, logs.flow_file(logs.flows(3)))
    scandir = os.scandir

    def closed(folder: str | Path) -> object:
        if str(folder).endswith("/closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    told = "SELECT status, superseded, path FROM objects WHERE path LIKE '%/' ORDER BY batch"
    failed = ("failed", False, f"{top}/closed/")
    monkeypatch.setattr(os, "scandir", closed)
    assert dict(read(lake, top).statuses) == {"failed": 1, "read": 1}
    assert dict(read(lake, top / "closed" / "deep").statuses) == {"read": 1}
    assert ask(lake, told) == [failed]  # another folder in it may not be listed
    monkeypatch.undo()
    assert dict(read(lake, top, since=date(2024, 2, 1)).statuses) == {}
    assert ask(lake, told) == [failed]  # nor another day
    assert dict(read(lake, top).statuses) == {"ignored": 1}
    assert ask(lake, told) == [("failed", True, failed[2]), ("ignored", False, failed[2])]
    assert dict(read(lake, top).statuses) == {}


def test_a_place_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(5)))
    report = read(tmp_path / "lake", tmp_path / "logs", tmp_path / "logs" / "AWSLogs")
    assert (report.objects, report.rows, report.duplicates) == (1, 5, 0)


def twice(first: bytes, again: bytes, key: str, other: str, tmp_path: Path) -> tuple[Any, ...]:
    """Rows and duplicates of two objects that are read together, and one after the other."""
    put(tmp_path / "logs", key, first)
    put(tmp_path / "logs", other, again)
    together = read(tmp_path / "together", tmp_path / "logs")
    read(tmp_path / "after", tmp_path / "logs" / key)
    read(tmp_path / "after", tmp_path / "logs")
    balance(tmp_path / "after")
    assert hashes(tmp_path / "together") == hashes(tmp_path / "after")
    return together.rows, together.duplicates


@pytest.mark.parametrize(
    ("key", "data"),
    [(TRAIL_KEY, logs.trail(logs.events(5))), (FLOW_KEY, logs.flow_file(logs.flows(5)))],
    ids=["cloudtrail", "vpcflow"],
)
def test_an_object_under_two_keys_is_there_once(key: str, data: bytes, tmp_path: Path) -> None:
    assert twice(data, data, key, f"copy/{key}", tmp_path) == (5, 5)


def test_an_event_of_an_organisation_and_an_account_trail_is_there_once(tmp_path: Path) -> None:
    own, all_of_them = logs.events(5), logs.events(8, first=3)
    rows = twice(logs.trail(own), logs.trail(all_of_them), TRAIL_KEY, ORGANISATION, tmp_path)
    assert rows == (10, 3)


def test_true_equal_lines_of_an_object_stay_two(tmp_path: Path) -> None:
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file([logs.flow(1), logs.flow(1), logs.flow(2)]))
    assert read(tmp_path / "lake", tmp_path / "logs").rows == 3


def test_a_changed_object_adds_its_rows_and_keeps_the_old_ones(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(5)))
    read(lake, tmp_path / "logs")
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(7, first=3)))
    report = read(lake, tmp_path / "logs")
    assert (report.rows, report.duplicates) == (4, 3)
    query = "SELECT superseded, records, rows FROM objects ORDER BY batch"
    assert ask(lake, query) == [(True, 5, 5), (False, 7, 4)]
    ids = [row[0] for row in ask(lake, "SELECT event.id FROM cloudtrail ORDER BY 1")]
    assert ids == [logs.event(number)["eventID"] for number in range(1, 10)]
    assert ask(lake, "SELECT count(DISTINCT sha256) FROM objects") == [(2,)]


def test_an_object_that_was_only_touched_is_unchanged(tmp_path: Path) -> None:
    path = put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(5)))
    read(tmp_path / "lake", tmp_path / "logs")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    report = read(tmp_path / "lake", tmp_path / "logs")
    assert (report.unchanged, report.records) == (1, 0)


def test_a_file_that_comes_late_in_an_old_day_is_read(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for day, first in (("01", 1), ("02", 90_000)):
        key = f"{TRAIL_DAY}/{day}/{ACCOUNT}_CloudTrail_eu-west-1_202402{day}T1005Z_a.json.gz"
        put(tmp_path / "logs", key, logs.trail(logs.events(2, first)))
    read(lake, tmp_path / "logs")
    late = f"{TRAIL_DAY}/01/{ACCOUNT}_CloudTrail_eu-west-1_20240201T1005Z_late.json.gz"
    put(tmp_path / "logs", late, logs.trail(logs.events(3, first=2)))
    report = read(lake, tmp_path / "logs")
    assert (report.unchanged, report.rows, report.duplicates) == (2, 2, 1)
    days = ask(lake, 'SELECT "date"::VARCHAR, count(*) FROM cloudtrail GROUP BY 1 ORDER BY 1')
    assert days == [("2024-02-01", 4), ("2024-02-02", 2)]


def test_an_archive_gives_the_rows_of_its_folder(varied: Path, tmp_path: Path) -> None:
    archive = tmp_path / "evidence.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted((varied / "logs").rglob("*")):
            if path.is_file():
                made.write(path, path.relative_to(varied / "logs"))
    read(tmp_path / "lake", archive)
    assert hashes(tmp_path / "lake") == hashes(varied / "lake")
    again = read(tmp_path / "lake", archive)
    assert (again.unchanged, again.records) == (6, 0)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (None, None, ["01", "02", "03", "05"]),
        ("2024-02-02", None, ["02", "03", "05"]),
        (None, "2024-02-01", ["01", "02"]),  # a day more: a log is delivered after what it tells
        ("2024-02-03", "2024-02-04", ["03", "05"]),
        ("2024-02-06", None, []),
    ],
)
def test_since_and_until(
    since: str | None, until: str | None, days: list[str], tmp_path: Path
) -> None:
    for day in ("01", "02", "03", "05"):
        key = f"{TRAIL_DAY}/{day}/{ACCOUNT}_CloudTrail_eu-west-1_202402{day}T1005Z_a.json.gz"
        put(tmp_path / "logs", key, logs.trail([logs.event((int(day) - 1) * 86_400)]))
    chosen = {"since": since, "until": until}
    options = {name: date.fromisoformat(day) if day else None for name, day in chosen.items()}
    report = read(tmp_path / "lake", tmp_path / "logs", **options)
    assert report.objects == len(days)
    if days:
        found = ask(tmp_path / "lake", 'SELECT "date"::VARCHAR FROM cloudtrail ORDER BY 1')
        assert found == [(f"2024-02-{day}",) for day in days]


def test_an_account_is_for_logs_that_name_none(tmp_path: Path) -> None:
    put(tmp_path / "logs", "bare/flow.log", logs.flow_file([logs.flow(1, account="-")]))
    put(tmp_path / "logs", "bare/other.log", logs.flow_file([logs.flow(2)]))
    lake = tmp_path / "lake"
    read(lake, tmp_path / "logs", account="000000000012")
    query = "SELECT network.bytes, account, cloud.account.id, region FROM vpcflow ORDER BY 1"
    assert ask(lake, query) == [
        (1001, "000000000012", None, "unknown"),  # what the record says stays as it is
        (1002, ACCOUNT, ACCOUNT, "unknown"),
    ]


def test_a_source_takes_every_object_as_its_own(tmp_path: Path) -> None:
    bare = "\n".join(logs.flows(2)) + "\n"  # lines without a header, under a key that says nothing
    put(tmp_path / "logs", "some/thing", bare.encode())
    put(tmp_path / "logs", "some/words", b"nothing of the kind\n")
    read(tmp_path / "lake", tmp_path / "logs", source="vpcflow")
    assert fates(tmp_path / "lake") == {
        "thing": ("read", "vpcflow", 2, 2, 0, 0),
        "words": ("unknown", "vpcflow", 0, 0, 0, 0),
    }


def test_a_source_takes_json_of_which_it_knows_no_member(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(2)))
    read(tmp_path / "lake", tmp_path / "logs", source="vpcflow")
    assert list(fates(tmp_path / "lake").values()) == [("read", "vpcflow", 2, 0, 0, 2)]


def test_json_with_no_field_of_its_source_is_no_row_at_the_time_of_delivery(tmp_path: Path) -> None:
    flow = dict(zip(logs.FLOW_HEADER.split(), logs.flows(1)[0].split(), strict=True))
    texts = [json.dumps(one) for one in (flow, {"hello": "world"}, {"srcaddr": None}, flow)]
    put(tmp_path / "logs", FLOW_KEY, "\n".join(texts).encode())
    read(tmp_path / "lake", tmp_path / "logs")
    assert ask(tmp_path / "lake", "SELECT count(*) FROM vpcflow") == [(2,)]
    reason = "no field of vpcflow in it"
    query = "SELECT position, reason, text FROM rejects ORDER BY position"
    assert ask(tmp_path / "lake", query) == [(2, reason, texts[1]), (3, reason, texts[2])]


def test_an_unknown_source_is_told_before_anything_is_made(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(1)))
    with pytest.raises(UsageError, match=r"unknown source 'trail'\. Known: alb, .*cloudtrail"):
        read(tmp_path / "lake", tmp_path / "logs", source="trail")
    assert not (tmp_path / "lake").exists()


def test_one_object_may_fill_two_tables(tmp_path: Path) -> None:
    insight = logs.event(
        9, eventCategory="Insight", eventType="AwsCloudTrailInsight",
        insightDetails={"state": "Start", "insightType": "ApiCallRateInsight"},
    )  # fmt: skip
    put(tmp_path / "logs", TRAIL_KEY, logs.trail([*logs.events(2), insight]))
    report = read(tmp_path / "lake", tmp_path / "logs")
    counts = "SELECT event.dataset, count(*) FROM events GROUP BY ALL ORDER BY 1"
    assert ask(tmp_path / "lake", counts) == [("cloudtrail", 2), ("cloudtrail_insight", 1)]
    assert (report.records, report.rows) == (3, 3)
    balance(tmp_path / "lake")


def test_several_processes_give_the_same_rows(varied: Path, tmp_path: Path) -> None:
    from lake.ingest import IngestOptions, ingest

    ingest(tmp_path / "lake", [str(varied / "logs")], IngestOptions(jobs=2))
    assert hashes(tmp_path / "lake") == hashes(varied / "lake")
    assert fates(tmp_path / "lake") == fates(varied / "lake")


def test_a_record_is_the_same_row_whatever_lies_beside_it(tmp_path: Path) -> None:
    """A STRUCT whose leaves are empty is there, with one row as with others that fill it."""
    instances = {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}
    started = {
        "eventName": "RunInstances",
        "eventSource": "ec2.amazonaws.com",
        "responseElements": instances,
    }
    put(tmp_path / "alone", TRAIL_KEY, logs.trail([logs.event(1)]))
    put(tmp_path / "beside", TRAIL_KEY, logs.trail([logs.event(1), logs.event(2, **started)]))
    read(tmp_path / "one", tmp_path / "alone")
    read(tmp_path / "two", tmp_path / "beside")
    query = "SELECT to_json(cloud) FROM cloudtrail WHERE event.id LIKE '%1'"
    assert ask(tmp_path / "one", query) == ask(tmp_path / "two", query)


def test_a_higher_limit_reads_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that was read up to a limit is read again once that is higher, each record once."""
    monkeypatch.setattr("lake.decode.decode.WINDOW", 20_000)
    monkeypatch.setenv("LAKE_UNPACK_LIMIT", "40kB")
    monkeypatch.setattr("lake.objects.decompress.MAX_RATIO", 0)
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(900)))
    early = read(tmp_path / "lake", tmp_path / "logs")
    assert dict(early.statuses) == {"partial": 1}
    assert (300 < early.rows < 500, early.rejects) == (True, 1)
    ((reason,),) = fates(tmp_path / "lake", "reason").values()
    assert reason.startswith("unpacking stopped at 40,000 bytes")
    assert "set LAKE_UNPACK_LIMIT, such as 20GB" in reason
    assert read(tmp_path / "lake", tmp_path / "logs").unchanged == 1
    monkeypatch.setenv("LAKE_UNPACK_LIMIT", "1MB")
    late = read(tmp_path / "lake", tmp_path / "logs")
    assert (late.rows, late.duplicates, late.rejects) == (900 - early.rows, early.rows, 0)
    query = "SELECT count(*), count(DISTINCT event.original) FROM vpcflow"
    assert ask(tmp_path / "lake", query) == [(900, 900)]
    balance(tmp_path / "lake")


def test_a_limit_that_is_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_UNPACK_LIMIT", "lots")
    (tmp_path / "logs").mkdir()
    with pytest.raises(UsageError, match="LAKE_UNPACK_LIMIT lots: write a size as 4GB or 800MB"):
        read(tmp_path / "lake", tmp_path / "logs")
    assert not (tmp_path / "lake").exists()


def test_prose_about_logs_is_no_log(tmp_path: Path) -> None:
    """A header may stand below a broken line; a sentence with a field's name in it is none."""
    told = (
        "name\twhat it is\nedge\tlogs whose x-edge-location is empty are of the viewer\nb\tmore\n"
    )
    put(tmp_path / "logs", "about.tsv", told.encode())
    flows = logs.flow_file(logs.flows(2)).decode()
    put(tmp_path / "logs", "flows.log", ("cut off\n" + flows).encode())
    read(tmp_path / "lake", tmp_path / "logs")
    assert fates(tmp_path / "lake", "status, rows, rejects") == {
        "about.tsv": ("unknown", 0, 0),
        "flows.log": ("read", 2, 1),
    }


def test_what_is_set_aside_has_its_details_at_the_end_of_its_reason() -> None:
    """The report cuts them off, and tells them beside an example."""
    reasons = [known.reason for known in catalogue().ignored]
    assert [r for r in reasons if " (" in r and not r.endswith(")")] == []
