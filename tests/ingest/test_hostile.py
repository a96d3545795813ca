"""Log text is an attacker's: it is stored, asked for and exported as it came, and shown as text.
On the command line nothing of it steers a terminal, becomes SQL, a path or a formula."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import hostile
import pyarrow.parquet as pq
import pytest
from command import Ran, run_lake
from hostile import FORMULAS, LONG, PAYLOADS

from lake.ask import output
from lake.commands.progress import print_report
from lake.commands.upkeep import _print_verified
from lake.filters.filters import Filter
from lake.filters.selection import Selection
from lake.report import Finding
from lake.upkeep.verify import VerifyReport
from lake.visible import MARK, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lake.query import Lake
    from lake.report import IngestReport

AGENTS = (
    "SELECT user_agent.original AS agent FROM cloudtrail "
    "WHERE user_agent.original NOT LIKE 'lone %' ORDER BY log.offset"
)
WANTED = list(PAYLOADS)
csv.field_size_limit(sys.maxsize)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake, IngestReport]:
    folder = tmp_path_factory.mktemp("hostile")
    return (folder, *hostile.make(folder))


@pytest.fixture(scope="module")
def folder(made: tuple[Path, Lake, IngestReport]) -> Path:
    return made[0]


@pytest.fixture(scope="module")
def lake(made: tuple[Path, Lake, IngestReport]) -> Lake:
    return made[1]


@pytest.fixture
def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run a command over the lake: exit code, what it printed, what it said."""
    monkeypatch.setenv("LAKE_DIR", str(folder / "lakehouse"))
    monkeypatch.chdir(folder)

    def command(*words: str) -> Ran:
        return run_lake(words, monkeypatch, capsys)

    return command


def harmless(text: str) -> bool:
    """Whether a terminal shows it and does nothing else."""
    return text.replace("\n", "").isprintable()


# -- kept as it came -----------------------------------------------------------------------------


def test_every_record_is_told_of(lake: Lake, made: tuple[Path, Lake, IngestReport]) -> None:
    report = made[2]
    assert report.records == report.rows + report.duplicates + report.rejects
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(report.rows,)]
    assert dict(report.statuses) == {"read": 3, "unknown": 1}
    assert (report.rows, report.rejects) == (57, 21)
    assert [a for (a,) in lake.sql(AGENTS).fetchall()] == WANTED


def test_the_record_is_whole_in_its_original(lake: Lake) -> None:
    rows = lake.sql(
        "SELECT event.original, user_agent.original FROM cloudtrail WHERE log.offset < 900"
    ).fetchall()
    for original, agent in rows:
        assert json.loads(original)["userAgent"].replace("\ud800", MARK) == agent


def test_no_value_becomes_a_path(folder: Path) -> None:
    partitions = {
        path.name for path in (folder / "lakehouse").rglob("*=*") if "_delta_log" not in path.parts
    }
    assert {name for name in partitions if not re.fullmatch(r"(date|kind)=[\w-]+", name)} <= {
        "account=111122223333", "account=unknown", "region=eu-west-1", "region=unknown",
    }  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == sorted([hostile.FOLDER, "lakehouse"])


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_filter_finds_its_value_and_no_other(lake: Lake, payload: str) -> None:
    parts = [other for other in PAYLOADS if payload.lower() in other.lower()]
    for op, wanted in (("is", [payload]), ("contains", parts)):
        chosen = Filter("user_agent.original", op, payload)
        assert Filter.parse(chosen.url()) == chosen
        assert harmless(chosen.url())
        clause = Selection(filters=(chosen,)).clause("cloudtrail")
        found = lake.sql(
            f"SELECT user_agent.original FROM cloudtrail WHERE ({clause.sql}) "
            "AND user_agent.original NOT LIKE 'lone %' ORDER BY log.offset",
            dict(clause.params),
        ).fetchall()
        assert [agent for (agent,) in found] == wanted


# -- results -------------------------------------------------------------------------------------


