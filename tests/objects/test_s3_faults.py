"""`lake ingest s3://...` from an S3 that misbehaves, by faults put before a real server: what
helps is tried again; else the object is failed with its reason, the rest is in the lake, the
command ends with 1, and the next one reads what failed and nothing else."""

from __future__ import annotations

import re
import sys
import threading
from typing import TYPE_CHECKING

import logs
import pytest
from engine import ask, balance, contents, fates, put, read
from faults import Fault, becomes, cut, cut_for_good, drips, has_header, says, says_length, trouble
from logs import FLOW_KEY, TRAIL_KEY

from lake.cli import main
from lake.objects import s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faults import Trouble
    from servers import S3Server

pytestmark = [pytest.mark.s3, pytest.mark.long]
BUCKET = "in-trouble"
FLOW = "vpcflowlogs"


def lay_out(folder: Path) -> Path:
    """Three objects of each of two sources, 100 records in each."""
    for number in range(3):
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        put(folder, key, logs.trail(logs.events(100, 100 * number)))
        key = FLOW_KEY.replace("1a2b", f"{number:04x}")
        put(folder, key, logs.flow_file(logs.flows(100, 100 * number)))
    return folder


@pytest.fixture(scope="module")
def server(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    s3_server.upload(BUCKET, lay_out(tmp_path_factory.mktemp("trouble")))
    return s3_server


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, int]]:
    """The rows of the same objects, read from a folder."""
    folder = tmp_path_factory.mktemp("wanted")
    read(folder / "lake", lay_out(folder / "logs"))
    return rows(folder / "lake")


def rows(lake: Path) -> dict[str, dict[int, int]]:
    return {table: contents(lake, table) for table in ("cloudtrail", "vpcflow")}


@pytest.fixture(autouse=True)
def here(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, tmp_path: Path
) -> Iterator[pytest.MonkeyPatch]:
    """The server's keys, and less patience than with AWS."""
    for name, value in s3_server.environment(tmp_path).items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "TRIES", 3)
    monkeypatch.setattr(s3, "READ_TIMEOUT", 1)
    monkeypatch.setattr(s3, "PAUSE", 0.01)
    s3._client.cache_clear()
    yield monkeypatch
    s3._client.cache_clear()


def ingest(
    at: Trouble, lake: Path, capsys: pytest.CaptureFixture[str], bucket: str = BUCKET
) -> tuple[int, str]:
    """The command in this process: its exit code and what it said."""
    at.requests.clear()
    place = ["ingest", f"s3://{bucket}", "--endpoint-url", at.url, "--lake", str(lake)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["lake", *place, "--jobs", "1"])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0), capsys.readouterr().err


