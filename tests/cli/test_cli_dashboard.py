"""The command that serves the pages: how it ends, and where it cannot begin."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from command import ROOT, Done
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_who_ends_the_dashboard_ends_its_server(by: signal.Signals, made: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "lake.cli", "dashboard", "--lake", str(made), "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}".encode() in process.stderr.readline()
        assert _listens(port, 60)
        process.send_signal(by)
        process.wait(20)
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait(20)
    assert not _listens(port, 0)


def test_a_port_that_is_in_use(lake: Callable[[str], Done], made: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = lake(f"dashboard --lake made --port {port}")
    said = (
        f"lake: port {port} cannot be served: Address already in use. Name another with --port.\n"
    )
    assert (done.code, done.out, done.err) == (2, "", said)


def _listens(port: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while True:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
