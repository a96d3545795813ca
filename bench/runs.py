"""A run: logs that are made or given, lakes of them, and what is measured, in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from bench.ground import Ground
from bench.ingest import figures, measure_kind, measure_small, rows_of
from bench.made.data import Layout, write_logs
from bench.made.geoip import write_geoip
from bench.measurement import Measurement
from bench.queries import measure_queries
from bench.settings import MANY_FILES
from bench.starts import measure_starts
from lake.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.settings import Settings

PARTS = ("ingest", "small", "start", "queries")
"""What can be measured by itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parts and kinds, and whether the queries run over a lake of many files too."""

    parts: tuple[str, ...]
    kinds: tuple[str, ...]
    many_files: bool = False


def make_data(folder: Path, records: dict[str, int], layout: Layout) -> None:
    """Write logs of the kinds, and `geoip/` beside them."""
    write_logs(folder, records, layout, cores())
    if not (folder / "geoip").exists():
        write_geoip(folder / "geoip", layout.seed)


def measure(
    settings: Settings, wanted: Wanted, data: Path, work: Path, say: Callable[[str], None]
) -> Iterator[Measurement]:
    """Measure over the logs of `data`; `work` is a folder on the same disk."""
    ground = Ground(data, data / "geoip", work)
    first = [objects[0] for objects in ground.objects().values()]
    # not measured: modules are compiled when they are first used
    ground.ingest(ground.folder("first-use", first), ground.lake("first-use"))
    kinds: list[Measurement] = []
    if "ingest" in wanted.parts:
        for one in _measure_kinds(ground, settings, wanted, say):
            kinds.append(one)
            yield one
    if "small" in wanted.parts:
        say(f"{settings.small_objects:,} small objects")
        flows = next((one for one in kinds if one.title == "ingest: vpcflow"), None)
        yield from measure_small(ground, settings, flows)
    if {"start", "queries"} & set(wanted.parts):
        yield from _measure_reading(ground, settings, wanted, say)
    if "queries" in wanted.parts and wanted.many_files:
        yield from _measure_many_files(ground, settings, say)


def _measure_kinds(
    ground: Ground, settings: Settings, wanted: Wanted, say: Callable[[str], None]
) -> Iterator[Measurement]:
    for name, objects in ground.objects().items():
        if name in wanted.kinds:
            say(f"ingest: {name}")
            yield from measure_kind(ground, name, objects, deep=name in settings.deep)


def _measure_reading(
    ground: Ground, settings: Settings, wanted: Wanted, say: Callable[[str], None]
) -> Iterator[Measurement]:
    """What is asked of one lake of all kinds."""
    records = settings.query_records()
    asked = ground if records is None else _made(ground, "more", records, settings.layout, say)
    say("ingest: all kinds")
    path = ground.lake("queries")
    every = asked.folder("every", chain(*asked.objects().values()))
    took = asked.ingest(every, path)
    yield Measurement("all kinds", "ingest", figures(took, rows_of(path)))
    if "start" in wanted.parts:
        say("start")
        yield from measure_starts(path, settings.starts)
    if "queries" in wanted.parts:
        say("queries")
        yield from measure_queries(path, ground.work / "plain", settings.repeats, "queries")


def _measure_many_files(
    ground: Ground, settings: Settings, say: Callable[[str], None]
) -> Iterator[Measurement]:
    layout = replace(MANY_FILES, seed=settings.layout.seed)
    many = _made(ground, "many", settings.records(), layout, say)
    path, plain = ground.lake("many-files"), ground.work / "plain-many"
    many.ingest(many.logs, path)
    say("queries, many files")
    yield from measure_queries(path, plain, settings.repeats, "queries, many files")


def _made(
    ground: Ground,
    name: str,
    records: dict[str, int],
    layout: Layout,
    say: Callable[[str], None],
) -> Ground:
    """Ground with other logs."""
    say(f"logs of {sum(records.values()):,} records")
    logs = ground.work / name
    write_logs(logs, records, layout, cores())
    return replace(ground, logs=logs)
