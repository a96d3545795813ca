"""The commit: a batch is there whole or not at all, wherever its writer was killed, and the same
command again gives what it would have given without the kill."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from engine import ask, balance, fates, hashes, put, read, two_sources
from filelock import FileLock
from kills import KILLED, ROOT, run
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY

from lake.client_file import open_prepared, write_client_file
from lake.compact import compact
from lake.deltalog import newest
from lake.enrich.geoip import GeoIP
from lake.errors import LakeVersionError, StorageError, UsageError
from lake.forget import forget
from lake.query import open_lake
from lake.rebuild import RebuildOptions, rebuild
from lake.recover import recover
from lake.status import read_status
from lake.table import Store
from lake.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECOND = TRAIL_KEY.replace("a1b2", "b2c3")


KILLED_AT = (
    KILLED
    + """
from lake import views as views_of
from lake.client_file import write_client_file
from lake.ingest import IngestOptions, _Ingest, ingest

commit, views = _Ingest._commit, views_of.views

def committing(self):
    if self.done:
        reached("staged")
    commit(self)

def viewing(*given):
    for number, view in enumerate(views(*given)):
        if number == 3:
            reached("lake.duckdb is half written")
        yield view

_Ingest._commit, views_of.views = committing, viewing
ingest(Path(lake), where, IngestOptions(jobs=1))
write_client_file(Path(lake))
"""
)
"""An ingest of two sources that is killed at a step of its commit (the third is `_lake`'s), before
it, or while the file for other clients is written."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logs of two sources and a lake that holds a first batch of them."""
    return two_sources(tmp_path_factory.mktemp("first"), 5)


@pytest.fixture
def place(first: Path, tmp_path: Path) -> Path:
    """A copy of that lake, and beside it a second object of each source that it has not read."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    _second(tmp_path / "logs")
    return tmp_path


def _second(folder: Path) -> None:
    put(folder, SECOND, logs.trail(logs.events(5, first=4)))
    more = FLOW_KEY.replace("1a2b", "2b3c")
    put(folder, more, logs.flow_file(logs.flows(5, first=100)))


@pytest.fixture(scope="module")
def unkilled(first: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    """The rows of the same logs, read without a kill."""
    folder = tmp_path_factory.mktemp("unkilled")
    _second(folder / "logs")
    read(folder / "lake", first / "logs", folder / "logs")
    return hashes(folder / "lake")


def raw_files(lake: Path) -> set[str]:
    """Every Parquet file of the lake's tables on disk, whether or not it counts."""
    found = lake.rglob("date=*/*.parquet")
    return {str(path.relative_to(lake)) for path in found if "_views" not in path.parts}


def counted_files(lake: Path) -> set[str]:
    """Those that the last batch counts."""
    store = Store.open(lake)
    snapshot = store.snapshot()
    found = [file.path for name in snapshot.tables for file in store.files(name, snapshot)]
    return {str(Path(path).relative_to(store.path)) for path in found}


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
    done = lake_command("ingest", place / "logs", "--lake", lake, "--jobs", "1")
    assert "2 unchanged" in done.stderr
    assert client_rows(lake) == 18
    assert sorted(path.name for path in lake.glob("*duckdb*")) == ["lake.duckdb"]
    assert list(lake.glob(".*")) == []


def client_rows(lake: Path) -> int:
    """The events that another DuckDB client sees."""
    with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as client:
        return int(client.sql("SELECT count(*) FROM events").fetchall()[0][0])


def lake_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lake.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_log_without_a_version_is_no_lake(tmp_path: Path) -> None:
    """What is left where a lake is killed while it is made; it is made by the next ingest."""
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    put(tmp_path / "lake", f"_lake/_delta_log/{0:020}.json#1", b"")
    with pytest.raises(UsageError, match="no lake at"):
        open_lake(tmp_path / "lake")
    assert read(tmp_path / "lake", tmp_path / "logs").rows == 3


def test_a_folder_of_staging_whose_owner_is_alive_stays(place: Path) -> None:
    mine = put(place / "lake", "_staging/mine/part-1.parquet", b"")
    dead = put(place / "lake", "_staging/dead/part-1.parquet", b"")
    dead.parent.with_suffix(".lock").touch()
    spilled = put(place / "lake", "_staging/spill/of-a-reader", b"")
    with FileLock(mine.parent.with_suffix(".lock")):
        read(place / "lake", place / "logs")
    assert (mine.exists(), spilled.exists(), dead.parent.exists()) == (True, True, False)


def test_a_journal_that_was_cut_is_no_journal(place: Path, unkilled: list[tuple[str, int]]) -> None:
    (place / "lake" / "_journal.json").write_text('{"batch": 2, "tab')
    read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) == unkilled


