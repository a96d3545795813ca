"""Records -> rows: runs a source's `normalize.sql` over a chunk and enriches what it gives.

One chunk at a time: normalise into the table `t`, look up the distinct addresses and user agents,
tell what is rejected, then give the rows. A record on which the SELECT itself fails is found by
halving and costs itself only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from lake.fieldsets import leaves, literal, quote
from lake.records import WRAP, ObjectFacts, objects_table, records_sql
from lake.rowmodel import ADDRESSES, Found, keyed_sql, outputs, reject_sql, rows_sql
from lake.spelling import respelled

if TYPE_CHECKING:
    from lake.decode import Shape
    from lake.enrich.geoip import GeoIP
    from lake.sources import Source

ACCOUNT = r"[0-9]{12}"
REGION = r"[a-z][a-z0-9]{1,9}(-[a-z0-9]{1,12}){1,4}-[0-9]{1,2}[a-z]?|global"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of a chunk that became no row."""

    object: int
    position: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows of a chunk that share account, region and day: `who` and `place` as the records say it,
    `account` and `region` what may stand in a path."""

    number: int
    who: str
    place: str
    date: str
    rows: int
    first: datetime
    last: datetime

    @property
    def account(self) -> str:
        return self.who if re.fullmatch(ACCOUNT, self.who) else "unknown"

    @property
    def region(self) -> str:
        return self.place if re.fullmatch(REGION, self.place) else "unknown"

    def stats(self) -> str:
        """The file's statistics as Delta keeps them."""
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": {"@timestamp": _delta_time(self.first)},
                "maxValues": {"@timestamp": _delta_time(self.last)},
                "nullCount": {"@timestamp": 0},
            }
        )


