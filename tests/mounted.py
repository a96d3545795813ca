"""Commands that run with mounts of their own: a folder that may only be read, a small disk."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_MOUNT = 99
"""What the script of `run_mounted` ends with where it cannot mount."""
mounts = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a disk")


def run_mounted(
    script: str, words: Sequence[str], env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a shell script does with `words` for its arguments, of whose mounts nothing else knows.
    Skips the test where it cannot mount, or a container lets nobody have mounts of his own."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode == NO_MOUNT or done.stderr.startswith("unshare: "):
        pytest.skip(f"no mount: {done.stderr}")
    return done
