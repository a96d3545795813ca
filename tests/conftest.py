"""What many tests share: real servers and clients, and one demo lake for the whole run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import settings

if TYPE_CHECKING:
    from pathlib import Path

    from lake.query import Lake

pytest_plugins = ["servers", "opensearch_server", "clients"]

settings.register_profile("any machine", deadline=None)  # how fast it is says nothing
settings.load_profile("any machine")

SLOW = ("browser", "opensearch", "s3")
"""Markers of files that take minutes, much of it waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: the process that gets one last works on it while the others have nothing
    left to do. An OpenSearch takes half a minute to start: what wants one is for the long run."""
    for one in items:
        if one.get_closest_marker("opensearch"):
            one.add_marker(pytest.mark.long)
    slow = {one.path for one in items if any(one.get_closest_marker(name) for name in SLOW)}
    items.sort(key=lambda one: one.path not in slow)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's `logs/` and `geoip/`, and what was ingested of them in `lakehouse/`.
    Made once for all of pytest-xdist's processes; nobody changes it."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        base = base.parent
    folder = base / "demo-lake"
    with FileLock(base / "demo-lake.lock"):
        if not (folder / "made").exists():
            from lake.demo import write_demo
            from lake.enrich.geoip import GeoIP
            from lake.ingest import IngestOptions, ingest
            from lake.serve.client_file import write_client_file

            demo = write_demo(folder)
            geoip = GeoIP.open([demo.geoip_city, demo.geoip_asn])
            ingest(folder / "lakehouse", [str(demo.logs)], IngestOptions(geoip=geoip))
            write_client_file(folder / "lakehouse")
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def demo_lake(demo_folder: Path) -> Lake:
    """The demo lake, open for reading."""
    from lake.query import open_lake

    return open_lake(demo_folder / "lakehouse")
