"""The command line's three streams: UTF-8 whatever the locale, there also where the shell has
closed them, and a result that nobody takes has an error of its own."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class ResultLostError(OSError):
    """stdout does not take what is written to it: a full disk, or closed."""


class _Stdout(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ResultLostError(error.errno, error.strerror) from error


def make_streams_ready() -> None:
    """A closed stdin is empty, a closed stdout refuses what is written to it. Without them the next
    files that are opened would have their numbers. What a test has put in their places stays."""
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    shown = sys.stdout
    if shown is None:
        sys.stdout = _stdout(os.open(os.devnull, os.O_RDONLY))
    elif shown is sys.__stdout__ and isinstance(shown, io.TextIOWrapper):
        sys.stdout = _stdout(shown.fileno(), shown.errors, shown.line_buffering)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")


def _stdout(number: int, errors: str | None = None, lines: bool = False) -> io.TextIOWrapper:
    raw = _Stdout(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", errors, line_buffering=lines)


def drop_result() -> None:
    """So that the end of the program does not try again to write it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