PASSING = {
    "SlowDown": Fault("get", says(503, "SlowDown"), FLOW, times=2),
    "SlowDown while listing": Fault("list", says(503, "SlowDown"), times=2, after=1),
    "InternalError": Fault("get", says(500, "InternalError"), times=2),
    "cut in the middle": Fault("get", cut(400), times=3),
    "cut before the body": Fault("get", cut(0), times=2),
    "a drip": Fault("get", drips(200, 0.05), FLOW),
    "no answer for a while": Fault("get", drips(1 << 20, 1.5), FLOW, times=1),
    "a length that is too large": Fault("get", says_length(50), times=1),
    "XML that is cut, once": Fault("list", becomes(lambda body: body[:300]), times=1, after=1),
}
"""What helps itself with patience."""


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_not_noticed(
    fault: Fault,
    server: S3Server,
    wanted: dict[str, dict[int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fault.seen = 0
    with trouble(server.url, fault) as at:
        code, words = ingest(at, tmp_path / "lake", capsys)
    assert (code, fault.seen > fault.after) == (0, True), words
    assert rows(tmp_path / "lake") == wanted
    balance(tmp_path / "lake")


LASTING = {
    "SlowDown": (says(503, "SlowDown"), "cannot be read: SlowDown: in the test"),
    "InternalError": (says(500, "InternalError"), "cannot be read: InternalError: in the test"),
    "AccessDenied": (says(403, "AccessDenied"), r"may not be read \(AccessDenied\). Allow s3:GetO"),
    "an expired session": (says(400, "ExpiredToken"), r"the AWS session .* is over \(ExpiredToken"),
    "a wrong clock": (says(403, "RequestTimeTooSkewed"), "says that this machine's clock is wrong"),
    "no bucket any more": (says(404, "NoSuchBucket"), f"no bucket '{BUCKET}'"),
    "another region": (says(301, "PermanentRedirect"), "is in another region than the one asked"),
    "cut": (cut_for_good(400), "the connection broke 5 times at byte 400|S3 sent 400 of"),
    "no answer": (drips(1 << 20, 4), "the connection broke 5 times at byte 0: Read timeout"),
    "a length that is too small": (says_length(-50), "the bytes received fail S3's checksum"),
    "a shorter body": (becomes(lambda body: body[:-50]), "S3 sent .* of"),
    "a longer body": (becomes(lambda body: body + b"\0" * 50), "S3 sent more than the"),
    "another ETag": (has_header("ETag", '"0"'), "changed after it was listed. Run the command aga"),
}
"""What every reading of the flow logs meets, and the reason that is told."""


@pytest.mark.parametrize(("change", "reason"), LASTING.values(), ids=LASTING)
def test_what_lasts_fails_these_objects_and_no_others(
    change: object,
    reason: str,
    server: S3Server,
    wanted: dict[str, dict[int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lake = tmp_path / "lake"
    with trouble(server.url, Fault("get", change, FLOW)) as at:  # type: ignore[arg-type]
        code, words = ingest(at, lake, capsys)
        told = fates(lake, "status, rows, reason")
        failed = {name for name, (status, *_) in told.items() if status == "failed"}
        assert (code, len(failed)) == (1, 3), words
        assert "Traceback" not in words
        assert rows(lake) == {"cloudtrail": wanted["cloudtrail"], "vpcflow": {}}
        for name in failed:
            assert FLOW in name
            assert re.search(reason, told[name][2]), told[name][2]
        balance(lake)
        at.faults.clear()
        s3._client.cache_clear()
        code, words = ingest(at, lake, capsys)
        assert code == 0, words
        assert {key.rsplit("/", 1)[-1] for key in at.read()} == failed
    assert rows(lake) == wanted
    balance(lake)


def test_credentials_that_expire_halfway(
    server: S3Server,
    wanted: dict[str, dict[int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lake = tmp_path / "lake"
    with trouble(server.url, Fault("get", says(400, "ExpiredToken"), after=4)) as at:
        assert ingest(at, lake, capsys)[0] == 1
        assert sorted(fates(lake, "status").values()) == [("failed",)] * 2 + [("read",)] * 4
        at.faults.clear()
        assert ingest(at, lake, capsys)[0] == 0
        assert len(at.read()) == 2
    assert rows(lake) == wanted


FIRST_CALL = {
    "AccessDenied": (says(403, "AccessDenied"), r"may not be read \(AccessDenied\). Allow s3:List"),
    "ExpiredToken": (says(400, "ExpiredToken"), r"the AWS session .* is over \(ExpiredToken\)"),
    "RequestTimeTooSkewed": (says(403, "RequestTimeTooSkewed"), "this machine's clock is wrong"),
    "PermanentRedirect": (says(301, "PermanentRedirect"), "is in another region than the one ask"),
    "NoSuchBucket": (says(404, "NoSuchBucket"), f"no bucket '{BUCKET}' at "),
    "SlowDown": (says(503, "SlowDown"), "SlowDown: in the test. Repeat the command later."),
    "malformed XML": (becomes(lambda body: b"<html>Welcome"), "500: Internal Server E"),
    "another XML": (becomes(lambda body: b"<hello/>"), "no objects|is no S3 service"),
    "no answer": (drips(1 << 20, 4), "no answer from"),
}


@pytest.mark.parametrize(("change", "words"), FIRST_CALL.values(), ids=FIRST_CALL)
def test_a_bucket_that_cannot_be_listed_is_told_before_anything_is_made(
    change: object,
    words: str,
    server: S3Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with trouble(server.url, Fault("list", change)) as at:  # type: ignore[arg-type]
        code, told = ingest(at, tmp_path / "lake", capsys)
    assert code == 2
    assert re.search(words, told), told
    assert "Traceback" not in told
    assert not (tmp_path / "lake").exists()


# -- listing of several pages --------------------------------------------------------------------


@pytest.fixture
def small_pages(here: pytest.MonkeyPatch) -> None:
    """Pages of two keys, so that six objects take three."""
    pages = s3.Lister._pages

    def small(self: s3.Lister, prefix: str, **further: str) -> object:
        self._asked["MaxKeys"] = 2
        return pages(self, prefix, **further)

    here.setattr(s3.Lister, "_pages", small)


def _again(body: bytes) -> bytes:
    """A page that says that another comes, under the same token."""
    body = re.sub(rb"<NextContinuationToken>.*?</NextContinuationToken>", b"", body)
    body = re.sub(rb"<IsTruncated>.*?</IsTruncated>", b"", body)
    return body.replace(
        b"</ListBucketResult>",
        b"<IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
        b"</ListBucketResult>",
    )


LATER_PAGES = {
    "AccessDenied": (says(403, "AccessDenied"), r"may not be listed \(AccessDenied\). Allow"),
    "SlowDown": (says(503, "SlowDown"), "cannot be read: SlowDown: in the test"),
    "malformed XML": (becomes(lambda body: body[:200]), "cannot be read: 500: Internal Server E"),
    "a page that comes again for ever": (becomes(_again), "goes round in a circle"),
}


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(("change", "reason"), LATER_PAGES.values(), ids=LATER_PAGES)
def test_a_listing_that_breaks_off_in_one_prefix(
    change: object,
    reason: str,
    server: S3Server,
    wanted: dict[str, dict[int, int]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was listed is read, the prefix is failed, and the next run reads the rest of it."""
    lake = tmp_path / "lake"
    with trouble(server.url, Fault("list", change, f"{FLOW}/eu-west-1")) as at:  # type: ignore[arg-type]
        code, words = ingest(at, lake, capsys)
        assert code == 1, words
        assert rows(lake)["cloudtrail"] == wanted["cloudtrail"]
        failed = ask(lake, "SELECT key, reason FROM objects WHERE status = 'failed'")
        assert len(failed) == 1
        assert FLOW in failed[0][0]
        assert re.search(reason, failed[0][1]), failed
        seen = {key for key in at.read() if FLOW in key}
        at.faults.clear()
        s3._client.cache_clear()
        code, words = ingest(at, lake, capsys)
        assert code == 0, words
        assert len(at.read()) == 3 - len(seen)
    assert rows(lake) == wanted
    told = "SELECT status, superseded, path FROM objects WHERE path LIKE '%/' ORDER BY batch"
    path = f"s3://{BUCKET}/{failed[0][0]}"
    assert ask(lake, told) == [("failed", True, path), ("ignored", False, path)]
    balance(lake)


# -- objects that change meanwhile ---------------------------------------------------------------


def test_objects_replaced_and_deleted_between_listing_and_reading(
    s3_server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = s3_server.client()
    client.create_bucket(Bucket="changing")
    keys = [f"{number}-{FLOW_KEY}" for number in range(3)]
    for number, key in enumerate(keys):
        data = logs.flow_file(logs.flows(5, 10 * number))
        client.put_object(Bucket="changing", Key=key.removesuffix(".gz"), Body=data)
    keys = [key.removesuffix(".gz") for key in keys]
    other = logs.flow_file(logs.flows(7, 100))

    changing, done = threading.Lock(), threading.Event()

    def change() -> None:
        with changing:  # all are asked for at once
            if not done.is_set():
                client.put_object(Bucket="changing", Key=keys[1], Body=other)
                client.delete_object(Bucket="changing", Key=keys[2])
                done.set()

    with trouble(s3_server.url, Fault("get", first=change)) as at:
        assert ingest(at, tmp_path / "lake", capsys, bucket="changing")[0] == 1
        assert dict(ask(tmp_path / "lake", "SELECT left(key, 1), reason FROM objects")) == {
            "0": None,
            "1": "changed after it was listed. Run the command again",
            "2": "deleted after it was listed",
        }
        assert ingest(at, tmp_path / "lake", capsys, bucket="changing")[0] == 0
        assert at.read() == {keys[1]}
    query = "SELECT network.bytes FROM vpcflow ORDER BY 1"
    assert ask(tmp_path / "lake", query) == [
        (1_000 + number,) for number in [*range(5), *range(100, 107)]
    ]
    balance(tmp_path / "lake")


def test_a_service_that_ignores_ranges(
    server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It sends the beginning again, which must not be taken for the rest."""
    faults = [
        Fault("get", cut(400), FLOW, times=1),
        Fault("get", has_header("Content-Range", None)),
    ]
    with trouble(server.url, *faults) as at:
        code, words = ingest(at, tmp_path / "lake", capsys)
        assert code == 1, words
    told = [reason for (reason,) in fates(tmp_path / "lake", "reason").values() if reason]
    assert [re.sub(r"^reading stopped: ", "", one) for one in told] == [
        "the connection broke 5 times at byte 400: S3 began anew where byte 400 was asked for"
    ]


def test_objects_are_asked_for_at_once(
    s3_server: S3Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No answer comes before eight are asked for."""
    client = s3_server.client()
    client.create_bucket(Bucket="slow")
    for number in range(8):
        data = logs.flow_file(logs.flows(5, 10 * number))
        client.put_object(Bucket="slow", Key=f"{number}-{FLOW_KEY.removesuffix('.gz')}", Body=data)
    together = threading.Barrier(8, timeout=20)
    with trouble(s3_server.url, Fault("get", first=together.wait, times=8)) as at:
        assert ingest(at, tmp_path / "lake", capsys, bucket="slow")[0] == 0
    assert ask(tmp_path / "lake", "SELECT count(*) FROM vpcflow") == [(40,)]
    balance(tmp_path / "lake")
