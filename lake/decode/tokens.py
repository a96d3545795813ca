"""Lines -> lines whose fields end at `\\x1f`, quotes resolved, for every delimited format.

The ordinary line is cut by arithmetic on many lines at once. A line whose quotes do not add up
(AWS escapes neither quotes nor backslashes in a user agent reliably) is cut alone: by the source's
own pattern, else by the rule that a quote ends a field only before a delimiter. Quotes around the
items of a list (`"h2","http/1.1"`) go, the commas stay.
"""

from __future__ import annotations

import csv
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lake.sources.source import Delimited

SEPARATOR = "\x1f"
REPLACED = "\ufffd"
"""What a separator reads as that came in a line; `event.original` keeps it."""
BLOCK = 1 << 20
"""Bytes cut at a time: what stays in the processor's cache. 33 MB at once took twice as long."""
SHORT = 16 << 10
"""Bytes of a text whose lines Python has looked at before operations of Arrow and numpy start: they
were half of what an object of twenty flows took."""
_QUOTE, _COMMA, _BACKSLASH, _CUT = (ord(c) for c in '",\\\x1f')


def cut_fields(lines: pa.Array | list[str], given: Delimited) -> tuple[str, pa.Array | None]:
    """The separator of the fields, and the lines in which it stands between fields only; None
    where the lines themselves will do. An item is NULL where a line cannot be cut."""
    if isinstance(lines, list):
        if given.delimiter == " " and not given.quotes and not _any_idle_spaces(lines):
            return " ", None
        lines = pa.array(lines, pa.string())
    if given.delimiter == ",":
        return SEPARATOR, pa.array([_cut_csv(line) for line in lines.to_pylist()], pa.string())
    if given.quotes:
        return SEPARATOR, _cut_quoted(lines, given)
    if given.delimiter != " ":
        return given.delimiter, None
    if not has_idle_spaces(lines):
        return " ", None
    plain = pc.replace_substring(lines, SEPARATOR, REPLACED)
    return SEPARATOR, pc.replace_substring_regex(pc.utf8_trim(plain, " "), " +", SEPARATOR)


def has_idle_spaces(lines: pa.Array) -> bool:
    """Whether some space parts no two fields: one at the start or the end of a line, or behind
    another. On the bytes: Arrow looks for a pair in each line eight times as long."""
    text, offsets = _buffer(lines)
    if not len(text):
        return False
    # an empty line has none of its own: these are the neighbours'
    edges = np.concatenate((np.minimum(offsets[:-1], len(text) - 1), offsets[1:] - 1))
    if (text[edges] == ord(" ")).any():
        return True
    space = text == ord(" ")
    return bool(np.any(space[1:] & space[:-1]))


def _any_idle_spaces(lines: list[str]) -> bool:
    """The same of few lines."""
    text = "\n".join(["", *lines, ""])
    return "  " in text or "\n " in text or " \n" in text


def _cut_csv(line: str) -> str | None:
    """A line of a table exported as CSV, in which a quote is doubled (RFC 4180)."""
    try:
        (fields,) = csv.reader([line.replace(SEPARATOR, REPLACED)], strict=True)
    except (csv.Error, ValueError):
        return None
    return SEPARATOR.join(fields)


def _cut_quoted(lines: pa.Array, given: Delimited) -> pa.Array:
    data, offsets = _buffer(lines)
    parts: list[bytes] = []
    ends = np.zeros(len(lines) + 1, np.int64)
    odd: list[int] = []
    for first, last in _blocks(offsets):
        start = offsets[first]
        cut, lengths, careful = _cut_block(
            data[start : offsets[last]], offsets[first : last + 1] - start, given
        )
        parts.append(cut)
        ends[first + 1 : last + 1] = lengths
        odd += [first + int(at) for at in careful]
    np.cumsum(ends, out=ends)
    array = pa.StringArray.from_buffers(
        len(lines), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(parts))
    )
    if not odd:
        return array
    own = pa.array([cut_line(lines[at].as_py(), given) for at in odd], pa.string())
    order = np.arange(len(lines))
    order[odd] = np.arange(len(lines), len(lines) + len(odd))
    return pa.concat_arrays([array, own]).take(pa.array(order))


