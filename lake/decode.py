"""An object's bytes -> records as Arrow text, whatever wraps them.

It looks into the object, decides with `lake.sources` what it is, and cuts it into records: JSON
values, lines, rows of Parquet. It does not know what a record means. Objects of any size are read in
windows; a damaged object gives the records before the damage.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.decompress import Budget, plain_blocks
from lake.envelopes import EXPORT_LINE, NO_WRAP, Wrap, export_line, unwrap
from lake.errors import DecodeError
from lake.frames import (
    BETWEEN_ITEMS,
    BETWEEN_VALUES,
    MAX_RECORD,
    Piece,
    items,
    pieces,
    plain_items,
    values,
)
from lake.sources import Catalogue, Delimited, Source, choose, column_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lake.model import RawObject

WINDOW = 64 << 20
"""Plain bytes of an object that are looked at together; a larger object is read in such windows."""
PROBE = 64
"""Records looked at to tell what an object is."""
DIRECTIVES = 16
"""Lines looked at for the `#` line that gives the names of the fields."""
REJECT_TEXT = 4096
"""Characters of a rejected record that are kept; with the length and hash of the whole."""

_RECORDS = re.compile(
    rb'\A\{(?:\s*"[^"\\]{1,64}"\s*:\s*(?:"[^"\\]*"|[\d.a-z]+)\s*,){0,20}\s*"(?:Records|Events|Findings|logEvents)"\s*:\s*\['
)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMES = r"^[A-Za-z\"][A-Za-z_()\-]+[ ,\t]+[A-Za-z\"]"
"""A line that may be a header: it begins with two names."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of a chunk become columns; chunks of one shape are normalised together.

    `kind` json: one STRUCT; fields: a line cut at `separator`, (place from 1, column) in `columns`;
    members: a JSON object, (member, column); table: Arrow columns of `types`, (name, column or
    nothing). `width` is the number of fields a line must have, 0 where `least` is enough.
    """

    source: str
    kind: str
    columns: tuple[tuple[str, str], ...] = ()
    width: int = 0
    least: int = 0
    separator: str = "\x1f"
    types: tuple[str, ...] = ()


@dataclass(slots=True)
class Records:
    """Records of one object and shape: text (UTF-8), place (from 1), envelope, and, where the text
    is not what came, the original."""

    shape: Shape
    text: pa.Array
    position: np.ndarray
    wraps: list[Wrap] | None = None
    original: pa.Array | None = None
    encoding: pa.Array | None = None
    cut: pa.Array | None = None
    table: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.position)


@dataclass(slots=True)
class Refused:
    """A piece that could not become a record: its place, why, and its text."""

    position: int
    reason: str
    text: str


@dataclass(slots=True)
class Decoding:
    """One object being decoded. Consume `records(stream)`, then read what became of it."""

    obj: RawObject
    catalogue: Catalogue
    forced: str | None = None
    source: Source | None = None
    status: str = "read"
    reason: str | None = None
    refused: list[Refused] = field(default_factory=list)
    unknown_members: Counter[str] = field(default_factory=Counter)
    sha256: str | None = None
    salt: str = ""
    whole: bool = True
    context: dict[str, object] = field(default_factory=dict)
    _seen: int = 0

    def records(self, stream: BinaryIO) -> Iterator[Records]:
        """Decode the object. Never raises for what is in it; see `status` and `reason`."""
        hashing = _Hashing(stream)
        budget = Budget(max(self.obj.size, 1))
        try:
            for window, last in self._windows(plain_blocks(hashing, budget)):  # type: ignore[arg-type]
                yield from self._window(window, last)
                if self.status in ("ignored", "unknown"):
                    break
            hashing.drain()
        except OSError as error:
            self._damaged(f"reading stopped: {error}")
        except (pa.ArrowException, DecodeError) as error:
            self._damaged(str(error))
        self.sha256 = hashing.hexdigest()
        if budget.wrappers:
            self.context["wrappers"] = budget.wrappers
        if self.reason and self.status == "read":
            self.status = "partial" if self._seen else "failed"

    def _damaged(self, reason: str) -> None:
        self.reason = reason if self.reason is None else f"{self.reason}; {reason}"

    def _windows(self, blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
        """The plain content in windows. Damage ends the last one and is noted."""
        parts: list[bytes] = []
        size = 0
        first = True
        while True:
            try:
                block = next(blocks, None)
            except DecodeError as error:
                self._damaged(str(error))
                block = None
            if block is None:
                break
            parts.append(block)
            size += len(block)
            while size >= WINDOW and parts[0][:4] != b"PAR1":
                joined = b"".join(parts)
                window, rest = joined[:WINDOW], joined[WINDOW:]
                parts, size = [rest], len(rest)
                if first:
                    self.salt, self.whole, first = _digest(window), False, False
                yield window, False
        window = b"".join(parts)
        if first:
            self.salt = _digest(window)
        yield window, True

    # -- windows ------------------------------------------------------------------------------

    _carry: bytes = b""
    _array: bool = False
    _line: int = 0
    _mode: str | None = None
    _shape: Shape | None = None
    _enveloped: bool | None = None
    _fields_line: str | None = None

    def _window(self, window: bytes, last: bool) -> Iterator[Records]:
        text = self._carry + window
        self._carry = b""
        if self._mode is None:
            text = text.removeprefix(b"\xef\xbb\xbf")
            head = text.lstrip()[:1]
            if not head:
                if last and not self.reason:
                    self.context["empty"] = True
                self._named_by_key()
                return
            if text[:4] == b"PAR1":
                self._mode = "parquet"
            else:
                self._mode = "json" if head in (b"{", b"[") else "lines"
        if self._mode == "parquet":
            yield from self._parquet(text)
        elif self._mode == "json":
            yield from self._json(text, last)
        else:
            yield from self._lines(text, last)

    def _named_by_key(self) -> None:
        known = self.catalogue.set_aside(self.obj.key)
        found = self.catalogue.by_key(self.obj.key)
        if known and not found:
            self.status, self.reason = known.status, known.reason
        self.source = next(iter(found), None)

    # -- JSON ---------------------------------------------------------------------------------

    def _json(self, text: bytes, last: bool) -> Iterator[Records]:
        if last and self.whole:
            plain = plain_items(text)
            if plain is not None:
                yield from self._plain(plain)
                return
            stream = self._top(text)
        else:
            text, stream = self._json_part(text, last), iter(())
            stream = ((p, NO_WRAP) for p in pieces(text, self._between))
        for batch in _batched(self._enumerated(stream)):
            yield from self._texts(batch)

    @property
    def _between(self) -> re.Pattern[bytes]:
        return BETWEEN_ITEMS if self._array else BETWEEN_VALUES

    def _json_part(self, text: bytes, last: bool) -> bytes:
        """The part of a large text that ends with a whole value; the rest is carried on."""
        if self._seen == 0 and not self._array:
            start = text.lstrip()
            opened = _RECORDS.match(start)
            if opened or start[:1] == b"[":
                self._array = True
                text = start[opened.end() :] if opened else start[1:]
        if last:
            return re.sub(rb"\][ \t\r\n]*\}?[ \t\r\n]*\Z", b"", text) if self._array else text
        cut = None
        for cut in self._between.finditer(text, max(0, len(text) - 2 * MAX_RECORD)):  # noqa: B007
            pass
        if cut is None:
            if len(text) > 2 * MAX_RECORD:
                self._refuse(text, f"a record of over {MAX_RECORD >> 20} MB")
                return b""
            self._carry = text
            return b""
        self._carry = text[cut.end() :]
        return text[: cut.start() + 1]

    def _plain(self, items: list[bytes]) -> Iterator[Records]:
        """The ordinary object: `Records` that are all well-formed, without envelopes."""
        size = max(1, min(50_000, len(items) * (48 << 20) // max(sum(map(len, items)), 1)))
        for at in range(0, len(items), size):
            part = items[at : at + size]
            self._seen += len(part)
            yield from self._texts([(at + n, text, NO_WRAP) for n, text in enumerate(part, 1)])

    def _top(self, text: bytes) -> Iterator[tuple[Piece, Wrap]]:
        """The records of a whole JSON text, envelopes removed."""
        stripped = text.strip()
        if stripped[:1] == b"[":
            listed: Iterable[Piece] = items(stripped)
        else:
            listed = values(text)
        for piece in listed:
            if piece.reason is not None:
                opened = _RECORDS.match(piece.text)
                if opened:
                    for item in items(b"[" + piece.text[opened.end() :]):
                        yield from self._opened(item)
                    continue
                yield piece, NO_WRAP
            else:
                yield from self._opened(piece)

    def _opened(self, piece: Piece) -> Iterator[tuple[Piece, Wrap]]:
        if piece.reason is None and self._enveloped is not False:
            inner = unwrap(piece.text)
            if inner is not None:
                self._enveloped = True
                yield from inner
                return
            if self._enveloped is None:
                self._enveloped = False
        yield piece, NO_WRAP

    def _enumerated(
        self, stream: Iterable[tuple[Piece, Wrap]]
    ) -> Iterator[tuple[int, bytes, Wrap]]:
        for piece, wrap in stream:
            self._seen += 1
            if piece.reason is not None:
                self._refuse(piece.text, piece.reason)
            elif len(piece.text) > MAX_RECORD:
                self._refuse(piece.text, f"a record of over {MAX_RECORD >> 20} MB")
            else:
                yield self._seen, piece.text, wrap

    def _refuse(self, text: bytes, reason: str, position: int | None = None) -> None:
        self.refused.append(Refused(position or max(self._seen, 1), reason, shortened(text)))

    def _texts(self, batch: list[tuple[int, bytes, Wrap]]) -> Iterator[Records]:
        """Records that were inside JSON: JSON themselves, or lines of CloudWatch Logs."""
        position = np.fromiter((b[0] for b in batch), np.int64, len(batch))
        texts = [b[1] for b in batch]
        wraps = [b[2] for b in batch] if any(b[2] is not NO_WRAP for b in batch) else None
        if self._shape is None and not self._recognise_texts(texts):
            return
        shape = self._shape
        assert shape is not None  # noqa: S101
        if shape.kind == "fields":
            array, original, encoding = _utf8(texts)
            yield self._cut(shape, array, position, wraps, original, encoding)
            return
        if shape.kind == "members":
            shape = self._shape = self._widened(shape, texts)
        array, original, encoding = _utf8(texts)
        yield Records(shape, array, position, wraps, original, encoding)

    def _widened(self, shape: Shape, texts: list[bytes]) -> Shape:
        """The shape with the members of all these records: a writer may leave out what is null."""
        assert self.source is not None and self.source.delimited is not None  # noqa: S101
        known = {m for m, _ in shape.columns}
        more: dict[str, str] = {}
        for text in texts:
            try:
                members = _MEMBERS.decode(text)
            except (msgspec.DecodeError, RecursionError):
                continue
            for member in members.keys() - known:
                known.add(member)
                column = self.source.delimited.column(member)
                if column is None:
                    self._note_unknown([member])
                elif column not in dict((c, m) for m, c in shape.columns):
                    more[member] = column
        return replace(shape, columns=(*shape.columns, *more.items())) if more else shape

    def _recognise_texts(self, texts: list[bytes]) -> bool:
        members: list[str] = []
        for text in texts[:PROBE]:
            try:
                members = list(_MEMBERS.decode(text))
            except (msgspec.DecodeError, RecursionError):
                continue
            found = self.catalogue.by_members(members)
            if found or self.forced:
                return self._is(choose(found, self._by_key("json")), members)
        if not members and texts[0][:1] not in (b"{", b"["):
            line = texts[0].decode("utf-8", "replace").split("\n")[0]
            return self._recognise_line(line, self._by_key("delimited"))
        return self._is(choose([], self._by_key("json")), members)

    def _by_key(self, fmt: str) -> list[Source]:
        found = self.catalogue.by_key(self.obj.key)
        return [s for s in found if s.format == fmt] or ([] if fmt == "json" else found)

    def _is(self, source: Source | None, members: list[str]) -> bool:
        known = self.catalogue.set_aside(self.obj.key, members)
        if self.forced:
            source = self.catalogue[self.forced]
        elif known is not None and (source is None or not source.fits_members(members)):
            self.status, self.reason = known.status, known.reason
            return False
        if source is None:
            self.status = "unknown"
            self.reason = (
                f"JSON that no source knows (members {', '.join(members[:8])})"
                if members
                else "JSON without an object in it"
            )
            return False
        self.source = source
        if source.format == "json":
            self._shape = Shape(source.name, "json")
            return True
        assert source.delimited is not None  # noqa: S101
        columns = [(m, source.delimited.column(m)) for m in members]
        self._note_unknown([m for m, c in columns if c is None])
        self._shape = Shape(source.name, "members", tuple((m, c) for m, c in columns if c))
        return True

    def _note_unknown(self, names: list[str]) -> None:
        for name in names:
            self.unknown_members[name[:200]] += 1

    # -- lines --------------------------------------------------------------------------------

    def _lines(self, text: bytes, last: bool) -> Iterator[Records]:
        if not last:
            end = text.rfind(b"\n") + 1
            if end == 0 and len(text) > 2 * MAX_RECORD:
                self._refuse(text, f"a line of over {MAX_RECORD >> 20} MB")
                return
            text, self._carry = text[:end], text[end:]
        if EXPORT_LINE.match(text) and self._shape is None and self._export(text):
            self._mode = "export"
        if self._mode == "export":
            yield from self._export_lines(text)
            return
        array, original, encoding = _split_lines(text)
        position = np.arange(self._line + 1, self._line + len(array) + 1, dtype=np.int64)
        self._line += len(array)
        filled = pc.not_equal(pc.utf8_trim_whitespace(array), "")
        if not pc.all(filled).as_py():
            array, position = array.filter(filled), position[filled.to_numpy(zero_copy_only=False)]
            original = original.filter(filled) if original is not None else None
            encoding = encoding.filter(filled) if encoding is not None else None
        if not len(array):
            return
        if self._shape is None:
            first = array[0].as_py()
            table = self._csv(text, first) if last and self.whole else None
            if table is not None:
                yield from table
                return
            if first.startswith("#"):
                known = self._recognise_directives(array[:DIRECTIVES].to_pylist())
            else:
                known = self._recognise_first(first)
            if not known:
                return
        yield from self._segments(array, position, original, encoding)

    def _export(self, text: bytes) -> bool:
        """Whether lines that begin with a time stamp are those of an export file."""
        message, _ = export_line(text.split(b"\n", 1)[0])
        line = message.decode("utf-8", "replace")
        return (
            message[:1] == b"{"
            or bool(self.catalogue.by_line(line))
            or bool(self.catalogue.by_header([column_name(n) for n in line.split()]))
        )

    def _export_lines(self, text: bytes) -> Iterator[Records]:
        batch = []
        for line in text.split(b"\n"):
            self._line += 1
            if line.strip():
                self._seen += 1
                message, wrap = export_line(line.rstrip(b"\r"))
                batch.append((self._line, message, wrap))
        if batch:
            yield from self._texts(batch)

    def _recognise_first(self, first: str) -> bool:
        """The source and shape of line text, by its first line and the object's key."""
        by_key = [s for s in self._by_key("delimited") if s.delimited]
        forced = self.catalogue[self.forced] if self.forced else None
        for delimiter in (None, ",", "\t"):
            names = [column_name(n) for n in first.split(delimiter)]
            found = self.catalogue.by_header(names)
            source = forced or choose(found, [s for s in by_key if s in found])
            if source is not None and source.delimited and source.fits_header(names):
                self.source = source
                self._header(first, source.delimited, first.split(delimiter))
                return True
        return self._recognise_line(first, by_key)

    def _recognise_directives(self, head: list[str]) -> bool:
        """The source of text that begins with `#` lines, by the names that one of them gives."""
        marked = [
            s
            for s in self.catalogue.sources.values()
            if s.delimited and s.delimited.header.startswith("#")
        ]
        by_key = [s for s in self._by_key("delimited") if s.delimited]
        found = [s for s in marked if any(_gives_names(s, line) for line in head)]
        data = next((line for line in head if not line.startswith("#")), "")
        source = choose(
            found or [s for s in marked if s.fits_line(data)], [s for s in marked if s in by_key]
        )
        source = self.catalogue[self.forced] if self.forced else source
        if source is None or source.delimited is None:
            return self._recognise_line(head[0], by_key)
        self.source = source
        return self._headerless(source, data)

    def _recognise_line(self, line: str, by_key: list[Source]) -> bool:
        by_key = [s for s in by_key if s.delimited]
        forced = self.catalogue[self.forced] if self.forced else None
        source = forced or choose(self.catalogue.by_line(line), by_key)
        known = self.catalogue.set_aside(self.obj.key, head=line[:4096])
        fits = source is not None and source.fits_line(line)
        if known is not None and not fits and forced is None:
            self.status, self.reason = known.status, known.reason
            return False
        if source is None or source.delimited is None:
            self.status = "unknown"
            self.reason = f"text that no source knows (begins {line[:60]!r})"
            return False
        self.source = source
        return self._headerless(source, line)

    def _headerless(self, source: Source, line: str) -> bool:
        given = source.delimited
        assert given is not None  # noqa: S101
        layout = given.layout(line)
        if layout is None and given.layouts:
            widths = ", ".join(str(n) for n in sorted({len(one.columns) for one in given.layouts}))
            self.status = "unknown"
            self.reason = (
                f"lines of {source.name} without a header and with other fields than are known "
                f"({widths} of them). Name the fields in a source folder of your own "
                "($LAKE_TRANSFORMS, see docs/design.md)"
            )
            return False
        known = layout.columns if layout else given.columns
        columns = tuple((str(i), c) for i, c in enumerate(known, 1))
        width = len(columns) if layout else 0
        self._shape = Shape(source.name, "fields", columns, width, given.min_fields)
        return True

    def _header(self, line: str, given: Delimited, names: list[str]) -> None:
        assert self.source is not None  # noqa: S101
        names = [n for n in names if n]
        columns = [(str(i), given.column(n)) for i, n in enumerate(names, 1)]
        self._note_unknown([names[int(i) - 1] for i, c in columns if c is None])
        self.context.setdefault("headers", [])
        self.context["headers"].append(line)  # type: ignore[union-attr]
        known: dict[str, str] = {}
        for place, column in columns:
            if column and column not in known:
                known[column] = place
        self._shape = Shape(
            self.source.name, "fields", tuple((p, c) for c, p in known.items()), len(names)
        )

    def _segments(
        self,
        array: pa.Array,
        position: np.ndarray,
        original: pa.Array | None,
        encoding: pa.Array | None,
    ) -> Iterator[Records]:
        """The stretches of lines under one header; headers and comments are no records."""
        assert self.source is not None and self.source.delimited is not None  # noqa: S101
        given = self.source.delimited
        marks: list[int] = []
        if given.header != "none" and self.source.header is not None:
            hint = pc.match_substring_regex(array, _NAMES)
            for place in np.flatnonzero(hint.to_numpy(zero_copy_only=False)).tolist():
                names = [column_name(n) for n in re.split(r"[\s,]+", array[place].as_py())]
                if self.source.fits_header(names):
                    marks.append(place)
        if given.header.startswith("#"):
            directives = pc.starts_with(array, "#").to_numpy(zero_copy_only=False)
            marks = sorted({*marks, *np.flatnonzero(directives).tolist()})
        at = 0
        for mark in [*marks, len(array)]:
            if mark > at:
                part = slice(at, mark)
                assert self._shape is not None  # noqa: S101
                self._seen += mark - at
                yield self._cut(
                    self._shape,
                    array[part],
                    position[part],
                    None,
                    original[part] if original is not None else None,
                    encoding[part] if encoding is not None else None,
                )
            if mark < len(array):
                self._mark(array[mark].as_py(), given)
            at = mark + 1

    def _mark(self, line: str, given: Delimited) -> None:
        if not line.startswith("#"):
            self._header(line, given, re.split(r"[\s,]+", line.strip()))
        elif line.startswith(given.header):
            self._header(line, given, line[len(given.header) :].split())

    def _cut(
        self,
        shape: Shape,
        array: pa.Array,
        position: np.ndarray,
        wraps: list[Wrap] | None,
        original: pa.Array | None,
        encoding: pa.Array | None,
    ) -> Records:
        from lake.tokens import cut_fields

        assert self.source is not None and self.source.delimited is not None  # noqa: S101
        separator, cut = cut_fields(array, self.source.delimited)
        shape = replace(shape, separator=separator)
        return Records(shape, array, position, wraps, original, encoding, cut)

    # -- CSV of the console ---------------------------------------------------------------------

    def _csv(self, text: bytes, first: str) -> Iterator[Records] | None:
        """A CSV download of the console, where a source declares its header."""
        try:
            names = next(csv.reader([first]))
        except (csv.Error, StopIteration):
            return None
        for source in self.catalogue.sources.values():
            mapping = dict(source.csv)
            if mapping and sum(n.strip() in mapping for n in names) >= max(3, len(names) // 2):
                self.source = source
                self.context["headers"] = [first]
                self._note_unknown([n for n in names if n.strip() not in mapping])
                return self._csv_rows(text, source, [mapping.get(n.strip()) for n in names])
        return None

    def _csv_rows(self, text: bytes, source: Source, paths: list[str | None]) -> Iterator[Records]:
        reader = csv.reader(io.StringIO(text.decode("utf-8", "replace"), newline=""))
        rows: list[tuple[int, str, str]] = []
        before = 0
        for row in reader:
            line, before = before + 1, reader.line_num
            if line == 1 or not any(row):
                continue
            self._seen += 1
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="").writerow(row)
            if len(row) != len(paths):
                self._refuse(
                    buffer.getvalue().encode(), f"{len(row)} columns, header has {len(paths)}", line
                )
                continue
            record: dict[str, object] = {}
            for path, value in zip(paths, row, strict=True):
                if path and value:
                    _place(record, path.split("."), value)
            rows.append((line, json.dumps(record, ensure_ascii=False), buffer.getvalue()))
        if rows:
            yield Records(
                Shape(source.name, "json"),
                pa.array([r[1] for r in rows], pa.string()),
                np.array([r[0] for r in rows], np.int64),
                original=pa.array([r[2] for r in rows], pa.string()),
            )

    # -- Parquet --------------------------------------------------------------------------------

    def _parquet(self, data: bytes) -> Iterator[Records]:
        file = pq.ParquetFile(pa.BufferReader(data))
        names = file.schema_arrow.names
        known = self.catalogue.set_aside(self.obj.key, names)
        columns = [column_name(n) for n in names]
        forced = self.catalogue[self.forced] if self.forced else None
        by_key = [s for s in self._by_key("delimited") if s.delimited]
        source = forced or choose(self.catalogue.by_header(columns), [] if known else by_key)
        if source is None or source.delimited is None:
            self.status = known.status if known else "unknown"
            self.reason = (
                known.reason
                if known
                else (f"Parquet that no source knows (columns {', '.join(names[:8])})")
            )
            return
        self.source = source
        mapped = [(n, source.delimited.column(n)) for n in names]
        self._note_unknown([n for n, c in mapped if c is None])
        # a column that no source knows is part of the original; one shape has one type for each
        # column, so that a long among another object's doubles keeps its digits
        types = tuple(str(kind) for kind in file.schema_arrow.types)
        shape = Shape(source.name, "table", tuple((n, c or "") for n, c in mapped), types=types)
        for batch in file.iter_batches(batch_size=50_000):
            position = np.arange(self._seen + 1, self._seen + len(batch) + 1, dtype=np.int64)
            self._seen += len(batch)
            table = pa.Table.from_batches([batch])
            yield Records(shape, pa.nulls(len(batch), pa.string()), position, table=table)


