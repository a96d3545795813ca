"""Our dashboards against the figures that the original's panel definitions give on its own
documents, asked of a real OpenSearch: the same titles, and on the records that survived there the
same rows.

The original loses records (`original.py`), so its figures are compared over those that it kept. A
row that still differs stands with its reason in `panel_differences/<our page>.toml`; `of` names the
original's file where it is of one version alone. An entry there that matches no difference fails,
so the files cannot grow old.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from original import ORIGINALS, Original, lay_out_samples, require, rows_in, rows_of, surviving

from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest
from lake.panels import panels_json, run_dashboard
from lake.query import open_lake
from lake.sources import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.query import Lake

Panels = dict[str, dict[str, Any]]
Row = tuple[Any, ...]
PAGES = list(dict.fromkeys(original.ours for original in ORIGINALS))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """All of the shared corpus and the made samples, with MaxMind's test databases."""
    folder = tmp_path_factory.mktemp("original")
    corpus, geoip = require("corpus"), GeoIP.open([require("geoip")])
    samples = lay_out_samples(folder / "samples")
    ingest(folder / "lakehouse", [str(corpus), str(samples)], IngestOptions(geoip=geoip, jobs=1))
    return open_lake(folder / "lakehouse")


@pytest.fixture(scope="module")
def ours(lake: Lake) -> Callable[[Original], Panels]:
    """Our panels over the rows whose documents the original kept, a bar a calendar month."""
    rows = rows_in(lake)
    known = {source.log_type for source in catalogue().sources.values()}

    @cache
    def panels(page: str, index: str, documents: int) -> Panels:
        left = surviving(index)
        assert len(left) == documents
        found, missing = rows_of(left, rows)
        assert [d for d in missing if d["@log_type"] in known] == []
        kept = ", ".join(str(row.hash) for row in found)
        condition = f"event.hash IN ({kept})"
        results = run_dashboard(lake, page, where=condition, interval="1 month")
        return {panel["title"]: panel for panel in panels_json(results)}

    return lambda original: panels(original.ours, original.index, original.documents)


def expected(original: Original) -> list[dict[str, Any]]:
    """The panels with figures: neither text nor lists to choose from."""
    found = json.loads(require("panels-expected", original.file).read_text())
    return [panel for panel in found if "skipped" not in panel]


def as_ours(panel: dict[str, Any]) -> tuple[list[str], list[Row]]:
    """The original's columns and rows as ours have them: a bar coloured by its own axis names its
    field twice (or its label and the field), times have milliseconds or an offset."""

    def plain(value: Any) -> Any:  # noqa: ANN401
        text = isinstance(value, str) and value.startswith("20")
        return value.replace(".000Z", "Z").replace("+00:00", "Z") if text else value

    columns, rows = panel["columns"], panel["rows"]
    twice = panel["type"] == "histogram" and all(row[0] == row[1] for row in rows)
    kept = [n for n, name in enumerate(columns) if columns.index(name) == n]
    if twice and len(kept) == 3:
        kept.remove(1)
    return [columns[n] for n in kept], [tuple(plain(row[n]) for n in kept) for row in rows]


def differences(page: str) -> list[dict[str, Any]]:
    path = Path(__file__).with_name("panel_differences") / f"{page}.toml"
    found: list[dict[str, Any]] = tomllib.loads(path.read_text())["difference"]
    return found


def compared(panel: dict[str, Any], ours: Panels) -> tuple[list[Row], list[Row]]:
    """The rows that only the original has and those that only we have; order counts where the
    rows are the same, but for named filters, which the server answers by their labels. Columns that
    ours calls otherwise are compared in their order, the figure with the figure."""
    columns, wanted = as_ours(panel)
    mine = ours[panel["title"]]
    own = list(mine["columns"])
    others = [name for name in own if name not in columns]
    figure = own[-1] if panel["type"] != "search" and columns[-1] not in own else None
    named = [name if name in own else others.pop(0) for name in columns[:-1]]
    named.append(figure or columns[-1])
    places = [own.index(name) for name in named]
    got = [tuple(row[n] for n in places) for row in mine["rows"]]
    if panel["type"] == "search":
        return _compared_rows(wanted, got)
    only_theirs = list((Counter(wanted) - Counter(got)).elements())
    only_ours = list((Counter(got) - Counter(wanted)).elements())
    if not only_theirs and not only_ours and columns[0] != "filters":
        assert got == wanted, f"{panel['title']}: the same rows in another order"
    return only_theirs, only_ours


