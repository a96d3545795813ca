"""Strangers: records among those of another source, each recognised by itself.

An object is recognised by its first records; what its source does not accept comes here with all
that is known of it (envelope, bytes that are not UTF-8). What no source knows becomes a reject.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lake.decode.envelopes import OPENER
from lake.decode.headers import line_shape, members_shape
from lake.decode.pieces import members_of
from lake.decode.read_json import cut_lines
from lake.decode.shapes import Records, numbered_place, utf8
from lake.decode.wrap import NO_WRAP, Wrap, joined
from lake.normalize.records import Pending
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lake.decode.shapes import Shape


@dataclass(frozen=True, slots=True)
class Stranger:
    """A record that a source does not accept: where it lay, what wrapped it and, where its text is
    not what came, the original. `refused`: why, where the source says it; `broken`: why it is no
    record at all."""

    object: int
    base: int
    position: int
    text: str
    wrap: Wrap = NO_WRAP
    original: str | None = None
    encoding: str | None = None
    broken: str | None = None
    refused: str | None = None

    def opened(self) -> list[Stranger]:
        """The records in it where it is an envelope, else itself. They have one place; so that
        equal ones stay two, each has a `base` of its own."""
        coded = self.encoding == "base64" and self.original is not None
        inner = OPENER.unwrap(
            base64.b64decode(self.original or "") if coded else self.text.encode()
        )
        if inner is None:
            return [self]
        found = []
        for number, (piece, wrap) in enumerate(inner):
            text, original, encoding = utf8([piece.text])
            found.append(
                replace(
                    self,
                    base=self.base ^ numbered_place(0, number),
                    text=text[0].as_py(),
                    wrap=joined(wrap, self.wrap),
                    original=None if original is None else original[0].as_py(),
                    encoding=None if encoding is None else encoding[0].as_py(),
                    broken=piece.reason,
                )
            )
        return found

    def shape(self, but: str) -> Shape | None:
        """How it becomes columns; None where no source `but` this one knows it."""
        members = members_of(self.text.encode())
        if members is None:
            by_line = (s for s in catalogue().by_line(self.text) if s.name != but)
            shapes = (line_shape(s, self.text) for s in by_line if not s.fits_tabs(self.text))
            return next(filter(None, shapes), None)
        found = [s for s in catalogue().by_members(members) if s.name != but]
        return members_shape(found[0], members) if found else None


def as_pending(shape: Shape, strangers: Sequence[Stranger]) -> list[Pending]:
    """Records of one shape as a chunk takes them; lines are cut, which may change it."""
    parts: dict[tuple[int, int], list[Stranger]] = defaultdict(list)
    for one in strangers:
        parts[one.object, one.base].append(one)
    return [Pending(number, base, _records(shape, own)) for (number, base), own in parts.items()]


def _records(shape: Shape, strangers: Sequence[Stranger]) -> Records:
    wraps = [one.wrap for one in strangers]
    records = Records(
        shape,
        pa.array([one.text for one in strangers], pa.string()),
        np.array([one.position for one in strangers], np.int64),
        wraps if any(wrap != NO_WRAP for wrap in wraps) else None,
        pa.array([one.original for one in strangers], pa.string()),
        pa.array([one.encoding for one in strangers], pa.string()),
    )
    delimited = catalogue()[shape.source].delimited
    return cut_lines(records, delimited) if shape.kind == "fields" and delimited else records
