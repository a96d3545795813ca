"""What stands before Streamlit: of `lake dashboard`, which is `python -m lake.ui.serve PORT`, as of
`streamlit run app_streamlit.py`. Streamlit looks at a request's Host where it opens a websocket,
and nowhere else; here every request with another host name than this machine's is refused before it
reaches Streamlit. So a page of somebody's, whose name has come to mean 127.0.0.1, gets no word out
of it.

And pages are told where the server is: Streamlit's script else looks for it below the page's own
address first, and whoever opens a shared link finds errors in the browser's console. They also have
`page.js`.

What a page takes to be there, modules, the opened lake and its answers (`lake.ui.ready`), is made
ready while a browser still loads its own part.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lake.errors import LakeError
from lake.paths import resource, shown_lake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ["127.0.0.1", "localhost"]
"""As `.streamlit/config.toml` has them for websockets."""
OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.allowedHosts": HOSTS,
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
}
"""What holds wherever it is started; the rest is in the file."""

HEAD = b"<head>"
_SERVER = b"window.__streamlit = {BACKEND_BASE_URL: window.location.origin};\n"
_PAGE = Path(__file__).with_name("page.js").read_bytes()
TOLD = HEAD + b"<script>" + _SERVER + _PAGE + b"</script>"

_LEFT_OUT = (b"accept-encoding", b"if-none-match", b"if-modified-since")
"""What a page is not asked with: it would come compressed, or as the browser has it, which may have
been told otherwise by an earlier version."""


class Told:
    """Puts into every page of HTML, and into nothing else, what is told to it; and says which page
    is opened as it first is, under nothing that was chosen."""

    def __init__(self, app: ASGIApp, opened: Callable[[str], None]) -> None:
        self._app = app
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _wants_page(scope):
            await self._app(scope, receive, send)
            return
        if not scope["query_string"]:
            self._opened(scope["path"].strip("/"))
        plain = [pair for pair in scope["headers"] if pair[0] not in _LEFT_OUT]
        start: Message = {}
        parts: list[bytes] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                start.update(message)
            elif not start:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    body = b"".join(parts).replace(HEAD, TOLD, 1)
                    rest = [pair for pair in start["headers"] if pair[0] != b"content-length"]
                    start["headers"] = [*rest, (b"content-length", str(len(body)).encode())]
                    await send(start)
                    await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "headers": plain}, receive, sent)


def _wants_page(scope: Scope) -> bool:
    """Whether a browser opens an address, as it does of pages and of files to be saved."""
    asked = (value for name, value in scope["headers"] if name == b"accept")
    return scope["method"] == "GET" and any(b"text/html" in value for value in asked)


def _is_page(start: Message) -> bool:
    kind = dict(start["headers"]).get(b"content-type", b"")
    return bool(start["status"] == HTTPStatus.OK and kind.startswith(b"text/html"))


def stay_ready() -> None:
    """Load the app, open its lake, and ask what its pages ask, again when it has changed."""
    import lake.ui.app  # noqa: F401  what the first script would wait for
    from lake.ui import ready

    ready.stay_ready(shown_lake())


def opened(page: str) -> None:
    """Begin with what a page asks. Returns at once."""
    threading.Thread(target=_begin, args=(page,), daemon=True).start()


def _begin(page: str) -> None:
    from lake.ui import ready

    with suppress(LakeError):
        ready.begin(shown_lake(), page)


def middleware() -> list[Middleware]:
    """What a request goes through before it reaches Streamlit."""
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    return [guard, Middleware(Told, opened)]


@asynccontextmanager
async def served(_: st.App) -> AsyncIterator[None]:
    """Pages are made ready for as long as the server is there."""
    threading.Thread(target=stay_ready, daemon=True).start()
    yield


def main() -> None:
    """Serve until interrupted."""
    # uvicorn ends its work at Ctrl-C and raises it again, which is to end the process, not Python:
    # that would print where everything was, and threads that make ready find their pool gone
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    port = int(sys.argv.pop(1))  # the app takes what follows for its own
    app = st.App(resource("app_streamlit.py"), lifespan=served, middleware=middleware())
    app.run(config={**OPTIONS, "server.port": port})


if __name__ == "__main__":
    main()
