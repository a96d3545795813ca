"""Archives of a bucket: zip, tar, and tar compressed with gzip, bzip2, xz or zstd."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from lake.days import Days
    from lake.model import RawObject, Unreadable


def named_archive(path: str) -> bool:
    """Whether the name says that it is an archive."""
    return False


def may_be_archive(path: str) -> bool:
    """False where the name says that it is one log."""
    return False


def kind_of(stored: str) -> str | None:
    """zip, tar, tar.gz, ... by content."""
    return None


def objects_in(
    path: str, modified: datetime | None, scratch: Path, days: Days
) -> Iterator[RawObject | Unreadable]:
    """The members of an archive."""
    raise NotImplementedError


def open_member(path: str, scratch: Path) -> BinaryIO:
    """The bytes of a member, named as `archive.zip!/member`."""
    raise NotImplementedError
