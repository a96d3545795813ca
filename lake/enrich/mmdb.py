"""An MMDB file, searched for many addresses at once.

Most addresses of a chunk share records. So the search tree is walked with numpy for all addresses
together, which gives the record's position in the file, and each position is read once: by
`maxminddb-rust`, which reads single members (11 of a City record in 3.5 µs) where `maxminddb`
decodes all of it, names in eight languages too (6 to 15 µs). What the members mean is left to the
caller. Format: https://maxmind.github.io/MaxMind-DB/
"""

from __future__ import annotations

import mmap
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import maxminddb_rust as maxminddb
import numpy as np

from lake.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from lake.enrich.address import Addresses

    _Positions = npt.NDArray[np.int64]

Member = tuple[str | int, ...]
"""Where a member stands in a record: `("subdivisions", 0, "iso_code")`."""

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

    def sample(self) -> list[str]:
        """Addresses of the first records, to see what these hold. Raises as the class does."""
        try:
            return [str(network[0]) for network, _ in islice(self._reader, _SAMPLE)]
        except _BROKEN as error:
            raise self._damaged(error) from error

    def find(self, addresses: Addresses) -> _Positions:
        """For each text of `addresses` the position of its record in the file, 0 for none."""
        found = np.zeros(len(addresses.texts), dtype=np.int64)
        found[addresses.v4_at] = self._walk(addresses.v4.reshape(-1, 1), self._start_v4)
        if self._wide:
            found[addresses.v6_at] = self._walk(addresses.v6, 0)
        return found

    def members(self, addresses: Sequence[str], path: Member) -> list[Any]:
        """One member of each address's record; None where it has none, or something else there.

        Raises UsageError where the file is damaged.
        """
        try:
            try:
                return self._reader.get_many_path(addresses, path)
            except maxminddb.InvalidDatabaseError:
                # damage, or a record that has a text where the path goes on: decoding all tells
                return [_member(record, path) for record in self._reader.get_many(addresses)]
        except _BROKEN as error:
            raise self._damaged(error) from error

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


def _member(record: Any, path: Member) -> Any:  # noqa: ANN401
    """What stands there in a decoded record; None where it goes another way."""
    for step in path:
        try:
            record = record[step] if isinstance(record, dict | list) else None  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return None
    return record
