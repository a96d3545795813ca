"""What an import brings along: the core stays free of the user interface, and a package draws only
on those below it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lake

UI = ("streamlit", "altair", "pandas")
CORE = ("lake", "lake.dashboards.panels", "lake.query", "lake.cli")
PACKAGE = Path(lake.__file__).parent
LAYERS = (
    *("objects", "sources", "enrich", "decode", "normalize", "store", "filters", "serve", "stage"),
    *("upkeep", "ingest", "query", "documents", "dashboards", "ask", "export", "demo", "commands"),
    *("cli", "ui"),
)
"""From the bottom up, as `docs/design.md` has them; what is not named here is below all of them."""


@pytest.mark.parametrize("module", CORE)
def test_the_core_loads_no_user_interface(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {UI} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def layer(module: str) -> int:
    """-1: what every layer may use."""
    return LAYERS.index(module) if module in LAYERS else -1


def drawn_on(path: Path) -> set[str]:
    """The layers that a file imports from, within functions and for types as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            own = node.module == "lake"
            names = [f"lake.{alias.name}" for alias in node.names] if own else [node.module]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("lake.")}
    return found


def test_a_layer_draws_only_on_those_below_it() -> None:
    upwards = []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if own in ("__init__", "__main__"):
            continue
        upwards += [
            f"{path.relative_to(PACKAGE)} -> {other}"
            for other in sorted(drawn_on(path))
            if layer(other) > layer(own)
        ]
    assert upwards == []


def test_every_package_has_a_layer() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(LAYERS)
