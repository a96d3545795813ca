"""Which accounts buckets belong to: which files tell it, and which rows it reaches."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from command import run_lake
from engine import ask, put, read
from logs import TRAIL_KEY, event, trail

from lake.enrich.geoip import GeoIP
from lake.errors import UsageError
from lake.model import RawObject, Unreadable
from lake.objects.discover import FolderLocation
from lake.serve.buckets import bucket_accounts, keep_buckets, read_buckets
from lake.upkeep.rebuild import RebuildOptions, rebuild

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

A, B, C = "111122223333", "012345678901", "444455556666"
BOTH = {"app-logs": B, "web": A}
RESULTS = [json.dumps({"resourceName": n, "accountId": a}) for n, a in BOTH.items()]


def line(bucket: str, number: int) -> str:
    return (
        f"79a59df900b949e5 {bucket} [06/Feb/2026:00:00:38 +0000] 192.0.2.3 79a59df900b949e5 "
        f'3E57427F3EXAM{number:03} REST.GET.OBJECT a.txt "GET /a.txt HTTP/1.1" 200 - 113 113 7 6 '
        '"-" "S3Console/0.4" -'
    )


@pytest.mark.parametrize(
    "text",
    [
        f"bucket,account\nweb,{A}\napp-logs,{B}\n",
        f"\ufeffAWS_account_number;Bucket_name;Bytes\r\n{A};web;1\r\n12345678901;app-logs;2\r\n",
        json.dumps(BOTH),
        json.dumps([{"Name": name, "AccountId": account} for name, account in BOTH.items()]),
        json.dumps({"Results": RESULTS, "QueryInfo": {"SelectFields": []}}),
    ],
    ids=["csv", "csv of Storage Lens, by Excel", "map", "list", "AWS Config"],
)
def test_files_that_tell_it(text: str) -> None:
    assert read_buckets(text.encode()) == BOTH


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no bucket with an account"),
        (b"{", "no list of buckets"),
        (b"x,y\n1,2\n", "the columns x, y name no bucket and account"),
        (b"bucket,account\nweb,prod\n", "'prod' is no account id of twelve digits"),
        (b"bucket,account\nweb,1\nweb,2\n", "bucket web has two accounts"),
    ],
)
def test_files_that_do_not(data: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_buckets(data)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """One that knows the accounts of two buckets."""
    put(tmp_path / "first", TRAIL_KEY, trail([event(0)]))
    read(tmp_path / "lake", tmp_path / "first")
    keep_buckets(tmp_path / "lake", BOTH)
    return tmp_path / "lake"


def accounts_of(lake: Path) -> list[tuple[str, str | None, str]]:
    return ask(
        lake, 'SELECT native."Bucket", cloud.account.id, account FROM s3access ORDER BY 1, 3'
    )


def test_rows_of_a_bucket_lie_with_its_account(lake: Path, tmp_path: Path) -> None:
    """But where the key tells an account; and what the record does not say is not in its fields."""
    lines = [line(bucket, n) for n, bucket in enumerate(["web", "app-logs", "elsewhere"])]
    put(tmp_path / "logs", "2026-02-06-00-05-12-0123456789ABCDEF", "\n".join(lines).encode())
    put(
        tmp_path / "logs",
        f"{C}/eu-west-1/web/2026/02/06/2026-02-06-00-05-12-0123456789ABCDEE",
        line("web", 9).encode(),
    )
    read(lake, tmp_path / "logs", account="222233334444")
    assert accounts_of(lake) == [
        ("app-logs", None, B),
        ("elsewhere", None, "222233334444"),
        ("web", None, A),
        ("web", C, C),
    ]


def test_rebuild_gives_accounts_to_rows_that_are_there(lake: Path, tmp_path: Path) -> None:
    keep_buckets(lake, {"other": C})
    put(tmp_path / "logs", "2026-02-06-00-05-12-0123456789ABCDEF", line("web", 0).encode())
    read(lake, tmp_path / "logs")
    assert accounts_of(lake) == [("web", None, "unknown")]
    keep_buckets(lake, BOTH)
    rebuild(lake, RebuildOptions(source="s3access", geoip=GeoIP.none()))
    assert accounts_of(lake) == [("web", None, A)]


def test_logs_that_lie_in_a_bucket_are_its_owners(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFront's, whose keys and lines tell no account; also when they are rebuilt."""
    fields = "date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status"
    row = "2026-02-06\t00:00:38\tFRA2\t192.0.2.3\tGET\td111111abcdef8.cloudfront.net\t/\t200\n"
    put(
        tmp_path / "logs",
        "E123.2026-02-06-00.a1b2c3d4.gz",
        f"#Version: 1.0\n#Fields: {fields}\n{row}".encode(),
    )
    listed = FolderLocation.objects

    def in_a_bucket(self: FolderLocation) -> Iterator[RawObject | Unreadable]:
        for one in listed(self):
            yield replace(one, bucket="web") if isinstance(one, RawObject) else one

    monkeypatch.setattr(FolderLocation, "objects", in_a_bucket)
    read(lake, tmp_path / "logs")
    found = "SELECT cloud.account.id, account FROM cloudfront"
    assert ask(lake, found) == [(None, A)]
    keep_buckets(lake, {"web": C})
    rebuild(lake, RebuildOptions(source="cloudfront", geoip=GeoIP.none()))
    assert ask(lake, found) == [(None, C)]


def test_commands(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "buckets.csv"
    given.write_text(f"bucket,account\nnew,{C}\n")
    done = run_lake(["buckets", str(given), "--lake", str(lake)], monkeypatch, capsys)
    assert done[0] == 0 and "kept in the lake: 1 bucket's account" in done[2]
    done = run_lake(["buckets", "--lake", str(lake), "--format", "csv"], monkeypatch, capsys)
    assert (done[0], done[1].splitlines()) == (0, ["bucket,account", f"new,{C}"])
    none = tmp_path / "none"
    done = run_lake(["buckets", str(given), "--lake", str(none)], monkeypatch, capsys)
    assert done[0] == 0 and bucket_accounts(none) == {"new": C}  # before the first ingest
    put(tmp_path / "logs", "2026-02-06-00-05-12-0123456789ABCDEF", line("new", 0).encode())
    read(none, tmp_path / "logs")
    assert accounts_of(none) == [("new", None, C)]
    given.write_text("x,y\n1,2\n")
    done = run_lake(["buckets", str(given), "--lake", str(lake)], monkeypatch, capsys)
    assert done[0] == 2 and "name no bucket and account" in " ".join(done[2].split())


def test_a_kept_file_that_is_broken_ends_an_ingest(lake: Path, tmp_path: Path) -> None:
    """Its rows would lie among those of no account, and a rebuild would move all others there."""
    (lake / "_buckets.csv").write_text("nothing")
    put(tmp_path / "logs", "2026-02-06-00-05-12-0123456789ABCDEF", line("web", 0).encode())
    with pytest.raises(UsageError, match=r"_buckets\.csv.*lake buckets"):
        read(lake, tmp_path / "logs")
    with pytest.raises(UsageError, match=r"_buckets\.csv.*lake buckets"):
        rebuild(lake, RebuildOptions(geoip=GeoIP.none()))
    (lake / "_buckets.csv").unlink()
    assert bucket_accounts(lake) == {}
    assert read(lake, tmp_path / "logs").rows