def _delta_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(slots=True)
class Chunk:
    """Records of one shape and several objects, ready to be normalised in `con`."""

    con: duckdb.DuckDBPyConnection
    source: Source
    shape: Shape
    facts: list[ObjectFacts]
    geoip: GeoIP
    account: str | None = None
    found: Found = field(default_factory=lambda: Found(frozenset()))

    def load(self, table: pa.Table) -> list[Rejected]:
        """Normalise the records into the temporary table `t` and enrich. Gives the records on
        which the SELECT itself failed; all others are in `t`."""
        outputs(self.source)
        self.con.register("objects", objects_table(self.facts))
        self.con.execute("DROP TABLE IF EXISTS t")
        failed: list[Rejected] = []
        if self.source.keys == "camel":
            texts = respelled(table["text"], self.source)
            table = table if texts is None else table.append_column("respelled", texts)
        self._normalise(table, failed)
        self.found = Found(self._present(), self._enrich())
        return failed

    def keep_empty(self) -> None:
        """Give rows with every leaf that the source's table has, also those that are all NULL."""
        self.found = replace(self.found, present=frozenset(self._countable()))

    def _present(self) -> frozenset[str]:
        counted = self._countable()
        counts = self.con.execute(
            f"SELECT {', '.join(f'count({at})' for at in counted.values())} FROM t"
        ).fetchall()[0]
        return frozenset(n for n, count in zip(counted, counts, strict=True) if count)

    def _countable(self) -> dict[str, str]:
        """What a chunk may hold or lack -> where it stands in `t`."""
        counted = {n: f"t.{quote(n)}" for n in outputs(self.source) if n != "record"}
        counted |= {
            "record.encoding": "t.record.encoding",
            "record.wrap": f"coalesce({', '.join(f't.record.wrap.{n}' for n in WRAP)})",
        }
        if self.source.format == "json":
            for leaf in leaves(self.source.native):
                at = ".".join(quote(part) for part in leaf.name.split("."))
                counted.setdefault(f"native.{leaf.name}", f"t.record.r.{at}")
        return counted

    def _normalise(self, table: pa.Table, failed: list[Rejected]) -> None:
        """Run normalize.sql; where it raises, halve the records until the one is found."""
        self.con.register("chunk", table)
        wrapped = "wrap_account" in table.column_names
        json_text = "respelled" if "respelled" in table.column_names else "text"
        exists = self.con.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'"
        ).fetchall()[0][0]
        into = "INSERT INTO t" if exists else "CREATE TEMP TABLE t AS"
        try:
            records = records_sql(self.source, self.shape, wrapped, json_text)
            self.con.execute(f"CREATE OR REPLACE TEMP VIEW records AS {records}")
            self.con.execute(f"{into} {keyed_sql(self.source, self.account)}")
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            if len(table) > 1:
                half = len(table) // 2
                self._normalise(table.slice(0, half), failed)
                self._normalise(table.slice(half), failed)
                return
            if len(table) == 1:
                row = table.slice(0, 1).to_pylist()[0]
                failed.append(
                    Rejected(row["object"], row["position"], _reason(error), row["text"] or "")
                )
            if into.startswith("CREATE"):
                self._normalise(table.slice(0, 0), failed)

    def _enrich(self) -> bool:
        """Look up addresses and user agents; whether the addresses can stand as they are."""
        plain = False
        given = outputs(self.source)
        targets = [n for n in ADDRESSES if n in given]
        if targets:
            union = " UNION ".join(f"SELECT {quote(n)} AS text FROM t" for n in targets)
            texts = (
                self.con.sql(f"SELECT DISTINCT text FROM ({union}) WHERE text IS NOT NULL")
                .to_arrow_table()["text"]
                .combine_chunks()
            )
            geo = self.geoip.lookup(texts)
            self.con.register("geo", geo)
            plain = self.geoip.builds is None and geo["ip"].equals(geo["text"])
        if "user_agent.original" in given:
            from lake.enrich.useragent import parse

            agents = self.con.execute(
                'SELECT DISTINCT "user_agent.original" FROM t '
                'WHERE "user_agent.original" IS NOT NULL'
            ).fetchall()
            self.con.register("agents", parse([a for (a,) in agents]))
        return plain

    def rejected(self) -> list[Rejected]:
        """The records of `t` that became no row, with the reason."""
        why = reject_sql(outputs(self.source))
        found = self.con.execute(
            f"SELECT t.record.object, t.record.position, {why}, "
            "coalesce(t.record.text, t.record.original) FROM t "
            f"WHERE {why} IS NOT NULL AND t.record.accepted"
        ).fetchall()
        return [Rejected(*row) for row in found]

    def strangers(self) -> list[Rejected]:
        """The records of `t` that the source does not accept; somebody else's, perhaps."""
        if self.source.accepts is None or self.shape.kind != "json":
            return []
        found = self.con.execute(
            "SELECT t.record.object, t.record.position, "
            f"{literal('no record of ' + self.source.name)}, "
            "coalesce(t.record.text, t.record.original) FROM t "
            "WHERE NOT t.record.accepted"
        ).fetchall()
        return [Rejected(*row) for row in found]

    def rows(self) -> str:
        """The SELECT that gives the rows; takes the parameter `$ingested`."""
        return rows_sql(self.source, self.found)

    def partitions(self) -> list[Partition]:
        """The partitions of the rows in `t`, by their number. Account and region are checked here,
        once for each that occurs, so that no text of a record becomes a path."""
        why = reject_sql(outputs(self.source))
        found = self.con.execute(
            'SELECT who, place, day::VARCHAR, count(*), min("@timestamp"), max("@timestamp") '
            f"FROM t WHERE {why} IS NULL AND t.record.accepted "
            "GROUP BY who, place, day ORDER BY ALL"
        ).fetchall()
        parts = [Partition(number, *row) for number, row in enumerate(found)]
        self.con.register(
            "parts",
            pa.table(
                {
                    "number": pa.array([p.number for p in parts], pa.int32()),
                    "who": pa.array([p.who for p in parts], pa.string()),
                    "place": pa.array([p.place for p in parts], pa.string()),
                    "day": pa.array([date.fromisoformat(p.date) for p in parts], pa.date32()),
                }
            ),
        )
        return parts

    def unknown_members(self) -> list[tuple[int, str, int]]:
        """Members at the top of JSON records that `[native]` does not have: object, name, records.
        Names are compared without case, as DuckDB's are."""
        if self.source.format != "json" or self.shape.kind != "json":
            return []
        known = ", ".join(literal(name.lower()) for name in self.source.native)
        return self.con.execute(
            "SELECT object, name, count(*) FROM (SELECT t.record.object AS object, unnest("
            "json_keys(coalesce(t.record.text, t.record.original))) AS name FROM t "
            "WHERE t.record.accepted AND t.record.refuse IS NULL) "
            f"WHERE lower(name) NOT IN ({known}) GROUP BY ALL"
        ).fetchall()

    def rows_by_object(self) -> list[tuple[int, int]]:
        """Number of rows of each object in `t`, by the object's number."""
        why = reject_sql(outputs(self.source))
        return self.con.execute(
            f"SELECT t.record.object, count(*) FROM t WHERE {why} IS NULL "
            "AND t.record.accepted GROUP BY ALL"
        ).fetchall()


def _reason(error: duckdb.Error) -> str:
    first = str(error).split("\n")[0]
    return f"cannot be normalised: {first[:300]}"
