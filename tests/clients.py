"""DuckDB clients that know nothing of the project, as processes: with the DuckDB of this
environment, and with the earliest one that is served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

EARLIER = "1.4"
"""The earliest DuckDB whose clients are served."""


@pytest.fixture(scope="session", params=["ours", pytest.param("1.4", marks=pytest.mark.long)])
def packages(request: pytest.FixtureRequest) -> str:
    """The PYTHONPATH with which a process has this DuckDB."""
    return "" if request.param == "ours" else request.getfixturevalue("earlier")


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PYTHONPATH with which a process has the earliest DuckDB."""
    target = tmp_path_factory.mktemp("duckdb-1.4")
    wanted = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    done = subprocess.run([*wanted, f"duckdb=={EARLIER}.*"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"DuckDB {EARLIER} cannot be installed: {done.stderr.strip()[-200:]}")
    return str(target)


CLIENT = """
import json, os, sys
import duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
con.execute("SET TimeZone = 'UTC'")
for line in sys.stdin:
    if line == "die\\n":
        os._exit(9)
    try:
        answer = con.execute(json.loads(line)).fetchall()
    except duckdb.Error as error:
        answer = str(error)
    print(json.dumps(answer, default=str), flush=True)
"""


class Client:
    """A process that has a lake's `lake.duckdb` open and knows nothing of the project."""

    def __init__(self, lake: Path, packages: str, how: str = "read") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(lake / "lake.duckdb"), how],
            env={**os.environ, "PYTHONPATH": packages},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, sql: str) -> Any:  # noqa: ANN401
        """The rows of a query, each a list; a text where DuckDB refuses it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(sql) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return json.loads(line)

    def end(self, how: str = "") -> None:
        self.process.communicate(how and f"{how}\n")


def ask(lake: Path, packages: str, sql: str) -> Any:  # noqa: ANN401
    client = Client(lake, packages)
    try:
        return client.ask(sql)
    finally:
        client.end()
