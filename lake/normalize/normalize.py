"""Records -> rows: runs a source's `normalize.sql` over a chunk and adds what the engine knows.

One chunk at a time: `lake.normalize.select` gives flat columns, a row per record; records that are
rejected, or another source's, are set apart; `lake.normalize.derive` looks up the distinct values;
`lake.normalize.partitions` says where each row goes. Text that is stored as it came
(`event.original`) does not pass through DuckDB.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.rows import row_record
from lake.decode.wrap import Wrap
from lake.normalize.assemble import Rows
from lake.normalize.coded import Coded, coded_array, constant, encode
from lake.normalize.derive import derive
from lake.normalize.flat import BETWEEN, outputs
from lake.normalize.onepiece import one_piece
from lake.normalize.partitions import ACCOUNT, MAX_PARTITIONS, REGION, Crowded, keyed, partition
from lake.normalize.records import (
    WRAP,
    ObjectFacts,
    Pending,
    chunk_table,
    rows_as_text,
    wraps_as_text,
)
from lake.normalize.rejected import Rejected, rejected
from lake.normalize.select import select
from lake.normalize.strangers import Stranger
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lake.decode.shapes import Shape
    from lake.enrich.geoip import GeoIP
    from lake.normalize.derive import Columns
    from lake.normalize.engine import Engine
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

_CONTROL = ("row", "reject", "accepted", "hash", "r", "more", "lossy")
"""Flat columns that are no leaves of the row model."""
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Microseconds since 1970."""
_CROWDED = (
    f"one of over {MAX_PARTITIONS:,} accounts, regions and days among the records around it; "
    "read its object in parts"
)


