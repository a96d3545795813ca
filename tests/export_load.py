"""What `lake export opensearch` costs, by hand: as many documents as asked, CloudTrail and flow
logs, beside ready-made bulk bodies of the same documents that the same client library sends to the
same server in the same run. Prints time by the clock, CPU of client and server, the peak of the
client's whole process tree, and the ratio.

`python tests/export_load.py --documents 1000000 --heap 1g`
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opensearch_server import OpenSearchServer, fetch
from opensearchpy.exceptions import TransportError

from bench.made.data import Layout, write_logs
from bench.processes import LAKE, Run, cpu_of, run
from lake.documents.documents import documents
from lake.documents.jsontext import as_json
from lake.export.target import Place, connect
from lake.export.templates import templates
from lake.query import open_lake
from lake.sources.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

TRAIL = 0.25
"""The part of the documents that are CloudTrail events; the rest are flows."""
BODY = 5 << 20
JOBS = 2
TURNS = 3
LAYOUT = Layout(objects=50, days=5, accounts=3)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a client took, and the server meanwhile: seconds of CPU."""

    name: str
    client: Run
    server: float


def bodies(lake: Path) -> Iterator[bytes]:
    """Bulk bodies of every row, as the export sends them."""
    opened, body = open_lake(lake), bytearray()
    for table in opened.tables():
        for rows in opened.sql(f"FROM {table}").to_arrow_reader(2_000):
            for one in documents(catalogue()[table], rows):
                action = {"index": {"_index": one.index, "_id": one.id}}
                body += f"{as_json(action)}\n{one.json}\n".encode()
                if len(body) > BODY:
                    yield bytes(body)
                    body.clear()
    if body:
        yield bytes(body)


def put_templates(url: str) -> None:
    client = connect(Place(url))
    for name, body in templates(catalogue().sources.values()).items():
        client.indices.put_index_template(name=name, body=body)


def send_ready(url: str, folder: Path) -> None:
    """Send bodies that are there, by as many threads as the export has; as there, the server does
    not tell what was well."""
    client = connect(Place(url))

    def send(path: Path) -> None:
        while True:
            try:
                answer = client.bulk(body=path.read_bytes(), filter_path="errors")
            except TransportError as error:
                if error.status_code != 429:  # else the server is busy, as the export waits too
                    raise
                time.sleep(1)
                continue
            assert not answer["errors"]
            return

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(send, sorted(folder.iterdir())))


def measured(server: OpenSearchServer, name: str, command: list[str], due: int) -> Sending:
    """Run a client on an empty server; it must leave so many documents."""
    server.clear()
    began = cpu_of(server.pid)
    client = run(command)
    took = cpu_of(server.pid) - began
    server.ask("POST", "/log-*/_refresh")
    there = server.ask("GET", "/log-*/_count")["count"]
    assert there == due, f"{name}: {there:,} of {due:,}"
    return Sending(name, client, took)


def row(sending: Sending, due: int) -> str:
    client = sending.client
    return (
        f"{sending.name:<12}{client.wall:8.1f} s by the clock {due / client.wall:8,.0f}/s"
        f"{client.cpu:8.1f} s CPU {sending.server:8.1f} s CPU of the server"
        f"{client.memory / 1e6:8.0f} MB"
    )


def prepare(work: Path, count: int) -> None:
    """Logs, the lake of them, and bulk bodies of its rows."""
    trail = int(count * TRAIL)
    records = {"cloudtrail": trail, "vpcflow": count - trail}
    write_logs(work / "logs", records, LAYOUT, os.cpu_count() or 1)
    run([*LAKE, "ingest", str(work / "logs"), "--lake", str(work / "lakehouse")], memory=False)
    (work / "bodies").mkdir()
    for number, body in enumerate(bodies(work / "lakehouse")):
        (work / "bodies" / f"{number:06}").write_bytes(body)
    (work / "made").write_text(str(count))


def compare(work: Path, count: int, heap: str) -> list[Sending]:
    """Into one server, by turns: the bodies that are there and the export, `TURNS` times. The first
    turn is the server's, which gets quicker while it compiles its code."""
    lake = work / "lakehouse"
    shutil.rmtree(work / "node", ignore_errors=True)
    server = OpenSearchServer(*fetch(), work / "node", heap=heap, quick=False)
    server.start()
    try:
        put_templates(server.url)
        ready = [sys.executable, __file__, "ready", server.url, str(work / "bodies")]
        export = [*LAKE, "export", "opensearch", server.url, "--lake", str(lake)]
        found = []
        for name, command in TURNS * (("ready-made", ready), ("export", export)):
            shutil.rmtree(lake / "_exports", ignore_errors=True)
            found.append(measured(server, name, command, count))
        return found
    finally:
        server.stop()


def main() -> int:
    """By hand."""
    if sys.argv[1:2] == ["ready"]:
        send_ready(sys.argv[2], Path(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--heap", default="1g", help="of the server")
    parser.add_argument("--work", type=Path, help="logs, lake and bodies, kept for the next run")
    parser.add_argument("--prepare", action="store_true", help="make them, measure nothing")
    parser.add_argument("--memory", type=int, default=500, help="MB that the export may take")
    parser.add_argument("--ratio", type=float, default=1.25)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="export-") as name:
        work: Path = given.work or Path(name)
        if not (work / "made").exists():
            prepare(work, given.documents)
        if given.prepare:
            return 0
        due = int((work / "made").read_text())
        runs = compare(work, due, given.heap)
        size = sum(path.stat().st_size for path in (work / "bodies").iterdir())
    print(f"{due:,} documents, {size / 1e6:,.0f} MB of bodies, {os.cpu_count()} cores")
    for sending in runs:
        print(row(sending, due))
    bare, ours = runs[2::2], runs[3::2]
    ratio = sum(one.client.wall for one in ours) / sum(one.client.wall for one in bare)
    peak = max(one.client.memory for one in ours) / 1e6
    print(
        f"{ratio:.2f} times the clock after the first turn (limit {given.ratio}), "
        f"{peak:.0f} MB (limit {given.memory})"
    )
    return int(ratio > given.ratio or peak > given.memory)


if __name__ == "__main__":
    sys.exit(main())
