"""What an OpenSearch holds after `lake export opensearch`: what the lake holds, whatever happens
on the way. Against a real server."""

from __future__ import annotations

import base64
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import original
import pytest
import small_lake
from command import Ran, run_lake
from conflicts import conflicting, write_conflicts

from lake.export.bulk import Bulk, ExportError, Item, Pace
from lake.export.opensearch import export
from lake.export.report import ExportOptions, ExportReport
from lake.export.target import Place, connect
from lake.ingest import IngestOptions, ingest
from lake.query import open_lake
from lake.sources.catalogue import catalogue
from lake.store.table import Store
from lake.upkeep.compact import CompactOptions, compact
from lake.upkeep.forget import forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opensearch_server import OpenSearchServer


Command = Callable[..., Ran]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return lambda *words: run_lake(words, monkeypatch, capsys)


def send(server: OpenSearchServer, lake: Path, **options: Any) -> ExportReport:  # noqa: ANN401
    return export(lake, Place(server.url), ExportOptions(**options))


def rows(lake: Path, where: str = "true") -> dict[str, set[str]]:
    """Index -> ids, as the lake has them."""
    opened = open_lake(lake)
    found: dict[str, set[str]] = {}
    for table in opened.tables():
        index = catalogue()[table].index
        query = f"SELECT strftime(\"@timestamp\", '%Y-%m'), event.hash FROM {table} WHERE {where}"
        for month, identity in opened.sql(query).fetchall():
            found.setdefault(f"{index}-{month}", set()).add(str(identity))
    return found


def sent(report: ExportReport) -> int:
    return sum(count.sent for count in report.tables.values())


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """The small lake with the events that change type."""
    small_lake.make(tmp_path)
    write_conflicts(tmp_path / "more")
    ingest(tmp_path / "lakehouse", [str(tmp_path / "more")], IngestOptions(jobs=1))
    return tmp_path / "lakehouse"


@pytest.mark.opensearch
def test_the_index_is_equal_to_the_lake(opensearch: OpenSearchServer, lake: Path) -> None:
    """With all that an index which maps what comes refuses; a second run sends nothing."""
    due = sum(map(len, rows(lake).values()))
    assert due == 14 + len(conflicting())
    first = send(opensearch, lake)
    assert (sent(first), first.reasons, first.notes, first.complete) == (due, {}, [], True)
    assert opensearch.ids() == rows(lake)
    again = send(opensearch, lake)
    assert (sent(again), again.complete) == (0, True)
    anew = send(opensearch, lake, again=True)
    assert (sent(anew), anew.complete) == (due, True)
    assert opensearch.ids() == rows(lake)


@pytest.mark.opensearch
def test_what_dashboards_ask(opensearch: OpenSearchServer, lake: Path) -> None:
    send(opensearch, lake)
    opensearch.ask("POST", "/log-*/_refresh")

    def count(query: str) -> int:
        body = {"query": {"query_string": {"query": query}}}
        return int(opensearch.ask("POST", "/log-aws-cloudtrail-*/_count", body)["count"])

    assert count('errorCode:"AccessDenied"') == 1
    assert count('userIdentity.type:"Root"') == 2
    assert count('source.geo.country_iso_code:"SG"') == 10
    assert count('source.ip:"8.8.4.0/24"') == 10 + len(conflicting())
    assert count('responseElements.ConsoleLogin:"Failure"') == 1
    assert count('flat.requestParameters.source.s3:"bucket"') == 1
    body = {"size": 0, "aggs": {"n": {"sum": {"field": "additionalEventData.bytesTransferredIn"}}}}
    answer = opensearch.ask("POST", "/log-aws-cloudtrail-*/_search", body)
    assert answer["aggregations"]["n"]["value"] == 1500.0


@pytest.mark.opensearch
def test_what_is_chosen(opensearch: OpenSearchServer, lake: Path) -> None:
    where = "event.action = 'GetObject'"
    report = send(opensearch, lake, sources=("cloudtrail",), where=where)
    assert (sent(report), report.tables.keys()) == (1, {"cloudtrail"})
    assert opensearch.ids() == rows(lake, where)
    assert sent(send(opensearch, lake, since=date(2024, 3, 2))) == 0
    counted = send(opensearch, lake, dry_run=True, where="event.action = 'ConsoleLogin'")
    assert sent(counted) == len(set().union(*rows(lake, "event.action = 'ConsoleLogin'").values()))
    counted = send(opensearch, lake, dry_run=True)
    assert sent(counted) == counted.tables["cloudtrail"].rows + 1
    assert opensearch.ids() == rows(lake, where)
    assert sent(send(opensearch, lake)) == sent(counted)
    assert opensearch.ids() == rows(lake)


