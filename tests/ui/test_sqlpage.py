"""The page for SQL without a browser: rows, what was cut, what a click puts into the editor, what
is kept in the lake's folder and what is said where nothing can be, charts, plans, a query's end.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from apptest import drawn, open_page

from lake.ask.saved import FOLDER, history, saved_names, saved_query

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from lake.query import Lake

FOREVER = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b"
BY_NAME = "SELECT native.eventName AS name, count(*) AS n FROM cloudtrail GROUP BY 1 ORDER BY 1"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake.make(tmp_path_factory.mktemp("small"))


@pytest.fixture(autouse=True)
def nothing_kept(lake: Lake) -> None:
    """A test finds what it has kept itself."""
    shutil.rmtree(lake.path / FOLDER, ignore_errors=True)
    (lake.path / FOLDER).unlink(missing_ok=True)


def button(app: AppTest, label: str) -> Any:  # noqa: ANN401  a button or one of a form
    return next(b for b in app.button if b.label == label)


def ask(app: AppTest, text: str, how: str = "Run") -> AppTest:
    """The page when the answer has come."""
    app.text_area(key="sql:text").set_value(text)
    button(app, how).click().run()
    for _ in range(100):
        if "sql:running" not in app.session_state:
            break
        time.sleep(0.1)
        app.run()
    assert "sql:running" not in app.session_state
    assert not app.exception
    return app


def side(app: AppTest, tab: str) -> AppTest:
    app.session_state["sql:side"] = tab
    return app.run()


def click(app: AppTest, what: str, row: int) -> AppTest:
    """A tick at a row of a list."""
    key = f"sql:{what}:turn"
    turn = app.session_state[key] if key in app.session_state else 0  # noqa: SIM401  has no get
    ticked = {"selection": {"rows": [row], "columns": [], "cells": []}}
    app.session_state[f"sql:{what}:{turn}"] = ticked
    return app.run()


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.warning, *app.info, *app.error, *app.markdown]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def test_it_shows_its_result(app: AppTest) -> None:
    open_page(app, "sql")
    assert app.title[0].value == "SQL"
    assert "count(*) AS events" in app.text_area(key="sql:text").placeholder
    ask(app, BY_NAME)
    assert app.dataframe[1].value.iloc[0].to_dict() == {
        "name": "AuthorizeSecurityGroupIngress",
        "n": 1,
    }
    assert any(m.value.startswith("**12 rows** in ") for m in app.markdown)
    assert "TIMESTAMPTZ" in list(app.dataframe[0].value["Type"])
    ask(app, "COPY cloudtrail TO 'x.csv'")
    assert "That did not run: COPY is not let in here" in said(app)
    assert len(app.dataframe) == 1


@pytest.mark.usefixtures("as_if_alone")
@pytest.mark.parametrize(
    ("language", "run", "told"),
    [
        ("en", "Run", "Did you mean native\\.eventName?"),
        ("ja", "実行", "native\\.eventName ではありませんか。"),
    ],
)
def test_the_field_that_a_missing_column_could_be(
    app: AppTest, language: str, run: str, told: str
) -> None:
    open_page(app, "sql", lang=language)
    ask(app, "SELECT eventName FROM cloudtrail", run)
    assert [note.value for note in app.info] == [told]
    assert app.code[0].value.startswith("Binder Error")
    ask(app, "SELECT nosuch FROM cloudtrail", run)
    assert [note.value for note in app.info] == []


@pytest.mark.parametrize(
    ("text", "how", "japanese", "duckdb"),
    [
        ("SELECT 1; SELECT 2", "Run", "文が 2 個あります", ""),
        ("-- nothing", "Run", "文がありません", ""),
        ("DROP VIEW events", "Run", "DROP はここでは実行できません", ""),
        ("EXPLAIN SELECT 1", "Plan", "すでに EXPLAIN です", ""),
        ("PIVOT cloudtrail ON region", "Run", "列を指定しない PIVOT", ""),
        ("SELECT * FORM events", "Run", "クエリを解釈できません", "Parser Error"),
        ("SELECT nosuch FROM events", "Run", "列または関数がない", "Binder Error"),
        ("FROM nosuch", "Run", "その名前のものはありません", "Catalog Error"),
        ("SELECT 'a'::INT", "Run", "型ではありません", "Conversion Error"),
        ("FROM read_text('/etc/passwd')", "Run", "このレイクだけ", "Permission Error"),
        ("SELECT error('x')", "Run", "実行できませんでした", "Invalid Input Error: x"),
    ],
)
def test_it_says_in_japanese_why_a_query_did_not_run(
    app: AppTest, text: str, how: str, japanese: str, duckdb: str
) -> None:
    """And DuckDB's own words as they came."""
    open_page(app, "sql", lang="ja")
    ask(app, text, {"Run": "実行", "Plan": "実行計画"}[how])
    assert japanese in app.error[0].value
    assert [code.value.startswith(duckdb) for code in app.code] == ([True] if duckdb else [])
    assert not re.search(r"[a-z]{3,} [a-z]{3,}", app.error[0].value)


