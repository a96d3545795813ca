"""Forgetting: days leave the tables, the ledger adds up, and nothing of them comes back."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING

import logs
import pytest
from engine import ask, between_commits, fates, hashes, put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.errors import LakeError, UsageError
from lake.query import open_lake
from lake.store.table import Store
from lake.upkeep.compact import compact
from lake.upkeep.forget import Doomed, doomed, forget
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = 86_400
LINE = date(2024, 2, 2)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An object with calls of two days (3 and 2), flows of the first day."""
    calls = [*logs.events(3), *logs.events(2, first=DAY)]
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(calls))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(4)))
    read(tmp_path / "lake", tmp_path / "logs")
    return tmp_path / "lake"


def counts(lake: Path) -> dict[str, int]:
    return {t: ask(lake, f"SELECT count(*) FROM {t}")[0][0] for t in ("cloudtrail", "vpcflow")}


def test_days_before_a_date_are_gone(lake: Path) -> None:
    found = doomed(lake, LINE)
    assert [(d.table, d.days, d.files, d.rows) for d in found] == [
        ("cloudtrail", 1, 1, 3), ("vpcflow", 1, 1, 4),
    ]  # fmt: skip
    report = forget(lake, LINE)
    assert report.tables == found
    assert counts(lake) == {"cloudtrail": 2, "vpcflow": 0}
    assert ask(lake, 'SELECT source, "rows" FROM forgotten ORDER BY 1') == [
        ("cloudtrail", 3), ("vpcflow", 4),
    ]  # fmt: skip
    assert verify(lake).findings == []


def test_the_ledger_still_adds_up(lake: Path) -> None:
    before = fates(lake)
    forget(lake, LINE)
    assert fates(lake) == before
    sums = 'SELECT sum("rows") FROM objects', 'SELECT sum("rows") FROM forgotten'
    assert ask(lake, sums[0])[0][0] - ask(lake, sums[1])[0][0] == len(hashes(lake)) == 2


def test_one_source_only(lake: Path) -> None:
    forget(lake, LINE, source="vpcflow")
    assert counts(lake) == {"cloudtrail": 5, "vpcflow": 0}
    assert open_lake(lake).status().kept_from == {"vpcflow": "2024-02-02"}


def test_a_later_ingest_does_not_bring_them_back(lake: Path) -> None:
    """The same object; the same records under another key; a new record of such a day."""
    forget(lake, LINE)
    assert read(lake, lake.parent / "logs").unchanged == 2
    again = lake.parent / "again"
    put(again, TRAIL_KEY, logs.trail([*logs.events(3), *logs.events(3, first=DAY)]))
    report = read(lake, again)
    assert (report.records, report.rows, report.duplicates, report.forgotten) == (6, 4, 2, 3)
    assert counts(lake) == {"cloudtrail": 3, "vpcflow": 0}
    late = put(lake.parent / "late", FLOW_KEY, logs.flow_file(logs.flows(2, first=500)))
    assert read(lake, late).forgotten == 2
    assert counts(lake) == {"cloudtrail": 3, "vpcflow": 0}
    assert verify(lake).findings == []
    assert read(lake, again, late).unchanged == 2


def test_a_line_never_goes_back(lake: Path) -> None:
    forget(lake, LINE)
    forget(lake, date(2024, 1, 1))
    assert open_lake(lake).status().kept_from == {
        "cloudtrail": "2024-02-02", "vpcflow": "2024-02-02",
    }  # fmt: skip
    forget(lake, date(2024, 2, 3), source="cloudtrail")
    assert open_lake(lake).status().kept_from["cloudtrail"] == "2024-02-03"
    assert counts(lake) == {"cloudtrail": 0, "vpcflow": 0}
    assert ask(lake, 'SELECT sum("rows") FROM forgotten') == [(9,)]
    assert verify(lake).findings == []


def test_the_files_stay_for_the_grace(lake: Path) -> None:
    then = between_commits()
    forget(lake, LINE)
    earlier = open_lake(lake, then)
    assert earlier.sql("SELECT count(*) FROM vpcflow").fetchall() == [(4,)]
    compact(lake)
    assert earlier.sql("SELECT count(*) FROM vpcflow").fetchall() == [(4,)]


def test_now_deletes_every_file_that_holds_them(lake: Path) -> None:
    """Also what a compaction has left of the same rows; and nothing of later days."""
    more = put(lake.parent / "more", TRAIL_KEY, logs.trail(logs.events(2, first=10)))
    read(lake, more)
    compact(lake)
    then = between_commits()
    kept = sorted(lake.rglob("date=2024-02-02/*.parquet"))
    report = forget(lake, LINE, now=True)
    assert report.vacuumed.files == 4
    assert list(lake.rglob("date=2024-02-01/*.parquet")) == []
    assert sorted(lake.rglob("date=2024-02-02/*.parquet")) == kept != []
    with pytest.raises(LakeError, match="2 files of that time have been deleted"):
        open_lake(lake, then)
    assert verify(lake).findings == []


def test_nothing_to_forget(lake: Path) -> None:
    report = forget(lake, date(2024, 1, 1))
    assert [d.rows for d in report.tables] == [0, 0]
    assert counts(lake) == {"cloudtrail": 5, "vpcflow": 4}
    assert report.tables[0] == Doomed("cloudtrail", 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda one, other: shutil.copy(other, one), "not as it was committed"),
        (lambda one, _: one.unlink(), "is gone"),
        (lambda one, _: one.unlink() or one.mkdir(), "cannot be read"),
    ],
    ids=["another file in its place", "gone", "unreadable"],
)
def test_a_file_that_is_not_as_it_was_committed(
    damage: Callable[[Path, Path], object], told: str, lake: Path
) -> None:
    """What it holds is not counted for what was there, nor deleted; nothing is forgotten."""
    (one,) = (lake / "cloudtrail").rglob("date=2024-02-01/*.parquet")
    (other,) = (lake / "cloudtrail").rglob("date=2024-02-02/*.parquet")
    damage(one, other)
    before, batch = verify(lake).findings, Store.open(lake).snapshot().batch
    with pytest.raises(LakeError, match=f"{told}.*`lake verify` says") as error:
        forget(lake, LINE)
    assert str(one) in str(error.value)
    assert verify(lake).findings == before != []
    assert Store.open(lake).snapshot().batch == batch
    assert one.exists() == ("gone" not in told)


def test_a_source_that_is_none(lake: Path) -> None:
    with pytest.raises(UsageError, match="unknown source 'nothing'"):
        forget(lake, LINE, source="nothing")


def test_rows_of_a_forgotten_day_are_a_finding(lake: Path) -> None:
    from lake.store.commit import Commit, commit

    store = Store.open(lake)
    with store.lock():
        commit(store, Commit(kept_from={"vpcflow": "2024-02-02"}))
    (one,) = verify(lake).findings
    assert (one.kind, one.where) == ("unforgotten", "vpcflow, 2024-02-01")
    assert one.next == "`lake forget --source vpcflow --before 2024-02-02`"
