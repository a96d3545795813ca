"""Whether a lake's files are what was committed, by the hashes in their names, and what else lies
among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from lake.report import Finding
from lake.sizes import counted
from lake.store.delta import footer_times
from lake.store.deltalog import versions
from lake.store.files import ASK, recorded_sha256, sha256_of

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from lake.store.table import Store

ADVICE = (
    "bring it back from a copy of the lake; without one, read the objects into a new lake: "
    "`lake ingest WHERE --lake NEW`"
)
SHOWN = 20
"""Names of files that a note lists."""


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """A file that the last batch counts, as it was committed."""

    table: str
    name: str
    path: Path
    size: int
    rows: int
    times: tuple[int | None, int | None]
    """Of the first and last event; pages leave out files by them."""


def check_file(file: CommittedFile) -> Finding | None:
    """What is amiss with a file; None where it is as it was committed."""
    where = f"{file.table}/{file.name}"
    try:
        size = file.path.stat().st_size
        wanted = recorded_sha256(file.name)
        if size != file.size:
            what = f"{size:,} bytes, committed with {file.size:,}"
            return Finding("cut" if size < file.size else "altered", where, what, ADVICE)
        if wanted is not None and (found := sha256_of(file.path)) != wanted:
            return Finding("altered", where, f"its SHA-256 is {found}", ADVICE)
        footer = pq.read_metadata(file.path)
        rows = footer.num_rows
        if rows != file.rows:
            return Finding("altered", where, f"{rows:,} rows, committed with {file.rows:,}", ADVICE)
        if None not in file.times and footer_times(footer) != file.times:
            what = "Delta's log tells other times of its first and last event; the log was changed"
            return Finding("log", where, what, ADVICE)
    except FileNotFoundError:
        return Finding("missing", where, f"it is gone, with {file.rows:,} rows", ADVICE)
    except PermissionError as error:
        return Finding("unreadable", where, str(error), ASK)
    except (OSError, pa.ArrowException) as error:
        return Finding("unreadable", where, str(error), ADVICE)
    return None


@dataclass(slots=True)
class StrayFiles:
    """Parquet files in the tables' folders that the last batch does not count: how many, and how
    many bytes, are of `earlier` versions, and the names of those that no version knows."""

    earlier: int = 0
    earlier_size: int = 0
    unknown: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """What to say of the files that no version knows."""
        if not self.unknown:
            return []
        hidden = len(self.unknown) - SHOWN
        more = f", and {hidden:,} more" if hidden > 0 else ""
        return [
            f"{counted(len(self.unknown), 'file')} on disk that no version knows, so nothing "
            f"reads: {', '.join(self.unknown[:SHOWN])}{more}"
        ]


def stray_files(store: Store, counted_files: Container[Path]) -> StrayFiles:
    """What else lies among the tables' files than those that the last batch counts."""
    stray = StrayFiles()
    for root in sorted(log.parent for log in store.path.glob("*/_delta_log")):
        try:
            known = {root / name for version in versions(root) for name in version.added}
        except (OSError, ValueError):  # a finding of its own
            continue
        for path in sorted(root.rglob("*.parquet")):
            if path in counted_files or "_delta_log" in path.parts:
                continue
            if path in known:
                stray.earlier += 1
                stray.earlier_size += path.stat().st_size
            else:
                stray.unknown.append(str(path.relative_to(store.path)))
    return stray