JOURNALS = {
    "a batch to come": {"batch": 9},
    "a batch that is no number": {"batch": "2"},
    "lists that are none": {"tables": 1, "files": 2},
    "a file of the machine": {"files": ["{victim}"]},
    "a file above": {"files": ["../victim"]},
    "a way out": {"files": ["vpcflow/account=1/../date=1/{name}"]},
    "a name of no text": {"files": [None]},
    "the log": {"files": ["_lake/_delta_log/00000000000000000001.json"]},
    "a table's file of an earlier batch": {"files": ["{held}"]},
    "the ledger's file of an earlier batch": {"files": ["{told}"]},
    "an earlier version of a table": {"tables": {"vpcflow": 0}},
    "an earlier version of the ledger": {"tables": {"_lake": 0}},
    "a table of another lake": {"tables": {"../other/vpcflow": 0}},
}


@pytest.mark.parametrize("told", JOURNALS.values(), ids=JOURNALS)
def test_a_journal_of_no_commit_of_this_lake(told: dict[str, object], place: Path) -> None:
    """Whoever hands on a lake can write one; nothing is deleted or brought back by it."""
    lake = place / "lake"
    victim, name = put(place, "victim", b"mine"), f"00000002-00000-{'0' * 64}.parquet"
    (told_file,) = (lake / "_lake").glob("kind=batch/*.parquet")
    held = min(counted_files(lake) & raw_files(lake))
    journal = json.dumps({"batch": 2, "tables": {}, "files": []} | told)
    for word, meant in (
        ("victim", victim), ("name", name), ("held", held), ("told", told_file.relative_to(lake)),
    ):  # fmt: skip
        journal = journal.replace(f"{{{word}}}", str(meant))
    put(lake, "_journal.json", journal.encode())
    before = state(place)
    with pytest.raises(StorageError, match=r"_journal\.json .*Nothing was changed.*delete this"):
        read(lake, place / "logs")
    assert state(place) == before
    (lake / "_journal.json").unlink()
    assert read(lake, place / "logs").rows == 8


