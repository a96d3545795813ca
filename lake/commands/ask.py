"""The commands that ask a lake: sql, status, rejects, panels. Like `lake.cli`, they parse options
and print; imports stand inside, so that each pays only for what it needs."""

from __future__ import annotations

import re
import sys
from pathlib import Path  # noqa: TC003  typer looks for it while the program runs
from typing import TYPE_CHECKING, Annotated

import typer

from lake.commands.options import (
    FormatOption,
    LakeOption,
    OutOption,
    RawOption,
    TextFormatOption,
    keep_client_file,
    moment_of,
    naming,
    open_for,
    put,
    renew_client_file,
    stderr,
    stdout,
)
from lake.errors import UsageError, unknown_name
from lake.paths import default_lake

if TYPE_CHECKING:
    from collections.abc import Callable

PANEL_FORMATS = ["table", "json"]


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

    from lake.ask.output import write
    from lake.serve.client_file import open_prepared
    from lake.serve.statements import (
        UNCHANGED,
        changes_tables,
        one_select,
        only_reads,
        refuse_for_nothing,
        refuse_lost_rows,
        refuse_target,
        refuse_writes,
    )

    if saved is not None:
        from lake.ask.saved import saved_query

        if query is not None:
            raise UsageError("--saved names the query: leave the other one away.")
        query = saved_query(lake or default_lake(), saved)
    text = query if query is not None else sys.stdin.read()
    if not text.strip():
        raise UsageError("no query. Try: lake sql 'SELECT count(*) FROM events'.")
    quick = as_of is None and not locked and only_reads(text)
    folder = lake or default_lake()
    opened = (quick and open_prepared(folder)) or open_for(folder, as_of, locked=locked)
    if output is not None:
        refuse_target(output, opened.path)
    try:
        if locked:
            write(opened.cursor(), one_select(text), form, sys.stdout, output, raw)
        else:
            refuse_writes(text, opened.path)
            refuse_lost_rows(text)
            refuse_for_nothing(text)
            if not write(opened.cursor(), text, form, sys.stdout, output, raw) and output:
                put(stderr(), "no rows, so nothing was written to the file")
    except duckdb.Error as error:
        from lake.store.blame import of_the_lake  # imports pyarrow

        if (unreadable := of_the_lake(opened.path, error)) is not None:
            raise unreadable from error
        from lake.ask.meant import meant

        hint = f"Tables with rows: {', '.join(opened.tables()) or 'none'}."
        if changes_tables(text) and not re.search("does not exist|not found", str(error)):
            hint = UNCHANGED
        raise UsageError(f"{error}\n{meant(text, str(error)) or hint}") from error


def status(lake: LakeOption = None, form: TextFormatOption = "table") -> None:
    """What the lake holds, table by table, and what became of the objects."""
    from lake.ask.output import write
    from lake.commands.status_text import print_status, put_status
    from lake.serve.reader import connection
    from lake.serve.status import read_status

    found = read_status(lake or default_lake())
    keep_client_file(found.path)
    if form == "table":
        print_status(found, stdout(), naming(lake))
    else:
        with connection(found.path) as con:
            put_status(found, con)
            write(con, "FROM status", form, sys.stdout)


def rejects(
    lake: LakeOption = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to print; 0 prints all.")] = 100,
    form: FormatOption = "table",
    output: OutOption = None,
    raw: RawOption = False,
) -> None:
    """Records that did not become a row: where they are and why, as each object was last read."""
    from lake.ask.output import write
    from lake.serve.extent import lake_blocks
    from lake.serve.statements import refuse_target

    opened = open_for(lake)
    if output is not None:
        refuse_target(output, opened.path)
    query = lake_blocks()["present_rejects"].sql
    count = opened.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
    cut = bool(limit) and form == "table" and output is None
    if cut:
        query = f"{query}\nLIMIT {limit}"
    write(opened.cursor(), query, form, sys.stdout, output, raw)
    if cut and count > limit:
        stderr().print(f"{limit:,} of {count:,} shown; --limit 0 shows all.", highlight=False)


