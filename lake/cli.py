"""The command `lake`. It parses options and prints; every command is a few lines over the core.

Results go to stdout, words and progress to stderr. Exit 0: done; 1: done, but objects failed or
records were rejected (`--strict`); 2: wrong use. Imports stand inside the commands, so that each
pays only for what it needs.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path  # noqa: TC003  typer looks for it while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands import errors as failures
from lake.commands.ask import accounts, buckets, panels, rejects, sql, status
from lake.commands.export import export
from lake.commands.options import (
    GeoipOption,
    JobsOption,
    LakeOption,
    MemoryOption,
    TextFormatOption,
    day_of,
    help_text,
    naming,
    open_for,
    renew_client_file,
    stderr,
)
from lake.commands.stdio import make_streams_ready
from lake.commands.upkeep import compact, forget, rebuild, verify
from lake.errors import StorageError, UsageError
from lake.lean import start_lean
from lake.paths import default_lake, lake_folder, remove_own_folder, resource
from lake.sizes import parse_size

if TYPE_CHECKING:
    from lake.report import IngestReport

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="AWS security logs in, SQL and dashboards out, on this machine alone.",
)
geoip = typer.Typer(no_args_is_help=True, help="GeoIP databases.")
app.add_typer(geoip, name="geoip")
app.add_typer(export, name="export")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from lake.program import program_version

        typer.echo(f"siem-lake {program_version()}")
        raise typer.Exit


def ingest(
    where: Annotated[
        list[str], typer.Argument(help="Folders, files, archives, or s3://bucket/prefix.")
    ],
    lake: LakeOption = None,
    source: Annotated[
        str | None, typer.Option(help="Take every object as this source (see lake sources).")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="First day to read, by the objects' keys: 2024-02-01 or 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day to read, by the keys.")] = None,
    jobs: JobsOption = None,
    memory: MemoryOption = None,
    strict: Annotated[bool, typer.Option(help="Exit 1 if any record was rejected.")] = False,
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash", help="Look at every object's content, not only at size, time and ETag."
        ),
    ] = False,
    compact: Annotated[
        bool,
        typer.Option(help="Make one file of small ones, where eight have gathered in a partition."),
    ] = True,
    original: Annotated[
        bool,
        typer.Option(help="Keep each record as it came; without, the report says what is lost."),
    ] = True,
    account: Annotated[
        str | None, typer.Option(help="Account of logs that do not name one (twelve digits).")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile for s3:// places.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="S3 endpoint.")] = None,
    geoip_db: GeoipOption = None,
) -> None:
    """Read raw logs into the lake; objects read before are not read again."""
    from lake.commands.progress import progress_line
    from lake.enrich.geoip import GeoIP
    from lake.ingest import IngestOptions
    from lake.ingest import ingest as run
    from lake.model import S3Options
    from lake.serve.pairs import is_account

    if account is not None and not is_account(account):
        raise UsageError(f"--account {account}: an account id has twelve digits.")
    options = IngestOptions(
        source=source,
        since=day_of(since, "--since"),
        until=day_of(until, "--until"),
        jobs=jobs,
        memory=parse_size(memory, "--memory") if memory else None,
        account=account,
        rehash=rehash,
        compact=compact,
        originals=original,
        s3=S3Options(profile=profile, endpoint_url=endpoint_url),
        geoip=GeoIP.open(geoip_db) if geoip_db else None,
        fork=True,
    )
    path = lake or default_lake()
    with progress_line() as draw:
        report = run(path, where, options, draw)
    days = " of the days that --since and --until ask for" if since or until else ""
    _conclude(report, where, path, days, naming(lake))
    if report.statuses["failed"] or (strict and report.rejects) or not report.logs:
        raise typer.Exit(1)


def _conclude(report: IngestReport, where: list[str], path: Path, days: str, named: str) -> None:
    """Print what an ingest gave. Raises UsageError where there was nothing to read."""
    from lake.commands.progress import print_report

    if report.objects == 0:
        why = "Ask for others" if days else "The place is empty: name another"
        raise UsageError(f"no objects{days} at {', '.join(where)}. {why}.")
    renew_client_file(path)
    print_report(report, stderr(), named)
    if not report.logs and not report.statuses["failed"]:
        reasons = f'lake sql{named} "SELECT path, status, reason FROM objects"'
        instead = f"is told by `{reasons}`" if report.unchanged else "stands above"
        stderr().print(
            f"No AWS logs{days} were found there. What was there instead {instead}; `lake "
            "sources` lists what can be read, `--source NAME` takes objects as a source."
        )


def sources(form: TextFormatOption = "table") -> None:
    """The log sources that can be read."""
    import duckdb

    from lake.ask.output import write
    from lake.sources.catalogue import catalogue

    found = sorted(catalogue().sources.values(), key=lambda s: s.name)
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE sources (source VARCHAR, title VARCHAR, format VARCHAR, docs VARCHAR)"
        )
        con.executemany(
            "INSERT INTO sources VALUES (?, ?, ?, ?)",
            [(s.name, s.title, s.format, s.docs) for s in found],
        )
        write(con, "FROM sources", form, sys.stdout)


def demo(
    directory: Annotated[Path, typer.Argument(help="A folder to write to.")],
    seed: Annotated[int, typer.Option(help="Other numbers make other logs.")] = 7,
) -> None:
    """Write three days of invented logs, with an attack in them, and GeoIP databases and names of
    accounts for them."""
    from lake.demo import write_demo

    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise UsageError(f"{directory} is not empty. Name a new folder.")
        summary = write_demo(directory, seed)
    except OSError as error:
        raise StorageError(
            f"{directory} cannot be written: {error.strerror}. Name another folder."
        ) from error
    out = stderr()
    out.print(
        f"{summary.objects:,} objects, {summary.total:,} records of "
        f"{len(summary.records)} sources in {directory}",
        markup=False,
        highlight=False,
    )
    logs, geoip = (shlex.quote(str(directory / name)) for name in ("logs", "geoip"))
    out.print(
        f"next: lake ingest {logs} --geoip {geoip}",
        markup=False,
        highlight=False,
    )


def dashboard(
    lake: LakeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to serve.")] = 8501,
) -> None:
    """Serve the dashboards on 127.0.0.1 until interrupted."""
    import os

    path = lake_folder(lake or default_lake())
    open_for(path)
    _check_free(port)
    command = [sys.executable, "-m", "lake.ui.serve", str(port)]
    stderr().print(f"dashboards: http://127.0.0.1:{port} (Ctrl-C ends)", highlight=False)
    remove_own_folder()
    os.chdir(resource(".streamlit").parent)
    # In place of this process: whoever ends `lake dashboard` ends the server.
    os.execve(sys.executable, command, {**os.environ, "LAKE_DIR": str(path)})  # noqa: S606


def _check_free(port: int) -> None:
    import socket

    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be served: {error.strerror}. Name another with --port."
            ) from error


@geoip.command()
def update(
    folder: Annotated[Path | None, typer.Option(help="Where to keep the databases.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="A GeoIP.conf with AccountID and LicenseKey.")
    ] = None,
) -> None:
    """Download GeoLite2 City and ASN from MaxMind, with your account id and licence key."""
    from lake.enrich import geoip_update

    target = folder or geoip_update.default_folder()
    for one in geoip_update.update(target, geoip_update.credentials(config)):
        stderr().print(
            f"{one.edition}: {'updated' if one.changed else 'unchanged'}, "
            f"built {one.build}, {one.path}",
            markup=False,
            highlight=False,
        )


for _command in (
    ingest,
    sql,
    status,
    rejects,
    panels,
    dashboard,
    sources,
    accounts,
    buckets,
    demo,
    compact,
    verify,
    rebuild,
    forget,
):
    app.command(help=help_text(_command))(_command)


def main() -> None:
    """The entry point."""
    start_lean()
    make_streams_ready()
    failures.run(app)


if __name__ == "__main__":
    main()
