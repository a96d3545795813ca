"""A real OpenSearch for tests, on 127.0.0.1: one node, from Maven's repository.

Which version runs depends on the JDK that is found (3 wants 21, 2 wants 17); OPENSEARCH_FOR_TESTS
names another. `python tests/opensearch_server.py` only fetches it. Every wait here has an end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock
from servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent / "opensearch"
CACHE = Path.home() / ".cache" / "siem-lake"
VERSIONS = (("3.8.0.0", 21), ("2.19.1.0", 17))
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
SERVING = ("-XX:+UseG1GC", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30")
"""As OpenSearch's own jvm.options. A circuit breaker counts what is not collected yet, too: with
the serial collector it stays open until the heap is full, and a server refuses for minutes."""
FETCH_SECONDS, START_SECONDS, STOP_SECONDS = 600, 90, 30


class NoServerError(Exception):
    """Why there can be no server here."""


def _java() -> tuple[Path, int]:
    """The newest JDK of this machine: its `java`, and its number."""
    homes = [os.environ.get("OPENSEARCH_JAVA_HOME"), os.environ.get("JAVA_HOME")]
    places = [Path(home) for home in homes if home]
    places += [path for path in Path("/usr/lib/jvm").glob("*") if path.is_dir()]
    found = []
    for place in places:
        if (place / "bin" / "java").exists() and (place / "bin" / "javac").exists():
            asked = [str(place / "bin" / "javac"), "-version"]
            told = subprocess.run(asked, capture_output=True, text=True, timeout=30)
            if number := re.search(r"javac (\d+)", told.stdout + told.stderr):
                found.append((int(number[1]), place / "bin" / "java"))
    if not found:
        raise NoServerError("no JDK (OPENSEARCH_JAVA_HOME, JAVA_HOME, /usr/lib/jvm)")
    number, java = max(found)
    return java, number


def fetch() -> tuple[Path, Path]:
    """`java`, and the folder with OpenSearch's jars, fetched where they are not here yet."""
    java, number = _java()
    named = os.environ.get("OPENSEARCH_FOR_TESTS")
    version = named or next((v for v, least in VERSIONS if number >= least), None)
    if version is None:
        raise NoServerError(f"OpenSearch wants a JDK of 17 or newer; {java} is {number}")
    jars = CACHE / f"opensearch-{version}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "opensearch.lock", timeout=FETCH_SECONDS):
        if not (jars / "complete").exists():
            _download(version, jars)
    return java, jars


def _download(version: str, jars: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoServerError(f"no {jars} and no Maven (mvn) to fetch it with")
    command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-Drunner={version}", f"-DoutputDirectory={jars}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise NoServerError(f"Maven took more than {FETCH_SECONDS} s") from None
    if done.returncode:
        raise NoServerError(f"OpenSearch {version} could not be fetched: {done.stdout[-300:]}")
    (jars / "complete").touch()


@dataclass(slots=True)
class OpenSearchServer:
    """A node and its folder; its data stays when it is stopped and started again. `quick`: it
    starts in less time, and its code is never made fast."""

    java: Path
    jars: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    heap: str = "1g"  # aggregations that are exact ask for much
    quick: bool = True

    @property
    def pid(self) -> int:
        """Of the server, which runs."""
        assert self.process is not None
        return self.process.pid

    @property
    def version(self) -> int:
        """Its first number, 2 or 3."""
        return int(self.ask("GET", "/")["version"]["number"].split(".")[0])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers. Raises NoServerError."""
        options = [f"-Xms{self.heap}", f"-Xmx{self.heap}", *(QUICK if self.quick else SERVING)]
        options += [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"]
        node = ["-cp", f"{self.jars}/*", str(HERE / "Node.java"), str(self.port), str(self.folder)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.java), *options, *node], stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.ask("GET", "/_cluster/health")["status"] in ("green", "yellow"):
                    return
            except OSError:
                pass
            time.sleep(0.1)
        self.stop()
        tail = (self.folder / "log.txt").read_text("utf-8", "replace")[-300:]
        raise NoServerError(f"OpenSearch did not start in {START_SECONDS} s: {tail}")

    def stop(self) -> None:
        """End it; its data stays."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self.process = None

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """An answer in JSON. Raises OSError where it is none or an error."""
        data = None if body is None else json.dumps(body).encode()
        head = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, head, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return dict(json.load(answer))

    def clear(self) -> None:
        """Delete every index of an export."""
        self.ask("DELETE", "/log-*")

    def ids(self, pattern: str = "log-*") -> dict[str, set[str]]:
        """Index -> ids of its documents; no index has more than 10,000 in these tests, but for
        those asked for by `count`."""
        self.ask("POST", f"/{pattern}/_refresh")
        found: dict[str, set[str]] = {}
        body: dict[str, Any] = {"size": 5_000, "_source": False, "sort": ["event.hash"]}
        while hits := self.ask("POST", f"/{pattern}/_search", body)["hits"]["hits"]:
            for hit in hits:
                found.setdefault(hit["_index"], set()).add(hit["_id"])
            body["search_after"] = hits[-1]["sort"]
        return found


@pytest.fixture(scope="session")
def opensearch_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchServer]:
    """A node for the whole run."""
    try:
        java, jars = fetch()
        server = OpenSearchServer(java, jars, tmp_path_factory.mktemp("opensearch"))
        server.start()
    except NoServerError as reason:
        missing(str(reason))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def opensearch(opensearch_node: OpenSearchServer) -> OpenSearchServer:
    """The same, without an index."""
    opensearch_node.clear()
    return opensearch_node


if __name__ == "__main__":
    try:
        print(*fetch())
    except NoServerError as reason:
        sys.exit(str(reason))
