"""The objects of a folder by kind, and folders with some of them for `lake ingest` to read."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from bench.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def by_kind(folder: Path) -> dict[str, list[Path]]:
    """The objects below a folder, each kind's in order of their keys; kinds without any are left
    out."""
    found: dict[str, list[Path]] = {name: [] for name in KINDS}
    for path in sorted(folder.rglob("*.gz")):
        for kind in KINDS.values():
            if kind.folder in str(path):
                found[kind.name].append(path)
    return {name: paths for name, paths in found.items() if paths}


def lay_out(root: Path, objects: Iterable[Path], target: Path) -> Path:
    """A folder with these objects of `root` under their keys: links to the same bytes, or copies
    where it is another disk or another's file."""
    for path in objects:
        place = target / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place)
    return target


def stored(objects: Iterable[Path]) -> int:
    """Bytes as stored."""
    return sum(path.stat().st_size for path in objects)
