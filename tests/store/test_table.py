"""The lake on disk: what a snapshot is, where a lake can be, what it was at an earlier time."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import logs
import pyarrow.parquet as pq
import pytest
from command import process
from deltalake import DeltaTable
from engine import ask, between_commits, client_rows, hashes, hashes_of, put, read, two_sources
from logs import ACCOUNT, FLOW_KEY, SECOND_KEY, TRAIL_KEY

from lake.errors import LakeVersionError, UsageError
from lake.query import open_lake
from lake.serve.client_file import open_prepared, write_client_file
from lake.serve.status import read_status
from lake.store.table import Store
from lake.upkeep.compact import compact
from lake.upkeep.verify import verify


def test_a_log_without_a_version_is_no_lake(tmp_path: Path) -> None:
    """What is left where a lake is killed while it is made; it is made by the next ingest."""
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    put(tmp_path / "lake", f"_lake/_delta_log/{0:020}.json#1", b"")
    with pytest.raises(UsageError, match="no lake at"):
        open_lake(tmp_path / "lake")
    assert read(tmp_path / "lake", tmp_path / "logs").rows == 3


def test_a_reader_keeps_its_batch_while_another_is_written(place: Path) -> None:
    opened = open_lake(place / "lake")
    before = hashes_of(opened)
    read(place / "lake", place / "logs")
    assert hashes_of(opened) == before
    opened.refresh()
    assert len(hashes_of(opened)) == len(before) + 8


def test_a_snapshot_names_batch_and_versions(place: Path) -> None:
    store = Store.open(place / "lake")
    assert store.snapshot().batch == 1
    assert set(store.snapshot().tables) == {"cloudtrail", "vpcflow"}
    read(place / "lake", place / "logs" / SECOND_KEY)
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
    done = process(tmp_path, "sql 'SELECT 1' --lake link/lake")
    assert (done.code, "Traceback" in done.err) == (2, False)
    assert "lake: a lake cannot be at" in done.err


def test_paths_that_only_look_odd(tmp_path: Path, place: Path) -> None:
    for name in ("it's", "50%", "a b#c", "{a}", "é~$&;", "a%zz", "a]^|"):
        lake = tmp_path / "at" / name / "lake"
        shutil.copytree(place / "lake", lake)
        read(lake, place / "logs" / SECOND_KEY)
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


def test_the_lake_as_it_was(place: Path) -> None:
    before = hashes(open_lake(place / "lake"))
    between = between_commits()
    read(place / "lake", place / "logs")
    assert hashes(open_lake(place / "lake")) != before
    assert hashes_of(open_lake(place / "lake", between)) == before


@pytest.mark.parametrize("days", [-30, 30])
def test_the_lake_as_it_was_after_a_copy_without_times(days: int, place: Path) -> None:
    """When a version was committed it says itself; the times of its files are the copy's."""
    before = hashes(open_lake(place / "lake"))
    between = between_commits()
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
    made = between_commits()
    put(tmp_path / "logs", SECOND_KEY, logs.trail(logs.events(3, first=9)))
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
