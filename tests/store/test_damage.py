"""A damaged file in a lake's folder is named, with what to do: by `lake verify` beside all that it
finds else, by other commands in place of a library's error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import logs
import pyarrow.parquet as pq
import pytest
from command import run_lake
from engine import put, read
from logs import FLOW_KEY, TRAIL_KEY

from lake.query import open_lake
from lake.serve.client_file import write_client_file
from lake.store.blame import of_the_lake
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Ran

ROOT = Path(__file__).resolve().parents[2]
COUNT = "SELECT (SELECT count(*) FROM cloudtrail), (SELECT count(*) FROM objects)"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of three batches, whose logs have a checkpoint each."""
    folder = tmp_path_factory.mktemp("whole")
    often = {"delta.logRetentionDuration": "interval 36500 days", "delta.checkpointInterval": "2"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lake.store.table.CONFIGURATION", often)
        patch.setattr("lake.store.commit.CONFIGURATION", often)
        read(folder / "lake", put(folder / "logs", FLOW_KEY, logs.flow_file(logs.flows(4))))
        for number in range(2):
            key = TRAIL_KEY.replace("a1b2", f"{number:04x}")
            calls = logs.trail(logs.events(2, first=1 + 2 * number))
            read(folder / "lake", put(folder / "logs", key, calls))
    return folder


@pytest.fixture
def lake(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "lake", tmp_path / "lake")
    write_client_file(tmp_path / "lake")
    open_lake(tmp_path / "lake").status()
    return tmp_path / "lake"


@pytest.fixture
def run(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """A command on the lake."""
    return lambda *command: run_lake([*command, "--lake", str(lake)], monkeypatch, capsys)


def last(lake: Path, pattern: str) -> Path:
    return sorted(lake.glob(pattern))[-1]


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)


def alter(path: Path, every: int = 1) -> None:
    """Other bytes between the first and the footer, which stays good."""
    data = bytearray(path.read_bytes())
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for at in range(4, end, every):
        data[at] = 0
    path.write_bytes(data)


DAMAGES = [cut, flip, lambda path: path.write_bytes(b""), lambda path: path.unlink()]
BATCH = "_lake/kind=batch/*.parquet"
LEDGER = "_lake/_delta_log/*.checkpoint.parquet"
TRAIL = "cloudtrail/_delta_log/*.checkpoint.parquet"


@pytest.mark.parametrize("damage", DAMAGES, ids=["cut", "flip", "empty", "gone"])
@pytest.mark.parametrize("pattern", [BATCH, "_lake/kind=object/*.parquet"])
def test_the_ledger(
    pattern: str,
    damage: Callable[[Path], None],
    lake: Path,
    run: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lake.upkeep.compact_ledger.LEFT", 1)
    path = last(lake, pattern)
    damage(path)
    flows = last(lake, "vpcflow/*/*/*/*.parquet")
    aside = flows.rename(lake.parent / "aside")
    put(lake.parent / "logs", FLOW_KEY, logs.flow_file(logs.flows(5)))
    where = [p.relative_to(lake).as_posix() for p in (path, flows)]
    assert {f.where for f in verify(lake).findings} == set(where)
    aside.rename(flows)
    for command in (["status"], ["ingest", str(lake.parent / "logs")], ["compact"], ["sql", COUNT]):
        code, _, err = run(*command)
        if code == 0 and (command != ["status"] or damage is flip):
            continue  # it has not read this file, or not what has changed in it
        assert code == 1, err
        assert str(path) in err
        assert "cannot be written" not in err
        assert "`lake verify` says" in err or "run the same command again" in err
        assert "Traceback" not in err


def test_a_file_that_left_the_lake_under_a_reader(lake: Path, run: Callable[..., Ran]) -> None:
    """It is no damage: whoever asks again has the rows of now."""
    opened = open_lake(lake)
    assert (
        run("forget", "--before", "2025-01-01", "--source", "cloudtrail", "--yes", "--now")[0] == 0
    )
    with pytest.raises(duckdb.IOException) as caught:
        opened.sql("SELECT max(event.original) FROM cloudtrail").fetchall()
    assert "is gone. What to do: ask again: " in str(of_the_lake(lake, caught.value))
    last(lake, "vpcflow/*/*/*/*.parquet").unlink()
    with pytest.raises(duckdb.IOException) as caught:
        opened.sql("SELECT max(event.original) FROM vpcflow").fetchall()
    assert "What to do: bring it back from a copy" in str(of_the_lake(lake, caught.value))


@pytest.mark.parametrize("damage", [cut, lambda path: path.unlink()], ids=["cut", "gone"])
@pytest.mark.parametrize("pattern", [LEDGER, TRAIL])
def test_a_checkpoint(
    pattern: str,
    damage: Callable[[Path], None],
    lake: Path,
    run: Callable[..., Ran],
) -> None:
    path = last(lake, pattern)
    damage(path)
    where = path.relative_to(lake).as_posix()
    assert [(f.kind, f.where) for f in verify(lake).findings] == [("log", where)]
    code, _, err = run("status")
    assert code == 1
    assert f"{path} cannot be read: " in err
    assert "delete it and `_last_checkpoint` beside it" in err
    path.unlink(missing_ok=True)
    (path.parent / "_last_checkpoint").unlink()
    assert verify(lake).findings == []
    assert open_lake(lake).sql(COUNT).fetchall() == [(4, 3)]


def test_no_stack_of_rust_is_shown(lake: Path) -> None:
    path = last(lake, "_lake/_delta_log/0*.json")
    for older in lake.glob("_lake/_delta_log/*checkpoint*"):
        older.unlink()
    cut(path)
    for command in ("status", "verify"):
        ran = subprocess.run(
            [sys.executable, "-m", "lake.cli", command, "--lake", lake],
            env={**os.environ, "PYTHONPATH": str(ROOT), "RUST_BACKTRACE": "1"},
            capture_output=True,
            text=True,
        )
        told = ran.stdout + ran.stderr
        assert ran.returncode == 1
        assert path.name in told
        assert "Kernel error" in told
        assert "<unknown>" not in told
        assert "clone3" not in told
        assert ("`lake verify`" in told) == (command == "status")


@pytest.mark.parametrize("damage", DAMAGES, ids=["cut", "flip", "empty", "gone"])
@pytest.mark.parametrize("pattern", ["_views/cloudtrail-*/*/*/*/head.parquet", "_views/ledger-*"])
def test_the_head_of_a_view(
    pattern: str,
    damage: Callable[[Path], None],
    lake: Path,
    run: Callable[..., Ran],
) -> None:
    """It is made anew; the views that `lake sql` has prepared cannot tell, and say what to do."""
    path = last(lake, pattern)
    damage(path)
    code, _, err = run("sql", COUNT)
    assert "Traceback" not in err
    if code:
        assert str(path) in err
        assert "What to do: delete the folder _views" in err
    assert verify(lake).findings == []
    assert open_lake(lake).sql(COUNT).fetchall() == [(4, 3)]
    assert run("sql", COUNT)[0] == 0


MIDDLE = "SELECT count(DISTINCT event.original) FROM vpcflow"


@pytest.mark.parametrize(
    "command", [["sql", MIDDLE], ["sql", "--locked", MIDDLE], ["panels", "vpcflow"]]
)
@pytest.mark.parametrize(
    "damage", [cut, alter, *DAMAGES[2:]], ids=["cut", "altered", "empty", "gone"]
)
def test_a_data_file(
    command: list[str], damage: Callable[[Path], None], lake: Path, run: Callable[..., Ran]
) -> None:
    path = last(lake, "vpcflow/*/*/*/*.parquet")
    damage(path)
    code, _, err = run(*command)
    assert code == 1
    assert err.startswith("lake: the lake cannot be read: ")
    assert str(path) in err or damage is alter
    assert "`lake verify`" in err
    assert "SELECT" not in err


def test_a_data_file_that_is_named_but_has_its_footer(lake: Path, run: Callable[..., Ran]) -> None:
    path = last(lake, "vpcflow/*/*/*/*.parquet")
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    (text,) = (c for c in columns if c.path_in_schema == "event.original")
    data = bytearray(path.read_bytes())
    end = text.data_page_offset  # of the page before it, the dictionary
    data[end - 60 : end - 20] = b"\xff" * 40
    path.write_bytes(data)
    code, _, err = run("sql", MIDDLE)
    assert code == 1
    assert f"{path} cannot be read. What to do: run `lake verify`" in err


@pytest.fixture
def ours(lake: Path) -> Iterator[Path]:
    """The lake, of a user who is not root: nothing is closed to root."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(lake, folder / "lake")
    was = os.geteuid()
    if was == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    try:
        if not os.access(ROOT / "sql", os.R_OK, effective_ids=True):
            pytest.skip("the program lies where only root may read")
        yield folder / "lake"
    finally:
        os.seteuid(was)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "pattern", ["vpcflow/*/*/*/*.parquet", "cloudtrail/_delta_log/*.checkpoint.parquet"]
)
def test_a_file_that_may_not_be_read(
    pattern: str, ours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = last(ours, pattern)
    path.chmod(0)
    for command in (["sql", MIDDLE], ["panels", "vpcflow"]):
        code, _, err = run_lake([*command, "--lake", str(ours)], monkeypatch, capsys)
        assert code == 1
        assert f"{path} may not be read" in err or f"{path} cannot be read" in err
        assert "What to do: ask its owner, or run as a user who may read it." in err
    advice = "ask its owner, or run as a user who may read it"
    where = path.relative_to(ours).as_posix()
    assert [(f.where, f.next) for f in verify(ours).findings] == [(where, advice)]


def test_a_lake_whose_log_may_not_be_listed(
    ours: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = ours / "_lake" / "_delta_log"
    log.chmod(0)
    for command in (["sql", MIDDLE], ["status"], ["verify"], ["compact", "--jobs", "1"]):
        code, _, err = run_lake([*command, "--lake", str(ours)], monkeypatch, capsys)
        assert (code, err) == (
            2,
            f"lake: {log} may not be read. What to do: ask its owner, or run as a user who may "
            "read it.\n",
        )
    log.chmod(0o755)
