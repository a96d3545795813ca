"""What an ingest shows on stderr: a progress line while it runs, the report at its end. An export's
progress line too."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from lake.export.report import Progress as Sending
    from lake.ingest import Progress
    from lake.report import IngestReport

REASONS_SHOWN = 12
OTHER_TEXTS = "lake sql 'from duplicates where text is not null'"
"""The texts that are not the rows'."""
NARROWEST = 80
"""Columns that are printed at least, however narrow the terminal says that it is."""
TEXT_WIDTH = 8
"""Columns that a text keeps in a table that is wider than the terminal; the rest folds."""


def console(file: IO[str] | None = None, *, stderr: bool = False) -> Console:
    """What prints to stdout, stderr or a file; it breaks and cuts no line."""
    made = Console(file=file, stderr=stderr, soft_wrap=True)
    made.width = max(made.width, NARROWEST)
    return made


def keep_wide(table: Table, *texts: int) -> Table:
    """Let a table that is filled be as wide as its figures, days and names, beside these columns of
    texts, whatever the terminal's width: else they would be cut, and whole columns vanish."""
    for number, column in enumerate(table.columns):
        cells = (cell if isinstance(cell, Text) else Text(str(cell)) for cell in column.cells)
        lengths = (cell_len(line) for cell in cells for line in cell.plain.split("\n"))
        widest = max(lengths, default=0)
        column.min_width = min(widest, TEXT_WIDTH) if number in texts else widest
    return table


def size_text(count: float) -> str:
    """Bytes in the unit that leaves one to four digits: `3.4 MiB` (powers of 1,024)."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


@contextmanager
def status_line() -> Iterator[Callable[[str], None]]:
    """Gives the function that says what goes on; on a terminal one line, else a line every 10 s."""
    last = time.monotonic()
    live = sys.stderr.isatty()

    def say(text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < (0.1 if live else 10.0):
            return
        last = now
        shown = visible(text)
        sys.stderr.write("\r\x1b[2K" + shown if live else shown + "\n")
        sys.stderr.flush()

    try:
        yield say
    finally:
        if live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """The same for an ingest."""
    started = time.monotonic()
    with status_line() as say:
        yield lambda progress: say(_words(progress, time.monotonic() - started))


@contextmanager
def export_line() -> Iterator[Callable[[Sending], None]]:
    """The same for an export."""
    started = time.monotonic()
    with status_line() as say:
        yield lambda sending: say(_sending(sending, time.monotonic() - started))


def _sending(sending: Sending, seconds: float) -> str:
    if sending.waiting:
        return "waiting for another export"
    rate = sending.done / seconds if seconds else 0.0
    left = (sending.total - sending.done) / rate if rate else 0.0
    share = sending.done / sending.total if sending.total else 1.0
    return (
        f"{share:4.0%}  {sending.done:,} of {sending.total:,} documents  {rate:,.0f} documents/s  "
        f"{_duration(left)} left"
    )


def _words(progress: Progress, seconds: float) -> str:
    if progress.merging:
        return progress.merging
    if progress.phase != "reading":
        return f"{progress.phase}: {progress.listed:,} objects"
    share = progress.size / progress.total_size if progress.total_size else 1.0
    left = seconds / share - seconds if share > 0 else 0.0
    rate = progress.records / seconds if seconds else 0.0
    return (
        f"{share:4.0%}  {progress.objects:,} of {progress.total:,} objects  "
        f"{progress.records:,} records  {size_text(progress.size)}  {rate:,.0f} records/s  "
        f"{_duration(left)} left"
    )


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def print_report(report: IngestReport, console: Console) -> None:
    """The report of an ingest: fates of objects, counts by source, reasons, GeoIP in one line."""
    fates = [f"{count:,} {status}" for status, count in sorted(report.statuses.items())]
    if report.unchanged:
        fates.append(f"{report.unchanged:,} unchanged since they were read")
    objects = "1 object" if report.objects == 1 else f"{report.objects:,} objects"
    told = f"{objects} ({size_text(report.size)} read): {', '.join(fates) or 'none'}"
    console.print(Text(told))
    if report.sources:
        console.print(_source_table(report))
        rate = report.records / report.seconds if report.seconds else 0.0
        console.print(
            Text(
                f"{report.records:,} records found = {report.rows:,} rows + {report.duplicates:,} "
                f"duplicates + {report.rejects:,} rejects, in {report.seconds:,.1f} s "
                f"({rate:,.0f} records/s)"
            )
        )
    for (status, reason), count in report.reasons.most_common(REASONS_SHOWN):
        example = report.examples[(status, reason)]
        console.print(
            Text(f"  {count:,} {status}: {visible(reason)}\n      e.g. {visible(example)}")
        )
    more = len(report.reasons) - REASONS_SHOWN
    if more > 0:
        console.print(Text(f"  ... and {more:,} more reasons: lake sql 'from objects'"))
    if report.forgotten:
        console.print(
            Text(
                f"  {report.forgotten:,} rows are of days that `lake forget` has taken: counted "
                "as forgotten, and in no table"
            )
        )
    if report.mended:
        console.print(
            Text(
                f"  {report.mended:,} rows were of damaged objects that are whole now, and have "
                f"their right texts: {OTHER_TEXTS}"
            )
        )
    if report.reworded:
        console.print(
            Text(
                f"  {report.reworded:,} records of changed objects have another text than their "
                f"row, which stays: {OTHER_TEXTS}"
            )
        )
    if report.rejects:
        console.print(Text("  rejected records: lake rejects"))
    if report.merged.partitions:
        console.print(
            Text(
                f"  {report.merged.files_before:,} small files of {report.merged.partitions:,} "
                f"partitions became {report.merged.files_after:,}"
            )
        )
    for note in report.notes:
        console.print(Text(f"  note: {visible(note)}"))
    console.print(Text(visible(report.geoip)))


def _source_table(report: IngestReport) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("source")
    for name in ("objects", "records", "rows", "duplicates", "rejects"):
        table.add_column(name, justify="right")
    for name, count in sorted(report.sources.items()):
        numbers = (count.objects, count.records, count.rows, count.duplicates, count.rejects)
        table.add_row(name, *(f"{n:,}" for n in numbers))
    return keep_wide(table)
