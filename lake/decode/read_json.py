"""JSON -> records: whole objects at once, larger ones window by window, envelopes removed. What is
inside may be JSON or, from CloudWatch Logs, lines; one object may hold both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.decode.cutter import Cutter
from lake.decode.envelopes import OPENER
from lake.decode.frames import items, plain_items, plain_lines, values
from lake.decode.headers import holds
from lake.decode.pieces import Piece
from lake.decode.recognise import PROBE, PROBE_LINES
from lake.decode.rows import row_record
from lake.decode.shapes import HEADING, PLACE, Records, Shape, utf8
from lake.decode.shippers import may_be_shipped, records_within
from lake.decode.tokens import cut_fields
from lake.decode.wrap import NO_WRAP, Wrap, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lake.decode.recognise import Recognition
    from lake.sources.source import Delimited

BATCH = 50_000
BATCH_BYTES = 8 << 20
"""Records, and their bytes, that become one Arrow table."""

Numbered = tuple[int, bytes, Wrap]
"""A record's place in the object (from 1, see `PLACE_BITS`), its text, and its envelope."""


@dataclass(slots=True)
class TextReader:
    """Texts that were inside something else -> records: JSON, or lines, or both."""

    reading: Recognition
    _shapes: dict[bool, Shape] = field(default_factory=dict)
    _unknown: list[Numbered] = field(default_factory=list)

    def records(self, texts: Iterable[Numbered]) -> Iterator[Records]:
        """The records of numbered texts, in batches."""
        for batch in _batched(texts):
            braced = [text[:1] == b"{" for _, text, _ in batch]
            for kind in (True, False):
                if all(braced) if kind else not any(braced):
                    yield from self._stretches(batch, kind)
                elif any(one is kind for one in braced):
                    part = zip(batch, braced, strict=True)
                    own = [one for one, is_json in part if is_json is kind]
                    yield from self._stretches(own, kind)
            if self._shapes and self._unknown:
                for place, text, _ in self._unknown:
                    self.reading.refuse(text, "a record that no source knows", place & PLACE)
                self._unknown.clear()
                self.reading.take_back()

    def _stretches(self, batch: list[Numbered], braced: bool) -> Iterator[Records]:
        """The stretches of a batch under one header: a shipper that sends an object's lines one by
        one sends that too."""
        heads = [] if braced else [n for n, (place, *_) in enumerate(batch) if place == HEADING]
        at = 0
        for head in [*heads, len(batch)]:
            if head > at:
                yield from self._batch(batch[at:head], braced)
            if head < len(batch):
                below = [text for _, text, _ in batch[head : head + PROBE_LINES]]
                if (shape := self.reading.below_heading(below)) is not None:
                    self._shapes[braced] = shape
            at = head + 1

    def _batch(self, batch: list[Numbered], braced: bool) -> Iterator[Records]:
        texts = [text for _, text, _ in batch]
        shape = self._shape(texts, braced)
        if shape is None:
            self._unknown += batch
            return
        for one, part in self._parted(shape, batch):
            yield self._made(one, part)

    def _parted(
        self, shape: Shape, batch: list[Numbered]
    ) -> Iterator[tuple[Shape, list[Numbered]]]:
        """The records by layout. One stream may carry lines of several layouts, which differ in the
        number of their fields; a line that fits none stays with the first, and is refused there."""
        if shape.kind != "fields":
            yield shape, batch
            return
        cut = self.reading.cutting(shape.source).delimiter.encode()
        counts = [text.count(cut) + 1 for _, text, _ in batch]
        others = {count for count in set(counts) if not holds(shape, count)}
        fitting = [one for one, n in zip(batch, counts, strict=True) if n not in others]
        if fitting:
            yield shape, fitting
        for count in sorted(others):
            part = [one for one, n in zip(batch, counts, strict=True) if n == count]
            own = self.reading.recognise_lines_among([text for _, text, _ in part])
            yield own if own is not None and holds(own, count) else shape, part

    def _made(self, shape: Shape, batch: list[Numbered]) -> Records:
        texts = [text for _, text, _ in batch]
        position = np.fromiter((place for place, _, _ in batch), np.int64, len(batch))
        wraps = [w for _, _, w in batch] if any(w is not NO_WRAP for _, _, w in batch) else None
        array, original, encoding = utf8(texts)
        if self.reading.mended:
            came = [self.reading.mended.pop(place, None) for place, _, _ in batch]
            if any(came):
                again, coded, encoding = utf8([c or t for c, t in zip(came, texts, strict=True)])
                original = again if coded is None else pc.coalesce(coded, again)
        made = Records(shape, array, position, wraps, original, encoding)
        if shape.kind == "fields":
            return cut_records(self.reading, made)
        if shape.kind == "rows":
            return self._of_rows(made, array)
        if shape.kind == "json":
            self.reading.count_losses(shape.source, texts)
        return made

    def _of_rows(self, rows: Records, texts: pa.Array) -> Records:
        """Rows of a query, with their texts, as records; the text of the row is their original."""
        self.reading.laid_out(rows.shape.source, int(rows.position[0]) & PLACE)
        source = self.reading.catalogue[rows.shape.source]
        self.reading.made_of_rows(source)
        made = [row_record(source, text) for text in texts.to_pylist()]
        self.reading.count_losses(source.name, [record.encode() for record, _ in made])
        around = rows.wraps or [NO_WRAP] * len(made)
        own = [joined(said, wrap) for (_, said), wrap in zip(made, around, strict=True)]
        return replace(
            rows,
            shape=replace(rows.shape, kind="json"),
            text=pa.array([record for record, _ in made], pa.string()),
            wraps=own if any(wrap != NO_WRAP for wrap in own) else None,
            original=texts if rows.original is None else pc.coalesce(rows.original, texts),
        )

    def _shape(self, texts: list[bytes], braced: bool) -> Shape | None:
        shape = self._shapes.get(braced)
        if shape is None:
            other = self._shapes.get(not braced)
            if other is None:
                shape = self.reading.recognise_texts(texts)
            else:
                shape = self.reading.recognise_others(texts) or other
        if shape is not None:
            if shape.kind == "members":
                shape = self.reading.widened(shape, texts)
            self._shapes[braced] = shape
        return shape


