"""CloudTrail Summary against the figures that the original's panel definitions give on its own
documents, asked of a real OpenSearch: the same titles, and on the records that survived there the
same rows.

The original loses records (`original.py`), so its figures are compared over those that it kept. A
row that still differs stands with its reason in `panel_differences.toml`; an entry there that
matches no difference fails, so the file cannot grow old.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from original import hashes_of, lay_out_samples, require, surviving

from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest
from lake.panels import panels_json, run_dashboard
from lake.query import open_lake

if TYPE_CHECKING:
    from lake.query import Lake

DASHBOARDS = {
    "CloudTrail Summary": "cloudtrail-summary.json",
    "CloudTrail Summary (2020)": "2020-cloudtrail-summary.json",
}
Panels = dict[str, dict[str, Any]]
Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All of the shared corpus and the made samples, with MaxMind's test databases."""
    folder = tmp_path_factory.mktemp("original")
    corpus, geoip = require("corpus"), GeoIP.open([require("geoip")])
    samples = lay_out_samples(folder / "samples")
    ingest(folder / "lakehouse", [str(corpus), str(samples)], IngestOptions(geoip=geoip, jobs=1))
    return open_lake(folder / "lakehouse")


@pytest.fixture(scope="module")
def ours(lake: Lake) -> Panels:
    """Our panels over the rows whose documents the original kept, a bar a calendar month."""
    left = surviving("log-aws-cloudtrail")
    assert len(left) == 1582
    query = "SELECT event.original, event.hash FROM {}"
    rows = [
        row
        for table in ("cloudtrail", "cloudtrail_insight")
        for row in lake.cursor().execute(query.format(table)).fetchall()
    ]
    kept = ", ".join(str(number) for number in hashes_of(left, rows))
    results = run_dashboard(lake, "cloudtrail", where=f"event.hash IN ({kept})", interval="1 month")
    return {panel["title"]: panel for panel in panels_json(results)}


def expected(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(require("panels-expected", name).read_text())
    return found


def as_ours(panel: dict[str, Any]) -> tuple[list[str], list[Row]]:
    """The original's columns and rows as ours have them: a bar coloured by its own axis names its
    field twice, times have milliseconds or an offset."""

    def plain(value: Any) -> Any:  # noqa: ANN401
        text = isinstance(value, str) and value.startswith("20")
        return value.replace(".000Z", "Z").replace("+00:00", "Z") if text else value

    columns = list(dict.fromkeys(panel["columns"]))
    kept = [panel["columns"].index(name) for name in columns]
    return columns, [tuple(plain(row[n]) for n in kept) for row in panel["rows"]]


def differences() -> list[dict[str, Any]]:
    path = Path(__file__).with_name("panel_differences.toml")
    found: list[dict[str, Any]] = tomllib.loads(path.read_text())["difference"]
    return found


def compared(panel: dict[str, Any], ours: Panels) -> tuple[list[Row], list[Row]]:
    """The rows that only the original has and those that only we have; order counts where the
    rows are the same."""
    columns, wanted = as_ours(panel)
    mine = ours[panel["title"]]
    places = [mine["columns"].index(name) for name in columns]
    got = [tuple(row[n] for n in places) for row in mine["rows"]]
    if panel["type"] == "search":
        got = got[: len(wanted)]
    only_theirs = list((Counter(wanted) - Counter(got)).elements())
    only_ours = list((Counter(got) - Counter(wanted)).elements())
    if not only_theirs and not only_ours:
        assert got == wanted, f"{panel['title']}: the same rows in another order"
    return only_theirs, only_ours


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_of_the_original_is_here(name: str, ours: Panels) -> None:
    titles = [panel["title"] for panel in expected(DASHBOARDS[name])]
    assert [title for title in titles if title not in ours] == []
    assert len(titles) == {"CloudTrail Summary": 29}.get(name, 25)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_same_rows_but_for_what_is_explained(name: str, ours: Panels) -> None:
    explained: dict[str, tuple[list[Row], list[Row]]] = {}
    for entry in differences():
        theirs, mine = explained.setdefault(entry["title"], ([], []))
        theirs += [tuple(row) for row in entry.get("original", [])]
        mine += [tuple(row) for row in entry.get("ours", [])]
    found = {}
    for panel in expected(DASHBOARDS[name]):
        theirs, mine = compared(panel, ours)
        if theirs or mine:
            found[panel["title"]] = (sorted(theirs, key=str), sorted(mine, key=str))
    wanted = {
        title: (sorted(theirs, key=str), sorted(mine, key=str))
        for title, (theirs, mine) in explained.items()
        if title in {panel["title"] for panel in expected(DASHBOARDS[name])}
    }
    assert found == wanted


def test_every_explained_difference_is_of_a_panel_and_has_a_reason() -> None:
    titles = {panel["title"] for file in DASHBOARDS.values() for panel in expected(file)}
    for entry in differences():
        assert entry["title"] in titles
        assert entry["reason"].strip()


def test_no_record_that_the_original_shows_is_missing_here(lake: Lake, ours: Panels) -> None:
    """Over the whole lake no count may be lower than over the records that the original kept."""
    everything = panels_json(run_dashboard(lake, "cloudtrail", interval="1 month"))
    for panel in everything:
        if panel["chart"] == "metric":
            assert panel["rows"][0][1] >= ours[panel["title"]]["rows"][0][1], panel["title"]
