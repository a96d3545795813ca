"""A query's rows on a terminal: a table whose texts fold to its width, or, where structures or many
columns do not fit beside each other, a row under the other with a line for each field that it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from lake.jsonvalues import is_number, shown
from lake.terminal import console, keep_wide
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rich.console import Console

MANY = 12
"""Columns over which a table that does not fit is read better as rows under each other."""
NAMES_WIDTH = 32
"""Columns after which a row's values stand; a longer name pushes its own value aside."""


def print_rows(
    names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]], out: TextIO
) -> None:
    """Write rows of columns of these types, and how many there are."""
    to = console(out)
    table = _table(names, kinds, rows)
    structures = any(kind.startswith("STRUCT") for kind in kinds)
    many = len(kinds) > MANY and _width(table, folded=True) > to.width
    if many or (structures and _width(table, folded=False) > to.width):
        _print_one_by_one(names, rows, to)
    else:
        to.print(table)
    out.write(f"({len(rows):,} row{'' if len(rows) == 1 else 's'})\n")


def _table(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, kind in zip(names, kinds, strict=True):
        table.add_column(
            Text(name), justify="right" if is_number(kind) else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    return keep_wide(table, *(at for at, kind in enumerate(kinds) if not is_number(kind)))


def _width(table: Table, *, folded: bool) -> int:
    """How wide a table is at least, with its texts folded or as they are."""
    widths = [
        column.min_width or 0
        if folded
        else max(cell_len(str(one)) for one in (column.header, *column.cells))
        for column in table.columns
    ]
    return sum(widths) + 2 * (len(widths) - 1)


def _print_one_by_one(names: Sequence[str], rows: Sequence[Sequence[Any]], to: Console) -> None:
    for number, row in enumerate(rows, 1):
        to.print(Text(f"row {number:,}", style="reverse"))
        for name, value in zip(names, row, strict=True):
            for field, text in _fields(name, value):
                to.print(Text.assemble((f"{field:{NAMES_WIDTH}}", "bold"), f"  {text}"))


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """What a value has, a STRUCT's members by their path, without what is NULL."""
    if isinstance(value, dict):
        for member, inner in value.items():
            yield from _fields(f"{name}.{member}", inner)
    elif value is not None:
        yield visible(name), shown(value)
