"""A chosen row whose JSON is nested as deeply as an ingest takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import small_lake
from apptest import choose_row, open_page

from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

DEEP = (5, 60, 400, 900)
"""The newest comes last."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("deep")
    calls = []
    for number, deep in enumerate(DEEP):
        call = small_lake.event(number, f"10:0{number}:00", "s3", "GetObject")
        whole = json.dumps(call | {"requestParameters": "HERE"})
        calls.append(whole.replace('"HERE"', '{"a":' * deep + "1" + "}" * deep))
    (folder / "calls.json").write_text(f'{{"Records": [{", ".join(calls)}]}}')
    ingest(folder / "lake", [str(folder)], IngestOptions(jobs=1))
    return open_lake(folder / "lake", locked=True)


@pytest.mark.parametrize("form", ["As the lake holds it", "As OpenSearch gets it"])
@pytest.mark.parametrize(("row", "deep"), list(enumerate(reversed(DEEP))))
def test_a_row_opens_however_deep_it_is(app: AppTest, row: int, deep: int, form: str) -> None:
    open_page(app, "cloudtrail")
    choose_row(app, "cloudtrail:search - CloudTrail", row)
    choice = next(g for g in app.button_group if form in g.options)
    choice.set_value(form).run()
    assert not app.exception
    opened = [*app.json, *app.code]
    assert len(opened) == 2
    within = next(s for s in app.selectbox if s.label.startswith("Turn a value")).options
    named = f"native.requestParameters{'.a' * deep}: 1"
    assert (named[:160] in within) == (deep <= 60)
    if deep == 5 and form == "As the lake holds it":
        row_shown = json.loads(app.json[0].value)
        assert row_shown["native"]["requestParameters"] == {"a": {"a": {"a": {"a": {"a": 1}}}}}
