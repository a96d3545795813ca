"""The command `lake`. It parses options and prints; every command is a few lines over the core.

Results go to stdout, words and progress to stderr. Exit 0: done; 1: done, but objects failed or
records were rejected (`--strict`); 2: wrong use. Imports stand inside the commands, so that each
pays only for what it needs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path  # noqa: TC003  typer looks for it while the program runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lake.cli_export import export
from lake.cli_options import (
    FormatOption,
    LakeOption,
    OutOption,
    RawOption,
    day_of,
    moment_of,
    put,
    renew_client_file,
    stderr,
    stdout,
)
from lake.cli_upkeep import register
from lake.errors import LakeError, StorageError, UsageError, in_plain_words, is_interrupt
from lake.lean import start_lean
from lake.paths import default_lake, lake_folder, remove_own_folder, resource
from lake.sizes import parse_size
from lake.streams import ResultLostError, drop_result, make_streams_ready
from lake.visible import visible_lines

if TYPE_CHECKING:
    from lake.client_file import Prepared
    from lake.query import Lake

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
    from lake.terminal import print_report, progress_line

    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
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
        s3=S3Options(profile=profile, endpoint_url=endpoint_url),
        geoip=GeoIP.open(geoip_db) if geoip_db else None,
        fork=True,
    )
    path = lake or default_lake()
    with progress_line() as draw:
        report = run(path, where, options, draw)
    if report.objects == 0:
        raise UsageError(f"no objects at {', '.join(where)}: the place is empty. Name another.")
    renew_client_file(path)
    print_report(report, stderr())
    logs = sum(report.statuses[s] for s in ("read", "partial")) + report.unchanged
    failed = report.statuses["failed"]
    if not logs and not failed:
        stderr().print(
            "No AWS logs were found there. What was there instead stands above; `lake sources` "
            "lists what can be read, `--source NAME` takes objects as a source."
        )
    if failed or (strict and report.rejects) or not logs:
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            help="A query; without one it is read from stdin. Of several statements only the last "
            "may give rows."
        ),
    ] = None,
    lake: LakeOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="The lake as it was: 2024-02-01T10:00:00Z.")
    ] = None,
    form: FormatOption = "table",
    output: OutOption = None,
    raw: RawOption = False,
    locked: Annotated[
        bool, typer.Option("--locked", help="One SELECT, and no file but the lake's own.")
    ] = False,
    saved: Annotated[
        str | None, typer.Option(help="Run the query that the app keeps under this name.")
    ] = None,
) -> None:
    """Run SQL over the lake: views cloudtrail, vpcflow, ..., events, objects, rejects."""
    import duckdb

    from lake.output import write
    from lake.statements import (
        one_select,
        only_reads,
        refuse_lost_rows,
        refuse_target,
        refuse_writes,
    )

    if saved is not None:
        from lake.saved import saved_query

        if query is not None:
            raise UsageError("--saved names the query: leave the other one away.")
        query = saved_query(lake or default_lake(), saved)
    text = query if query is not None else sys.stdin.read()
    if not text.strip():
        raise UsageError("no query. Try: lake sql 'SELECT count(*) FROM events'.")
    quick = as_of is None and not locked and only_reads(text)
    opened = (quick and _open_prepared(lake)) or _open(lake, as_of, locked=locked)
    if output is not None:
        refuse_target(output, opened.path)
    try:
        if locked:
            write(opened.cursor(), one_select(text), form, sys.stdout, output, raw)
        else:
            refuse_writes(text, opened.path)
            refuse_lost_rows(text)
            if not write(opened.cursor(), text, form, sys.stdout, output, raw) and output:
                put(stderr(), "no rows, so nothing was written to the file")
    except duckdb.Error as error:
        if (unreadable := _of_the_lake(lake, error)) is not None:
            raise unreadable from error
        raise UsageError(
            f"{error}\nTables with rows: {', '.join(opened.tables()) or 'none'}."
        ) from error


@app.command()
def status(lake: LakeOption = None, form: FormatOption = "table") -> None:
    """What the lake holds, table by table, and what became of the objects."""
    from lake.output import write
    from lake.reader import connection
    from lake.status import read_status
    from lake.status_text import print_status, put_status

    found = read_status(lake or default_lake())
    _keep_client_file(found.path)
    if form == "table":
        print_status(found, stdout())
    else:
        with connection(found.path) as con:
            put_status(found, con)
            write(con, "FROM status", form, sys.stdout)


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
    raw: RawOption = False,
) -> None:
    """Records that did not become a row: where they are and why, as each object was last read."""
    from lake.output import write
    from lake.statements import refuse_target

    opened = _open(lake)
    if output is not None:
        refuse_target(output, opened.path)
    count = opened.sql(f"SELECT count(*) FROM ({_PRESENT_REJECTS})").fetchall()[0][0]
    cut = f" LIMIT {limit}" if limit and form == "table" and output is None else ""
    query = f"{_PRESENT_REJECTS} ORDER BY path, position{cut}"
    write(opened.cursor(), query, form, sys.stdout, output, raw)
    if cut and count > limit:
        stderr().print(f"{limit:,} of {count:,} shown; --limit 0 shows all.", highlight=False)


_PRESENT_REJECTS = (
    "SELECT source, path, position, reason, text FROM rejects "
    "ANTI JOIN (SELECT path, batch FROM objects WHERE superseded) USING (path, batch)"
)
"""An object that is read again tells its rejects again."""


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="A folder to write to.")],
    seed: Annotated[int, typer.Option(help="Other numbers make other logs.")] = 7,
) -> None:
    """Write made logs of every source, with an attack in them, and their GeoIP database."""
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

    path = lake_folder(lake or default_lake())
    _open(path)
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


@app.command()
def panels(
    dashboard: Annotated[str, typer.Argument(help="cloudtrail, or a title: 'CloudTrail Summary'.")],
    lake: LakeOption = None,
    time_from: Annotated[
        str | None, typer.Option("--from", help="ISO 8601; default: all data.")
    ] = None,
    time_to: Annotated[str | None, typer.Option("--to", help="ISO 8601, not included.")] = None,
    search: Annotated[
        str | None, typer.Option(help="As in the pages' search box: 'source.ip:10.0.0.0/8'.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", help="As in a page's address: 'region is eu-west-1'. Repeatable."),
    ] = None,
    where: Annotated[str | None, typer.Option(help="A further condition in SQL.")] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Figures of the period before, as long, beside them.")
    ] = False,
    form: Annotated[str, typer.Option("--format", help="json.")] = "json",
) -> None:
    """Every panel's rows of a dashboard, without a browser."""
    from lake.output import json_text
    from lake.panels import panels_json, run_dashboard

    if form != "json":
        raise UsageError("lake panels prints json: leave --format away.")
    opened = _open(lake, locked=True)
    try:
        results = run_dashboard(
            opened,
            dashboard,
            moment_of(time_from, "--from"),
            moment_of(time_to, "--to"),
            where,
            filters=filters or (),
            search=search,
            compare=compare,
        )
    except UsageError as error:
        if (unreadable := _of_the_lake(lake, error.__cause__)) is not None:
            raise unreadable from error
        raise
    typer.echo(json_text(panels_json(results), indent=1))


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


