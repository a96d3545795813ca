"""Halves of surrogate pairs in JSON, as a writer leaves them that cuts a long value at a fixed
length: escapes that no UTF-8 can stand for. The text is mended, and what came is kept."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from lake.decode.pieces import Piece, is_value

if TYPE_CHECKING:
    from lake.decode.wrap import Wrap

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)"
)
"""An escape; the group is half of a surrogate pair."""
_OWN = secrets.token_hex(8).encode()
"""What a mark for half of a pair has that nobody can have written into a log."""
_HALF = re.compile(rb"(\\ufdd0|\xef\xb7\x90)" + _OWN + rb"([\da-fA-F]{4})")
_HALF_IN_TEXT = re.compile("\ufdd0" + _OWN.decode() + r"[\da-fA-F]{4}")
ESCAPED = r"\\u[dD][89a-fA-F]"
"""The beginning of an escaped surrogate, of which one may lack its other half."""
_SURROGATE = re.compile(ESCAPED.encode())


def mended(text: bytes) -> bytes | None:
    """The text with U+FFFD for halves of surrogate pairs, as a writer leaves them that cuts a long
    value at a fixed length; None where other things are wrong with it."""
    good = _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], text)
    return good if good != text and is_value(good) else None


def marked(text: bytes) -> bytes:
    """JSON with a mark for each half of a surrogate pair, by which `unmarked` finds it again in
    whatever is taken out of it."""
    return _ESCAPE.sub(
        lambda escape: b"\\ufdd0" + _OWN + escape[1][1:] if escape[1] else escape[0], text
    )


def unmarked(piece: Piece) -> Piece:
    """What was taken out of such JSON: U+FFFD for the marks, and what stood there as `came`; an
    escape where that is JSON still, else the three bytes that are no UTF-8."""
    if _OWN not in piece.text:
        return piece
    text = _HALF.sub(lambda m: b"\\ufffd" if m[1][:1] == b"\\" else "\ufffd".encode(), piece.text)
    return Piece(text, piece.reason, came=_HALF.sub(_as_it_stood, piece.came or piece.text))


def unmarked_wrap(wrap: Wrap) -> Wrap:
    """What such JSON says of a record, with U+FFFD for the marks."""
    told = {n: t for n, t in asdict(wrap).items() if t is not None and _OWN.decode() in t}
    return replace(wrap, **{n: _HALF_IN_TEXT.sub("\ufffd", t) for n, t in told.items()})


def _as_it_stood(half: re.Match[bytes]) -> bytes:
    if half[1][:1] == b"\\":
        return b"\\u" + half[2]
    return chr(int(half[2], 16)).encode("utf-8", "surrogatepass")


def has_surrogates(text: bytes) -> bool:
    """Whether the text escapes surrogates, of which one may lack its other half."""
    return _SURROGATE.search(text) is not None
