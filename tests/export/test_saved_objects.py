"""Saved objects for OpenSearch Dashboards: what `lake export opensearch-dashboards` writes."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from command import run_lake

from lake.dashboards.dashboards import dashboards
from lake.export.saved import fields_of_documents, saved_objects
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from lake.errors import LakeError


def without_complaint(error: LakeError) -> None:
    raise error


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return saved_objects(without_complaint)


def of(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in objects if one["id"] == name)


def test_every_kind_of_log_has_a_pattern_and_every_page_and_table_a_search(
    objects: list[dict[str, Any]],
) -> None:
    sources = catalogue().sources.values()
    patterns = {o["attributes"]["title"] for o in objects if o["type"] == "index-pattern"}
    assert patterns == {"log-aws-*", *(f"{source.index}-*" for source in sources)}
    pages = {p.name for p in dashboards().values() if any(q.chart == "rows" for q in p.panels)}
    searches = {o["id"].removeprefix("siem-lake-search-") for o in objects if o["type"] == "search"}
    assert pages == {name for name in searches if not name.startswith("table-")}
    assert "table-alb" in searches
    assert "table-cloudtrail" not in searches


def test_ids_are_ones_own_and_the_same_each_time(objects: list[dict[str, Any]]) -> None:
    ids = [one["id"] for one in objects]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("siem-lake-") for one in ids)
    assert objects == saved_objects(without_complaint)


def test_references_resolve(objects: list[dict[str, Any]]) -> None:
    known = {(one["type"], one["id"]) for one in objects}
    for one in objects:
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in known
        if one["type"] == "search":
            source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
            assert source["indexRefName"] in {r["name"] for r in one["references"]}


def test_columns_and_filters_are_fields_of_the_documents(objects: list[dict[str, Any]]) -> None:
    titles = {o["id"]: o["attributes"]["title"] for o in objects if o["type"] == "index-pattern"}
    for one in objects:
        if one["type"] != "search":
            continue
        pattern = titles[one["references"][0]["id"]]
        sources = [
            source
            for source in catalogue().sources.values()
            if pattern in ("log-aws-*", f"{source.index}-*")
        ]
        known = fields_of_documents(sources)
        columns = one["attributes"]["columns"]
        assert len(columns) >= 4, one["id"]
        assert set(columns) <= known, one["id"]
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        for given in source["filter"]:
            assert set(given["query"]["terms"]) <= known


def test_a_pages_search(objects: list[dict[str, Any]]) -> None:
    found = of(objects, "siem-lake-search-guardduty")
    assert found["attributes"]["title"] == "siem-lake: GuardDuty - Log records"
    assert found["attributes"]["columns"] == [
        "cloud.account.id",
        "severitylabel",
        "type",
        "cloud.instance.id",
        "service.count",
        "source.ip",
        "source.geo.country_name",
    ]
    assert found["references"][0]["id"] == "siem-lake-log-aws-guardduty-all"
    source = json.loads(found["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    ((given),) = source["filter"]
    assert given["query"] == {"terms": {"service.additionalInfo.sample": ["true"]}}
    assert given["meta"]["negate"] is True
    flows = of(objects, "siem-lake-search-vpcflow")["attributes"]["columns"]
    assert flows[-2:] == ["source.packets", "source.bytes"]


def test_pages_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be read, or not be said in OpenSearch, is left out and told."""
    rows = '-- name: rows\n-- All.\nSELECT "@timestamp", source.ip AS "source.ip" FROM logs'
    panel = '[[panel]]\ntitle = "All"\nquery = "rows"\nchart = "rows"\n'
    filters = {
        "calls": '["event.action is set", "source.ip is not 192.0.2.1", "account is 111122223333"]',
        "late": '["source.bytes is at least 5"]',
        "day": '["date is 2024-03-01"]',
        "broken": "[",
    }
    for name, given in filters.items():
        head = f'title = "{name}"\nlabel = "{name}"\ntable = "vpcflow"\nfilters = {given}\n'
        (tmp_path / f"{name}.toml").write_text(head + panel + panel.replace("All", "Again"))
        (tmp_path / f"{name}.sql").write_text(rows)
    monkeypatch.setenv("LAKE_DASHBOARDS", str(tmp_path))
    code, out, told = run_lake(("export", "opensearch-dashboards", "-"), monkeypatch, capsys)
    assert code == 0
    assert told.count("lake: ") == 3
    assert "broken.toml" in told
    assert "late is left out: no saved search can say 'source.bytes is at least 5'" in told
    assert "day is left out" in told
    written = {one["id"]: one for one in map(json.loads, out.splitlines())}
    assert "siem-lake-search-late" not in written
    assert written["siem-lake-search-calls-2"]["attributes"]["title"] == "siem-lake: calls - Again"
    own = written["siem-lake-search-calls"]["attributes"]["kibanaSavedObjectMeta"]
    assert [
        (given["query"], given["meta"]["negate"])
        for given in json.loads(own["searchSourceJSON"])["filter"]
    ] == [
        ({"exists": {"field": "event.action"}}, False),
        ({"terms": {"source.ip": ["192.0.2.1"]}}, True),
        ({"terms": {"cloud.account.id": ["111122223333"]}}, False),
    ]


def full(path: Path, *_: object) -> None:
    """Write a part, as to a disk without room."""
    path.write_bytes(b"{")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "saved.ndjson"
    words = ("export", "opensearch-dashboards")
    code, _, told = run_lake((*words, str(file)), monkeypatch, capsys)
    assert (code, "saved objects written" in told) == (0, True)
    lines = file.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == saved_objects(without_complaint)
    assert run_lake((*words, "-"), monkeypatch, capsys)[1].splitlines() == lines
    file.write_text("before")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        code, _, told = run_lake((*words, str(file)), monkeypatch, capsys)
    assert (code, "cannot be written: No space left" in told) == (2, True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(file.name, "before")]
    code, _, told = run_lake((*words, str(tmp_path / "no/x")), monkeypatch, capsys)
    assert (code, "cannot be written: No such file" in told) == (2, True)