def _gives_names(source: Source, line: str) -> bool:
    """Whether a directive (`#Fields: date time ...`) names columns of this source."""
    assert source.delimited is not None  # noqa: S101
    mark = source.delimited.header
    return line.startswith(mark) and source.fits_header(
        [column_name(n) for n in line[len(mark) :].split()]
    )


def shortened(text: bytes | str) -> str:
    """A rejected record's text, its head with length and hash where it is long."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(data) <= REJECT_TEXT:
        return data.decode("utf-8", "backslashreplace")
    head = data[:REJECT_TEXT].decode("utf-8", "backslashreplace")
    return f"{head}... ({len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()})"


def _place(record: dict[str, object], path: list[str], value: str) -> None:
    for name in path[:-1]:
        record = record.setdefault(name, {})  # type: ignore[assignment]
    record[path[-1]] = value


def _digest(window: bytes) -> str:
    return hashlib.sha256(window).hexdigest()[:32]


def _batched(
    stream: Iterator[tuple[int, bytes, Wrap]], size: int = 50_000, limit: int = 48 << 20
) -> Iterator[list[tuple[int, bytes, Wrap]]]:
    batch: list[tuple[int, bytes, Wrap]] = []
    held = 0
    for record in stream:
        batch.append(record)
        held += len(record[1])
        if len(batch) >= size or held >= limit:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _utf8(texts: list[bytes]) -> tuple[pa.Array, pa.Array | None, pa.Array | None]:
    """Texts as Arrow strings; those that are not UTF-8 with their bytes in base64 beside."""
    binary = pa.array(texts, pa.binary())
    try:
        return binary.cast(pa.string()), None, None
    except pa.ArrowInvalid:
        pass
    good, original, encoding = [], [], []
    for text in texts:
        try:
            good.append(text.decode())
            original.append(None)
            encoding.append(None)
        except UnicodeDecodeError:
            good.append(text.decode("utf-8", "replace"))
            original.append(base64.b64encode(text).decode())
            encoding.append("base64")
    return (
        pa.array(good, pa.string()),
        pa.array(original, pa.string()),
        pa.array(encoding, pa.string()),
    )


def _split_lines(text: bytes) -> tuple[pa.Array, pa.Array | None, pa.Array | None]:
    """The lines without their ends. An empty last line is no line."""
    body = text[:-1] if text.endswith(b"\n") else text
    crlf = b"\r" in body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        lines = [line.removesuffix(b"\r") for line in body.split(b"\n")]
        return _utf8(lines)
    array = pc.split_pattern(pa.array([body], pa.string()), "\n").values
    if crlf:
        array = pc.replace_substring_regex(array, r"\r$", "")
    return array, None, None


class _Hashing:
    """A stream that hashes the stored bytes while they are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._end = False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._end = not data
        self._hash.update(data)
        return data

    def drain(self) -> None:
        """Read to the end, so that the hash is the whole object's."""
        while not self._end:
            self.read(1 << 20)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
