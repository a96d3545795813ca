"""What a cluster has been sent, by partition: the files whose rows it has.

Kept in the lake's folder, a file for each cluster, a line each time that a partition was sent, of
which the last counts; a line that was cut by a kill counts for nothing. Two states of a partition
with equal sums hold the same rows, in other files: a compaction.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "_exports"
Key = tuple[str, str, str, str]
"""Table, day, account, region."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A partition as a cluster has it. `rows` and `total` are the number and the sum of its
    identities, `rebuilt` the batch of the table's last rebuild, `refused` how many documents of it
    the cluster would not have; all files empty: nothing of it is there any more."""

    table: str
    day: str
    account: str
    region: str
    files: tuple[str, ...]
    rows: int = 0
    total: str = "0"
    rebuilt: int = 0
    refused: int = 0

    @property
    def key(self) -> Key:
        return self.table, self.day, self.account, self.region


class Memory:
    """The partitions that a cluster has under one condition (`where`)."""

    def __init__(self, lake: Path, cluster: str, where: str | None) -> None:
        safe = re.sub(r"[^A-Za-z0-9._-]", "_", cluster)
        self.path = lake / FOLDER / f"{safe}.jsonl"
        self._where = where
        self.sent: dict[Key, Sent] = {}
        if self.path.exists():
            for line in self.path.read_text("utf-8").splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        try:
            given = json.loads(line)
            where = given.pop("where")
            one = Sent(**given | {"files": tuple(given["files"])})
        except (ValueError, KeyError, TypeError):
            return
        if where == self._where:
            self._keep(one)

    def _keep(self, one: Sent) -> None:
        if one.files:
            self.sent[one.key] = one
        else:
            self.sent.pop(one.key, None)

    def note(self, one: Sent) -> None:
        """From now on the cluster has a partition so."""
        self._keep(one)
        self.path.parent.mkdir(exist_ok=True)
        # a line of its own also after one that a kill has cut
        line = "\n" + json.dumps({"where": self._where, **asdict(one)}) + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
