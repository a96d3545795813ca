"""Which objects a bucket holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from lake.days import Days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.discover import S3Options
    from lake.model import RawObject, Unreadable


def locate_bucket(text: str, options: S3Options, days: Days) -> S3Location:
    """The place that `s3://bucket/prefix` names."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class S3Location:
    """The keys of a bucket that begin with `prefix`."""

    bucket: str
    prefix: str = ""
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    days: Days = field(default_factory=Days)

    def objects(self) -> Iterator[RawObject | Unreadable]:
        """Every object."""
        raise NotImplementedError

    def open(self, obj: RawObject) -> BinaryIO:
        """The object's bytes."""
        raise NotImplementedError
