"""Which objects a bucket holds, and their bytes. Here is how a bucket is reached and what a listed
object means; in which calls it is listed is decided in `lake/objects/s3list.py`, what is told when
S3 says no in `lake/objects/s3errors.py`. Credentials come from boto3's own chain; nothing is ever
written."""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
from botocore.config import Config

from lake.errors import AccessError, DecodeError, UsageError
from lake.model import RawObject, Unreadable
from lake.objects import s3errors
from lake.objects.days import Days
from lake.objects.names import as_text
from lake.objects.s3list import Found, Lister, Unlisted
from lake.objects.stream import PulledStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.config import _S3Dict
    from mypy_boto3_s3 import S3Client

    from lake.model import S3Options

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html: these two cannot
# be read before they are restored; Glacier Instant Retrieval (GLACIER_IR) can.
_FROZEN = {"GLACIER": "Glacier Flexible Retrieval", "DEEP_ARCHIVE": "Glacier Deep Archive"}
TRIES = 8
"""Of one request; botocore waits longer before each, up to 20 s, and slows down where S3 asks."""
PAUSE = 0.5
"""Seconds, once more at each try, before a body is taken up."""
READ_TIMEOUT = 60
"""Seconds without a byte after which a connection counts as broken."""
TAKEN_UP = 5
"""How often in a row a body that breaks is taken up where it broke."""
_BUCKET = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")


def locate_bucket(text: str, options: S3Options, days: Days) -> S3Location:
    """The place that `s3://bucket/prefix` names, once a first list call has shown that it is there.

    Raises UsageError (no bucket named, no such bucket, nothing below the prefix, wrong profile,
    region or endpoint) or AccessError (no, wrong or expired credentials, access denied).
    """
    bucket, prefix = _parsed(text)
    location = S3Location(
        bucket, prefix, options.profile, options.endpoint_url, options.region, days
    )
    location.check()
    return location


def _parsed(text: str) -> tuple[str, str]:
    if arn := re.match(r"arn:aws[a-z-]*:s3:::([^/]+)/?(.*)$", text):
        return arn[1], arn[2]
    named = re.match(r"[sS]3://([^/]*)/?(.*)$", text, re.DOTALL)
    if named is None or not named[1]:
        raise UsageError(f"'{text}' names no bucket. Write s3://bucket or s3://bucket/prefix.")
    if not _BUCKET.match(named[1]):
        raise UsageError(f"'{named[1]}' cannot be a bucket's name. Write s3://bucket/prefix.")
    return named[1], named[2]


@dataclass(frozen=True, slots=True)
class S3Location:
    """The keys of a bucket that begin with `prefix`, as S3 means it: `logs` finds `logs-old/` too.

    An object's root is `https://s3.amazonaws.com/bucket` for AWS, whatever the region, and
    `<endpoint>/bucket` elsewhere; with the key this is its identity.
    """

    waits: ClassVar[bool] = True
    bucket: str
    prefix: str = ""
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    days: Days = field(default_factory=Days)

    def check(self) -> None:
        """One list call: whether the bucket answers and something lies below the prefix."""
        client = self.client(tries=2)  # a wrong endpoint should not take half a minute
        with s3errors.translated(self.bucket, self.prefix, client.meta.endpoint_url):
            page = client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
            if page.get("Contents") or not self.prefix:
                return
            above = self.prefix.rstrip("/").rpartition("/")[0]
            above = f"{above}/" if above else ""
            beside = client.list_objects_v2(
                Bucket=self.bucket, Prefix=above, Delimiter="/", MaxKeys=20
            )
        names = [entry["Prefix"] for entry in beside.get("CommonPrefixes", [])]
        names += [entry["Key"] for entry in beside.get("Contents", [])]
        place = f"s3://{self.bucket}/{above}"
        holds = (
            f"{place} holds: {', '.join(as_text(name) for name in names[:8])}"
            if names
            else (f"nothing lies below {place} either")
        )
        raise UsageError(f"no key begins with s3://{self.bucket}/{self.prefix}; {holds}.")

    def objects(self) -> Iterator[RawObject | Unreadable]:
        """Every object; with days asked for, only the day folders asked for are listed."""
        client = self.client()
        root = self._root(client)
        # Without it, a restored object could not be told from one that is still archived. Other
        # services do not know the parameter.
        extra = {"OptionalObjectAttributes": ["RestoreStatus"]} if _at_aws(client) else {}
        lister = Lister(client, self.bucket, self.prefix, self.days, **extra)
        with s3errors.translated(self.bucket, self.prefix, client.meta.endpoint_url):
            for found in lister.entries():
                if isinstance(found, Unlisted):
                    path = f"s3://{self.bucket}/{as_text(found.prefix)}"
                    reason = s3errors.of_listing(found.error, path, client.meta.endpoint_url)
                    if found.after:
                        reason = f"listed up to {as_text(found.after)} only: {reason}"
                    yield Unreadable(root, found.prefix or "/", path, reason)
                else:
                    yield from self._object(root, found)

    def listed_as(self, place: str) -> str | None:
        """The path of a prefix of which everything is listed."""
        below = f"{self._root(self.client())}/"
        if not self.days.all or not place.startswith(below + self.prefix):
            return None
        return f"s3://{self.bucket}/{as_text(place.removeprefix(below))}"

    def open(self, obj: RawObject) -> BinaryIO:
        """The object's bytes, as long as they are those that were listed (If-Match).

        Raises DecodeError (changed, deleted, archived meanwhile), AccessError, OSError. A broken
        connection is taken up again where it broke, up to five times in a row.
        """
        body = _Body(self.client(), self.bucket, obj)
        body.connect()
        return cast("BinaryIO", PulledStream(body.pull, body.close))

    def client(self, tries: int | None = None) -> S3Client:
        """This process's client for the place."""
        with _making:  # threads ask for their first object at once
            return _client(
                self.profile, self.endpoint_url, self.region, tries or TRIES, os.getpid()
            )

    def _root(self, client: S3Client) -> str:
        endpoint = urlsplit(client.meta.endpoint_url)
        if _at_aws(client):
            # One bucket answers under several regional, dual-stack and FIPS names.
            china = ".cn" if str(endpoint.hostname).endswith(".cn") else ""
            return f"https://s3.amazonaws.com{china}/{self.bucket}"
        return f"{endpoint.scheme}://{endpoint.netloc}{endpoint.path.rstrip('/')}/{self.bucket}"

    def _object(self, root: str, entry: Found) -> Iterator[RawObject | Unreadable]:
        key = entry["Key"]
        if key.endswith("/") and entry["Size"] == 0:
            return  # the console's mark of a folder
        if not self.days.takes(key) or self.days.too_old(entry["LastModified"]):
            return
        path = f"s3://{self.bucket}/{as_text(key)}"
        frozen = _FROZEN.get(entry.get("StorageClass", ""))
        if frozen and "RestoreExpiryDate" not in entry.get("RestoreStatus", {}):
            yield Unreadable(root, key, path, f"archived in {frozen}, restore it first")
            return
        etag = entry.get("ETag", "").strip('"') or None
        yield RawObject(root, key, path, entry["Size"], entry["LastModified"], self.bucket, etag)


