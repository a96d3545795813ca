"""Duplicates: takes rows that the lake has, or has forgotten, out of the staged files.

A batch's identities are compared with the committed ones of its days and with those of the files
before it; for objects that have changed, `lake.stage.changed` says what they had before. Each
dropped row is noted in `duplicates` with its object and position, so that every record of every
object is accounted for. Rows of days that `lake forget` has taken are counted as forgotten.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.store.ledger import REPEAT
from lake.store.parquet import stage
from lake.store.sorted_runs import SortedRuns, contains

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from lake.model import ObjectResult
    from lake.store.known import Identities
    from lake.store.parquet import StagedFile


_PLACE = ["log.file.path", "log.offset"]


@dataclass(slots=True)
class Deduplication:
    """Staged files without the rows that the lake has.

    In: `altered`, of records of changed objects that have another text than the row they repeat,
    staged file -> row -> text; `replacing`, staged file -> rows that stay although they are known,
    since the committed ones give way to them; `query_paths`, objects whose records were made of a
    query's rows: a record itself goes before these, if `look_ahead` has seen its file; `kept_from`,
    as `Snapshot` has it. Out: `files`; the `fresh` identities by table and day; the `repeats` that
    were dropped, as `lake.store.ledger.REPEAT` has them; and how many rows of (source, path) are
    `forgotten`.
    """

    altered: Mapping[Path, Mapping[int, str]] = field(default_factory=dict)
    replacing: Mapping[Path, Sequence[int]] = field(default_factory=dict)
    query_paths: Collection[str] = ()
    kept_from: Mapping[str, str] = field(default_factory=dict)
    files: list[StagedFile] = field(default_factory=list)
    fresh: dict[tuple[str, str], SortedRuns] = field(
        default_factory=lambda: defaultdict(SortedRuns)
    )
    repeats: list[pa.Table] = field(default_factory=list)
    forgotten: Counter[tuple[str, str]] = field(default_factory=Counter)
    _records: dict[tuple[str, str], SortedRuns] = field(
        default_factory=lambda: defaultdict(SortedRuns)
    )
    """Identities of staged records that were not made of a query's rows."""

    def look_ahead(self, files: Iterable[StagedFile]) -> None:
        """Note the identities of records that go before a query's rows, where there are any."""
        if not self.query_paths:
            return
        for file in files:
            hashes = np.fromfile(_beside(file), np.int64)
            self._records[file.source, file.date].add(hashes[~self._query_rows(file)])

    def _query_rows(self, file: StagedFile) -> np.ndarray:
        """For each row of a file whether it was made of a query's row."""
        wanted = pa.array(self.query_paths, pa.string())
        found: np.ndarray = pc.is_in(_paths(file.path), wanted).to_numpy()
        return found

    def add(self, file: StagedFile, identities: Identities) -> None:
        """Take a staged file, or what is left of it."""
        if file.date < self.kept_from.get(file.source, ""):
            for path, rows in rows_by_path([file.path]).items():
                self.forgotten[file.source, path] += rows
            file.path.unlink()
            return
        key = (file.source, file.date)
        hashes = _take_identities(file)
        resolved = identities.resolve(file.source, hashes)
        known = contains(identities.day(*key), resolved) | self.fresh[key].contains(resolved)
        if self.query_paths:
            query_rows = self._query_rows(file)
            known |= query_rows & self._records[key].contains(resolved)
            order = np.argsort(query_rows, kind="stable")
            known[order] |= _repeated(resolved[order])
        else:
            known |= _repeated(resolved)
        known[list(self.replacing.get(file.path, ()))] = False
        if known.any():
            marks = _Rows(known, hashes, resolved, self.altered.get(file.path, {}))
            file, dropped = _without(file, marks)
            self.repeats.append(dropped)
        if file.rows:
            self.files.append(file)
            self.fresh[key].add(hashes[~known])

    def recounted(self, results: Iterable[ObjectResult]) -> list[ObjectResult]:
        """The objects' results, with the dropped rows counted as duplicates."""
        count = _by_path(table["path"] for table in self.repeats)
        return [
            replace(
                one,
                rows=one.rows - count[one.obj.path],
                duplicates=one.duplicates + count[one.obj.path],
            )
            if one.obj.path in count
            else one
            for one in results
        ]


def rows_by_path(files: Iterable[Path]) -> Counter[str]:
    """How many rows each object has in some files of a table."""
    return _by_path(map(_paths, files))


def _paths(file: Path) -> pa.ChunkedArray:
    """The path of each row's object."""
    log = pq.ParquetFile(file).read(columns=["log.file.path"])["log"]
    return pc.struct_field(log, ["file", "path"])


def _by_path(columns: Iterable[pa.ChunkedArray]) -> Counter[str]:
    """The number of values of each path in some columns."""
    counts: Counter[str] = Counter()
    for paths in columns:
        for found in pc.value_counts(paths).to_pylist():
            counts[found["values"]] += found["counts"]
    return counts


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is known of a staged file's rows: which the lake has (`known`), their `hashes`, the
    identities that these `resolved` to, and the `altered` texts by row."""

    known: np.ndarray
    hashes: np.ndarray
    resolved: np.ndarray
    altered: Mapping[int, str]


def _repeated(identities: np.ndarray) -> np.ndarray:
    """Which of them came before."""
    _, first = np.unique(identities, return_index=True)
    again = np.ones(len(identities), bool)
    again[first] = False
    return again


def _beside(file: StagedFile) -> Path:
    """The file that has a staged file's identities."""
    if file.hashes is None:
        raise ValueError(f"{file.path} was staged without its identities")
    return file.hashes


def _take_identities(file: StagedFile) -> np.ndarray:
    """A staged file's identities; removes the file that they were in."""
    beside = _beside(file)
    hashes = np.fromfile(beside, np.int64)
    beside.unlink()
    return hashes


def _without(file: StagedFile, rows: _Rows) -> tuple[StagedFile, pa.Table]:
    """A staged file without the rows that the lake has, and these as `REPEAT` has them."""
    none_left = bool(rows.known.all())
    table = pq.ParquetFile(file.path).read(columns=_PLACE if none_left else None)
    log = table["log"].filter(pa.array(rows.known))
    hashes, resolved = rows.hashes[rows.known], rows.resolved[rows.known]
    at = np.flatnonzero(rows.known)
    repeats = pa.table(
        [
            pa.repeat(file.source, len(at)),
            resolved,
            pc.struct_field(log, ["file", "path"]),
            pc.struct_field(log, "offset"),
            pa.array(hashes, mask=hashes == resolved),
            pa.array(map(rows.altered.get, at.tolist()), pa.string(), size=len(at)),
            pa.nulls(len(at), pa.string()),
        ],
        REPEAT,
    )
    file.path.unlink()
    if none_left:
        return replace(file, rows=0), repeats
    kept = table.filter(pa.array(~rows.known))
    return stage(file.source, kept, file, file.path.parent), repeats
