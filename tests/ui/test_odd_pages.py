"""Pages over lakes that nobody would draw a page for: one event, no bytes at all, an object that no
source knows."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import logs
import pytest
from apptest import drawn, figures, open_page

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import PanelResult
from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake
from lake.ui.timechart import _axes, _Axis
from lake.ui.worldmap import _shade

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.usefixtures("as_if_alone")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One call, one accepted flow of no packet, and a text."""
    folder = tmp_path_factory.mktemp("odd")
    flows = logs.flow_file([logs.flow(1, packets=0, bytes=0)])
    made = {
        logs.TRAIL_KEY: json.dumps({"Records": [logs.event(1)]}).encode(),
        logs.FLOW_KEY: flows,
        "notes.txt.gz": b"nothing to read\n",
    }
    for key, text in made.items():
        path = folder / "logs" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text))
    ingest(folder / "lake", [str(folder / "logs")], IngestOptions(jobs=1))
    return open_lake(folder / "lake", locked=True)


def test_one_event_is_no_events(app: AppTest) -> None:
    open_page(app, "explore", logs="cloudtrail")
    assert app.main.caption[0].value.startswith("1 event \u00b7 ")
    said = "The files have the one row under these filters."
    assert said in [caption.value.replace("\\", "") for caption in app.main.caption]


@pytest.mark.parametrize(("language", "said"), [("en", "not recognised"), ("ja", "判別不能")])
def test_an_object_of_no_source_is_said(app: AppTest, language: str, said: str) -> None:
    open_page(app, "overview", lang=language)
    (days,) = [one.value for one in app.dataframe if "Read on" in one.value.columns]
    assert set(days["Source"]) == {"cloudtrail", said, "vpcflow"}


def test_flows_without_a_packet_are_accepted_all_the_same(app: AppTest) -> None:
    open_page(app, "vpcflow")
    assert figures(app)[:2] == [1, 1]
    said = [caption.value.replace("\\", "") for caption in app.main.caption]
    assert said.count("No packet was accepted.") == 3  # over time, too
    assert not [one for one in said if one.startswith("No flow was")]
    assert len([chart for chart in drawn(app) if "place" in chart]) > 2


@pytest.mark.parametrize(
    ("seconds", "marks"), [(1, {"interval": "seconds", "step": 1}), (300, 8)], ids=["one", "many"]
)
def test_no_mark_of_an_axis_stands_within_a_second(seconds: int, marks: object) -> None:
    """Vega would write ten of them with the same second, and keep the last."""
    start = datetime(2024, 2, 1, 10, 0, 1, tzinfo=UTC)
    axes = _axes(_Axis("events", 1, 1), {start: start + timedelta(seconds=seconds)}, whole=True)
    assert axes["x"]["axis"]["tickCount"] == marks


@pytest.mark.parametrize(
    ("counts", "domain", "marks"),
    [
        ([1], [0.5, 1], [1]),
        ([7, 2], [0.5, 7], [1, 7]),
        ([1000, 1], [0.1, 1000], [1, 10, 100, 1000]),
        ([10**7, 3], [10 ** (-7 / 3), 10**7], [1, 10**2, 10**4, 10**6]),
    ],
)
def test_a_country_with_one_event_is_not_as_grey_as_the_land(
    counts: list[int], domain: list[float], marks: list[float]
) -> None:
    """The least is a quarter of the way up the ramp; a figure alone is at its end."""
    panel = find_dashboard("cloudtrail").panel("CloudTrail - Source Countries(Geo)")
    rows = tuple(zip(("IS", "PA"), counts, strict=False))
    shade = _shade(panel, PanelResult("", "map", "", ("code", "n"), rows))
    assert shade["scale"]["domain"] == pytest.approx(domain)
    assert shade["legend"]["values"] == marks
