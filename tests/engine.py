"""Ingests of small made logs, for tests of the engine: places with objects in them, and what a lake
holds afterwards, in the words of its views."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import logs
from logs import FLOW_KEY, TRAIL_KEY

from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake
from lake.sources.catalogue import catalogue
from lake.sources.fieldsets import field_sets, quote
from lake.sources.rowmodel import view_columns
from lake.store.table import Store

if TYPE_CHECKING:
    from lake.report import IngestReport

SUMS = "status, source, records, rows, duplicates, rejects"


def put(folder: Path, key: str, data: bytes) -> Path:
    """Write an object; one whose key ends with .gz is compressed."""
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if key.endswith(".gz") else data)
    return path


def read(lake: Path, *where: Path | str, **options: Any) -> IngestReport:  # noqa: ANN401
    """Ingest in this process."""
    return ingest(lake, [str(w) for w in where], IngestOptions(jobs=1, **options))


def between_commits() -> datetime:
    """A moment after all that was committed and before all that will be: commits tell theirs in
    milliseconds."""
    time.sleep(0.002)
    moment = datetime.now(UTC)
    time.sleep(0.002)
    return moment


def two_sources(folder: Path, count: int) -> Path:
    """The folder with `logs/` of so many calls and flows, and with `lake/` that holds them."""
    put(folder / "logs", TRAIL_KEY, logs.trail(logs.events(count)))
    put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(count)))
    read(folder / "lake", folder / "logs")
    return folder


def ask(lake: Path | Lake, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query over a lake."""
    opened = lake if isinstance(lake, Lake) else _opened(lake)
    opened.refresh()
    return opened.sql(query).fetchall()


@lru_cache(maxsize=4)
def _opened(lake: Path) -> Lake:
    return open_lake(lake)


def fates(lake: Path, columns: str = SUMS) -> dict[str, tuple[Any, ...]]:
    """What became of each object that is not superseded, by the end of its path."""
    rows = ask(lake, f"SELECT path, {columns} FROM objects WHERE NOT superseded ORDER BY path")
    return {path.rsplit("/", 1)[-1]: tuple(rest) for path, *rest in rows}


def hashes(lake: Path | Lake) -> list[tuple[str, int]]:
    """Table and identity of every row, sorted: two lakes with equal ones hold equal rows."""
    return [(table, number) for table, number in ask(lake, _HASHES)]


def hashes_of(opened: Lake) -> list[tuple[str, int]]:
    """The same as an opened lake has them, without taking up what is new."""
    return opened.sql(_HASHES).fetchall()


_HASHES = "SELECT event.dataset, event.hash FROM events ORDER BY ALL"


def contents(lake: Path | Lake, table: str, where: str = "") -> dict[int, int]:
    """A hash of each row by its identity, without what tells where and when it was read."""
    told = [f"event.{name}" for name in field_sets()["event"] if name != "ingested"]
    rest = [n for n in view_columns(catalogue()[table]) if n not in ("event", "log")]
    listed = ", ".join([*told, *map(quote, rest)])
    return dict(ask(lake, f'SELECT event.hash, hash({listed}) FROM "{table}" {where}'))


def balance(lake: Path) -> None:
    """Every record is a row, a duplicate or a reject, object by object, and the tables agree."""
    wrong = ask(lake, "FROM objects WHERE records <> rows + duplicates + rejects")
    assert wrong == []
    sums = "SELECT coalesce(sum(COLUMNS(['rows', 'duplicates', 'rejects'])), 0) FROM objects"
    counts = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM duplicates), "
    assert ask(lake, f"{counts}(SELECT count(*) FROM rejects)") == ask(lake, sums)


def raw_files(lake: Path) -> set[str]:
    """Every Parquet file of the lake's tables on disk, whether or not it counts."""
    found = lake.rglob("date=*/*.parquet")
    return {str(path.relative_to(lake)) for path in found if "_views" not in path.parts}


def counted_files(lake: Path) -> set[str]:
    """Those that the last batch counts."""
    store = Store.open(lake)
    snapshot = store.snapshot()
    found = [file.path for name in snapshot.tables for file in store.files(name, snapshot)]
    return {str(Path(path).relative_to(store.path)) for path in found}


def client_rows(lake: Path) -> int:
    """The events that another DuckDB client sees."""
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
        return int(client.sql("SELECT count(*) FROM events").fetchall()[0][0])