def test_it_says_what_was_cut(app: AppTest) -> None:
    ask(open_page(app, "sql"), "FROM range(10001)")
    assert app.warning[0].value.startswith("Cut: these are the first 10,000 rows")
    assert len(app.dataframe[1].value) == 1_000


def test_what_was_asked_is_in_the_address_if_it_is_short(app: AppTest) -> None:
    open_page(app, "sql")
    assert "sql" not in app.query_params
    ask(app, BY_NAME)
    assert app.query_params["sql"] == BY_NAME
    ask(app, f"SELECT 1 AS n -- {'x' * 6_000}")
    assert "sql" not in app.query_params
    assert "too long for the address" in said(app)
    ask(app, "", "Plan")
    assert app.query_params["sql"] == app.text_area(key="sql:text").placeholder


def test_a_query_of_a_link_waits_for_its_reader(app: AppTest, lake: Lake) -> None:
    open_page(app, "sql", sql=BY_NAME)
    assert app.text_area(key="sql:text").value == BY_NAME
    assert "has not run" in said(app)
    assert "sql:running" not in app.session_state
    assert history(lake.path) == []
    assert len(app.dataframe) == 1
    ask(app, BY_NAME)
    assert "has not run" not in said(app)
    assert len(app.dataframe) == 2
    ask(app, "SELECT 1 AS n")
    assert app.query_params["sql"] == "SELECT 1 AS n"


def test_it_shows_what_a_browser_cannot_count(app: AppTest) -> None:
    query = "SELECT 9007199254740993 AS big, 'infinity'::TIMESTAMPTZ AS never, 'nan'::DOUBLE AS no"
    ask(open_page(app, "sql"), query)
    assert app.dataframe[1].value["big"].to_list() == ["9007199254740993"]
    assert not app.exception


def test_columns_are_found_and_written(app: AppTest) -> None:
    open_page(app, "sql")
    app.selectbox(key="sql:view").select("cloudtrail").run()
    app.text_input(key="sql:find").set_value("GEO.country").run()
    found = app.dataframe[0].value
    assert set(found["Type"]) == {"VARCHAR"}
    names = found["Column"].to_list()
    assert names == [name for name in names if "geo.country" in name]
    assert "source.geo.country_name" in names
    rows = {"rows": [0, names.index("source.geo.country_name")], "columns": [], "cells": []}
    app.session_state["sql:columns:cloudtrail:GEO.country"] = {"selection": rows}
    app.run()
    assert app.code[0].value == f"{names[0]}, source.geo.country_name"
    button(app, "Write a query").click().run()
    written = app.text_area(key="sql:text").value
    assert written == (
        f"SELECT {names[0]},\n       source.geo.country_name\nFROM cloudtrail\nLIMIT 100"
    )
    ask(app, written)
    assert "**13 rows**" in said(app)