def test_json_is_whole_and_harmless(run: Callable[..., Any]) -> None:
    code, out, err = run("sql", "--format", "json", AGENTS)
    assert (code, err) == (0, "")
    assert [row["agent"] for row in json.loads(out)] == WANTED
    lines = run("sql", "--format", "jsonl", AGENTS)[1]
    assert [json.loads(line)["agent"] for line in lines.split("\n")[:-1]] == WANTED
    assert harmless(out)
    assert harmless(lines)


def test_a_table_is_harmless(run: Callable[..., Any]) -> None:
    names = ", ".join(f"1 AS {_quoted(p)}" for p in dict.fromkeys(PAYLOADS[:30]))
    for query in (AGENTS, f"SELECT {names}", "SELECT native FROM cloudtrail", "FROM rejects"):
        code, out, _ = run("sql", query)
        assert code == 0
        assert harmless(out)


def test_parquet_is_as_it_came(run: Callable[..., Any], tmp_path: Path) -> None:
    for more in ([], ["--locked"]):
        target = tmp_path / f"out{len(more)}.parquet"
        assert run("sql", AGENTS, "--format", "parquet", "-o", str(target), *more)[0] == 0
        assert pq.read_table(target)["agent"].to_pylist() == WANTED


def test_parquet_keeps_the_digits_of_a_sum(run: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "sum.parquet"
    query = "SELECT sum(x) AS n FROM (VALUES (9007199254740993), (0)) AS t(x)"
    run("sql", query, "--format", "parquet", "-o", str(target))
    assert int(pq.read_table(target)["n"][0].as_py()) == 9007199254740993


def test_csv_runs_nothing_in_a_spreadsheet(run: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert run("sql", AGENTS, "--format", "csv", "-o", str(target))[0] == 0
    guarded = [row[0] for row in csv.reader(target.open(newline=""))][1:]
    for cell, payload in zip(guarded, WANTED, strict=True):
        assert cell.replace("'", "") == payload.replace("'", "")
        for part in re.split(r"[;\t\r\n]", cell):
            assert part in ("", "-") or part[0] not in "=+-@\uff1d\uff0b\uff0d\uff20"
    assert {"'" + FORMULAS[0], "'\t'=1+1", "a;'=1+1", "-", "'\rover the line"} < set(guarded)
    assert sum(cell != payload for cell, payload in zip(guarded, WANTED, strict=True)) == 10
    assert run("sql", AGENTS, "--format", "csv", "--raw", "-o", str(target))[0] == 0
    assert [row[0] for row in csv.reader(target.open(newline=""))][1:] == WANTED


GUARDED = {
    "-": "-", "-1": "-1", "+49.5": "+49.5", "=1": "'=1", "-1+1": "'-1+1", "a=1": "a=1", "": "",
    "\t=1": "'\t'=1", "x\n@a": "x\n'@a", "a;b": "a;b", "--": "'--", "-x": "'-x",
}  # fmt: skip


@pytest.mark.parametrize(("text", "cell"), GUARDED.items())
def test_what_is_guarded(lake: Lake, text: str, cell: str) -> None:
    query = f"SELECT {_quoted(text, chr(39))} AS x, -5 AS {_quoted('=n')}"
    (head, row) = csv.reader(io.StringIO(output.as_text(lake.cursor(), query, "csv"), newline=""))
    assert head == ["x", "'=n"]
    assert row == [cell, "-5"]


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_a_terminal_gets_text_only(lake: Lake, form: str) -> None:
    screen = Screen()
    output.write(lake.cursor(), f"{AGENTS} LIMIT 52", form, screen, raw=True)
    styles = re.compile(r"\x1b\[[0-9;]*m")  # rich's own: a bold head
    assert harmless(styles.sub("", screen.getvalue()) if form == "table" else screen.getvalue())
    assert "\x1b[31m" not in screen.getvalue()


# -- words ---------------------------------------------------------------------------------------


def test_the_report_is_harmless(made: tuple[Path, Lake, IngestReport]) -> None:
    from rich.console import Console

    words = io.StringIO()
    print_report(made[2], Console(file=words, width=400, soft_wrap=True))
    assert harmless(words.getvalue())
    assert "unknown: text that no source knows" in words.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--format", "json"),
        ("rejects",),
        ("rejects", "--format", "jsonl"),
        ("panels", "cloudtrail"),
        ("panels", "overview"),
        ("sql", "FROM objects"),
        ("sql", "--locked", "SELECT event FROM events"),
    ],
    ids=" ".join,
)
def test_a_command_is_harmless(run: Callable[..., Any], words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert len(out) > 100
    assert harmless(out)


def test_status_names_members_as_text(run: Callable[..., Any]) -> None:
    assert f"x{MARK}[2J{MARK}[31mred (2)" in run("status")[1]


def test_panels_hold_the_values_as_they_came(run: Callable[..., Any]) -> None:
    panels = json.loads(run("panels", "cloudtrail")[1])
    (agents,) = [p for p in panels if p["title"] == "search - CloudTrail"]
    assert len(agents["rows"]) == 50
    text = json.dumps(panels)
    assert json.dumps(hostile.ESCAPES[0])[1:-1] in text


def test_what_upkeep_says_of_a_path_is_one_harmless_line(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name may hold a line that says the lake is sound."""
    name = "\x1b[2J\u202egpj\u200b\x9b.log\nsound: every file"
    report = VerifyReport(
        lake.path, 1, findings=[Finding("altered", name, f"{name} differs", "look")], notes=[name]
    )
    _print_verified(report)
    printed = capsys.readouterr().out.splitlines()
    shown = visible(name)
    assert printed[-5:] == [
        f"note: {shown}",
        f"altered: {shown}",
        f"  {shown} differs",
        "  next: look",
        "1 finding",
    ]


BAD = "\x1b[31m\x9b2J\u202eevil\x07"


@pytest.mark.parametrize(
    "words",
    [
        ("sql", f'FROM "{BAD}"'),
        ("sql", f"SELECT '{BAD}'::INTEGER"),
        ("sql", "--locked", f"FROM '{BAD}.csv'"),
        ("sql", "--lake", BAD, "SELECT 1"),
        ("sql", "--format", BAD, "SELECT 1"),
        ("sql", "--as-of", BAD, "SELECT 1"),
        ("sql", "-o", f"{BAD}/x.csv", "SELECT 1"),
        ("ingest", BAD),
        ("ingest", f"s3://{BAD}/"),
        ("ingest", hostile.FOLDER, "--source", BAD),
        ("ingest", hostile.FOLDER, "--account", BAD),
        ("ingest", hostile.FOLDER, "--since", BAD),
        ("ingest", hostile.FOLDER, "--memory", BAD),
        ("panels", BAD),
        ("panels", "cloudtrail", "--from", BAD),
        ("panels", "cloudtrail", "--where", f"native.eventName = {BAD}"),
        ("panels", "cloudtrail", "--where", f"'{BAD}'::INTEGER = 1"),
        ("rejects", "-o", f"{BAD}/x.csv"),
    ],
    ids=lambda words: " ".join(words).encode("unicode_escape").decode(),
)
def test_an_error_is_harmless(run: Callable[..., Any], words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("lake: ")
    assert harmless(err)


def test_a_value_that_ends_a_query_is_told_harmlessly(run: Callable[..., Any]) -> None:
    """The engine's error quotes the value of the row that it could not cast."""
    code, _, err = run("sql", "SELECT user_agent.original::INTEGER FROM cloudtrail")
    assert code == 2
    assert "Could not convert string" in err
    assert harmless(err)


# -- what is looked at ---------------------------------------------------------------------------


def test_visible() -> None:
    assert visible("plain = text, äöü 漢字 \U0001f600") == "plain = text, äöü 漢字 \U0001f600"
    assert visible("\x1b[1m\x9b\x7f\u202e\u2069\u200b\ufeff\n\x00") == f"{MARK}[1m{MARK * 8}"
    assert shortened("x" * 1_000) == "x" * 1_000
    assert shortened(LONG) == f"long {'x' * 995} … (1,000,005 characters)"


def _quoted(text: str, mark: str = '"') -> str:
    return mark + text.replace(mark, mark * 2) + mark
