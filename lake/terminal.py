"""How the command line prints: tables that a narrow terminal does not cut, and a line on stderr
that says what goes on."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from rich.table import Table

NARROWEST = 80
"""Columns that are printed at least, however narrow the terminal says that it is."""
TEXT_WIDTH = 8
"""Columns that a text keeps in a table that is wider than the terminal; the rest folds."""


def console(file: IO[str] | None = None, *, stderr: bool = False) -> Console:
    """What prints to stdout, stderr or a file; it breaks and cuts no line."""
    made = Console(file=file, stderr=stderr, soft_wrap=True)
    made.width = max(made.width, NARROWEST)
    return made


def keep_wide(table: Table, *texts: int) -> Table:
    """Let a table that is filled be as wide as its figures, days and names, beside these columns of
    texts, whatever the terminal's width: else they would be cut, and whole columns vanish."""
    for number, column in enumerate(table.columns):
        cells = (cell if isinstance(cell, Text) else Text(str(cell)) for cell in column.cells)
        lengths = (cell_len(line) for cell in cells for line in cell.plain.split("\n"))
        widest = max(lengths, default=0)
        column.min_width = min(widest, TEXT_WIDTH) if number in texts else widest
    return table


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Gives the function that says what goes on; on a terminal one line, else a line every 10 s."""
    last = time.monotonic()
    live = sys.stderr.isatty()

    def say(text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < (0.1 if live else 10.0):
            return
        last = now
        shown = visible(text)
        sys.stderr.write("\r\x1b[2K" + shown if live else shown + "\n")
        sys.stderr.flush()

    try:
        yield say
    finally:
        if live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
