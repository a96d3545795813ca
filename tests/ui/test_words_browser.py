"""The language in a real Chromium: it is chosen beside a page, goes along from page to page and
back, and leaves the rest of the address as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import small_lake
from pages import served, settled

playwright = pytest.importorskip("playwright.sync_api")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    made = small_lake.make(tmp_path_factory.mktemp("small"))
    with served(made.path) as found:
        yield found


def choose(page: Page, label: str, option: str) -> None:
    """An option of the list of this label, beside the page."""
    listed = page.get_by_role("option", name=option, exact=True)
    for _ in range(5):  # a page that is drawn again meanwhile closes its lists
        page.get_by_role("combobox", name=label, exact=True).press("ArrowDown")
        try:
            listed.click(timeout=8_000)
        except playwright.TimeoutError:
            continue
        return
    raise AssertionError(f"{label} did not open")


def chosen(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def says(page: Page, text: str) -> None:
    """The page itself has this text, once it has been drawn."""
    page.locator("[data-testid=stMain]").get_by_text(text, exact=True).first.wait_for()


@pytest.mark.long
def test_the_language_goes_along_and_the_address_stays_english(page: Page, address: str) -> None:
    page.goto(f"{address}/cloudtrail?account={small_lake.A}")
    settled(page)
    choose(page, "Time (UTC)", "Last 24 hours")
    page.wait_for_url("**span=Last+24*")
    settled(page)
    says(page, "Login failed")
    before = chosen(page)
    choose(page, "Language / 言語", "日本語")
    page.wait_for_url("**lang=ja*")
    settled(page)
    says(page, "サインイン失敗")
    assert chosen(page) == before | {"lang": ["ja"]}
    there = chosen(page)
    page.go_back()
    says(page, "Login failed")
    settled(page)
    assert chosen(page) == before
    assert page.get_by_role("combobox", name="Time (UTC)").input_value() == "Last 24 hours"
    page.go_forward()
    says(page, "サインイン失敗")
    settled(page)
    assert chosen(page) == there
    assert page.get_by_role("combobox", name="期間 (UTC)").input_value() == "過去 24 時間"
    page.get_by_role("link", name="脅威ハンティング").click()
    says(page, "脅威ハンティング")
    settled(page)
    assert chosen(page) == there
    page.go_back()
    says(page, "サインイン失敗")
    settled(page)
    assert chosen(page) == there
    page.goto(page.url)
    settled(page)
    says(page, "サインイン失敗")
    choose(page, "Language / 言語", "English")
    says(page, "Login failed")
    settled(page)
    assert chosen(page) == before


def test_a_japanese_browser_has_japanese_pages(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    page.goto(f"{address}/cloudtrail?span=Last+hour")
    settled(page)
    says(page, "サインイン失敗")
    assert chosen(page) == {"span": ["Last hour"]}
    page.goto(f"{address}/cloudtrail?span=Last+hour&lang=en")
    settled(page)
    says(page, "Login failed")
    context.close()


@pytest.mark.parametrize(
    ("locale", "page_of", "language", "title"),
    [
        ("ja-JP", "", "ja", "概要 - siem-lake"),
        ("ja-JP", "hunting?lang=en", "en", "Threat hunting - siem-lake"),
        ("de-DE", "sql", "en", "SQL - siem-lake"),
        ("en-US", "explore?lang=ja", "ja", "エクスプローラー - siem-lake"),
    ],
)
def test_a_page_says_its_language_and_its_title(
    browser: Browser, address: str, locale: str, page_of: str, language: str, title: str
) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(f"{address}/{page_of}")
    told = "([lang, title]) => document.documentElement.lang === lang && document.title === title"
    page.wait_for_function(told, arg=[language, title])
    context.close()


@pytest.mark.long
def test_what_explains_a_card_is_named_in_the_pages_language(page: Page, address: str) -> None:
    """Also after it was named in another: the page leaves the name where it writes other words."""
    explained = "one => one.closest('[data-testid=stMarkdown]').textContent.trim()"
    named = f"""([before, after]) => {{
      const all = [...document.querySelectorAll('[data-testid=stMarkdown] [data-explains]')];
      const due = all.map({explained}).map(text => before + text + after);
      return all.length > 5 && all.every((one, n) => one.ariaLabel === due[n]);
    }}"""
    page.goto(f"{address}/?lang=ja")
    settled(page)
    page.wait_for_function(named, arg=["", " の説明"])
    choose(page, "Language / 言語", "English")
    says(page, "Events by source over time")
    page.wait_for_function(named, arg=["Help for ", ""])