@pytest.mark.opensearch
def test_what_has_changed_is_sent(opensearch: OpenSearchServer, lake: Path, tmp_path: Path) -> None:
    """New rows alone after an ingest, nothing after a compaction, and what is forgotten goes."""
    send(opensearch, lake)
    new = tmp_path / "new/AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01/new.json"
    new.parent.mkdir(parents=True)
    records = [
        small_lake.event(50, "13:00:00", "s3", "GetObject"),
        small_lake.event(51, "13:00:00", "s3", "GetObject", eventTime="2024-04-01T00:00:00Z"),
    ]
    new.write_text(json.dumps({"Records": records}))
    ingest(lake, [str(tmp_path / "new")], IngestOptions(jobs=1))
    assert sent(send(opensearch, lake)) == 2
    assert opensearch.ids() == rows(lake)
    compact(lake, CompactOptions())
    assert sent(send(opensearch, lake)) == 0
    assert opensearch.ids() == rows(lake)
    forget(lake, date(2024, 3, 15))
    report = send(opensearch, lake)
    assert (sent(report), report.complete) == (0, True)
    assert sum(count.deleted for count in report.tables.values()) == 15 + len(conflicting())
    assert opensearch.ids() == rows(lake) != {}


@pytest.mark.opensearch
def test_what_an_ingest_merges_is_not_sent_again(
    opensearch: OpenSearchServer, lake: Path, tmp_path: Path
) -> None:
    """The files that stood became one, and another came, between two exports."""

    def deliver(number: int, compact: bool) -> None:
        folder = tmp_path / f"{number}/AWSLogs/111111111111/CloudTrail/us-east-1/2024/03/01"
        folder.mkdir(parents=True)
        record = small_lake.event(100 + number, "14:00:00", "s3", "GetObject")
        (folder / f"{number}.json").write_text(json.dumps({"Records": [record]}))
        given = IngestOptions(jobs=1, compact=compact)
        merged = ingest(lake, [str(tmp_path / f"{number}")], given).merged
        assert bool(merged.partitions) == compact

    for number in range(8):
        deliver(number, compact=False)
    send(opensearch, lake)
    deliver(8, compact=True)
    assert sent(send(opensearch, lake)) == 1
    assert opensearch.ids() == rows(lake)
    assert sent(send(opensearch, lake)) == 0


@pytest.mark.opensearch
def test_a_document_deleted_by_others_is_told(opensearch: OpenSearchServer, lake: Path) -> None:
    send(opensearch, lake)
    (index,) = opensearch.ids("log-aws-cloudtrail-*")
    gone = min(opensearch.ids()[index])
    opensearch.ask("DELETE", f"/{index}/_doc/{gone}")
    report = send(opensearch, lake)
    assert not report.complete
    assert "the indices do not hold what the lake does: cloudtrail" in report.notes[0]
    send(opensearch, lake, again=True)
    assert opensearch.ids() == rows(lake)


@pytest.mark.opensearch
def test_refused_documents_are_kept_with_the_reason(
    opensearch: OpenSearchServer, lake: Path, command: Command
) -> None:
    """An index that somebody else made, in which one field is of another type."""
    fields = {"own": {"type": "object"}, "eventName": {"type": "long"}}
    mappings = {"dynamic": False, "properties": fields}
    body = {"settings": {"index.mapping.total_fields.limit": 3000}, "mappings": mappings}
    opensearch.ask("PUT", "/log-aws-cloudtrail-2024-03", body)
    with pytest.raises(Exception, match="eventName"):
        send(opensearch, lake)
    opensearch.clear()
    body["settings"]["index.blocks.write"] = True
    body["mappings"] = {}
    opensearch.ask("PUT", "/log-aws-cloudtrail-2024-03", body)
    code, _, words = command("export", "opensearch", opensearch.url, "--lake", str(lake))
    due = len(rows(lake)["log-aws-cloudtrail-2024-03"])
    assert code == 1
    assert f"{due:,} refused" in words
    assert "blocked by: [FORBIDDEN/8/index write (api)]" in words
    told = open_lake(lake).sql(
        'SELECT source, count(DISTINCT hash), min("index"), min(target) FROM export_rejects '
        "GROUP BY source ORDER BY source"
    )
    index = "log-aws-cloudtrail-2024-03"
    told = told.fetchall()
    assert sum(row[1] for row in told) == due
    assert {row[2:] for row in told} == {(index, opensearch.url)}
    opensearch.ask("PUT", f"/{index}/_settings", {"index.blocks.write": False})
    later = send(opensearch, lake)
    assert (sent(later), later.complete) == (0, False)
    assert sent(send(opensearch, lake, again=True)) == due
    assert opensearch.ids() == rows(lake)


