"""Broken objects through the whole of an ingest: each costs what is broken in it, nobody else
anything, and nothing outside of the lake is touched. What they are and what must come of each
stands in `broken/`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import broken
import pytest
from broken.large import LARGE, LIMIT, Large
from broken.places import CANARY, Place, places
from engine import ask, balance, read

if TYPE_CHECKING:
    from broken.case import Case

LAKE = Path(sys.executable).with_name("lake")
OUTCOME = "path, status, source, rows, coalesce(reason, ''), records, duplicates, rejects"


@cache
def _places() -> tuple[Place, ...]:
    return tuple(places())


def slug(name: str) -> str:
    """A folder of its own for each case."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60].lower()
    return f"{words}-{zlib.crc32(name.encode()):08x}"


def put(folder: Path, case: Case) -> None:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + os.fsencode(case.key)))
    path.parent.mkdir(parents=True)
    path.write_bytes(case.data)


def folder_of(path: str, logs: Path) -> tuple[str, str]:
    """The folder of a case, and the path below it."""
    name, _, rest = path.removeprefix(f"{logs}/").partition("/")
    return name, rest


def around(root: Path, lake: Path) -> dict[str, tuple[int, int]]:
    """Everything that stands around the lake: size and time of change."""
    found = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == lake:
            folders.clear()
            continue
        for name in files:
            status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - names that are no text
            found[f"{folder}/{name}"] = (status.st_size, status.st_mtime_ns)
        found[folder] = (0, 0)
    return found


def check(case: Case, outcome: tuple[Any, ...], rejects: list[tuple[int, str]], coded: int) -> None:
    """What became of an object is what must."""
    _, status, source, rows, reason, *_ = outcome
    assert (status, rows) == (case.status, case.rows), (reason, rejects)
    assert case.reason in reason
    assert [place for place, _ in rejects] == [place for place, _ in case.rejects], rejects
    for (_, why), (_, word) in zip(rejects, case.rejects, strict=True):
        assert word in why
    if case.rows:
        assert source == case.source
    assert coded == case.coded


def compare(lake: Path, logs: Path, cases: dict[str, Case]) -> None:
    """Every case of a lake; one assertion names all that are wrong."""
    outcomes = {
        folder_of(row[0], logs)[0]: row for row in ask(lake, f"SELECT {OUTCOME} FROM objects")
    }
    rejects: dict[str, list[tuple[int, str]]] = {name: [] for name in cases}
    for path, position, reason in ask(
        lake, "SELECT path, position, reason FROM rejects ORDER BY ALL"
    ):
        name = folder_of(path, logs)[0]
        if name in rejects:
            rejects[name].append((position, reason))
    query = "SELECT log.file.path, count(log.encoding) FROM events GROUP BY ALL"
    coded = {folder_of(path, logs)[0]: number for path, number in ask(lake, query)}
    wrong = []
    for name, case in cases.items():
        try:
            check(case, outcomes[name], rejects[name], coded.get(name, 0))
        except (AssertionError, KeyError) as error:
            wrong.append(f"{case.name}: {str(error).splitlines()[0][:300]}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("family", broken.FAMILIES)
def test_a_family_in_one_process(family: str, tmp_path: Path) -> None:
    cases = {slug(case.name): case for case in broken.family(family)}
    assert len(cases) == len(broken.family(family))
    for name, case in cases.items():
        put(tmp_path / "logs" / name, case)
    report = read(tmp_path / "lake", tmp_path / "logs")
    assert report.objects == len(cases)
    compare(tmp_path / "lake", tmp_path / "logs", cases)
    balance(tmp_path / "lake")
    again = read(tmp_path / "lake", tmp_path / "logs")
    assert (again.rows, again.rejects) == (
        0,
        sum(len(c.rejects) for c in cases.values() if c.status == "failed"),
    )


def check_places(lake: Path, logs: Path, made: dict[str, Place]) -> None:
    found: dict[str, dict[str, tuple[Any, ...]]] = {name: {} for name in made}
    for path, status, _, rows, reason, *_ in ask(lake, f"SELECT {OUTCOME} FROM objects"):
        name, rest = folder_of(path, logs)
        if name in found:
            found[name][rest] = (status, rows, reason)
    wrong = []
    for name, place in made.items():
        if set(found[name]) != set(place.fates):
            wrong.append(f"{place.name}: {sorted(found[name])}")
            continue
        for path, (status, rows, word) in place.fates.items():
            have = found[name][path]
            if have[:2] != (status, rows) or word not in have[2]:
                wrong.append(f"{place.name}: {path[:60]}: {have}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.filterwarnings("ignore:Duplicate name")  # which a zip here has on purpose
def test_places_in_one_process(tmp_path: Path) -> None:
    made = {slug(place.name): place for place in _places()}
    for name, place in made.items():
        (tmp_path / "logs" / name).mkdir(parents=True)
        place.make(tmp_path / "logs" / name)
    (tmp_path / CANARY).write_text("sings")
    before = around(tmp_path, tmp_path / "lake")
    read(tmp_path / "lake", tmp_path / "logs")
    check_places(tmp_path / "lake", tmp_path / "logs", made)
    balance(tmp_path / "lake")
    assert around(tmp_path, tmp_path / "lake") == before


def check_large(lake: Path, large: Large, name: str) -> None:
    query = f"SELECT status, rows, coalesce(reason, '') FROM objects WHERE path LIKE '%/{name}%'"
    ((status, rows, reason),) = ask(lake, query)
    assert (status, rows) == (large.status, large.rows), reason
    assert large.reason in reason
    if "unpacking stopped" in reason:
        assert "set LAKE_UNPACK_LIMIT, such as 20GB" in reason
    query = f"SELECT position, reason, text FROM rejects WHERE path LIKE '%/{name}%' ORDER BY ALL"
    told = ask(lake, query)
    assert [place for place, *_ in told] == [place for place, _ in large.rejects], told
    for (_, why, text), (_, word) in zip(told, large.rejects, strict=True):
        assert word in why
        assert re.search(r"\.\.\. \([\d,]{10,} bytes, sha256 [0-9a-f]{64}\)$", text)
        assert len(text) < 20_000


@pytest.mark.long
def test_all_of_them_in_one_ingest(tmp_path: Path) -> None:
    """Broken neighbours cost nobody anything; the command lives, and touches nothing else."""
    logs, lake = tmp_path / "around" / "logs", tmp_path / "lake"
    cases = {slug(case.name): case for case in broken.every()}
    for name, case in cases.items():
        put(logs / name, case)
    made = {slug(place.name): place for place in _places()}
    for name, place in made.items():
        (logs / name).mkdir(parents=True)
        place.make(logs / name)
    for large in LARGE:
        (logs / slug(large.name)).mkdir()
        large.write(logs / slug(large.name) / "object")
    (tmp_path / "around" / CANARY).write_text("sings")
    home = tmp_path / "around" / "home"
    home.mkdir()
    before = around(tmp_path / "around", lake)
    environment = {**os.environ, "LAKE_UNPACK_LIMIT": LIMIT, "HOME": str(home), "TMPDIR": str(home)}
    command = [str(LAKE), "ingest", "logs", "--lake", str(lake), "--jobs", "2"]
    done = subprocess.run(
        command,
        cwd=logs.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 1, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    compare(lake, logs, cases)
    check_places(lake, logs, made)
    for large in LARGE:
        check_large(lake, large, slug(large.name))
    balance(lake)
    assert around(tmp_path / "around", lake) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["around", "lake"]
