"""Ingests that are killed at random moments: see `crash.py`, which makes more of them by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crash import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long


@pytest.mark.parametrize("s3", [False, pytest.param(True, marks=pytest.mark.s3)], ids=str)
def test_kills_at_random_moments(s3: bool, tmp_path: Path) -> None:
    findings = run(kills=10, seed=20, s3=s3, work=tmp_path)
    assert findings.errors == []
    assert (findings.lost, findings.doubled) == (0, 0)
    assert findings.kills >= 10
