"""A proxy before a real S3 server that answers some requests as a server in trouble does.

What goes wrong is declared: which requests (listing or reading, by key or prefix), how many of
them, and what becomes of the answer. The proxy keeps the Host that a request was signed for.
"""

from __future__ import annotations

import http.server
import re
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOT_PASSED_ON = ("connection", "transfer-encoding", "content-length")


@dataclass(slots=True)
class Answer:
    """What goes back: `body` is sent in pieces of `piece` bytes with a pause before each, and the
    connection is cut after `cut` bytes; `length` is what Content-Length says."""

    status: int
    headers: dict[str, str]
    body: bytes
    length: int
    cut: int | None = None
    piece: int = 1 << 20
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request for `list` (key: the prefix) or `get`."""

    kind: str
    key: str
    range: str | None = None
    token: str | None = None


@dataclass(slots=True)
class Fault:
    """What becomes of the answers to requests of a kind whose key a pattern finds: of `times` of
    them (None: of all), after `after` have passed. `first` is done before the server is asked."""

    kind: str
    change: Callable[[Answer], None] = lambda _: None
    key: str = ""
    times: int | None = None
    after: int = 0
    first: Callable[[], object] = lambda: None
    seen: int = 0

    def takes(self, request: Request) -> bool:
        if request.kind != self.kind or not re.search(self.key, request.key):
            return False
        self.seen += 1
        return self.after < self.seen and (
            self.times is None or self.seen <= self.after + self.times
        )


@dataclass(slots=True)
class Trouble:
    """A running proxy: its address, the faults, and the requests that came."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    counting: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> set[str]:
        """The keys that were asked for."""
        return {request.key for request in self.requests if request.kind == "get"}


# -- what becomes of an answer -------------------------------------------------------------------


def says(status: int, code: str, message: str = "in the test") -> Callable[[Answer], None]:
    """An error of S3's."""

    def change(answer: Answer) -> None:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        answer.status, answer.headers = status, {"Content-Type": "application/xml"}
        answer.body, answer.length = body, len(body)

    return change


def cut(after: int) -> Callable[[Answer], None]:
    """The connection ends after some bytes of the body."""

    def change(answer: Answer) -> None:
        answer.cut = min(after, len(answer.body))

    return change


def cut_for_good(after: int) -> Callable[[Answer], None]:
    """The same, and nothing more when the rest is asked for."""

    def change(answer: Answer) -> None:
        answer.cut = 0 if answer.status == 206 else after

    return change


def becomes(body: Callable[[bytes], bytes]) -> Callable[[Answer], None]:
    """Another body, whose length is said as it is."""

    def change(answer: Answer) -> None:
        answer.body = body(answer.body)
        answer.length = len(answer.body)
        for name in [n for n in answer.headers if n.lower().startswith("x-amz-checksum")]:
            del answer.headers[name]

    return change


def says_length(more: int) -> Callable[[Answer], None]:
    """A Content-Length that is wrong by so many bytes."""

    def change(answer: Answer) -> None:
        answer.length += more
        answer.cut = len(answer.body)

    return change


def drips(piece: int, pause: float) -> Callable[[Answer], None]:
    """So many bytes at a time."""

    def change(answer: Answer) -> None:
        answer.piece, answer.pause = piece, pause

    return change


def has_header(name: str, value: str | None) -> Callable[[Answer], None]:
    """A header as given, or none of it."""

    def change(answer: Answer) -> None:
        answer.headers = {n: v for n, v in answer.headers.items() if n.lower() != name.lower()}
        if value is not None:
            answer.headers[name] = value

    return change


# -- the proxy -----------------------------------------------------------------------------------


@contextmanager
def trouble(server: str, *faults: Fault) -> Iterator[Trouble]:
    """A proxy before the server at a URL, until the block ends."""
    state = Trouble(faults=list(faults))

    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = _request(self.path, self.headers.get("Range"))
            state.requests.append(request)
            with state.counting:
                struck = [fault for fault in state.faults if fault.takes(request)]
            for fault in struck:
                fault.first()
            answer = _asked(server + self.path, dict(self.headers))
            for fault in struck:
                fault.change(answer)
            self._send(answer)

        do_HEAD = do_GET

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(answer.length))
            self.end_headers()
            body = answer.body if answer.cut is None else answer.body[: answer.cut]
            try:
                for at in range(0, len(body), answer.piece):
                    time.sleep(answer.pause)
                    self.wfile.write(body[at : at + answer.piece])
                    self.wfile.flush()
            except ConnectionError:
                self.close_connection = True
            if answer.cut is not None:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    proxy = _Server(("127.0.0.1", 0), Proxy)
    state.url = f"http://127.0.0.1:{proxy.server_address[1]}"
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield state
    finally:
        proxy.shutdown()
        proxy.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that lost patience has gone; that is no error of the proxy's."""


def _request(path: str, ranged: str | None) -> Request:
    parts = urlsplit(path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if "list-type" in query:
        token = query.get("continuation-token")
        return Request("list", unquote(query.get("prefix", "")), ranged, token)
    key = unquote(parts.path).lstrip("/").partition("/")[2]
    return Request("get" if key else "bucket", key, ranged)


def _asked(url: str, headers: dict[str, str]) -> Answer:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
    try:
        answer = urllib.request.urlopen(request, timeout=30)  # noqa: S310
    except HTTPError as error:
        answer = error
    with answer:
        body = answer.read()
        return Answer(answer.status, dict(answer.headers.items()), body, len(body))
