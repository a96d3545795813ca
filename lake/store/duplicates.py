"""Records that the lake has already, or has forgotten: taken out of what is staged, and noted.

A batch's identities are compared with the committed ones of its days and with those of the files
before it; of an object that has changed, `lake.stage.changed` tells what it had before. What is
dropped is noted in `duplicates` with where it lay, so that every record of every object is
accounted for. Rows of days that `lake forget` has taken stay rows of their object, and are counted
as forgotten, as those are that were there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.store.known import Runs, contains
from lake.store.ledger import REPEAT
from lake.store.parquet import stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from lake.model import ObjectResult
    from lake.store.known import Identities
    from lake.store.parquet import StagedFile


_PLACE = ["log.file.path", "log.offset"]


@dataclass(slots=True)
class Distinct:
    """Staged files without the rows that are known: `fresh` identities by table and day, and the
    `repeats` that were dropped, as `lake.store.ledger.REPEAT` has them, and how many rows of
    (source, path) are forgotten: those of days before `kept_from` (see
    `lake.store.snapshot.Snapshot`). `texts`: staged file -> place -> what came there, where the
    known record has another text; `mending`: staged file -> places of the rows that stay, since the
    known ones give way to them. `of_rows` are paths of objects whose records were made of a query's
    rows: the record itself goes before them, if `prefer` has seen its file."""

    texts: Mapping[Path, Mapping[int, str]] = field(default_factory=dict)
    mending: Mapping[Path, Sequence[int]] = field(default_factory=dict)
    of_rows: Collection[str] = ()
    files: list[StagedFile] = field(default_factory=list)
    fresh: dict[tuple[str, str], Runs] = field(default_factory=lambda: defaultdict(Runs))
    repeats: list[pa.Table] = field(default_factory=list)
    kept_from: Mapping[str, str] = field(default_factory=dict)
    forgotten: Counter[tuple[str, str]] = field(default_factory=Counter)
    _whole: dict[tuple[str, str], Runs] = field(default_factory=lambda: defaultdict(Runs))

    def prefer(self, files: Iterable[StagedFile]) -> None:
        """Look which identities come in records that were not made of a query's rows."""
        if not self.of_rows:
            return
        for file in files:
            assert file.hashes is not None  # noqa: S101
            hashes = np.fromfile(file.hashes, np.int64)
            self._whole[file.source, file.date].add(hashes[~self._are_of_rows(file)])

    def _are_of_rows(self, file: StagedFile) -> np.ndarray:
        """For each row of a file whether it was made of a query's row."""
        if not self.of_rows:
            return np.zeros(file.rows, bool)
        log = pq.ParquetFile(file.path).read(columns=_PLACE[:1])["log"]
        paths = pc.struct_field(log, ["file", "path"])
        found: np.ndarray = pc.is_in(paths, pa.array(self.of_rows, pa.string())).to_numpy()
        return found

    def add(self, file: StagedFile, identities: Identities) -> None:
        """Take a file, or what is left of it."""
        if file.date < self.kept_from.get(file.source, ""):
            for path, rows in rows_by_path([file.path]).items():
                self.forgotten[file.source, path] += rows
            file.path.unlink()
            return
        key = (file.source, file.date)
        own = _taken(file)
        hashes = identities.known_as(file.source, own)
        double = contains(identities.day(*key), hashes) | self.fresh[key].contain(hashes)
        lesser = self._are_of_rows(file)
        double |= lesser & self._whole[key].contain(hashes)
        order = np.argsort(lesser, kind="stable")
        _, first = np.unique(hashes[order], return_index=True)
        if len(first) < len(hashes):
            again = np.ones(len(hashes), bool)
            again[order[first]] = False
            double |= again
        double[list(self.mending.get(file.path, ()))] = False
        if double.any():
            texts = self.texts.get(file.path, {})
            file, dropped = _without(file, double, hashes, own, texts)
            self.repeats.append(dropped)
        if file.rows:
            self.files.append(file)
            self.fresh[key].add(own[~double])

    def counted(self, results: Iterable[ObjectResult]) -> list[ObjectResult]:
        """The results with the rows that turned out to be duplicates counted as such."""
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
    logs = (pq.ParquetFile(file).read(columns=["log.file.path"])["log"] for file in files)
    return _by_path(pc.struct_field(log, ["file", "path"]) for log in logs)


def _by_path(columns: Iterable[pa.ChunkedArray]) -> Counter[str]:
    """How often each path stands in some columns."""
    counts: Counter[str] = Counter()
    for paths in columns:
        for found in pc.value_counts(paths).to_pylist():
            counts[found["values"]] += found["counts"]
    return counts


def _taken(file: StagedFile) -> np.ndarray:
    """A staged file's identities, which are on the disk until now."""
    assert file.hashes is not None  # noqa: S101
    hashes = np.fromfile(file.hashes, np.int64)
    file.hashes.unlink()
    return hashes


def _without(
    file: StagedFile,
    double: np.ndarray,
    hashes: np.ndarray,
    own: np.ndarray,
    texts: Mapping[int, str],
) -> tuple[StagedFile, pa.Table]:
    """A staged file without the rows marked, and what these were: `hashes` are the identities under
    which they are known, `own` their own, `texts` by place what they have else than the known
    record."""
    whole = bool(double.all())
    table = pq.ParquetFile(file.path).read(columns=_PLACE if whole else None)
    log = table["log"].filter(pa.array(double))
    known, mine, at = hashes[double], own[double], np.flatnonzero(double)
    repeats = pa.table(
        [
            pa.repeat(file.source, len(at)),
            known,
            pc.struct_field(log, ["file", "path"]),
            pc.struct_field(log, "offset"),
            pa.array(mine, mask=mine == known),
            pa.array(map(texts.get, at.tolist()), pa.string(), size=len(at)),
        ],
        REPEAT,
    )
    file.path.unlink()
    if whole:
        return replace(file, rows=0), repeats
    kept = table.filter(pa.array(~double))
    return stage(file.source, kept, file, file.path.parent), repeats
