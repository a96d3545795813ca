"""Small files that have gathered in a partition become one when an ingest ends: the same rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
import pytest
from engine import ask, balance, put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.errors import LakeError
from lake.ingest import IngestOptions, ingest
from lake.store.table import Store
from lake.upkeep import compact as compacting
from lake.upkeep.forget import forget
from lake.upkeep.merge import merge
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from lake.report import IngestReport

ALIKE = compacting.ALIKE
EVERY_LEAF = "SELECT to_json(t)::VARCHAR FROM vpcflow t ORDER BY 1"


def deliver(folder: Path, number: int, flows: int = 5, **options: Any) -> IngestReport:  # noqa: ANN401
    """Read one more object of one and the same partition into `lake/`."""
    key = FLOW_KEY.replace("1a2b", f"{number:04x}")
    data = logs.flow_file(logs.flows(flows, first=1_000 * number))
    return read(folder / "lake", put(folder / "logs", key, data), **options)


def files(lake: Path, table: str = "vpcflow") -> dict[Path, int]:
    """A table's files and their rows."""
    store = Store.open(lake)
    return {Path(f.path): f.rows for f in store.files(table, store.snapshot())}


def test_a_partition_never_holds_many_small_files(tmp_path: Path) -> None:
    held = []
    for number in range(2 * ALIKE + 2):
        deliver(tmp_path, number)
        held.append(len(files(tmp_path / "lake")))
        deliver(tmp_path, number, compact=False)  # read before: nothing is added
    assert held[:ALIKE] == [*range(1, ALIKE + 1)]
    assert held[ALIKE] == 2  # the eight that stood, and the one that came
    assert max(held) == ALIKE
    assert sum(files(tmp_path / "lake").values()) == (2 * ALIKE + 2) * 5
    balance(tmp_path / "lake")
    assert verify(tmp_path / "lake").findings == []


def test_the_same_rows_as_without_it(tmp_path: Path) -> None:
    for number in range(ALIKE + 1):
        deliver(tmp_path, number, compact=False)
    lake = tmp_path / "lake"
    before = ask(lake, EVERY_LEAF)
    assert len(files(lake)) == ALIKE + 1
    report = deliver(tmp_path, ALIKE + 1)
    assert (report.rows, report.merged.rows) == (5, 5 * (ALIKE + 1))
    assert (report.merged.files_before, report.merged.files_after) == (ALIKE + 1, 1)
    assert sorted(files(lake).values()) == [5, 5 * (ALIKE + 1)]
    after = ask(lake, EVERY_LEAF)
    assert set(before) < set(after)
    assert len(after) == len(before) + 5


def test_a_large_file_is_left(tmp_path: Path) -> None:
    """What was merged is not written anew for every few records."""
    deliver(tmp_path, 0, flows=3_000)
    (large,) = files(tmp_path / "lake")
    for number in range(10, 10 + ALIKE):
        assert deliver(tmp_path, number).merged.partitions == 0
    report = deliver(tmp_path, 50)
    assert (report.merged.files_before, report.merged.files_after) == (ALIKE, 1)
    assert files(tmp_path / "lake").keys() > {large}
    assert sorted(files(tmp_path / "lake").values()) == [5, 5 * ALIKE, 3_000]


def test_what_has_its_size_waits_for_a_compaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "LITTLE", 1)
    for number in range(ALIKE + 2):
        deliver(tmp_path, number)
    assert len(files(tmp_path / "lake")) == ALIKE + 2


def test_partitions_that_got_nothing_are_left(tmp_path: Path) -> None:
    for number in range(ALIKE):
        deliver(tmp_path, number, compact=False)
    trail = put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    assert read(tmp_path / "lake", trail).merged.partitions == 0
    assert len(files(tmp_path / "lake")) == ALIKE


def test_a_damaged_file_stops_the_merge_and_not_the_ingest(tmp_path: Path) -> None:
    for number in range(ALIKE):
        deliver(tmp_path, number)
    path = min(files(tmp_path / "lake"))
    data = bytearray(path.read_bytes())
    data[40] ^= 1  # a time: what is asked while reading is another column
    path.write_bytes(data)
    report = deliver(tmp_path, 50)
    assert report.rows == 5
    assert report.merged.partitions == 0
    assert "small files stay as they are" in report.notes[-1]
    assert "is not as it was committed" in report.notes[-1]
    assert len(files(tmp_path / "lake")) == ALIKE + 1
    assert list((tmp_path / "lake" / "_staging").iterdir()) == []


def test_a_file_that_cannot_be_read_at_all_is_told(tmp_path: Path) -> None:
    """Duplicates cannot be told without it: nothing is committed."""
    deliver(tmp_path, 0)
    (path,) = files(tmp_path / "lake")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeError, match=r"2024-02-01 cannot be read: .*lake verify"):
        deliver(tmp_path, 1)
    assert files(tmp_path / "lake") == {path: 5}


def test_a_damaged_file_does_not_keep_others_from_being_merged(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for number in range(3):
        deliver(tmp_path, number)
        trail = TRAIL_KEY.replace("a1b2", f"{number:04x}")
        read(lake, put(tmp_path / "logs", trail, logs.trail(logs.events(3, first=10 * number))))
    path = min(files(lake))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LakeError, match="is not as it was committed"):
        compacting.compact(lake)
    assert [len(files(lake, name)) for name in ("cloudtrail", "vpcflow")] == [1, 3]


def test_files_that_are_forgotten_meanwhile_are_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        deliver(tmp_path, number)
    lake = tmp_path / "lake"

    def late(table: str, *given: Any) -> Any:  # noqa: ANN401
        forget(lake, date(2024, 3, 1), now=True)
        return merge(table, *given)

    monkeypatch.setattr(compacting, "merge", late)
    report = compacting.compact(lake)
    assert (report.partitions, report.skipped) == (0, 1)
    assert verify(lake).findings == []


def test_many_files_are_merged_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "AT_ONCE", 3)
    for number in range(7):
        deliver(tmp_path, number)
    before = ask(tmp_path / "lake", EVERY_LEAF)
    assert compacting.compact(tmp_path / "lake").files_after == 3
    assert sorted(files(tmp_path / "lake").values()) == [5, 15, 15]
    assert ask(tmp_path / "lake", EVERY_LEAF) == before


def test_by_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEW", 1)
    monkeypatch.setattr(compacting, "AHEAD", 1)
    lake = tmp_path / "lake"
    for number in range(ALIKE):
        for day in (1, 2, 3):
            key = FLOW_KEY.replace("1a2b", f"{day:x}{number:03x}")
            data = logs.flow_file(logs.flows(2, first=86_400 * day + 100 * number))
            read(lake, put(tmp_path / "logs", key, data), compact=False)
    before = ask(lake, EVERY_LEAF)
    trail = put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(3)))
    found = compacting.compact(lake, compacting.CompactOptions(jobs=2))
    assert found.files_before == 3 * ALIKE
    assert ask(lake, EVERY_LEAF) == before
    report = ingest(lake, [str(trail)], IngestOptions(jobs=2))
    assert report.rows == 3
    assert verify(lake).findings == []
