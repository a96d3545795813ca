"""Writers that are killed at a named step, as kill -9 or a power cut would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

KILLED = """
import os, signal, sys
from pathlib import Path
from deltalake import DeltaTable

step, lake, *where = sys.argv[1:]
replace, write, commits = os.replace, DeltaTable.create_write_transaction, []
unlink, deleted = os.unlink, []

def reached(moment):
    if moment == step:
        os.kill(os.getpid(), signal.SIGKILL)

def replacing(source, target, **more):
    if Path(target).name == "lake.duckdb":
        reached("before the rename of lake.duckdb")
    replace(source, target, **more)
    if Path(target).name == "_journal.json":
        reached("journal")
    if Path(target).name == "lake.duckdb":
        reached("after the rename of lake.duckdb")

def writing(self, *given, **more):
    reached(f"before commit {len(commits) + 1}")
    write(self, *given, **more)
    commits.append(self)
    reached(f"after commit {len(commits)}")

def unlinking(path, **more):
    unlink(path, **more)
    if "date=" in str(path) or "kind=" in str(path):
        deleted.append(path)
        reached(f"after deletion {len(deleted)}")

os.replace, DeltaTable.create_write_transaction = replacing, writing
os.unlink = unlinking
"""
"""What comes before a writer's own lines: it is killed at `step`, the first argument; the lake's
folder is the second."""


def run(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """A Python process with the project on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
