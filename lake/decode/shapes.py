"""Records as they travel from the decoder to the normaliser: Arrow text with its place, and the
shape that tells how it becomes columns. Text that is not UTF-8 keeps its bytes beside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from lake.decode.wrap import Wrap

PLACE_BITS = 40
"""Bits of a record's place in its object: more than it takes. Where several records lie at one
place, in an envelope on a line, the number of each among them (from 0) stands above these bits."""
PLACE = (1 << PLACE_BITS) - 1
HEADING = 0
"""In the place of a record's: a line that names the fields of those behind it."""
_NUMBERS = (1 << 63 - PLACE_BITS) - 1


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of a chunk become columns; chunks of one shape are normalised together.

    `kind` json: one STRUCT; rows: JSON objects that become such (`lake.decode.rows`); fields: a
    line cut at `separator`, (place from 1, column) in `columns`; members: a JSON object, (member,
    column); table: Arrow columns of `types`, (name, column or nothing). `width` is the number of
    fields a line must have, 0 where `least` is enough.
    """

    source: str
    kind: str
    columns: tuple[tuple[str, str], ...] = ()
    width: int = 0
    least: int = 0
    separator: str = "\x1f"
    types: tuple[str, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        told = self.source, self.kind, self.columns, self.width, self.least, self.separator
        object.__setattr__(self, "_hash", hash((*told, self.types)))

    def __hash__(self) -> int:
        """Once for all objects of a header: to hash its columns took as long as to unpack one."""
        return self._hash


@dataclass(slots=True)
class Records:
    """Records of one object and shape: text (UTF-8), place (from 1, see `PLACE_BITS`), envelope,
    and, where the text is not what came, the original. Few short lines of ASCII are a list of
    Python's: of objects of twenty lines each, to make Arrow's array of them object by object took
    as long as to unpack one."""

    shape: Shape
    text: pa.Array | list[str]
    position: np.ndarray
    wraps: list[Wrap] | None = None
    original: pa.Array | None = None
    encoding: pa.Array | None = None
    cut: pa.Array | None = None
    table: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.position)

    @property
    def nbytes(self) -> int:
        """Bytes of the texts, or of the table that stands for them."""
        if isinstance(self.text, list):
            return sum(map(len, self.text))
        return int(self.text.nbytes) + (self.table.nbytes if self.table is not None else 0)

    def pieces(self, rows: int, size: int) -> Iterator[Records]:
        """The same in pieces of at most so many records and about so many bytes."""
        if self.table is None and len(self) <= rows:
            text = self.text  # `nbytes` of an array takes five times as long
            held = self.nbytes if isinstance(text, list) else text.get_total_buffer_size()
            if held <= size:
                yield self
                return
        most = max(1, min(rows, size * len(self) // max(self.nbytes, 1)))
        if most >= len(self):
            yield self
            return
        for at in range(0, len(self), most):
            part = slice(at, at + most)
            yield Records(
                self.shape,
                self.text[part],
                self.position[part],
                self.wraps[part] if self.wraps is not None else None,
                self.original[part] if self.original is not None else None,
                self.encoding[part] if self.encoding is not None else None,
                self.cut[part] if self.cut is not None else None,
                self.table.slice(at, most) if self.table is not None else None,
            )


def numbered_place(place: int, number: int) -> int:
    """The place of a record that lies with others at one, being so many behind the first of them,
    which has the place alone."""
    return place | (number & _NUMBERS) << PLACE_BITS


def utf8(texts: list[bytes]) -> tuple[pa.Array, pa.Array | None, pa.Array | None]:
    """Texts as Arrow strings; those that are not UTF-8 with their bytes in base64 beside."""
    try:
        return pa.array(texts, pa.string()), None, None
    except pa.ArrowInvalid:
        pass
    good: list[str] = []
    original: list[str | None] = []
    encoding: list[str | None] = []
    for text in texts:
        try:
            good.append(text.decode())
            original.append(None)
            encoding.append(None)
        except UnicodeDecodeError:
            good.append(legible(text))
            original.append(base64.b64encode(text).decode())
            encoding.append("base64")
    return (
        pa.array(good, pa.string()),
        pa.array(original, pa.string()),
        pa.array(encoding, pa.string()),
    )


def legible(text: bytes) -> str:
    """Bytes as text, with U+FFFD for what is no UTF-8; one for half of a surrogate pair."""
    try:
        found = text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace")
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_it_came(text: str | None, original: str | None, encoding: str | None) -> bytes | str:
    """A record as it stood in its object: bytes where they are no UTF-8, else `original`, which is
    there where `text` was made of it."""
    if encoding is not None and original is not None:
        return base64.b64decode(original)
    return original if original is not None else text or ""
