"""A batch is there whole or not at all, wherever its writer was killed, and the same command again
gives what it would have given without the kill."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import logs
import pytest
from command import process
from engine import ask, balance, client_rows, counted_files, fates, hashes, put, raw_files, read
from kills import KILLED, run
from logs import FLOW_KEY, TRAIL_KEY

from lake.query import open_lake
from lake.serve.client_file import write_client_file

if TYPE_CHECKING:
    from pathlib import Path

KILLED_AT = (
    KILLED
    + """
from lake.serve import views as views_of
from lake.serve.client_file import write_client_file
from lake.ingest import IngestOptions, ingest
from lake.stage.commits import Commits

commit, views = Commits.commit, views_of.views

def committing(self):
    if self.done:
        reached("staged")
    commit(self)

def viewing(*given):
    for number, view in enumerate(views(*given)):
        if number == 3:
            reached("lake.duckdb is half written")
        yield view

Commits.commit, views_of.views = committing, viewing
ingest(Path(lake), where, IngestOptions(jobs=1))
write_client_file(Path(lake))
"""
)
"""An ingest of two sources that is killed at a step of its commit (the third is `_lake`'s), before
it, or while the file for other clients is written."""


STEPS = {
    "the journal stands, no file has been moved": "journal",
    "the files are at their places, no table names them": "before commit 1",
    "one table has its files, the other has not": "after commit 1",
    "both tables have their files, `_lake` says nothing": "before commit 3",
    "`_lake` holds the batch, the journal still stands": "after commit 3",
}


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_kill_at_each_step_of_a_commit(
    step: str, first: Path, place: Path, unkilled: list[tuple[str, int]]
) -> None:
    lake = place / "lake"
    killed = run(KILLED_AT, step, lake, place / "logs")
    assert killed.wait(60) == -signal.SIGKILL
    assert (lake / "_journal.json").exists()
    counts = step == "after commit 3"
    assert hashes(open_lake(lake)) == (unkilled if counts else hashes(first / "lake"))
    report = read(lake, place / "logs")
    assert hashes(open_lake(lake)) == unkilled
    assert report.notes == ([] if counts else ["an unfinished batch 2 was removed"])
    assert (report.unchanged, report.rows) == ((2, 0) if counts else (0, 8))
    assert raw_files(lake) == counted_files(lake)
    assert not (lake / "_journal.json").exists()
    assert list((lake / "_staging").iterdir()) == []
    balance(lake)


def test_a_kill_before_the_commit(
    first: Path, place: Path, unkilled: list[tuple[str, int]]
) -> None:
    lake = place / "lake"
    assert run(KILLED_AT, "staged", lake, place / "logs").wait(60) == -signal.SIGKILL
    (staging,) = (path for path in (lake / "_staging").iterdir() if path.is_dir())
    assert len(list(staging.glob("part-*.parquet"))) == 2
    assert hashes(open_lake(lake)) == hashes(first / "lake")
    assert read(lake, place / "logs").rows == 8
    assert hashes(open_lake(lake)) == unkilled
    assert list((lake / "_staging").iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "step",
    [
        "lake.duckdb is half written",
        "before the rename of lake.duckdb",
        "after the rename of lake.duckdb",
    ],
)
def test_a_kill_around_the_file_for_other_clients(step: str, place: Path) -> None:
    """Clients have the file of before, or the new one; the next ingest brings it up to date though
    it finds nothing to read."""
    lake = place / "lake"
    write_client_file(lake)
    assert client_rows(lake) == 10
    assert run(KILLED_AT, step, lake, place / "logs").wait(60) == -signal.SIGKILL
    assert client_rows(lake) == (18 if step.startswith("after") else 10)
    done = process(place, "ingest logs --lake lake --jobs 1")
    assert "2 unchanged" in done.err
    assert client_rows(lake) == 18
    assert sorted(path.name for path in lake.glob("*duckdb*")) == ["lake.duckdb"]
    assert list(lake.glob(".*")) == []


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty objects of two days, and their rows in `whole`, read in one go."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(10):
        day = number % 2
        first = 86_400 * day + 200 * number
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}").replace("/02/01/", f"/02/0{day + 1}/")
        put(folder / "logs", key, logs.trail(logs.events(300, first)))
        key = FLOW_KEY.replace("1a2b", f"{number:04x}").replace("/02/01/", f"/02/0{day + 1}/")
        put(folder / "logs", key, logs.flow_file(logs.flows(300, first)))
    read(folder / "whole", folder / "logs")
    return folder


BY_PIECES = """
import sys
from pathlib import Path
from lake import ingest
from lake.stage import batches, commits
commits.COMMIT_EVERY = 0.0
batches.BATCH_BYTES = batches.GROUP_BYTES = 12_000
ingest.ingest(Path(sys.argv[1]), sys.argv[2:], ingest.IngestOptions(jobs=1))
"""
"""An ingest that commits every batch by itself, and makes more batches of so few logs."""


@pytest.mark.long
def test_a_process_that_is_killed_at_any_moment(many: Path, tmp_path: Path) -> None:
    lake, seen, moments = tmp_path / "lake", [], random.Random(7)
    for commits in (0, 1, 3, 5):
        process = run(BY_PIECES, lake, many / "logs")
        version = lake / "_lake" / "_delta_log" / f"{commits:020}.json"
        while not version.exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.wait()
        seen.append(len(hashes(open_lake(lake))))
        balance(lake)
    assert seen == sorted(seen)
    read(lake, many / "logs")
    assert hashes(open_lake(lake)) == hashes(many / "whole")
    assert set(fates(lake)) == set(fates(many / "whole"))
    assert raw_files(lake) == counted_files(lake)
    assert list((lake / "_staging").iterdir()) == []


def test_two_processes_at_once_give_the_rows_of_one(many: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    both = [run(BY_PIECES, lake, many / "logs") for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert hashes(open_lake(lake)) == hashes(many / "whole")
    assert ask(lake, "SELECT count(*), count(DISTINCT path), sum(duplicates) FROM objects") == [
        (20, 20, 0)
    ]
    balance(lake)
