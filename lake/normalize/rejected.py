"""Records of a chunk that become no row, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.decode.refused import reject_text
from lake.decode.shapes import as_it_came

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that became no row: the number of its object in the batch, its position there, and
    its text; of a long one the head, length and hash."""

    object: int
    position: int
    reason: str
    text: str


def rejected(chunk: pa.Table, mask: np.ndarray, reason: str | pa.ChunkedArray) -> list[Rejected]:
    """The records of a chunk under the mask, with one reason for all or each with its own."""
    if not mask.any():
        return []
    where = pa.array(mask)
    wanted = ("object", "position", "text", "original", "encoding")
    rows = chunk.select([name for name in wanted if name in chunk.column_names]).filter(where)
    reasons = [reason] * len(rows) if isinstance(reason, str) else reason.filter(where).to_pylist()
    return [
        Rejected(
            row["object"],
            row["position"],
            why,
            reject_text(as_it_came(row["text"], row.get("original"), row.get("encoding"))),
        )
        for row, why in zip(rows.to_pylist(), reasons, strict=True)
    ]
