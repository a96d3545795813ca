"""Compaction: fewer files, the same rows leaf by leaf, whatever else goes on; what it deletes."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import logs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from engine import ask, balance, between_commits, hashes, put, read, two_sources
from logs import FLOW_KEY, TRAIL_KEY

from lake.errors import LakeError, StorageError
from lake.query import open_lake
from lake.serve import status
from lake.serve.status import read_status
from lake.store.delta import add_actions
from lake.store.table import Store
from lake.upkeep import compact as compacting
from lake.upkeep.compact import CompactOptions, CompactReport, compact
from lake.upkeep.merge import is_sorted, merge
from lake.upkeep.verify import verify

NOW = CompactOptions(grace=timedelta(0))


def many_small(folder: Path, count: int = 3) -> Path:
    """A lake of two sources, each object in a batch and so in a file of its own."""
    for number in range(count):
        trail = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        put(folder / "logs", trail, logs.trail(logs.events(5, first=1 + 4 * (count - number))))
        flow = FLOW_KEY.replace("1a2b", f"{number:04x}")
        put(folder / "logs", flow, logs.flow_file(logs.flows(5, first=100 * number)))
        read(folder / "lake", folder / "logs" / trail)
        read(folder / "lake", folder / "logs" / flow)
    return folder / "lake"


def rows(lake: Path, table: str, as_of: datetime | None = None) -> list[str]:
    """Every row of a table with every leaf, as text, sorted."""
    found = open_lake(lake, as_of).sql(f"SELECT to_json(t)::VARCHAR FROM {table} t").fetchall()
    return sorted(text for (text,) in found)


def files(lake: Path, table: str) -> list[Path]:
    store = Store.open(lake)
    return [Path(f.path) for f in store.files(table, store.snapshot())]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return many_small(tmp_path_factory.mktemp("small"))


@pytest.fixture
def lake(small: Path, tmp_path: Path) -> Path:
    shutil.copytree(small, tmp_path / "lake")
    return tmp_path / "lake"


def test_the_same_rows_in_one_file_a_partition(lake: Path) -> None:
    before = {name: rows(lake, name) for name in ("cloudtrail", "vpcflow")}
    report = compact(lake)
    assert (report.partitions, report.files_before, report.files_after) == (2, 6, 2)
    assert report.rows == len(before["cloudtrail"]) + len(before["vpcflow"]) == 13 + 15
    assert {name: rows(lake, name) for name in before} == before
    assert [len(files(lake, name)) for name in before] == [1, 1]
    assert verify(lake).findings == []
    balance(lake)


def test_the_status_says_where_it_is_worth_it(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_status(lake).scattered is None
    monkeypatch.setattr(status, "MANY", 5)
    assert read_status(lake).scattered == (6, 2)
    compact(lake)
    assert read_status(lake).scattered is None


def test_a_merged_file_is_sorted_and_says_so(lake: Path) -> None:
    assert [is_sorted(path) for path in files(lake, "cloudtrail")] == [False] * 3
    compact(lake)
    (path,) = files(lake, "cloudtrail")
    assert is_sorted(path)
    times = pq.ParquetFile(path).read(["@timestamp"])["@timestamp"].to_pylist()
    assert times == sorted(times)
    assert [t.second for t in times] == list(range(5, 18))
    (action,) = add_actions(DeltaTable(lake / "cloudtrail")).to_pylist()
    assert action["num_records"] == 13
    assert [action[f"{bound}.@timestamp"].second for bound in ("min", "max")] == [5, 17]


def test_what_is_compacted_is_left_alone(lake: Path) -> None:
    compact(lake)
    before = Store.open(lake).snapshot()
    report = compact(lake)
    assert (report.partitions, report.ledger_before) == (0, 0)
    assert Store.open(lake).snapshot() == before


def test_delta_sees_that_no_data_changed(lake: Path) -> None:
    compact(lake)
    log = sorted((lake / "cloudtrail" / "_delta_log").glob("*.json"))[-1].read_text()
    assert log.count('"dataChange":false') == 4
    assert '"dataChange":true' not in log


def test_large_files_that_are_sorted_are_left(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(lake)
    read(lake, put(lake.parent, "later/" + TRAIL_KEY, logs.trail(logs.events(2, first=90))))
    read(lake, put(lake.parent, "after/" + TRAIL_KEY, logs.trail(logs.events(2, first=95))))
    large = min(files(lake, "cloudtrail"))
    small = [f for f in files(lake, "cloudtrail") if f != large]
    # as if it had reached its size
    monkeypatch.setattr(compacting, "SETTLED", large.stat().st_size)
    assert all(f.stat().st_size < large.stat().st_size for f in small)
    assert compact(lake).files_before == 2
    assert len(files(lake, "cloudtrail")) == 2
    assert large in files(lake, "cloudtrail")


def test_a_large_partition_becomes_several_files_in_order(lake: Path, tmp_path: Path) -> None:
    store = Store.open(lake)
    given = store.files("vpcflow", store.snapshot())
    staged = merge("vpcflow", given, tmp_path, target=1)
    assert [f.rows for f in staged] == [15]  # one row group is never cut
    assert staged[0].size == staged[0].path.stat().st_size


@pytest.mark.long
def test_a_partition_that_is_not_sorted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sorted together is a hundredth; many row groups, several files, one order."""
    monkeypatch.setattr("lake.upkeep.merge.STRETCH_BYTES", 120_000)
    noise = np.random.default_rng(7)
    for number in range(6):
        texts = [noise.bytes(2_500).hex() for _ in range(300)]
        calls = [
            logs.event(7 * at % 300 * 6 + number, requestParameters={"t": text})
            for at, text in enumerate(texts)
        ]
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        read(tmp_path / "lake", put(tmp_path / "logs", key, logs.trail(calls)))
    lake = tmp_path / "lake"
    before = ask(lake, "SELECT sum(hash(t)) FROM cloudtrail t")
    store = Store.open(lake)
    given = store.files("cloudtrail", store.snapshot())
    staged = merge("cloudtrail", given, tmp_path, target=2 << 20)
    assert len(staged) > 1
    assert sum(f.rows for f in staged) == 1_800
    bounds = [
        pq.ParquetFile(f.path).read(["@timestamp"])["@timestamp"].combine_chunks() for f in staged
    ]
    times = pa.concat_arrays(bounds).to_pylist()
    assert times == sorted(times)
    assert max(pq.read_metadata(f.path).num_row_groups for f in staged) > 1
    assert {p.suffix for p in tmp_path.glob("*.*")} == {".parquet"}
    compact(lake)
    assert ask(lake, "SELECT sum(hash(t)) FROM cloudtrail t") == before


