"""What does not fit into a reader's memory lies in the lake's folder for as long as the reader
lives, and no longer than until the next one spills where it was killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from engine import two_sources

from lake.paths import STAGING, own_folder, spill_folder
from lake.serve.reader import connection

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pytest

SPILLING = (
    "CREATE TABLE t AS SELECT md5(range::VARCHAR) || repeat('-', 400) AS a FROM range(400000)"
)
"""170 MB for a DuckDB of which 64 are taken."""
READER = f"""
import sys
from pathlib import Path
from lake.serve.reader import connection
con = connection(Path(sys.argv[1]))
con.execute("SET memory_limit = '64MiB'; SET threads = 1")
con.execute({SPILLING!r})
print("spilled", flush=True)
sys.stdin.read()
"""


def spill(lake: Path) -> duckdb.DuckDBPyConnection:
    con = connection(lake)
    con.execute("SET memory_limit = '64MiB'; SET threads = 1")
    con.execute(SPILLING)
    return con


def killed_reader(lake: Path) -> str:
    """Spill in a process that is killed; what its files begin with."""
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(lake)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "spilled\n"
        reader.kill()
    return f"duckdb_temp_{reader.pid}_"


def test_what_a_killed_reader_spilled_goes_when_another_spills(tmp_path: Path) -> None:
    lake = two_sources(tmp_path, 3) / "lake"
    left, place = killed_reader(lake), spill_folder(lake)
    assert [path for path in place.iterdir() if path.name.startswith(left)]
    with spill(lake) as first, spill(lake) as second:
        assert not [path for path in place.iterdir() if path.name.startswith(left)]
        second.close()
        assert first.sql("SELECT count(*), count(DISTINCT a) FROM t").fetchall() == [
            (400_000, 400_000)
        ]
    assert not list(place.glob("*"))


def test_a_lake_that_was_copied_without_its_empty_folders(tmp_path: Path) -> None:
    lake = two_sources(tmp_path, 3) / "lake"
    shutil.rmtree(lake / STAGING)
    with spill(lake) as con:
        assert con.sql("SELECT count(*) FROM t").fetchall() == [(400_000,)]


def test_a_lake_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = two_sources(tmp_path, 3) / "lake"
    allowed = os.access

    def access(path: Path, mode: int) -> bool:  # root may write wherever the medium lets it
        return lake not in path.parents and allowed(path, mode)

    monkeypatch.setattr(os, "access", access)
    with spill(lake) as con:
        assert con.sql("SELECT count(*) FROM t").fetchall() == [(400_000,)]
        assert spill_folder(lake).parent == own_folder()
        assert not (lake / STAGING / "spill").exists()
