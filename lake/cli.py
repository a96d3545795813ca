"""The command `lake`. It parses options and prints; every command is a few lines over the core.

Results go to stdout, words and progress to stderr. Exit 0: done; 1: done, but objects failed or
records were rejected (`--strict`); 2: wrong use. Imports stand inside the commands, so that each
pays only for what it needs.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lake.errors import LakeError, StorageError, UsageError
from lake.lean import start_lean
from lake.paths import default_lake, resource

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="AWS security logs in, SQL and dashboards out. Everything stays on this machine.",
)
geoip = typer.Typer(no_args_is_help=True, help="GeoIP databases.")
app.add_typer(geoip, name="geoip")

LakeOption = Annotated[
    Path | None, typer.Option("--lake", help="The lake's folder. [default: $LAKE_DIR, ./lakehouse]")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, csv, json, jsonl or parquet.")]
OutOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from lake.table import program_version

        typer.echo(f"siem-lake {program_version()}")
        raise typer.Exit


@app.command()
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
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes. [default: cores]")] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory to use, e.g. 4GB. [default: a quarter]")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Exit 1 if any record was rejected.")] = False,
    account: Annotated[
        str | None, typer.Option(help="Account of logs that do not name one (twelve digits).")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile for s3:// places.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="S3 endpoint.")] = None,
    geoip_db: Annotated[
        list[Path] | None,
        typer.Option("--geoip", help="MMDB files or folders. [default: what geoip update loaded]"),
    ] = None,
) -> None:
    """Read raw logs into the lake; objects read before are not read again."""
    from lake.discover import S3Options
    from lake.enrich.geoip import GeoIP
    from lake.ingest import IngestOptions
    from lake.ingest import ingest as run
    from lake.query import write_client_file
    from lake.terminal import print_report, progress_line

    if account is not None and not re.fullmatch(r"\d{12}", account):
        raise UsageError(f"--account {account}: an account id has twelve digits.")
    options = IngestOptions(
        source=source,
        since=_day(since, "--since"),
        until=_day(until, "--until"),
        jobs=jobs,
        memory=_bytes(memory) if memory else None,
        account=account,
        s3=S3Options(profile=profile, endpoint_url=endpoint_url),
        geoip=GeoIP.open(geoip_db) if geoip_db else None,
        fork=True,
    )
    path = lake or default_lake()
    with progress_line() as draw:
        report = run(path, where, options, draw)
    if report.objects == 0:
        raise UsageError(f"no objects at {', '.join(where)}: the place is empty. Name another.")
    write_client_file(path)
    print_report(report, _stderr())
    logs = sum(report.statuses[s] for s in ("read", "partial")) + report.unchanged
    if not logs:
        _stderr().print(
            "No AWS logs were found there. What was there instead stands above; `lake sources` "
            "lists what can be read, `--source NAME` takes objects as a source."
        )
    if report.statuses["failed"] or (strict and report.rejects) or not logs:
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="A query; without one it is read from stdin.")
    ] = None,
    lake: LakeOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="The lake as it was: 2024-02-01T10:00:00Z.")
    ] = None,
    form: FormatOption = "table",
    output: OutOption = None,
) -> None:
    """Run SQL over the lake: views cloudtrail, vpcflow, ..., events, objects, rejects."""
    import duckdb

    from lake.output import write

    opened = _open(lake, as_of)
    text = query if query is not None else sys.stdin.read()
    if not text.strip():
        raise UsageError("no query. Try: lake sql 'SELECT count(*) FROM events'.")
    try:
        write(opened.cursor(), text, form, sys.stdout, output)
    except duckdb.Error as error:
        raise UsageError(
            f"{error}\nTables with rows: {', '.join(opened.tables()) or 'none'}."
        ) from error


@app.command()
def status(lake: LakeOption = None, form: FormatOption = "table") -> None:
    """What the lake holds, table by table, and what became of the objects."""
    from lake.output import write
    from lake.terminal import size_text

    opened = _open(lake)
    found = opened.status()
    if form != "table":
        rows = [
            (t.table, t.title, t.rows, t.files, t.size, t.accounts, t.regions, t.first, t.last)
            for t in found.tables
        ]
        con = opened.cursor()
        con.execute(
            'CREATE TEMP TABLE status ("table" VARCHAR, title VARCHAR, rows BIGINT, files BIGINT, '
            "bytes BIGINT, accounts BIGINT, regions BIGINT, first DATE, last DATE)"
        )
        if rows:
            con.executemany("INSERT INTO status VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        write(con, "FROM status", form, sys.stdout)
        return
    from rich.table import Table

    # as narrow as 80 columns, the longest name whole
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("table", "rows", "files", "size", "accounts", "regions", "first day", "last day"):
        table.add_column(
            name,
            justify="left" if name in ("table", "first day", "last day") else "right",
            no_wrap=name == "table",
        )
    for t in found.tables:
        table.add_row(
            t.table,
            f"{t.rows:,}",
            f"{t.files:,}",
            size_text(t.size),
            str(t.accounts),
            str(t.regions),
            t.first,
            t.last,
        )
    out = _stdout()
    out.print(f"{found.path}, batch {found.batch}; days are UTC", markup=False, highlight=False)
    out.print(table)
    fates = ", ".join(f"{n:,} {s}" for s, n in found.objects.items()) or "none"
    out.print(
        f"objects: {fates}; {found.duplicates:,} duplicates, {found.rejects:,} rejects",
        highlight=False,
    )
    for source, members in sorted(found.unknown_members.items()):
        names = ", ".join(f"{m} ({n:,})" for m, n in members.items())
        out.print(f"members unknown to {source}: {names}", markup=False, highlight=False)
    for source, members in sorted(found.lossy_members.items()):
        names = ", ".join(f"{m} ({n:,})" for m, n in members.items())
        out.print(
            f"members of {source} that are not of their type, so NULL or rounded in native and "
            f"whole in event.original only: {names}",
            markup=False,
            highlight=False,
        )
    out.print(
        f"GeoIP: {found.geoip or 'no database when these were read'}", markup=False, highlight=False
    )


@app.command()
def sources(form: FormatOption = "table") -> None:
    """The log sources that can be read."""
    import duckdb

    from lake.output import write
    from lake.sources import catalogue

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


@app.command()
def rejects(
    lake: LakeOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to print; 0 prints all.")] = 100,
    form: FormatOption = "table",
    output: OutOption = None,
) -> None:
    """Records that did not become a row: where they are and why."""
    from lake.output import write

    opened = _open(lake)
    count = opened.sql("SELECT count(*) FROM rejects").fetchall()[0][0]
    cut = f" LIMIT {limit}" if limit and form == "table" and output is None else ""
    query = f"FROM rejects ORDER BY path, position{cut}"
    write(opened.cursor(), query, form, sys.stdout, output)
    if cut and count > limit:
        _stderr().print(f"{limit:,} of {count:,} shown; --limit 0 shows all.", highlight=False)


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="A folder to write to.")],
    seed: Annotated[int, typer.Option(help="Other numbers make other logs.")] = 7,
) -> None:
    """Write made logs of every source, with an attack in them, and their GeoIP database."""
    from lake.demo import write_demo

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not empty. Name a new folder.")
    summary = write_demo(directory, seed)
    out = _stderr()
    out.print(
        f"{summary.objects:,} objects, {summary.total:,} records of "
        f"{len(summary.records)} sources in {directory}",
        markup=False,
        highlight=False,
    )
    out.print(
        f"next: lake ingest {directory}/logs --geoip {directory}/geoip",
        markup=False,
        highlight=False,
    )


@app.command()
def dashboard(
    lake: LakeOption = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
) -> None:
    """Serve the dashboards on 127.0.0.1 until interrupted."""
    import os

    path = (lake or default_lake()).absolute()
    _open(path)
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(resource("app_streamlit.py"))]
    command += [f"--{name}={value}" for name, value in options.items()]
    _stderr().print(f"dashboards: http://127.0.0.1:{port} (Ctrl-C ends)", highlight=False)
    os.chdir(resource(".streamlit").parent)
    # In place of this process: whoever ends `lake dashboard` ends the server.
    os.execve(sys.executable, command, {**os.environ, "LAKE_DIR": str(path)})  # noqa: S606


@app.command()
def panels(
    dashboard: Annotated[str, typer.Argument(help="cloudtrail, or a title: 'CloudTrail Summary'.")],
    lake: LakeOption = None,
    time_from: Annotated[
        str | None, typer.Option("--from", help="ISO 8601; default: all data.")
    ] = None,
    time_to: Annotated[str | None, typer.Option("--to", help="ISO 8601, not included.")] = None,
    where: Annotated[str | None, typer.Option(help="A further condition in SQL.")] = None,
    form: Annotated[str, typer.Option("--format", help="json.")] = "json",
) -> None:
    """Every panel's rows of a dashboard, without a browser."""
    from lake.panels import panels_json, run_dashboard

    if form != "json":
        raise UsageError("lake panels prints json: leave --format away.")
    opened = _open(lake)
    results = run_dashboard(
        opened, dashboard, _moment(time_from, "--from"), _moment(time_to, "--to"), where
    )
    typer.echo(json.dumps(panels_json(results), ensure_ascii=False, indent=1))


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
        _stderr().print(
            f"{one.edition}: {'updated' if one.changed else 'unchanged'}, "
            f"built {one.build}, {one.path}",
            markup=False,
            highlight=False,
        )


