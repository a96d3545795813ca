"""Which dashboards are accepted: the project's own, a user's, and what is said of a wrong one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import small_lake

from lake.dashboards.dashboards import dashboards, load_dashboard
from lake.dashboards.panels import run_dashboard
from lake.errors import SourceError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lake.errors import LakeError

TOML = 'title = "T"\nlabel = "T"\ntable = "cloudtrail"\n'
PANEL = '[[panel]]\ntitle = "P"\nquery = "one"\nchart = "bar"\n'
SQL = "-- name: one\n-- About it.\nSELECT 1\n"
WRONG = [
    (TOML, SQL, "no panel shows the query one"),
    (TOML + PANEL.replace('"one"', '"two"'), SQL, "unknown query 'two'. Known: one"),
    (TOML + PANEL + PANEL, SQL, "two panels are titled 'P'"),
    (TOML + PANEL + 'charrt = "bar"', SQL, "no entry is called 'charrt'"),
    (TOML + PANEL.replace("bar", "pie"), SQL, "chart is one of metric, bar"),
    (TOML + PANEL + "width = 13", SQL, "width is 1 to 12"),
    (TOML + PANEL + 'field = "source.up"', SQL, "no table has the field 'source.up'"),
    (TOML + PANEL + 'like = "Q"', SQL, "is like 'Q', which is not here"),
    (TOML.replace("cloudtrail", "nothing") + PANEL, SQL, "unknown table 'nothing'"),
    (TOML + "x = ", SQL, "Mend the file"),
    (TOML + PANEL, "SELECT 1", "has no '-- name:' line"),
    (TOML + PANEL, "-- name: one\nSELECT 1", "wants one comment line, then a query"),
    (TOML + PANEL, SQL + SQL, "stands twice"),
    (TOML + PANEL, SQL.replace("one", "One"), "Write snake_case"),
    (TOML + PANEL, None, "Write its queries"),
    (
        TOML + PANEL.replace("[[panel]]", "[[panels]]"),
        SQL,
        "icon, label, panel, table, title.",
    ),
    (TOML.replace("label", "icon") + PANEL, SQL, "'label' is missing"),
    (TOML + PANEL.replace("query", "unit"), SQL, "'query' is missing"),
]


@pytest.mark.parametrize(("toml", "sql", "said"), WRONG)
def test_a_wrong_dashboard_names_the_file_and_the_fault(
    tmp_path: Path, toml: str, sql: str | None, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(toml)
    if sql is not None:
        (tmp_path / "mine.sql").write_text(sql)
    with pytest.raises(SourceError) as caught:
        load_dashboard(tmp_path / "mine.toml")
    assert said in str(caught.value)
    assert "mine" in str(caught.value)


def test_a_dashboard_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = small_lake.make(tmp_path)
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    (tmp_path / "mine.toml").write_text(TOML + PANEL)
    (tmp_path / "mine.sql").write_text(
        "-- name: one\n-- Who.\nWITH n AS (SELECT user.name AS who FROM logs)\n"
        "SELECT who, count(*) AS n FROM n GROUP BY ALL ORDER BY 2 DESC, 1\n"
    )
    assert next(iter(dashboards())) == "overview"
    assert run_dashboard(lake, "mine")[0].rows[0] == ("bob", 9)
    (tmp_path / "alone.sql").write_text(SQL)
    with pytest.raises(SourceError, match=r"alone\.sql has no \.toml beside it"):
        dashboards()
    (tmp_path / "waf.toml").write_text("title = ")
    told: list[LakeError] = []
    assert run_dashboard(lake, "mine", tell=told.append)[0].rows[0] == ("bob", 9)
    assert run_dashboard(lake, "overview", tell=told.append)[0].title == "Overview - Figures"
    assert [str(one).rpartition("/")[2] for one in told] == [
        "waf.toml has no waf.sql beside it. Write its queries.",
        "alone.sql has no .toml beside it. Write its panels.",
    ]
    with pytest.raises(SourceError, match=r"waf\.toml has no waf\.sql beside it"):
        run_dashboard(lake, "WAF", tell=told.append)  # not ours of this name
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="is no folder"):
        dashboards()
