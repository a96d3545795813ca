"""Which program this is: the installed version, and a mark of the very files that it runs from."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from lake.paths import PACKAGE, resource, user_transforms

if TYPE_CHECKING:
    from collections.abc import Iterator


def program_version() -> str:
    """The installed version of siem-lake."""
    try:
        return version("siem-lake")
    except PackageNotFoundError:
        return "0+checkout"


def program_mark() -> str:
    """When a file of the code, of `sql/` or of a source was last changed, beside the version: in a
    checkout these change while it stays, and a user's sources at any time. 2 ms."""
    own = user_transforms()
    roots = [PACKAGE, resource("sql"), resource("transforms"), *([own] if own else [])]
    newest, count = 0, 0
    for root in roots:
        for entry in _files(str(root)):
            newest, count = max(newest, entry.stat().st_mtime_ns), count + 1
    return f"{count} {newest} {own or ''}".rstrip()


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        yield from _files(entry.path)
                elif not entry.name.startswith("."):
                    yield entry
    except FileNotFoundError:
        return