@dataclass(slots=True)
class JsonReader:
    """An object of JSON, in windows -> records."""

    reading: Recognition
    _texts: TextReader = field(init=False)
    _cutter: Cutter = field(default_factory=Cutter)
    _enveloped: bool | None = None
    _searching: bool = False
    """Whether records are looked for within values that no source knows."""
    _whole: bool = True

    def __post_init__(self) -> None:
        self._texts = TextReader(self.reading)

    def records(self, window: bytes, last: bool, whole: bool) -> Iterator[Records]:
        """The records of one window; `whole` where there is no other."""
        self._whole = whole
        if not whole:
            pieces = self._cutter.feed(window, last)
        elif (plain := self._plain(window)) is not None:
            yield from self._texts.records(self._numbered_plain(plain))
            if self._begins_anew():
                yield from self._texts.records(self._numbered(map(Piece, map(bytes, plain))))
            return
        else:
            pieces = values(window, self._cutter)
        yield from self._texts.records(self._numbered(pieces))
        if whole and self._begins_anew():
            yield from self._texts.records(self._numbered(values(window, Cutter())))
        if last and self._cutter.unclosed and self.reading.reason is None:
            self.reading.damaged(
                "the JSON ends before its list of records does (the object is cut)"
            )

    def _begins_anew(self) -> bool:
        """Whether no source knew the first records. All that was read of the object is forgotten
        then: it is read once more, and records are looked for within its values, since other
        systems keep them in members of their own, and those of many logs in one file."""
        if not self.reading.no_source:
            return False
        self.reading.take_back()
        self.reading.seen = 0
        self.reading.refused.clear()
        self._texts, self._searching = TextReader(self.reading), True
        return True

    def _plain(self, window: bytes) -> Sequence[bytes] | None:
        """The records of an ordinary object: `Records`, or lines of JSON, all of them well-formed.
        None for any other, and where the first of them is an envelope, since all will be."""
        for cut in (plain_items, plain_lines):
            found = cut(window)
            if found is not None:
                return None if found and self._held(Piece(bytes(found[0]))) is not None else found
        return None

    def _held(self, piece: Piece) -> Iterator[tuple[Piece, Wrap]] | None:
        """What an envelope holds, or the JSON of a log shipper; None where it is neither. JSON that
        is a known record itself is no shipper's, and the first of an object counts as a shipper's
        only where it holds something known."""
        found = OPENER.unwrapped(piece)
        if found is not None or self.reading.forced or not may_be_shipped(piece.text):
            return found
        if self.reading.knows(piece.text):
            return None
        inner = OPENER.shipped(piece.text)
        if inner is None or self._enveloped:
            return inner
        pieces = list(inner)
        return iter(pieces) if any(self.reading.knows(one.text) for one, _ in pieces) else None

    def _numbered_plain(self, found: Sequence[bytes]) -> Iterator[Numbered]:
        """The records that `_plain` found, with their places. Each is copied out of the object when
        its turn comes."""
        self.reading.seen += len(found)
        return ((place, bytes(text), NO_WRAP) for place, text in enumerate(found, 1))

    def _numbered(self, pieces: Iterable[Piece]) -> Iterator[Numbered]:
        for piece in pieces:
            for inner, wrap in self._opened(piece):
                if inner.reason is not None and self._is_line(inner):
                    inner = Piece(inner.text)
                place = self.reading.placed(inner, self.reading.seen + 1)
                if place is not None:
                    yield place, inner.text, wrap

    def _is_line(self, piece: Piece) -> bool:
        """Whether a piece that is no JSON is a line of some source, as where files were put behind
        one another."""
        return piece.text[:1] not in (b"", b"{", b"[") and self.reading.knows(piece.text)

    def _opened(self, piece: Piece) -> Iterator[tuple[Piece, Wrap]]:
        listed = piece.text[:1] == b"[" and piece.reason is None
        found = items(piece.text) if listed else [piece]
        if not found and self.reading.seen:
            found = [piece]
        for item in found:
            # `lookup-events --query 'Events[].[CloudTrailEvent]'` prints a list of lists
            if item is not piece and item.text[:1] == b"[" and item.reason is None:
                for one in items(item.text):
                    yield from self._unwrapped(one)
            else:
                yield from self._unwrapped(item)

    def _unwrapped(self, piece: Piece) -> Iterator[tuple[Piece, Wrap]]:
        """What an envelope holds, else the piece itself. The first record tells whether an object
        has envelopes: to look into each of many plain records would cost a third of the time."""
        if self._searching:
            yield from self._found(piece)
            return
        if piece.reason is None and self._enveloped is not False:
            inner = self._held(piece)
            if inner is not None:
                self._enveloped = True
                yield from inner
                return
            if self._enveloped is None and self._may_be_searched(piece):
                found = list(self._found(piece))
                self._searching = found != [(piece, NO_WRAP)]
                yield from found
                return
            if self._enveloped is None:
                self._enveloped = False
        yield piece, NO_WRAP

    def _may_be_searched(self, piece: Piece) -> bool:
        """Whether it is one of the first records of an object in several windows, which cannot be
        read once more, and nobody knows it."""
        early = not self._whole and self.reading.seen < PROBE and self.reading.forced is None
        return early and not self.reading.knows(piece.text)

    def _found(self, piece: Piece) -> Iterator[tuple[Piece, Wrap]]:
        """The records that stand anywhere within a piece, else the piece itself."""
        inner = OPENER.unwrapped(piece) if piece.reason is None else None
        for one, wrap in inner or [(piece, NO_WRAP)]:
            plain = one.reason is None and one.came is None
            found = records_within(one.text, self.reading.knows) if plain else []
            yield from [(each, wrap) for each in found] or [(one, wrap)]


def cut_records(reading: Recognition, lines: Records) -> Records:
    """Lines of an object as records, as `cut_lines` gives them; their layout is noted."""
    source, position = lines.shape.source, lines.position
    reading.laid_out(source, int(position[0]) & PLACE if len(position) else 0)
    return cut_lines(lines, reading.cutting(source))


def cut_lines(lines: Records, given: Delimited) -> Records:
    """Lines as records, with the text in which their fields are cut."""
    if given.pattern is not None and not _in_order(lines.shape, given):
        given = replace(given, pattern=None, quoted=0, clients=0)
    separator, lines.cut = cut_fields(lines.text, given)
    lines.shape = _with_separator(lines.shape, separator)
    return lines


@lru_cache(64)
def _with_separator(shape: Shape, separator: str) -> Shape:
    """The same shape with fields that end at this."""
    return replace(shape, separator=separator)


def _in_order(shape: Shape, given: Delimited) -> bool:
    """Whether fields stand in the order of the source's columns, as its pattern has them."""
    own = zip(shape.columns, enumerate(given.columns, 1), strict=False)
    return all(has == (str(place), column) for has, (place, column) in own)


def _batched(texts: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text[1])
        if len(batch) >= BATCH or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
