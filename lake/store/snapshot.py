"""What a lake was at one commit: the batch, the tables' versions, and the files of these."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.store.growth import Model


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
