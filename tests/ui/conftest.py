"""A real Chromium and a page in it that tells what it asked for; and the app without a browser."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import small_lake
from apptest import APP
from pages import PATIENCE, QUIET, absent
from streamlit.testing.v1 import AppTest

from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from lake.serve.queries import Query


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        absent("there is no chromium on this machine")
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=executable, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page; no request of it may leave this machine, no script of it may fail, and its
    console may have no error, and no warning of Vega's about a chart."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, color_scheme=getattr(request, "param", "light")
    )
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    asked: set[str] = set()
    failed: list[str] = []
    opened.on("request", lambda r: asked.add(urlsplit(r.url).hostname or urlsplit(r.url).scheme))
    opened.on("websocket", lambda s: asked.add(urlsplit(s.url).hostname or ""))
    opened.on("pageerror", lambda error: failed.append(str(error)))
    opened.on("console", lambda told: _is_wrong(told) and failed.append(told.text))
    yield opened
    context.close()
    assert asked <= {"127.0.0.1", "data", "blob"}
    assert failed == []


def _is_wrong(told: ConsoleMessage) -> bool:
    return told.type == "error" or (told.type == "warning" and told.text.startswith("WARN"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The small lake, which a module may have another in place of."""
    made = small_lake.make(tmp_path_factory.mktemp("small"))
    return open_lake(made.path, locked=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Query]:
    """The queries that are asked of a lake from now on, of which no answer was kept."""
    found: list[Query] = []
    answer = Lake.answer

    def noted(self: Lake, query: Query, cursor: Any = None) -> Any:  # noqa: ANN401
        found.append(query)
        return answer(self, query, cursor)

    monkeypatch.setattr(Lake, "answer", noted)
    return found


@pytest.fixture
def as_if_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app takes a lake after `--`; pytest's own arguments are not meant. And AppTest leaves the
    app as `__main__`, which worker processes of later tests would run again."""
    monkeypatch.setattr("sys.argv", ["app_streamlit.py"])
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def app(lake: Lake, as_if_alone: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app over the module's lake."""
    monkeypatch.setenv("LAKE_DIR", str(lake.path))
    return AppTest.from_file(str(APP), default_timeout=60)
