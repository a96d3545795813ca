"""Whatever comes to a lake and whatever upkeep is done, in any order: it is sound, every record is
accounted for, an index of its documents follows, and it holds what a fresh lake would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from walks import Walk

if TYPE_CHECKING:
    from pathlib import Path

LONG = [pytest.param(seed, 10, marks=pytest.mark.long) for seed in range(2, 40)]


@pytest.mark.parametrize(("seed", "steps"), [(1, 7), *LONG])
def test_a_walk(seed: int, steps: int, tmp_path: Path) -> None:
    walk = Walk(tmp_path, seed)
    try:
        for _ in range(steps):
            walk.step()
    except BaseException as error:
        error.add_note("\n".join(walk.told))
        raise
