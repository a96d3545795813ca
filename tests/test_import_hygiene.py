"""What an import brings along: the core stays free of the user interface, and a package draws only
on those below it."""

from __future__ import annotations

import ast
import pydoc
import subprocess
import sys
from graphlib import TopologicalSorter
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
    own = module.split(".")[1]
    return LAYERS.index(own) if own in LAYERS else -1


def drawn_on(path: Path) -> set[str]:
    """The modules that a file imports from, within functions and for types as well."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inner or {node.module}
    return found & MODULES.keys()


MODULES = {
    ".".join(("lake", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.stem not in ("__init__", "__main__")
}
DRAWN_ON = {name: drawn_on(path) for name, path in MODULES.items()}


def test_a_layer_draws_only_on_those_below_it() -> None:
    upwards = [
        f"{name} -> {other}"
        for name, others in DRAWN_ON.items()
        for other in sorted(others)
        if layer(other) > layer(name)
    ]
    assert upwards == []


def test_no_modules_need_each_other() -> None:
    TopologicalSorter(DRAWN_ON).prepare()  # raises CycleError, which names them


def test_every_package_has_a_layer() -> None:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(LAYERS)


def test_help_lists_the_public_names() -> None:
    """They load when they are first used; pydoc asks `dir` for what there is."""
    text = pydoc.plaintext.document(lake)
    assert "class Lake(" in text
    assert "class LakeError(" in text
    assert "open = open_lake(path" in text