def test_functions_are_told(app: AppTest) -> None:
    told = side(open_page(app, "sql"), "Functions").dataframe[0].value
    assert "cidr(ip, net)" in told["Function"].to_list()


def test_a_query_is_saved_loaded_replaced_and_deleted(app: AppTest, lake: Lake) -> None:
    open_page(app, "sql")
    button(app, "Save").click().run()
    assert "Not saved: a query is saved under a name" in said(app)
    app.text_area(key="sql:text").set_value(BY_NAME)
    app.text_input(key="sql:name").set_value("../up")
    button(app, "Save").click().run()
    assert "'../up' cannot name a query" in said(app)
    assert saved_names(lake.path) == []
    app.text_input(key="sql:name").set_value("By name")
    button(app, "Save").click().run()
    assert saved_query(lake.path, "By name") == BY_NAME
    app.text_area(key="sql:text").set_value("SELECT 2")
    button(app, "Save").click().run()
    assert saved_query(lake.path, "By name") == "SELECT 2"
    (lake.path / FOLDER / "theirs.sql").write_text("SELECT 'theirs'\n")
    app.text_input(key="sql:name").set_value("theirs")
    button(app, "Save").click().run()
    assert "'theirs' is there already" in said(app)
    assert saved_query(lake.path, "theirs") == "SELECT 'theirs'"
    side(app, "Saved")
    assert app.dataframe[0].value["Name"].to_list() == ["By name", "theirs"]
    click(app, "saved", 1)
    assert app.text_area(key="sql:text").value == "SELECT 'theirs'"
    assert app.text_input(key="sql:name").value == "theirs"
    button(app, "Delete theirs").click().run()
    assert saved_names(lake.path) == ["By name"]
    assert not app.exception


def test_what_was_asked_comes_back(app: AppTest, lake: Lake) -> None:
    open_page(app, "sql")
    ask(app, "SELECT 1 AS one")
    ask(app, "FROM range(10001)")
    ask(app, "SELECT nobody")
    ask(app, "DROP VIEW events")
    ask(app, "SELECT 2 AS two", "Plan")
    side(app, "History")
    table = app.dataframe[0].value
    assert table["Query"].to_list()[::-1] == [
        "SELECT 1 AS one", "FROM range(10001)", "SELECT nobody", "DROP VIEW events",
        "SELECT 2 AS two",
    ]  # fmt: skip
    assert table["Rows"].to_list()[::-1] == ["1", "10,000+", "failed", "not let in", "plan"]
    assert set(table["By"]) == {"this session"}
    click(app, "history", 4)
    assert app.text_area(key="sql:text").value == "SELECT 1 AS one"
    click(app, "history", 3)
    click(app, "history", 3)
    assert app.text_area(key="sql:text").value == "FROM range(10001)"
    assert len(history(lake.path)) == 5
    del app.session_state["sql:asked"]
    assert set(app.run().dataframe[0].value["By"]) == {"earlier"}
    button(app, "Forget all").click().run()
    assert "Nothing has been asked yet." in said(app)
    assert history(lake.path) == []


def test_a_folder_that_takes_nothing_is_told_and_the_rest_works(app: AppTest, lake: Lake) -> None:
    (lake.path / FOLDER).write_text("")  # where a folder should be: what root cannot write either
    ask(open_page(app, "sql"), BY_NAME)
    assert "**12 rows**" in said(app)
    side(app, "History")
    assert "Only for this session: " in said(app)
    assert app.dataframe[0].value["Query"].to_list() == [BY_NAME]
    app.text_input(key="sql:name").set_value("mine")
    button(app, "Save").click().run()
    assert "Not saved: " in said(app)
    assert not app.exception


