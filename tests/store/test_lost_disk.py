"""A lake whose disk fills up or goes away while it is written: the command ends with 1 and words,
what was committed is whole, and the same command again brings the rest."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from crash import IN_PIECES, lay_out, rows_of
from engine import balance, read
from mounted import NO_MOUNT, mounts, run_mounted

from lake.query import open_lake
from lake.store.table import Store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

FULL = f"""
mount -t tmpfs -o size=$1k tmpfs "$2" || exit {NO_MOUNT}
shift; folder=$1; shift
"$@" --lake "$folder/lake"; code=$?
cp -a "$folder/lake" "$folder.kept"
exit $code
"""
"""A command over a disk of so many kB, which lasts as long as it does; what is on it is kept."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs, and in `lake` what they hold."""
    folder = tmp_path_factory.mktemp("whole")
    lay_out(folder / "logs")
    read(folder / "lake", folder / "logs")
    return folder


def ingest(whole: Path, lake: Path) -> list[str]:
    """The command, with a commit for every few objects."""
    return [*IN_PIECES, "ingest", str(whole / "logs"), "--lake", str(lake), "--jobs", "2"]


def check(told: str, code: int, lake: Path, whole: Path) -> None:
    """It said what to do, and left whole batches; then all of it comes."""
    assert code == 1, told
    assert "Traceback" not in told
    assert "run the same command again" in " ".join(told.split()).lower()
    if Store(lake).is_made():  # a disk may be too small for an empty lake, or for its first commit
        balance(lake)
    done = subprocess.run(ingest(whole, lake), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert rows_of(open_lake(lake)) == rows_of(open_lake(whole / "lake"))
    balance(lake)


def test_a_volume_that_goes_away(whole: Path, tmp_path: Path) -> None:
    lake, gone = tmp_path / "lake", tmp_path / "elsewhere"
    process = subprocess.Popen(ingest(whole, lake), stderr=subprocess.PIPE, text=True)
    version = lake / "_lake" / "_delta_log" / f"{3:020}.json"
    while not version.exists() and process.poll() is None:
        time.sleep(0.002)
    lake.rename(gone)
    told = process.communicate(timeout=120)[1]
    assert not (lake / "_lake").exists()
    assert any(words in told for words in ("cannot be ", "the commit of batch")), told
    check(told, process.returncode, gone, whole)


@mounts
@pytest.mark.parametrize("room", [160, 260, 300, 600, 900], ids="{} kB".format)
def test_a_disk_that_fills_up(room: int, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    command = [*IN_PIECES, "ingest", str(whole / "logs"), "--jobs", "2"]
    done = run_mounted(FULL, [str(room), str(tmp_path / "disk"), *command])
    check(done.stderr, done.returncode, tmp_path / "disk.kept", whole)
