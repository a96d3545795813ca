"""`lake verify` finds what was done to a lake from outside, and nothing in a lake that is whole."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import logs
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from engine import hashes, put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.errors import LakeError
from lake.query import open_lake
from lake.report import Finding
from lake.store.files import recorded_sha256, sha256_of
from lake.store.table import Store
from lake.upkeep.compact import compact
from lake.upkeep.verify import verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of calls, flows, a duplicate delivery and a reject."""
    folder = tmp_path_factory.mktemp("whole")
    calls = [*logs.events(5), {"eventID": "no-time", "eventName": "GetObject"}]
    put(folder / "logs", TRAIL_KEY, logs.trail(calls))
    put(folder / "logs", TRAIL_KEY.replace("a1b2", "b2c3"), logs.trail(logs.events(7)))
    put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(6)))
    read(folder / "lake", folder / "logs")
    return folder


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "lake", tmp_path / "lake")
    return tmp_path / "lake"


def data_file(lake: Path, table: str = "vpcflow") -> Path:
    store = Store.open(lake)
    (file,) = store.files(table, store.snapshot())
    return Path(file.path)


def found(lake: Path) -> list[tuple[str, str]]:
    """Kind and place of each finding."""
    return [(f.kind, f.where) for f in verify(lake).findings]


def test_a_lake_that_is_whole(lake: Path) -> None:
    report = verify(lake)
    assert (report.findings, report.notes) == ([], [])
    assert (report.batch, report.files, report.rows, report.unhashed) == (1, 6, 13, 0)
    assert report.size == sum(
        p.stat().st_size for p in lake.rglob("*-*.parquet") if "_views" not in p.parts
    )


def test_a_files_name_is_its_hash(lake: Path) -> None:
    for path in lake.rglob("0*.parquet"):
        assert recorded_sha256(path.name) == sha256_of(path), path


@pytest.mark.parametrize("table", ["vpcflow", "_lake"])
def test_a_flipped_bit(lake: Path, table: str) -> None:
    path = data_file(lake) if table != "_lake" else next((lake / "_lake").rglob("kind=object/*"))
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    (one,) = verify(lake).findings
    assert one.kind == "altered"
    assert one.where == path.relative_to(lake).as_posix()
    assert one.what == f"its SHA-256 is {sha256_of(path)}"
    assert one.next.startswith("bring it back from a copy of the lake")


def test_a_missing_file(lake: Path) -> None:
    path = data_file(lake)
    path.unlink()
    (one,) = verify(lake).findings
    assert (one.kind, one.where) == ("missing", path.relative_to(lake).as_posix())
    assert one.what == "it is gone, with 6 rows"


def test_a_file_that_wasfirst_findings(lake: Path) -> None:
    path = data_file(lake)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-100])
    (one,) = verify(lake).findings
    assert (one.kind, one.what) == ("cut", f"{size - 100:,} bytes, committed with {size:,}")


def test_a_foreign_file_in_its_place(lake: Path) -> None:
    """Of the same size, as a careful hand would make it."""
    path = data_file(lake)
    other = path.with_name("other")
    pq.write_table(pq.ParquetFile(path).read().slice(0, 5), other, compression="none")
    data = other.read_bytes()[: path.stat().st_size]
    other.unlink()
    path.write_bytes(data.ljust(path.stat().st_size, b"\0"))
    assert found(lake) == [("altered", path.relative_to(lake).as_posix())]


def test_a_row_that_an_outsider_removed(lake: Path) -> None:
    DeltaTable(lake / "vpcflow").delete("event.hash % 2 = 0")
    kinds = verify(lake).findings
    assert [f.kind for f in kinds] == ["foreign"]
    assert kinds[0].where == "vpcflow, version 2"
    assert "another program's commit (version 2, DELETE by delta-rs:py-" in kinds[0].what
    assert "removes 1 file" in kinds[0].what


def outsiders_rows(lake: Path) -> None:
    """A commit of another program, with the rows of the table once more."""
    table = pq.ParquetFile(data_file(lake)).read()
    name = "account=111122223333/region=eu-west-1/date=2024-02-01/theirs.parquet"
    pq.write_table(table, lake / "vpcflow" / name)
    delta = DeltaTable(lake / "vpcflow")
    keys = {"account": "111122223333", "region": "eu-west-1", "date": "2024-02-01"}
    size = (lake / "vpcflow" / name).stat().st_size
    action = AddAction(name, size, keys, 0, True, '{"numRecords": 6}')
    delta.create_write_transaction([action], "append", delta.schema(), list(keys))


def test_rows_that_an_outsider_added(lake: Path) -> None:
    outsiders_rows(lake)
    (one,) = verify(lake).findings
    assert (one.kind, one.where) == ("foreign", "vpcflow, version 2")
    assert "adds 1 file (6 rows) and removes 0 files" in one.what


def test_the_next_batch_does_not_let_them_in(lake: Path, tmp_path: Path) -> None:
    before = hashes(lake)
    outsiders_rows(lake)
    more = put(tmp_path, FLOW_KEY.replace("1a2b", "9a9b"), logs.flow_file(logs.flows(2, first=50)))
    assert read(lake, more).rows == 2
    assert len(hashes(lake)) == len(before) + 2
    assert DeltaTable(lake / "vpcflow").to_pyarrow_table().num_rows == 8
    report = verify(lake)
    assert report.findings == []
    assert "vpcflow: version 2 was another program's" in report.notes[0]
    assert report.notes[0].endswith("nothing of it counts")


