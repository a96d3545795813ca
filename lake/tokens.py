"""Lines -> lines whose fields end at `\\x1f`, quotes resolved, for every delimited format.

The ordinary line is cut by arithmetic on the whole buffer at once. A line whose quotes do not add
up (AWS escapes neither quotes nor backslashes in a user agent reliably) is cut alone: by the
source's own pattern, else by the rule that a quote ends a field only before a delimiter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from lake.sources import Delimited

SEPARATOR = "\x1f"
_QUOTE, _SPACE, _COMMA, _BACKSLASH, _CUT = (ord(c) for c in '" ,\\\x1f')


def cut_fields(lines: pa.Array, given: Delimited) -> tuple[str, pa.Array | None]:
    """The separator of the fields, and the lines in which it stands between fields only; None
    where the lines themselves will do. An item is NULL where a line cannot be cut."""
    if not given.quotes:
        spaced = given.delimiter == " " and b"  " in _bytes(lines)
        if not spaced:
            return given.delimiter, None
        plain = pc.replace_substring(lines, SEPARATOR, " ")
        return SEPARATOR, pc.replace_substring_regex(pc.utf8_trim(plain, " "), " +", SEPARATOR)
    return SEPARATOR, _cut_quoted(lines, given)


def _bytes(lines: pa.Array) -> bytes:
    return _buffer(lines)[0].tobytes()


def _cut_quoted(lines: pa.Array, given: Delimited) -> pa.Array:
    data, offsets = _buffer(lines)
    odd = _odd_lines(data, offsets)
    if not odd.any():
        return _cut_buffer(data, offsets, given)
    even = np.flatnonzero(~odd)
    cut: list[str | None] = [None] * len(lines)
    kept = lines.take(pa.array(even))
    for at, text in zip(even, _cut_buffer(*_buffer(kept), given).to_pylist(), strict=True):
        cut[at] = text
    for at in np.flatnonzero(odd):
        cut[at] = cut_line(lines[int(at)].as_py(), given)
    return pa.array(cut, pa.string())


def _buffer(lines: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Bytes and offsets of a string array whose strings lie one after another from 0."""
    lines = pa.concat_arrays([lines]) if lines.offset else lines
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    view = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return view[ends[0] : ends[-1]], (ends - ends[0]).astype(np.int64)


def _odd_lines(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Which lines need care: quotes that do not pair or stand inside a field, escapes, `\\x1f`."""
    at = np.flatnonzero((data == _QUOTE) | (data == _BACKSLASH) | (data == _CUT))
    line = np.searchsorted(offsets, at, side="right") - 1
    odd = np.zeros(len(offsets) - 1, bool)
    quote = data[at] == _QUOTE
    odd[line[data[at] == _CUT]] = True
    escaped = ~quote & (data[at] == _BACKSLASH)
    follows = at[escaped] + 1
    followed = np.zeros(len(follows), bool)
    inside = follows < len(data)
    followed[inside] = data[follows[inside]] == _QUOTE
    odd[line[escaped][followed]] = True
    at, line = at[quote], line[quote]
    counts = np.bincount(line, minlength=len(odd))
    odd |= counts % 2 == 1
    if not len(at):
        return odd
    order = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    opens = order % 2 == 0
    before = np.where(at > offsets[line], data[np.maximum(at - 1, 0)], _SPACE)
    after_at = at + 1
    after = np.where(
        after_at < offsets[line + 1], data[np.minimum(after_at, len(data) - 1)], _SPACE
    )
    placed = np.where(
        opens, (before == _SPACE) | (before == _COMMA), (after == _SPACE) | (after == _COMMA)
    )
    odd[line[~placed]] = True
    return odd


def _cut_buffer(data: np.ndarray, offsets: np.ndarray, given: Delimited) -> pa.Array:
    """Replace every delimiter outside quotes and drop the quotes, over the whole buffer."""
    out = data.copy()
    quote = data == _QUOTE
    inside = np.cumsum(quote, dtype=np.int32) & 1
    out[(data == ord(given.delimiter)) & (inside == 0)] = _CUT
    keep = ~quote
    kept = np.zeros(len(data) + 1, np.int32)
    np.cumsum(keep, out=kept[1:])
    return pa.StringArray.from_buffers(
        len(offsets) - 1,
        pa.py_buffer(kept[offsets].astype(np.int32).tobytes()),
        pa.py_buffer(out[keep].tobytes()),
    )


def cut_line(line: str, given: Delimited) -> str | None:
    """One line whose quotes do not add up. NULL values stay `-`, as in the line."""
    if given.pattern is not None:
        match = given.pattern.fullmatch(line)
        if match is not None:
            groups = match.groupdict()
            fields = [groups.get(c) for c in given.columns]
            while fields and fields[-1] is None:
                fields.pop()
            return SEPARATOR.join(
                (f if f is not None else given.nulls[0]).replace(SEPARATOR, " ") for f in fields
            )
    return _cut_at_quotes(line.replace(SEPARATOR, " "), given.delimiter)


def _cut_at_quotes(line: str, delimiter: str) -> str | None:
    fields = []
    at = 0
    while at < len(line):
        if line[at] == '"':
            end = at + 1
            while True:
                end = line.find('"', end)
                if end < 0:
                    return None
                if end + 1 == len(line) or line[end + 1] == delimiter:
                    break
                end += 1
            fields.append(line[at + 1 : end])
            at = end + 2
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            fields.append(line[at:end])
            at = end + 1
    return SEPARATOR.join(fields)
