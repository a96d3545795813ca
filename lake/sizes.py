"""Sizes and counts as people write and read them.

A limit that somebody sets, `4GB` or `800MB`, is in powers of 1,000, with or without an i: nobody
means the difference. What is printed is in powers of 1,024, and says so."""

from __future__ import annotations

import re

from lake.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(?:i?[bB])?")


def parse_size(text: str, where: str) -> int:
    """Bytes. Raises UsageError, which names the option or variable `where` it stands."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{where} {text}: write a size as 4GB or 800MB.")
    power = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}[match.group(2).lower()]
    return int(float(match.group(1)) * 1000**power)


def counted(count: int, one: str, many: str = "") -> str:
    """A count with the noun that fits it.

    >>> counted(1, "file"), counted(1200, "file"), counted(0, "entry", "entries")
    ('1 file', '1,200 files', '0 entries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size_text(count: float) -> str:
    """Bytes in the unit that leaves one to four digits: `3.4 MiB` (powers of 1,024)."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
