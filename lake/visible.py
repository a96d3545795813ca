"""Text of a log as something that can be looked at. Logs hold what attackers write: terminal
escapes, controls (C0, C1, DEL), marks that turn the direction of reading, characters of no width.
What is shown has a mark in place of each; what is stored, exported or asked for stays as it is.
"""

from __future__ import annotations

import re

LONGEST = 1_000
"""Characters of a value that a table or a chart shows."""

_BARE = re.compile(r"[^ -~]")
MARK = "\N{REPLACEMENT CHARACTER}"


def visible(text: str) -> str:
    r"""Text with a mark for every character that does not print, line breaks among them.

    >>> visible('\x1b[2J\u202egpj.exe\n')
    '�[2J�gpj.exe�'
    """
    if text.isprintable():
        return text
    return _BARE.sub(lambda match: match[0] if match[0].isprintable() else MARK, text)


def visible_lines(text: str) -> str:
    """The same, with its line breaks kept."""
    return "\n".join(map(visible, text.split("\n")))


def shortened(text: str, longest: int = LONGEST) -> str:
    """As `visible`, cut where it is longer, and then said how long it is."""
    if len(text) <= longest:
        return visible(text)
    return f"{visible(text[:longest])} \N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"
