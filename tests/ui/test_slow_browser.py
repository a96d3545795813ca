"""A panel whose query takes minutes, in a real browser: the others are there meanwhile, the page
can be left at once, and nothing runs on when it was left or the app is ended."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
import small_lake
from pages import served

from bench.processes import cpu_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

TOML = """
title = "Slow"
label = "Slow"
table = "cloudtrail"

[[panel]]
title = "Slow - Minutes"
label = "Minutes"
query = "minutes"
chart = "table"

[[panel]]
title = "Slow - At Once"
label = "At once"
query = "at_once"
chart = "bar"
"""
DRAWN = "[data-testid=stMain] [data-testid=stVegaLiteChart] :is(svg, canvas)"
SQL = """-- name: minutes
-- Takes minutes.
SELECT count(*) AS "Count" FROM logs, range(100000000000) t(x) WHERE x % 7 = 1

-- name: at_once
-- Does not.
SELECT event.action AS "action", count(*) AS "Count" FROM logs GROUP BY ALL ORDER BY 2 DESC, 1
"""


def used_in_three_seconds(pid: int) -> float:
    before = cpu_of(pid)
    time.sleep(3)
    return cpu_of(pid) - before


@pytest.mark.long
def test_a_slow_panel(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = small_lake.make(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "slow.toml").write_text(TOML)
    (tmp_path / "own" / "slow.sql").write_text(SQL)
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path / "own"))
    with served(lake.path) as address:
        pid = next(
            int(entry)
            for entry in os.listdir("/proc")  # noqa: PTH208
            if entry.isdigit() and address.rpartition(":")[2] in _line(int(entry))
        )
        page.goto(f"{address}/slow")
        page.wait_for_selector(DRAWN)
        busy = used_in_three_seconds(pid)
        assert busy > 0.3  # the other panel is at work
        page.locator("[data-testid=stSidebarNav]").get_by_text("Overview").click()
        page.wait_for_selector("text=What was read")
        page.wait_for_timeout(3_000)
        assert used_in_three_seconds(pid) < busy / 2
        page.goto(f"{address}/slow")
        page.wait_for_selector(DRAWN)
        page.route("**", lambda _: None)  # that nobody answers from now on is no error
        began = time.monotonic()
    assert time.monotonic() - began < 10  # `served` waits for its end


def _line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline") as file:  # noqa: PTH123
            text = file.read()
    except OSError:
        return ""
    return text if "lake.ui.serve" in text else ""