def _at_aws(client: S3Client) -> bool:
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


@contextmanager
def _endpoint_checked(endpoint_url: str | None) -> Iterator[None]:
    try:
        yield
    except botocore.exceptions.BotoCoreError:  # some of them are ValueErrors, too
        raise
    except ValueError as error:
        wrong = (
            f"'{endpoint_url}'" if endpoint_url else "what AWS's settings give (AWS_ENDPOINT_URL)"
        )
        raise UsageError(
            f"{wrong} is no endpoint ({error}). Write --endpoint-url https://host:port."
        ) from None


_making = threading.Lock()


# By process, since connections must not be shared with a forked one.
@lru_cache(maxsize=16)
def _client(
    profile: str | None, endpoint_url: str | None, region: str | None, tries: int, pid: int
) -> S3Client:
    with s3errors.translated("", "", endpoint_url), _endpoint_checked(endpoint_url):
        session = boto3.Session(profile_name=profile, region_name=region)
        client = _new_client(session, endpoint_url, tries, {})
        if endpoint_url or not _at_aws(client):
            # Other services answer under one host name; a bucket before it has no DNS entry.
            client = _new_client(session, endpoint_url, tries, {"addressing_style": "path"})
    return client


def _new_client(
    session: boto3.Session, endpoint_url: str | None, tries: int, s3: _S3Dict
) -> S3Client:
    config = Config(
        retries={"mode": "adaptive", "total_max_attempts": tries},
        connect_timeout=10,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=40,
        user_agent_extra="siem-lake",
        s3=s3,
    )
    return session.client("s3", endpoint_url=endpoint_url, config=config)


class _Body:
    """The bytes of one object, over as many connections as it takes."""

    def __init__(self, client: S3Client, bucket: str, obj: RawObject) -> None:
        self._client = client
        self._bucket = bucket
        self._obj = obj
        self._at = 0
        self._body: Any = None

    def connect(self) -> None:
        """Ask for what is left."""
        wanted: dict[str, str] = {"IfMatch": f'"{self._obj.etag}"'} if self._obj.etag else {}
        if self._at:
            wanted["Range"] = f"bytes={self._at}-"
        try:
            answer = self._client.get_object(
                Bucket=self._bucket,
                Key=self._obj.key,
                **wanted,  # type: ignore[arg-type]
            )
        except s3errors.ALL as error:
            raise s3errors.of_object(error, self._obj, self._client.meta.endpoint_url) from error
        self._body = answer["Body"]
        etag = answer.get("ETag", "").strip('"')
        if self._obj.etag and etag and etag != self._obj.etag:  # a service that ignores If-Match
            self.close()
            raise s3errors.changed()
        begins = answer.get("ContentRange", "").startswith(f"bytes {self._at}-")
        if self._at and not begins:  # one that ignores Range
            raise OSError(f"S3 began anew where byte {self._at:,} was asked for")

    def pull(self, size: int) -> bytes:
        """Up to `size` bytes further."""
        for attempt in range(TAKEN_UP):
            try:
                if self._body is None:
                    if self._at == self._obj.size:
                        return b""  # it broke after the last byte
                    time.sleep(PAUSE * attempt)
                    self.connect()
                block = cast("bytes", self._body.read(size))
            except (AccessError, DecodeError):
                raise
            except botocore.exceptions.FlexibleChecksumError as error:
                # Damaged on the way: the next ingest reads it again, as after a broken connection.
                raise OSError(f"the bytes received fail S3's checksum: {error}") from error
            except (botocore.exceptions.BotoCoreError, OSError) as error:
                self.close()
                if attempt == TAKEN_UP - 1:
                    raise OSError(
                        f"the connection broke {TAKEN_UP} times at byte {self._at:,}: {error}"
                    ) from error
            else:
                self._at += len(block)
                if self._at > self._obj.size:
                    raise OSError(f"S3 sent more than the {self._obj.size:,} bytes it had listed")
                if block or self._at == self._obj.size:
                    return block
                self.close()  # ended early without an error
        raise OSError(f"S3 sent {self._at:,} of {self._obj.size:,} bytes")

    def close(self) -> None:
        """Let go of the connection."""
        if self._body is not None:
            self._body.close()
            self._body = None
