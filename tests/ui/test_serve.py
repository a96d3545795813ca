"""What `lake dashboard` changes of what Streamlit sends: a page's head, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from lake.ui.cached import Asker
from lake.ui.serve import HEAD, TOLD, Told, make_ready

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from lake.queries import Query
    from lake.query import Lake

BODY = [b"<html><he", b"ad>x<head></html>"]
PAGE = (b"accept", b"text/html,*/*")


def served(kind: bytes, status: int, *given: tuple[bytes, bytes], method: str = "GET") -> Any:  # noqa: ANN401
    """What a browser gets, and which of its headers the app was told."""
    got: list[dict[str, Any]] = []
    told: list[list[tuple[bytes, bytes]]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        told.append(scope["headers"])
        size = str(sum(map(len, BODY))).encode()
        headers = [(b"content-type", kind), (b"content-length", size), (b"set-cookie", b"a=1")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, part in enumerate(BODY, 1):
            more = number < len(BODY)
            await send({"type": "http.response.body", "body": part, "more_body": more})

    async def send(message: Any) -> None:  # noqa: ANN401
        got.append(message)

    scope = {"type": "http", "method": method, "path": "/hunting", "headers": [*given]}
    with ThreadPoolExecutor(1) as pool:  # Playwright's own loop may run in this thread
        pool.submit(asyncio.run, Told(app)(scope, None, send)).result()  # type: ignore[arg-type]
    start, *parts = got
    return dict(start["headers"]), b"".join(part["body"] for part in parts), told[0]


def test_a_page_is_told_where_its_server_is() -> None:
    kept = [(b"if-none-match", b'"1"'), (b"if-modified-since", b"Sat, 28 Nov 2020 00:00:00 GMT")]
    zipped = (b"accept-encoding", b"gzip")
    headers, body, asked = served(b"text/html; charset=utf-8", 200, PAGE, zipped, *kept)
    assert body == b"".join(BODY).replace(HEAD, TOLD, 1)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"set-cookie"] == b"a=1"
    assert asked == [PAGE]  # else it would come compressed, or not at all


@pytest.mark.parametrize(
    ("kind", "status", "given", "method"),
    [
        (b"text/csv", 200, [PAGE], "GET"),
        (b"application/octet-stream", 200, [PAGE], "GET"),
        (b"text/html", 404, [PAGE], "GET"),
        (b"text/html", 200, [(b"accept", b"*/*"), (b"accept-encoding", b"gzip")], "GET"),
        (b"text/html", 200, [PAGE, (b"accept-encoding", b"gzip")], "HEAD"),
    ],
)
def test_nothing_else_is_changed(
    kind: bytes, status: int, given: list[tuple[bytes, bytes]], method: str
) -> None:
    """A file that is saved least of all, whatever stands in it."""
    headers, body, asked = served(kind, status, *given, method=method)
    assert body == b"".join(BODY)
    assert headers[b"content-length"] == str(len(body)).encode()
    assert asked == given


def test_the_first_page_is_ready_before_a_browser_asks(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.ui.app._read", threading.Event())
    make_ready()
    asked: list[Query] = []
    answer = Asker._answer
    monkeypatch.setattr(
        Asker, "_answer", lambda self, query, by: asked.append(query) or answer(self, query, by)
    )
    app.run()
    assert len(app.metric) > 0
    assert not any('FROM "events"' in query.sql for query in asked)


def test_a_reader_who_has_come_does_not_wait_for_another_page(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    come = threading.Event()
    come.set()
    monkeypatch.setenv("LAKE_DIR", str(lake.path))
    monkeypatch.setattr("lake.ui.app._read", come)
    monkeypatch.setattr("lake.ui.app.prepare", None)  # it asks for no panel
    make_ready()


def test_where_no_lake_is_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_DIR", str(tmp_path / "none"))
    make_ready()
