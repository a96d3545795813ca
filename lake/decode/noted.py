"""What is noted of an object while it is read: the status and its reason, refused pieces, members
that rows will not hold, and how records are laid out. What an object is, `lake.decode.recognise`
finds out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lake.decode.local_times import plain
from lake.decode.losses import Losses
from lake.decode.pieces import MAX_RECORD
from lake.decode.refused import LongText, Refused, reject_text
from lake.decode.rows import ABOUT, row_paths
from lake.decode.shapes import PLACE
from lake.errors import LakeError

if TYPE_CHECKING:
    from lake.decode.pieces import Piece
    from lake.model import RawObject
    from lake.sources.catalogue import Catalogue
    from lake.sources.source import Source


@dataclass(slots=True)
class Noted:
    """What is noted of one object while it is read.

    The decoder, the recogniser and the readers all write into it; the worker takes from it what
    the ledger keeps of the object.
    """

    obj: RawObject
    catalogue: Catalogue
    forced: str | None = None
    """The source that the user named, whatever the object looks like."""
    source: Source | None = None
    """The source of the first records, once it is known."""
    status: str = "read"
    """One of `lake.model.STATUSES`."""
    reason: str | None = None
    """Why the status is not `read`."""
    no_source: bool = False
    """Whether it was set aside while its first records were JSON objects of no known source."""
    refused: list[Refused] = field(default_factory=list)
    """Pieces that are no records; whoever consumes the records takes them out."""
    unknown_members: Counter[str] = field(default_factory=Counter)
    """Members and columns that the source does not declare -> how often they came."""
    lossy_members: Counter[str] = field(default_factory=Counter)
    """Members and columns that had values of another type than the declared one -> how often."""
    context: dict[str, object] = field(default_factory=dict)
    """What `objects.context` keeps: what a rebuild must know and no record's text tells."""
    headers: list[str] = field(default_factory=list)
    """The different header lines."""
    mended: dict[int, bytes] = field(default_factory=dict)
    """Place -> bytes as they came, of records whose text had to be mended."""
    seen: int = 0
    """Pieces so far, the refused ones included."""
    delimiter: str | None = None
    """What ends a field in this object, where that is not the source's own delimiter."""
    directed: bool = False
    """Whether lines that begin with `#` are directives or comments, not records."""
    layout: dict[str, object] | None = None
    """How the records that follow are laid out, until `laid_out` has noted it."""
    layouts: list[dict[str, object]] = field(default_factory=list)
    """Every layout of the object, each with the place `from` which it holds. A rebuild reads
    records by them, since their text alone does not tell (see `lake.upkeep.relayout`)."""
    _losses: dict[str, Losses] = field(default_factory=dict)

    @property
    def recognised(self) -> Source:
        """The source of the first records; only once it is known. LakeError before."""
        if self.source is None:
            raise LakeError(
                f"{self.obj.path}: its source was asked for before it was known. Report this: it "
                "is a fault of the program."
            )
        return self.source

    @property
    def named(self) -> Source | None:
        """The source that the user named: every record is taken as one of its."""
        return self.catalogue[self.forced] if self.forced else None

    def refuse(self, text: bytes | LongText, reason: str, position: int | None = None) -> None:
        """Note a piece that is no record, at its position (from 1): the last one seen unless
        told."""
        told = str(text) if isinstance(text, LongText) else reject_text(text)
        self.refused.append(Refused(position or max(self.seen, 1), reason, told))

    def takes(self, piece: Piece, place: int) -> bool:
        """Count a piece at its place (see `PLACE_BITS`), and tell whether it is a record. One that
        is none is refused, one whose text was mended keeps in `mended` what came."""
        self.seen += 1
        reason = piece.reason
        if reason is None and len(piece.text) > MAX_RECORD:
            reason = f"a record of over {MAX_RECORD >> 20} MB"
        if reason is not None:
            self.refuse(piece.long or piece.text, reason, place & PLACE)
        elif piece.came is not None:
            self.mended[place] = piece.came
        return reason is None

    def damaged(self, reason: str) -> None:
        """Note why the object cannot be read, or not to its end."""
        if self.reason is None or not self.reason.endswith(reason):
            self.reason = reason if self.reason is None else f"{self.reason}; {reason}"

    def note_unknown(self, names: list[str]) -> None:
        """Count members or columns that the source does not declare."""
        for name in filter(None, names):  # a table that pandas writes has a column without one
            self.unknown_members[name[:200]] += 1

    def note_columns(self, source: Source, names: list[str]) -> None:
        """Count the columns of a query's rows that are none of the source's members."""
        if source.delimited is None:
            paths = row_paths(source, tuple(names))
        else:
            paths = [source.delimited.column(plain(name)) for name in names]
        self.note_unknown(
            [
                name
                for name, path in zip(names, paths, strict=True)
                if path is None and not name.startswith(ABOUT)
            ]
        )

    def count_losses(self, source: str, texts: list[bytes]) -> None:
        """Count what JSON records of a source have that its rows will not hold."""
        losses = self._losses.get(source)
        if losses is None:
            losses = self._losses[source] = Losses(
                self.catalogue[source], self.catalogue, self.unknown_members, self.lossy_members
            )
        losses.look(texts)

    def made_of_rows(self, source: Source) -> None:
        """Note that records were made of a query's rows, of which a source of JSON has fewer
        members: its own records go before them (see `lake.stage.changed`)."""
        if source.format == "json":
            self.context["rows"] = True

    def laid_out(self, source: str, place: int) -> None:
        """Note that `layout` holds for the records from a place on."""
        if self.layout is not None:
            told = {"from": place, "source": source, **self.layout}
            self.layouts.append(told if self.delimiter is None else told | {"cut": self.delimiter})
            self.layout = None

    def lies_among(self, source: str, place: int, line: str) -> None:
        """Note that lines of a source lay among those of another. The first of them tells how all
        are laid out."""
        if not any(one["source"] == source for one in self.layouts):
            self.layouts.append({"from": place, "source": source, "line": line})
            self.context["layouts"] = self.layouts

    def set_aside(self, status: str, reason: str, no_source: bool = False) -> None:
        """Note that the object is not read, and why."""
        self.status, self.reason = status, reason
        self.no_source = self.no_source or no_source

    def take_back(self) -> None:
        """Undo `set_aside`: records that came later are of a known source."""
        self.status, self.reason, self.no_source = "read", None, False
