"""A table's Delta log, version by version: what each added and removed, and which batch wrote it.

Delta's own handle tells a version's files; the log tells what every version was. Both vacuuming and
verifying ask it. Format: github.com/delta-io/delta, PROTOCOL.md, "Actions".
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.errors import LakeError
from lake.files import unquoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Version:
    """One commit of a table. `added` maps a file to its rows (-1 where the log does not tell);
    `batch` is the lake's batch that wrote it, None for another program's commit."""

    number: int
    operation: str
    engine: str
    batch: int | None
    added: dict[str, int] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether its file told nothing, as a power cut can leave it."""
        return not (self.operation or self.engine or self.added or self.removed)


def newest(table: Path) -> int | None:
    """The last version of a table, from the names in its log alone; None where there is none."""
    try:
        with os.scandir(table / "_delta_log") as listed:
            stems = [entry.name.removesuffix(".json") for entry in listed]
    except OSError:
        return None
    return max((int(stem) for stem in stems if stem.isdecimal()), default=None)


def check_whole(table: Path, version: int) -> None:
    """Raises LakeError where a file of the log up to a version is empty, as a power cut can leave
    it: delta-rs passes over it, and the table would lack what that version added."""
    with os.scandir(table / "_delta_log") as listed:
        for entry in listed:
            stem = entry.name.removesuffix(".json")
            if stem.isdecimal() and int(stem) <= version and not entry.stat().st_size:
                raise LakeError(
                    f"{entry.path} is empty: what it told of the table is lost. Bring it back from "
                    "a copy; `lake verify` says what else is amiss."
                )


def versions(table: Path) -> Iterator[Version]:
    """Every version of a table that the log still tells, oldest first."""
    for path in sorted((table / "_delta_log").glob("*.json")):
        if path.stem.isdigit():
            with path.open(encoding="utf-8") as file:
                yield _version(int(path.stem), [json.loads(line) for line in file if line.strip()])


def _version(number: int, actions: list[dict[str, dict[str, object]]]) -> Version:
    info = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    batch = str(info.get("batch", ""))
    added: dict[str, int] = {}
    for action in actions:
        if "add" in action:
            stats = json.loads(str(action["add"].get("stats") or "{}"))
            added[unquoted(str(action["add"]["path"]))] = int(stats.get("numRecords", -1))
    return Version(
        number,
        str(info.get("operation", "")),
        str(info.get("engineInfo", "")),
        int(batch) if batch.isdigit() else None,
        added,
        frozenset(unquoted(str(a["remove"]["path"])) for a in actions if "remove" in a),
    )
