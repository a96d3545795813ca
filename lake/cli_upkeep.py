"""The commands that keep a lake: compact, verify, rebuild, forget. Like `lake.cli`, they parse
options and print; imports stand inside, so that each pays only for what it needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from lake.cli_options import LakeOption, stderr, stdout
from lake.errors import UsageError
from lake.paths import default_lake

if TYPE_CHECKING:
    from lake.compact import CompactReport
    from lake.verify import VerifyReport

GraceOption = Annotated[
    float,
    typer.Option(min=0, help="Hours for which files stay that have left the lake."),
]
GRACE_HOURS = 168.0
MemoryOption = Annotated[
    str | None, typer.Option("--memory", help="Memory to use, e.g. 4GB. [default: a quarter]")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (compact, verify):
        app.command()(command)


def compact(lake: LakeOption = None, grace: GraceOption = GRACE_HOURS) -> None:
    """Merge small files into large ones sorted by time; delete what nobody reads any more."""
    from lake.compact import CompactOptions
    from lake.compact import compact as run
    from lake.query import write_client_file
    from lake.terminal import status_line

    path = lake or default_lake()
    options = CompactOptions(timedelta(hours=grace))
    with status_line() as say:
        report = run(path, options, say)
    write_client_file(path)
    _print_compacted(report)


def _print_compacted(report: CompactReport) -> None:
    from lake.terminal import size_text

    out, words = stdout(), stderr()
    for note in report.notes:
        words.print(f"note: {note}", markup=False, highlight=False)
    out.print(
        f"{report.partitions:,} partitions, {report.rows:,} rows: {report.files_before:,} files "
        f"({size_text(report.size_before)}) became {report.files_after:,} "
        f"({size_text(report.size_after)})",
        highlight=False,
    )
    if report.ledger_before:
        out.print(
            f"_lake: {report.ledger_before:,} files became {report.ledger_after:,}",
            highlight=False,
        )
    if report.skipped:
        out.print(
            f"{report.skipped:,} partitions were changed by another writer meanwhile and left: "
            "run `lake compact` again",
            highlight=False,
        )
    out.print(
        f"{report.vacuumed.files:,} files ({size_text(report.vacuumed.size)}) of versions that "
        "ended before the grace were deleted",
        highlight=False,
    )


def verify(
    lake: LakeOption = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Check that every file is as it was committed and that tables and ledger agree."""
    from lake.terminal import status_line
    from lake.verify import verify as run

    if form not in ("text", "json"):
        raise UsageError(f"--format {form}: lake verify prints text or json.")
    with status_line() as say:
        report = run(lake or default_lake(), say)
    if form == "json":
        found = asdict(report) | {"path": str(report.path), "sound": not report.findings}
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _print_verified(report)
    if report.findings:
        raise typer.Exit(1)


def _print_verified(report: VerifyReport) -> None:
    from lake.terminal import size_text

    out = stdout()

    def say(text: str) -> None:
        out.print(text, markup=False, highlight=False)

    say(
        f"{report.path}, batch {report.batch}: {report.files:,} files "
        f"({size_text(report.size)}), {report.rows:,} rows"
    )
    if report.unhashed:
        say(f"{report.unhashed:,} files without a recorded hash: they were committed before 0.2")
    if report.earlier:
        say(
            f"{report.earlier:,} files ({size_text(report.earlier_size)}) of earlier versions; "
            "`lake compact` deletes them after its grace"
        )
    for note in report.notes:
        say(f"note: {note}")
    for finding in report.findings:
        say(f"{finding.kind}: {finding.where}\n  {finding.what}\n  next: {finding.next}")
    count = len(report.findings)
    say(f"{count:,} findings" if count else "sound: every file and every count is as committed")
