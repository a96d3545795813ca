"""Folders and files: what is found, under which identity, what is reported, what a wrong WHERE is
told."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import AccessError, UsageError
from lake.model import Location, RawObject, Unreadable
from lake.objects.days import Days, key_days, prefix_days
from lake.objects.discover import FolderLocation, locate
from lake.objects.names import as_stored, as_text, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAIL = "AWSLogs/111122223333/CloudTrail/eu-west-1"


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(where: Path, tmp_path: Path, lake: Path | None = None) -> list[RawObject | Unreadable]:
    return list(locate(where, scratch=tmp_path / "scratch", lake=lake).objects())


def paths(where: Path, tmp_path: Path, lake: Path | None = None) -> list[str]:
    return [one.path for one in found(where, tmp_path, lake)]


def test_a_file_url_is_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "case 1" / "x.log")
    (one,) = locate(f"file://{tmp_path}/case%201", scratch=tmp_path / "scratch").objects()
    assert one.path == str(file)


def test_the_home_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"home directory.*Give the folder's whole path"):
        locate("~nobody-of-this-name/x", scratch=tmp_path / "scratch")


def test_a_file_as_it_is_listed(tmp_path: Path) -> None:
    name = "111122223333_CloudTrail_eu-west-1_20240201T1000Z_abc.json.gz"
    file = write(tmp_path / "case" / TRAIL / "2024/02/01" / name, b"four")
    os.utime(file, (1_706_800_000, 1_706_800_000))
    assert found(tmp_path / "case", tmp_path) == [
        RawObject(
            root=f"file://{tmp_path}/case",
            key=f"{TRAIL}/2024/02/01/{name}",
            path=str(file),
            size=4,
            modified=datetime(2024, 2, 1, 15, 6, 40, tzinfo=UTC),
        )
    ]


def test_outside_awslogs_the_key_is_the_whole_path(tmp_path: Path) -> None:
    file = write(tmp_path / "cf" / "E1.2024-02-01-10.x.gz")
    (one,) = found(tmp_path / "cf", tmp_path)
    assert (one.root, one.key) == ("file://", str(file)[1:])


def test_a_file_has_one_identity_whichever_where_it_was_found_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "case" / TRAIL / "2024/02/01/x.json.gz")
    (tmp_path / "shortcut").symlink_to(tmp_path / "case")
    monkeypatch.chdir(tmp_path / "case")
    wheres = [
        tmp_path,
        tmp_path / "case",
        tmp_path / "case" / TRAIL,
        file,
        tmp_path / "shortcut",
        tmp_path / "case" / ".." / "case",
        Path(),
        Path("AWSLogs"),
    ]
    identities = {
        one.identity
        for where in wheres
        for one in found(where, tmp_path)
        if isinstance(one, RawObject)
    }
    assert identities == {f"file://{tmp_path}/case\n{TRAIL}/2024/02/01/x.json.gz"}


def test_files_first_then_folders_each_by_name(tmp_path: Path) -> None:
    for name in ("b/2.log", "b/1.log", "a/c/x.log", "a/y.log", "z.log", "0.log", ".hidden"):
        write(tmp_path / "w" / name)
    listed = [Path(path).relative_to(tmp_path / "w") for path in paths(tmp_path / "w", tmp_path)]
    assert [str(path) for path in listed] == [
        ".hidden",
        "0.log",
        "z.log",
        "a/y.log",
        "a/c/x.log",
        "b/1.log",
        "b/2.log",
    ]


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside / "o.log")
    top = tmp_path / "w"
    write(top / "a" / "x.log")
    (top / "a" / "up").symlink_to(top)
    (top / "b").symlink_to(top / "a")
    (top / "out").symlink_to(outside)
    (top / "x-again.log").symlink_to(top / "a" / "x.log")
    assert paths(top, tmp_path) == [
        str(top / "x-again.log"),
        str(top / "a" / "x.log"),
        str(outside / "o.log"),
    ]


def test_a_lake_is_not_evidence(tmp_path: Path) -> None:
    top = tmp_path / "w"
    write(top / "x.log")
    write(top / "mine" / "cloudtrail" / "p.parquet")
    write(top / "other" / "_lake" / "_delta_log" / "0.json")
    assert found(top, tmp_path, lake=top / "mine")[1:] == [
        Unreadable(
            *("file://", f"{str(top)[1:]}/other/", f"{top}/other/"),
            *("a lake, not evidence", "ignored"),
        )
    ]
    with pytest.raises(UsageError, match=r"mine holds the logs\. Name another folder with --lake"):
        locate(top / "mine", scratch=tmp_path, lake=top / "mine")
    with pytest.raises(UsageError, match="is the lake itself"):
        locate(top / "other", scratch=tmp_path)
    (tmp_path / "link").symlink_to(top / "other" / "_lake")
    for inside in (top / "other" / "_lake", tmp_path / "link", tmp_path / "link/_delta_log/0.json"):
        with pytest.raises(UsageError, match=r"lies in a lake, .*/w/other\. Give the folder that"):
            locate(inside, scratch=tmp_path)


def test_the_scratch_folder_is_not_evidence(tmp_path: Path) -> None:
    file = write(tmp_path / "x.log")
    write(tmp_path / "scratch" / "spooled")
    assert paths(tmp_path, tmp_path) == [str(file)]


def test_what_is_no_file_is_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "round").symlink_to("round")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        reported = [one for one in found(tmp_path, tmp_path) if isinstance(one, Unreadable)]
    assert [(Path(one.path).name, one.status, one.reason) for one in reported] == [
        ("gone", "failed", "a link to nothing: nowhere"),
        ("pipe", "ignored", "a pipe, not a file"),
        ("round", "failed", "cannot be read: Too many levels of symbolic links"),
        ("socket", "ignored", "a socket, not a file"),
    ]
    result = reported[0].result()
    assert (result.status, result.reason) == ("failed", "a link to nothing: nowhere")
    assert (result.records, result.obj.path) == (0, str(tmp_path / "gone"))


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder, seen by a user who is not root: nothing is closed to root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    was = os.geteuid()
    write(folder / "w" / "closed" / "x.log")
    write(folder / "w" / "secret.bin")
    write(folder / "w" / "open.log")
    (folder / "w" / "closed").chmod(0)
    (folder / "w" / "secret.bin").chmod(0)
    if was == 0:
        os.seteuid(65534)
    try:
        yield folder / "w"
    finally:
        os.seteuid(was)
        (folder / "w" / "closed").chmod(0o755)
        shutil.rmtree(folder)


def test_what_may_not_be_read_is_reported(nobody: Path) -> None:
    scratch = nobody.parent / "scratch"
    reported = [
        (Path(one.path).name, one.reason, one.path.endswith("/")) if isinstance(one, Unreadable)
        else (Path(one.path).name, "", False)
        for one in found(nobody, scratch)
    ]  # fmt: skip
    assert reported == [
        ("open.log", "", False),
        ("secret.bin", "cannot be read: Permission denied", False),
        ("closed", "folder cannot be listed: Permission denied", True),
    ]
    with pytest.raises(
        AccessError, match=r"closed cannot be read: Permission denied\. Ask its owner"
    ):
        locate(nobody / "closed", scratch=scratch)
    with pytest.raises(AccessError, match=r"secret\.bin cannot be read: Permission denied"):
        locate(nobody / "secret.bin", scratch=scratch)


def test_names_that_are_no_utf8_can_be_opened(tmp_path: Path) -> None:
    top = os.fsencode(tmp_path / "w")
    (tmp_path / "w").mkdir()
    names = {
        b"caf\xe9.log": "caf%E9.log",
        b"line\nbreak\x1b[2J.log": "line%0Abreak%1B[2J.log",
        b"url%3Aencoded%20.log": "url%3Aencoded%20.log",
        b"looks%E9like.log": "looks%25E9like.log",
        b"bang!": "bang%21",
        "gr\u00fc\u00df.log".encode(): "gr\u00fc\u00df.log",
    }
    for name in names:
        Path(os.fsdecode(top + b"/" + name)).write_bytes(name)
    location = locate(tmp_path / "w", scratch=tmp_path / "scratch")
    objects = [one for one in location.objects() if isinstance(one, RawObject)]
    assert sorted(Path(one.key).name for one in objects) == sorted(names.values())
    for one in objects:
        one.identity.encode()
        with location.open(one) as stream:
            assert names[stream.read()] == Path(one.path).name


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name))
def test_every_name_can_be_turned_back(name: bytes) -> None:
    text = as_text(os.fsdecode(name))
    text.encode("utf-8")
    assert text.isprintable() or not text.isascii()
    assert "!/" not in text + "/"
    assert os.fsencode(as_stored(text)) == name


@pytest.mark.parametrize(
    ("path", "root", "key"),
    [
        ("/e/AWSLogs/1/x.gz", "file:///e", "AWSLogs/1/x.gz"),
        ("/AWSLogs/1/x.gz", "file://", "AWSLogs/1/x.gz"),
        ("/e/AWSLogs/b/AWSLogs/1/x.gz", "file:///e/AWSLogs/b", "AWSLogs/1/x.gz"),
        ("/e/x.gz", "file://", "e/x.gz"),
        ("/e/b.zip!/AWSLogs/x.gz", "file:///e/b.zip", "AWSLogs/x.gz"),
        ("/e/b.zip!/c.tar!/x.gz", "file:///e/b.zip!/c.tar", "x.gz"),
        ("/e/b.zip!//etc/x", "file:///e/b.zip", "/etc/x"),
    ],
)
def test_root_and_key_of_a_path(path: str, root: str, key: str) -> None:
    assert identity_of(path) == (root, key)


def test_a_location_can_be_sent_to_another_process(tmp_path: Path) -> None:
    write(tmp_path / "w" / "x.log", b"content")
    location = locate(tmp_path / "w", scratch=tmp_path / "s", since=date(2024, 1, 1))
    again: Location = pickle.loads(pickle.dumps(location))  # noqa: S301 - our own
    assert again == location
    (obj,) = again.objects()
    assert isinstance(obj, RawObject)
    with again.open(obj) as stream:
        assert stream.read() == b"content"


def test_a_folder_is_listed_without_loading_boto3(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from lake.objects.discover import locate; "
        f"list(locate({str(tmp_path)!r}, scratch=Path('s')).objects()); "
        "print('boto3' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout == "False\n"


def test_a_wrong_where_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "evidence" / "bucket" / "x.log")
    os.mkfifo(tmp_path / "pipe")
    for where, told in (
        (tmp_path / "evidense", f"no such folder or file: {tmp_path}/evidense. Did you mean "
         f"{tmp_path}/evidence?"),
        ("evidense/bucket/x.log", "no such folder or file: evidense/bucket/x.log. Did you mean "
         "evidence/bucket/x.log?"),
        ("evidence/zzz", f"no such folder or file: evidence/zzz. {tmp_path}/evidence has no 'zzz'."
         " Check the path."),
        ("evidence/*.gz", "no such folder or file: evidence/*.gz. Leave the pattern to the shell "
         "(no quotes), or give the folder."),
        ("evidence/bucket/x.log/y", "no such folder or file: evidence/bucket/x.log/y. "
         f"{tmp_path}/evidence/bucket/x.log has no 'y'. Check the path."),
        ("pipe", "pipe is a pipe. Give a folder, a file or s3://bucket/prefix."),
        ("", "WHERE is empty. Give a folder, a file, an archive or s3://bucket/prefix."),
        ("https://b.s3.amazonaws.com/k", "'https://b.s3.amazonaws.com/k' is neither a folder, a "
         "file nor s3://bucket/prefix. For another S3 service give s3://bucket/prefix and "
         "--endpoint-url."),
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            locate(where, scratch=tmp_path / "s")
        assert str(caught.value) == told
    with pytest.raises(UsageError, match="Exchange --since and --until"):
        locate(".", scratch=tmp_path, since=date(2024, 2, 2), until=date(2024, 2, 1))


D = date.fromisoformat


@pytest.mark.parametrize(
    ("key", "days"),
    [
        (f"{TRAIL}/2024/02/01/x.json.gz", ("2024-02-01", "2024-02-01")),
        (f"{TRAIL}/2024/2/1/x.json.gz", ("2024-02-01", "2024-02-01")),
        ("waf/2024/02/01/10/x.gz", ("2024-02-01", "2024-02-01")),
        ("a/WAFLogs/eu-west-1/acl/2024/02/01/10/05/x.gz", ("2024-02-01", "2024-02-01")),
        ("h/year=2024/month=02/day=01/hour=10/x.gz", ("2024-02-01", "2024-02-01")),
        ("sl/accountId=1/eventDay=20240201/x.parquet", ("2024-02-01", "2024-02-01")),
        ("t/date=2024-02-01/x.parquet", ("2024-02-01", "2024-02-01")),
        ("111122223333_vpcflowlogs_eu-west-1_fl-1_20240201T1000Z_a.log.gz", ("2024-02-01",) * 2),
        ("2024/02/02/1_CloudTrail_x_20240201T2355Z_a.json.gz", ("2024-02-01", "2024-02-02")),
        ("1_Config_x_ConfigHistory_T_20240201T100000Z_20240203T110000Z_1.json.gz",
         ("2024-02-01", "2024-02-03")),
        ("cf/EMLARXS9EXAMPLE.2024-02-01-10.RT4KCN4S.gz", ("2024-02-01", "2024-02-01")),
        ("logs/2024-02-01-10-00-00-0123456789ABCDEF", ("2024-02-01", "2024-02-01")),
        ("x/aws-waf-logs-x-1-2024-02-01-10-00-00-abc.gz", ("2024-02-01", "2024-02-01")),
        ("1_network-firewall_alert_x_fw_202402011000_x.log.gz", ("2024-02-01", "2024-02-01")),
        ("cases/2024/03/15/evidence/flow.log", None),
        ("2024/13/01/x.gz", None),
        ("2024/02/31/x.gz", None),
        ("report-2024-02-01.txt", None),
        ("AWSLogs/111122223333/ClientVPN/us-west-2/x.gz", None),
    ],
)  # fmt: skip
def test_the_days_that_a_key_carries(key: str, days: tuple[str, str] | None) -> None:
    assert key_days(key) == (days and (D(days[0]), D(days[1])))


@pytest.mark.parametrize(
    ("prefix", "days"),
    [
        ("a/2024/", ("2024-01-01", "2024-12-31")),
        ("2024/02/", ("2024-02-01", "2024-02-29")),
        ("a/2024/02/01/", ("2024-02-01", "2024-02-01")),
        ("a/year=2024/month=2/day=1/", ("2024-02-01", "2024-02-01")),
        ("a/year=2023/month=02/", ("2023-02-01", "2023-02-28")),
        ("a/eventDay=20240201/", ("2024-02-01", "2024-02-01")),
        ("a/2024/13/", None),
        ("a/2024/02/32/", None),
        ("a/111122223333/", None),
        ("a/2024", None),
        ("a/02/01/", None),
    ],
)
def test_the_days_of_a_prefix(prefix: str, days: tuple[str, str] | None) -> None:
    assert prefix_days(prefix) == (days and (D(days[0]), D(days[1])))


@pytest.mark.parametrize(
    ("since", "until", "taken"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        ("2024-02-03", None, [3, 4, 5]),
        (None, "2024-02-02", [1, 2, 3]),
        ("2024-02-02", "2024-02-03", [2, 3, 4]),
        ("2024-03-01", "2024-03-01", []),
    ],
)
def test_since_and_until_choose_by_the_day_of_the_key(
    tmp_path: Path, since: str | None, until: str | None, taken: list[int]
) -> None:
    # A case folder named after the day it was opened does not count.
    top = tmp_path / "2020/01/01"
    for day in range(1, 6):
        write(top / f"AWSLogs/1/CloudTrail/r/2024/02/{day:02}/x.json.gz")
    write(top / "undated.log")
    location = locate(
        top,
        scratch=tmp_path / "s",
        since=D(since) if since else None,
        until=D(until) if until else None,
    )
    listed = [str(Path(one.path).relative_to(top)) for one in location.objects()]
    wanted = [f"AWSLogs/1/CloudTrail/r/2024/02/{day:02}/x.json.gz" for day in taken]
    assert listed == ["undated.log", *wanted]


def test_days_know_what_is_too_old() -> None:
    days = Days(since=D("2024-02-01"))
    assert days.too_old(datetime(2024, 1, 31, 23, 59, tzinfo=UTC))
    assert not days.too_old(datetime(2024, 2, 1, tzinfo=UTC))
    assert not Days(until=D("2024-02-01")).too_old(datetime(1999, 1, 1, tzinfo=UTC))


def test_a_file_that_went_after_it_was_located(tmp_path: Path) -> None:
    file = write(tmp_path / "x.log")
    location = locate(file, scratch=tmp_path / "s")
    assert isinstance(location, FolderLocation)
    file.unlink()
    (one,) = location.objects()
    assert isinstance(one, Unreadable)
    assert one.reason == "cannot be read: No such file or directory"
