"""Whether a lake is what was committed: every file there and unaltered, no version but ours.

It reads and changes nothing. Here Delta's logs are compared with the batches that they name;
`lake.upkeep.verify_files` looks at the files, `lake.upkeep.verify_rows` at the rows. What is amiss
is a finding, with what to do next; what is only worth knowing is a note.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lake.errors import StorageError, in_plain_words
from lake.machine import cores
from lake.paths import JOURNAL
from lake.report import Finding
from lake.sizes import counted, size_text
from lake.store import ledger
from lake.store.behind import behind
from lake.store.damage import COPY, damaged_log
from lake.store.delta import add_actions, logged_times
from lake.store.deltalog import newest, versions
from lake.store.files import recorded_sha256, unquoted
from lake.store.snapshot import Snapshot
from lake.store.table import Store
from lake.upkeep.verify_files import ADVICE, CommittedFile, check_file, stray_files
from lake.upkeep.verify_rows import RowCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lake.store.deltalog import Version


@dataclass(slots=True)
class VerifyReport:
    """What was checked and what was found. `unhashed` counts files that were committed before
    hashes were recorded; `earlier` those of earlier versions that wait for `lake compact`."""

    path: Path
    batch: int = 0
    files: int = 0
    size: int = 0
    rows: int = 0
    unhashed: int = 0
    earlier: int = 0
    earlier_size: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(path: Path, notify: Callable[[str], None] = lambda _: None) -> VerifyReport:
    """Check a lake. Raises UsageError where there is none, LakeVersionError for a newer one."""
    try:
        store = Store.open(path)
    except StorageError:  # its log is damaged, which is found below
        store = Store(path)
    report = VerifyReport(store.path)
    snapshot = _settled(store, report, notify)
    report.batch = snapshot.batch
    files, unread = _check_versions(store, snapshot, report)
    damaged = _check_files(files, report, notify)
    stray = stray_files(store, {file.path for file in files})
    report.earlier, report.earlier_size = stray.earlier, stray.earlier_size
    report.notes += stray.notes()
    whole = {
        table: [str(file.path) for file in files if file.table == table and file not in damaged]
        for table in _tables(files)
    }
    rows = RowCheck(store, snapshot, whole, _tables(damaged) | unread)
    rows.run(notify)
    report.findings += rows.findings
    report.notes += rows.notes
    return report


def _tables(files: Iterable[CommittedFile]) -> set[str]:
    return {file.table for file in files}


def _settled(store: Store, report: VerifyReport, notify: Callable[[str], None]) -> Snapshot:
    """The last batch, and whether one is unfinished: nobody else writes while that is looked at."""
    with ExitStack() as stack:
        with suppress(OSError):  # a lake that may only be read has no writer
            stack.enter_context(store.lock(lambda: notify("waiting for a writer")))
        if (store.path / JOURNAL).exists():
            report.findings.append(
                Finding(
                    "unfinished",
                    JOURNAL,
                    "a writer was ended in the middle of a commit; no reader sees what it began",
                    "run it again, or `lake compact`: the next writer takes the beginnings back",
                )
            )
        try:
            return store.snapshot()
        except StorageError:  # which file it is, the checks of `_lake` find
            report.notes.append(
                "the ledger cannot be read: the tables were checked as their own logs have them"
            )
            logs = {log.parent: newest(log.parent) for log in store.path.glob("*/_delta_log")}
            tables = {root.name: number for root, number in logs.items() if number is not None}
            return Snapshot(0, tables.pop(ledger.TABLE, 0), tables)


def _check_versions(
    store: Store, snapshot: Snapshot, report: VerifyReport
) -> tuple[list[CommittedFile], set[str]]:
    """The files of the versions that the last batch names, and the tables whose log cannot be read;
    findings of what others committed."""
    named = {ledger.TABLE: snapshot.ledger_version, **snapshot.tables}
    files: list[CommittedFile] = []
    unread: set[str] = set()
    unfinished = (store.path / JOURNAL).exists()
    for table, version in named.items():
        root = store.path / table
        if (newest(root) or 0) < version:
            what, advice = behind(store.path, table, snapshot, store.snapshot_at)
            report.findings.append(Finding("log", f"{table}/_delta_log", what, advice))
            unread.add(table)
            continue
        try:
            delta = DeltaTable(root, version=version)
            found = add_actions(delta)
            log = list(versions(root, version + 1 if unfinished else None))
        except (DeltaError, ValueError) as error:
            path, advice = damaged_log(root) or (root / "_delta_log", ADVICE)
            where = path.relative_to(store.path).as_posix()
            what = in_plain_words(str(error)).strip()
            advice = ADVICE if advice == COPY else advice  # which names this command
            report.findings.append(Finding("log", where, what, advice))
            unread.add(table)
            continue
        for action, times in zip(found.to_pylist(), logged_times(found), strict=True):
            name = str(action["path"])
            size, rows = int(action["size_bytes"]), int(action["num_records"])
            files.append(CommittedFile(table, name, root / name, size, rows, times))
            report.findings += _misnamed(table, name, action)
        held = {str(name) for name in found["path"].to_pylist()}
        _check_log(table, version, log, held, report)
        report.findings += _lost(store, snapshot, table, version, log, held)
    return files, unread


def _misnamed(table: str, name: str, action: dict[str, Any]) -> list[Finding]:
    """A partition that Delta's log tells otherwise than the file's path."""
    logged = {
        key.removeprefix("partition."): str(value)
        for key, value in action.items()
        if key.startswith("partition.")
    }
    named = dict(part.split("=", 1) for part in unquoted(name).split("/")[:-1] if "=" in part)
    wrong = [f"{key}={value}" for key, value in logged.items() if named.get(key) != value]
    if not wrong:
        return []
    what = f"Delta's log has it under {', '.join(wrong)}; the log was changed"
    return [Finding("log", f"{table}/{name}", what, ADVICE)]


def _lost(
    store: Store, snapshot: Snapshot, table: str, named: int, log: list[Version], files: set[str]
) -> list[Finding]:
    """Versions that tell nothing, and a batch that the table has and the ledger has not: nobody
    reads its rows, though it was committed."""
    found = [
        Finding("log", f"{table}, version {version.number}", "its file in the log is empty", ADVICE)
        for version in log
        if version.is_empty
    ]
    later = [
        version
        for version in log
        if version.number > named and (version.batch or 0) > snapshot.batch
    ]
    if table == ledger.TABLE or not later:
        return found
    now = files
    for version in log:
        if version.number > named:
            now = now - version.removed | version.added.keys()
    # a killed writer's is taken back by a further version; one at work has a journal, or is through
    at_work = (store.path / JOURNAL).exists() or store.snapshot().batch != snapshot.batch
    if now != files and not at_work:
        rows = sum(sum(version.added.values()) for version in later)
        what = (
            f"adds {rows:,} rows in batch {later[-1].batch}, of which the ledger knows nothing: "
            "its last version is gone, and nobody reads these rows"
        )
        found.append(Finding("lost", f"{table}, version {later[0].number}", what, ADVICE))
    return found


def _check_log(
    table: str, named: int, log: list[Version], files: set[str], report: VerifyReport
) -> None:
    """Whether a version is what our batches made of the table, and nobody committed after it."""
    if not log or log[0].number > 0:
        report.notes.append(f"{table}: the beginning of its log is gone; versions are not compared")
        return
    ours: dict[str, int] = {}
    others = [
        version
        for version in log
        if version.number > 0 and version.batch is None and not version.is_empty
    ]
    for version in log:
        if version.number <= named and version.batch is not None:
            ours = {
                name: rows for name, rows in ours.items() if name not in version.removed
            } | version.added
    alien = {name: version for version in others for name in (*version.added, *version.removed)}
    for name in sorted(files ^ ours.keys()):
        what, by = "is in the table and no batch put it there", alien.get(name)
        if name in ours:
            what = f"with {ours[name]:,} rows was taken out of the table, and not by a batch"
        report.findings.append(
            Finding("foreign", f"{table}/{name}", f"{what}{_origin(by)}", ADVICE)
        )
    for version in others:
        if version.number > named:
            added = counted(len(version.added), "file")
            rows = counted(sum(version.added.values()), "row")
            what = f"adds {added} ({rows}) and removes {counted(len(version.removed), 'file')}"
            report.findings.append(
                Finding(
                    "foreign",
                    f"{table}, version {version.number}",
                    f"another program's commit{_origin(version)} {what}; readers of the lake do "
                    "not see it, readers of the table alone do",
                    "find out whose it is; the next batch of this table takes it back",
                )
            )
        elif not alien.keys() & (files ^ ours.keys()):
            report.notes.append(
                f"{table}: version {version.number} was another program's{_origin(version)}; "
                "nothing of it counts"
            )


def _origin(version: Version | None) -> str:
    """Which version of whom, to be said behind what it did."""
    return (
        f" (version {version.number}, {version.operation} by {version.engine})" if version else ""
    )


def _check_files(
    files: list[CommittedFile], report: VerifyReport, notify: Callable[[str], None]
) -> set[CommittedFile]:
    """Which files are not as they were committed."""
    damaged: set[CommittedFile] = set()
    total = sum(file.size for file in files)
    done = 0
    with ThreadPoolExecutor(cores()) as pool:
        for file, finding in zip(files, pool.map(check_file, files), strict=True):
            if finding is not None:
                damaged.add(file)
                report.findings.append(finding)
            report.files += 1
            report.unhashed += recorded_sha256(file.name) is None
            report.rows += file.rows if file.table != ledger.TABLE else 0
            done += file.size
            notify(f"checking files: {done / max(total, 1):4.0%} of {size_text(total)}")
    report.size = total
    return damaged
