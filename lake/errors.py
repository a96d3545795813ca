"""The errors of the project. Each says what happened, with which object or record, and ends with
what to do next. The command line prints the message and exits with `exit_code`."""

from __future__ import annotations

import re

_FRAMES = re.compile(r"\n +0: [^\n]*(?:\n +(?:\d+: |at )[^\n]*)*(?:\n|\Z)")
"""Rust's stack, which comes with an error where RUST_BACKTRACE is set."""


class LakeError(Exception):
    """Base of every error that a user can act on."""

    exit_code = 1


class UsageError(LakeError):
    """Wrong use: a folder that is not there, an unknown name, an option that does not fit."""

    exit_code = 2


class LakeVersionError(LakeError):
    """The lake was written by a newer version of siem-lake."""

    exit_code = 2


class ModelError(LakeError):
    """A lake's table holds leaves that the present row model has not, or has of another type."""

    exit_code = 2


class AccessError(LakeError):
    """A bucket, a prefix or a file that may not be read; no credentials."""

    exit_code = 2


class StorageError(LakeError):
    """The lake's own disk failed: full, read-only, gone. Nothing committed before it is lost."""


class SourceError(LakeError):
    """A folder under transforms/ that contradicts itself (a wrong name, an unknown column)."""

    exit_code = 2


class DecodeError(LakeError):
    """An object whose bytes cannot be read further; what came before it is kept."""


class LimitError(DecodeError):
    """An object that becomes too large once it is unpacked. `limit`: bytes that it may become; what
    was read under a smaller limit than the present one is read again."""

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


def is_interrupt(error: Exception) -> bool:
    """Whether it is what DuckDB makes of Ctrl-C."""
    return "Query interrupted" in str(error)


def in_plain_words(text: str) -> str:
    """Without the colours, the indented arrows and the stack that delta-rs puts into its errors."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", _FRAMES.sub("", text))
    text = re.sub(r"\s*\u21b3\s*", ": ", text)
    return re.sub(r"\s+\. (?=[A-Z])", ". ", text)


def unknown_name(kind: str, name: str, known: list[str]) -> UsageError:
    """An error that lists the known names, so that the next try is right."""
    return UsageError(f"unknown {kind} '{name}'. Known: {', '.join(sorted(known)) or 'none'}.")
