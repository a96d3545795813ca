"""Which partition a row goes to: account, region and day.

What a record, its envelope or its key says is checked here, once for each text that occurs, so that
no text of a record becomes a path. What is no account or region is `unknown`, never a guess.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lake.normalize.coded import Coded, recode, to_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lake.normalize.coded import Codes

ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z][a-z0-9]{1,9}(-[a-z0-9]{1,12}){1,4}-[0-9]{1,2}[a-z]?|global")
UNKNOWN = "unknown"
MAX_PARTITIONS = 20_000
"""Partitions of a chunk at most. Each is a file, of 3 ms at least, and a hostile object can name
one with each record."""
_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Crowded(Exception):
    """A chunk with too many partitions. `kept`: which of its rows lie in the largest of them."""

    def __init__(self, kept: npt.NDArray[np.bool_]) -> None:
        super().__init__(f"over {MAX_PARTITIONS:,} accounts, regions and days among {len(kept):,}")
        self.kept = kept


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows of a chunk that share account, region and day (UTC). `first` and `last`: microseconds
    since 1970."""

    account: str
    region: str
    date: str
    rows: int
    first: int
    last: int

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


def _delta_time(moment: int) -> str:
    at = _EPOCH + timedelta(microseconds=moment)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def keyed(candidates: Sequence[Coded], valid: re.Pattern[str]) -> Coded:
    """Each row's account or region: its first candidate that is `valid` (the record's, the object's
    key's, the user's), else `unknown`."""
    names: dict[str, int] = {}

    def number(text: str | None) -> int:
        return names.setdefault(text, len(names)) if text and valid.fullmatch(text) else -1

    codes = np.full(len(candidates[0]), -1, np.int32)
    for coded in candidates:
        if len(codes) and codes.min() >= 0:
            break
        known = np.array([number(text) for text in coded.values.to_pylist()], np.int32)
        codes = np.where(codes < 0, recode(known, coded.codes), codes)
    if len(codes) and codes.min() < 0:
        codes = np.where(codes < 0, np.int32(names.setdefault(UNKNOWN, len(names))), codes)
    return Coded(pa.array(list(names), pa.string()), codes)


def partition(
    account: Coded, region: Coded, moments: npt.NDArray[np.int64]
) -> tuple[list[Partition], Codes]:
    """The partitions of rows, in order, and each row's number among them. `moments`: microseconds
    since 1970. Raises Crowded where there are more than may be."""
    if not len(moments):
        return [], np.empty(0, np.int32)
    days = np.floor_divide(moments, _DAY)
    regions = max(len(region.values), 1)
    first_day = int(days.min())
    span = int(days.max()) - first_day + 1
    pairs = account.codes.astype(np.int64) * regions + region.codes
    keys = pa.array(pairs * span + (days - first_day)).dictionary_encode()
    codes = to_codes(keys.indices)
    rows = np.bincount(codes)
    if len(rows) > MAX_PARTITIONS:
        kept = np.zeros(len(rows), bool)
        kept[np.argsort(-rows, kind="stable")[:MAX_PARTITIONS]] = True
        raise Crowded(kept[codes])
    first = np.full(len(rows), np.iinfo(np.int64).max)
    last = np.full(len(rows), np.iinfo(np.int64).min)
    np.minimum.at(first, codes, moments)
    np.maximum.at(last, codes, moments)
    accounts, names = account.values.to_pylist(), region.values.to_pylist()
    parts = []
    for at, number in enumerate(keys.dictionary.to_pylist()):
        pair, day = divmod(number, span)
        account_at, region_at = divmod(pair, regions)
        date = (_EPOCH + timedelta(days=first_day + day)).strftime("%Y-%m-%d")
        parts.append(
            Partition(
                accounts[account_at],
                names[region_at],
                date,
                int(rows[at]),
                int(first[at]),
                int(last[at]),
            )
        )
    order = sorted(
        range(len(parts)), key=lambda at: (parts[at].account, parts[at].region, parts[at].date)
    )
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return [parts[at] for at in order], rank[codes]
