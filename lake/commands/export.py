"""The commands that hand the lake's rows to other systems: `lake export`. Like `lake.cli`, they
parse options and print; imports stand inside."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003  typer looks for it while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.options import LakeOption, day_of, help_text, put, stderr, stdout
from lake.errors import UsageError
from lake.paths import default_lake
from lake.sizes import counted, parse_size

if TYPE_CHECKING:
    from lake.export.report import ExportReport

POLL = 2.0
"""Seconds between two looks at the lake with --follow."""

export = typer.Typer(no_args_is_help=True, help="Hand the lake's rows to another system.")


def opensearch(
    url: Annotated[str, typer.Argument(help="http://127.0.0.1:9200, https://HOST:PORT.")],
    lake: LakeOption = None,
    since: Annotated[
        str | None, typer.Option(help="First day of events to send: 2024-02-01 or 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day of events to send.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Send this table only; may be given several times.")
    ] = None,
    where: Annotated[str | None, typer.Option(help="A condition in SQL on the rows.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Send what the cluster was sent before, too.")
    ] = False,
    data_streams: Annotated[
        bool, typer.Option("--data-streams", help="Into a data stream for each kind of log.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, send nothing.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on after each ingest, until interrupted.")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Requests at a time.")] = 2,
    bulk_size: Annotated[str, typer.Option(help="Size of a request, uncompressed.")] = "5MB",
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds to try on while the cluster takes nothing.")
    ] = 300.0,
    ca: Annotated[
        Path | None, typer.Option(help="Certificates of the authority that signed the server's.")
    ] = None,
    aws: Annotated[
        str | None,
        typer.Option(help="Sign requests for AWS: es, or aoss.", show_default="by the host's name"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Region to sign for.")] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile to sign with.")] = None,
) -> None:
    """Bring the indices of an OpenSearch to what the lake holds. A user and password are taken from
    OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, or from ~/.netrc."""
    from lake.commands.progress import export_line
    from lake.export.opensearch import export as run
    from lake.export.report import ExportOptions
    from lake.export.target import Place
    from lake.store.table import Store

    path = lake or default_lake()
    place = Place(url.rstrip("/"), aws, region, profile, ca)
    options = ExportOptions(
        since=day_of(since, "--since"),
        until=day_of(until, "--until"),
        sources=tuple(source or ()),
        where=where,
        again=again,
        streams=data_streams,
        dry_run=dry_run,
        jobs=jobs,
        bulk_size=parse_size(bulk_size, "--bulk-size"),
        patience=patience,
    )
    store = Store.open(path)
    while True:
        with export_line() as draw:
            report = run(path, place, options, draw)
        _print(report, dry_run)
        if not follow or dry_run:
            break
        while store.snapshot().batch == report.batch:
            time.sleep(POLL)
    if not report.complete and not dry_run:
        raise typer.Exit(1)


def opensearch_dashboards(
    file: Annotated[Path, typer.Argument(help="Where to write them, or - for stdout.")],
) -> None:
    """Write index patterns and searches for OpenSearch Dashboards, to be imported there as saved
    objects."""
    from lake.export.saved import as_ndjson, saved_objects
    from lake.whole import whole_file

    found = saved_objects(lambda error: put(stderr(), f"lake: {error}"))
    text = as_ndjson(found)
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    try:
        with whole_file(file) as part:
            part.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}. Name another.") from error
    put(stderr(), f"{len(found)} saved objects written to {file}")


for _command in (opensearch, opensearch_dashboards):
    export.command(help=help_text(_command))(_command)


def _print(report: ExportReport, dry_run: bool) -> None:
    from rich.table import Table

    from lake.terminal import keep_wide

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("table")
    names = ["rows", "sent before", "to send" if dry_run else "sent"]
    names += [] if dry_run else ["refused", "deleted"]
    for name in names:
        table.add_column(name, justify="right")
    shown = {name: c for name, c in report.tables.items() if c.rows or c.deleted}
    for name, count in shown.items():
        numbers = [count.rows, count.unchanged, count.sent]
        numbers += [] if dry_run else [count.refused + count.refused_before, count.deleted]
        table.add_row(name, *(f"{number:,}" for number in numbers))
    out, words = stdout(), stderr()
    if shown:
        out.print(keep_wide(table))
    else:
        words.print("the lake has no rows in what was chosen")
    sent = sum(count.sent for count in shown.values())
    if not dry_run:
        rate = f", {sent / report.seconds:,.0f} documents/s" if sent and report.seconds else ""
        words.print(
            f"{counted(sent, 'document')} sent in {report.seconds:,.1f} s{rate}", highlight=False
        )
    for why, number in sorted(report.reasons.items(), key=lambda pair: -pair[1])[:12]:
        put(words, f"  {number:,} refused: {why}")
    if any(count.refused or count.refused_before for count in shown.values()):
        words.print("  refused documents: lake sql 'from export_rejects'", highlight=False)
    for note in report.notes:
        put(words, f"  note: {note}")
