"""Opens what wraps records, whatever kinds of envelopes there are: `lake.decode.envelopes` names
these, and opens each with the means that an `Opener` has.

An envelope is told by its members, never by the object's key. What is inside may be an envelope
again, text that holds JSON or lines, or base64; it is handed out as it came, with what the
envelopes say of it.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec

from lake.decode.cutter import Cutter
from lake.decode.envelope_members import decoded, text_of
from lake.decode.frames import items, values
from lake.decode.pieces import MAX_RECORD, Piece, is_value, text_lines
from lake.decode.shippers import records_within, shipped_text
from lake.decode.surrogates import has_surrogates, marked, unmarked, unmarked_wrap
from lake.decode.wrap import NO_WRAP, Wrap, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    Inside = Iterator[tuple[Piece, Wrap]]
    """What is inside an envelope: pieces, with what it says of each."""


@dataclass(frozen=True, slots=True)
class Told:
    """A JSON object that may be an envelope: its text, and of the members that envelopes name those
    that it has, each as its JSON."""

    text: bytes
    members: Mapping[str, bytes]

    def word(self, name: str) -> str | None:
        """A member as text; None where it is not there, null, an object or a list."""
        return text_of(self.members.get(name, b""))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A kind of envelope.

    `members` tell it: a JSON object is one where it has all of them, each beginning as said here
    (b"[" a list, b"" whatever). Name one first that few other objects have, and last the one that
    holds the records: `opens` takes its JSON, in which `has` stands somewhere. Where `opens` gives
    None the object is none after all. `says` are members that it reads besides.
    """

    name: str
    members: Mapping[str, bytes]
    opens: Callable[[Opener, bytes, Told], Inside | None]
    has: bytes = b""
    says: tuple[str, ...] = ()

    def opened(self, opener: Opener, told: Told) -> Inside | None:
        """What is inside; None where the object is none of this kind."""
        held = b""
        for name, begins in self.members.items():
            found = told.members.get(name)
            if found is None or not found.startswith(begins):
                return None
            held = found
        return self.opens(opener, held, told) if self.has in held else None


