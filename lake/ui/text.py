"""Text for places where Streamlit reads Markdown. Log text is written by attackers: what comes from
data, from a URL or from a file of somebody's goes through `plain` and shows as it is written.
"""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$<>:&@])")


def plain(text: str) -> str:
    """Text with every character escaped that Markdown, its directives or HTML would read."""
    return _MARKS.sub(r"\\\1", text.replace("\r", " ").replace("\n", " "))


def count(number: float) -> str:
    """A number with its thousands set apart."""
    return f"{number:,}"
