"""The empty Parquet files at the head of what a view reads: they have every column, which the files
behind them may lack."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from lake.errors import StorageError
from lake.paths import VIEWS, own_folder
from lake.store.damage import has_footer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa


def head_file(lake: Path, name: str, schema: Callable[[], pa.Schema]) -> str:
    """An empty Parquet file, made where it lacks: `name` in the lake's `_views`, or in this
    process's own folder where the lake may only be read. Raises StorageError."""
    try:
        return _ensure(lake / VIEWS / name, schema)
    except OSError as refused:
        try:
            return _ensure(own_folder() / name, schema)
        except OSError as error:
            raise StorageError(
                f"the lake at {lake} takes no files ({refused}), nor does the "
                f"folder for temporary files ({error}). Name another with TMPDIR."
            ) from error


def _ensure(target: Path, schema: Callable[[], pa.Schema]) -> str:
    """A Parquet file without rows, there whole or not at all."""
    if not has_footer(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{uuid.uuid4().hex}")
        pq.write_table(schema().empty_table(), temporary, store_schema=False)
        temporary.replace(target)
    return str(target)
