"""What an import brings along: the core stays free of the user interface."""

from __future__ import annotations

import subprocess
import sys

import pytest

UI = ("streamlit", "altair", "pandas")
CORE = ("lake", "lake.panels", "lake.query", "lake.cli")


@pytest.mark.parametrize("module", CORE)
def test_the_core_loads_no_user_interface(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {UI} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