def test_a_result_becomes_a_chart(app: AppTest) -> None:
    ask(open_page(app, "sql"), f"FROM ({BY_NAME}) ORDER BY n DESC, name LIMIT 2")
    app.segmented_control(key="sql:as").set_value("Chart").run()
    (chart,) = drawn(app)
    assert (chart["shown"], chart["n"]) == (
        ["ConsoleLogin", "AuthorizeSecurityGroupIngress"],
        [2, 1],
    )
    query = """SELECT date_trunc('hour', "@timestamp") AS hour, event.outcome AS outcome,
      count(*) AS n FROM cloudtrail GROUP BY ALL ORDER BY hour, outcome"""
    ask(app, query)
    (chart,) = drawn(app)
    assert [moment.hour for moment in chart["x"]] == [10, 10, 11, 12]
    assert [moment.hour for moment in chart["end"]] == [11, 11, 12, 13]
    assert list(zip(chart["series"], chart["y"], strict=True)) == [
        ("failure", 3), ("success", 1), ("success", 7), ("success", 2),
    ]  # fmt: skip
    choices = {box.label: box for box in app.selectbox}
    choices["Colour"].select("").run()
    assert set(drawn(app)[0]["series"]) == {"others"}
    next(box for box in app.selectbox if box.label == "Chart").select("line").run()
    assert '"type": "line"' in app.main.get("vega_lite_chart")[0].proto.spec
    ask(app, "SELECT 'a' AS name, 'b' AS other")
    assert not drawn(app)
    assert app.dataframe[1].value["other"].to_list() == ["b"]
    ask(app, "SELECT 'a' AS name, CAST(NULL AS INTEGER) AS n")
    assert "No row has both" in said(app)


def test_a_plan_is_a_table_of_steps(app: AppTest) -> None:
    ask(open_page(app, "sql"), BY_NAME, "Plan")
    steps = app.dataframe[1].value
    assert steps["Step"].to_list()[-1] == "Read parquet"
    assert steps["Rows"].to_list()[-1] == 13
    ask(app, "EXPLAIN SELECT 1")
    assert "DUMMY_SCAN" in app.code[0].value.upper().replace(" ", "_")


def typed_queries() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == "a typed query"]


def test_a_query_is_stopped_and_replaced(app: AppTest, lake: Lake) -> None:
    open_page(app, "sql")
    app.text_area(key="sql:text").set_value(FOREVER)
    button(app, "Run").click().run()
    assert "Running for" in said(app)
    assert typed_queries()
    side(app, "Functions")  # the rest of the page is of use meanwhile
    assert typed_queries()
    button(app, "Stop").click().run()
    app.run()
    assert "as asked." in app.info[0].value.replace("\\", "")
    assert not typed_queries()
    app.text_area(key="sql:text").set_value(FOREVER)
    button(app, "Run").click().run()
    ask(app, "SELECT 1 AS one")
    assert not typed_queries()
    assert "**1 row**" in said(app)
    assert [one.note for one in history(lake.path)] == ["", "stopped", "stopped"]


def test_another_page_ends_a_query(app: AppTest) -> None:
    open_page(app, "sql")
    app.text_area(key="sql:text").set_value(FOREVER)
    button(app, "Run").click().run()
    assert typed_queries()
    open_page(app, "cloudtrail")
    assert not typed_queries()
    open_page(app, "sql")
    assert "the page was left" in said(app)


@pytest.mark.parametrize(
    ("time", "form"),
    [("10:00:00", "YYYY-MM-DD HH:mm:ss"), ("10:00:00.5", "YYYY-MM-DD HH:mm:ss.SSS")],
)
def test_times_have_parts_of_a_second_where_one_has(app: AppTest, time: str, form: str) -> None:
    open_page(app, "sql")
    ask(app, f"SELECT TIMESTAMPTZ '2024-02-01 {time}Z' AS at UNION ALL SELECT NULL")
    assert json.loads(app.dataframe[1].proto.columns)["at"]["type_config"]["format"] == form
