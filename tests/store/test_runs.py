"""Sorted runs of identities say what a set of them says, and stay few."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lake.store.sorted_runs import SortedRuns

NUMBERS = st.integers(0, 2**63 - 1) | st.integers(0, 20)


@given(st.lists(st.lists(NUMBERS, max_size=30), max_size=30), st.lists(NUMBERS, max_size=30))
def test_what_was_added_is_there(parts: list[list[int]], asked: list[int]) -> None:
    runs, held = SortedRuns(), [n for part in parts for n in part]
    for part in parts:
        runs.add(np.array(part, np.int64))
    wanted = np.array([*asked, *held], np.int64)
    assert runs.contains(wanted).tolist() == [n in set(held) for n in wanted.tolist()]
    assert bool(runs) == bool(parts)
    assert runs.drain().tolist() == sorted(held)
    assert not runs


def test_many_additions_are_few_runs() -> None:
    runs = SortedRuns()
    for number in range(1_000):
        runs.add(np.arange(number, 1_000_000, 50_000))
        assert len(runs._runs) <= 15
    assert len(runs.drain()) == sum(len(range(n, 1_000_000, 50_000)) for n in range(1_000))