def test_an_outsiders_commit_that_was_built_upon(lake: Path) -> None:
    """As programs before this one did: the last batch names a version that holds it."""
    outsiders_rows(lake)
    (path,) = (lake / "_lake").glob("kind=batch/*")
    text = pq.ParquetFile(path).read().to_pylist()
    text[0]["tables"] = json.dumps(json.loads(text[0]["tables"]) | {"vpcflow": 2})
    table = pq.ParquetFile(path).read()
    path.unlink()
    old = path.with_name("00000001-0123abcd.parquet")
    pq.write_table(table.from_pylist(text, schema=table.schema), old)
    log = lake / "_lake" / "_delta_log" / f"{1:020}.json"
    told = log.read_text().replace(path.name, old.name)
    size = next(a for a in map(json.loads, told.splitlines()) if old.name in str(a))["add"]["size"]
    log.write_text(told.replace(f'"size":{size},', f'"size":{old.stat().st_size},'))
    report = verify(lake)
    kinds = [f.kind for f in report.findings]
    assert kinds == ["foreign", *["repeated"] * 6, "unaccounted"]
    assert report.findings[0].where.endswith("theirs.parquet")
    assert report.findings[-1].what == "6 rows were read, 12 are in the tables"
    assert report.unhashed == 2


def test_a_ledger_that_an_outsider_changed(lake: Path) -> None:
    delta = DeltaTable(lake / "_lake")
    delta.delete("kind = 'reject'")
    kinds = [f.kind for f in verify(lake).findings]
    assert "foreign" in kinds
    assert "unaccounted" in kinds


def test_files_that_no_version_knows_are_told(lake: Path) -> None:
    (lake / "vpcflow" / "mine.parquet").write_bytes(b"mine")
    report = verify(lake)
    assert report.findings == []
    assert report.notes == [
        "1 file on disk that no version knows, so nothing reads: vpcflow/mine.parquet"
    ]


@pytest.fixture
def two(lake: Path, tmp_path: Path) -> Path:
    """The lake with a second batch of flows."""
    key = FLOW_KEY.replace("1a2b", "9f9f")
    read(lake, put(tmp_path / "more", key, logs.flow_file(logs.flows(4, first=900))))
    return lake


def last_version(lake: Path, table: str) -> Path:
    return max((lake / table / "_delta_log").glob("*.json"))


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_a_batch_that_the_ledger_has_lost(two: Path, how: str) -> None:
    path = last_version(two, "_lake")
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"")
    kinds = {kind for kind, where in found(two) if where.startswith("vpcflow, version")}
    assert kinds == {"lost"}
    (told,) = (f.what for f in verify(two).findings if f.kind == "lost")
    assert "4 rows in batch 2" in told


def test_a_version_of_a_table_that_is_empty(two: Path) -> None:
    """Its rows would be missing in silence."""
    last_version(two, "vpcflow").write_bytes(b"")
    assert ("log", "vpcflow, version 2") in found(two)
    for use in (open_lake, compact):
        with pytest.raises(LakeError, match=r"json is empty: .*lake verify"):
            use(two)


def test_a_partition_that_the_log_tells_otherwise(two: Path) -> None:
    path = last_version(two, "vpcflow")
    path.write_text(path.read_text().replace('"date":"2024-02-01"', '"date":"2024-02-03"'))
    assert "log" in {kind for kind, where in found(two) if where.startswith("vpcflow/account=")}


def test_an_unfinished_batch(lake: Path) -> None:
    (lake / "_journal.json").write_text('{"batch": 2, "tables": {}, "files": []}')
    assert found(lake) == [("unfinished", "_journal.json")]
    compact(lake)
    assert found(lake) == []


def test_times_that_the_log_tells_otherwise(two: Path) -> None:
    """Pages count a day's events by what the log tells, and leave out files by it."""
    path = last_version(two, "vpcflow")
    earlier, changed = re.subn(r"(minValues[^T]*T)\d\d", r"\g<1>00", path.read_text())
    path.write_text(earlier)
    (finding,) = verify(two).findings
    assert (finding.kind, "first and last event" in finding.what) == ("log", True)
    assert changed == 1


def test_a_row_in_the_wrong_partition(lake: Path) -> None:
    """Of a lake whose files lie where their rows do not belong."""
    path = data_file(lake)
    target = Path(str(path).replace("date=2024-02-01", "date=2024-02-02"))
    target.parent.mkdir()
    path.rename(target)
    log = lake / "vpcflow" / "_delta_log" / f"{1:020}.json"
    text = log.read_text().replace("date=2024-02-01/", "date=2024-02-02/")
    log.write_text(text.replace('"date":"2024-02-01"', '"date":"2024-02-02"'))
    (one,) = verify(lake).findings
    assert one.kind == "misplaced"
    assert one.where == "vpcflow/account=111122223333/region=eu-west-1/date=2024-02-02"
    assert one.what == "6 rows whose time, account or region is another"


def test_a_lake_from_before_hashes(lake: Path) -> None:
    """Its files are called by random digits; the rest is checked all the same."""
    for log in lake.glob("*/_delta_log/*1.json"):
        text = log.read_text()
        for path in log.parent.parent.rglob("0*.parquet"):
            old = path.with_name(f"{path.name[:15]}0123abcd.parquet")
            text = text.replace(path.name, old.name)
            path.rename(old)
        log.write_text(text)
    report = verify(lake)
    assert (report.findings, report.unhashed) == ([], 6)
    assert len(hashes(open_lake(lake))) == 13
    compact(lake)
    assert verify(lake).findings == []


def test_many_findings_of_a_kind_are_counted() -> None:
    from lake.upkeep.verify_rows import SHOWN, first_findings

    findings = [Finding("repeated", str(n), "2 rows", "") for n in range(50)]
    assert len(first_findings(findings)) == SHOWN
    assert first_findings(findings)[-1].what == "2 rows; and 30 more like it"
