"""A column in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def one_piece(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array, without copying where it is one already: `combine_chunks` copies
    that, too."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
