"""Text for places where Streamlit reads Markdown. Log text is written by attackers: what comes from
data, from a URL or from a file of somebody's goes through `plain` and shows as it is written, with
a mark for what does not print.
"""

from __future__ import annotations

import re

from lake.visible import visible

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")

_LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
"""Where an address that stands bare in a text, escaped or not, becomes a link: a word joiner, which
has no width, keeps it a text."""


def plain(text: str) -> str:
    """Text with every character escaped that Markdown, its directives or HTML would read."""
    shown = _LINK.sub("\u2060", visible(text.replace("\r", " ").replace("\n", " ")))
    return _MARKS.sub(r"\\\1", shown)


def count(number: float) -> str:
    """A number with its thousands set apart."""
    return f"{number:,}"


_BYTES = {"bytes": 1, "GiB": 2**30}


def figure(number: float, unit: str = "") -> str:
    """A figure of a panel: a count, or a measure with its unit, a size in what suits it."""
    if unit in _BYTES:
        size, units = number * _BYTES[unit], ["B", "KiB", "MiB", "GiB", "TiB"]
        while size >= 1024 and len(units) > 1:
            size, units = size / 1024, units[1:]
        return f"{size:,.3g} {units[0]}" if size < 1000 else f"{size:,.0f} {units[0]}"
    if isinstance(number, int):
        return count(number)
    text = f"{number:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {'s' if unit == 'seconds' else unit}".rstrip()
