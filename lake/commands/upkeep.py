"""The commands that keep a lake: compact, verify, rebuild, forget. Like `lake.cli`, they parse
options and print; imports stand inside, so that each pays only for what it needs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.options import (
    GeoipOption,
    JobsOption,
    LakeOption,
    MemoryOption,
    day_of,
    put,
    renew_client_file,
    stderr,
    stdout,
)
from lake.errors import UsageError
from lake.paths import default_lake
from lake.sizes import counted, parse_size

if TYPE_CHECKING:
    from lake.report import CompactReport
    from lake.upkeep.verify import VerifyReport


def compact(
    lake: LakeOption = None,
    grace: Annotated[
        float,
        typer.Option(min=0, max=1e6, help="Hours for which files stay that have left the lake."),
    ] = 168.0,
    jobs: JobsOption = None,
) -> None:
    """Merge small files into large ones sorted by time; delete what nobody reads any more."""
    from lake.terminal import status_line
    from lake.upkeep.compact import CompactOptions
    from lake.upkeep.compact import compact as run

    if isnan(grace):
        raise UsageError("--grace nan: give a number of hours.")
    path = lake or default_lake()
    options = CompactOptions(timedelta(hours=grace), jobs, fork=True)
    with status_line() as say:
        report = run(path, options, say)
    renew_client_file(path)
    _print_compacted(report)


def _print_compacted(report: CompactReport) -> None:
    from lake.sizes import size_text

    out, words = stdout(), stderr()
    for note in report.notes:
        put(words, f"note: {note}")
    put(
        out,
        f"{counted(report.partitions, 'partition')}, {counted(report.rows, 'row')}: "
        f"{counted(report.files_before, 'file')} "
        f"({size_text(report.size_before)}) became {report.files_after:,} "
        f"({size_text(report.size_after)})",
    )
    if report.ledger_before:
        put(
            out,
            f"_lake: {counted(report.ledger_before, 'file')} became {report.ledger_after:,}",
        )
    if report.skipped:
        put(
            out,
            f"left {counted(report.skipped, 'partition')}, changed by another writer meanwhile: "
            "run `lake compact` again",
        )
    put(
        out,
        f"deleted {counted(report.vacuumed.files, 'file')} ({size_text(report.vacuumed.size)}) of "
        "versions that ended before the grace",
    )


def verify(
    lake: LakeOption = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Check that every file is as it was committed and that tables and ledger agree."""
    from lake.jsonvalues import json_text
    from lake.terminal import status_line
    from lake.upkeep.verify import verify as run

    if form not in ("text", "json"):
        raise UsageError(f"--format {form}: lake verify prints text or json.")
    with status_line() as say:
        report = run(lake or default_lake(), say)
    if form == "json":
        found = asdict(report) | {"path": str(report.path), "sound": not report.findings}
        typer.echo(json_text(found, indent=1))
    else:
        _print_verified(report)
    if report.findings:
        raise typer.Exit(1)


def _print_verified(report: VerifyReport) -> None:
    from lake.sizes import size_text

    out = stdout()

    def say(text: str) -> None:
        put(out, text)

    say(
        f"{report.path}, batch {report.batch}: {counted(report.files, 'file')} "
        f"({size_text(report.size)}), {counted(report.rows, 'row')}"
    )
    if report.unhashed:
        say(
            f"{counted(report.unhashed, 'file')} without a recorded hash, written by an earlier "
            "version of lake"
        )
    if report.earlier:
        say(
            f"{counted(report.earlier, 'file')} ({size_text(report.earlier_size)}) of earlier "
            "versions; "
            "`lake compact` deletes them after its grace"
        )
    for note in report.notes:
        say(f"note: {note}")
    for finding in report.findings:
        say(f"{finding.kind}: {finding.where}")
        say(f"  {finding.what}")
        say(f"  next: {finding.next}")
    count = len(report.findings)
    say(counted(count, "finding") if count else "sound: every file and every count is as committed")


def forget(
    before: Annotated[str, typer.Option(help="The first day to keep (UTC): 2024-02-01, or 90d.")],
    lake: LakeOption = None,
    source: Annotated[
        str | None,
        typer.Option(help="This table only.", show_default="every table of the lake"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="Delete the files at once, not after compact's grace.")
    ] = False,
) -> None:
    """Take days before a date out of the tables, for good: later ingests do not bring them back."""
    import sys

    from lake.sizes import size_text
    from lake.terminal import status_line
    from lake.upkeep.forget import doomed
    from lake.upkeep.forget import forget as run

    path = lake or default_lake()
    day = day_of(before, "--before")
    assert day is not None  # noqa: S101
    if day > datetime.now(UTC).date():
        raise UsageError(f"--before {before}: that day has not come yet. Name an earlier one.")
    lost = doomed(path, day, source)
    for one in lost:
        put(
            stdout(),
            f"{one.table}, before {day}: {counted(one.rows, 'row')} of "
            f"{counted(one.days, 'day')} in {counted(one.files, 'file')} ({size_text(one.size)})",
        )
    if not yes and not (
        sys.stdin.isatty() and typer.confirm("Forget them? They cannot be read again", err=True)
    ):
        raise UsageError("nothing was forgotten. Say --yes to forget what stands above.")
    with status_line() as say:
        report = run(path, day, source, now, say)
    renew_client_file(path)
    for note in report.notes:
        put(stderr(), f"note: {note}")
    rows = sum(one.rows for one in report.tables)
    put(
        stdout(),
        f"{counted(rows, 'row')} forgotten; "
        + (
            f"{counted(report.vacuumed.files, 'file')} ({size_text(report.vacuumed.size)}) deleted"
            if now
            else "their files go with the next `lake compact` after its grace"
        ),
    )


def rebuild(
    source: Annotated[
        str | None,
        typer.Argument(help="One table.", show_default="every table of the lake"),
    ] = None,
    lake: LakeOption = None,
    geoip_db: GeoipOption = None,
    no_geoip: Annotated[
        bool, typer.Option("--no-geoip", help="Go on without a database: rows lose their places.")
    ] = False,
    memory: MemoryOption = None,
) -> None:
    """Derive rows again from their originals, with today's transforms and GeoIP databases."""
    from lake.enrich.geoip import GeoIP
    from lake.terminal import status_line
    from lake.upkeep.rebuild import RebuildOptions
    from lake.upkeep.rebuild import rebuild as run

    if geoip_db and no_geoip:
        raise UsageError("--geoip and --no-geoip contradict each other: give one of them.")
    path = lake or default_lake()
    options = RebuildOptions(
        source=source,
        geoip=GeoIP.open(geoip_db) if geoip_db else GeoIP.none() if no_geoip else None,
        memory=parse_size(memory, "--memory") if memory else None,
    )
    with status_line() as say:
        report = run(path, options, say)
    renew_client_file(path)
    words, out = stderr(), stdout()
    for note in report.notes:
        put(words, f"note: {note}")
    for table, count in sorted(report.tables.items()):
        put(
            out,
            f"{table}: {counted(count.rows, 'row')}, of which {count.kept:,} stay as they were",
        )
        for reason, number in count.reasons.most_common(5):
            put(out, f"  {number:,} stay: {reason}")
        if count.renamed:
            put(
                out,
                f"  {count.renamed:,} would have another identity now; they keep theirs, so a "
                "further delivery of them is not told as a duplicate",
            )
    put(out, report.geoip)
