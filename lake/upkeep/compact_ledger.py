"""`_lake`'s own small files -> one of each kind, so that reading the ledger stays cheap after many
commits. Rows keep their batch, and files their order: a merged one is called after the last batch
whose rows it holds, and sorts before all later ones."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake.store import ledger
from lake.store.commit import Commit, LedgerFile, commit
from lake.store.files import batch_of, check_unaltered
from lake.store.merged_schema import conformed
from lake.store.recover import recover

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from lake.store.table import Store

LEFT = 8
"""So many small files of a kind are left: every commit adds a few, a compaction too."""
SETTLED = 32 << 20
"""Bytes of a file of `_lake` that is large enough."""


def compact_ledger(store: Store, folder: Path) -> tuple[int, int]:
    """Merge the small files of `_lake`; gives how many there were and how many came of them."""
    snapshot = store.snapshot()
    merged: list[LedgerFile] = []
    removed: list[str] = []
    for kind in ledger.KINDS:
        small = [Path(path) for path in store.ledger_files(kind, snapshot)]
        # one that is gone is told when it is to be read
        small = [path for path in small if not path.exists() or path.stat().st_size < SETTLED]
        if len(small) > LEFT:
            merged.append(LedgerFile(_merge(small, folder), kind, batch_of(small[-1].name)))
            removed += [path.relative_to(store.path / ledger.TABLE).as_posix() for path in small]
    if not merged:
        return 0, 0
    with store.lock():
        recover(store)
        now = store.snapshot()
        counted = {path for kind in ledger.KINDS for path in store.ledger_files(kind, now)}
        if not {str(store.path / ledger.TABLE / name) for name in removed} <= counted:
            return 0, 0  # another compaction was faster
        given = Commit(
            ledger_files=merged,
            removed={ledger.TABLE: removed},
            data_change=False,
            did="compact",
        )
        commit(store, given)
    return len(removed), len(merged)


def _merge(files: Sequence[Path], folder: Path) -> Path:
    target = folder / f"ledger-{uuid.uuid4().hex}.parquet"
    schema = ledger.SCHEMA.remove(ledger.SCHEMA.get_field_index("kind"))
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for path in files:
            check_unaltered(path)
            rows = conformed(pq.ParquetFile(path).read(), schema)
            writer.write_table(_numbered(rows, batch_of(path.name)))
    return target


def _numbered(rows: pa.Table, batch: int) -> pa.Table:
    """Rows that were staged before their batch had a number, with it: the file's name had it."""
    at = rows.schema.get_field_index("batch")
    return rows.set_column(at, rows.schema.field(at), pc.fill_null(rows["batch"], batch))
