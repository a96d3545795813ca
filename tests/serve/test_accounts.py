"""Names of accounts: which files have them, how a lake keeps them, and where SQL finds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from command import run_lake
from engine import put, read
from logs import TRAIL_KEY, event, trail

from lake.commands.status_text import _accounts
from lake.errors import UsageError
from lake.query import open_lake
from lake.serve.accounts import (
    PAIRS,
    account_names,
    accounts_in,
    keep_names,
    names_view,
    read_names,
    with_name,
)

if TYPE_CHECKING:
    from pathlib import Path

PROD, LOGS = "111122223333", "012345678901"
BOTH = {LOGS: "Log archive", PROD: "prod"}
LISTED = [{"Id": PROD, "Arn": "arn:aws:x", "Name": "prod"}, {"Id": LOGS, "Name": " Log  archive "}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"Accounts": LISTED, "NextToken": None}),
        json.dumps(LISTED),
        json.dumps({PROD: "prod", LOGS: "Log archive"}),
        f"id,name\n{PROD},prod\n{LOGS},Log archive\n",
        f"\ufeffAccount name;Mail;Account ID\r\nprod;a;{PROD}\r\nLog archive;b;12345678901\r\n",
        f"name\tAccountId\nLog archive\t{LOGS}\nprod\t{PROD}\nprod\t{PROD}\n\t999999999999\n",
    ],
    ids=["organizations", "list", "map", "csv", "console's csv of Excel", "tabs"],
)
def test_files_that_have_names(text: str) -> None:
    assert read_names(text.encode()) == BOTH
    assert list(read_names(text.encode())) == [LOGS, PROD]  # by their names


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no account with a name"),
        (b"\xff\xfe", "no list of accounts"),
        (b"{", "no list of accounts"),
        (b"[1]", "1 is no pair of id and name"),
        (b"x,y\n1,2\n", "the columns x, y name no id and name"),
        (b"id,name\n123,prod\n", "no account with a name"),
        (b"id,name\nprod,111122223333\n", "'prod' is no account id of twelve digits"),
        (b"id,name\n111122223333,a\n111122223333,b\n", "has two names: 'a' and 'b'"),
        (b" " * (3 << 20), "over 2 MB"),
    ],
)
def test_files_that_have_none(data: bytes, told: str) -> None:
    if told == "no account with a name" and b"123" in data:
        assert read_names(data) == {"000000000123": "prod"}  # zeros that Excel cut
        return
    with pytest.raises(UsageError, match="(?s)" + told.replace("(", r"\(")):
        read_names(data)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    put(tmp_path / "logs", TRAIL_KEY, trail([event(0)]))
    read(tmp_path / "lake", tmp_path / "logs")
    return tmp_path / "lake"


def names_in(con: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    return list(con.sql("SELECT id, name FROM accounts ORDER BY name").fetchall())


def test_a_lake_keeps_them(
    lake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert names_in(open_lake(lake)) == []
    given = tmp_path / "accounts.json"
    for last in ("prod", "it's 'production'"):
        given.write_text(json.dumps({PROD: last, LOGS: "Log archive"}))
        done = run_lake(["accounts", str(given), "--lake", str(lake)], monkeypatch, capsys)
        assert done[0] == 0 and "2 names of accounts" in done[2]
        assert dict(names_in(open_lake(lake))) == {PROD: last, LOGS: "Log archive"}
        with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
            assert dict(names_in(client)) == {PROD: last, LOGS: "Log archive"}
    code, out, _ = run_lake(
        ["accounts", "--lake", str(lake), "--format", "csv"], monkeypatch, capsys
    )
    assert (code, out.splitlines()) == (
        0,
        ["id,name", f"{PROD},it's 'production'", f"{LOGS},Log archive"],
    )
    given.write_text("x,y\n1,2\n")
    code, _, err = run_lake(["accounts", str(given), "--lake", str(lake)], monkeypatch, capsys)
    assert code == 2 and "the columns x, y name no id and name" in " ".join(err.split())
    assert len(account_names(lake)) == 2


def test_a_file_that_is_none_names_nobody(lake: Path) -> None:
    """A lake may come from anybody."""
    keep_names(lake, {PROD: "a\n'); DROP TABLE x; --"})
    assert "DROP" in names_in(open_lake(lake))[0][1]
    (lake / PAIRS.file).write_bytes(b"\xff\xff")
    assert account_names(lake) == {}
    assert names_in(open_lake(lake)) == []
    assert "WHERE false" in names_view(lake)


def test_a_value_that_is_an_account_has_its_name() -> None:
    assert with_name(PROD, BOTH) == f"prod ({PROD})"
    others: tuple[Any, ...] = ("111122224444", 111122223333, f"{PROD} ", f"x{PROD}", None)
    assert [with_name(one, BOTH) for one in others] == list(others)
    text = f'{{"arn": "arn:aws:iam::{LOGS}:root", "a": "{PROD}", "b": "{PROD}", "c": "1{PROD}"}}'
    assert accounts_in(text, BOTH) == [LOGS, PROD]
    assert accounts_in(text, {}) == []


def test_panels_and_status_tell_them(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*line: str) -> str:
        return run_lake([*line, "--lake", str(lake)], monkeypatch, capsys)[1]

    bars = "CloudTrail - AWS Account(Bar)"
    plain = json.loads(run("panels", "cloudtrail", "--format", "json"))
    assert not any("accounts" in panel for panel in plain)
    assert "accounts:" not in run("status")
    account = next(panel for panel in plain if panel["title"] == bars)["rows"][0][0]
    keep_names(lake, {account: "pr\x1bod", LOGS: "Log archive"})
    named = {panel["title"]: panel for panel in json.loads(run("panels", "cloudtrail"))}
    assert named[bars]["rows"] == [[account, 1]]
    assert named[bars]["accounts"] == {account: "pr\x1bod"}
    assert "accounts" not in named["CloudTrail - Region(Bar)"]
    assert f"pr\ufffdod ({account})" in run("panels", "cloudtrail", "--format", "table")
    assert f"accounts: pr\ufffdod ({account})\n" in run("status")


def test_what_status_says_of_many_accounts() -> None:
    names: dict[str, str | None] = {f"{n:012}": f"n{n:02}" for n in range(25)} | {PROD: None}
    told = _accounts(names).split(", ")
    assert (told[0], told[19]) == ("n00 (000000000000)", "n19 (000000000019)")
    assert told[20:] == ["and 5 more", "1 without a name: lake accounts"]
