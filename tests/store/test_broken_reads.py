"""What breaks while it is read (a disk, a connection) is read again by the next ingest, and every
record is there once then, whatever was there of it before."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import logs
import pytest
from engine import ask, balance, fates, put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.errors import AccessError
from lake.objects.discover import FolderLocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.model import RawObject, Unreadable


class Broken(io.RawIOBase):
    """A stream that ends with an error after some bytes."""

    def __init__(self, data: bytes, error: Exception) -> None:
        self._data = io.BytesIO(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        block = self._data.read(size)
        if not block:
            raise self._error
        return block


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        AccessError("the AWS session for s3://bucket/key is over"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(
    ("key", "data", "other"),
    [
        (FLOW_KEY.removesuffix(".gz"), logs.flow_file(logs.flows(9)), "vpcflow"),
        (FLOW_KEY, logs.flow_file(logs.flows(900)), "vpcflow"),
        (TRAIL_KEY.removesuffix(".gz"), logs.trail(logs.events(9)), "cloudtrail"),
    ],
    ids=["lines", "lines in gzip", "JSON"],
)
def test_a_break_in_the_middle(
    key: str,
    data: bytes,
    other: str,
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = put(tmp_path / "logs", key, data)
    whole = path.read_bytes()
    records = data.count(b"\n") - 1 if other == "vpcflow" else 9

    def opened(self: FolderLocation, obj: RawObject) -> BinaryIO:
        return cast("BinaryIO", Broken(whole[: len(whole) // 2], error))

    with monkeypatch.context() as patch:
        patch.setattr(FolderLocation, "open", opened)
        report = read(tmp_path / "lake", tmp_path / "logs")
    assert dict(report.statuses) == {"failed": 1}
    (fate,) = fates(tmp_path / "lake", "reason, rows").values()
    assert fate == (f"reading stopped: {error}", 0)
    balance(tmp_path / "lake")
    again = read(tmp_path / "lake", tmp_path / "logs")
    assert dict(again.statuses) == {"read": 1}
    query = f"SELECT count(*), count(DISTINCT event.original) FROM {other}"
    assert ask(tmp_path / "lake", query) == [(records, records)]
    assert ask(tmp_path / "lake", "FROM rejects") == []
    balance(tmp_path / "lake")


def test_objects_that_vanish_after_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share one reason, which does not name them."""
    for name in ("one.log", "two.log"):
        put(tmp_path / "logs", name, logs.flow_file(logs.flows(9)))
    listing = FolderLocation.objects

    def listed(self: FolderLocation) -> Iterator[RawObject | Unreadable]:
        found = list(listing(self))
        for one in found:
            Path(one.path).unlink()
        return iter(found)

    monkeypatch.setattr(FolderLocation, "objects", listed)
    read(tmp_path / "lake", tmp_path / "logs")
    found = fates(tmp_path / "lake", "reason")
    assert sorted(found) == ["one.log", "two.log"]
    assert set(found.values()) == {("cannot be read: No such file or directory",)}


def test_a_break_after_the_first_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large object gave before the break is in the lake already; it is not there twice."""
    monkeypatch.setattr("lake.decode.decode.WINDOW", 20_000)
    whole = put(tmp_path / "logs", "flows.log", logs.flow_file(logs.flows(900))).read_bytes()

    def opened(self: FolderLocation, obj: RawObject) -> BinaryIO:
        return cast("BinaryIO", Broken(whole[:50_000], OSError(5, "Input/output error")))

    with monkeypatch.context() as patch:
        patch.setattr(FolderLocation, "open", opened)
        read(tmp_path / "lake", tmp_path / "logs")
    ((status, early),) = fates(tmp_path / "lake", "status, rows").values()
    assert status == "failed"
    assert 100 < early < 600
    balance(tmp_path / "lake")
    again = read(tmp_path / "lake", tmp_path / "logs")
    assert (again.rows, again.duplicates, again.rejects) == (900 - early, early, 0)
    query = "SELECT count(*), count(DISTINCT event.original) FROM vpcflow"
    assert ask(tmp_path / "lake", query) == [(900, 900)]
    balance(tmp_path / "lake")
