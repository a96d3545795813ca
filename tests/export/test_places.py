"""Places that are reached over TLS, and OpenSearch Serverless: local servers that answer so."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from command import run_lake

from lake.export.sent import Memory
from lake.store.table import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INFO = {"cluster_uuid": "u", "version": {"number": "3.1.0", "distribution": "opensearch"}}
NO_IDS = "Document ID is not supported in create/index operation request"


class Collection(BaseHTTPRequestHandler):
    """A cluster that takes everything; `refuses` says why it takes no document."""

    refuses = ""
    seen: list[str] = []  # noqa: RUF012  each test's own class has its own

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append(f"{self.command} {self.path}")
        told: dict[str, Any] = INFO if self.path == "/" else {}
        if "_bulk" in self.path:
            told = {"items": self._items(body)}
        if "_count" in self.path:
            told = {"count": 14}
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _answer

    def _items(self, body: bytes) -> list[dict[str, Any]]:
        import gzip

        count = gzip.decompress(body).count(b"\n") // 2
        error = {"status": 400, "error": {"type": "illegal_argument", "reason": self.refuses}}
        return [{"index": error if self.refuses else {"status": 201}}] * count

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[tuple[type[Collection], ThreadingHTTPServer]]:
    handler = type("Own", (Collection,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    yield handler, server
    server.shutdown()
    server.server_close()


def start(server: ThreadingHTTPServer) -> int:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    own, key = tmp_path / "own.pem", tmp_path / "key.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(own)]
    subprocess.run([openssl, *words], check=True, capture_output=True, timeout=60)
    return own, key


def test_a_certificate_of_ones_own(
    served: tuple[type[Collection], ThreadingHTTPServer],
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler, server = served
    own, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{start(server)}"
    Store.create(tmp_path / "lakehouse")
    words = ("export", "opensearch", url, "--lake", str(tmp_path / "lakehouse"))
    code, _, told = run_lake(words, monkeypatch, capsys)
    assert (code, handler.seen) == (2, [])
    assert "the certificate is not trusted or TLS fails" in told
    assert "Name the authority's file with --ca" in told
    code, _, told = run_lake((*words, "--ca", str(own)), monkeypatch, capsys)
    assert (code, handler.seen) == (0, ["GET /"]), told


@pytest.mark.parametrize("refuses", ["", NO_IDS])
def test_serverless(
    served: tuple[type[Collection], ThreadingHTTPServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refuses: str,
) -> None:
    """A collection of the type Search is like a cluster, without `GET /`; one for time series takes
    no ids, which is told, and nothing is remembered as sent or kept as refused."""
    handler, server = served
    handler.refuses = refuses
    url = f"http://127.0.0.1:{start(server)}"
    small_lake.make(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "signing-secret")
    lake = tmp_path / "lakehouse"
    words = ("export", "opensearch", url, "--lake", str(lake), "--aws", "aoss")
    code, _, told = run_lake((*words, "--region", "eu-west-1"), monkeypatch, capsys)
    assert "GET /" not in handler.seen
    assert any(line.startswith("POST /_bulk") or "PUT /_bulk" in line for line in handler.seen)
    if not refuses:
        assert "14 documents sent" in told
        return
    assert code == 2
    assert "is a collection of OpenSearch Serverless for time series" in told
    assert "Make a collection of the type Search." in told
    (path,) = (lake / "_exports").glob("*.jsonl")
    memory = Memory(lake, path.stem, None)
    memory.read()
    assert (memory.sent, len(memory.begun) > 0) == ({}, True)
