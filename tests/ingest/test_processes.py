"""The processes of an ingest: none outlives the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for a process's children")
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_driver(
    demo_folder: Path, tmp_path: Path, ended_by: signal.Signals
) -> None:
    command = [sys.executable, "-m", "lake.cli", "ingest", str(demo_folder / "logs")]
    process = subprocess.Popen(
        [*command, "--lake", str(tmp_path / "lake"), "--jobs", "2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    workers = _until(lambda: _children(process.pid), 2)
    process.send_signal(ended_by)
    process.wait()
    assert _until(lambda: [w for w in workers if Path(f"/proc/{w}").exists()], 0) == []


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(one) for one in listed.split()]


def _until(found: object, count: int) -> list[int]:
    """What is found, asked again for up to 20 s until there are so many."""
    for _ in range(200):
        if len(now := found()) == count:  # type: ignore[operator]
            break
        time.sleep(0.1)
    return now
