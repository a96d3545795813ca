"""An MMDB file, searched for many addresses at once.

`maxminddb` decodes a whole record for each address (52 µs for a City record in eight languages),
though most addresses of a chunk share records. Here the search tree is walked with numpy for all
addresses together; that gives the record's position in the file, and each position is decoded
once, by `maxminddb`. What the record means is left to the caller. Format:
https://maxmind.github.io/MaxMind-DB/
"""

from __future__ import annotations

import mmap
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import maxminddb
import numpy as np

from lake.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from lake.enrich.address import Addresses

    _Positions = npt.NDArray[np.int64]

Record = dict[str, Any]
"""A decoded record: member name -> text, number, or members below."""

_SAMPLE = 200
"""Records that `sample` gives; every record of a City file has at least a position."""

_BROKEN = (maxminddb.InvalidDatabaseError, ValueError, KeyError, TypeError, OSError)
"""What maxminddb raises on a file that is not whole, and the operating system on one not there."""


class Database:
    """One open MMDB file. `type` and `built` (UTC) are its metadata's.

    Raises UsageError, saying what to do, where the file is missing, unreadable or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._reader = maxminddb.open_database(path)
            with path.open("rb") as file:
                whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            meta = self._reader.metadata()
            self.type = str(meta.database_type)
            self.built = datetime.fromtimestamp(meta.build_epoch, UTC)
            self._bits, self._nodes = meta.record_size, meta.node_count
            self._wide = meta.ip_version == 6
            if self._bits not in (24, 28, 32):
                raise ValueError(f"record size {self._bits}")
            if self._nodes * self._bits // 4 + 16 > len(whole):
                raise ValueError("the search tree is cut")
            # Any four bytes of the tree as one number: a gather for each step and address.
            self._words = np.ndarray((len(whole) - 3,), dtype=">u4", buffer=whole, strides=(1,))
            self._start_v4 = self._descend_left(96) if self._wide else 0
        except FileNotFoundError as error:
            raise UsageError(
                f"no GeoIP database at {path}. Give an .mmdb file or a folder with some, or run "
                "'lake geoip update'."
            ) from error
        except _BROKEN as error:
            raise self._damaged(error) from error

    def sample(self) -> list[Record]:
        """The first records, decoded, to see what the database holds. Raises as the class does."""
        try:
            records = [record for _, record in islice(self._reader, _SAMPLE)]
        except _BROKEN as error:
            raise self._damaged(error) from error
        return [record for record in records if isinstance(record, dict)]

    def find(self, addresses: Addresses) -> _Positions:
        """For each text of `addresses` the position of its record in the file, 0 for none."""
        found = np.zeros(len(addresses.texts), dtype=np.int64)
        found[addresses.v4_at] = self._walk(addresses.v4.reshape(-1, 1), self._start_v4)
        if self._wide:
            found[addresses.v6_at] = self._walk(addresses.v6, 0)
        return found

    def record(self, address: str) -> Record:
        """The record of one address, decoded; empty where the file has something else there.

        Raises UsageError where the file is damaged.
        """
        try:
            record = self._reader.get(address)
        except _BROKEN as error:
            raise self._damaged(error) from error
        return record if isinstance(record, dict) else {}

    def _walk(self, words: npt.NDArray[np.uint32], start: int) -> _Positions:
        """Where each address ends in the tree; `words` has its bits, 32 to a column."""
        ends = np.zeros(len(words), dtype=np.int64)
        if not len(words):
            return ends
        if start >= self._nodes:  # all of IPv4 is one record, or nothing
            ends[:] = start
        else:
            node = np.full(len(words), start, dtype=np.int64)
            at = np.arange(len(words))
            for depth in range(32 * words.shape[1]):
                shift = np.uint32(31 - depth % 32)
                bit = ((words[at, depth // 32] >> shift) & np.uint32(1)).astype(np.int64)
                node = self._child(node, bit)
                inside = node < self._nodes
                if not inside.all():
                    ends[at[~inside]] = node[~inside]
                    node, at = node[inside], at[inside]
                    if not len(at):
                        break
        ends[ends <= self._nodes] = 0  # the node count itself stands for "no record"
        return ends

    def _child(self, node: _Positions, right: _Positions) -> _Positions:
        size = self._bits // 4
        word: _Positions = self._words[node * size + right * (size - 4)].astype(np.int64)
        if self._bits == 24:
            word = (word >> (8 * (1 - right))) & 0xFFFFFF
        elif self._bits == 28:
            # The byte in the middle holds the top four bits of the left and of the right child.
            left = (word >> 8) | ((word & 0xF0) << 20)
            word = np.where(right == 1, word & 0x0FFFFFFF, left)
        return word

    def _descend_left(self, steps: int) -> int:
        node, zero = 0, np.zeros(1, dtype=np.int64)
        for _ in range(steps):
            if node >= self._nodes:
                break
            node = int(self._child(np.array([node], dtype=np.int64), zero)[0])
        return node

    def _damaged(self, error: Exception) -> UsageError:
        return UsageError(
            f"{self.path} is no GeoIP database that can be read ({error}). Replace it: "
            "'lake geoip update' fetches GeoLite2, or download the .mmdb file again."
        )
