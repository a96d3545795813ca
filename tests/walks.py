"""Random walks over a small lake: objects come, come twice, grow, are cut, edited and mended, and
upkeep comes between in any order. What a fresh lake of the same objects has is what it holds."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import logs
from engine import ask, balance, read
from logs import ACCOUNT, FLOW_HEADER, TIMELESS, event, flow

from lake.documents.documents import documents
from lake.enrich.geoip import GeoIP
from lake.export.due import Due, Part
from lake.export.opensearch import _rows
from lake.export.report import ExportOptions
from lake.export.sent import Memory
from lake.sources.catalogue import catalogue
from lake.store.table import Store
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.forget import forget
from lake.upkeep.rebuild import RebuildOptions, rebuild
from lake.upkeep.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400
HISTORY = "Event ID,Event time,User name,Event source,Event name,Source IP address,"
HISTORY += "Recipient Account Id,AWS region"
Row = tuple[str, int]
"""Table and identity."""


def console(numbers: list[int]) -> bytes:
    """Events as the console's CSV has them."""
    names = ("eventID", "eventTime", "", "eventSource", "eventName", "sourceIPAddress")
    rows = [
        ",".join(event(n).get(one, "ana") for one in (*names, "recipientAccountId", "awsRegion"))
        for n in numbers
    ]
    return "\n".join([HISTORY, *rows, ""]).encode()