def test_leaves_that_only_some_files_have(tmp_path: Path) -> None:
    """`user.roles`... are filled by some files only; a STRUCT without a filled leaf keeps one."""
    plain = logs.event(1, userIdentity=None, requestParameters=None, sourceIPAddress="AWS Internal")
    wide = logs.event(2, errorCode="AccessDenied", tlsDetails={"tlsVersion": "TLSv1.3"})
    for number, call in enumerate((plain, wide)):
        key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        read(tmp_path / "lake", put(tmp_path / "logs", key, logs.trail([call])))
    lake = tmp_path / "lake"
    before = rows(lake, "cloudtrail")
    parts = [leaves(pq.read_schema(path)) for path in files(lake, "cloudtrail")]
    compact(lake)
    (path,) = files(lake, "cloudtrail")
    assert rows(lake, "cloudtrail") == before
    merged = leaves(pq.read_schema(path))
    assert merged <= parts[0] | parts[1]
    table = pq.ParquetFile(path).read()
    for name in merged:
        column: Any = table
        for part in name.split("."):
            column = (
                column[part]
                if isinstance(column, pa.Table)
                else pa.chunked_array([chunk.field(part) for chunk in column.chunks])
            )
        above = name.rpartition(".")[0]
        beside = [n for n in merged if n.rpartition(".")[0] == above]
        assert column.null_count < 2 or beside == [name], name
    assert {".".join(n.split(".")[:-1]) for n in merged} == {
        ".".join(n.split(".")[:-1]) for n in parts[0] | parts[1]
    }


def leaves(schema: pa.Schema | pa.StructType, above: str = "") -> set[str]:
    found: set[str] = set()
    for field in schema:
        if pa.types.is_struct(field.type):
            found |= leaves(field.type, f"{above}{field.name}.")
        else:
            found.add(above + field.name)
    return found


def test_a_damaged_file_is_not_merged(lake: Path) -> None:
    path = files(lake, "vpcflow")[2]
    before = hashes(lake), sorted(p.name for p in files(lake, "vpcflow"))
    whole = path.read_bytes()
    data = bytearray(whole)
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(LakeError, match="is not as it was committed"):
        compact(lake)
    assert path.read_bytes() == data
    path.write_bytes(whole)  # where the damage lies, it may be more than DuckDB can read
    assert (hashes(lake), sorted(p.name for p in files(lake, "vpcflow"))) == before


