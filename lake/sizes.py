"""Sizes as people write them, `4GB` or `800MB`, as bytes. The unit is a power of 1,000, with or
without an i: nobody who sets a limit means the difference."""

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