class Opener:
    """Opens envelopes of the kinds it is given; of several that fit the first one counts."""

    def __init__(self, envelopes: Sequence[Envelope]) -> None:
        self._by_member: dict[str, list[tuple[int, Envelope]]] = defaultdict(list)
        for order, envelope in enumerate(envelopes):
            self._by_member[next(iter(envelope.members))].append((order, envelope))
        self._decoder = _members_decoder({n for e in envelopes for n in (*e.members, *e.says)})

    def told(self, text: bytes) -> Told | None:
        """What of a JSON object's members may tell an envelope; None where the text is no
        object."""
        found = decoded(self._decoder, text)
        if found is None:
            return None
        return Told(text, {name: bytes(raw) for name, raw in found.items()})

    def unwrap(self, value: bytes) -> Inside | None:
        """The records inside an envelope, or None where the value is no envelope."""
        if value[:1] == b'"':
            return self.text(text_of(value))
        told = self.told(value)
        if told is None:
            return self._mended(value) if has_surrogates(value) and not is_value(value) else None
        by_member = self._by_member
        fitting = [one for name in told.members if name in by_member for one in by_member[name]]
        for _, envelope in sorted(fitting, key=itemgetter(0)) if len(fitting) > 1 else fitting:
            if (inside := envelope.opened(self, told)) is not None:
                return inside
        return None

    def unwrapped(self, piece: Piece) -> Inside | None:
        """The same of a piece that may have been mended; what its envelope escapes of half a
        surrogate pair is in `came`."""
        if piece.came is None:
            return self.unwrap(piece.text)
        inner = self.unwrap(marked(piece.came))
        if inner is None:
            return None
        return ((unmarked(one), unmarked_wrap(wrap)) for one, wrap in inner)

    def text(self, text: str | None) -> Inside | None:
        """The record that a JSON string holds, or what is in it where that is an envelope again."""
        return self._within(text.encode("utf-8", "surrogatepass")) if text else None

    def base64(self, text: str | None) -> Inside | None:
        """The same of base64, and of gzip in it; None where it is no such thing."""
        try:
            data = base64.b64decode(text or "", validate=True)
            if data[:2] == b"\x1f\x8b":
                stream = zlib.decompressobj(31)
                data = stream.decompress(data, MAX_RECORD)
                if not stream.eof:
                    return None
        except (binascii.Error, ValueError, zlib.error):
            return None
        return self._within(data.strip())

    def shipped(self, value: bytes) -> Inside | None:
        """What a log shipper's JSON holds beside its own members (`shipped_text`)."""
        return self.text(shipped_text(value))

    def listed(self, array: bytes, wrap: Wrap = NO_WRAP) -> Inside:
        """The items of a list, or what is in them. The first one tells whether they are envelopes;
        in an answer of `lookup-events` any may be."""
        enveloped: bool | None = None
        for piece in items(array):
            inner = None
            if piece.reason is None and (
                enveloped is not False
                or piece.text[:1] == b'"'
                or b'"CloudTrailEvent"' in piece.text
            ):
                inner = self.unwrapped(piece)
            if enveloped is None:
                enveloped = inner is not None
            if inner is None:
                yield piece, wrap
            else:
                yield from ((within, joined(own, wrap)) for within, own in inner)

    def messages(self, known: Callable[[bytes], bool] | None = None) -> Messages:
        """What opens the messages of one log; `known` tells the records of sources."""
        return Messages(self, known)

    def _within(self, inner: bytes) -> Inside | None:
        """A record, or what is in it where that is an envelope; of several in one text each."""
        if not inner:
            return None
        opened = self.unwrap(inner) if inner[:1] == b"{" else None
        if opened is not None or (inner[:1] == b"{" and is_value(inner)):
            return opened or iter([(Piece(inner), NO_WRAP)])
        return self._several(inner)

    def _several(self, text: bytes) -> Inside:
        """Lines, or JSON values one after another: who sends records may put some together."""
        pieces = list(values(text, Cutter())) if text[:1] == b"{" else text_lines(text)
        for piece in pieces:
            braced = piece.reason is None and piece.text[:1] == b"{"
            inner = self.unwrapped(piece) if braced else None
            yield from inner or [(piece, NO_WRAP)]

    def _mended(self, text: bytes) -> Inside:
        """What stands in a text that is JSON but for half of a surrogate pair, each record by
        itself; a JSON string may hold such a text."""
        for piece in Cutter().feed(text, last=True):
            inner = self.unwrapped(piece) if piece.reason is None else None
            yield from inner or [(piece, NO_WRAP)]


def _members_decoder(names: Collection[str]) -> msgspec.json.Decoder[dict[str, msgspec.Raw]]:
    """What takes the members with these names out of a JSON object; it passes over the others."""
    kind: Any = TypedDict
    return msgspec.json.Decoder(kind("Members", dict.fromkeys(names, msgspec.Raw), total=False))


@dataclass(slots=True)
class Messages:
    """Messages of one log. The first of JSON tells whether they are envelopes themselves, such as
    what EventBridge writes into a log group, or, where it is told what is `known`, have records in
    members of their own: looking into each of many plain ones would cost. One with surrogates may
    have to be mended."""

    opener: Opener
    known: Callable[[bytes], bool] | None = None
    _enveloped: bool | None = None

    def opened(self, message: bytes, wrap: Wrap) -> Inside:
        """What a message holds, with what its envelope and the log's say."""
        look = message[:1] == b"{" and (self._enveloped is not False or has_surrogates(message))
        inner = self._within(message) if look else None
        if self._enveloped is None and look:
            self._enveloped = inner is not None
        return or_itself(inner, message, wrap)

    def _within(self, message: bytes) -> Inside | None:
        inner = self.opener.unwrap(message)
        if inner is not None or self.known is None or self.known(message):
            return inner
        found = records_within(message, self.known)
        return iter([(piece, NO_WRAP) for piece in found]) if found else None


def or_itself(inner: Inside | None, message: bytes, wrap: Wrap) -> Inside:
    """What was found in a message, else the message itself, with what its log says."""
    if inner is None:
        return iter([(Piece(message), wrap)])
    return ((piece, joined(within, wrap)) for piece, within in inner)
