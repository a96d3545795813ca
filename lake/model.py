"""The values that travel between the steps: an object of raw logs, where it lies, what became of
it. They are frozen, check themselves, and can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUSES = ("read", "partial", "ignored", "unknown", "failed")


@dataclass(frozen=True, slots=True)
class RawObject:
    """One object of evidence as it was listed, before anybody looked into it.

    `root` names the place: `file://` (with `file:///evidence` where `AWSLogs/` lies in it),
    `file:///evidence/bucket.zip`, or `https://endpoint/bucket`. `key` is the path below it with `/`
    between the parts (`lake.objects.names.identity_of`); both together are the object's identity in
    the ledger. `path` is what a reader of the logs wants to see: `s3://bucket/key`, or the absolute
    local path (`archive.zip!/member` inside an archive). All are valid text, whatever the name.
    `size` counts bytes as stored; `modified` is aware and UTC; `etag` is S3's, without quotes.
    """

    root: str
    key: str
    path: str
    size: int
    modified: datetime | None = None
    bucket: str | None = None
    etag: str | None = None

    def __post_init__(self) -> None:
        if not self.root or not self.key:
            raise ValueError("an object has a root and a key")
        if self.modified is not None and self.modified.tzinfo is None:
            raise ValueError(f"{self.path}: modified has no time zone")

    @property
    def identity(self) -> str:
        """`root` and `key` as one text, by which the ledger knows the object."""
        return f"{self.root}\n{self.key}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that was found and cannot be opened: a folder that may not be listed, a damaged
    archive, an object that S3 has archived (`failed`); a socket, a link in an archive (`ignored`).
    """

    root: str
    key: str
    path: str
    reason: str
    status: str = "failed"

    def __post_init__(self) -> None:
        if self.status not in ("failed", "ignored"):
            raise ValueError(f"{self.path}: status {self.status!r} is neither failed nor ignored")

    def result(self) -> ObjectResult:
        """As the ledger and the report keep it."""
        obj = RawObject(root=self.root, key=self.key, path=self.path, size=0)
        return ObjectResult(obj, self.status, reason=self.reason)


class Location(Protocol):
    """A place that holds objects. It can be pickled: workers open objects through it.

    `waits`: whether an object's first byte is waited for, as over a network; then several are
    opened at once, by threads.
    """

    waits: ClassVar[bool]

    def objects(self) -> Iterator[RawObject | Unreadable]:
        """List every object, in the order of the keys where the place gives one.

        What was found but cannot be opened comes as Unreadable, in its place. Raises AccessError
        where the place itself may not be listed.
        """
        ...

    def listed_as(self, place: str) -> str | None:
        """The path of a folder or prefix (its root and key, `/` between them) of which `objects`
        gives all that is below it; None where that is not so, as where days are chosen."""
        ...

    def open(self, obj: RawObject) -> BinaryIO:
        """A readable stream of the object's bytes as stored.

        Raises DecodeError (archive member damaged, object changed or gone), OSError, or
        AccessError; reading the stream may raise the same.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that did not become a row. `position` is its line or record number, from 1."""

    source: str
    path: str
    position: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """What became of one object: records = rows + duplicates + rejects, whatever the status."""

    obj: RawObject
    status: str
    source: str | None = None
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    rejects: int = 0
    reason: str | None = None
    sha256: str | None = None
    content_hash: str | None = None
    context: str | None = None
    unknown_members: dict[str, int] = field(default_factory=dict)
    lossy_members: dict[str, int] = field(default_factory=dict)
    query_rows: bool = False
    """Whether its records, or some, were made of a query's rows."""
    transform: dict[str, str] = field(default_factory=dict)
    """Table that a record of it went to -> version of what made the rows
    (`lake.sources.transform`)."""
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status {self.status!r} is none of {STATUSES}")
        if self.records != self.rows + self.duplicates + self.rejects:
            raise ValueError(
                f"{self.obj.path}: {self.records} records are not {self.rows} rows + "
                f"{self.duplicates} duplicates + {self.rejects} rejects"
            )


@dataclass(frozen=True, slots=True)
class S3Options:
    """How to reach buckets. What is None comes from boto3's own chain (environment, ~/.aws)."""

    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
