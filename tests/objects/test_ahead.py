"""Objects of a place that has to be waited for are asked for ahead of their turn: the same bytes
and errors in the same order, a bounded number at once."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, ClassVar, cast

from lake.errors import AccessError, DecodeError
from lake.model import RawObject
from lake.objects import ahead, s3
from lake.objects.ahead import opened_ahead
from lake.objects.s3 import S3Location
from lake.objects.stream import PulledStream

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


@dataclass
class Near:
    """A place that gives an object's key as its bytes, and notes what it was asked for."""

    waits: ClassVar[bool] = False
    asked: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    before: Callable[[RawObject], None] = lambda _: None

    def open(self, obj: RawObject) -> BinaryIO:
        self.asked.append(obj.key)
        self.before(obj)
        left = io.BytesIO(obj.key.encode())

        def pull(size: int) -> bytes:
            block = left.read(min(size, 4))
            if not block and obj.key.endswith("broken"):
                raise DecodeError("it ends early")
            return block

        stream = PulledStream(pull, lambda: self.closed.append(obj.key))
        return cast("BinaryIO", stream)


class Far(Near):
    """The same, over a network."""

    waits: ClassVar[bool] = True


def obj(key: str, size: int = 10) -> RawObject:
    return RawObject("https://far.example/logs", key, f"s3://logs/{key}", size)


def read(opened: Callable[[], BinaryIO]) -> bytes:
    with opened() as stream:
        return stream.read()


def test_many_are_asked_for_at_once() -> None:
    """Were they asked for one by one, the first would wait for ever."""
    together = threading.Barrier(ahead.AT_ONCE)
    far = Far(before=lambda _: together.wait(20) and None)
    objects = [(far, obj(f"{n:03}")) for n in range(3 * ahead.AT_ONCE)]
    found = [(one.key, read(opened)) for one, opened in opened_ahead(objects)]
    assert found == [(one.key, one.key.encode()) for _, one in objects]
    assert far.closed == [one.key for _, one in objects]


def test_what_is_near_is_opened_when_its_turn_comes() -> None:
    near, far = Near(), Far()
    objects = [(near if n % 3 else far, obj(f"{n:03}")) for n in range(100)]
    seen = []
    for one, opened in opened_ahead(objects):
        assert one.key not in near.asked
        seen.append(read(opened).decode())
    assert seen == [one.key for _, one in objects]
    assert near.asked == [one.key for place, one in objects if place is near]


def test_an_error_is_that_of_its_object() -> None:
    def refuse(one: RawObject) -> None:
        if one.key == "refused":
            raise AccessError("access denied")

    far = Far(before=refuse)
    objects = [(far, obj(key)) for key in ("first", "refused", "then broken", "last")]
    found = []
    for one, opened in opened_ahead(objects):
        try:
            with opened() as stream:
                found.append(stream.read())  # all that came
                found.append(stream.read())  # what broke, or the end
        except (AccessError, DecodeError) as error:
            found.append(f"{one.key}: {error}")
    assert found == [
        *(b"first", b""),
        "refused: access denied",
        *(b"then broken", "then broken: it ends early"),
        *(b"last", b""),
    ]
    assert far.closed == ["first", "then broken", "last"]


def test_no_more_is_held_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 100)
    sizes = [30, 30, 30, 30, 101, 30, 100, 1, 1, 1, 60, 60]
    far, read_so_far = Far(), set()
    objects = [(far, obj(f"{n:02}", size)) for n, size in enumerate(sizes)]
    for one, opened in opened_ahead(objects):
        assert one.size <= 100 or one.key not in far.asked
        assert read(opened) == one.key.encode()
        asked = [sizes[int(key)] for key in {*far.asked} - read_so_far]
        assert sum(size for size in asked if size <= 100) <= 100
        read_so_far.add(one.key)
    assert sorted(far.asked) == [one.key for _, one in objects]


def test_who_stops_asks_for_no_more() -> None:
    reading = threading.Event()
    far = Far(before=lambda one: one.key == "000" or (reading.wait(20) and None))
    objects = [(far, obj(f"{n:03}")) for n in range(1_000)]
    turns = opened_ahead(objects)
    _, opened = next(turns)
    assert read(opened) == b"000"
    turns.close()
    reading.set()
    assert len(far.asked) <= ahead.AT_ONCE + 1


def test_threads_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one takes as long as to read a hundred objects."""
    made = []
    together = threading.Barrier(8)

    def making(*_: object) -> object:
        made.append(1)
        return object()

    monkeypatch.setattr(s3, "_new_client", lambda *given: making(*given))
    place = S3Location("logs", endpoint_url="http://127.0.0.1:1/threads")

    def ask() -> None:
        together.wait(20)
        place.client()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2  # with an endpoint of one's own it is made once more
