"""The command line, run in this process, in one of its own, or by a shell."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

ROOT = Path(__file__).resolve().parents[1]
Ran = tuple[int, str, str]
"""Exit code, stdout, stderr."""


def run_lake(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ran:
    """Run `lake` with these words."""
    monkeypatch.setattr("sys.argv", ["lake", *words])
    capsys.readouterr()
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> Any:  # noqa: ANN401  JSON
        return json.loads(self.out)


def process(where: Path, line: str, before: Callable[[], None] | None = None) -> Done:
    """Run a line in a process of its own."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "LAKE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "lake.cli", *shlex.split(line)],
        cwd=where,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        preexec_fn=before,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def shell(words: str, **environment: str) -> Done:
    """Run `lake` with these words as bash has them."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m lake.cli {words}"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)
