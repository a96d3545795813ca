"""Rows that were made of a query's rows, such as the console's CSV, have few members: they give way
to the records themselves, whichever comes first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
import pytest
from engine import ask, balance, put, read
from logs import TRAIL_KEY, event
from query_results import answer, as_athena, quoted_csv, selected
from rich.console import Console

from docs.generate import questions
from lake.commands.progress import print_report
from lake.export.due import Due
from lake.export.report import ExportOptions
from lake.export.sent import Memory
from lake.store.ledger import QUERY_ROW
from lake.store.table import Store
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from lake.report import IngestReport

HISTORY = [
    "Event ID",
    "Event time",
    "User name",
    "Event source",
    "Event name",
    "Source IP address",
    "Recipient Account Id",
    "AWS region",
]


def history(*numbers: int) -> bytes:
    """Events as the console's CSV has them."""
    lines = [HISTORY]
    for one in map(event, numbers):
        names = ("eventID", "eventTime", "", "eventSource", "eventName", "sourceIPAddress")
        lines.append([one.get(name, "ana") for name in (*names, "recipientAccountId", "awsRegion")])
    return "".join(",".join(line) + "\n" for line in lines).encode()


def whole(*numbers: int) -> list[dict[str, Any]]:
    return [event(n, additionalEventData={"bytesTransferredOut": n}) for n in numbers]


def moved(lake: Path) -> list[tuple[int, str]]:
    """Bytes that each event moved, which no query was asked for, and the object of its row."""
    return ask(
        lake,
        "SELECT (native.additionalEventData ->> '$.bytesTransferredOut')::INT, "
        "parse_filename(log.file.path) FROM cloudtrail ORDER BY event.id",
    )


class Case:
    """A folder of evidence, and its lake."""

    def __init__(self, folder: Path) -> None:
        self.logs, self.lake = folder / "logs", folder / "lake"

    def put(self, key: str, data: bytes) -> Path:
        return put(self.logs, key, data)

    def read(self, **options: Any) -> IngestReport:  # noqa: ANN401
        report = read(self.lake, self.logs, **options)
        balance(self.lake)
        assert verify(self.lake).findings == []
        return report


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


LESSER = "NOT LIKE '%/CloudTrail/%'"
"""Objects of rows."""
ROWS = {
    "CSV of the console": ("history.csv", history(1, 2)),
    "CSV of Athena": ("q.csv", quoted_csv([as_athena(1), as_athena(2)])),
    "an answer of get-query-results": (
        "answer.json",
        logs.compact(answer([as_athena(1), as_athena(2)])),
    ),
    "what UNLOAD writes": ("unloaded.parquet", selected(event(1), event(2), form="Parquet")),
}


@pytest.mark.parametrize(("key", "rows"), ROWS.values(), ids=ROWS)
def test_a_record_takes_the_place_of_a_querys_row(key: str, rows: bytes, case: Case) -> None:
    case.put(key, rows)
    assert case.read().rows == 2
    assert [out for out, _ in moved(case.lake)] == [None, None]
    (before,) = ask(case.lake, "SELECT min(event.original) FROM cloudtrail")
    trail = case.put(TRAIL_KEY, logs.trail(whole(1, 2, 3)))
    report = case.read()
    assert (report.rows, report.duplicates, report.completed) == (3, 0, 2)
    assert moved(case.lake) == [(n, trail.name) for n in (1, 2, 3)]
    counts = ask(case.lake, f'SELECT records, "rows", duplicates FROM objects WHERE key {LESSER}')
    assert counts == [(2, 0, 2)]
    assert ask(case.lake, f"SELECT min(text) FROM duplicates WHERE path {LESSER}") == [before]
    assert ask(case.lake, "SELECT count(*) FROM superseded_rows") == [(0,)]
    again = case.read()
    assert (again.unchanged, again.rows, again.completed) == (2, 0, 0)


@pytest.mark.parametrize("key", ["a.csv", "AWSLogs/z.csv"])
def test_whichever_is_read_first_in_one_run(key: str, case: Case) -> None:
    case.put(key, history(1, 2, 9))
    trail = case.put(TRAIL_KEY, logs.trail(whole(1, 2, 3)))
    report = case.read()
    assert (report.rows, report.duplicates) == (4, 2)
    files = [trail.name] * 3 + [Path(key).name]
    assert moved(case.lake) == list(zip((1, 2, 3, None), files, strict=True))


def test_a_querys_row_of_a_known_record_is_a_duplicate(case: Case) -> None:
    case.put(TRAIL_KEY, logs.trail(whole(1, 2)))
    case.read()
    case.put("a.csv", history(1, 2))
    case.put("b.csv", history(2, 3))
    report = case.read()
    assert (report.rows, report.duplicates, report.completed) == (1, 3, 0)
    assert [out for out, _ in moved(case.lake)] == [1, 2, None]


