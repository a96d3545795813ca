"""Archives: which members are objects, under which names, and what damage and malice come to."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import multiprocessing
import os
import shutil
import tarfile
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest
import zstandard

from lake.errors import DecodeError
from lake.model import Location, RawObject, Unreadable
from lake.objects import archive, decompress, spool
from lake.objects.discover import locate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2024/02/01/x.json.gz"
FILES = {KEY: gzip.compress(b'{"Records":[]}'), "deep/er/flow.log": b"2 111122223333\n" * 1000}


def tar_of(files: dict[str, bytes] | list[tuple[str, bytes]], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more:
            tar.addfile(info)
    return out.getvalue()


def zip_of(
    files: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]],
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in files.items() if isinstance(files, dict) else files:
            target.writestr(name, content)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def listed(file: Path, day: date | None = None) -> tuple[Location, list[RawObject | Unreadable]]:
    location = locate(file, scratch=file.parent / "scratch", since=day, until=day)
    return location, list(location.objects())


def contents(file: Path) -> dict[str, bytes]:
    """Every object's path below the archive, and its bytes."""
    location, objects = listed(file)
    found = {}
    for one in objects:
        assert isinstance(one, RawObject), one
        with location.open(one) as stream:
            found[one.path.removeprefix(f"{file}!/")] = stream.read()
    return found


def reported(file: Path) -> list[tuple[str, str, str]]:
    """Path below the archive's folder, status and reason of what is no object."""
    return [
        (one.path.removeprefix(f"{file.parent}/"), one.status, one.reason)
        for one in listed(file)[1]
        if isinstance(one, Unreadable)
    ]


