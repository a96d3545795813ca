"""`lake.duckdb`: the views and macros of a lake's last batch, for any DuckDB client.

It is made beside the old one and renamed, so that a client has one or the other; one that holds the
old one, for writing even, keeps it. A copy lies in `_views/`, where no client comes: `lake sql`
opens that one, since to find views takes a tenth of the time of making them. Its name tells the
version of the lake, the place and the program that it was made for: it is taken for nothing else,
and that the client's file is up to date shows without opening it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lake.errors import StorageError, is_interrupt
from lake.paths import VIEWS, lake_folder
from lake.program import program_mark, program_version
from lake.serve.accounts import names_mark
from lake.serve.reader import connection, keep_settings
from lake.sources.fieldsets import literal
from lake.store.deltalog import newest

if TYPE_CHECKING:
    from lake.store.snapshot import Snapshot
    from lake.store.table import Store

CLIENT_FILE = "lake.duckdb"
LEDGER = "_lake"
"""As `lake.store.ledger.TABLE`, which would load pyarrow."""
BEHIND = 60.0
"""Seconds that it may be behind the lake: while an ingest commits, not every command writes it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a client file was written from, as its view `lake_version` has it. `version` is that of
    `_lake`, `mark` tells the program's files (see `program_mark`) and the names of accounts: those
    of now unless told."""

    batch: int
    lake: str
    version: int
    program: str = field(default_factory=program_version)
    mark: str = ""

    def __post_init__(self) -> None:
        if not self.mark:
            mark = f"{program_mark()} {names_mark(Path(self.lake))}".rstrip()
            object.__setattr__(self, "mark", mark)

    def same_but_batch(self, other: Origin) -> bool:
        """Whether it is of the same lake, place and program, whatever batch."""
        return (self.lake, self.program, self.mark) == (other.lake, other.program, other.mark)

    @property
    def copy(self) -> Path:
        """Where the copy of such a file is."""
        key = "\0".join((self.lake, str(self.version), self.program, self.mark))
        name = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
        return Path(self.lake, VIEWS, f"{name}.duckdb")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A lake's last batch, opened by its copied views: one connection, for one query."""

    path: Path
    con: duckdb.DuckDBPyConnection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """The connection itself: a cursor would not begin in the lake's views."""
        return self.con

    def tables(self) -> list[str]:
        """The tables that have rows."""
        (found,) = self.con.execute("SELECT tables FROM lake_version").fetchall()
        return list(found[0])


def open_prepared(path: Path) -> Prepared | None:
    """The last batch by the views that the last writer left; None where they are not there, or
    of another batch, place or program. Reads no log and no table of Delta's. Raises UsageError for
    a path that cannot be a lake's."""
    lake = lake_folder(path)
    copy = _present_copy(lake)
    if copy is None:
        return None
    try:
        con = connection(lake)
        con.execute(f"ATTACH {literal(str(copy))} AS lake (READ_ONLY); USE lake")
        con.execute("FROM lake_version")
    except (OSError, duckdb.Error):
        return None
    keep_settings(con)
    return Prepared(lake, con)


def _present_copy(lake: Path) -> Path | None:
    """The copy for the lake as it is now, where there is one and the client's file is the same."""
    version = newest(lake / LEDGER)
    if version is None:
        return None
    client, copy = lake / CLIENT_FILE, Origin(0, str(lake), version).copy
    try:
        kept = _same_file(client, copy) and not client.with_name(f"{CLIENT_FILE}.wal").exists()
    except OSError:
        return None
    return copy if kept else None


def write_client_file(path: Path, *, wait: bool = True) -> bool:
    """Write `lake.duckdb`, unless it is of the last batch, this place and this program.

    Clients open it read-only. Takes the lake's lock, so that the last one wins; without `wait`,
    False where a writer has it. Raises StorageError.
    """
    import pyarrow as pa
    from deltalake.exceptions import DeltaError

    from lake.store.table import Store

    store = Store.open(path)
    target = store.path / CLIENT_FILE
    temporary = store.path / f".{CLIENT_FILE}.new"
    try:
        with store.lock(None if wait else _leave):
            _remove(temporary)
            try:
                _write(store, target, temporary)
            finally:
                with suppress(OSError):  # a disk that may only be read refuses that too
                    _remove(temporary)
    except _Busy:
        return False
    except (OSError, duckdb.Error, pa.ArrowException, DeltaError) as error:
        if is_interrupt(error):
            raise
        raise StorageError(
            f"{target} cannot be written: {error}. The lake itself is whole."
        ) from error
    return True


