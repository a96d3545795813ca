"""An object's bytes -> records as Arrow text, whatever wraps them.

It takes the wrappers off, looks whether JSON, lines or Parquet is inside, and hands windows to
`lake.decode.read_json`, `lake.decode.read_lines` or `lake.decode.read_tables`. Objects of any size
are read in windows; a damaged object gives the records before the damage.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from lake.decode.pieces import is_value
from lake.decode.read_json import JsonReader
from lake.decode.read_lines import LineReader
from lake.decode.read_tables import read_parquet
from lake.decode.recognise import PROBE_LINES, Recognition
from lake.decode.wrap import EXPORT_LINES
from lake.errors import AccessError, DecodeError, LimitError
from lake.objects.decompress import Budget, of_one_log, plain_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from hashlib import _Hash as Hash

    from lake.decode.shapes import Records

WINDOW = 64 << 20
"""Plain bytes of an object that are looked at together; a larger object is read in such windows."""
PARQUET = b"PAR1"
_JSON = re.compile(rb'\s*(?:\{|\[\s*(?:[\[{"\]]|null\b|\Z)|"\{(?:\\|\s))')
"""What begins like JSON that can hold records; `[2025-01-31 10:00:00] INFO` does not."""
_ZEROS = "no text but zero bytes: a hole of a disk image, or a file that was never written"
_MARKED = b"\n" + codecs.BOM_UTF8
"""A line that a byte order mark begins: files were put behind one another."""
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(slots=True)
class Decoding(Recognition):
    """One object being decoded. Consume `records(stream)`, then read what became of it.

    `sha256` is of the stored bytes, `content` of the plain ones, in hex. `base` tells the content
    up to the end of the present window by 63 bits.
    """

    sha256: str | None = None
    content: str | None = None
    base: int = 0
    whole: bool = True
    _hash: Hash = field(default_factory=hashlib.sha256)
    _reader: JsonReader | LineReader | None = None

    def records(self, stream: BinaryIO) -> Iterator[Records]:
        """Decode the object. Never raises for what is in it; see `status` and `reason`."""
        hashing = _Hashing(stream)
        budget = Budget(max(self.obj.size, 1))
        broken = False
        try:
            blocks = of_one_log(plain_blocks(hashing, budget), self._of_tar)
            for window, last in self._windows(_utf8_blocks(blocks)):
                yield from self._window(window, last)
                if self.status in ("ignored", "unknown"):
                    break
            hashing.drain()
        except (OSError, AccessError) as error:
            broken = True
            self.damaged(f"reading stopped: {error}")
        except (pa.ArrowException, DecodeError) as error:
            self.damaged(str(error))
        self.sha256 = hashing.hexdigest()
        if budget.wrappers:
            self.context["wrappers"] = budget.wrappers
        if self.headers:
            self.context["headers"] = self.headers
        if self.layouts:
            self.context["layouts"] = self.layouts
        self._conclude(broken)

    @property
    def _of_tar(self) -> str:
        if self.obj.bucket is not None:
            return "download it and give it as an archive"
        return "its name is a log's: name it .tar, or .tar.gz where it is compressed"

    def _conclude(self, broken: bool) -> None:
        if self.source is None and self.status == "read":
            self.name_by_key()
            if self.source is None and self.refused:
                self.refused.clear()
                self.set_aside("unknown", "JSON that cannot be read, and no source's key")
        if self.status in ("ignored", "unknown"):
            self.refused.clear()  # an object that is no log has no records
        if self.reason and self.status == "read":
            # a broken disk, connection or session: read again; a damaged object gave all it has
            self.status = "partial" if self.seen and not broken else "failed"

    def _windows(self, blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
        """The plain content in windows. Damage ends the last one and is noted."""
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                block = next(blocks, None)
            except DecodeError as error:
                self.damaged(str(error))
                if isinstance(error, LimitError):
                    self.context["limit"] = error.limit
                block = None
            if block is None:
                break
            parts.append(block)
            size += len(block)
            while size >= WINDOW and not parts[0].startswith(PARQUET):
                window = b"".join(parts)
                parts, size = [window[WINDOW:]], size - WINDOW
                window = window[:WINDOW]
                self.whole = False
                self._told(window)
                yield window, False
        window = b"".join(parts)
        parts.clear()
        self._told(window)
        yield window, True

    def _told(self, window: bytes) -> None:
        self._hash.update(window)
        self.content = self._hash.hexdigest()
        self.base = int(self.content[:16], 16) >> 1

    def _window(self, window: bytes, last: bool) -> Iterator[Records]:
        if self._reader is None:
            window = window.removeprefix(codecs.BOM_UTF8)
            head = window.lstrip()[:1]
            if window.startswith(PARQUET):
                yield from read_parquet(self, window)
                return
            if not head:
                if last and self.whole and not self.reason:
                    self.context["empty"] = True
                return
            if last and self.whole and not window.strip(b"\0"):
                self.set_aside("unknown", _ZEROS)
                return
            self._reader = JsonReader(self) if self._is_json(window) else LineReader(self)
        if codecs.BOM_UTF8[0] in window:  # one byte is found in a tenth of the time
            window = window.replace(_MARKED, b"\n")
        yield from self._reader.records(window, last, last and self.whole)

    def _is_json(self, window: bytes) -> bool:
        """Whether JSON is inside; also where each line is a string with a record in it, as `jq`
        writes what it takes out of an answer."""
        if _JSON.match(window):
            return True
        first = window.lstrip().split(b"\n", 1)[0].rstrip()
        if first[:1] == b'"' and is_value(first):
            text = json.loads(first.decode("utf-8", "replace"), strict=False)
            return self.knows(text.encode("utf-8", "surrogatepass"))
        return self._is_json_below(window, first)

    def _is_json_below(self, window: bytes, first: bytes) -> bool:
        """Whether records as lines of JSON are below a first line that is nothing: the end of a
        record, where a file was split, or a word about them."""
        at = window.find(b"\n{")
        if at < 0 or self.is_head(first) or any(head.match(window) for head in EXPORT_LINES):
            return False
        for _ in range(PROBE_LINES):
            end = window.find(b"\n", at + 1)
            line = window[at + 1 : end if end > 0 else len(window)]
            if self.knows_within(line):
                return True
            at = window.find(b"\n{", at + 1)
            if at < 0:
                break
        return False


def _utf8_blocks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-16 with a byte order mark, as PowerShell writes what it is told to redirect, as UTF-8.
    Half of a pair of surrogates stays what it is, three bytes that are no UTF-8. Raises DecodeError
    behind the last character where the text is cut."""
    decoder: codecs.IncrementalDecoder | None = None
    for number, block in enumerate(blocks):
        if number == 0 and block[:2] in _MARKS:
            decoder = codecs.getincrementaldecoder(_MARKS[block[:2]])("surrogatepass")
            block = block[2:]
        yield decoder.decode(block).encode("utf-8", "surrogatepass") if decoder else block
    if decoder is not None:
        try:
            yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise DecodeError("UTF-16 ends within a character (the object is cut)") from None


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
