"""A sentence of the interface that can be said in another language: its English, and what that was
made of. Whoever writes one (`lake.dashboards.notes`, `lake.filters.filters`) knows no other
language; the pages look the template up (`lake.ui.words`), and everything else has plain text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Sentence(str):
    """An English text of a template with named places. A value that is a Sentence is one of ours,
    too; any other is data, which no translation touches.

    >>> Sentence("{count} of {name}", count="3", name=Sentence("rows"))
    '3 of rows'
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, **values: str) -> Self:
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made


def translated(text: str, table: Mapping[str, str]) -> str:
    """A text of ours by a table of English -> another language, its values in their places; what
    the table lacks stays English."""
    if not isinstance(text, Sentence) or not text.values:
        return table.get(text, str(text)) if text else ""
    values = {
        name: translated(value, table) if isinstance(value, Sentence) else value
        for name, value in text.values.items()
    }
    return table.get(text.template, text.template).format(**values)


def either(values: Sequence[str]) -> str:
    """Values of which any is meant, as a sentence says it: data stays what it is."""
    if len(values) < 2:
        return values[0] if values else ""
    return Sentence("{first} or {second}", first=either(values[:-1]), second=values[-1])
