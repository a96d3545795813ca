"""Records -> rows: runs a source's `normalize.sql` over a chunk and adds what the engine knows.

One chunk at a time: one SELECT gives flat columns, a row a record; what is refused is told apart;
`lake.normalize.derive` looks up the distinct values; `lake.normalize.partitions` says where each
row goes. Text that is stored as it came (`event.original`) does not pass through DuckDB. A record
on which the SELECT itself fails is found by halving and costs itself only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.refused import reject_text
from lake.decode.rows import row_record
from lake.decode.shapes import as_it_came
from lake.decode.wrap import Wrap
from lake.normalize.assemble import Rows
from lake.normalize.coded import Coded, coded_array, constant, encode
from lake.normalize.derive import derive
from lake.normalize.flat import flat_sql, outputs
from lake.normalize.onepiece import one_piece
from lake.normalize.partitions import ACCOUNT, MAX_PARTITIONS, REGION, Crowded, keyed, partition
from lake.normalize.records import (
    WRAP,
    ObjectFacts,
    Pending,
    chunk_table,
    records_sql,
    rows_as_text,
    wraps_as_text,
)
from lake.normalize.strangers import Stranger
from lake.sources.catalogue import catalogue
from lake.sources.spelling import respelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lake.decode.shapes import Shape
    from lake.enrich.geoip import GeoIP
    from lake.normalize.derive import Columns
    from lake.normalize.engine import Engine
    from lake.sources.fieldsets import Tree
    from lake.sources.source import Source

_ABOUT = ("row", "reject", "accepted", "hash", "r", "more")
"""Flat columns that are no leaves."""
_YEAR_1, _YEAR_10000 = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Microseconds since 1970."""
_CROWDED = (
    f"one of over {MAX_PARTITIONS:,} accounts, regions and days among the records around it; "
    "read its object in parts"
)
_NO_ROW = "normalize.sql gives no row for this record"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of a chunk that became no row; of a long one the head, length and hash."""

    object: int
    position: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """What a chunk gave. `strangers`: records that the source does not accept; somebody else's,
    perhaps."""

    rows: Rows
    rejected: list[Rejected]
    strangers: list[Stranger]


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
    """Of rows of which nothing else tells one."""
    buckets: Mapping[str, str] = field(default_factory=dict)
    """The accounts that buckets belong to."""
    originals: bool = True
    """Whether rows keep the record as it came."""
    _failed: dict[int, Rejected] = field(default_factory=dict)
    """By the record's place in the chunk."""

    def normalise(self, parts: list[Pending]) -> Normalised:
        """Rows, and what became none. Takes the parts out. Raises duckdb.OutOfMemoryException."""
        table = chunk_table(parts, self.facts)
        parts.clear()
        if self.shape.kind == "table":
            table = rows_as_text(self.engine, self.shape, table)
            if self.source.format == "json":
                table = self._of_rows(table)
        flat = self._select(table)
        flat, table = self._in_order(flat, table)
        accepted = np.ones(len(flat), bool)
        if "accepted" in flat.column_names:
            accepted = flat["accepted"].to_numpy()
        refused = flat["reject"].is_valid().to_numpy() & accepted
        strangers = _strangers(table, ~accepted)
        if self.shape.kind == "fields" and refused.any():
            others = self._of_others(table, refused)
            strangers += _strangers(table, others, flat["reject"])
            refused, accepted = refused & ~others, accepted & ~others
        rejected = [*self._failed.values(), *self._told(table, refused, flat["reject"])]
        kept = accepted & ~refused
        if not kept.all():
            mask = pa.array(kept)
            flat, table = flat.filter(mask), table.filter(mask)
        try:
            rows = self._rows(flat, table)
        except Crowded as error:
            rejected += self._told(table, ~error.kept, _CROWDED)
            mask = pa.array(error.kept)
            rows = self._rows(flat.filter(mask), table.filter(mask))
        return Normalised(rows, rejected, strangers)

    def _of_others(self, table: pa.Table, refused: np.ndarray) -> np.ndarray:
        """Which refused lines are of another source, or JSON that may be, as where files were put
        behind one another."""
        others = np.zeros(len(table), bool)
        texts = table["text"].filter(pa.array(refused)).to_pylist()
        for at, text in zip(np.flatnonzero(refused).tolist(), texts, strict=True):
            if text[:1] == "{":
                others[at] = True
            elif known := catalogue().by_line(text):
                others[at] = self.source not in known
        return others

    def _of_rows(self, table: pa.Table) -> pa.Table:
        """The rows of a query as records of the source; the row as JSON is their original."""
        made = [row_record(self.source, text)[0] for text in table["text"].to_pylist()]
        return table.append_column("original", table["text"]).set_column(
            table.column_names.index("text"),
            "text",
            pa.chunked_array([pa.array(made, pa.string())]),
        )

    # -- the SELECT -----------------------------------------------------------------------------

    def _select(self, table: pa.Table) -> pa.Table:
        """The flat columns of the records; where the SELECT raises, the records are halved until
        the one is found."""
        names = table.column_names
        json_text = "text"
        texts = respelled(table["text"], self.source)
        if texts is not None:
            table, json_text = table.append_column("respelled", texts), "respelled"
        wrapped, derived = "wrap_account" in names, "original" in names
        records = records_sql(self.source, self.shape, wrapped, derived, json_text)
        filled = self.engine.filled(self.shape)
        if filled is not None:
            query = f"WITH records AS ({records}) {flat_sql(self.source, filled)}"
            flat = pa.concat_tables(self._run(query, table))
            if not pc.any(flat["more"]).as_py():
                return flat
            del flat  # it takes up as much memory as what follows
            self._failed.clear()
        query = f"WITH records AS ({records}) {flat_sql(self.source)}"
        flat = pa.concat_tables(self._run(query, table))
        self.engine.learn(self.shape, flat)
        return flat

    def _run(self, query: str, table: pa.Table) -> list[pa.Table]:
        try:
            return [self.engine.run(query, table)]
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if len(table) > 1:
                half = len(table) // 2
                return self._run(query, table.slice(0, half)) + self._run(query, table.slice(half))
            if not len(table):
                raise
            # once with no record at all: raises where it is not the record's fault
            none = [] if self._failed else self._run(query, table.slice(0, 0))
            reason = f"cannot be normalised: {str(error).split(chr(10), 1)[0][:300]}"
            at = table["row"][0].as_py()
            self._failed[at] = self._told(table, np.ones(1, bool), reason)[0]
            return none

    def _in_order(self, flat: pa.Table, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Both tables with the same records in the same order. A record that the SELECT leaves out
        is rejected; one that it gives twice is the source's error and taken once."""
        if flat["row"].null_count:  # of a row that normalize.sql has from elsewhere
            flat = flat.filter(flat["row"].is_valid())
        row = flat["row"].to_numpy()
        if len(flat) == len(table) and np.array_equal(row, np.arange(len(table))):
            return flat, table
        found, first = np.unique(row, return_index=True)
        missing = np.ones(len(table), bool)
        missing[found] = False
        missing[list(self._failed)] = False
        lost = self._told(table, missing, _NO_ROW)
        self._failed |= dict(zip(np.flatnonzero(missing).tolist(), lost, strict=True))
        return flat.take(pa.array(first)), table.take(pa.array(found))

    def _told(
        self, table: pa.Table, which: np.ndarray, reason: str | pa.ChunkedArray
    ) -> list[Rejected]:
        """The records marked, with the reason or each its own."""
        if not which.any():
            return []
        mask = pa.array(which)
        told = ("object", "position", "text", "original", "encoding")
        names = [name for name in told if name in table.column_names]
        rows = table.select(names).filter(mask).to_pylist()
        reasons = (
            [reason] * len(rows) if isinstance(reason, str) else reason.filter(mask).to_pylist()
        )
        return [
            Rejected(
                r["object"],
                r["position"],
                why,
                reject_text(as_it_came(r["text"], r.get("original"), r.get("encoding"))),
            )
            for r, why in zip(rows, reasons, strict=True)
        ]

    # -- what the engine adds -------------------------------------------------------------------

    def _rows(self, flat: pa.Table, table: pa.Table) -> Rows:
        rows = len(flat)
        objects = table["object"].to_numpy()
        columns = self._columns(flat)
        account, region = self._places(columns, table, objects)
        derive(columns, rows, self.geoip)
        if self.originals:
            columns |= _as_they_came(table)
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
        """The leaves that some row fills: the record's own members, then what normalize.sql gives;
        of a member that it gives, the record's is left out."""
        columns: Columns = {}
        given = set(outputs(self.source))
        if "r" in flat.column_names:
            _flatten(columns, "native", one_piece(flat["r"]), self.source.native, given)
        for name in flat.column_names:
            column = flat[name]
            if name not in _ABOUT and (column.null_count < len(column) or name == "@timestamp"):
                columns[name] = one_piece(column)
        return {name: _in_calendar(column) for name, column in columns.items()}

    def _places(self, columns: Columns, table: pa.Table, objects: np.ndarray) -> list[Coded]:
        """Sets `cloud.account.id` and `cloud.region`: the record's, else the envelope's, else the
        key's; and `log.context`, what else the envelope said. Gives the partition's keys."""
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
        """What the user says of a row's account, the best first: the owner of the bucket that its
        record is about, of the bucket that its object lies in, and the account of all."""
        told = []
        if self.buckets and self.source.bucket in columns:
            named = encode([columns[self.source.bucket]])[0]
            owners = [self.buckets.get(bucket) for bucket in named.values.to_pylist()]
            told.append(Coded(pa.array(owners, pa.string()), named.codes))
        hints = [self.buckets.get(facts.bucket or "", self.account) for facts in self.facts]
        if any(hints):
            told.append(Coded(pa.array(hints, pa.string()), objects))
        return told


def _strangers(
    table: pa.Table, which: np.ndarray, reasons: pa.ChunkedArray | None = None
) -> list[Stranger]:
    """The records marked, with all that is known of them, and why their source refused them."""
    if not which.any():
        return []
    mask = pa.array(which)
    refused = None if reasons is None else reasons.filter(mask).to_pylist()
    wraps = {name: f"wrap_{name}" for name in WRAP}
    kept = ["object", "base", "position", "text", "original", "encoding", *wraps.values()]
    names = [name for name in kept if name in table.column_names]
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
        for number, row in enumerate(table.select(names).filter(mask).to_pylist())
    ]