def killed(server: OpenSearchServer, lake: Path, seconds: float) -> int:
    command = [sys.executable, "-m", "lake.cli", "export", "opensearch", server.url]
    process = subprocess.Popen(
        [*command, "--lake", str(lake), "--bulk-size", "50kB"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait(30)


@pytest.mark.opensearch
@pytest.mark.parametrize("kills", [2, 10])
def test_killed_and_resumed(opensearch: OpenSearchServer, lake: Path, kills: int) -> None:
    chance = random.Random(kills)
    for _ in range(kills):
        killed(opensearch, lake, 0.8 + 2 * chance.random())
    report = send(opensearch, lake)
    assert (report.complete, opensearch.ids()) == (True, rows(lake))


@pytest.mark.opensearch
def test_the_server_stops_in_the_middle(opensearch: OpenSearchServer, lake: Path) -> None:
    """An export waits for it, and goes on."""
    stopped = threading.Event()

    def restart() -> None:
        opensearch.stop()
        stopped.set()
        time.sleep(1)
        opensearch.start()

    place, options = Place(opensearch.url), ExportOptions(bulk_size=20_000, jobs=1, patience=120)
    restarting = threading.Thread(target=restart)

    def at_first(_: object) -> None:
        if restarting.ident is None:
            restarting.start()
            assert stopped.wait(60)

    report = export(lake, place, options, at_first)
    restarting.join(120)
    assert not restarting.is_alive()
    assert (report.complete, opensearch.ids()) == (True, rows(lake))


@pytest.mark.opensearch
def test_all_samples_and_the_demo(
    opensearch: OpenSearchServer, demo_folder: Path, tmp_path: Path
) -> None:
    report = send(opensearch, demo_folder / "lakehouse", again=True)
    assert report.complete
    assert opensearch.ids() == rows(demo_folder / "lakehouse")
    opensearch.clear()
    logs = [str(original.lay_out_samples(tmp_path / "b")), str(original.require("corpus"))]
    ingest(tmp_path / "samples", logs, IngestOptions())
    assert send(opensearch, tmp_path / "samples").complete
    assert opensearch.ids() == rows(tmp_path / "samples")


# -- servers that are none, or not well: no OpenSearch needed ---------------------------------


class Odd(BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it was asked."""

    answers: list[tuple[int, bytes]] = []  # noqa: RUF012  each test's own class has its own
    seen: list[dict[str, str]] = []  # noqa: RUF012

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.seen.append(dict(self.headers))
        status, body = self.answers[min(len(self.seen), len(self.answers)) - 1]
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A lake without a row."""
    Store.create(tmp_path / "lakehouse")
    return tmp_path / "lakehouse"


@pytest.fixture
def odd() -> Iterator[tuple[type[Odd], str]]:
    handler = type("Own", (Odd,), {"answers": [], "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


ELASTIC = b'{"version": {"number": "8.1.0"}, "tagline": "You Know, for Search"}'


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"{}", "refuses the user or password (401). Set OPENSEARCH_USERNAME"),
        (403, b'{"error": "no permissions"}', "does not allow this (403): no permissions"),
        (200, ELASTIC, "is not OpenSearch (version 8.1.0 of another program"),
        (200, b"<html>", "is not OpenSearch"),
        (404, b"{}", "is not OpenSearch (404)"),
    ],
)
def test_what_is_no_opensearch(
    odd: tuple[type[Odd], str], empty: Path, command: Command, status: int, body: bytes, words: str
) -> None:
    handler, url = odd
    handler.answers.append((status, body))
    code, _, told = command("export", "opensearch", url, "--lake", str(empty))
    assert (code, words in told) == (2, True), told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["http://127.0.0.1:1"], "no server answers at http://127.0.0.1:1 ([Errno 111] Connection"),
        (["https://me:secret@127.0.0.1:1"], "the URL holds a user or password"),
        (["127.0.0.1:9200"], "127.0.0.1:9200 is no URL. Write https://HOST:PORT."),
        (["http://127.0.0.1:x"], "http://127.0.0.1:x is no URL. Write https://HOST:PORT."),
        (["http://[::1"], "http://[::1 is no URL. Write https://HOST:PORT."),
        (["https://127.0.0.1:1", "--ca", "/nowhere"], "--ca /nowhere: there is no such file."),
        (["https://127.0.0.1:1", "--aws", "s3"], "--aws s3: a service is one of es, aoss."),
    ],
)
def test_a_place_that_cannot_be_used(
    empty: Path, command: Command, words: list[str], told: str
) -> None:
    code, _, err = command("export", "opensearch", *words, "--lake", str(empty))
    assert (code, told in err, "secret" in err) == (2, True, False), err


