"""The objects of a batch, asked for ahead of the one that is read: over a network each lets wait
for its first byte, 20 ms and more, in which a small one would have been read ten times."""

from __future__ import annotations

import io
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, cast

from lake.errors import AccessError, DecodeError
from lake.objects.stream import PulledStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lake.model import Location, RawObject

AT_ONCE = 32
"""Objects that a process asks for at once: at 20 ms each 1,600 a second, more than it can read; at
100 ms, from a bucket far away, 320."""
AHEAD_BYTES = 8 << 20
"""Stored bytes that a process holds of objects that were asked for. A larger one is asked for when
its turn comes: it takes so long to read that the wait does not count."""


def opened_ahead(
    objects: Sequence[tuple[Location, RawObject]],
) -> Iterator[tuple[RawObject, Callable[[], BinaryIO]]]:
    """Each object in turn, and what gives its stream: to be called once, before the next is taken;
    it raises what `Location.open` does. Meanwhile the next of those that have to be waited for are
    asked for, and come whole."""
    coming: deque[Future[BinaryIO] | None] = deque()
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ahead")
    asked = held = 0
    try:
        for at, (location, obj) in enumerate(objects):
            while asked < min(at + AT_ONCE, len(objects)):
                ahead = _is_ahead(*objects[asked])
                size = objects[asked][1].size if ahead else 0
                if coming and held + size > AHEAD_BYTES:
                    break
                coming.append(pool.submit(_whole, *objects[asked]) if ahead else None)
                held += size
                asked += 1
            answer = coming.popleft()
            yield obj, answer.result if answer else partial(location.open, obj)
            held -= obj.size if answer else 0
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _is_ahead(location: Location, obj: RawObject) -> bool:
    return location.waits and obj.size <= AHEAD_BYTES


def _whole(location: Location, obj: RawObject) -> BinaryIO:
    """The object's stream, its bytes at hand."""
    stream = location.open(obj)
    came = io.BytesIO()
    with suppress(DecodeError, AccessError, OSError):  # the stream raises it once more when read
        came = io.BytesIO(stream.read())
    return cast("BinaryIO", PulledStream(lambda n: came.read(n) or stream.read(n), stream.close))
