"""The wheel, installed in an environment of its own and used from another folder: what the commands
need travels inside of it. Dependencies come from the running environment, so nothing is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from servers import free_port

ROOT = Path(__file__).resolve().parent.parent
TRAVELS = ("transforms", "sql", "lake", ".streamlit", "app_streamlit.py")


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LAKE_DIR")}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    _run(*pip, "wheel", ROOT, "--no-deps", "--no-build-isolation", "-q", "-w", folder, cwd=folder)
    (built,) = folder.glob("siem_lake-*.whl")
    return built


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder elsewhere with `venv/`, in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    pip += ["--python", str(folder / "venv")]
    _run(*pip, "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "venv" / "lib" / version / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def _lake(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(place / "venv" / "bin" / "lake", *arguments, cwd=place)


def _tracked() -> set[str]:
    """The files that the wheel must hold, as they lie in the checkout."""
    found = [ROOT / name for name in TRAVELS if (ROOT / name).is_file()]
    for name in TRAVELS:
        found += [p for p in (ROOT / name).rglob("*") if p.is_file()]
    return {
        str(p.relative_to(ROOT)) for p in found if "__pycache__" not in p.parts and p.name[0] != "."
    }


def test_the_wheel_holds_everything_that_the_program_reads(wheel: Path) -> None:
    expected = {n if n.startswith("lake/") else f"lake/{n}" for n in _tracked()}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert expected - held == set()
    assert "lake/demo/story.py" in held
    assert "lake/.streamlit/config.toml" in held
    assert {n.split("/")[0] for n in held if not n.startswith("lake/")} == {
        wheel.name.split("-py3")[0] + ".dist-info"
    }


def test_the_program_runs_from_the_wheel_and_not_from_the_checkout(place: Path) -> None:
    code = "from lake.paths import resource; print(resource('transforms'), resource('sql'))"
    shown = _run(place / "venv" / "bin" / "python", "-c", code, cwd=place).stdout.split()
    assert all(Path(p).is_relative_to(place / "venv") for p in shown)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert _lake(place, "--version").stdout == f"siem-lake {project['version']}\n"


def test_sources_are_those_of_the_checkout(place: Path) -> None:
    listed = json.loads(_lake(place, "sources", "--format", "json").stdout)
    folders = {p.parent.name for p in (ROOT / "transforms").glob("*/source.toml")}
    assert {row["source"] for row in listed} == folders


def test_demo_ingest_sql_panels_and_dashboard(place: Path) -> None:
    _lake(place, "demo", "demo")
    logs = "demo/logs/AWSLogs/012345678901"
    report = _lake(place, "ingest", logs, "--geoip", "demo/geoip").stderr
    assert "GeoIP: places from siem-lake-demo" in report
    query = "SELECT count(*) AS n, count(source.geo.country_name) > 0 AS geo FROM events"
    (row,) = json.loads(_lake(place, "sql", query, "--format", "json").stdout)
    assert row["n"] > 5_000
    assert row["geo"] is True
    panels = json.loads(_lake(place, "panels", "CloudTrail Summary").stdout)
    assert any(panel["rows"] for panel in panels)
    assert (place / "lakehouse" / "lake.duckdb").exists()
    _serves(place)


def _serves(place: Path) -> None:
    port = free_port()
    command = [str(place / "venv" / "bin" / "lake"), "dashboard", "--port", str(port)]
    log = place / "dashboard.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=place, stdout=out, stderr=out, process_group=0)
    try:
        assert _answers(f"http://127.0.0.1:{port}/_stcore/health"), log.read_text()
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def _answers(url: str, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    return False
