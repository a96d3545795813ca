"""Sets of identities, 63-bit numbers, as sorted arrays of 8 bytes each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class SortedRuns:
    """A set of identities as a few sorted arrays, each at least twice as long as the next: adding
    costs little, however many there are; now and then it copies the longest."""

    _runs: list[np.ndarray] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._runs)

    def contains(self, wanted: np.ndarray) -> np.ndarray:
        """A mask of the wanted identities that are in the set."""
        mask = np.zeros(len(wanted), bool)
        for run in self._runs:
            mask |= contains(run, wanted)
        return mask

    def add(self, hashes: np.ndarray) -> None:
        """Add identities, in any order."""
        self._runs.append(np.sort(hashes))
        self._merge(2)

    def drain(self) -> np.ndarray:
        """All identities, sorted; the set is empty then."""
        self._merge(None)
        return self._runs.pop() if self._runs else np.empty(0, np.int64)

    def _merge(self, times: int | None) -> None:
        """Merge the last runs until each is so many times as long as the next; None: all."""
        runs = self._runs
        while len(runs) > 1 and (times is None or len(runs[-2]) < times * len(runs[-1])):
            both = np.concatenate([runs.pop(), runs.pop()])
            both.sort(kind="stable")  # linear over two sorted halves
            runs.append(both)


def contains(sorted_hashes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A mask of the wanted identities that are among the sorted ones."""
    if not len(sorted_hashes):
        return np.zeros(len(wanted), bool)
    at = np.searchsorted(sorted_hashes, wanted)
    at[at == len(sorted_hashes)] = 0
    mask: np.ndarray = sorted_hashes[at] == wanted
    return mask