def _as_they_came(table: pa.Table) -> Columns:
    """`event.original` of a chunk's records, and what it is in where that is no UTF-8."""
    texts = one_piece(table["text"])
    if "original" not in table.column_names:
        return {"event.original": texts}
    found = {"event.original": pc.coalesce(one_piece(table["original"]), texts)}
    if "encoding" in table.column_names:
        found["log.encoding"] = one_piece(table["encoding"])
    return found


def _flatten(
    columns: Columns, prefix: str, array: pa.StructArray, tree: Tree, given: set[str]
) -> None:
    for member, inner in zip(array.type, array.flatten(), strict=True):
        path, body = f"{prefix}.{member.name}", tree[member.name]
        if path in given:
            continue
        if isinstance(body, dict):
            _flatten(columns, path, inner, body, given)
        elif inner.null_count < len(inner):
            columns[path] = inner.storage if isinstance(inner, pa.ExtensionArray) else inner


def _in_calendar(column: pa.Array) -> pa.Array:
    """Times without those beyond the years 1 to 9999, which no reader but DuckDB takes: of the text
    `infinity` it makes one."""
    if not pa.types.is_timestamp(column.type) or column.type.unit != "us":
        return column
    moments = column.cast(pa.int64())
    bounds = pc.min_max(moments)
    first, last = bounds["min"].as_py(), bounds["max"].as_py()
    if first is None or (first >= _YEAR_1 and last < _YEAR_10000):
        return column
    fine = pc.and_(pc.greater_equal(moments, _YEAR_1), pc.less(moments, _YEAR_10000))
    return pc.if_else(fine, column, pa.scalar(None, column.type))
