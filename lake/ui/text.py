"""Text for places where Streamlit reads Markdown. Log text is written by attackers: what comes from
data, from a URL or from a file of somebody's goes through `plain` and shows as it is written, with
a mark for what does not print.
"""

from __future__ import annotations

import re
from unicodedata import east_asian_width

from lake.visible import visible

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")

_LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
"""Where an address that stands bare in a text, escaped or not, becomes a link: a word joiner, which
has no width, keeps it a text."""


_CODE = re.compile(r"(`lake [a-z][A-Za-z -]*`)")
"""A command of ours, which stands as code. Whoever writes one into a log gets no more than that."""


def plain(text: str) -> str:
    """Text with every character escaped that Markdown, its directives or HTML would read, but for
    commands such as `lake ingest WHERE`."""
    shown = _LINK.sub("\u2060", visible(text.replace("\r", " ").replace("\n", " ")))
    parts = _CODE.split(shown)
    parts[::2] = [_MARKS.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def named(shown: str, name: str) -> str:
    """The label of one button of many that show the same: what tells it from the others stands in
    it for a screen reader, and `style.css` hides it from the eye."""
    return f"{shown} :small[{plain(name)}]".lstrip()


def width(text: str) -> int:
    """How wide a text is, in letters of the alphabet: those of Japanese take the room of two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def count(number: float) -> str:
    """A number with its thousands set apart."""
    return f"{number:,}"


BYTES = {"bytes": 1, "GiB": 2**30}
"""Units in which a panel may give sizes -> bytes."""
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def size_unit(number: float, unit: str) -> tuple[str, float]:
    """The unit in which a size of a unit of `BYTES` is best read, and how many of that it takes to
    make one of it. Powers of 1,024, and called so."""
    size, place = number * BYTES[unit], 0
    while size >= 1024 and place + 1 < len(_SIZES):
        size, place = size / 1024, place + 1
    return _SIZES[place], BYTES[unit] / 1024**place


def figure(number: float, unit: str = "") -> str:
    """A figure of a panel: a count, or a measure with its unit, a size in what suits it."""
    if unit in BYTES:
        name, times = size_unit(number, unit)
        size = number * times
        return f"{size:,.3g} {name}" if size < 1000 else f"{size:,.0f} {name}"
    if isinstance(number, int):
        return count(number)
    text = f"{number:,.3f}".rstrip("0").rstrip(".")
    return f"{text} {'s' if unit == 'seconds' else unit}".rstrip()