def test_a_record_that_comes_twice_takes_the_place_once(case: Case) -> None:
    case.put("a.csv", history(1, 2))
    case.read()
    case.put(TRAIL_KEY, logs.trail(whole(1)))
    case.put(f"copy/{TRAIL_KEY}", logs.trail(whole(1, 2)))
    report = case.read()
    assert (report.rows, report.duplicates, report.completed) == (2, 1, 2)
    assert [out for out, _ in moved(case.lake)] == [1, 2]


def test_a_table_that_has_grown_when_the_record_comes(case: Case) -> None:
    lesser = case.put("a.csv", history(1, 2))
    case.read()
    lesser.write_bytes(history(1, 2, 3, 4))
    case.put(TRAIL_KEY, logs.trail(whole(2, 3)))
    report = case.read()
    assert (report.rows, report.duplicates, report.completed) == (3, 3, 1)
    assert [out for out, _ in moved(case.lake)] == [None, 2, 3, None]
    sql = {name: sql for name, _, sql in questions()}["21_changed_objects"]
    ((path, contents, *_, altered),) = ask(case.lake, sql)  # the row that gave way was not altered
    assert (path, contents, altered) == (str(lesser), 2, 0)


def test_after_files_and_ledger_were_merged(case: Case) -> None:
    for number in range(1, 12):
        case.put(f"{number}.csv", history(number))
        read(case.lake, case.logs)
    compact(case.lake, CompactOptions(grace=timedelta(0), jobs=1))
    case.put(TRAIL_KEY, logs.trail(whole(3, 5)))
    assert case.read().completed == 2
    assert [out for out, _ in moved(case.lake)].count(None) == 9
    compact(case.lake, CompactOptions(grace=timedelta(0), jobs=1))
    assert verify(case.lake).findings == []


def test_a_row_that_tells_no_account_stands_beside_the_record(case: Case) -> None:
    """Its identity is another; question 23 finds it."""
    lines = [line.split(b",") for line in history(1).splitlines()]
    put(case.logs, "a.csv", b"\n".join(b",".join(line[:6]) for line in lines))
    trail = case.put(TRAIL_KEY, logs.trail(whole(1, 2)))
    assert case.read().rows == 3
    sql = {name: sql for name, _, sql in questions()}["23_events_twice"]
    ((number, _, _, rows, objects),) = ask(case.lake, sql)
    assert (number, rows, objects) == (event(1)["eventID"], 2, [trail.name, "a.csv"])


@pytest.mark.parametrize("merged", [False, True], ids=["as committed", "merged"])
@pytest.mark.parametrize("originals", [True, False], ids=["with originals", "without"])
def test_documents_of_rows_that_gave_way_are_sent_again(
    originals: bool, merged: bool, case: Case
) -> None:
    """They have the same identities, and are as many. Merged files alone are no news."""
    case.put("a.csv", history(1, 2))
    case.read(originals=originals)

    def due() -> int:
        memory = Memory(case.lake, "cluster", None)
        memory.read()
        asked = Due(Store(case.lake), memory, ExportOptions(), scrolls=True)
        try:
            parts, _ = asked.parts({})
            for part in parts:
                assert part.compare == (part.now.key in memory.sent)
                total = asked.total(part.now.table, part.files)
                memory.note(replace(part.now, total=total))
            return sum(file.rows for part in parts for file in part.due)
        finally:
            asked.close()

    assert (due(), due()) == (2, 0)
    for number in (1, 2):
        case.put(f"{number}/{TRAIL_KEY}", logs.trail(whole(number)))
        assert case.read(originals=originals).completed == 1
    if merged:
        assert compact(case.lake, CompactOptions(jobs=1)).files_after == 1
    ((account,),) = ask(case.lake, "SELECT DISTINCT account FROM cloudtrail")
    assert (account, due(), due()) == (logs.ACCOUNT, 2, 0)
    noted = ask(case.lake, "SELECT reason, count(*) FROM duplicates GROUP BY ALL")
    assert noted == [(QUERY_ROW, 2)]
    compact(case.lake, CompactOptions(jobs=1))
    assert due() == 0
    told = Memory(case.lake, "cluster", None).path
    for batch, again in ((r"\g<0>", 0), ("", 2)):  # an earlier version noted none
        text = re.sub(r'"files": \["[^"]*', '"files": ["merged since', told.read_text())
        told.write_text(re.sub(r', "batch": \d+', batch, text))
        assert (due(), due()) == (again, 0)


def test_the_report_says_so(case: Case) -> None:
    case.put("a.csv", history(1))
    case.read()
    case.put(TRAIL_KEY, logs.trail(whole(1)))
    with (console := Console(file=StringIO(), width=400)).capture() as told:
        print_report(case.read(), console)
    assert "1 row of a query's result" in told.get()
    assert json.loads(ask(case.lake, "SELECT event.original FROM cloudtrail")[0][0]) == whole(1)[0]
