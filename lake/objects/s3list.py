"""In which calls a bucket is listed. Where days are asked for, folders are looked at level by level
until one is a year, a month or a day, and only the days asked for are listed; folders without a day
are listed whole. Several prefixes are listed at a time, and keys still come in the order of the
prefixes. What a key means is `lake/objects/s3.py`'s business."""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.parsers import ResponseParserError

from lake.objects.days import Days, prefix_days
from lake.objects.s3errors import ALL as FAILED
from lake.objects.s3errors import is_of_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

Found = dict[str, Any]
"""One entry of ListObjectsV2's `Contents`."""

WORKERS = 8
MAX_LEVELS = 12
"""AWSLogs/organisation/account/service/kind/region/name/, and a prefix of some levels before it."""
MAX_KEYS = 100_000
MAX_FOLDERS = 20_000
"""A level with more is no day layout worth looking through: it is listed whole, key by key."""
_PAGES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A prefix that was not listed, or not to its end; `after` is the last key that came."""

    prefix: str
    error: Exception
    after: str = ""


@dataclass(frozen=True, slots=True)
class _Whole:
    """A prefix to be listed to the end."""

    prefix: str


@dataclass(frozen=True, slots=True)
class _Level:
    """A prefix to be looked at folder by folder."""

    prefix: str


_Step = _Whole | _Level | Unlisted | list[Found]
_Item = list[Found] | Unlisted | Exception | None


class Lister:
    """The list calls for one prefix of a bucket.

    `extra` are further parameters of ListObjectsV2. Raises botocore's errors where the first call
    fails, and wherever the credentials do; a prefix that fails otherwise comes as Unlisted, and the
    others are listed.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str, days: Days, **extra: object
    ) -> None:
        self._client = client
        self._asked = {"Bucket": bucket, **extra}
        self._prefix = prefix
        self._days = days

    def entries(self) -> Iterator[Found | Unlisted]:
        """Every key that may be wanted; keys of other days may be among them."""
        if self._days.all:
            # Most prefixes fit into one page, and then one call is all it takes.
            pages = self._pages(self._prefix)
            first = next(pages, {})
            if not first.get("IsTruncated"):
                yield from first.get("Contents", [])
                return
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="list") as pool:
            steps = self._planned(pool)
            yield from self._listed(pool, steps)

    def _planned(self, pool: ThreadPoolExecutor) -> list[_Step]:
        """The steps that list what is wanted, in the order of their prefixes."""
        steps: list[_Step] = [self._step(self._prefix)]
        for _ in range(MAX_LEVELS):
            levels = [step.prefix for step in steps if isinstance(step, _Level)]
            enough = WORKERS * 2 if self._days.all else MAX_FOLDERS
            if not levels or len(steps) > enough:
                break
            below = pool.map(self._below, levels)
            steps = [
                inner
                for step in steps
                for inner in (next(below) if isinstance(step, _Level) else [step])
            ]
        return [_Whole(step.prefix) if isinstance(step, _Level) else step for step in steps]

    def _step(self, prefix: str) -> _Step:
        span = prefix_days(prefix)
        if span is None:
            return _Level(prefix)
        if not self._days.touches(*span):
            return []
        return _Whole(prefix) if self._days.covers(*span) else _Level(prefix)

    def _below(self, prefix: str) -> list[_Step]:
        """The keys right at a level, and a step for each folder of it."""
        keys: list[Found] = []
        folders: list[str] = []
        try:
            for page in self._pages(prefix, Delimiter="/"):
                keys += [key for key in page.get("Contents", []) if self._wanted(key)]
                folders += [folder["Prefix"] for folder in page.get("CommonPrefixes", [])]
                if len(keys) > MAX_KEYS or len(folders) > MAX_FOLDERS:
                    return [_Whole(prefix)]
        except FAILED as error:
            return [self._unlisted(prefix, error, bool(keys or folders))]
        return [keys, *(step for folder in folders if (step := self._step(folder)) != [])]

    def _wanted(self, key: Found) -> bool:
        return self._days.takes(key["Key"]) and not self._days.too_old(key["LastModified"])

    def _listed(self, pool: ThreadPoolExecutor, steps: list[_Step]) -> Iterator[Found | Unlisted]:
        """Run the steps: some prefixes ahead of the one whose keys are being handed out."""
        stop = threading.Event()
        running: dict[int, queue.Queue[_Item]] = {}
        waiting = deque((at, step) for at, step in enumerate(steps) if isinstance(step, _Whole))
        try:
            for at, step in enumerate(steps):
                while waiting and len(running) < 2 * WORKERS:
                    place, whole = waiting.popleft()
                    running[place] = queue.Queue(_PAGES_AHEAD)
                    pool.submit(self._fill, whole.prefix, running[place], stop)
                if isinstance(step, Unlisted):
                    yield step
                elif isinstance(step, list):
                    yield from step
                else:
                    yield from _drained(running[at])
                    del running[at]
        finally:
            stop.set()

    def _fill(
        self,
        prefix: str,
        pages: queue.Queue[_Item],
        stop: threading.Event,
    ) -> None:
        def put(item: _Item) -> None:
            while not stop.is_set():
                try:
                    return pages.put(item, timeout=0.1)
                except queue.Full:
                    continue
            return None

        last = ""
        try:
            for page in self._pages(prefix):
                found = page.get("Contents", [])
                put(found)
                last = found[-1]["Key"] if found else last
                if stop.is_set():
                    return
        except FAILED as error:
            try:
                put(self._unlisted(prefix, error, bool(last), last))
            except FAILED:
                put(error)
        except Exception as error:  # handed to whoever reads the pages
            put(error)
        put(None)

    def _unlisted(self, prefix: str, error: Exception, begun: bool, after: str = "") -> Unlisted:
        if is_of_credentials(error) or (prefix == self._prefix and not begun):
            raise error
        return Unlisted(prefix, error, after)

    def _pages(self, prefix: str, **further: str) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {**self._asked, "Prefix": prefix, **further}
        told: set[str] = set()
        while True:
            page: dict[str, Any] = dict(self._client.list_objects_v2(**asked))
            token = page.get("NextContinuationToken")
            if page.get("IsTruncated") and (not token or token in told):
                raise ResponseParserError("the listing goes round in a circle: a page came again")
            yield page
            if not page.get("IsTruncated"):
                return
            told.add(str(token))
            asked["ContinuationToken"] = token


def _drained(
    pages: queue.Queue[_Item],
) -> Iterator[Found | Unlisted]:
    while (item := pages.get()) is not None:
        if isinstance(item, Exception):
            raise item
        if isinstance(item, Unlisted):
            yield item
        else:
            yield from item
