"""Ingests at once, and readers beside them: see `at_once.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from at_once import round_of
from crash import lay_out

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("ingests", "same"), [(2, True), (4, False)])
def test_ingests_at_once(ingests: int, same: bool, tmp_path: Path) -> None:
    lay_out(tmp_path / "logs")
    wrong, seen = round_of(ingests, tmp_path, same)
    assert wrong == []
    assert seen.looks >= 3
