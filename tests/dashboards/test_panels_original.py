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
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from original import ORIGINALS, Original, lay_out_samples, require, rows_in, rows_of, surviving
from panel_rows import Panels, compared, differences, explained, in_order

from lake.dashboards.panels import panels_json, run_dashboard
from lake.enrich.geoip import GeoIP
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.query import Lake

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
    entries = [
        entry
        for entry in differences(original.ours)
        if entry["title"] in titles and entry.get("of", original.file) == original.file
    ]
    found = {panel["title"]: compared(panel, ours(original)) for panel in panels}
    assert in_order(found) == in_order(explained(entries))


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
