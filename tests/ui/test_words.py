"""The pages in two languages: one table has every text of theirs and no other, what a page shows is
the same in both but for its words, and an address means the same to every reader.
"""

from __future__ import annotations

import pickle
import re
from datetime import UTC, datetime
from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from apptest import APP, drawn, figures, open_page
from interface import listed, spoken, written
from streamlit.testing.v1 import AppTest

from lake.filters.filters import Filter, TimeRange
from lake.filters.search import read_search
from lake.ui import words
from lake.ui.text import width
from lake.ui.words import strings
from lake.words import Sentence, either, translated

if TYPE_CHECKING:
    from pathlib import Path


PAGES = (
    *("overview", "explore", "entity", "sql", "hunting"),
    *("cloudtrail", "cloudfront", "guardduty", "vpcflow", "waf"),
)
OVER_ONE_MORNING = {"span": "From, to", "from": "2024-03-01T10:00", "to": "2024-03-01T11:03"}


@pytest.fixture
def not_found(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What pages ask of the table in vain while this test runs."""
    asked: set[str] = set()

    class Table(dict[str, str]):
        def get(self, text: str, default: str = "") -> str:  # type: ignore[override]
            if text not in self:
                asked.add(str(text))
            return super().get(text, default)

    table = Table(strings("ja"))
    known = dict(table)
    monkeypatch.setattr(words, "strings", lambda language: table if language == "ja" else {})
    for module in ("table", "sqlside"):  # names of columns are asked for, but need not be there
        target = f"lake.ui.{module}.say_known"
        monkeypatch.setattr(target, lambda text: known.get(text, text))
    return asked


def test_every_text_of_the_interface_is_in_the_table() -> None:
    assert sorted((spoken() | listed()) - set(strings("ja"))) == []


def test_every_text_of_the_table_is_in_the_interface() -> None:
    assert sorted(set(strings("ja")) - spoken() - listed() - written()) == []


def test_both_languages_have_the_same_places() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    table = strings("ja")
    assert {e: j for e, j in table.items() if places(e) != places(j)} == {}
    assert [e for e, j in table.items() if not j.strip() or j != j.strip()] == []
    # what is typed or set off stays whole, as do emphasis and names of fields
    quoted = re.compile(r"`[^`]*`")
    assert [e for e, j in table.items() if set(quoted.findall(e)) != set(quoted.findall(j))] == []
    assert [e for e, j in table.items() if e.count("**") != j.count("**")] == []


def test_what_is_said_in_english_is_what_stands_in_the_code() -> None:
    assert strings("en") == {}
    both = Sentence("{first} {second}", first=Sentence("Nothing {time}.", time="now"), second="x")
    assert (str(both), translated(both, {})) == ("Nothing now. x", "Nothing now. x")


def test_values_of_a_sentence_are_data_unless_they_are_sentences() -> None:
    table = {"{name} of {what}": "{what}の{name}", "Rows": "行", "all": "すべて"}
    said = Sentence("{name} of {what}", name="Rows", what=Sentence("Rows"))
    assert translated(said, table) == "行のRows"
    odd = Sentence("{name} of {what}", name="{what}", what="all")
    assert translated(odd, table) == "allの{what}"
    assert translated(pickle.loads(pickle.dumps(odd)), table) == "allの{what}"  # noqa: S301  our own
    some = either(["Rows", "all"])
    assert translated(some, table | {"{first} or {second}": "{first}か{second}"}) == "Rowsかall"


@pytest.mark.parametrize(
    ("said", "japanese"),
    [
        (Filter("source.ip", "is", ("192.0.2.1", "192.0.2.2")).words(), None),
        (Filter("event.action", "unset").words(), "event.action に値がない"),
        (TimeRange(datetime(2024, 3, 1, tzinfo=UTC)).words(), "2024-03-01 00:00 UTC 以降"),
        (Sentence("{kind} {value}", kind=Sentence("IP address"), value="::1"), "IP アドレス ::1"),
    ],
)
def test_filters_and_times_are_said_in_japanese(said: Sentence, japanese: str | None) -> None:
    expected = japanese or "source.ip = 192.0.2.1 または 192.0.2.2"
    assert translated(said, strings("ja")) == expected


@pytest.mark.parametrize(
    "text", ["a )", "source.ip:[1 TO", "moon:1", "source.port:high", '"', "()"]
)
def test_a_search_that_cannot_be_read_says_so_in_japanese(text: str) -> None:
    with pytest.raises(Exception, match=r"^Search, at character") as caught:
        read_search(text)
    japanese = translated(caught.value.args[0], strings("ja"))
    assert re.match(r"検索の \d+ 文字目: ", japanese)
    assert re.findall(r"[a-z]{3,} [a-z]{3,}", japanese) == []


@pytest.mark.usefixtures("as_if_alone")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_no_text_that_is_not_there(
    app: AppTest, not_found: set[str], name: str
) -> None:
    open_page(app, name, lang="ja", span="Last 24 hours", f=["source.ip set"], compare="true")
    assert not_found == set()
    assert app.sidebar.selectbox(key="lang").label == "Language / 言語"


@pytest.mark.usefixtures("as_if_alone")
@pytest.mark.parametrize("name", PAGES)
def test_nor_does_one_that_is_full(
    demo_folder: Path, monkeypatch: pytest.MonkeyPatch, not_found: set[str], name: str
) -> None:
    """The demo's lake has figures in every section, and an address to look at."""
    monkeypatch.setenv("LAKE_DIR", str(demo_folder / "lakehouse"))
    app = AppTest.from_file(str(APP), default_timeout=60)
    open_page(app, name, lang="ja", **({"entity": "10.10.0.5"} if name == "entity" else {}))
    assert not_found == set()
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    said = [*(m.label for m in app.metric), *(c.value for c in app.main.caption)]
    ours = ("Kubernetes Protection", "Malware Protection", "S3 Protection")
    assert [text for text in said if not japanese.search(text) and text not in ours] == []


@pytest.mark.usefixtures("as_if_alone")
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("cloudtrail", {}),
        ("cloudtrail", OVER_ONE_MORNING),
        ("overview", {"q": "event.outcome:failure", "account": [small_lake.A]}),
        ("entity", {"kind": "User", "entity": "bob"}),
        ("explore", {"logs": "cloudtrail", "columns": ["source.ip"], "span": "Last hour"}),
    ],
    ids=str,
)
def test_a_link_opens_the_same_view_in_both_languages(
    app: AppTest, name: str, params: dict[str, Any]
) -> None:
    other = AppTest.from_file(str(APP), default_timeout=60)
    open_page(app, name, **params)
    open_page(other, name, lang="ja", **params)
    assert figures(app) == figures(other)
    assert app.selectbox(key="span").label != other.selectbox(key="span").label
    assert [chart["n"] for chart in drawn(app)] == [chart["n"] for chart in drawn(other)]
    tables, others = (
        [
            frame.value.drop(columns=["Status", "Why"], errors="ignore")
            .replace(strings("ja")["not recognised"], "not recognised")
            .to_dict()
            for frame in one.dataframe
        ]
        for one in (app, other)
    )
    assert tables == others
    numbers = re.compile(r"\d[\d,]*")
    first, second = (sorted(numbers.findall(one.main.caption[0].value)) for one in (app, other))
    assert first == second
    chosen = {box.key: box.value for box in app.selectbox if box.key}
    assert {box.key: box.value for box in other.selectbox if box.key} == chosen | {"lang": "ja"}
    addresses = [dict(one.query_params) for one in (app, other)]
    assert addresses[1] == addresses[0] | {"lang": "ja"}