FORMATS: dict[str, Callable[[], bytes]] = {
    "b.zip": lambda: zip_of(FILES),
    "stored.zip": lambda: zip_of(FILES, zipfile.ZIP_STORED),
    "b.tar": lambda: tar_of(FILES),
    "b.tar.gz": lambda: gzip.compress(tar_of(FILES)),
    "b.tgz": lambda: gzip.compress(tar_of(FILES)),
    "b.tar.bz2": lambda: bz2.compress(tar_of(FILES)),
    "b.tar.xz": lambda: lzma.compress(tar_of(FILES)),
    "b.tar.zst": lambda: zstandard.compress(tar_of(FILES)),
    "bucket.gz": lambda: gzip.compress(tar_of(FILES)),
    "bucket": lambda: bz2.compress(tar_of(FILES)),
    "bucket.bin": lambda: zip_of(FILES),
    "bucket.log": lambda: tar_of(FILES),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_holds_the_same_objects(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(FORMATS[name]())
    _, objects = listed(file)
    assert [
        (one.root, one.key, one.path, one.size) for one in objects if isinstance(one, RawObject)
    ] == [(f"file://{file}", key, f"{file}!/{key}", len(FILES[key])) for key in FILES]
    assert contents(file) == FILES


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b'{"Records":[]}'),
        gzip.compress(b""),
        gzip.compress(b"x" * 10_000)[:20],
        bz2.compress(b"one log\n" * 100),
        lzma.compress(b"one log\n" * 100),
        zstandard.compress(b"one log\n" * 100),
        b"PK is how this log begins\n" * 100,
        b"",
        b"plain\n",
    ],
    ids=["gzip", "gzip of nothing", "gzip cut", "bzip2", "xz", "zstd", "text", "empty", "line"],
)
def test_one_log_is_no_archive(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(content)
    location, (one,) = listed(file)
    assert isinstance(one, RawObject)
    assert (one.path, one.size) == (str(file), len(content))
    with location.open(one) as stream:
        assert stream.read() == content


def test_an_archive_in_a_folder_is_opened_as_well(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a.log").write_bytes(b"a")
    (tmp_path / "w" / "b.zip").write_bytes(zip_of({"m.log": b"m"}))
    location = locate(tmp_path / "w", scratch=tmp_path / "scratch")
    assert [one.path for one in location.objects()] == [
        f"{tmp_path}/w/a.log",
        f"{tmp_path}/w/b.zip!/m.log",
    ]


def test_names_that_would_lead_out_are_text_and_nothing_is_written(tmp_path: Path) -> None:
    names = ["../../escape.log", "/etc/passwd", "a/../b.log", "./dot.log", "odd!/x", "caf\udce9"]
    file = tmp_path / "evil.tar"
    file.write_bytes(tar_of({name: name.encode("utf-8", "surrogateescape") for name in names}))
    assert contents(file) == {
        "../../escape.log": b"../../escape.log",
        "/etc/passwd": b"/etc/passwd",
        "a/../b.log": b"a/../b.log",
        "dot.log": b"./dot.log",
        "odd%21/x": b"odd!/x",
        "caf%E9": b"caf\xe9",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["evil.tar"]


def test_names_of_a_zip(tmp_path: Path) -> None:
    windows = zipfile.ZipInfo("x")
    windows.filename = "AWSLogs\\1\\x.log"
    windows.create_system = 0
    content = zip_of([(windows, b"w"), ("gr\u00fc\u00df.log", b"u"), ("../up.log", b"p")])
    # The flag that says UTF-8 is taken away, as many programs leave it out.
    content = content.replace(b"\0\x08\x08\0", b"\0\0\x08\0")
    file = tmp_path / "n.zip"
    file.write_bytes(content)
    assert contents(file) == {
        "AWSLogs/1/x.log": b"w",
        "gr\u00fc\u00df.log": b"u",
        "../up.log": b"p",
    }


def test_what_is_no_regular_file_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "s.tar"
    file.write_bytes(
        tar_of(
            {"x.log": b"x"},
            special("folder", tarfile.DIRTYPE),
            special("soft", tarfile.SYMTYPE, "../../etc/passwd"),
            special("hard", tarfile.LNKTYPE, "x.log"),
            special("null", tarfile.CHRTYPE),
            special("pipe", tarfile.FIFOTYPE),
        )
    )
    assert reported(file) == [
        ("s.tar!/soft", "ignored", "a link to ../../etc/passwd, not a file"),
        ("s.tar!/hard", "ignored", "a link to x.log, not a file"),
        ("s.tar!/null", "ignored", "a device, not a file"),
        ("s.tar!/pipe", "ignored", "a device, not a file"),
    ]
    assert len(listed(file)[1]) == 5
    link = zipfile.ZipInfo("soft")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    file = tmp_path / "s.zip"
    file.write_bytes(zip_of([("folder/", b""), (link, b"/etc/passwd"), ("x.log", b"x")]))
    assert reported(file) == [("s.zip!/soft", "ignored", "a link, not a file")]


@pytest.mark.parametrize("make", [zip_of, tar_of])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_all_read(make: Callable[..., bytes], tmp_path: Path) -> None:
    file = tmp_path / "twice"
    twice = [("x", b"1"), ("x", b"2"), ("x#2", b"literal"), ("x", b"3"), ("y", b"y")]
    file.write_bytes(make(twice))
    assert contents(file) == {"x": b"1", "x#2": b"literal", "y": b"y", "x#3": b"2", "x#4": b"3"}


def test_archives_within_archives_three_deep(tmp_path: Path) -> None:
    third = zip_of({"third.log": b"3", "fourth.zip": zip_of({"lost.log": b"4"})})
    second = gzip.compress(tar_of({"second.log": b"2", "third.zip": third}))
    file = tmp_path / "first.zip"
    file.write_bytes(zip_of({"first.log": b"1", "second.tgz": second, "one.log.gz": b"\x1f\x8b"}))
    location, objects = listed(file)
    assert [one.path.removeprefix(f"{file}!/") for one in objects] == [
        "first.log",
        "second.tgz!/second.log",
        "second.tgz!/third.zip!/third.log",
        "second.tgz!/third.zip!/fourth.zip",
        "one.log.gz",
    ]
    inner, deepest = objects[2:4]
    assert isinstance(inner, RawObject)
    assert (inner.root, inner.key) == (f"file://{file}!/second.tgz!/third.zip", "third.log")
    with location.open(inner) as stream:
        assert stream.read() == b"3"
    assert isinstance(deepest, Unreadable)
    assert deepest.reason == "an archive more than 3 deep. Unpack it and give the folder"
    # Another process may come when the scratch folder is gone.
    shutil.rmtree(tmp_path / "scratch")
    with location.open(inner) as stream:
        assert stream.read() == b"3"


def _read(location: Location, obj: RawObject) -> bytes:
    with location.open(obj) as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["b.zip", "b.tar.gz"])
def test_workers_open_members(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(FORMATS[name]())
    location, objects = listed(file)
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        read = pool.starmap(_read, [(location, one) for one in objects])
    assert read == list(FILES.values())


def test_a_compressed_tar_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_bytes(FORMATS["b.tar.gz"]())
    unpacked: list[object] = []

    def counted(*args: object) -> object:
        unpacked.append(args)
        return decompress.plain_blocks(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(archive, "plain_blocks", counted)
    assert contents(file) == FILES
    assert contents(file) == FILES
    assert len(unpacked) == 1
    (spooled,) = (tmp_path / "scratch").iterdir()
    assert spooled.read_bytes() == tar_of(FILES)


def test_an_archive_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    file.write_bytes(zip_of({"old.log": b"old"}))
    location, (old,) = listed(file)
    file.write_bytes(zip_of({"new.log": b"new and longer"}))
    assert contents(file) == {"new.log": b"new and longer"}
    assert isinstance(old, RawObject)
    with pytest.raises(DecodeError, match=r"holds no 'old\.log' any more; it was changed"):
        location.open(old)


def test_an_encrypted_member(tmp_path: Path) -> None:
    content = bytearray(zip_of({"secret.log": b"secret", "open.log": b"open"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    file = tmp_path / "e.zip"
    file.write_bytes(content)
    location, objects = listed(file)
    secret, plain = objects
    assert isinstance(secret, RawObject)
    assert isinstance(plain, RawObject)
    with pytest.raises(DecodeError) as caught:
        location.open(secret)
    assert str(caught.value) == (
        "secret.log is encrypted. Unpack it with its password and give the folder"
    )
    assert _read(location, plain) == b"open"


def test_a_compression_that_python_lacks(tmp_path: Path) -> None:
    content = bytearray(zip_of({"x.log": b"x" * 100}))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(signature) + offset] = 9  # deflate64, as Windows makes it
    file = tmp_path / "d.zip"
    file.write_bytes(content)
    location, (one,) = listed(file)
    assert isinstance(one, RawObject)
    with pytest.raises(DecodeError, match=r"with deflate64 \(method 9\), which .* Unpack it"):
        location.open(one)


def _before_damage(location: Location, obj: RawObject) -> tuple[bytes, str]:
    got = b""
    with location.open(obj) as stream, pytest.raises(DecodeError) as caught:
        while block := stream.read(1 << 20):
            got += block
    return got, str(caught.value)


def test_a_damaged_member_gives_what_is_before_the_damage(tmp_path: Path) -> None:
    lines = b"".join(b"%d %s\n" % (n, os.urandom(20).hex().encode()) for n in range(20_000))
    content = bytearray(zip_of({"x.log": lines}))
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    file = tmp_path / "d.zip"
    file.write_bytes(content)
    location, (one,) = listed(file)
    assert isinstance(one, RawObject)
    got, why = _before_damage(location, one)
    assert len(got) > len(lines) * 0.45
    assert got[: len(lines) // 3] == lines[: len(lines) // 3]
    assert why.startswith("zip data damaged: ")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_another_method(method: int, tmp_path: Path) -> None:
    """What its decompressor raises is the member's, not the lake's or the disk's."""
    content = bytearray(zip_of({"x.log": os.urandom(9000), "y.log": b"sound"}, method))
    content[200:4000] = b"\xaa" * 3800
    file = tmp_path / "m.zip"
    file.write_bytes(content)
    location, objects = listed(file)
    damaged, sound = objects
    assert isinstance(damaged, RawObject)
    assert isinstance(sound, RawObject)
    _, why = _before_damage(location, damaged)
    assert why.startswith("zip data damaged: ")
    assert _read(location, sound) == b"sound"


@pytest.mark.parametrize(
    "head", [b"BZh9" + b"no bzip2" * 9, b"\xfd7zXZ\0" + b"no xz" * 9, b"\x1f\x8bno gzip" * 9]
)
def test_what_begins_like_an_archive_and_is_none(head: bytes, tmp_path: Path) -> None:
    """Neither it nor what lies beside it is lost: whoever reads it gets to hear what is wrong."""
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "x.bin").write_bytes(head)
    (one,) = listed(loose)[1]
    assert isinstance(one, RawObject)
    file = tmp_path / "z.zip"
    file.write_bytes(zip_of({"x.bin": head, "y.log": b"sound"}))
    assert contents(file) == {"x.bin": head, "y.log": b"sound"}


def test_a_wrong_checksum_is_told_after_the_last_byte(tmp_path: Path) -> None:
    content = zip_of({"x.log": b"some lines\n" * 5}, zipfile.ZIP_STORED)
    file = tmp_path / "c.zip"
    file.write_bytes(content.replace(b"lines\nsome", b"Lines\nsome", 1))
    location, (one,) = listed(file)
    assert isinstance(one, RawObject)
    got, why = _before_damage(location, one)
    assert got == b"some Lines\n" + b"some lines\n" * 4
    assert why == "zip data damaged: the checksum at its end is another"


def test_a_zip_that_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "c.zip"
    file.write_bytes(zip_of(FILES)[:-50])
    assert reported(file) == [
        (
            "c.zip",
            "failed",
            "archive cannot be read: the zip's directory cannot be read (File is not a zip file); "
            "it may be cut. Copy it again, or try `zip -FF`",
        )
    ]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_tar_that_is_cut_gives_what_is_before_the_cut(compressed: bool, tmp_path: Path) -> None:
    whole = {"a.log": b"a" * 1000, "b.log": os.urandom(5000), "c.log": b"c" * 1000}
    content = tar_of(whole)[:4000]  # a.log: 512 + 1024, b.log: 512 + 1952 of 5000
    file = tmp_path / "c.tar"
    file.write_bytes(gzip.compress(content)[:-9] if compressed else content)
    location, objects = listed(file)
    first, second, damage = objects
    assert isinstance(first, RawObject)
    assert isinstance(second, RawObject)
    assert _read(location, first) == whole["a.log"]
    got, why = _before_damage(location, second)
    assert len(got) >= 1500
    assert whole["b.log"].startswith(got)
    assert why == f"the archive ends {5000 - len(got):,} bytes before the end of this member"
    assert isinstance(damage, Unreadable)
    assert (damage.path, damage.status) == (str(file), "failed")
    words = "gzip data ends early" if compressed else "the tar is damaged or cut near byte"
    assert words in damage.reason
    # Told again when the same archive is listed again.
    assert listed(file)[1] == objects


def test_a_damaged_header_is_told(tmp_path: Path) -> None:
    content = bytearray(tar_of({"a.log": b"a", "b.log": b"b", "c.log": b"c"}))
    content[1024:1536] = b"?" * 512
    file = tmp_path / "h.tar"
    file.write_bytes(content)
    assert [one.path.rpartition("!/")[2] for one in listed(file)[1]] == ["a.log", str(file)]
    assert reported(file) == [
        (
            "h.tar",
            "failed",
            "the tar is damaged or cut near byte 1,024 (no header where one should be); what is "
            "before is read",
        )
    ]


def test_tars_one_after_the_other(tmp_path: Path) -> None:
    file = tmp_path / "two.tar"
    file.write_bytes(tar_of({"a.log": b"a"}) + tar_of({"b.log": b"b"}))
    assert contents(file) == {"a.log": b"a", "b.log": b"b"}
    file = tmp_path / "two.tgz"
    file.write_bytes(gzip.compress(tar_of({"a.log": b"a"})) + gzip.compress(tar_of({"b": b"b"})))
    assert contents(file) == {"a.log": b"a", "b": b"b"}


def test_a_header_that_claims_a_gigabyte_is_not_believed(tmp_path: Path) -> None:
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    file = tmp_path / "h.tar"
    for there in (10_240, 3 << 20):
        file.write_bytes(tar_of({"a.log": b"a"})[:1024] + long_name.tobuf() + b"x" * there)
        _, (first, damage) = listed(file)
        assert isinstance(first, RawObject)
        assert isinstance(damage, Unreadable)
        assert "(a header of over 1,048,576 bytes)" in damage.reason


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "FREE_OUTPUT", 1 << 16)
    zeros = bytes(70 << 20)
    file = tmp_path / "b.zip"
    file.write_bytes(zip_of({"zeros.log": zeros}))
    location, (one,) = listed(file)
    assert isinstance(one, RawObject)
    with location.open(one) as stream:
        assert len(stream.read()) == 64 << 20
        with pytest.raises(DecodeError, match=r"stopped at 67,108,864 bytes \(over 200 times"):
            stream.read()
    file = tmp_path / "b.tar.gz"
    file.write_bytes(gzip.compress(tar_of({"a.log": b"a", "zeros.log": zeros})))
    ((path, status, reason),) = reported(file)
    assert (path, status) == ("b.tar.gz", "failed")
    assert "71,459 stored ones, a sign of a decompression bomb" in reason


def test_a_zip_whose_members_overlap(tmp_path: Path) -> None:
    content = zip_of({"a": os.urandom(5000)}, zipfile.ZIP_STORED)
    entry_at = content.index(b"PK\x01\x02")
    entry, end = content[entry_at:-22], bytearray(content[-22:])
    end[8:12] = (3).to_bytes(2, "little") * 2
    end[12:16] = (3 * len(entry)).to_bytes(4, "little")
    file = tmp_path / "o.zip"
    file.write_bytes(content[:entry_at] + entry * 3 + end)
    assert reported(file) == [
        (
            "o.zip",
            "failed",
            "archive cannot be read: the zip's members overlap, a sign of a decompression bomb",
        )
    ]


def test_a_scratch_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "KEEP_FREE", 1 << 60)
    file = tmp_path / "b.tar.gz"
    file.write_bytes(FORMATS["b.tar.gz"]())
    ((path, status, reason),) = reported(file)
    assert (path, status) == ("b.tar.gz", "failed")
    assert "unpacking stopped. Free some room, or unpack the archive elsewhere" in reason
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_day_of_an_archive_is_when_it_was_packed(tmp_path: Path) -> None:
    days = {f"AWSLogs/1/CloudTrail/r/2024/02/{day:02}/x.json.gz": b"x" for day in range(1, 6)}
    file = tmp_path / "bucket_20240601T1000Z.zip"
    file.write_bytes(zip_of({**days, "undated.log": b"x"}))
    _, objects = listed(file, date(2024, 2, 2))
    assert [one.key for one in objects] == [*list(days)[1:3], "undated.log"]
