"""`lake ingest`: each kind into a new lake beside its yardsticks, one core against all, rows that
may be in the lake already, objects that were read before, and many small objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import lake
from bench import yardsticks
from bench.kinds import KINDS
from bench.made.data import write_logs
from bench.measurement import Measurement
from bench.objects import stored
from lake.machine import cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.ground import Ground
    from bench.processes import Run
    from bench.settings import Settings


def measure_kind(
    ground: Ground, name: str, objects: list[Path], *, deep: bool
) -> Iterator[Measurement]:
    """A kind into a new lake, and once more; where `deep` also by one process, and into a lake that
    has rows."""
    place, target = ground.folder("all", objects), ground.lake("all")
    whole = ground.ingest(place, target)
    bare = yardsticks.of_objects(KINDS[name], objects)
    records = int(bare.pop("records"))
    accounted(target, records)
    bare |= yardsticks.of_rows(data_files(target, name))
    yield Measurement(
        "ingest",
        name,
        {
            **figures(whole, records),
            "stored": stored(objects),
            "lake": size_of(target),
            "per_byte": size_of(target) / stored(objects),
            "to_unpack": whole.cpu / bare["unpack"],
            "to_parse": whole.cpu / bare["parse"],
            "to_write": whole.cpu / bare["write"],
        },
        bare,
        whole.cpu / sum(bare.values()),
    )
    yield _unchanged(ground, name, place, target, whole)
    if not deep:
        return
    yield _without_originals(ground, name, place, whole, size_of(target), stored(objects))
    one = ground.ingest(place, ground.lake("one"), jobs=1)
    yield Measurement(
        "cores",
        name,
        {"one": one.wall, "wall": whole.wall, "speedup": one.wall / whole.wall, "cores": cores()},
        {"one": one.wall, "bare": yardsticks.speedup(KINDS[name], objects, cores())},
        whole.wall / one.wall,
    )
    yield from _filled(ground, name, objects)


def _without_originals(
    ground: Ground, name: str, place: Path, first: Run, whole: int, gzip: int
) -> Measurement:
    """The same without the records as they came: its bytes beside those of the objects, and of the
    lake that has them."""
    bare = ground.lake("bare")
    took = ground.ingest(place, bare, originals=False)
    return Measurement(
        "without originals",
        name,
        {**_cost(took), "lake": size_of(bare), "whole": whole, "to_first": took.cpu / first.cpu},
        {"gzip": gzip},
        size_of(bare) / gzip,
    )


def _unchanged(ground: Ground, name: str, place: Path, target: Path, first: Run) -> Measurement:
    again = ground.ingest(place, target)
    looked = yardsticks.of_listing(place)
    return Measurement(
        "unchanged",
        name,
        {"objects": sum(1 for _ in place.rglob("*.gz")), **_cost(again)},
        {"first": first.cpu, "list": looked},
        again.cpu / first.cpu,
    )


def _filled(ground: Ground, name: str, objects: list[Path]) -> Iterator[Measurement]:
    """Every other object into a lake that holds the rest, of the same days; then the rest once
    more, from another place, so that every record is a duplicate. Beside them the same objects into
    a new lake."""
    even, odd = objects[::2], objects[1::2]
    if not odd:
        return
    first, second = ground.folder("first", even), ground.folder("second", odd)
    filled = ground.lake("filled")
    new_first = ground.ingest(first, filled)
    new_second = ground.ingest(second, ground.lake("new"))
    beside = ground.ingest(second, filled)
    repeated = ground.ingest(ground.folder("repeated", even), filled)
    rows, duplicates = rows_of(filled), lake.open(filled).status().duplicates
    for what, took, bare, same in (
        ("new rows", beside, new_second, 0),
        ("all duplicates", repeated, new_first, duplicates),
    ):
        yield Measurement(
            "filled",
            f"{name}, {what}",
            {**_cost(took), "held": rows, "duplicates": same},
            {"new": bare.cpu},
            took.cpu / bare.cpu,
        )


def measure_small(
    ground: Ground, settings: Settings, few: Measurement | None
) -> Iterator[Measurement]:
    """Many flow logs of few records; beside them the CPU that as many records took in the large
    objects of this run (`few`), where these were measured."""
    count, each = settings.small_objects, settings.small_records
    records = count * each
    logs = ground.work / "small-objects"
    write_logs(logs, {"vpcflow": records}, replace(settings.layout, objects=count), cores())
    target = ground.lake("small")
    took = ground.ingest(logs, target)
    accounted(target, records)
    bare = {"few": few.figures["cpu"] / few.figures["records"] * records} if few else {}
    files = len(data_files(target, "vpcflow"))
    yield Measurement(
        "small objects",
        f"vpcflow, {each} records each",
        {**figures(took, records), "objects": count, "files": files},
        bare,
        took.cpu / bare["few"] if bare else None,
    )
    yield _unchanged(ground, "small objects", logs, target, took)


def figures(run: Run, records: int) -> dict[str, float]:
    """What a run of `lake ingest` took for so many records."""
    return {"records": records, **_cost(run), "rate": records / run.cpu}


def _cost(run: Run) -> dict[str, float]:
    return {"cpu": run.cpu, "wall": run.wall, "memory": run.memory}


def accounted(path: Path, records: int) -> None:
    """Raises RuntimeError unless the lake has so many rows, and nothing was rejected: a run that
    read less was not quicker."""
    rows = rows_of(path)
    if rows != records:
        raise RuntimeError(f"{path} has {rows} rows of {records} records")


def rows_of(path: Path) -> int:
    """The rows of all tables."""
    return sum(table.rows for table in lake.open(path).status().tables)


def data_files(path: Path, table: str) -> list[Path]:
    """The Parquet files of a table of a new lake."""
    return sorted(f for f in (path / table).rglob("*.parquet") if "_delta_log" not in f.parts)


def size_of(path: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
