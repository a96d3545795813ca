"""What a cluster has been sent, by partition: the files whose rows it has.

Kept in the lake's folder, a file for each cluster, a line each time that a partition was sent, of
which the last counts; a line that was cut by a kill counts for nothing. Two states of a partition
with equal sums hold the same rows, in other files (a compaction), where none has taken another's
place in between. Before anything is sent it is written down which files are to be: of those that a
killed run had begun the cluster may have rows.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lake.errors import StorageError
from lake.store.lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

FOLDER = "_exports"
Key = tuple[str, str, str, str]
"""Table, day, account, region."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A partition as a cluster has it. `rows` and `total` are the number and the sum of its
    identities, `rebuilt` the batch of the table's last rebuild, `refused` how many documents of it
    the cluster would not have, `batch` the lake's last one then (0 where it was not noted); all
    files empty: nothing of it is there any more."""

    table: str
    day: str
    account: str
    region: str
    files: tuple[str, ...]
    rows: int = 0
    total: str = "0"
    rebuilt: int = 0
    refused: int = 0
    batch: int = 0

    @property
    def key(self) -> Key:
        """The partition: table, day, account, region."""
        return self.table, self.day, self.account, self.region


@contextmanager
def storage_errors(lake: Path) -> Iterator[None]:
    """Raises StorageError for an OSError within: the lake's disk refuses what an export keeps."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the lake at {lake} cannot be written: {error}. What was sent until then stays; mend "
            "the cause and run the same command again."
        ) from error


class Memory:
    """The partitions that a cluster has under one condition (`where`)."""

    def __init__(self, lake: Path, cluster: str, where: str | None) -> None:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", cluster)
        self.path = lake / FOLDER / f"{safe}.jsonl"
        self._where = where
        self.sent: dict[Key, Sent] = {}
        self.begun: dict[Key, frozenset[str]] = {}
        """Files of which the cluster may have rows that no line of `sent` tells."""

    def read(self) -> None:
        """Take up what is written there."""
        self.sent.clear()
        self.begun.clear()
        if self.path.exists():
            for line in self.path.read_text("utf-8", "replace").splitlines():
                self._read(line)

    @contextmanager
    def alone(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock without which nobody sends: of two at once each would delete, in a day that
        it compares, what the other has sent of it. `waiting` is called where another holds it."""
        with ExitStack() as held:
            with storage_errors(self.path.parents[1]):
                self.path.parent.mkdir(exist_ok=True)
                held.enter_context(locked(self.path.with_suffix(".lock"), waiting))
            yield

    def _read(self, line: str) -> None:
        try:
            given = json.loads(line)
            where, files = given.pop("where"), tuple(given.pop("files"))
            begun = given.pop("begun", False)
            one = Sent(**given, files=files)
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        if where != self._where:
            return
        if begun:
            self.begun[one.key] = self.begun.get(one.key, frozenset()).union(one.files)
        else:
            self._keep(one)

    def _keep(self, one: Sent) -> None:
        self.begun.pop(one.key, None)
        if one.files:
            self.sent[one.key] = one
        else:
            self.sent.pop(one.key, None)

    def begin(self, parts: Mapping[Key, Iterable[str]]) -> None:
        """From now on the cluster may have rows of these files, by partition, until it is noted
        what it has."""
        lines = []
        for key, files in parts.items():
            known = self.begun.get(key, frozenset())
            if new := tuple(sorted(set(files) - known)):
                self.begun[key] = known.union(new)
                lines.append({**asdict(Sent(*key, files=new)), "begun": True})
        if lines:
            self._write(lines)

    def note(self, one: Sent) -> None:
        """From now on the cluster has a partition so."""
        self._keep(one)
        self._write([asdict(one)])

    def _write(self, lines: list[dict[str, Any]]) -> None:
        text = "\n".join(json.dumps({"where": self._where, **line}) for line in lines)
        with storage_errors(self.path.parents[1]):
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"\n{text}\n")  # a line of its own also after one that a kill has cut
                file.flush()
                os.fsync(file.fileno())
