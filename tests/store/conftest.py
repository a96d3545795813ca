"""A lake of one batch, and what a second one reads."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import logs
import pytest
from engine import hashes, put, read, two_sources
from logs import FLOW_KEY, SECOND_KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs of two sources and a lake that holds a first batch of them."""
    return two_sources(tmp_path_factory.mktemp("first"), 5)


@pytest.fixture
def place(first: Path, tmp_path: Path) -> Path:
    """A copy of that lake, and beside it a second object of each source that it has not read."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    _second(tmp_path / "logs")
    return tmp_path


def _second(folder: Path) -> None:
    put(folder, SECOND_KEY, logs.trail(logs.events(5, first=4)))
    more = FLOW_KEY.replace("1a2b", "2b3c")
    put(folder, more, logs.flow_file(logs.flows(5, first=100)))


@pytest.fixture(scope="module")
def unkilled(first: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    """The rows of the same logs, read without a kill."""
    folder = tmp_path_factory.mktemp("unkilled")
    _second(folder / "logs")
    read(folder / "lake", first / "logs", folder / "logs")
    return hashes(folder / "lake")