class _Busy(Exception):
    """A writer has the lake's lock."""


def _leave() -> None:
    raise _Busy


def _write(store: Store, target: Path, temporary: Path) -> None:
    from lake.serve.views import data_files, macros, views

    left = target.with_name(f"{CLIENT_FILE}.wal")
    snapshot = store.snapshot()
    origin = _present(store, snapshot)
    if _is_present(target, origin) and not left.exists():
        return
    with duckdb.connect() as con:
        con.execute(f"ATTACH {literal(str(temporary))} AS client (STORAGE_VERSION 'v1.0.0')")
        con.execute(f"USE client; BEGIN; {macros()}")
        for view in views(store, snapshot, data_files(store, snapshot)):
            if not all(file.startswith(f"{store.path}{os.sep}") for file in view.files):
                raise OSError("_views takes no files")  # those of this process end with it
            con.execute(view.sql)
        con.execute(f"{_version_view(origin, sorted(snapshot.tables))}; COMMIT")
    _copy(temporary, origin.copy)
    for other in origin.copy.parent.glob("*.duckdb"):
        if other != origin.copy:
            other.unlink()
    # what a client that was killed has left belongs to the old file
    left.unlink(missing_ok=True)
    temporary.replace(target)


def client_file_stale(path: Path) -> bool:
    """Whether `lake.duckdb` is to be written anew: its paths are absolute and the lake has moved,
    an ingest was killed before it wrote it, a client was killed that wrote to it, another program
    made it, or it cannot be opened. One that a client holds for writing is left alone; a fresh one
    may be behind."""
    if _present_copy(lake_folder(path)) is not None:
        return False
    from lake.store.table import Store

    store = Store.open(path)
    target = store.path / CLIENT_FILE
    try:
        age = time.time() - target.stat().st_mtime
        written = _written_for(target)
    except FileNotFoundError:
        return False
    except duckdb.IOException as error:
        return "Could not set lock" not in str(error)
    if written is None or target.with_name(f"{CLIENT_FILE}.wal").exists():
        return True
    present = _present(store, store.snapshot())
    return not written.same_but_batch(present) or (written != present and age > BEHIND)


def _present(store: Store, snapshot: Snapshot) -> Origin:
    """What a client file says that is up to date."""
    return Origin(snapshot.batch, str(store.path), snapshot.ledger_version)


def _is_present(target: Path, present: Origin) -> bool:
    try:
        return _written_for(target) == present
    except duckdb.IOException:
        return False


def _written_for(target: Path) -> Origin | None:
    """What it says; None where there is no such file or view. Raises duckdb.IOException where it
    cannot be opened."""
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as con:
            return _read_origin(con)
    except duckdb.IOException:
        raise
    except duckdb.Error:
        return None


def _read_origin(con: duckdb.DuckDBPyConnection) -> Origin:
    query = "SELECT batch, lake, version, program, mark FROM lake_version"
    ((batch, lake, version, program, mark),) = con.execute(query).fetchall()
    return Origin(int(batch), str(lake), int(version), str(program), str(mark))


def _version_view(origin: Origin, tables: list[str]) -> str:
    batch, lake, version, program, mark = astuple(origin)
    return (
        f"CREATE VIEW lake_version AS SELECT {batch} AS batch, {literal(lake)} AS lake, "
        f"{literal(program)} AS program, {version} AS version, {literal(mark)} AS mark, "
        f"[{', '.join(map(literal, tables))}]::VARCHAR[] AS tables"
    )


def _same_file(one: Path, other: Path) -> bool:
    """By size and time: the copy keeps the time, and who writes to the other changes it."""
    first, second = one.stat(), other.stat()
    return (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)


def _copy(source: Path, target: Path) -> None:
    beside = target.with_name(f".{target.name}.new")
    try:
        shutil.copy2(source, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