@pytest.mark.usefixtures("as_if_alone")
def test_why_an_object_was_not_read_is_said_in_japanese(
    demo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_DIR", str(demo_folder / "lakehouse"))
    said = []
    for language in ("en", "ja"):
        app = AppTest.from_file(str(APP), default_timeout=60)
        open_page(app, "overview", lang=language)
        tables = [frame.value for frame in app.dataframe]
        said += [list(table["Why"]) for table in tables if "Why" in table]
    assert said[0] == ["CloudTrail digest file", "ELB access log test file"]
    assert said[-1] == ["CloudTrail ダイジェストファイル", "ELB アクセスログのテストファイル"]


@pytest.mark.usefixtures("as_if_alone")
def test_a_choice_stands_in_the_address_in_english(app: AppTest) -> None:
    open_page(app, "cloudtrail", lang="ja")
    span = app.selectbox(key="span")
    assert span.options[:2] == ["すべて", "過去 30 日間"]
    span.select("Last hour").run()
    assert app.query_params["span"] == "Last hour"
    app.selectbox(key="lang").select("en").run()
    assert "lang" not in app.query_params
    assert app.selectbox(key="span").value == "Last hour"
    assert app.query_params["span"] == "Last hour"
    assert app.selectbox(key="span").options[1] == "Last 30 days"
    app.selectbox(key="span").select("All").run()
    assert "span" not in app.query_params


@pytest.mark.usefixtures("as_if_alone")
def test_a_language_that_there_is_not_is_english(app: AppTest) -> None:
    open_page(app, "cloudtrail", lang="xx", span="\u003cb\u003e")
    assert app.selectbox(key="lang").value == "en"
    assert app.selectbox(key="span").value == "All"
    assert dict(app.query_params) == {}


@pytest.mark.usefixtures("as_if_alone")
def test_a_browser_of_a_japanese_reader_has_japanese(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.runtime.context import ContextProxy

    monkeypatch.setattr(ContextProxy, "locale", property(lambda _: "ja-JP"))
    open_page(app, "cloudtrail")
    assert app.selectbox(key="lang").value == "ja"
    assert dict(app.query_params) == {}
    app.selectbox(key="lang").select("en").run()
    assert dict(app.query_params) == {"lang": "en"}


@pytest.mark.usefixtures("as_if_alone")
def test_a_users_own_dashboard_is_shown_as_it_is_written(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(
        'title = "Mine"\nlabel = "My {own} page"\ntable = "cloudtrail"\n'
        '[[panel]]\ntitle = "A - B"\nlabel = "Calls {here}"\nquery = "calls"\nchart = "metric"\n'
    )
    (tmp_path / "mine.sql").write_text(
        "-- name: calls\n-- All {calls}.\nSELECT 'x' AS filters, count(*) AS n FROM logs\n"
    )
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    open_page(app, "mine", lang="ja")
    plainly = app.title[0].value.replace("\\", "")
    assert (plainly, app.metric[0].label.replace("\\", "")) == ("My {own} page", "Calls {here}")


def test_the_bars_of_words_filter_on_their_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that is called by a word of ours stands for the value that the query gives."""
    from lake.ui.charts import _name, _value

    monkeypatch.setattr("lake.ui.words.language", lambda: "ja")
    assert _name(("Critical", 3), {"_value": "critical"}, ours=True) == "重大"
    assert _value(("Critical", 3), {"_value": "critical"}) == "critical"
    assert _name(("Critical", 3), {}) == "Critical"
    assert _name(("Other", "egress", 9), {"_rest": True}) == "その他すべて · egress"


def test_wide_letters_take_the_room_of_two() -> None:
    assert (width("IP"), width("IP アドレス"), width("")) == (2, 11, 0)


@pytest.mark.parametrize(
    ("language", "said"), [("en", ["read", "ignored"]), ("ja", ["読み取り済み", "対象外"])]
)
@pytest.mark.usefixtures("as_if_alone")
def test_what_became_of_objects_is_said(
    demo_folder: Path, monkeypatch: pytest.MonkeyPatch, language: str, said: list[str]
) -> None:
    monkeypatch.setenv("LAKE_DIR", str(demo_folder / "lakehouse"))
    app = AppTest.from_file(str(APP), default_timeout=60)
    open_page(app, "overview", lang=language)
    assert said in [chart["name"] for chart in drawn(app) if "name" in chart]
    (not_read,) = [frame.value for frame in app.dataframe if "For example" in frame.value.columns]
    assert set(not_read["Status"]) == {said[1]}


@pytest.mark.parametrize(("language", "said"), [("en", "none"), ("ja", "なし")])
@pytest.mark.usefixtures("as_if_alone")
def test_what_has_no_value_is_said(
    demo_folder: Path, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    """Findings of machines tell no outcome."""
    monkeypatch.setenv("LAKE_DIR", str(demo_folder / "lakehouse"))
    app = AppTest.from_file(str(APP), default_timeout=60)
    open_page(app, "explore", lang=language, logs="guardduty")
    assert set(drawn(app)[0]["name"]) == {"success", "failure", said}