def state(folder: Path) -> dict[Path, bytes]:
    """The files below a folder, without what is empty while nobody writes."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"}


def test_a_ledger_that_names_a_folder_elsewhere(place: Path) -> None:
    """Its tables are folders of the lake, whatever an altered batch says."""
    (batch,) = (place / "lake" / "_lake").glob("kind=batch/*.parquet")
    rows = pq.read_table(batch, partitioning=None)
    at = rows.schema.get_field_index("tables")
    told = pa.array([json.dumps({"../../other": 0})])
    pq.write_table(rows.set_column(at, rows.schema.field(at), told), batch)
    with pytest.raises(StorageError, match=r"names a table '\.\./\.\./other'"):
        open_lake(place / "lake")


def test_recovery_without_a_journal_does_nothing(first: Path) -> None:
    store = Store.open(first / "lake")
    with store.lock():
        assert recover(store) is None


def test_a_reader_keeps_its_batch_while_another_is_written(place: Path) -> None:
    opened = open_lake(place / "lake")
    before = hashes_of(opened)
    read(place / "lake", place / "logs")
    assert hashes_of(opened) == before
    opened.refresh()
    assert len(hashes_of(opened)) == len(before) + 8


def hashes_of(opened: object) -> list[tuple[str, int]]:
    """As `hashes`, without taking up what is new."""
    query = "SELECT event.dataset, event.hash FROM events ORDER BY ALL"
    return list(opened.sql(query).fetchall())  # type: ignore[attr-defined]


def test_a_snapshot_names_batch_and_versions(place: Path) -> None:
    store = Store.open(place / "lake")
    assert store.snapshot().batch == 1
    assert set(store.snapshot().tables) == {"cloudtrail", "vpcflow"}
    read(place / "lake", place / "logs" / SECOND)
    after = store.snapshot()
    assert after.batch == 2
    assert after.tables["vpcflow"] == Store.open(place / "lake").snapshot().tables["vpcflow"]
    rows = {name: sum(f.rows for f in store.files(name, after)) for name in after.tables}
    assert rows == {"cloudtrail": 8, "vpcflow": 5}


def test_partitions_of_a_file(first: Path) -> None:
    store = Store.open(first / "lake")
    (file,) = store.files("cloudtrail", store.snapshot())
    assert (file.account, file.region, file.date, file.rows) == (
        ACCOUNT, "eu-west-1", "2024-02-01", 5,
    )  # fmt: skip
    where = Path(file.path).relative_to(store.path).parent
    assert where.as_posix() == (f"cloudtrail/account={ACCOUNT}/region=eu-west-1/date=2024-02-01")
    assert Path(file.path).stat().st_size == file.size


def test_any_delta_reader_sees_the_rows(first: Path) -> None:
    import polars as pl

    opened = open_lake(first / "lake")
    frame = opened.scan("cloudtrail").select("account", pl.col("event").struct.field("id"))
    assert frame.collect().sort("id").rows() == [
        (ACCOUNT, logs.event(number)["eventID"]) for number in range(1, 6)
    ]


def test_a_lake_of_a_newer_version_is_not_opened(place: Path) -> None:
    log = sorted((place / "lake" / "_lake" / "_delta_log").glob("*.json"))[0]
    log.write_text(log.read_text().replace('{\\"format\\": 1}', '{\\"format\\": 99}'))
    with pytest.raises(LakeVersionError, match="made by a newer siem-lake") as told:
        open_lake(place / "lake")
    assert "Upgrade: pip install -U siem-lake." in str(told.value)


def test_a_folder_with_other_things_does_not_become_a_lake(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(1)))
    put(tmp_path / "home", "letter.txt", b"Dear aunt,")
    with pytest.raises(UsageError, match="holds other files and no lake"):
        read(tmp_path / "home", tmp_path / "logs")
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["letter.txt"]


def test_no_lake_is_left_where_nothing_was_found(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert read(tmp_path / "lake", tmp_path / "empty").objects == 0
    assert not (tmp_path / "lake").exists()


@contextmanager
def commits_fail(
    monkeypatch: pytest.MonkeyPatch, which: Callable[[str, int], bool]
) -> Iterator[None]:
    """The disk refuses Delta's commits of which this is true, told the table and the how manieth
    it is."""
    write, numbers = DeltaTable.create_write_transaction, count(1)

    def full(self: DeltaTable, *given: object, **more: object) -> None:
        if which(Path(self.table_uri.removeprefix("file://")).name, next(numbers)):
            raise OSError(28, "No space left on device")
        write(self, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(DeltaTable, "create_write_transaction", full)
        yield


def test_a_disk_that_refuses_the_commit(
    place: Path, unkilled: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(open_lake(place / "lake"))
    with (
        commits_fail(monkeypatch, lambda _, number: number == 3),
        pytest.raises(StorageError, match="No space left on device"),
    ):
        read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) == before
    read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) == unkilled
    assert raw_files(place / "lake") == counted_files(place / "lake")


@pytest.mark.parametrize("at", [1, 2, 3], ids="commit to table {}".format)
def test_a_disk_that_refuses_the_first_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """What it had begun is taken back by the same command, whatever of the lake was there."""
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(3)))
    with (
        commits_fail(monkeypatch, lambda _, number: number == at),
        pytest.raises(StorageError, match="run the same command again"),
    ):
        read(tmp_path / "lake", tmp_path / "logs")
    again = read(tmp_path / "lake", tmp_path / "logs")
    assert again.notes == ["an unfinished batch 1 was removed"]
    assert ask(tmp_path / "lake", "SELECT sum(rows) FROM objects") == [(6,)]
    assert raw_files(tmp_path / "lake") == counted_files(tmp_path / "lake")


WRITERS: dict[str, Callable[[Path], object]] = {
    "ingest": lambda lake: read(lake, lake.parent / "logs"),
    "compact": compact,
    "rebuild": lambda lake: rebuild(lake, RebuildOptions(geoip=GeoIP.none())),
    "forget": lambda lake: forget(lake, date(2020, 1, 1)),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("left", [0, 100], ids=["empty", "half"])
@pytest.mark.parametrize("table", ["cloudtrail", "vpcflow", "_lake"])
def test_a_power_cut_tears_the_version_that_a_commit_had_begun(
    place: Path,
    unkilled: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    left: int,
    writer: Callable[[Path], object],
) -> None:
    """Of a batch that does not count: readers pass over the torn version, and the next writer,
    whatever it does, takes it away with the rest."""
    before, known = newest(place / "lake" / table) or 0, hashes(open_lake(place / "lake"))
    with (
        commits_fail(monkeypatch, lambda name, _: name == "_lake"),
        pytest.raises(StorageError, match="the commit of batch"),
    ):
        read(place / "lake", place / "logs")
    log = place / "lake" / table / "_delta_log"
    last = log / f"{newest(place / 'lake' / table):020}.json"
    if table == "_lake":
        last = log / f"{before + 1:020}.json"
        last.write_bytes((log / f"{before:020}.json").read_bytes())
    assert int(last.stem) > before
    last.write_bytes(last.read_bytes()[:left])
    assert hashes(open_lake(place / "lake")) == known
    assert {f.kind for f in verify(place / "lake").findings} <= {"unfinished"}
    writer(place / "lake")
    assert verify(place / "lake").findings == []
    read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) == unkilled
    report = verify(place / "lake")
    assert (report.findings, report.notes) == ([], [])  # no file that no version knows


def test_an_empty_version_that_does_not_count_goes(place: Path) -> None:
    """Without a journal too; on top of it, no reader took the table any more."""
    read(place / "lake", place / "logs")
    root = place / "lake" / "cloudtrail"
    (root / "_delta_log" / f"{(newest(root) or 0) + 1:020}.json").touch()
    put(place / "logs", FLOW_KEY.replace("1a2b", "9f9f"), logs.flow_file(logs.flows(2)))
    read(place / "lake", place / "logs")
    assert verify(place / "lake").findings == []
    assert ask(place / "lake", "SELECT count(*) > 0 FROM cloudtrail") == [(True,)]


def test_an_archive_that_was_cut_and_is_whole_now(tmp_path: Path) -> None:
    """What was said of it no longer stands; that its members are objects does."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for n in range(3):
            data = logs.trail(logs.events(3, first=3 * n))
            member = tarfile.TarInfo(TRAIL_KEY.replace("1a2b", f"{n:04x}"))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    now = "SELECT status, count(*) FROM objects WHERE NOT superseded GROUP BY 1 ORDER BY 1"
    put(tmp_path / "logs", "y.tgz", whole.getvalue()[:-400])
    read(tmp_path / "lake", tmp_path / "logs")
    assert ("failed", 1) in ask(tmp_path / "lake", now)
    put(tmp_path / "logs", "y.tgz", whole.getvalue())
    for _ in range(2):  # told once
        read(tmp_path / "lake", tmp_path / "logs")
        assert ask(tmp_path / "lake", now) == [("ignored", 1), ("read", 3)]
    assert ask(tmp_path / "lake", "SELECT count(*) FROM cloudtrail") == [(9,)]
    put(tmp_path / "logs", "y.tgz", whole.getvalue()[:-400])
    read(tmp_path / "lake", tmp_path / "logs")
    assert ("failed", 1) in ask(tmp_path / "lake", now)


