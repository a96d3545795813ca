"""`python -m bench`: measure, make the data alone, or look at what earlier runs measured."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench import history
from bench.kinds import KINDS
from bench.report import grid, markdown
from bench.runs import PARTS, Wanted, make_data, measure
from bench.settings import FULL, SMALL, Settings

if TYPE_CHECKING:
    from bench.measurement import Measurement


def main() -> None:
    """Parse and do."""
    given = parser().parse_args()
    given.command(given)


def _run(given: argparse.Namespace) -> None:
    settings, began = settings_of(given), datetime.now(UTC)
    wanted = Wanted(_names(given.only, PARTS), _names(given.kinds, tuple(KINDS)), given.many_files)
    run = history.Run.begin(settings.name, began)
    found: list[Measurement] = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=given.work) as name:
            work = Path(name)
            data = given.data or work / "data"
            if given.data is None:
                _say(f"logs of {sum(settings.records().values()):,} records")
                make_data(data, settings.records(), settings.layout)
            for one in measure(settings, wanted, data, work, _say):
                found.append(one)
                history.append(given.history, run, one)
    finally:  # what was measured before something failed was measured
        text = markdown(found, f"{settings.name} run of {run.commit}, {run.run}")
        print(text)
        if given.report:
            given.report.write_text(text, "utf-8")


def _data(given: argparse.Namespace) -> None:
    settings = settings_of(given)
    make_data(given.folder, settings.records(), settings.layout)


def _history(given: argparse.Namespace) -> None:
    entries = history.read(given.history)
    size = given.size or (entries[-1].size if entries else FULL.name)
    print(grid(history.table(entries, size, given.last)))


def settings_of(given: argparse.Namespace) -> Settings:
    """The full or the small size; with options of one's own it is another, named after them."""
    base = SMALL if given.small else FULL
    layout = {
        n: v for n in ("objects", "days", "accounts", "seed") if (v := vars(given)[n]) is not None
    }
    own = {
        n: v for n in ("scale", "small_objects", "rows") if (v := vars(given).get(n)) is not None
    }
    told = layout | own
    if vars(given).get("data"):
        # the queries run over what is given, unless rows are asked for
        told, own = told | {"data": given.data.name}, {"rows": None} | own
    if not told:
        return base
    options = ", ".join(f"{name} {value}" for name, value in told.items())
    name = f"{base.name}, {options}"
    return replace(base, name=name, layout=replace(base.layout, **layout), **own)


def _names(text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else known
    if unknown := set(names) - set(known):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    return names


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    size = argparse.ArgumentParser(add_help=False)
    size.add_argument("--small", action="store_true", help="few records: little more than a minute")
    size.add_argument("--scale", type=float, help="times the records of each kind")
    size.add_argument("--objects", type=int, help="objects of each kind")
    size.add_argument("--days", type=int, help="days that they spread over")
    size.add_argument("--accounts", type=int, help="accounts, each in four regions")
    size.add_argument("--seed", type=int, help="another number makes other logs")
    remembered = argparse.ArgumentParser(add_help=False)
    remembered.add_argument(
        "--history", type=Path, default=history.FILE, help="a file of JSON lines"
    )

    whole = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = whole.add_subparsers(required=True)
    run = commands.add_parser("run", parents=[size, remembered], help="measure, print the tables")
    run.add_argument("--data", type=Path, help="logs that are there: S3 keys, and geoip/*.mmdb")
    run.add_argument("--work", type=Path, help="where to make logs and lakes [default: TMPDIR]")
    run.add_argument("--only", help=f"parts, of {','.join(PARTS)}")
    run.add_argument("--kinds", help=f"kinds to ingest, of {','.join(KINDS)}")
    run.add_argument("--small-objects", type=int, help="how many small objects")
    run.add_argument("--rows", type=int, help="rows of the lake that is asked")
    run.add_argument("--many-files", action="store_true", help="ask a lake of many files too")
    run.add_argument("--report", type=Path, help="write the tables to this file")
    run.set_defaults(command=_run)
    data = commands.add_parser("data", parents=[size], help="make the logs alone")
    data.add_argument("folder", type=Path)
    data.set_defaults(command=_data)
    past = commands.add_parser("history", parents=[remembered], help="ratios of the last runs")
    past.add_argument("--last", type=int, default=5, help="how many runs")
    past.add_argument("--size", help="full, small, or another run's name [default: the last one's]")
    past.set_defaults(command=_history)
    return whole


if __name__ == "__main__":
    main()