def _compared_rows(wanted: list[Row], got: list[Row]) -> tuple[list[Row], list[Row]]:
    """Records, newest first: the original has the first five, ties of its last time by an order of
    its own, and numbers as text."""

    def texts(rows: list[Row]) -> Counter[Row]:
        return Counter(tuple(None if v is None else str(v) for v in row) for row in rows)

    last = wanted[-1][0]
    only_theirs = texts(wanted) - texts([row for row in got if row[0] >= last])
    only_ours = texts([row for row in got if row[0] > last]) - texts(wanted)
    return list(only_theirs.elements()), list(only_ours.elements())


def _cells(row: list[Any]) -> Row:
    """A row as a file of differences has it: TOML has no NULL, so that {} stands for it."""
    return tuple(None if cell == {} else cell for cell in row)


def by_file(original: Original) -> str:
    return original.file.removesuffix(".json")


@pytest.mark.parametrize("original", ORIGINALS, ids=by_file)
def test_every_panel_of_the_original_is_here(
    original: Original, ours: Callable[[Original], Panels]
) -> None:
    found = json.loads(require("panels-expected", original.file).read_text())
    titles = [panel["title"] for panel in found]
    assert [title for title in titles if title not in ours(original)] == []
    assert len(titles) == original.panels


@pytest.mark.parametrize("original", ORIGINALS, ids=by_file)
def test_the_same_rows_but_for_what_is_explained(
    original: Original, ours: Callable[[Original], Panels]
) -> None:
    panels = expected(original)
    titles = {panel["title"] for panel in panels}
    explained: dict[str, tuple[list[Row], list[Row]]] = {}
    for entry in differences(original.ours):
        if entry["title"] in titles and entry.get("of", original.file) == original.file:
            theirs, mine = explained.setdefault(entry["title"], ([], []))
            theirs += [_cells(row) for row in entry.get("original", [])]
            mine += [_cells(row) for row in entry.get("ours", [])]
    found = {panel["title"]: compared(panel, ours(original)) for panel in panels}

    def sorted_rows(rows: tuple[list[Row], list[Row]]) -> list[list[Row]]:
        return [sorted(side, key=str) for side in rows]

    assert {t: sorted_rows(rows) for t, rows in found.items() if any(rows)} == {
        t: sorted_rows(rows) for t, rows in explained.items()
    }


@pytest.mark.parametrize("page", PAGES)
def test_every_explained_difference_is_of_a_panel_and_has_a_reason(page: str) -> None:
    titles = {
        original.file: {panel["title"] for panel in expected(original)}
        for original in ORIGINALS
        if original.ours == page
    }
    for entry in differences(page):
        of = [entry["of"]] if "of" in entry else list(titles)
        assert any(entry["title"] in titles[file] for file in of)
        assert entry["reason"].strip()


@pytest.mark.parametrize("page", PAGES)
def test_no_record_that_the_original_shows_is_missing_here(
    page: str, lake: Lake, ours: Callable[[Original], Panels]
) -> None:
    """Over the whole lake no count may be lower than over the records that the original kept."""
    everything = panels_json(run_dashboard(lake, page, interval="1 month"))
    kept = ours(next(original for original in ORIGINALS if original.ours == page))
    for panel in everything:
        if panel["chart"] == "metric":
            figures = {tuple(names): figure for *names, figure in panel["rows"]}
            for *names, least in kept[panel["title"]]["rows"]:
                assert figures[tuple(names)] >= least, panel["title"]