def _open(path: Path | None, as_of: str | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from lake.query import client_file_moved, open_lake, write_client_file

    folder = path or default_lake()
    opened = open_lake(folder, _moment(as_of, "--as-of"))
    if client_file_moved(folder):
        words = "the lake has been moved: lake.duckdb was written anew"
        try:
            write_client_file(folder)
        except StorageError as error:  # on a disk that is read-only; nothing here needs the file
            words = f"the lake has been moved, and {error}"
        _stderr().print(words, markup=False, highlight=False)
    return opened


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True)


def _stdout() -> Console:
    from rich.console import Console

    return Console(soft_wrap=True)


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,5})d", text)
    if ago:
        return datetime.now(UTC).date() - timedelta(days=int(ago.group(1)))
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise UsageError(
            f"{option} {text}: write a day as 2024-02-01, or 7d for a week ago."
        ) from None


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: write a time as 2024-02-01T10:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(?:i?[bB])?", text.strip())
    if match is None:
        raise UsageError(f"--memory {text}: write a size as 4GB or 800MB.")
    power = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}[match.group(2).lower()]
    return int(float(match.group(1)) * 1000**power)


def main() -> None:
    """The entry point: errors of ours become one message and the exit code they carry."""
    start_lean()
    try:
        app(standalone_mode=True)
    except LakeError as error:
        sys.stderr.write(f"lake: {_in_plain_words(str(error))}\n")
        sys.exit(error.exit_code)


def _in_plain_words(text: str) -> str:
    """Without the colours and the indented arrows that delta-rs puts into its errors."""
    text = re.sub(r"\s*\u21b3\s*", ": ", re.sub(r"\x1b\[[0-9;]*m", "", text))
    return re.sub(r"\s+\. (?=[A-Z])", ". ", text)


if __name__ == "__main__":
    main()
