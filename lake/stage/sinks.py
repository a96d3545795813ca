"""Where a batch's rows and rejects go: into files of the staging folder, for a commit, or into
memory, for whoever wants to see what becomes of one object (`lake.stage.preview`).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

import pyarrow.parquet as pq

from lake.store.ledger import reject_table
from lake.store.parquet import StagedFile, write_parquet

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from lake.model import Reject
    from lake.normalize.assemble import Rows

REJECTS_HELD = 5_000
"""Rejects that wait for their file at most."""


class Sink(Protocol):
    """What takes the rows of chunks, and the rejects."""

    def write(self, rows: Rows) -> None:
        """Take a chunk's rows. Raises OSError where the disk refuses."""
        ...

    def reject(self, rejects: list[Reject]) -> None:
        """Take records that became no row."""
        ...


class StagingSink:
    """Files in a staging folder: `files` of rows, one per chunk and partition, and `reject_files`
    of `_lake`."""

    def __init__(self, staging: Path) -> None:
        self.files: list[StagedFile] = []
        self.reject_files: list[Path] = []
        self._staging = staging
        self._rejects: list[Reject] = []

    def write(self, rows: Rows) -> None:
        """Write a file for each partition, and its rows' identities beside it."""
        for part, table, hashes in rows.tables():
            path = self._staging / f"part-{uuid.uuid4().hex}.parquet"
            identities = path.with_suffix(".hashes")
            identities.write_bytes(hashes.tobytes())
            written = write_parquet(table, path)
            self.files.append(StagedFile.of(path, rows.source.name, part, written, identities))

    def reject(self, rejects: list[Reject]) -> None:
        """Take rejects, and write those that wait where they are many."""
        self._rejects += rejects
        if len(self._rejects) >= REJECTS_HELD:
            self.flush()

    def flush(self) -> None:
        """Write the rejects that wait."""
        if self._rejects:
            path = self._staging / f"rejects-{uuid.uuid4().hex}.parquet"
            rows = reject_table(self._rejects).drop_columns(["kind"])
            pq.write_table(rows, path, compression="zstd")
            self.reject_files.append(path)
            self._rejects.clear()


class MemorySink:
    """Everything in memory: `tables` of rows by source, with every leaf of the row model, and
    `rejects`. Nothing is written."""

    def __init__(self) -> None:
        self.tables: defaultdict[str, list[pa.Table]] = defaultdict(list)
        self.rejects: list[Reject] = []

    def write(self, rows: Rows) -> None:
        """Keep a chunk's rows."""
        self.tables[rows.source.name].append(rows.whole())

    def reject(self, rejects: list[Reject]) -> None:
        """Keep the rejects."""
        self.rejects += rejects