def test_a_server_without_tls(odd: tuple[type[Odd], str], empty: Path, command: Command) -> None:
    url = odd[1].replace("http:", "https:")
    code, _, err = command("export", "opensearch", url, "--lake", str(empty))
    assert (code, "the server speaks no TLS. Write http://" in err) == (2, True), err


def test_who_asks(
    odd: tuple[type[Odd], str], empty: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user of the environment, of netrc, and AWS's signature."""
    handler, url = odd
    handler.answers.append((401, b"{}"))
    words = ("export", "opensearch", url, "--lake", str(empty))
    netrc = empty / "netrc"
    netrc.write_text("machine 127.0.0.1 login two password pass-2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert "pass-2" not in command(*words)[2]
    monkeypatch.setenv("OPENSEARCH_USERNAME", "one")
    assert "go together: set both, or neither" in command(*words)[2]
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "pass-1")
    assert "pass-1" not in command(*words)[2]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "signing-secret")
    command(*words, "--aws", "es", "--region", "eu-west-1")
    basic = [base64.b64encode(who).decode() for who in (b"two:pass-2", b"one:pass-1")]
    heads = [{name.lower(): value for name, value in one.items()} for one in handler.seen]
    assert [head["authorization"] for head in heads[:2]] == [f"Basic {who}" for who in basic]
    assert heads[2]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/es/aws4_request" in heads[2]["authorization"]


def test_requests_are_sent_again_slower(odd: tuple[type[Odd], str]) -> None:
    """429 for one document and for a whole request, 503, then a body that is too large."""
    handler, url = odd

    def told(*statuses: int) -> bytes:
        return json.dumps({"items": [{"index": {"status": s}} for s in statuses]}).encode()

    handler.answers += [(429, b"{}"), (503, b"{}"), (200, told(201, 429, 400)), (413, b"{}")]
    handler.answers += [(200, told(201))]
    settled: list[tuple[int, dict[int, str]]] = []
    place = Place(url)
    bulk = Bulk(connect(place), place, lambda items, no: settled.append((len(items), no)), jobs=1)
    for number in range(3):
        bulk.add(Item({"index": {"_index": "i", "_id": str(number)}}, "{}"))
    bulk.finish()
    bulk.close()
    ((count, refused),) = settled
    assert (count, sorted(refused), refused[1].startswith("413: ")) == (3, [1, 2], True)
    assert len(handler.seen) == 4


def test_what_was_on_its_way_when_the_pace_fell_does_not_slow_it_again() -> None:
    pace = Pace()
    pace.refused()
    pace.refused()
    assert pace.delay == 0.25
    pace.slowed -= 0.25
    pace.refused()
    assert pace.delay == 0.5
    for left in (0.125, 0.03125, 0.0):
        pace.accepted()
        assert pace.delay == left


def test_a_body_is_as_large_as_its_bytes() -> None:
    assert Item({"index": {}}, '{"a":"\u6f22"}').size == 100 + 11


def test_an_end_to_patience(odd: tuple[type[Odd], str]) -> None:
    handler, url = odd
    handler.answers.append((503, b"{}"))
    place = Place(url)
    bulk = Bulk(connect(place), place, lambda *_: None, patience=0.5)
    bulk.add(Item({"index": {"_index": "i", "_id": "1"}}, "{}"))
    with pytest.raises(ExportError, match="has taken nothing for 0 s"):
        bulk.finish()
    bulk.close()
