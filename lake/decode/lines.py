"""Lines of a text, cut out of it all at once: each without its end, with its number in the object.
Of a short text Python looks at them one by one, of a long one Arrow at all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.headers import MAY_HEAD, NAMES, NUMBER
from lake.decode.shapes import Records, utf8
from lake.decode.tokens import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lake.decode.shapes import Shape


@dataclass(slots=True)
class Lines:
    """Lines without their ends, each with its number in the object (from 1).

    `original` and `encoding` keep the bytes of lines that are not UTF-8
    (`lake.decode.shapes.utf8`). Of a short text `text` is a Python list, as in `Records`.
    """

    text: pa.Array | list[str]
    position: np.ndarray
    original: pa.Array | None = None
    encoding: pa.Array | None = None

    def __len__(self) -> int:
        return len(self.position)

    def first(self, count: int) -> list[str]:
        """The first lines, so many or all."""
        first = self.text[:count]
        return first if isinstance(first, list) else list(first.to_pylist())

    def line(self, at: int) -> str:
        """The line at this place, from 0."""
        one = self.text[at]
        return one if isinstance(one, str) else str(one.as_py())

    def without_blank(self) -> Lines:
        """Those that have more than white space."""
        if isinstance(self.text, list):
            if all(map(str.strip, self.text)):
                return self
            kept = np.array([bool(line.strip()) for line in self.text])
        else:
            trimmed = pc.utf8_trim_whitespace(self.text)
            kept = pc.not_equal(trimmed, "").to_numpy(zero_copy_only=False)
        return self if kept.all() else self.kept(kept)

    def kept(self, mask: NDArray[np.bool_]) -> Lines:
        """Those for which the mask is true."""
        if isinstance(self.text, list):
            return Lines(list(compress(self.text, mask)), self.position[mask])
        taken = pa.array(mask)
        return self._taken(lambda a: a.filter(taken), mask)

    def part(self, part: slice) -> Lines:
        """A stretch of them."""
        return self._taken(lambda a: a[part], part)

    def beginning(self, mark: str) -> list[int]:
        """The places of those that begin with a mark."""
        if isinstance(self.text, list):
            return [at for at, line in enumerate(self.text) if line.startswith(mark)]
        found = pc.starts_with(self.text, mark).to_numpy(zero_copy_only=False)
        return list(np.flatnonzero(found).tolist())

    def maybe_headers(self) -> list[int]:
        """The places of those that may be headers."""
        if isinstance(self.text, list):
            return [at for at, line in enumerate(self.text) if MAY_HEAD.match(line)]
        hint = pc.match_substring_regex(self.text, NAMES)
        hinted = np.flatnonzero(hint.to_numpy(zero_copy_only=False))
        data = pc.match_substring_regex(self.text.take(pa.array(hinted)), NUMBER)
        found: list[int] = hinted[~data.to_numpy(zero_copy_only=False)].tolist()
        return found

    def of(self, shape: Shape) -> Records:
        """The lines as records of a shape."""
        return Records(
            shape, self.text, self.position, original=self.original, encoding=self.encoding
        )

    def _taken(self, take: Callable[[Any], Any], places: Any) -> Lines:  # noqa: ANN401
        return Lines(
            take(self.text),
            self.position[places],
            take(self.original) if self.original is not None else None,
            take(self.encoding) if self.encoding is not None else None,
        )


def split_lines(text: bytes, before: int = 0) -> Lines:
    """The lines of a text that has so many lines of the object `before` it, without their ends.
    What follows the last line end counts as a line only where it is not empty."""
    size = len(text) - text.endswith(b"\n")
    if size <= SHORT and text.isascii() and b"\r" not in text:
        return _numbered(before, text[:size].decode().split("\n"))
    # the text is looked at where it lies: copies of it cost four times what the cutting does
    offsets = pa.py_buffer(np.array([0, size], np.int32))
    whole = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        return _numbered(
            before, *utf8([line.removesuffix(b"\r") for line in text[:size].split(b"\n")])
        )
    array = pc.split_pattern(whole, "\n").values
    if b"\r" in text:
        array = pc.replace_substring_regex(array, r"\r$", "")
    return _numbered(before, array)


def _numbered(
    before: int,
    text: pa.Array | list[str],
    original: pa.Array | None = None,
    encoding: pa.Array | None = None,
) -> Lines:
    position = np.arange(before + 1, before + len(text) + 1, dtype=np.int64)
    return Lines(text, position, original, encoding)
