"""What a writer left that did not come to its end, by a kill, a full disk or a power cut, is taken
back, and nothing else."""

from __future__ import annotations

import io
import json
import tarfile
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import logs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from engine import ask, hashes, put, read
from filelock import FileLock
from logs import FLOW_KEY, TRAIL_KEY

from lake.enrich.geoip import GeoIP
from lake.errors import StorageError
from lake.query import open_lake
from lake.store.deltalog import newest
from lake.store.recover import recover
from lake.store.table import Store
from lake.upkeep.compact import compact
from lake.upkeep.forget import forget
from lake.upkeep.rebuild import RebuildOptions, rebuild
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
from engine import counted_files, raw_files


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


@pytest.mark.parametrize(
    "writer",
    [
        pytest.param(
            writer, id=name, marks=[pytest.mark.long] if name in ("compact", "rebuild") else []
        )
        for name, writer in WRITERS.items()
    ],
)
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
