"""A table's Delta log, version by version: what each added and removed, and which batch wrote it.

Delta's own handle tells a version's files; the log tells what every version was. Both vacuuming and
verifying ask it. Format: github.com/delta-io/delta, PROTOCOL.md, "Actions".
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake.errors import LakeError
from lake.store.files import unquoted

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


def version_file(table: Path, version: int) -> Path:
    """Where a table's log tells of a version."""
    return table / "_delta_log" / f"{version:020}.json"


def is_torn(path: Path) -> bool:
    """Whether a version's file is empty or cut, as a power cut leaves it."""
    try:
        told = [json.loads(line) for line in path.read_bytes().splitlines()]
    except (ValueError, RecursionError):
        return True
    return not told


def check_whole(table: Path, version: int) -> bool:
    """Whether a table's log has a version. Raises LakeError where a file of the log up to it is
    empty, as a power cut can leave it: delta-rs passes over it, and the table would lack what that
    version added."""
    last, log = -1, table / "_delta_log"
    if not log.exists():
        return False
    with os.scandir(log) as listed:
        for entry in listed:
            stem = entry.name.removesuffix(".json")
            if not stem.isdecimal():
                continue
            last = max(last, int(stem))
            if int(stem) <= version and not entry.stat().st_size:
                raise LakeError(
                    f"{entry.path} is empty: what it told of the table is lost. Bring it back from "
                    "a copy; `lake verify` says what else is amiss."
                )
    return version <= last


def version_at(table: Path, moment: datetime) -> int | None:
    """The last version that was committed up to a moment (aware), as the commits themselves tell
    it: the times of the log's files are other ones where the table was copied. A version that tells
    no time, or an earlier one than a version before it, has that version's. None where the log
    tells of none so early."""
    until = moment.timestamp() * 1000
    found, latest = None, 0
    for number, path in _listed(table):
        latest = max(latest, _committed(path))
        if latest > until:
            break
        found = number
    return found


def committed_at(table: Path, version: int) -> datetime:
    """When a version was committed (UTC); 1970 where its file does not tell."""
    return datetime.fromtimestamp(_committed(version_file(table, version)) / 1000, UTC)


def _listed(table: Path) -> list[tuple[int, Path]]:
    """The versions whose files the log still has, oldest first."""
    paths = (table / "_delta_log").glob("*.json")
    return sorted((int(path.stem), path) for path in paths if path.stem.isdecimal())


def _committed(path: Path) -> int:
    """When a version was committed, in milliseconds since 1970; 0 where its file does not tell."""
    strange = (ValueError, KeyError, TypeError, OverflowError)
    with path.open(encoding="utf-8") as file, suppress(*strange):
        for line in file:
            action = json.loads(line) if line.strip() else {}
            if isinstance(action, dict) and "commitInfo" in action:  # the first, as a rule
                return int(action["commitInfo"]["timestamp"])
    return 0


def versions(table: Path, begun: int | None = None) -> Iterator[Version]:
    """Every version of a table that the log still tells, oldest first; of those from `begun` on,
    which an unfinished commit wrote, without what a power cut tore."""
    for number, path in _listed(table):
        if begun is not None and number >= begun and is_torn(path):
            continue
        with path.open(encoding="utf-8") as file:
            yield _version(number, [json.loads(line) for line in file if line.strip()])


def _version(number: int, actions: list[dict[str, dict[str, object]]]) -> Version:
    info = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
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
        frozenset(
            unquoted(str(action["remove"]["path"])) for action in actions if "remove" in action
        ),
    )