def accounts(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="What `aws organizations list-accounts` prints, or a CSV with id and name; "
            "without one the names are printed."
        ),
    ] = None,
    lake: LakeOption = None,
    form: TextFormatOption = "table",
) -> None:
    """The names of accounts: keep them in the lake, or print those that it has."""
    from lake.ask.output import write
    from lake.serve.accounts import keep_names, read_names
    from lake.serve.extent import lake_blocks
    from lake.sizes import counted
    from lake.store.table import Store

    store = Store.open(lake or default_lake())
    if file is not None:
        names = _read_pairs(file, read_names)
        keep_names(store.path, names)
        renew_client_file(store.path)
        kept = counted(len(names), "name of an account", "names of accounts")
        stderr().print(f"kept in the lake: {kept}", highlight=False)
        return
    opened = open_for(store.path)
    write(opened.cursor(), lake_blocks()["account_names"].sql, form, sys.stdout)


def buckets(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A CSV, or JSON, with buckets and their accounts; without one those that the lake "
            "has are printed."
        ),
    ] = None,
    lake: LakeOption = None,
    form: TextFormatOption = "table",
) -> None:
    """The accounts that buckets belong to: keep them in the lake, or print those that it has.

    A line of an S3 access log names a bucket and no account. Rows that neither their record nor
    their object's key gives an account get that of the bucket, at the next ingest and by lake
    rebuild."""
    from lake.ask.output import write
    from lake.serve.buckets import PAIRS, bucket_accounts, keep_buckets, read_buckets
    from lake.sizes import counted
    from lake.store.table import Store

    path = lake or default_lake()
    if file is not None:
        owners = _read_pairs(file, read_buckets)
        keep_buckets(Store.create(path).path, owners)
        kept = counted(len(owners), "bucket's account", "buckets' accounts")
        stderr().print(f"kept in the lake: {kept}", highlight=False)
        return
    store = Store.open(path)
    owners = bucket_accounts(store.path)
    write(open_for(store.path).cursor(), PAIRS.select(owners), form, sys.stdout)


def _read_pairs(file: Path, read: Callable[[bytes], dict[str, str]]) -> dict[str, str]:
    """The pairs in a user's file. Raises UsageError that names the file."""
    try:
        return read(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error


def panels(
    dashboard: Annotated[str, typer.Argument(help="cloudtrail, or a title: 'CloudTrail Summary'.")],
    lake: LakeOption = None,
    time_from: Annotated[
        str | None, typer.Option("--from", help="ISO 8601; default: all data.")
    ] = None,
    time_to: Annotated[str | None, typer.Option("--to", help="ISO 8601, not included.")] = None,
    last: Annotated[
        str | None,
        typer.Option(help="So long before the newest event, instead of --from: '7 days', 24h."),
    ] = None,
    accounts: Annotated[
        list[str] | None,
        typer.Option("--account", help="By number, or a name of lake accounts. Repeatable."),
    ] = None,
    regions: Annotated[
        list[str] | None, typer.Option("--region", help="eu-west-1. Repeatable.")
    ] = None,
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
    interval: Annotated[
        str | None,
        typer.Option(
            help="Width of the bars of charts over time: '15 minutes', 1h, '1 month'.",
            show_default="one that fits the time",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="table or json.", show_default="table on a terminal, else json"
        ),
    ] = None,
) -> None:
    """Every panel's rows of a dashboard, without a browser.

    All that a page can be narrowed by is an option: time, accounts, regions, search, filters, and
    the period before beside it. Of the page about one thing a filter names it: lake panels entity
    --filter 'entity.address is 192.0.2.1'."""
    from lake.dashboards.panels import panels_json, run_dashboard
    from lake.jsonvalues import json_text
    from lake.serve.accounts import account_names

    form = form or ("table" if sys.stdout.isatty() else "json")
    if form not in PANEL_FORMATS:
        raise unknown_name("format", form, PANEL_FORMATS)
    opened = open_for(lake, locked=True)
    results = run_dashboard(
        opened,
        dashboard,
        moment_of(time_from, "--from"),
        moment_of(time_to, "--to"),
        where,
        last=last,
        accounts=accounts or (),
        regions=regions or (),
        filters=filters or (),
        search=search,
        interval=interval,
        compare=compare,
        tell=lambda error: put(stderr(), f"lake: {error}"),
    )
    names = account_names(opened.path)
    if form == "table":
        from lake.commands.panels_text import print_panels

        print_panels(results, stdout(), names)
    else:
        typer.echo(json_text(panels_json(results, names), indent=1))