def test_an_ingest_while_files_are_merged(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in the meantime stays, and so does what was compacted."""
    late = put(lake.parent, "late/" + TRAIL_KEY, logs.trail(logs.events(3, first=80)))

    def slow(table: str, *given: Any) -> Any:  # noqa: ANN401
        found = merge(table, *given)
        if table == "cloudtrail":
            read(lake, late)
        return found

    monkeypatch.setattr(compacting, "merge", slow)
    before = rows(lake, "cloudtrail")
    assert compact(lake).partitions == 2
    after = rows(lake, "cloudtrail")
    assert len(after) == len(before) + 3
    assert set(before) < set(after)
    assert len(files(lake, "cloudtrail")) == 2
    assert verify(lake).findings == []


def test_two_compactions_at_once(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = []

    def slow(table: str, *given: Any) -> Any:  # noqa: ANN401
        found = merge(table, *given)
        if not inner:
            inner.append(table)
            assert compact(lake).partitions == 2
        return found

    before = hashes(lake)
    monkeypatch.setattr(compacting, "merge", slow)
    report = compact(lake)
    assert (report.partitions, report.skipped) == (0, 2)
    assert hashes(lake) == before
    assert verify(lake).findings == []
    assert list((lake / "_staging").iterdir()) == []


# -- the ledger ----------------------------------------------------------------------------------


@pytest.mark.long
def test_the_ledgers_files_become_one_of_each_kind(tmp_path: Path) -> None:
    lake = many_small(tmp_path, count=6)
    before = ask(lake, "SELECT path, records, batch FROM objects ORDER BY ALL")
    report = compact(lake)
    assert (report.ledger_before, report.ledger_after) == (25, 2)
    store = Store.open(lake)
    counts = {k: len(store.ledger_files(k, store.snapshot())) for k in ("object", "batch")}
    assert counts == {"object": 1, "batch": 2}
    assert store.snapshot().batch == 14
    assert ask(lake, "SELECT path, records, batch FROM objects ORDER BY ALL") == before
    assert read(lake, tmp_path / "logs").unchanged == 12
    again = put(tmp_path, "more/" + FLOW_KEY, logs.flow_file(logs.flows(2, first=9_000)))
    assert read(lake, again).rows == 2
    assert store.snapshot().batch == 15
    assert verify(lake).findings == []


# -- vacuum --------------------------------------------------------------------------------------


def on_disk(lake: Path) -> int:
    return len(list(lake.rglob("date=*/*.parquet"))) - len(list(lake.rglob("head.parquet")))


def test_files_stay_for_the_grace(lake: Path) -> None:
    opened = open_lake(lake)
    before = opened.sql("SELECT count(*) FROM events").fetchall()
    assert compact(lake).vacuumed.files == 0
    assert on_disk(lake) == 6 + 2
    assert opened.sql("SELECT count(*) FROM events").fetchall() == before


def test_the_grace_begins_when_files_left_the_lake(lake: Path) -> None:
    """Not when the files of Delta's log were written, which a copy or a backup changes."""
    compact(lake)
    for path in lake.rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert compact(lake).vacuumed.files == 0
    assert on_disk(lake) == 6 + 2


def test_files_go_after_the_grace_and_no_others(lake: Path) -> None:
    (lake / "cloudtrail" / "mine.parquet").write_bytes(b"mine")
    strange = files(lake, "vpcflow")[0].with_name("00000009-00000-0123abcd.parquet")
    shutil.copy(files(lake, "vpcflow")[0], strange)
    before = hashes(lake)
    report = compact(lake, NOW)
    assert report.vacuumed.files == 6
    assert on_disk(lake) == 2 + 1
    assert strange.exists()
    assert (lake / "cloudtrail" / "mine.parquet").exists()
    assert hashes(open_lake(lake)) == before
    found = verify(lake)
    assert found.findings == []
    assert found.earlier == 0
    assert "2 files on disk that no version knows" in found.notes[0]


def test_an_earlier_time_that_has_been_vacuumed_says_so(lake: Path) -> None:
    then = between_commits()
    before = rows(lake, "cloudtrail", then)
    compact(lake)
    assert rows(lake, "cloudtrail", then) == before
    compact(lake, NOW)
    with pytest.raises(LakeError, match="6 files of that time have been deleted"):
        open_lake(lake, then)
    assert rows(lake, "cloudtrail") == before


def test_a_disk_that_is_full(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> CompactReport:
        raise OSError(28, "No space left on device")

    before = hashes(lake)
    with monkeypatch.context() as patch:
        patch.setattr("lake.upkeep.merge._Output.close", full)
        with pytest.raises(StorageError, match="What was committed stays"):
            compact(lake)
    assert hashes(open_lake(lake)) == before
    assert list((lake / "_staging").iterdir()) == []
    assert compact(lake).partitions == 2


def test_an_empty_lake(tmp_path: Path) -> None:
    two_sources(tmp_path, 1)
    assert compact(tmp_path / "lake").partitions == 0
