"""What stands before Streamlit: a page's head is changed, and nothing else that it sends; and who
may ask."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pages import OWN, STREAMLITS
from pages import served as serving

from lake.ui.serve import HEAD, TOLD, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lake.query import Lake

BODY = [b"<html><he", b"ad>x<head></html>"]
PAGE = (b"accept", b"text/html,*/*")


def served(
    kind: bytes,
    status: int,
    *given: tuple[bytes, bytes],
    method: str = "GET",
    opened: Callable[[str], None] = lambda _: None,
    query: bytes = b"",
) -> Any:  # noqa: ANN401
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
    scope["query_string"] = query
    with ThreadPoolExecutor(1) as pool:  # Playwright's own loop may run in this thread
        pool.submit(asyncio.run, Told(app, opened)(scope, None, send)).result()  # type: ignore[arg-type]
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


def test_a_page_that_is_opened_is_told_of() -> None:
    """Not one of a link that chooses something, and not what a page loads."""
    told: list[str] = []
    served(b"text/html", 200, PAGE, opened=told.append)
    served(b"text/html", 200, PAGE, opened=told.append, query=b"span=Last+hour")
    served(b"text/javascript", 200, (b"accept", b"*/*"), opened=told.append)
    assert told == ["hunting"]


@pytest.mark.parametrize("command", [OWN, STREAMLITS], ids=["lake dashboard", "streamlit run"])
def test_both_ways_to_serve_are_one(command: Sequence[str], lake: Lake) -> None:
    """Of a page under another host's name there is no word; one under this machine's is told."""
    with serving(lake.path, command) as address:
        refused, _ = _answer(address, "rebound.example")
        given, body = _answer(address, "localhost")
    assert (refused, given) == (400, 200)
    assert TOLD in body


def _answer(address: str, host: str) -> tuple[int, bytes]:
    asked = HTTPConnection(urlsplit(address).netloc, timeout=30)
    asked.request("GET", "/hunting", headers={"Host": host, "Accept": "text/html"})
    answer = asked.getresponse()
    return answer.status, answer.read()
