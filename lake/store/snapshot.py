"""A lake at one commit: the batch, the tables' versions, and a committed file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lake.errors import StorageError
from lake.sources.source import is_source_name
from lake.store.growth import Model

if TYPE_CHECKING:
    from pathlib import Path


class Place(NamedTuple):
    """A partition of a table."""

    table: str
    account: str
    region: str
    date: str


@dataclass(frozen=True, slots=True)
class DataFile:
    """A committed Parquet file: absolute path, partition, rows and bytes; `first` and `last` event
    in microseconds of UTC since 1970, None where the log does not tell."""

    path: str
    account: str
    region: str
    date: str
    rows: int
    size: int
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one batch number stands on. `tables` maps a table to its Delta version, `models` to the
    row model that it had then; the first lakes told none.

    `kept_from` maps a table to the first day (UTC) that `lake forget` has left, `vacuumed` is the
    time (ISO 8601, UTC) before which the lake's versions may lack files, `geoip` names the
    databases of the last ingest or rebuild that had some, or is "" after a rebuild of all tables
    without any, `rebuilt` maps a table to the batch of its last one and to the
    transform (see `lake.sources.transform`) that made its rows.
    """

    batch: int
    ledger_version: int
    tables: dict[str, int]
    models: dict[str, Model] = field(default_factory=dict)
    kept_from: dict[str, str] = field(default_factory=dict)
    vacuumed: str | None = None
    geoip: str | None = None
    rebuilt: dict[str, tuple[int, str]] = field(default_factory=dict)


def read_snapshot(path: Path, ledger_version: int) -> Snapshot:
    """The snapshot that a batch's row in `_lake` names, of the last row in a file of them. Raises
    StorageError where the file cannot be read or was altered."""
    try:
        file = pq.ParquetFile(path)
        there = file.schema_arrow.names  # `models` is not in the first lakes
        wanted = [name for name in ("batch", "tables", "models", "context") if name in there]
        row = max(file.read(wanted).to_pylist(), key=lambda one: int(one["batch"]))
    except (OSError, pa.ArrowException, ValueError) as error:
        raise StorageError(
            f"{path}, the ledger's last batch, cannot be read: {error}. Mend the cause (mount "
            "the disk) and run the same command again, or bring the file back from a copy; "
            "`lake verify` says what else is amiss."
        ) from error
    tables = dict(json.loads(row["tables"]))
    if strange := [name for name in tables if not is_source_name(name)]:
        raise StorageError(
            f"{path}, the ledger's last batch, names a table {strange[0]!r}, which is no name "
            "of one: the lake was altered. Bring the file back from a copy."
        )
    models = json.loads(row.get("models") or "{}")
    context = json.loads(row["context"] or "{}")
    rebuilt = context.get("rebuilt", {}).items()
    return Snapshot(
        batch=int(row["batch"]),
        ledger_version=ledger_version,
        tables=tables,
        models={name: Model.of_json(model) for name, model in models.items()},
        kept_from=dict(context.get("kept_from", {})),
        vacuumed=context.get("vacuumed"),
        geoip=context.get("geoip"),
        rebuilt={table: (int(batch), version) for table, (batch, version) in rebuilt},
    )