def cut(data: bytes) -> bytes:
    """The beginning of a gzip stream, as a download that broke off leaves it."""
    return data[: len(data) * 3 // 4]


@dataclass
class Walk:
    """A lake, the objects that it is to hold, and an index that follows it. `told` are the steps so
    far."""

    folder: Path
    seed: int
    told: list[str] = field(default_factory=list)
    index: dict[str, str] = field(default_factory=dict)
    texts: dict[str, list[Any]] = field(default_factory=dict)
    """What objects hold, by name: numbers of events, or lines."""
    lines: dict[str, str] = field(default_factory=dict)
    """The first kept day by table."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.logs, self.lake = self.folder / "logs", self.folder / "lake"
        self.logs.mkdir(parents=True)

    # -- objects ----------------------------------------------------------------------------------

    def numbers(self) -> list[int]:
        """Of some events or flows, on three days; so few that most come more than once."""
        some = self.chance.sample(range(6), self.chance.randint(1, 4))
        return [n % 2 + n // 2 * DAY for n in sorted(some)]

    def put(self, name: str, data: bytes) -> None:
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def come(self) -> str:
        """One more object."""
        kind = self.chance.choice(
            ["trail", "trail", "console", "console", "flows", "flows", "copy", "other"]
        )
        name = f"{len(self.texts):02}-{kind}"
        numbers = self.numbers()
        if kind == "trail":
            place = self.chance.choice(["eu-west-1", "us-east-1"])
            name = f"AWSLogs/{ACCOUNT}/CloudTrail/{place}/2024/02/01/{name}.json.gz"
            self.texts[name] = numbers
            self.put_trail(name, self.chance.random() < 0.3)
        elif kind == "console":
            name += ".csv"
            self.texts[name] = numbers
            self.put(name, console(numbers))
        elif kind == "flows":
            lines = [flow(n) for n in numbers for _ in range(self.chance.choice([1, 1, 2]))]
            if self.chance.random() < 0.3:
                lines.insert(len(lines) // 2, "2 no flow")
            name += ".log"
            self.texts[name] = lines
            self.put(name, "\n".join([FLOW_HEADER, *lines, ""]).encode())
        elif kind == "copy" and self.texts:
            of = self.chance.choice(sorted(self.texts))
            self.texts[f"copy/{name}/{of}"] = list(self.texts[of])
            self.put(f"copy/{name}/{of}", (self.logs / of).read_bytes())
        else:
            self.texts[name] = []
            self.put(name, b"some words\n" * len(numbers))
        return name

    def put_trail(self, name: str, broken: bool, edit: int = 0) -> None:
        more = {"additionalEventData": {"edit": edit}}
        records = [event(n, **more) for n in self.texts[name]]
        if len(records) % 2:
            records.insert(1, TIMELESS)
        data = gzip.compress(logs.trail(records), mtime=0)
        self.put(name, cut(data) if broken else data)

    def change(self) -> str:
        """An object grows, is cut or edited, or is whole at last."""
        names = [n for n in sorted(self.texts) if self.texts[n]]
        if not names:
            return self.come()
        name = self.chance.choice(names)
        held = self.texts[name]
        how = self.chance.choice(["grows", "cut", "whole", "edited"])
        if name.endswith(".log"):
            lines = [*held]
            lines += [flow(n) for n in self.numbers()] if how != "cut" else []
            lines = lines[: len(lines) // 2 + 1] if how == "cut" else lines
            self.texts[name] = lines
            self.put(name, "\n".join([FLOW_HEADER, *lines, ""]).encode())
        else:
            numbers = sorted({*held, *self.numbers()})
            self.texts[name] = numbers if how == "grows" else held
            if name.endswith(".csv"):
                self.put(name, console(self.texts[name]))
            else:
                self.put_trail(name, how == "cut", len(self.told) if how == "edited" else 0)
        return f"{name} {how}"

    # -- steps ------------------------------------------------------------------------------------

    def ingest(self) -> str:
        names = [self.come() for _ in range(self.chance.randint(1, 3))]
        names += [self.change()] if self.chance.random() < 0.5 else []
        options = {"compact": self.chance.random() < 0.5, "originals": self.chance.random() < 0.9}
        report = read(self.lake, self.logs, **options)
        return f"ingest {names} {options}: {report.rows} rows, {report.duplicates} duplicates"

    def compact(self) -> str:
        grace = self.chance.choice([timedelta(0), timedelta(days=1)])
        compact(self.lake, CompactOptions(grace=grace, jobs=1))
        return f"compact {grace}"

    def rebuild(self) -> str:
        rebuild(self.lake, RebuildOptions(geoip=GeoIP.none()))
        return "rebuild"

    def forget(self) -> str:
        day = date(2024, 2, self.chance.choice([1, 1, 2, 2, 3]))
        source = self.chance.choice([None, "vpcflow", "cloudtrail"])
        now = self.chance.random() < 0.3
        forget(self.lake, day, source, now=now)
        for table in ("vpcflow", "cloudtrail") if source is None else (source,):
            if source or table in Store.open(self.lake).snapshot().tables:
                self.lines[table] = max(self.lines.get(table, ""), day.isoformat())
        return f"forget {day} {source} {now}"

    def export(self) -> str:
        """As `lake export opensearch` decides, into `index`."""
        memory = Memory(self.lake, "cluster", None)
        memory.read()
        due = Due(Store.open(self.lake), memory, ExportOptions(), scrolls=True)
        try:
            parts, gone = due.parts({})
            memory.begin({p.now.key: [Path(f.path).name for f in p.due] for p in parts})
            for part in parts:
                self.index |= self.documents(part)
            days = {(p.now.table, p.now.day) for p in parts if p.compare}
            days |= {(one.table, one.day) for one in gone}
            for table, day in days:
                ours = due.ids(table, due.files(table, day), "true")
                self.remove(table, day, ours)
            for part in parts:
                memory.note(replace(part.now, total=due.total(part.now.table, part.files)))
            for one in gone:
                memory.note(replace(one, files=(), rows=0, total="0"))
        finally:
            due.close()
        assert self.index == self.whole_index()
        return f"export {sum(len(p.due) for p in parts)} files"

    def documents(self, part: Part) -> dict[str, str]:
        source = catalogue()[part.now.table]
        rows = (some for file in part.due for some in _rows(file.path, None))
        return {one.id: one.json for some in rows for one in documents(source, some)}

    def remove(self, table: str, day: str, ours: set[str]) -> None:
        for key, text in [*self.index.items()]:
            told = json.loads(text)
            its = told["event"]["dataset"], told["@timestamp"][:10]
            if its == (table, day) and key not in ours:
                del self.index[key]

    def whole_index(self) -> dict[str, str]:
        """What the lake's rows are as documents."""
        store = Store.open(self.lake)
        snapshot = store.snapshot()
        return {
            one.id: one.json
            for table in snapshot.tables
            for file in store.files(table, snapshot)
            for rows in _rows(file.path, None)
            for one in documents(catalogue()[table], rows)
        }

    def step(self) -> None:
        """One step, then all that must hold."""
        steps: list[Callable[[], str]] = [self.ingest, self.compact, self.rebuild, self.export]
        steps += [self.ingest, self.ingest, self.forget, self.export]
        self.told.append((self.chance.choice(steps) if self.told else self.ingest)())
        self.check()

    # -- what must hold ---------------------------------------------------------------------------

    def check(self) -> None:
        """Raises AssertionError."""
        wrong = ask(self.lake, "FROM objects WHERE records <> rows + duplicates + rejects")
        assert wrong == []
        assert [one.what for one in verify(self.lake).findings] == []
        if not self.lines:
            balance(self.lake)
        fresh = self.folder / "fresh" / str(len(self.told))
        read(fresh, self.logs)
        also = dict(ask(self.lake, "SELECT also, hash FROM duplicates WHERE also IS NOT NULL"))
        due = {
            (table, also.get(number, number)): query
            for table, number, day, query in ask(fresh, _ROWS)
            if day >= self.lines.get(table, "")
        }
        held = {(table, number): query for table, number, _, query in ask(self.lake, _ROWS)}
        gone = {*ask(self.lake, "SELECT source, hash FROM superseded_rows")}
        assert held.keys() - gone == due.keys()
        # a record is the row wherever one has come, also in an earlier state
        assert all(due[row] or not held[row] for row in due)


_ROWS = """
SELECT event.dataset, event.hash, strftime("date", '%Y-%m-%d'), log.file.path LIKE '%.csv'
FROM events
"""
