"""Figures beside those of the period before: which period that is, and that they are the figures
that its own page has."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import small_lake
from command import run_lake

from lake.dashboards.dashboards import find_dashboard
from lake.dashboards.panels import panels_json, run_dashboard
from lake.dashboards.scope import view_before, view_of
from lake.errors import UsageError
from lake.filters.filters import Filter, TimeRange
from lake.filters.selection import Selection
from lake.query import Lake, open_lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = small_lake.make(tmp_path_factory.mktemp("small"))
    return open_lake(made.path, locked=True)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 3, 1, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "before"),
    [
        (TimeRange(at(11), at(12)), TimeRange(at(10), at(11))),
        # to the last event, an Insight of 12:45
        (TimeRange(at(11, 30)), TimeRange(at(10, 15), at(11, 30))),
        # before the first event there is none, and that is said by its figures
        (TimeRange(at(9), at(13)), TimeRange(at(5), at(9))),
        (TimeRange(None, at(12)), None),
        (TimeRange(), None),
        (TimeRange(at(15)), None),
    ],
)
def test_the_period_before_is_as_long_and_ends_where_this_begins(
    lake: Lake, time: TimeRange, before: TimeRange | None
) -> None:
    chosen = Selection(time, (Filter("region", "is", "us-east-1"),))
    view = view_of(find_dashboard("cloudtrail"), chosen, lake.answer)
    earlier = view_before(view, lake.answer)
    assert (earlier.selection.time if earlier else None) == before
    if earlier:
        assert earlier.selection.filters == view.selection.filters
        assert earlier.interval == view.interval


def test_its_figures_are_those_of_its_own_page(lake: Lake) -> None:
    compared = run_dashboard(lake, "cloudtrail", at(11), at(12), compare=True)
    alone = run_dashboard(lake, "cloudtrail", at(10), at(11))
    here = run_dashboard(lake, "cloudtrail", at(11), at(12))
    metrics = [n for n, result in enumerate(here) if result.chart == "metric"]
    for n in metrics:
        assert compared[n].before == alone[n].rows
        assert compared[n].rows == here[n].rows
    assert [n for n, result in enumerate(compared) if result.before is not None] == metrics
    assert any(compared[n].before != compared[n].rows for n in metrics)
    assert "before" not in panels_json(here)[metrics[0]]


def test_figures_of_the_whole_lake_have_no_before(lake: Lake) -> None:
    results = {r.title: r for r in run_dashboard(lake, "overview", at(11), at(12), compare=True)}
    assert results["Overview - Records"].before is None
    assert results["Overview - Figures"].before is not None


def test_from_the_command_line(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["panels", "cloudtrail", "--lake", str(lake.path), "--compare"]
    code, out, _ = run_lake([*line, "--from", "2024-03-01T11:00"], monkeypatch, capsys)
    assert code == 0
    assert next(p for p in json.loads(out) if "before" in p)["title"] == "CloudTrail - Login Failed"
    code, _, err = run_lake(line, monkeypatch, capsys)
    assert (code, "give a range that begins" in err) == (2, True)


def test_all_time_has_no_period_before(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no period before all time"):
        run_dashboard(lake, "cloudtrail", compare=True)
