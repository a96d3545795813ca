"""What made a row: a version that changes with a source's folder and with all that its SELECT draws
on. `objects.transform` keeps it for each table that an object's records went to, so that the rows
which `lake rebuild` would make otherwise are known. It says nothing of GeoIP: `objects.geoip` does.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from lake.paths import resource, user_transforms
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from lake.sources.source import Source

DERIVED = 1
"""Counts the changes of what the program adds to a row by itself: `related`, `user_agent`."""
ANY = ""
"""Stands for a table where no source knew the object."""


@cache
def transform_version(source: Source) -> str:
    """The version of a source's rows, in 12 hex digits."""
    return _version([source.folder / "source.toml", source.folder / "normalize.sql", *_shared()])


def catalogue_version() -> str:
    """Changes with every source: an object that none knew may be known to another version."""
    return _together(tuple(sorted(present().values())))


@cache
def _together(known: tuple[str, ...]) -> str:
    folders = [resource("transforms"), user_transforms()]
    ignored = [folder / "ignored.toml" for folder in folders if folder is not None]
    there = [path for path in ignored if path.exists()]
    return _version(there, *known)


def table_versions(tables: set[str]) -> dict[str, str]:
    """Table -> version, as an object's row keeps it; ANY where there is no table."""
    if not tables:
        return {ANY: catalogue_version()}
    return {name: transform_version(catalogue()[name]) for name in sorted(tables)}


def present() -> dict[str, str]:
    """Table -> version, for every source."""
    return {name: transform_version(source) for name, source in catalogue().sources.items()}


def _shared() -> list[Path]:
    return [
        resource("transforms") / "ecs.toml",
        resource("sql") / "macros" / "transform.sql",
    ]


def _version(paths: list[Path], *more: str) -> str:
    found = hashlib.sha256(f"{DERIVED}{more}".encode())
    for path in paths:
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()[:12]
