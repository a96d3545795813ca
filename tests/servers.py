"""Real servers for tests, started on 127.0.0.1 and ended by their process id. Where a server cannot
be had the test is skipped with the reason; with CI_REQUIRE_SERVERS=1 that is a failure."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

ACCESS_KEY = "testkey"
SECRET_KEY = "testsecret1"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_CACHE = Path.home() / ".cache"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server: `url`, the keys of its owner, the program and its folder."""

    url: str
    program: Path
    folder: Path
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    def client(self, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> S3Client:
        """A boto3 client that may write, for filling buckets."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(max_pool_connections=16, s3={"addressing_style": "path"}),
        )

    def upload(self, bucket: str, folder: Path) -> None:
        """A new bucket with a folder's files as objects, their paths below it as keys."""
        client = self.client()
        client.create_bucket(Bucket=bucket)
        files = [path for path in folder.rglob("*") if path.is_file()]

        def put_one(path: Path) -> None:
            key = path.relative_to(folder).as_posix()
            client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put_one, files))

    def environment(self, home: Path) -> dict[str, str]:
        """This process's environment with the owner's keys, and none of this machine's own; there
        is nothing at `home`."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return own | {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
        }

    def add_user(self, name: str, secret: str) -> None:
        """Another account of the server, with no rights on anybody's buckets."""
        owner = ["--access", self.access_key, "--secret", self.secret_key]
        user = ["--access", name, "--secret", secret, "--role", "user"]
        command = [str(self.program), "admin", *owner, "--endpoint-url", self.url]
        subprocess.run([*command, "create-user", *user], check=True, capture_output=True)


def missing(reason: str) -> NoReturn:
    """Skip, or fail where servers are required."""
    if os.environ.get("CI_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{reason} (CI_REQUIRE_SERVERS=1)")
    pytest.skip(reason)


def s3_program() -> Path:
    """versitygw: S3_SERVER_BIN, the caches, PATH, or built with Go."""
    mine = _CACHE / "siem-lake" / "bin" / "versitygw"
    named = os.environ.get("S3_SERVER_BIN")
    on_path = shutil.which("versitygw")
    places = (named, mine, on_path, _CACHE / "s3-servers" / "versitygw")
    for place in places:
        if place and os.access(place, os.X_OK):
            return Path(place)
    go = shutil.which("go")
    if go is None:
        missing("no versitygw (S3_SERVER_BIN, PATH) and no Go to build it with")
    mine.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "GOBIN": str(mine.parent), "GOFLAGS": "-buildvcs=false"}
    built = subprocess.run([go, "install", VERSITYGW], env=env, capture_output=True, text=True)
    if built.returncode:
        missing(f"versitygw could not be built: {built.stderr[-300:]}")
    return mine


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving_s3(folder: Path) -> Iterator[S3Server]:
    """A versitygw whose data lies below an empty folder, until the block ends."""
    program = s3_program()
    for name in ("data", "users"):
        (folder / name).mkdir(parents=True)
    port = free_port()
    options = ["--access", ACCESS_KEY, "--secret", SECRET_KEY, "--region", "us-east-1"]
    options += ["--port", f"127.0.0.1:{port}", "--health", "/healthz", "--quiet"]
    options += ["--iam-dir", str(folder / "users"), "posix", str(folder / "data")]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen([str(program), *options], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        if not _healthy(f"{url}/healthz", process):
            missing(f"versitygw did not start: {(folder / 'log.txt').read_text()[-300:]}")
        yield S3Server(url, program, folder)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A versitygw over an empty folder, for the whole run."""
    with serving_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


def _healthy(url: str, process: subprocess.Popen[bytes], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    return False
