"""The row models of a lake's tables, from batch to batch.

A commit brings every table to the present row model before it adds files. Here stands which model
that is, how far a table is behind it (`lake.store.growth` compares), and how Delta is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from lake.sources.catalogue import catalogue
from lake.sources.rowmodel import model_version, table_schema
from lake.store import ledger
from lake.store.delta import marked
from lake.store.growth import Growth, Lacking, Model, growth

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from lake.store.snapshot import Snapshot


def present_model(table: str) -> tuple[str, Callable[[], pa.Schema]]:
    """The version of a table's present row model, and its schema: a function, since to find it out
    takes up to 0.3 s."""
    if table == ledger.TABLE:
        return ledger.VERSION, lambda: ledger.SCHEMA
    return model_version(catalogue()[table]), lambda: table_schema(table)


def growths(
    lake: Path, before: Snapshot, tables: Iterable[str] = (), rebuilt: Container[str] = ()
) -> dict[str, Growth]:
    """How every table, not only the batch's, differs from its row model, where the last batch was
    not written with the present one. Tables of which no source is known stay as they are. Raises
    ModelError where the row model contradicts a table that is not rebuilt."""
    grown = {}
    for table in sorted({ledger.TABLE, *before.tables, *tables}):
        if table != ledger.TABLE and table not in catalogue().sources:
            continue
        version, schema = present_model(table)
        if table in before.models and before.models[table].version == version:
            continue
        try:
            stored = DeltaTable(lake / table).schema()
        except TableNotFoundError:
            continue
        grown[table] = growth(stored, schema())
        if table not in rebuilt:
            grown[table].must_be_growth(table, lake)
    return grown


def grown_models(
    before: Snapshot, tables: Iterable[str], grown: Mapping[str, Growth], number: int
) -> dict[str, Model]:
    """Each table's row model from this batch on."""
    models = dict(before.models)
    for table in [ledger.TABLE, *tables]:
        if table == ledger.TABLE or table in catalogue().sources:
            change = grown.get(table, Growth())
            anew = bool(change.contradictions)
            lacking = Lacking() if anew else change.lacking
            model = Model("") if anew else models.get(table, Model(""))
            models[table] = model.grow(present_model(table)[0], number, lacking)
    return models


def widen(lake: Path, table: str, number: int, anew: bool) -> int:
    """Tell Delta of new columns and leaves, which a commit of files does not; with `anew`, replace
    the type and take out the files of the old one. Returns the table's new version."""
    root = lake / table
    rows = present_model(table)[1]().empty_table()
    write_deltalake(
        root,
        rows,
        mode="overwrite" if anew else "append",
        schema_mode="overwrite" if anew else "merge",
        commit_properties=marked(number),
    )
    return int(DeltaTable(root).version())
