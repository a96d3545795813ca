"""A page over a lake of which a file is damaged or gone says which, and what to do, in the words of
the reader's language; the engine's own words name neither."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from apptest import APP, open_page
from streamlit.testing.v1 import AppTest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lake.query import Lake

pytestmark = pytest.mark.usefixtures("as_if_alone")


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "language", "what", "advice"),
    [
        (cut, "en", "is damaged", "bring it back from a copy of the lake"),
        (cut, "ja", "が壊れています", "コピーから復元"),
        (remove, "en", "is gone", "bring it back from a copy of the lake"),
    ],
)
@pytest.mark.parametrize("name", ["cloudtrail", "explore", "sql"])
def test_the_damaged_file_is_named_with_what_to_do(
    lake: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    name: str,
    language: str,
    what: str,
    advice: str,
) -> None:
    copy = tmp_path / "lake"
    shutil.copytree(lake.path, copy)
    file = sorted((copy / "cloudtrail").glob("account=*/**/*.parquet"))[0]
    damage(file)
    monkeypatch.setenv("LAKE_DIR", str(copy))
    app = AppTest.from_file(str(APP), default_timeout=60)
    logs = {"logs": "cloudtrail"} if name == "explore" else {}
    open_page(app, name, lang=language, **logs)
    if name == "sql" and not app.error:
        app.text_area(key="sql:text").set_value("SELECT max(source.ip) FROM cloudtrail")
        next(one for one in app.button if one.label in ("Run", "実行")).click().run()
    (said,) = [error.value.replace("\\", "") for error in app.error]
    assert f"{file} {what}" in said
    assert advice in said
    assert "lake verify" in said
    assert "The query was" not in said
