"""A folder with logs, the lake of them, and the command line over both."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import logs
import pytest
from command import Done, process, run_lake
from engine import put
from logs import FLOW_KEY, TRAIL_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs: three calls, a record without a time, two flows, a note, a digest."""
    folder = tmp_path_factory.mktemp("cli")
    put(folder / "logs", TRAIL_KEY, logs.trail([*logs.events(3), logs.TIMELESS]))
    put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(2)))
    put(folder / "logs", "notes.txt", b"Call the owner of the key on Monday.\n")
    return folder


@pytest.fixture
def lake(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Done]:
    """Run a line as the shell would, in this process and in the folder of the logs."""
    monkeypatch.chdir(place)
    for name in [n for n in os.environ if n.startswith(("AWS_", "LAKE_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(place / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "200")

    def run(line: str) -> Done:
        return Done(*run_lake(shlex.split(line), monkeypatch, capsys))

    return run


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """The lake of these logs, made by the command."""
    done = process(place, "ingest logs --lake made --jobs 1")
    assert done.code == 0, done.err
    return place / "made"
