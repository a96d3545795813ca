"""The server of `lake dashboard`: `python -m lake.ui.serve PORT`. Streamlit looks at a request's
Host where it opens a websocket, and nowhere else; here every request with another host name than
this machine's is refused before it reaches Streamlit. So a page of somebody's, whose name has come
to mean 127.0.0.1, gets no word out of it.
"""

from __future__ import annotations

import sys

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from lake.paths import resource

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


def main() -> None:
    """Serve until interrupted."""
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    port = int(sys.argv.pop(1))  # the app takes what follows for its own
    app = st.App(resource("app_streamlit.py"), middleware=[guard])
    app.run(config={**OPTIONS, "server.port": port})


if __name__ == "__main__":
    main()
