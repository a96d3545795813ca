"""One object -> its rows, without a lake: what a writer of a source, or a test, wants to see."""

from __future__ import annotations

import atexit
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from lake.decode.decode import Decoding
from lake.enrich.geoip import GeoIP
from lake.model import RawObject, Reject
from lake.normalize.engine import Engine
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Preview:
    """What became of one object. `tables` maps a source to its rows in the row model."""

    status: str
    reason: str | None
    tables: dict[str, pa.Table]
    rejects: list[Reject]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows as Python values, structs as dicts; for small objects."""
        return [row for table in self.tables.values() for row in table.to_pylist()]


def preview(
    data: bytes, key: str, *, source: str | None = None, geoip: GeoIP | None = None
) -> Preview:
    """Decode, normalise and enrich the bytes of one object as if they lay under `key`."""
    from lake.stage.worker import normalise_object

    obj = RawObject(root="preview", key=key, path=key, size=len(data))
    decoding = Decoding(obj, catalogue(), source)
    tables, rejects = normalise_object(
        _engine(), decoding, io.BytesIO(data), geoip or GeoIP.none(), datetime.now(UTC)
    )
    return Preview(decoding.status, decoding.reason, tables, rejects)


@cache
def _engine() -> Engine:
    """One for the process: what it has planned for a source serves its next object."""
    engine = Engine(1 << 30)
    atexit.register(engine.close)
    return engine
