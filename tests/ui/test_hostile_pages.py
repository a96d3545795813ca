"""Hostile rows in a real Chromium: text everywhere, no dialog, no script, no request elsewhere; the
page for SQL; and who may ask the server at all."""

from __future__ import annotations

import csv
import io
import json
import socket
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import hostile
import pyarrow.parquet as pq
import pytest
from hostile import PAYLOADS
from pages import at_least, open_first_row, served, settled

from lake.filters.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
csv.field_size_limit(sys.maxsize)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    hostile.make(made)
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder / "lakehouse") as found:
        yield found


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page that no payload may have worked in; `page` looks at the requests."""
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield page
    assert dialogs == []
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("({}).polluted") is None
    made = (
        "iframe, [data-testid=stMain] script, img[src*='evil'], "
        "a[href*='evil'], a[href^='javascript']"
    )
    found = [element.evaluate("e => e.outerHTML") for element in page.locator(made).all()]
    assert found == []


def picture(page: Page, target: Path) -> None:
    page.screenshot(path=target, full_page=True)
    assert target.stat().st_size > 20_000


@pytest.mark.parametrize("name", [pytest.param("", marks=pytest.mark.long), "cloudtrail"])
def test_a_page_of_hostile_rows(watched: Page, address: str, name: str, tmp_path: Path) -> None:
    watched.goto(f"{address}/{name}")
    settled(watched)
    at_least(watched, "[data-testid=stMain] [data-testid=stVegaLiteChart]", 3)
    for chart in watched.locator("[data-testid=stMain] [data-testid=stVegaLiteChart]").all()[:8]:
        chart.scroll_into_view_if_needed()
        chart.hover(position={"x": 30, "y": 18})
        watched.wait_for_timeout(150)
    if name:
        watched.locator("[data-testid=stDataFrame]").last.hover()
        button = watched.locator("[aria-label^='Download as CSV']").last
        button.wait_for(state="attached")  # in the browser, where nothing guards it
        assert not button.is_visible()
    watched.set_viewport_size({"width": 1440, "height": 3600})
    watched.wait_for_timeout(800)
    picture(watched, tmp_path / f"{name or 'overview'}.png")


@pytest.mark.long
@pytest.mark.parametrize("number", [0, 1, 7, 12, 21, 22, 25, 26, 33, 38, 42, 44, 45])
def test_a_hostile_row_as_a_whole(watched: Page, address: str, number: int, tmp_path: Path) -> None:
    """The filter in the address, in its widget, in the sentence; the row, its JSON, its pivot."""
    chosen = Filter("user_agent.original", "is", PAYLOADS[number]).url()
    watched.goto(f"{address}/cloudtrail?f={quote(chosen)}")
    settled(watched)
    words = watched.locator("[data-testid=stMain] [data-testid=stCaptionContainer]").first
    assert words.inner_text().startswith("1 of 54 events")
    open_first_row(watched)
    watched.wait_for_timeout(500)
    picture(watched, tmp_path / f"row-{number}.png")


@pytest.mark.long
def test_a_filter_that_is_no_filter(watched: Page, address: str) -> None:
    for payload in (*hostile.MARKUP, *hostile.ESCAPES[:2]):
        watched.goto(
            f"{address}/?f={quote(payload)}&account={quote(payload)}&span={quote(payload)}"
        )
        watched.wait_for_selector("[data-testid=stMain] [data-testid=stHeading]")
        watched.wait_for_timeout(700)


# -- SQL -----------------------------------------------------------------------------------------


def ask(page: Page, text: str, wait: str) -> None:
    page.locator("textarea").fill(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(wait)
    page.wait_for_timeout(800)


def test_sql_shows_and_saves_exactly_the_result(
    watched: Page, address: str, tmp_path: Path
) -> None:
    watched.goto(f"{address}/sql")
    watched.wait_for_selector("textarea")
    query = "SELECT user_agent.original AS agent, event.hash AS h FROM cloudtrail ORDER BY ALL"
    ask(watched, query, "text=54 rows")
    watched.wait_for_selector("[data-testid=stDataFrame] >> nth=1")
    picture(watched, tmp_path / "sql.png")
    files = {}
    for label, form in (("CSV", "csv"), ("JSON Lines", "jsonl"), ("Parquet", "parquet")):
        with watched.expect_download() as download:
            watched.get_by_role("button", name=label, exact=True).click()
        assert download.value.suggested_filename == f"siem-lake.{form}"
        files[form] = tmp_path / f"result.{form}"
        download.value.save_as(files[form])
    came = pq.read_table(files["parquet"]).to_pylist()
    assert {row["agent"] for row in came} == {*PAYLOADS, "lone \ufffd surrogate"}
    lines = files["jsonl"].read_text("utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in lines] == came
    cells = list(csv.reader(io.StringIO(files["csv"].read_bytes().decode(), newline="")))
    assert [row[1] for row in cells[1:]] == [str(row["h"]) for row in came]
    assert "'" + hostile.FORMULAS[0] in {row[0] for row in cells}


@pytest.mark.long
def test_sql_draws_what_is_hostile(watched: Page, address: str, tmp_path: Path) -> None:
    watched.goto(f"{address}/sql")
    watched.wait_for_selector("textarea")
    head = hostile.MARKUP[0].replace('"', '""')
    ask(
        watched,
        f"""SELECT * FROM (SELECT user_agent.original AS "{head}", event.outcome AS "{head} 2",
        count(*) AS "{head} 3" FROM cloudtrail GROUP BY ALL)
        ORDER BY "{head}" NOT IN ('__proto__', 'constructor'), 1, 2""",
        "text=54 rows",
    )
    watched.get_by_text("Chart", exact=True).click()
    chart = watched.locator("[data-testid=stMain] [data-testid=stVegaLiteChart] :is(svg, canvas)")
    chart.first.wait_for()
    watched.wait_for_timeout(800)
    box = chart.first.bounding_box()
    assert box is not None
    watched.mouse.move(box["x"] + 30, box["y"] + 30)
    watched.wait_for_timeout(800)
    picture(watched, tmp_path / "chart.png")
    watched.get_by_role("tab", name="History").click()
    watched.wait_for_timeout(1500)
    picture(watched, tmp_path / "history.png")


@pytest.mark.long
def test_sql_says_what_was_cut_what_did_not_run_and_stops(watched: Page, address: str) -> None:
    watched.goto(f"{address}/sql")
    watched.wait_for_selector("textarea")
    ask(watched, "FROM range(10001)", "text=Cut: these are the first 10,000 rows")
    for text, words in (
        ("COPY (SELECT 1) TO 'x'", "COPY is not let in here"),
        ("FROM read_text('/etc/passwd')", "file system operations are disabled"),
        ("SELECT user_agent.original::INTEGER FROM cloudtrail", "Could not convert string"),
        (f"SELECT error({json.dumps(hostile.MARKUP[0])!r})", "window.pwned"),
    ):
        ask(watched, text, f"text={words}")
    ask(watched, "SELECT count(*) FROM range(1000000000000) a, range(10000) b", "text=Running for")
    watched.get_by_role("button", name="Stop").click()
    watched.wait_for_selector("text=as asked.")
    ask(watched, "EXPLAIN SELECT count(event.action) FROM events", "text=READ_PARQUET")
    heads = ", ".join(f'1 AS "{p[:200]}"' for p in hostile.MARKUP if '"' not in p)
    ask(watched, f"SELECT {heads}", "text=1 row")


# -- who may ask ---------------------------------------------------------------------------------

SOCKET = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def status(address: str, path: str, head: str) -> int:
    """What the server answers to a request with this head."""
    place = urlsplit(address)
    assert place.port is not None
    with socket.create_connection(("127.0.0.1", place.port), timeout=20) as link:
        head = head.replace("{port}", str(place.port))
        head += "" if SOCKET in head else "Connection: close\r\n"
        link.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        return int(link.recv(4096).split()[1])


@pytest.mark.parametrize(
    ("path", "head", "answer"),
    [
        ("/", "Host: 127.0.0.1:{port}\r\n", 200),
        ("/", "Host: localhost\r\n", 200),
        ("/", "Host: evil.example\r\n", 400),
        ("/", "Host: evil.example:{port}\r\n", 400),
        ("/", "Host: 127.0.0.1.evil.example\r\n", 400),
        ("/", "Host: \r\n", 400),
        ("/_stcore/health", "Host: evil.example\r\n", 400),
        ("/_stcore/host-config", "Host: evil.example\r\n", 400),
        ("/_stcore/metrics", "Host: evil.example\r\n", 400),
        ("/media/x.csv", "Host: evil.example\r\n", 400),
        ("/_stcore/stream", f"Host: 127.0.0.1:{{port}}\r\n{SOCKET}", 101),
        (
            "/_stcore/stream",
            f"Host: 127.0.0.1:{{port}}\r\nOrigin: http://127.0.0.1:{{port}}\r\n{SOCKET}",
            101,
        ),
        (
            "/_stcore/stream",
            f"Host: evil.example:{{port}}\r\nOrigin: http://evil.example:{{port}}\r\n{SOCKET}",
            400,
        ),
        (
            "/_stcore/stream",
            f"Host: 127.0.0.1:{{port}}\r\nOrigin: http://evil.example\r\n{SOCKET}",
            403,
        ),
        ("/_stcore/stream", f"Host: 127.0.0.1:{{port}}\r\nOrigin: null\r\n{SOCKET}", 403),
    ],
)
def test_foreign_hosts_and_origins_are_refused(
    address: str, path: str, head: str, answer: int
) -> None:
    assert status(address, path, head) == answer


def test_it_listens_on_this_machine_only(address: str) -> None:
    port = urlsplit(address).port
    own = socket.gethostbyname(socket.gethostname())
    if own.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as trial:
        trial.settimeout(5)
        assert trial.connect_ex((own, port)) != 0