def test_what_a_writer_left_without_its_lock_is_removed(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(1)))
    read(tmp_path / "lake", tmp_path / "logs")
    left = put(tmp_path / "lake", "_staging/20240201T100000-0123abcd/scratch/a.log", b"a")
    spilled = put(tmp_path / "lake", "_staging/spill-1/b.tmp", b"b")
    read(tmp_path / "lake", tmp_path / "logs")
    assert not left.parent.parent.exists()
    assert spilled.exists()


# -- where a lake can be -------------------------------------------------------------------------

NOT_HERE = [
    *(
        "account=1",
        "region=zz",
        "date=2001-01-01",
        "env=prod",
        "a*",
        "a?b",
        "a[1]",
    ),
    *("a%20b", "%2e%2e", "a\\b", "a\nb", "a\x7f", os.fsdecode(b"a\xff")),
]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
@pytest.mark.parametrize("name", NOT_HERE, ids=ascii)
def test_a_path_that_is_read_as_another(name: str, tmp_path: Path, place: Path) -> None:
    """Nothing is made there, and nothing is read of a lake that was brought there."""
    folder = tmp_path / "at" / name
    folder.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for lake in (folder / "lake", link / "lake"):
        with pytest.raises(UsageError, match="a lake cannot be at "):
            read(lake, place / "logs")
    assert list(folder.iterdir()) == []
    shutil.copytree(place / "lake", folder / "lake")
    for use in (open_lake, open_prepared, verify, compact, read_status, write_client_file):
        with pytest.raises(UsageError, match="a lake cannot be at "):
            use(folder / "lake")
    done = lake_command("sql", "SELECT 1", "--lake", link / "lake")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "lake: a lake cannot be at" in done.stderr


def test_paths_that_only_look_odd(tmp_path: Path, place: Path) -> None:
    for name in ("it's", "50%", "a b#c", "{a}", "é~$&;", "a%zz", "a]^|"):
        lake = tmp_path / "at" / name / "lake"
        shutil.copytree(place / "lake", lake)
        read(lake, place / "logs" / SECOND)
        write_client_file(lake)
        assert client_rows(lake) == len(hashes(lake)) == 13
        opened = open_lake(lake)
        assert sum(opened.scan(table).collect().height for table in opened.tables()) == 13
        compact(lake)
        assert len(hashes(lake)) == 13
        assert verify(lake).findings == []


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(UsageError):
        open_lake(tmp_path / "round")


