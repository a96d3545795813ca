"""What a page's bar offers, from the command line: the last hours, accounts by name, regions, the
width of bars. (Times, filters, search and the period before have tests of their own.)"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import small_lake
from command import run_lake
from small_lake import A, B

from lake.errors import UsageError
from lake.filters.spans import about, read_span, span_text
from lake.query import Lake, open_lake
from lake.serve.accounts import keep_names

if TYPE_CHECKING:
    from collections.abc import Callable

OVER_TIME = "CloudTrail - Events by Outcome"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = small_lake.make(tmp_path_factory.mktemp("small"))
    keep_names(made.path, {A: "Prod", B: "Logs"})
    return open_lake(made.path, locked=True)


@pytest.fixture
def panels(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    def run(*options: str) -> Any:  # noqa: ANN401
        line = ["panels", "cloudtrail", "--lake", str(lake.path), *options]
        code, out, err = run_lake(line, monkeypatch, capsys)
        return {p["title"]: p["rows"] for p in json.loads(out)} if code == 0 else (code, err)

    return run


@pytest.mark.parametrize(
    ("text", "span", "duckdb", "long"),
    [
        ("15 minutes", (15, "minute"), "15 minutes", timedelta(minutes=15)),
        ("1h", (1, "hour"), "1 hour", timedelta(hours=1)),
        ("24 Hours", (24, "hour"), "24 hours", timedelta(days=1)),
        ("90s", (90, "second"), "90 seconds", timedelta(seconds=90)),
        ("2w", (2, "week"), "14 days", timedelta(days=14)),
        ("1 month", (1, "month"), "1 month", timedelta(days=30)),
        ("3months", (3, "month"), "3 months", timedelta(days=90)),
        ("1 year", (1, "year"), "1 year", timedelta(days=365)),
    ],
)
def test_lengths_of_time(text: str, span: tuple[int, str], duckdb: str, long: timedelta) -> None:
    assert read_span(text, "--last") == span
    assert (span_text(*span), about(*span)) == (duckdb, long)


@pytest.mark.parametrize("text", ["", "0 hours", "hour", "1", "1 fortnight", "-1h", "99999 years"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="write a length of time"):
        read_span(text, "--last")


def test_the_width_of_bars(panels: Callable[..., Any]) -> None:
    def bars(*options: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for at, *_, n in panels(*options)[OVER_TIME]:
            found[at] = found.get(at, 0) + n
        return found

    by_hour = bars("--interval", "1h")
    assert list(by_hour) == [f"2024-03-01T{hour}:00:00Z" for hour in (10, 11, 12)]
    assert list(bars("--interval", "1 month")) == ["2024-03-01T00:00:00Z"]
    assert len(bars()) > 3
    assert {sum(bars("--interval", width).values()) for width in ("1 s", "7m", "2 years")} == {
        sum(by_hour.values())
    }
    code, err = panels("--interval", "often")
    assert (code, "--interval often: write a length of time" in err) == (2, True)


def test_more_bars_than_anybody_draws(
    panels: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.dashboards.scope.MOST_BARS", 100)
    code, err = panels("--interval", "1 minute")
    assert code == 2
    assert "--interval 1 minute: that would be 165 bars, more than 100." in " ".join(err.split())


@pytest.mark.parametrize(
    ("options", "as_well"),
    [
        (["--account", "prod"], ["--filter", f"account is {A}"]),
        (["--account", A, "--account", "LOGS"], ["--filter", f"account is {A},{B}"]),
        (["--filter", "account is PROD,logs"], ["--filter", f"account is {A},{B}"]),
        (["--filter", "account not prod"], ["--filter", f"account not {A}"]),
        (["--search", "account:prod"], ["--filter", f"account is {A}"]),
        (["--search", "NOT cloud.account.id:prod"], ["--filter", f"cloud.account.id not {A}"]),
        (["--search", "account:(prod OR logs)"], ["--filter", f"account is {A},{B}"]),
        (["--search", 'account:"Prod"'], ["--filter", f"account is {A}"]),
        (["--search", "account:p?o*"], ["--filter", f"account is {A}"]),
        (["--search", f"account:{A[:5]}*"], ["--search", f"account:{A}"]),
        (["--search", "user.name:prod"], ["--filter", "user.name is prod"]),
        (["--region", "eu-west-1"], ["--filter", "region is eu-west-1"]),
        (["--account", "prod", "--region", "eu-west-1"], ["--account", "999999999999"]),
        # the newest event of the lake is the Insight of 12:45
        (["--last", "2 hours"], ["--from", "2024-03-01T10:45"]),
        (["--last", "1w"], []),
    ],
)
def test_places_and_the_last_hours(
    panels: Callable[..., Any], options: list[str], as_well: list[str]
) -> None:
    assert panels(*options) == panels(*as_well)
    assert (panels(*options) == panels()) == (not as_well)


def test_an_account_that_is_neither_a_number_nor_a_name(panels: Callable[..., Any]) -> None:
    code, err = panels("--account", "staging")
    assert code == 2
    assert "unknown account 'staging'. Give twelve digits, or a name." in " ".join(err.split())
    assert panels("--account", "unknown") != panels()


def test_the_last_hours_and_times_are_not_both_taken(panels: Callable[..., Any]) -> None:
    code, err = panels("--last", "1d", "--to", "2024-03-01")
    assert (code, "--last takes the place of --from and --to" in err) == (2, True)
