"""A piece that is no record, and what of its text is kept as a reject."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

REJECT_TEXT = 4096
"""Bytes of a rejected record that are kept; with the length and hash of the whole."""


@dataclass(slots=True)
class Refused:
    """A piece that could not become a record: its place, why, and its text."""

    position: int
    reason: str
    text: str


class LongText:
    """Text that comes in parts and is too long to be kept: its head, length and hash."""

    def __init__(self, text: bytes = b"") -> None:
        self._head = text[:REJECT_TEXT]
        self._size = len(text)
        self._hash = hashlib.sha256(text)

    def add(self, text: bytes) -> None:
        """The next part."""
        self._head += text[: REJECT_TEXT - len(self._head)]
        self._size += len(text)
        self._hash.update(text)

    def __str__(self) -> str:
        head = self._head.decode("utf-8", "backslashreplace")
        return f"{head}... ({self._size:,} bytes, sha256 {self._hash.hexdigest()})"


def reject_text(text: bytes | str) -> str:
    """A rejected record's text, its head with length and hash where it is long."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(data) <= REJECT_TEXT:
        return data.decode("utf-8", "backslashreplace")
    return str(LongText(data))
