"""`lake ingest s3://...` against a real S3 server: a bucket gives the rows of the folder that was
uploaded to it, and a connection that breaks costs no record."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import logs
import pytest
from engine import ask, balance, contents, fates, put
from logs import FLOW_KEY, TRAIL_KEY
from original import SHARED, lay_out_samples, require

from lake.ingest import IngestOptions, ingest
from lake.query import open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import S3Server

pytestmark = pytest.mark.s3
ROOT = Path(__file__).resolve().parents[2]


def lake(
    server: S3Server, *arguments: str | Path, home: Path, url: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line with the server's keys; `url` where something stands before the server."""
    command = [sys.executable, "-m", "lake.cli", *map(str, arguments)]
    return subprocess.run(
        [*command, "--endpoint-url", url or server.url],
        env=server.environment(home) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def same_rows(bucket: Path, folder: Path, where: str = "") -> int:
    """Compare every table of two lakes, all but where a row lay; gives the number of rows."""
    counts = "SELECT event.dataset, count(*) FROM events GROUP BY ALL ORDER BY 1"
    tables = ask(bucket, counts)
    for table, count in tables:
        found, wanted = (contents(at, table, where) for at in (bucket, folder))
        assert len(found) == count
        assert found.keys() == wanted.keys(), table
        for number, row in found.items():
            assert row == wanted[number], table
    if not where:
        assert tables == ask(folder, counts)
    return sum(count for _, count in tables)


@pytest.mark.parametrize(
    ("every", "rows"), [(12, 250), pytest.param(4, 500, marks=pytest.mark.long)]
)
def test_a_bucket_gives_the_rows_of_its_folder(
    s3_server: S3Server, every: int, rows: int, tmp_path: Path
) -> None:
    folder = lay_out_samples(tmp_path / "logs")
    for path in sorted(p for p in require("corpus").rglob("*.*") if p.is_file())[::every]:
        put(folder, path.relative_to(SHARED / "corpus").as_posix(), b"").write_bytes(
            path.read_bytes()
        )
    bucket = f"evidence-of-all-{every}"
    s3_server.upload(bucket, folder)
    ingest(tmp_path / "folder", [str(folder)], IngestOptions(jobs=2))
    where = ["ingest", f"s3://{bucket}", "--lake", tmp_path / "bucket"]
    done = lake(s3_server, *where, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert same_rows(tmp_path / "bucket", tmp_path / "folder") > rows
    fates = _fates_by_key(tmp_path / "bucket")
    assert fates == _fates_by_key(tmp_path / "folder")
    balance(tmp_path / "bucket")
    again = lake(s3_server, *where, home=tmp_path)
    assert again.returncode == 0
    assert f"{len(fates)} objects (0 B read): {len(fates)} unchanged" in again.stderr


def _fates_by_key(lake: Path) -> list[tuple[object, ...]]:
    """Fates without the duplicates' side: which of two equal objects comes first may differ."""
    query = "SELECT size, status, source, records, rejects FROM objects ORDER BY ALL"
    return ask(lake, query)


@pytest.mark.long
def test_a_day_of_the_demo_from_a_bucket(
    demo_folder: Path, s3_server: S3Server, tmp_path: Path
) -> None:
    s3_server.upload("the-demo", demo_folder / "logs")
    done = lake(
        s3_server, "ingest", "s3://the-demo/", "--lake", tmp_path / "bucket",
        "--geoip", demo_folder / "geoip", "--since", "2025-03-12",
        home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    other = "regexp_matches(replace(log.file.path, '/', '-'), '2025-?03-?1[01]')"
    count = same_rows(tmp_path / "bucket", demo_folder / "lakehouse", f"WHERE NOT {other}")
    assert 15_000 < count < 30_000


@contextmanager
def breaking(url: str, after: int) -> Iterator[tuple[str, list[bool]]]:
    """A proxy before the server that breaks off the bodies of objects, as long as its list holds
    True. It keeps the Host that the request was signed for."""
    on = [True]

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = urllib.request.Request(url + self.path, headers=dict(self.headers))  # noqa: S310
            try:
                answer = urllib.request.urlopen(request)  # noqa: S310 - our own server
            except HTTPError as error:
                answer = error
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            listing = "list-type" in self.path
            ranged = self.headers.get("Range")
            if on[0] and not listing:
                body = b"" if ranged else body[:after]
                self.close_connection = True
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", on
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.long
def test_a_body_that_breaks_off_is_read_again(s3_server: S3Server, tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(300)))
    put(tmp_path / "logs", FLOW_KEY, logs.flow_file(logs.flows(300)))
    s3_server.upload("breaking", tmp_path / "logs")
    lakehouse = tmp_path / "lake"
    with breaking(s3_server.url, 2_000) as (url, on):
        where = ["ingest", "s3://breaking", "--lake", lakehouse, "--jobs", "1"]
        first = lake(s3_server, *where, home=tmp_path, url=url)
        assert first.returncode == 1
        assert "2 failed" in first.stderr
        assert set(fates(lakehouse, "status, rows").values()) == {("failed", 0)}
        reason = next(iter(fates(lakehouse, "reason").values()))[0]
        assert re.search(r"the connection broke 5 times at byte 2,000|S3 sent 2,000 of", reason)
        on[0] = False
        second = lake(s3_server, *where, home=tmp_path, url=url)
        assert second.returncode == 0, second.stderr
    assert ask(lakehouse, "SELECT count(*), count(DISTINCT event.hash) FROM events") == [(600, 600)]
    assert set(fates(lakehouse, "status, records, rows, rejects").values()) == {
        ("read", 300, 300, 0)
    }
    balance(lakehouse)


@pytest.mark.long
def test_an_object_that_changes_moves_and_comes_again(s3_server: S3Server, tmp_path: Path) -> None:
    """The same key with other content, the same content under another key and in another bucket."""
    client = s3_server.client()
    for bucket in ("late", "copy"):
        client.create_bucket(Bucket=bucket)

    def take(bucket: str, key: str, last: int) -> list[tuple[int, int]]:
        body = logs.flow_file(logs.flows(last))
        client.put_object(Bucket=bucket, Key=key, Body=body)
        where = [f"s3://{name}" for name in ("late", "copy")]
        done = lake(s3_server, "ingest", *where, "--lake", tmp_path / "lake", home=tmp_path)
        assert done.returncode == 0, done.stderr
        balance(tmp_path / "lake")
        latest = "WHERE batch = (SELECT max(batch) FROM objects)"
        return ask(tmp_path / "lake", f"SELECT rows, duplicates FROM objects {latest}")

    key = FLOW_KEY.removesuffix(".gz")
    assert take("late", key, 3) == [(3, 0)]
    assert take("late", key, 5) == [(2, 3)]
    assert take("late", f"moved/{key}", 5) == [(0, 5)]
    assert take("copy", key, 5) == [(0, 5)]
    before = open_lake(tmp_path / "lake").version
    take("late", key, 5)  # uploaded again, with the same ETag
    assert open_lake(tmp_path / "lake").version == before
    states = "SELECT path, superseded FROM objects ORDER BY batch, path"
    assert ask(tmp_path / "lake", states) == [
        (f"s3://late/{key}", True),
        (f"s3://late/{key}", False),
        (f"s3://late/moved/{key}", False),
        (f"s3://copy/{key}", False),
    ]
    assert ask(tmp_path / "lake", "FROM superseded_rows") == []
