"""What a bucket costs, by hand: small objects of flows in a real S3 server, each answer of which
comes so many milliseconds late, as over a network. Prints time by the clock and CPU of the first
`lake ingest`, of the same once more, and of the same objects in a folder.

`python tests/bucket_load.py --objects 5000 --records 20 --delay 20`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from servers import free_port, serving_s3

from bench.made.data import Layout, write_logs
from bench.processes import LAKE, run

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "logs"


class Late:
    """Connections that are handed on to a port, each answer after a delay in seconds."""

    def __init__(self, port: int, delay: float) -> None:
        self._port, self._delay = port, delay

    async def hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until both sides have said all."""
        answers, asks = await asyncio.open_connection("127.0.0.1", self._port)
        asked = asyncio.Event()

        async def ask() -> None:
            while block := await reader.read(1 << 16):
                asked.set()
                asks.write(block)
                await asks.drain()
            asks.close()

        async def answer() -> None:
            while block := await answers.read(1 << 16):
                if asked.is_set():
                    asked.clear()
                    await asyncio.sleep(self._delay)
                writer.write(block)
                await writer.drain()
            writer.close()

        await asyncio.gather(ask(), answer(), return_exceptions=True)


@contextmanager
def late(port: int, delay: float) -> Iterator[str]:
    """The URL at which a server answers so many seconds late. In a thread of this process: what is
    measured are others."""
    ours, loop = free_port(), asyncio.new_event_loop()
    handing = Late(port, delay)
    loop.run_until_complete(asyncio.start_server(handing.hand_on, "127.0.0.1", ours))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{ours}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def main() -> None:
    """Make the objects, serve them, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5_000)
    parser.add_argument("--records", type=int, default=20, help="records of an object")
    parser.add_argument("--delay", type=float, default=20, help="milliseconds of each answer")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bucket-"))
    try:
        with serving_s3(folder / "s3") as server:
            place = folder / "s3" / "data" / BUCKET
            layout = Layout(objects=given.objects, days=5, accounts=3)
            write_logs(
                place, {"vpcflow": given.objects * given.records}, layout, os.cpu_count() or 1
            )
            os.environ |= server.environment(folder)
            port = int(server.url.rpartition(":")[2])
            with late(port, given.delay / 1_000) as url:
                bucket = [f"s3://{BUCKET}", "--endpoint-url", url, "--lake", str(folder / "a")]
                asked = {"bucket": bucket, "once more": bucket}
                asked["folder"] = [str(place), "--lake", str(folder / "b")]
                for name, words in asked.items():
                    took = run([*LAKE, "ingest", *words])
                    print(f"{name}: {took.wall:.1f} s by the clock, {took.cpu:.1f} of CPU")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
