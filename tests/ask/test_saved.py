"""Queries in the lake's folder: what a name may be, that a file is there whole or not at all, a
history that stays short, and what is said where nothing can be written."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from command import run_lake
from engine import two_sources

from lake.ask.saved import (
    ENTRIES,
    FOLDER,
    HISTORY,
    LONGEST,
    Asked,
    delete_query,
    forget_asked,
    history,
    note_asked,
    query_name,
    save_query,
    saved_names,
    saved_query,
)
from lake.errors import StorageError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def asked(number: int, text: str = "SELECT 1") -> Asked:
    return Asked(text, f"2024-02-01T10:00:{number:02}Z", 0.25, number)


def test_a_query_is_kept_and_replaced(tmp_path: Path) -> None:
    assert saved_names(tmp_path) == []
    assert save_query(tmp_path, " Who failed ", "  SELECT 1\n") == "Who failed"
    save_query(tmp_path, "alpha", "FROM events")
    assert (tmp_path / FOLDER / "Who failed.sql").read_text() == "SELECT 1\n"
    save_query(tmp_path, "Who failed", "SELECT 2 -- \N{SNOWMAN}")
    assert saved_query(tmp_path, "Who failed") == "SELECT 2 -- \N{SNOWMAN}"
    assert saved_names(tmp_path) == ["alpha", "Who failed"]
    assert sorted(p.name for p in (tmp_path / FOLDER).iterdir()) == ["Who failed.sql", "alpha.sql"]
    delete_query(tmp_path, "alpha")
    delete_query(tmp_path, "alpha")
    assert saved_names(tmp_path) == ["Who failed"]


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", ".", "..", "../x", "a/b", "/etc/passwd", "a\\b", ".hidden", "a\0b", "a\nb"),
        *("~root", "$HOME", "-rf", "_x", "a:b", "a*", "a.", "x" * 61, "\u202egpj", "a\u200bb"),
        "\N{HIRAGANA LETTER A}" * 61,
    ],
)
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    for use in (saved_query, delete_query, lambda lake, given: save_query(lake, given, "SELECT 1")):
        with pytest.raises(UsageError, match="cannot name a query"):
            use(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_names_of_every_language() -> None:
    assert query_name("\u5931\u6557 2") == "\u5931\u6557 2"
    assert query_name("e\u0301te\u0301") == "\u00e9t\u00e9"


def test_what_is_no_query_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no query to save"):
        save_query(tmp_path, "a", " \n")
    with pytest.raises(UsageError, match="longer than 100,000 characters"):
        save_query(tmp_path, "a", "x" * (LONGEST + 1))
    save_query(tmp_path, "known", "SELECT 1")
    with pytest.raises(UsageError, match=r"unknown query 'other'\. Known: known"):
        saved_query(tmp_path, "other")
    (tmp_path / FOLDER / "bytes.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8"):
        saved_query(tmp_path, "bytes")
    (tmp_path / FOLDER / "large.sql").write_text("x" * (LONGEST + 1))
    with pytest.raises(UsageError, match="that is no query"):
        saved_query(tmp_path, "large")


def test_a_history_keeps_the_newest(tmp_path: Path) -> None:
    assert history(tmp_path) == []
    for number in range(ENTRIES + 5):
        note_asked(tmp_path, asked(number % 60, f"SELECT {number}"))
    kept = history(tmp_path)
    assert [one.text for one in kept] == [f"SELECT {n}" for n in range(ENTRIES + 4, 4, -1)]
    assert kept[0] == asked((ENTRIES + 4) % 60, f"SELECT {ENTRIES + 4}")
    note_asked(tmp_path, asked(1, "x" * (LONGEST + 1)))
    assert history(tmp_path) == kept
    forget_asked(tmp_path)
    assert history(tmp_path) == []


def test_lines_that_are_no_entries_are_left_out(tmp_path: Path) -> None:
    note_asked(tmp_path, asked(1, "a\u2028b\nc"))
    path = tmp_path / FOLDER / HISTORY
    odd = [{"text": "x"}, {"text": 1, "at": "", "seconds": 0, "rows": None}, [], 7]
    with path.open("a") as file:
        file.write("".join(f"{json.dumps(one)}\n" for one in odd) + '{"text": "cut')
    assert history(tmp_path) == [asked(1, "a\u2028b\nc")]
    note_asked(tmp_path, asked(2))
    assert len(path.read_text().splitlines()) == 2


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("no folder")  # a read-only one does not stop root
    for write in (
        lambda: save_query(tmp_path, "a", "SELECT 1"),
        lambda: note_asked(tmp_path, asked(1)),
    ):
        with pytest.raises(StorageError) as told:
            write()
        assert "cannot be written: " in str(told.value)
        assert "\n" not in str(told.value)
    assert (saved_names(tmp_path), history(tmp_path)) == ([], [])


def test_a_disk_that_fails_leaves_the_earlier_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_query(tmp_path, "a", "SELECT 1")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        save_query(tmp_path, "a", "SELECT 2")
    assert saved_query(tmp_path, "a") == "SELECT 1"
    assert [p.name for p in (tmp_path / FOLDER).iterdir()] == ["a.sql"]


def test_the_command_runs_a_saved_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = two_sources(tmp_path, 3) / "lake"
    save_query(lake, "By table", "SELECT event.dataset AS d, count(*) AS n FROM events GROUP BY 1")
    words = ["sql", "--lake", str(lake), "--format", "csv", "--saved"]
    code, out, _ = run_lake([*words, "By table"], monkeypatch, capsys)
    assert (code, sorted(out.split())) == (0, ["cloudtrail,3", "d,n", "vpcflow,3"])
    code, _, err = run_lake([*words, "by table?"], monkeypatch, capsys)
    assert (code, "cannot name a query" in err) == (2, True)
    code, _, err = run_lake([*words, "nothing"], monkeypatch, capsys)
    assert (code, "Known: By table" in " ".join(err.split())) == (2, True)
    code, _, err = run_lake([*words, "By table", "SELECT 1"], monkeypatch, capsys)
    assert (code, "leave the other one away" in " ".join(err.split())) == (2, True)
    save_query(lake, "wrong", "COPY events TO 'x.csv'")
    code, _, err = run_lake([*words, "wrong", "--locked"], monkeypatch, capsys)
    assert (code, "COPY is not let in here" in " ".join(err.split())) == (2, True)
