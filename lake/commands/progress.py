"""What an ingest shows on stderr: a progress line while it runs, the report at its end. An export's
progress line too."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from lake.sizes import counted, size_text
from lake.terminal import keep_wide, status_line
from lake.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from lake.export.report import Progress as Sending
    from lake.ingest import Progress
    from lake.report import IngestReport

REASONS_SHOWN = 12
OTHER_TEXTS = "lake sql{lake} 'from duplicates where text is not null'"
"""The texts that are not the rows'; `{lake}` is the option that names the lake, if there is one."""
WITHOUT_ORIGINALS = (
    "without the records as they came (--no-original): lake rebuild leaves these rows as they are, "
    "a search finds no text of theirs, exports have no @message, and lines of an object that "
    "changes are told apart by their fields alone. Keep the raw logs."
)


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None]]:
    """Draws an ingest's line; hand it the progress."""
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


def print_report(report: IngestReport, console: Console, lake: str = "") -> None:
    """The report of an ingest: fates of objects, counts by source, reasons, GeoIP in one line.
    `lake` is the option that names the lake in the commands that it tells."""
    console.print(Text(_fates(report)))
    if report.sources:
        console.print(_source_table(report))
    for line in _lines(report, lake):
        console.print(Text(line))


def _fates(report: IngestReport) -> str:
    fates = [f"{count:,} {status}" for status, count in sorted(report.statuses.items())]
    if report.unchanged:
        fates.append(f"{report.unchanged:,} unchanged since they were read")
        if report.unchanged_no_logs:
            fates.append(f"{report.unchanged_no_logs:,} of these no logs")
    return (
        f"{counted(report.objects, 'object')} ({size_text(report.size)} read): "
        f"{', '.join(fates) or 'none'}"
    )


def _lines(report: IngestReport, lake: str) -> Iterator[str]:
    """What the report says below its table."""
    texts = OTHER_TEXTS.format(lake=lake)
    if report.sources:
        rate = report.records / report.seconds if report.seconds else 0.0
        yield (
            f"{counted(report.records, 'record')} found = {counted(report.rows, 'row')} + "
            f"{counted(report.duplicates, 'duplicate')} + {counted(report.rejects, 'reject')}, "
            f"in {report.seconds:,.1f} s ({rate:,.0f} records/s)"
        )
    for (status, reason), count in report.reasons.most_common(REASONS_SHOWN):
        example = report.examples[(status, reason)]
        yield f"  {count:,} {status}: {visible(reason)}\n      e.g. {visible(example)}"
    more = len(report.reasons) - REASONS_SHOWN
    if more > 0:
        yield f"  ... and {counted(more, 'more reason')}: lake sql{lake} 'from objects'"
    if report.forgotten:
        yield (
            f"  {counted(report.forgotten, 'row')} of days that `lake forget` has taken: counted "
            "as forgotten, and in no table"
        )
    if report.mended:
        yield (
            f"  {counted(report.mended, 'row')} of damaged objects that are whole now gave way to "
            f"the right texts: {texts}"
        )
    if report.completed:
        yield (
            f"  {counted(report.completed, 'row')} of a query's result (CSV of the console, Athena)"
            f" gave way to the records themselves, which say more: {texts}"
        )
    if report.reworded:
        yield (
            f"  {counted(report.reworded, 'record')} of changed objects with another text than the "
            f"row, which stays: {texts}"
        )
    if report.rows and not report.originals:
        yield f"  {WITHOUT_ORIGINALS}"
    if report.rejects:
        yield f"  rejected records: lake rejects{lake}"
    if report.merged.partitions:
        yield (
            f"  {counted(report.merged.files_before, 'small file')} of "
            f"{counted(report.merged.partitions, 'partition')} became {report.merged.files_after:,}"
        )
    for note in report.notes:
        yield f"  note: {visible(note)}"
    if report.rows:
        yield visible(report.geoip)


def _source_table(report: IngestReport) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("source")
    for name in ("objects", "records", "rows", "duplicates", "rejects"):
        table.add_column(name, justify="right")
    for name, count in sorted(report.sources.items()):
        numbers = (count.objects, count.records, count.rows, count.duplicates, count.rejects)
        table.add_row(name, *(f"{n:,}" for n in numbers))
    return keep_wide(table)