@dataclass(frozen=True, slots=True)
class Normalised:
    """What became of a chunk's records. `strangers` are those that the source does not accept:
    another source may know them. `lossy`: object and column -> rows in which the column's text is
    none of its type, so that its target is NULL."""

    rows: Rows
    rejected: list[Rejected]
    strangers: list[Stranger]
    lossy: Counter[tuple[int, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class Chunk:
    """Records of one shape and several objects, and what normalises them."""

    engine: Engine
    source: Source
    shape: Shape
    facts: Sequence[ObjectFacts]
    geoip: GeoIP
    ingested: datetime
    account: str | None = None
    """For rows whose account neither record nor key has."""
    buckets: Mapping[str, str] = field(default_factory=dict)
    """The accounts that buckets belong to."""
    originals: bool = True
    """Whether rows keep the record as it came."""

    def normalise(self, parts: list[Pending]) -> Normalised:
        """The rows of these records, and what became no row. Empties `parts`, so that their memory
        is free meanwhile. Raises duckdb.OutOfMemoryException."""
        table = chunk_table(parts, self.facts)
        parts.clear()
        if self.shape.kind == "table":
            table = rows_as_text(self.engine, self.shape, table)
            if self.source.format == "json":
                table = self._records_of_rows(table)
        flat, table, rejects = select(self.engine, self.source, self.shape, table)
        accepted = np.ones(len(flat), bool)
        if "accepted" in flat.column_names:
            accepted = flat["accepted"].to_numpy()
        refused = flat["reject"].is_valid().to_numpy() & accepted
        strangers = _strangers(table, ~accepted)
        if self.shape.kind == "fields" and refused.any():
            others = self._of_other_sources(table, refused)
            strangers += _strangers(table, others, flat["reject"])
            refused, accepted = refused & ~others, accepted & ~others
        rejects += rejected(table, refused, flat["reject"])
        kept = accepted & ~refused
        if not kept.all():
            mask = pa.array(kept)
            flat, table = flat.filter(mask), table.filter(mask)
        lossy = _lossy(flat, table)
        try:
            rows = self._rows(flat, table)
        except Crowded as error:
            rejects += rejected(table, ~error.kept, _CROWDED)
            mask = pa.array(error.kept)
            rows = self._rows(flat.filter(mask), table.filter(mask))
        return Normalised(rows, rejects, strangers, lossy)

    def _of_other_sources(self, table: pa.Table, refused: np.ndarray) -> np.ndarray:
        """Which refused lines are of another source, or JSON that may be, as where files were
        concatenated."""
        others = np.zeros(len(table), bool)
        texts = table["text"].filter(pa.array(refused)).to_pylist()
        for at, text in zip(np.flatnonzero(refused).tolist(), texts, strict=True):
            if text[:1] == "{":
                others[at] = True
            elif known := catalogue().by_line(text):
                others[at] = self.source not in known
        return others

    def _records_of_rows(self, table: pa.Table) -> pa.Table:
        """The rows of a query as records of the source; the row as JSON is their original."""
        records = [row_record(self.source, text)[0] for text in table["text"].to_pylist()]
        return table.append_column("original", table["text"]).set_column(
            table.column_names.index("text"),
            "text",
            pa.chunked_array([pa.array(records, pa.string())]),
        )

    # -- what the engine adds -------------------------------------------------------------------

    def _rows(self, flat: pa.Table, table: pa.Table) -> Rows:
        rows = len(flat)
        objects = table["object"].to_numpy()
        columns = self._columns(flat)
        account, region = self._places(columns, table, objects)
        derive(columns, rows, self.geoip)
        if self.originals:
            columns |= _originals(table)
        if "hash" in flat.column_names:
            hashes = flat["hash"].to_numpy()
        else:
            hashes = table["base"].to_numpy() ^ table["position"].to_numpy()
        columns |= {
            "event.hash": pa.array(hashes),
            "event.dataset": constant(pa.scalar(self.source.name), rows),
            "event.ingested": pa.repeat(pa.scalar(self.ingested, pa.timestamp("us", "UTC")), rows),
            "log.file.path": coded_array(
                objects, pa.array([f.path for f in self.facts], pa.string())
            ),
            "log.offset": one_piece(table["position"]),
        }
        columns.setdefault("event.module", constant(pa.scalar(self.source.log_type), rows))
        columns.setdefault("cloud.provider", constant(pa.scalar("aws"), rows))
        moments = columns["@timestamp"].cast(pa.int64()).to_numpy()
        partitions, part = partition(account, region, moments)
        return Rows(self.source, columns, hashes, partitions, part, objects)

    def _columns(self, flat: pa.Table) -> Columns:
        """The leaves that some row fills: the record's own members, but for those that
        normalize.sql gives, then what that gives."""
        columns: Columns = {}
        targets = set(outputs(self.source))
        if "r" in flat.column_names:
            _flatten(columns, "native", one_piece(flat["r"]), self.source.native, but=targets)
        for name in flat.column_names:
            column = flat[name]
            if name not in _CONTROL and (column.null_count < len(column) or name == "@timestamp"):
                columns[name] = one_piece(column)
        return {name: _representable(column) for name, column in columns.items()}

    def _places(self, columns: Columns, table: pa.Table, objects: np.ndarray) -> list[Coded]:
        """Set `cloud.account.id` and `cloud.region` (the record's, else the envelope's, else the
        key's), and `log.context` to what else the envelope said. Returns each row's account and
        region as partition keys."""
        wrapped = "wrap_account" in table.column_names
        places = []
        for name, target, valid, hints in (
            ("account", "cloud.account.id", ACCOUNT, self._owners(columns, objects)),
            ("region", "cloud.region", REGION, []),
        ):
            keys = pa.array([getattr(facts, name) for facts in self.facts], pa.string())
            texts = [columns[target]] if target in columns else []
            if not texts or texts[0].null_count:
                texts += [one_piece(table[f"wrap_{name}"])] if wrapped else []
                texts.append(keys.take(pa.array(objects)))
            coded = encode([pc.coalesce(*texts)])[0]
            columns[target] = coded.array()
            places.append(keyed([coded, Coded(keys, objects), *hints], valid))
        if wrapped:
            columns["log.context"] = wraps_as_text(self.engine, table)
        return places

    def _owners(self, columns: Columns, objects: np.ndarray) -> list[Coded]:
        """Hints at each row's account where neither record nor key has it, the best first: the
        owner of the bucket that the record is about, of the bucket that its object lies in, and
        `--account`."""
        hints = []
        if self.buckets and self.source.bucket in columns:
            bucket = encode([columns[self.source.bucket]])[0]
            owners = [self.buckets.get(name) for name in bucket.values.to_pylist()]
            hints.append(Coded(pa.array(owners, pa.string()), bucket.codes))
        of_objects = [self.buckets.get(facts.bucket or "", self.account) for facts in self.facts]
        if any(of_objects):
            hints.append(Coded(pa.array(of_objects, pa.string()), objects))
        return hints


def _lossy(flat: pa.Table, table: pa.Table) -> Counter[tuple[int, str]]:
    """Object and column -> how many of its texts are none of their type."""
    counts: Counter[tuple[int, str]] = Counter()
    if "lossy" in flat.column_names and flat["lossy"].null_count < len(flat):
        there = flat["lossy"].is_valid()
        objects = table["object"].filter(there).to_pylist()
        for number, names in zip(objects, flat["lossy"].filter(there).to_pylist(), strict=True):
            counts.update((number, name) for name in names.split(BETWEEN))
    return counts


def _strangers(
    table: pa.Table, mask: np.ndarray, reasons: pa.ChunkedArray | None = None
) -> list[Stranger]:
    """The records under the mask, with all that is known of them, and why their source refused
    them."""
    if not mask.any():
        return []
    where = pa.array(mask)
    refused = None if reasons is None else reasons.filter(where).to_pylist()
    wraps = {name: f"wrap_{name}" for name in WRAP}
    wanted = ["object", "base", "position", "text", "original", "encoding", *wraps.values()]
    names = [name for name in wanted if name in table.column_names]
    return [
        Stranger(
            row["object"],
            row["base"],
            row["position"],
            row["text"],
            Wrap(**{name: row.get(column) for name, column in wraps.items()}),
            row.get("original"),
            row.get("encoding"),
            refused=refused[number] if refused else None,
        )
        for number, row in enumerate(table.select(names).filter(where).to_pylist())
    ]


def _originals(table: pa.Table) -> Columns:
    """`event.original` of a chunk's records, and `log.encoding` where that is no UTF-8."""
    texts = one_piece(table["text"])
    if "original" not in table.column_names:
        return {"event.original": texts}
    columns = {"event.original": pc.coalesce(one_piece(table["original"]), texts)}
    if "encoding" in table.column_names:
        columns["log.encoding"] = one_piece(table["encoding"])
    return columns


def _flatten(
    columns: Columns, prefix: str, array: pa.StructArray, tree: Tree, but: set[str]
) -> None:
    """Add the leaves of a STRUCT that some row fills, but for some paths."""
    for member, inner in zip(array.type, array.flatten(), strict=True):
        path, body = f"{prefix}.{member.name}", tree[member.name]
        if path in but:
            continue
        if isinstance(body, dict):
            _flatten(columns, path, inner, body, but)
        elif inner.null_count < len(inner):
            columns[path] = inner.storage if isinstance(inner, pa.ExtensionArray) else inner


def _representable(column: pa.Array) -> pa.Array:
    """A column of times with NULL for those outside the years 1 to 9999, which only DuckDB can
    represent (`infinity` is one)."""
    if not pa.types.is_timestamp(column.type) or column.type.unit != "us":
        return column
    moments = column.cast(pa.int64())
    bounds = pc.min_max(moments)
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is None or (first >= _YEAR_1 and last < _YEAR_10000):
        return column
    fine = pc.and_(pc.greater_equal(moments, _YEAR_1), pc.less(moments, _YEAR_10000))
    return pc.if_else(fine, column, pa.scalar(None, column.type))