def _buffer(lines: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bytes and offsets of a string array, offsets from 0."""
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    view = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return view[ends[0] : ends[-1]], (ends - ends[0]).astype(np.int64)


def _blocks(offsets: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Runs of lines, first and one past the last, of about `BLOCK` bytes; a long line is alone."""
    marks = np.searchsorted(offsets, np.arange(BLOCK, offsets[-1], BLOCK))
    edges = np.unique([0, *marks, len(offsets) - 1])
    return list(pairwise(edges.tolist()))


def _cut_block(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], given: Delimited
) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]]:
    """The block's lines cut, one after another, their lengths, and the numbers of those that need
    care: they are left out of the text, with length 0."""
    quotes = data == _QUOTE
    marks = np.flatnonzero(quotes | _delimiters(data, offsets, given))
    quoting = quotes[marks]
    at = marks[quoting]
    careful = _careful_lines(data, offsets, at, given)
    if careful.any():
        kept = np.repeat(~careful, np.diff(offsets))
        sizes = np.where(careful, 0, np.diff(offsets))
        inner = np.concatenate(([0], np.cumsum(sizes)))
        cut, lengths, _ = _cut_block(data[kept], inner, given)
        return cut, lengths, np.flatnonzero(careful)
    out = data.copy()
    out[marks[~quoting & (np.cumsum(quoting) & 1 == 0)]] = _CUT
    lengths = np.diff(offsets) - np.diff(np.searchsorted(at, offsets))
    return out.tobytes().replace(b'"', b""), lengths, np.empty(0, np.int64)


def _delimiters(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], given: Delimited
) -> NDArray[np.bool_]:
    """Which bytes may end a field."""
    found: NDArray[np.bool_] = data == ord(given.delimiter)
    if given.whole:
        whole = given.whole.encode()
        starts = np.array(list(_places(data.tobytes(), whole)), np.int64)
        inside = starts[:, None] + np.arange(len(whole))
        # what begins in one line and ends in the next is no such text
        line = np.searchsorted(offsets, inside, side="right")
        found[inside[line[:, 0] == line[:, -1]]] = False
    return found


def _places(text: bytes, part: bytes) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _careful_lines(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    at: NDArray[np.int64],
    given: Delimited,
) -> NDArray[np.bool_]:
    """Which lines need care, `at` being the places of quotes: those whose quotes do not pair, stand
    inside a field, are escaped, more than the source has or where it has none, and those with a
    `\\x1f`."""
    bounds = np.searchsorted(at, offsets)
    counts = np.diff(bounds)
    careful: NDArray[np.bool_] = counts % 2 == 1
    if given.quoted:
        careful |= counts > 2 * given.quoted
    if given.clients:
        longer = np.flatnonzero(counts > 2 * given.clients)
        next_one = bounds[:-1][longer] + 2 * given.clients
        careful[longer[at[next_one] - at[next_one - 1] == 2]] = True
    if (data == _CUT).any():
        careful[np.searchsorted(offsets, np.flatnonzero(data == _CUT), side="right") - 1] = True
    if not len(at):
        return careful
    delimiter = ord(given.delimiter)
    padded = np.full(len(data) + 2, delimiter, np.uint8)
    padded[1:-1] = data
    before, after = padded[at], padded[at + 2]
    filled = counts > 0
    first, last = bounds[:-1][filled], bounds[1:][filled] - 1
    before[first[at[first] == offsets[:-1][filled]]] = delimiter
    after[last[at[last] + 1 == offsets[1:][filled]]] = delimiter
    # by its number in its line, an even quote opens and an odd one closes
    number = np.arange(len(at)) - np.repeat(bounds[:-1], counts)
    opens = number & 1 == 0
    listed = opens & (number > 0) & (before == _COMMA) & (np.diff(at, prepend=-9) == 2)
    listed[:-1] |= listed[1:]
    placed = (np.where(opens, before, after) == delimiter) | listed
    placed &= opens | (before != _BACKSLASH)
    if not placed.all():
        careful[np.searchsorted(offsets, at[~placed], side="right") - 1] = True
    return careful


def cut_line(line: str, given: Delimited) -> str | None:
    """One line whose quotes do not add up; None where a quote is left open. What the pattern finds
    no value for reads `-`, as in the line."""
    line = line.replace(SEPARATOR, REPLACED)
    match = given.pattern.fullmatch(line) if given.pattern is not None else None
    if match is None:
        return _cut_at_quotes(line, given.delimiter)
    groups = match.groupdict()
    fields = [groups.get(c) for c in given.columns]
    while fields and fields[-1] is None:
        fields.pop()
    missing = given.nulls[0] if given.nulls else ""
    return SEPARATOR.join(f if f is not None else missing for f in fields)


def _cut_at_quotes(line: str, delimiter: str) -> str | None:
    fields = []
    at = 0
    while True:
        quoted = line.startswith('"', at)
        end = at
        if quoted:
            end = _closing(line, at + 1, delimiter)
            if end < 0:
                return None
            fields.append(line[at + 1 : end].replace('","', ","))
            end += 1
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            fields.append(line[at:end])
        if end == len(line):
            return SEPARATOR.join(fields)
        at = end + 1


def _closing(line: str, at: int, delimiter: str) -> int:
    """Where the field that opened before `at` closes: at a quote before a delimiter or the end."""
    while (at := line.find('"', at)) >= 0:
        if line.startswith('","', at):
            at += 3
        elif at + 1 == len(line) or line[at + 1] == delimiter:
            return at
        else:
            at += 1
    return -1