# -- real processes ------------------------------------------------------------------------------


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
from lake import batches, ingest
ingest.COMMIT_EVERY = 0.0
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


def test_the_lake_as_it_was(place: Path) -> None:
    before = hashes(open_lake(place / "lake"))
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) != before
    assert hashes_of(open_lake(place / "lake", between)) == before


@pytest.mark.parametrize("days", [-30, 30])
def test_the_lake_as_it_was_after_a_copy_without_times(days: int, place: Path) -> None:
    """When a version was committed it says itself; the times of its files are the copy's."""
    before = hashes(open_lake(place / "lake"))
    time.sleep(0.05)
    between = datetime.now(UTC)
    time.sleep(0.05)
    read(place / "lake", place / "logs")
    after = hashes(open_lake(place / "lake"))
    copied = time.time() + 86_400 * days
    for path in (place / "lake").rglob("*"):
        os.utime(path, (copied, copied))
    assert hashes_of(open_lake(place / "lake", between)) == before
    assert hashes_of(open_lake(place / "lake", datetime.now(UTC))) == after
    with pytest.raises(UsageError, match="it was made at"):
        open_lake(place / "lake", between - timedelta(days=1))


def test_a_clock_that_went_back(place: Path) -> None:
    """A version is no earlier than the one before it, whatever it tells."""
    before = hashes(open_lake(place / "lake"))
    read(place / "lake", place / "logs")
    first, second = sorted((place / "lake" / "_lake" / "_delta_log").glob("*.json"))[1:]
    told = json.loads(first.read_text().splitlines()[0])["commitInfo"]["timestamp"]
    rest = second.read_text().partition("\n")[2]
    second.write_text(
        json.dumps({"commitInfo": {"timestamp": told - 60_000, "batch": "2"}}) + "\n" + rest
    )
    at = datetime.fromtimestamp(told / 1000, UTC)
    assert hashes_of(open_lake(place / "lake", at - timedelta(milliseconds=1))) == []
    assert hashes_of(open_lake(place / "lake", at)) != before


def test_a_log_whose_beginning_was_cleaned_up(tmp_path: Path) -> None:
    """As other programs do after a checkpoint: what the log tells no more, it says."""
    lake = two_sources(tmp_path, 2) / "lake"
    made = datetime.now(UTC)
    time.sleep(0.05)
    put(tmp_path / "logs", SECOND, logs.trail(logs.events(3, first=9)))
    read(lake, tmp_path / "logs")
    log = lake / "_lake" / "_delta_log"
    DeltaTable(lake / "_lake").create_checkpoint()
    for number in (0, 1):
        (log / f"{number:020}.json").unlink()
    with pytest.raises(UsageError, match="was cleaned up"):
        open_lake(lake, made)
    assert len(hashes_of(open_lake(lake, datetime.now(UTC)))) == 7
    compact(lake)


def test_batches_are_rows_of_the_ledger(place: Path) -> None:
    read(place / "lake", place / "logs")
    store = Store.open(place / "lake")
    files = store.ledger_files("batch", store.snapshot())
    rows = [pq.read_table(file, partitioning=None).to_pylist()[0] for file in files]
    assert [row["batch"] for row in rows] == [1, 2]
    assert [sorted(json.loads(row["tables"])) for row in rows] == [["cloudtrail", "vpcflow"]] * 2
    assert ask(place / "lake", "SELECT batch, count(*) FROM objects GROUP BY 1 ORDER BY 1") == [
        (1, 2), (2, 2),
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the name of an open file")
def test_a_batch_is_on_the_disk_when_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut after a commit leaves its files, their names and the logs' versions; one in the
    middle the journal, by which the next writer takes it back."""
    flushed: list[Path] = []
    monkeypatch.setattr(
        "os.fsync", lambda fd: flushed.append(Path(f"/proc/self/fd/{fd}").readlink())
    )
    lake = tmp_path / "lake"
    read(lake, put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(3))))
    (data,) = (lake / "vpcflow").glob("*/*/*/*.parquet")
    batch = [*(lake / "_lake").glob("kind=*/*.parquet")]
    version = f"_delta_log/{1:020}.json"
    wanted = [data, *data.parents[:4], lake / "vpcflow" / version, *batch, lake / "_lake" / version]
    assert set(wanted) <= set(flushed)
    assert flushed.index(lake / "_lake" / version) > max(map(flushed.index, wanted[:-1]))
    begun = flushed.index(lake / "_journal.json")
    assert flushed[begun + 1] == lake
    assert begun < min(map(flushed.index, [data, *batch]))