def _open(path: Path | None, as_of: str | None = None, *, locked: bool = False) -> Lake:
    from lake.query import open_lake

    folder = path or default_lake()
    opened = open_lake(folder, moment_of(as_of, "--as-of"), locked=locked)
    _keep_client_file(folder)
    return opened


def _open_prepared(path: Path | None) -> Prepared | None:
    from lake.client_file import open_prepared

    return open_prepared(path or default_lake())


def _keep_client_file(path: Path) -> None:
    """Write `lake.duckdb` anew where it is not the lake's, and say so."""
    from lake.client_file import client_file_stale

    if client_file_stale(path) and renew_client_file(path):
        stderr().print(
            "lake.duckdb was written anew: the lake had moved, or it was behind", highlight=False
        )


def _of_the_lake(lake: Path | None, error: BaseException | None) -> LakeError | None:
    """What to raise for an error of DuckDB's that comes of the lake's files, not of a query."""
    import duckdb

    from lake.damage import VERIFY

    bare = type(error) is duckdb.Error  # of Parquet's inside, which names no file
    if not bare and not isinstance(error, (duckdb.IOException, duckdb.InvalidInputException)):
        return None
    known = _damage(lake, str(error)) or (f"{error}. What to do: {VERIFY}." if bare else None)
    return LakeError(f"the lake cannot be read: {known}") if known else None


def _damage(lake: Path | None, words: str) -> str | None:
    """Which file of a lake is damaged or gone with what to do, after an error of a library."""
    from lake.damage import COPY, VERIFY, VIEWS, damaged_file, is_closed, named_file
    from lake.files import ASK

    folder = lake_folder(lake or default_lake())
    if "No files found" in words and f'"{folder}/' in words:
        name = words.split('"')[1]
        advice = VIEWS if name.startswith(f"{folder}/_views/") else COPY
        return f"{name} is gone. What to do: {advice}."
    if found := damaged_file(folder):
        what = "may not be read" if found[1] == ASK else "is damaged"
        return f"{found[0]} {what}. What to do: {found[1]}."
    named = named_file(folder, words)
    if named is None:
        return None
    return f"{named} cannot be read. What to do: {ASK if is_closed(named) else VERIFY}."


register(app)


def main() -> None:
    """The entry point: errors of ours become one message and the exit code they carry."""
    start_lean()
    make_streams_ready()
    told: dict[str, Any] = {}
    try:
        _run(told)
    except ResultLostError as error:
        drop_result()
        sys.stderr.write(
            f"lake: the result could not be written: {error.strerror}. Write it elsewhere.\n"
        )
        sys.exit(1)
    except BrokenPipeError:
        drop_result()
        sys.exit(1)
    except LakeError as error:
        sys.stderr.write(f"lake: {visible_lines(in_plain_words(str(error)))}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        if is_interrupt(error):
            _say_interrupted(told)
            sys.exit(_INTERRUPTED)
        if type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        words = in_plain_words(str(error)).partition("\n")[0]
        known = (
            _damage(told.get("lake"), words) or "`lake verify` says whether a file of it is amiss."
        )
        sys.stderr.write(f"lake: the lake cannot be read: {visible_lines(words)}\n")
        sys.stderr.write(f"{visible_lines(known)}\n")
        sys.exit(1)


def _run(told: dict[str, Any]) -> None:
    try:
        app(standalone_mode=True, obj=told)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _say_interrupted(told)
        sys.stdout.flush()  # here it can still be told that nobody takes the result
        raise


def _say_interrupted(told: dict[str, Any]) -> None:
    """Of the commands that change a lake."""
    if told.get("command") in ("ingest", "compact", "rebuild", "forget"):
        sys.stderr.write(
            "lake: interrupted. What was committed stays; the same command goes on from there.\n"
        )


_INTERRUPTED = 130


_LIBRARIES = ("duckdb", "_duckdb", "pyarrow", "deltalake", "_internal")
"""Whose errors are about a lake's files, where nothing else has caught them."""


if __name__ == "__main__":
    main()
