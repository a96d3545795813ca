"""Every text of the interface: what modules, dashboards and queries have that a page may say, so
that a table of strings can be held against it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import lake
from lake.ask.at_hand import functions
from lake.ask.explore import explored, title_of
from lake.ask.plot import KINDS
from lake.dashboards.dashboards import dashboards
from lake.dashboards.scope import STEPS
from lake.filters.entities import kinds
from lake.filters.filters import ALONE, OPS
from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import EVENTS
from lake.ui.sidebar import REFRESH, SPANS

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = Path(lake.__file__).parent
SAID = ("say", "Sentence", "wrong", "choice")
"""Functions whose first argument, where it is written out, is a text of the interface."""


def spoken() -> set[str]:
    """The texts that stand in the code, as the first argument of a function that says them."""
    found = set()
    for path in CODE.rglob("*.py"):
        code = path.read_text()
        if path.name == "words.py" or ".words import" in code:
            found |= set(_spoken(ast.parse(code)))
    return found


def _spoken(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in SAID:
                yield from _written(node.args[0])


def _written(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _written(node.body)
        yield from _written(node.orelse)


def listed() -> set[str]:
    """The texts that are data: of dashboards and their queries, of lists to choose from."""
    found = {title_of(table) for table in (EVENTS, *catalogue().sources)}
    found |= {*OPS.values(), *SPANS, *REFRESH, *KINDS.values()}
    for op, said in OPS.items():
        found.add(f"{{field}} {said}" + ("" if op in ALONE else " {value}"))
    found |= {kind.title for kind in kinds().values()} | {name for name, _ in STEPS}
    found |= {says for _, says in functions()}
    found |= {one.reason.partition(" (")[0] for one in catalogue().ignored}
    for dashboard in (*dashboards().values(), explored(EVENTS, ["source.ip"])):
        found |= {dashboard.label, dashboard.about if dashboard.entity else ""}
        for panel in dashboard.panels:
            found |= {panel.label, panel.section, panel.unit, panel.empty, panel.about}
    return found - {""}


def written() -> set[str]:
    """Every text that is written out in the code or in a query: what a page may say by another way
    than the above, such as the name of a column."""
    found = set()
    for path in CODE.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text()))
        found |= {node.value for node in nodes if isinstance(node, ast.Constant)}
    for panel in (panel for one in dashboards().values() for panel in one.panels):
        found |= {one or two for one, two in re.findall(r"\"([^\"]*)\"|'([^']*)'", panel.block.sql)}
    texts = {text for text in found if isinstance(text, str)}
    texts |= {one for text in texts for one in re.findall(r"'([^']*)'", text)}  # of SQL in the code
    return texts | {text.partition(" (")[0] for text in texts}  # a reason without its details
