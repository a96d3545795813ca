"""Names of accounts stand beside the numbers in every table and chart of the pages; what leaves a
page, a filter, a link or a file, has numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import small_lake
from apptest import choose_row, drawn, open_page

from lake.dashboards.dashboards import Panel
from lake.dashboards.panels import PanelResult
from lake.query import Lake, open_lake
from lake.serve.accounts import keep_names
from lake.ui.values import cells

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

NAMED = f"prod ({small_lake.A})"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = small_lake.make(tmp_path_factory.mktemp("named"))
    keep_names(made.path, {small_lake.A: "prod"})
    return open_lake(made.path, locked=True)


@pytest.mark.parametrize(
    ("page", "column", "link"),
    [
        ("cloudtrail", "cloud.account.id", {}),
        ("entity", "account", {"entity": "bob"}),
        ("explore", "account", {"logs": "cloudtrail"}),
        ("explore", "native.recipientAccountId", {"columns": "native.recipientAccountId"}),
    ],
)
def test_in_tables_of_events(app: AppTest, page: str, column: str, link: dict[str, str]) -> None:
    open_page(app, page, **({"logs": "cloudtrail"} if page == "explore" else {}) | link)
    shown = next(t.value for t in app.main.dataframe if column in t.value.columns)
    assert NAMED in set(shown[column])
    assert small_lake.A not in set(shown[column])


def test_in_a_row(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail")
    choose_row(app, "explore:Explore - Rows", 2, "account")
    told = [one.value.replace("\\", "") for one in app.main.caption]
    assert f"Accounts in it: {NAMED}" in told
    choice = next(s for s in app.selectbox if s.label.startswith("Turn a value"))
    assert f"account: {NAMED}" in choice.options
    (key,) = (k for k in app.session_state if k.startswith("row:") and k.endswith(":account"))
    app.session_state[key] = ("account", small_lake.A)
    next(b for b in app.button if b.label == "Only this").click().run()
    assert app.session_state["account"] == [small_lake.A]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"q": "account:Prod"}, "search account:Prod"),
        ({"f": "account is PROD"}, f"account is {NAMED}"),
    ],
)
def test_in_a_search_and_a_filter(
    app: AppTest, lake: Lake, link: dict[str, str], said: str
) -> None:
    where = f"SELECT count(*) FROM cloudtrail WHERE account = '{small_lake.A}'"
    ((events,),) = lake.sql(where).fetchall()
    open_page(app, "cloudtrail", **link)
    told = app.caption[0].value.replace("\\", "")
    assert told.startswith(f"{events} of ")
    assert said in told


def test_a_name_that_no_account_has(app: AppTest) -> None:
    open_page(app, "cloudtrail", q="account:staging")
    said = app.info[0].value.replace("\\", "")
    assert "No account of this lake is called staging: `lake accounts FILE` tells it names." in said


@pytest.mark.parametrize("page", ["hunting", "cloudtrail", "overview"])
def test_in_bars(app: AppTest, page: str) -> None:
    open_page(app, page)
    named = [chart for chart in drawn(app) if NAMED in chart.get("shown", ())]
    assert named
    assert not any(small_lake.A in chart.get("shown", ()) for chart in drawn(app))


def test_in_lists_beside_a_page(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail", values="cloud.account.id")
    beside = [str(e.proto.data.data) for e in app.sidebar.get("vega_lite_chart")]
    assert len([one for one in beside if NAMED in one]) == 2  # the account's own, and the field's


def test_a_cell_filters_on_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lake.ui.accounts.names", lambda: {small_lake.A: "prod"})
    panel = Panel.__new__(Panel)
    object.__setattr__(panel, "fields", (("Account", "cloud.account.id"),))
    result = PanelResult("", "table", "", ("Account", "n"), ((small_lake.A, 1),))
    assert cells(panel, result) == {f"Account: {NAMED}": ("cloud.account.id", small_lake.A)}
