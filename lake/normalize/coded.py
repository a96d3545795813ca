"""Text columns as codes into their distinct values.

Accounts, addresses, user agents and places repeat: what is looked up for a distinct value reaches
every row through its code, and Parquet takes the codes as its dictionary without hashing the texts
again (a third of the time of writing such a column).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Codes = npt.NDArray[np.int32]

DICTIONARY_BYTES = 64 << 10
"""A larger dictionary is given up: the texts are written as they are."""


@dataclass(frozen=True, slots=True)
class Coded:
    """`codes` say for each row which of `values` (distinct texts) it has; -1: none."""

    values: pa.Array
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)

    def array(self) -> pa.Array:
        """The column, as a dictionary-encoded array."""
        return coded_array(self.codes, self.values)

    def through(self, values: pa.Array) -> Coded:
        """The same rows with other values for the distinct ones, which may repeat or be NULL."""
        return self.by(encode([values])[0])

    def by(self, told: Coded) -> Coded:
        """The same rows with what `told` has for each of the distinct values."""
        return Coded(told.values, recode(told.codes, self.codes))

    def ranked(self) -> Coded:
        """The same, values in ascending order, so that the codes sort as the texts do."""
        order = pc.sort_indices(self.values).to_numpy()
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return Coded(self.values.take(pa.array(order)), recode(rank, self.codes))


def encode(columns: Sequence[pa.Array | pa.ChunkedArray]) -> list[Coded]:
    """Several text columns as codes into one list of distinct values, a coded one into its own."""
    arrays = [a for c in columns for a in (c.chunks if isinstance(c, pa.ChunkedArray) else [c])]
    whole = pa.concat_arrays(arrays) if len(arrays) != 1 else arrays[0]
    found = whole.dictionary_encode()
    codes = to_codes(found.indices)
    ends = np.cumsum([len(c) for c in columns])
    parts = np.split(codes, ends[:-1])
    return [Coded(found.dictionary, part) for part in parts]


def to_codes(indices: pa.Array) -> Codes:
    """Arrow's indices as numbers, -1 where there is none."""
    if indices.null_count:
        indices = indices.fill_null(-1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), np.int32)


def recode(table: Codes, codes: Codes) -> Codes:
    """`table[code]` for each code, -1 for -1."""
    if not len(table):
        return np.full(len(codes), -1, np.int32)
    found = table[codes]  # -1 takes the last, mended below
    if len(codes) and codes.min() < 0:
        found = np.where(codes < 0, np.int32(-1), found)
    return found


def coded_array(codes: Codes, values: pa.Array) -> pa.DictionaryArray:
    """Codes and their values as Arrow's dictionary-encoded array; -1 is NULL."""
    missing = codes < 0
    indices = pa.array(codes, mask=missing) if missing.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, values)


def constant(value: pa.Scalar, rows: int) -> pa.DictionaryArray:
    """One value for every row."""
    return pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows, np.int32)), pa.array([value.as_py()], value.type)
    )


def compact(array: pa.Array) -> pa.Array:
    """The array with only the values that its rows have; plain where these are many bytes, as far
    as their mean length tells."""
    if pa.types.is_list(array.type) and pa.types.is_dictionary(array.type.value_type):
        starts = array.offsets.to_numpy()
        offsets = pa.array(starts - starts[0], mask=_list_mask(array))
        return pa.ListArray.from_arrays(offsets, compact(array.flatten()))
    if not pa.types.is_dictionary(array.type) or len(array.dictionary) <= 1:
        return array
    codes, values = to_codes(array.indices), array.dictionary
    if len(codes) and codes.min() == (most := codes.max()) and most >= 0:
        return coded_array(np.zeros(len(codes), np.int32), values.slice(most, 1))
    used = np.zeros(len(values) + 1, bool)
    used[codes] = True  # -1 marks the one past the end
    kept = np.flatnonzero(used[:-1])
    if values.nbytes * len(kept) > DICTIONARY_BYTES * len(values):
        return array.dictionary_decode()
    if len(kept) == len(values):
        return array
    fresh = np.full(len(values), -1, np.int32)
    fresh[kept] = np.arange(len(kept), dtype=np.int32)
    return coded_array(recode(fresh, codes), values.take(pa.array(kept)))


def _list_mask(array: pa.ListArray) -> npt.NDArray[np.bool_] | None:
    """A NULL list is told at its first offset."""
    if not array.null_count:
        return None
    return np.append(array.is_null().to_numpy(zero_copy_only=False), False)


def lists(rows: int, pairs: Sequence[tuple[Codes, Codes]], values: pa.Array) -> pa.ListArray | None:
    """Lists without repeats, in the order of `values` (ascending): `pairs` of (row, code), -1 for
    none. NULL for a row without any; None where no row has one."""
    if not len(values):
        return None
    keys = np.concatenate([r.astype(np.int64) * len(values) + c for r, c in _present(pairs)])
    if not len(keys):
        return None
    keys.sort(kind="stable")  # each pair's are in order: it merges runs, in a third of the time
    keys = keys[np.append(True, keys[1:] != keys[:-1])]
    row, code = np.divmod(keys, len(values))
    counts = np.bincount(row, minlength=rows)
    offsets = np.append(0, np.cumsum(counts)).astype(np.int32)
    empty = counts == 0
    mask = np.append(empty, False) if empty.any() else None
    return pa.ListArray.from_arrays(
        pa.array(offsets, mask=mask), coded_array(code.astype(np.int32), values)
    )


def _present(pairs: Sequence[tuple[Codes, Codes]]) -> list[tuple[Codes, Codes]]:
    return [(r[c >= 0], c[c >= 0]) if len(c) and c.min() < 0 else (r, c) for r, c in pairs]
