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
    """What became of one object: how it was read, its rows in the row model by source, and its
    rejects."""

    decoding: Decoding
    tables: dict[str, pa.Table]
    rejects: list[Reject]

    @property
    def status(self) -> str:
        """`read`, `partial`, `ignored`, `unknown` or `failed`, as in `objects.status`."""
        return self.decoding.status

    @property
    def reason(self) -> str | None:
        """Why it was not read, or not to its end."""
        return self.decoding.reason

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows as Python values, structs as dicts; for small objects."""
        return [row for table in self.tables.values() for row in table.to_pylist()]


def preview(
    data: bytes,
    key: str,
    *,
    source: str | None = None,
    geoip: GeoIP | None = None,
    ingested: datetime | None = None,
) -> Preview:
    """Decode, normalise and enrich the bytes of one object as if they lay under `key`.

    `source` takes it as that source, whatever it looks like; without `geoip` no address has a
    place; `ingested` (aware) is the rows' `event.ingested`, now unless told. Raises UsageError for
    an unknown source.
    """
    from lake.stage.worker import normalise_object

    obj = RawObject(root="preview", key=key, path=key, size=len(data))
    decoding = Decoding(obj, catalogue(), source)
    tables, rejects = normalise_object(
        _engine(), decoding, io.BytesIO(data), geoip or GeoIP.none(), ingested or datetime.now(UTC)
    )
    return Preview(decoding, tables, rejects)


@cache
def _engine() -> Engine:
    """One for the process: what it has planned for a source serves its next object."""
    engine = Engine(1 << 30)
    atexit.register(engine.close)
    return engine
