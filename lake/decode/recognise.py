"""What an object is, found out from its first records and its key: the source, and how a record's
text becomes columns. Where content and key disagree the content wins; what is known to be no log of
ours is set aside with its reason. The readers (`lake.decode.read_json`, `lake.decode.read_lines`,
`lake.decode.read_csv`, `lake.decode.read_tables`) ask a `Recognition`; what a record means they do
not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lake.decode.envelopes import OPENER
from lake.decode.headers import (
    MAY_HEAD,
    cut_at,
    heads,
    line_shape,
    members_shape,
    names_columns,
    names_in,
    read_directive,
    read_header,
    shape_under,
    whose_columns,
)
from lake.decode.noted import Noted
from lake.decode.pieces import members_of
from lake.decode.rows import ABOUT, are_lowercased, holds_text, is_row, whose_row
from lake.decode.shapes import HEADING
from lake.decode.shippers import records_within
from lake.errors import DecodeError
from lake.sources.catalogue import choose
from lake.sources.source import column_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.decode.pieces import Piece
    from lake.decode.shapes import Shape
    from lake.sources.source import Delimited, Source

PROBE = 64
"""Records looked at to tell what an object is."""
PROBE_LINES = 16
"""Lines looked at, where the first ones are none of any source."""
PROBE_TEXT = 4
"""Records looked at for JSON in strings: a writer that does that does it in all of them."""
MAX_HEADERS = 100
"""Different headers of one object. DuckDB plans a SELECT anew for each, so an object that was made
for it could take hours."""


@dataclass(slots=True)
class Recognition(Noted):
    """An object being read, with what finds out its source and how its records become columns."""

    def by_key(self, fmt: str) -> list[Source]:
        """The sources of this format that the key speaks for, best first. Where it speaks for none
        of delimited lines, all that it speaks for."""
        found = self.catalogue.by_key(self.obj.key)
        return [s for s in found if s.format == fmt] or ([] if fmt == "json" else found)

    def delimited_by_key(self) -> list[Source]:
        """The sources of delimited lines that the key speaks for."""
        return [s for s in self.by_key("delimited") if s.delimited]

    def name_by_key(self) -> None:
        """Take an object without a record for what its key says."""
        known = self.catalogue.set_aside(self.obj.key)
        found = self.catalogue.by_key(self.obj.key)
        if known and not found:
            self.set_aside(known.status, known.reason)
        self.source = next(iter(found), None)

    # -- records that were inside JSON ----------------------------------------------------------

    def recognise_texts(self, texts: list[bytes]) -> Shape | None:
        """The shape of JSON records, or of lines that were inside JSON. None where nobody knows
        them: the object is set aside then."""
        members: list[str] = []
        for text in texts[:PROBE]:
            names = members_of(text)
            if names is None:
                continue
            members = names
            found = self.catalogue.by_members(members)
            if not found and (row := whose_row(members, self.catalogue)) is not None:
                found = [row]
            if found or self.forced:
                return self._is(choose(found, self.by_key("json")), members, texts)
        if not members and texts[0][:1] not in (b"{", b"["):
            lines = [t.decode("utf-8", "replace").split("\n")[0] for t in texts[:PROBE_LINES]]
            return self._headerless(lines, self.by_key("delimited"))
        by_key = choose([], self.by_key("json"))
        source = by_key or whose_columns(self.delimited_by_key(), members)
        return self._is(source, members, texts)

    def recognise_others(self, texts: list[bytes]) -> Shape | None:
        """The shape of further records of another kind: lines among JSON, or JSON among lines. The
        object keeps its source and status."""
        before = self.source, self.status, self.reason, self.no_source
        shape = self.recognise_texts(texts)
        self.source, self.status, self.reason, self.no_source = before
        return shape

    def recognise_lines_among(self, texts: list[bytes]) -> Shape | None:
        """The shape of lines among those of another layout; None where nobody knows them, or where
        their fields end at another delimiter."""
        before = self.delimiter, self.layout
        shape = self.recognise_others(texts)
        if shape is not None and shape.kind == "fields" and self.delimiter == before[0]:
            return shape
        self.delimiter, self.layout = before
        return None

    def _is(self, source: Source | None, members: list[str], texts: list[bytes]) -> Shape | None:
        if self.named is not None:
            source = self.named
        elif source is None or not (source.fits_members(members) or is_row(source, members)):
            known = self.catalogue.set_aside(self.obj.key, members)
            if known is not None:
                self.set_aside(known.status, known.reason)
                return None
        if source is None:
            if members:
                begins = ", ".join(members[:8])
                reason = f"JSON that no source knows (members {begins})"
                self.set_aside("unknown", reason, no_source=True)
            else:
                self.set_aside("unknown", "JSON without an object in it")
            return None
        self.source = source
        shape = members_shape(source, members)
        if shape.kind == "json" and (
            any(holds_text(source, one) for one in texts[:PROBE_TEXT])
            or are_lowercased(source, members, texts[:PROBE])
        ):
            shape = replace(shape, kind="rows")
        if shape.kind == "rows":
            self.layout = {"rows": True}
        return shape

    def widened(self, shape: Shape, texts: list[bytes]) -> Shape:
        """The shape with the members of all these records, since a writer may leave out those that
        are null. Members that are no column of the source are counted."""
        given = self.catalogue[shape.source].lines
        known = {m for m, _ in shape.columns}
        columns = {c for _, c in shape.columns}
        more: dict[str, str] = {}
        others: set[str] = set()
        for text in texts:
            for member in members_of(text) or ():
                if member in known:
                    continue
                column = None if member in others else given.column(member)
                if column is None:
                    others.add(member)
                    self.note_unknown([member] if member[:1] != ABOUT else [])
                    continue
                known.add(member)
                if column not in columns:
                    columns.add(column)
                    more[member] = column
        return replace(shape, columns=(*shape.columns, *more.items())) if more else shape

    def knows(self, text: bytes) -> bool:
        """Whether a record is a JSON object or a line of some source, or a header of such lines."""
        if text[:1] == b"{":
            members = members_of(text) or []
            return bool(self.catalogue.by_members(members))
        line = text.decode("utf-8", "replace")
        return bool(self.catalogue.by_line(line)) or self.is_heading(text)

    def is_heading(self, text: bytes) -> bool:
        """Whether a text that was inside something else is a header or a directive of lines."""
        begins = text[:1]
        if begins == b"{" or begins.isdigit():  # most texts are told at once
            return False
        line = text.decode("utf-8", "replace")
        if line.startswith("#Version:"):
            return True
        if begins != b"#" and MAY_HEAD.match(line) is None:
            return False
        by_key = tuple(self.delimited_by_key())
        if begins == b"#":
            return read_directive(line, self.catalogue, by_key, self.named) is not None
        headed = read_header(line, self.catalogue, by_key, self.named, names_columns)
        return headed is not None and len(headed[2]) > 1  # a name alone is a cell of a header

    def placed(self, piece: Piece, place: int) -> int | None:
        """The place of a record that was inside something else, which is counted (`takes`), or
        `HEADING` for a header or directive of those behind it; None where it is refused."""
        if self.is_heading(piece.text):
            return HEADING
        return place if self.takes(piece, place) else None

    def below_heading(self, texts: list[bytes]) -> Shape | None:
        """The shape of lines below the first of these, which is a heading; None where it names no
        fields."""
        lines = [text.decode("utf-8", "replace") for text in texts]
        if lines[0].startswith("#Version:"):
            return None
        if lines[0].startswith("#"):
            return self.recognise_directives(lines)
        return self._under_header(lines[0], self.delimited_by_key(), names_columns)

    def knows_within(self, text: bytes) -> bool:
        """Whether a record is known to some source, is an envelope, or JSON that has a record
        somewhere within."""
        if self.knows(text):
            return True
        if text[:1] != b"{":
            return False
        return OPENER.unwrap(text) is not None or bool(records_within(text, self.knows))

    def is_head(self, first: bytes) -> bool:
        """Whether an object's first line is a line, header or directive of some source."""
        line = first.decode("utf-8", "replace")
        names = names_in(line.removeprefix("#Fields:"))
        catalogue = self.catalogue
        return bool(
            line.startswith("#Version:")
            or catalogue.by_line(line)
            or catalogue.by_header([column_name(name.strip('"')) for name in names])
        )

    # -- lines ----------------------------------------------------------------------------------

    @property
    def delimited(self) -> Delimited:
        """How the source's lines are cut in this object; only after lines were recognised."""
        return self.cutting(self.recognised.name)

    def cutting(self, name: str) -> Delimited:
        """How the lines of a source are cut in this object."""
        return with_delimiter(self.catalogue[name].lines, self.delimiter)

    def recognise_lines(self, lines: list[str]) -> Shape | None:
        """The shape of lines, by the first of them that is a header or a line of some source, and
        by the object's key. Broken lines before that one are passed over.

        Below the first line a header counts only where most of its names are columns, since prose
        about logs has some of these names too.
        """
        by_key = self.delimited_by_key()
        for number, line in enumerate(lines):
            shape = self._under_header(line, by_key, least=names_columns if number else heads)
            if shape is not None:
                return shape
            if self.catalogue.by_line(line):
                break
        return self._headerless(lines, by_key)

    def _under_header(
        self, line: str, by_key: list[Source], least: Callable[[Source, list[str]], bool]
    ) -> Shape | None:
        """The shape of the lines below this one where it is a header; None where it is not.
        `least` says whether its names suffice for a source."""
        headed = read_header(line, self.catalogue, tuple(by_key), self.named, least)
        if headed is None:
            return None
        self.source, self.delimiter, names = headed
        return self.header(line, names)

    def recognise_directives(self, head: list[str]) -> Shape | None:
        """The shape of lines that begin with directives (`#Fields: ...`), by the names in them."""
        by_key = self.delimited_by_key()
        data = [line for line in head if not line.startswith("#")]
        for line in head:
            directed = read_directive(line, self.catalogue, tuple(by_key), self.named)
            if directed is not None:
                self.source, names = directed
                self.directed = True
                self.delimiter = cut_at(data, self.delimited, len(names))
                return self.header(line, names)
        first = next(iter(data), "")
        marked = [
            s
            for s in self.catalogue.sources.values()
            if s.delimited and s.delimited.header.startswith("#")
        ]
        source = self.named or choose(
            [s for s in marked if s.fits_line(first)], [s for s in marked if s in by_key]
        )
        if source is None or source.delimited is None:
            return self._headerless(head, by_key)
        self.source = source
        return self._laid_out(source, first)

    def _headerless(self, lines: list[str], by_key: list[Source]) -> Shape | None:
        """The shape of lines without a header, by the first of them that a source knows."""
        by_key = [s for s in by_key if s.delimited]
        line = next((one for one in lines if self.catalogue.by_line(one)), lines[0])
        source = self.named or choose(self.catalogue.by_line(line), by_key)
        head = "\n".join(lines)[:4096]
        known = self.catalogue.set_aside(self.obj.key, head=head)
        fits = self.named is not None or (source is not None and source.fits_line(line))
        if known is not None and not fits:
            self.set_aside(known.status, known.reason)
            return None
        if not fits and _is_binary(head):
            self.set_aside("unknown", f"no text, so no log (begins {head[:20]!r})")
            return None
        if source is None or source.delimited is None:
            self.set_aside("unknown", f"text that no source knows (begins {lines[0][:60]!r})")
            return None
        self.source = source
        if source.fits_tabs(line):
            self.delimiter = "\t"
        return self._laid_out(source, line)

    def _laid_out(self, source: Source, line: str) -> Shape | None:
        shape = line_shape(source, line)
        if source.delimited is not None and (source.delimited.layouts or self.delimiter):
            self.layout = {"line": line}
        if shape is None and source.delimited is not None:
            layouts = source.delimited.layouts
            widths = ", ".join(str(n) for n in sorted({len(one.columns) for one in layouts}))
            self.set_aside(
                "unknown",
                f"lines of {source.name} without a header and with other fields than are known"
                f"{f' ({widths} of them)' if widths else ''}. Name the fields in a source folder "
                "of your own ($LAKE_TRANSFORMS, see docs/transforms.md)",
            )
        return shape

    def header(self, line: str, names: list[str], source: Source | None = None) -> Shape:
        """The shape of the lines below a header with these names; `source` where it is not the
        object's own. Raises DecodeError where the object has over `MAX_HEADERS` of them."""
        source = source or self.recognised
        given = self.cutting(source.name)
        while names and not names[-1]:
            names = names[:-1]
        shape, unknown = shape_under(line, source.name, given, tuple(names))
        if line not in self.headers:
            if len(self.headers) == MAX_HEADERS:
                raise DecodeError(f"over {MAX_HEADERS} different headers; the rest is not read")
            self.note_unknown(unknown)
            self.headers.append(line)
        self.layout = {"names": names}
        return shape


@lru_cache(64)
def with_delimiter(given: Delimited, delimiter: str | None) -> Delimited:
    """The same with fields that end at this delimiter; None leaves the source's own."""
    return given if delimiter is None else replace(given, delimiter=delimiter)


def _is_binary(head: str) -> bool:
    """Whether a beginning is no text: NULs, or much that is not UTF-8."""
    return "\0" in head or head.count("\ufffd") * 10 > len(head)
