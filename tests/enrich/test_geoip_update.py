"""Fetching databases from a real HTTP server on this machine that answers as MaxMind's does."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import os
import socket
import ssl
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import mmdb_writer
import pytest
from netaddr import IPSet

from lake.enrich import geoip_update, maxmind
from lake.enrich.geoip import GeoIP
from lake.enrich.geoip_update import Credentials, credentials, update
from lake.errors import AccessError, LakeError, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = Credentials("123456", "secret_Key_mmk")
CITY = {"city": {"names": {"en": "London"}}, "country": {"iso_code": "GB"}}
SYSTEM = {"autonomous_system_number": 29518, "autonomous_system_organization": "Bredband2 AB"}
BUILT = 1_770_245_369  # 2026-02-04T22:49:29Z


@dataclass
class Server:
    """What it serves, and what it was asked. `files` are bodies by path and query."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirect: bool = False
    elsewhere: str = ""
    """Where it redirects to, if not to its storage."""
    cut: int = 0
    refuse: tuple[int, str] | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offer(self, edition: str, archive: bytes, sha256: str | None = None) -> None:
        path = f"/geoip/databases/{edition}/download?suffix=tar.gz"
        self.files[path] = archive
        digest = sha256 or hashlib.sha256(archive).hexdigest()
        self.files[f"{path}.sha256"] = f"{digest}  {edition}_20260204.tar.gz\n".encode()

    def downloads(self) -> list[str]:
        return [path for path, _ in self.requests if path.endswith("tar.gz")]


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    wanted = "Basic " + base64.b64encode(b"123456:secret_Key_mmk").decode()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            state.requests.append((self.path, given))
            stored = self.path.removeprefix("/storage")
            if state.refuse:
                return self.say(state.refuse[0], state.refuse[1].encode())
            if stored == self.path:
                if given != wanted:
                    return self.say(401, b"Invalid account ID or license key\n")
                if state.redirect:
                    self.send_response(302)
                    storage = f"{state.endpoint}/storage{self.path}"
                    self.send_header("Location", state.elsewhere or storage)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
            elif given:  # as R2 does
                return self.say(400, b"Only one auth mechanism allowed")
            if stored not in state.files:
                return self.say(404, b"Database edition not found")
            return self.say(200, state.files[stored])

        def say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = state.cut if self.path.endswith("tar.gz") else 0
            self.wfile.write(body[: len(body) - cut])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        state.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    return _database(tmp_path, monkeypatch, "GeoLite2-City", CITY)


@pytest.fixture
def asn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    return _database(tmp_path, monkeypatch, "GeoLite2-ASN", SYSTEM)


def _database(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    record: dict[str, object],
    built: int = BUILT,
) -> bytes:
    monkeypatch.setattr(mmdb_writer.time, "time", lambda: built)
    writer = mmdb_writer.MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    writer.insert_network(IPSet(["81.2.69.0/24"]), record)
    path = folder / "made.mmdb"
    writer.to_db_file(str(path))
    monkeypatch.undo()
    return path.read_bytes()


def _archive(name: str, body: bytes) -> bytes:
    """As MaxMind packs it: a folder with the date, licence texts, the database."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        folder = tarfile.TarInfo("GeoLite2_20260204")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for member, content in (("GeoLite2_20260204/LICENSE.txt", b"words"), (name, body)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("redirect", [False, True])
def test_both_editions_are_fetched_and_serve(
    server: Server, city: bytes, asn: bytes, tmp_path: Path, redirect: bool
) -> None:
    server.offer("GeoLite2-City", _archive("GeoLite2_20260204/GeoLite2-City.mmdb", city))
    server.offer("GeoLite2-ASN", _archive("GeoLite2_20260204/GeoLite2-ASN.mmdb", asn))
    server.redirect = redirect
    folder = tmp_path / "new" / "geoip"
    first, second = update(folder, ACCOUNT, endpoint=server.endpoint)
    assert (first.edition, first.path, first.changed, first.build) == (
        "GeoLite2-City", folder / "GeoLite2-City.mmdb", True, "GeoLite2-City 2026-02-04T22:49:29Z",
    )  # fmt: skip
    assert second.build == "GeoLite2-ASN 2026-02-04T22:49:29Z"
    assert _names(folder) == [
        "GeoLite2-ASN.json", "GeoLite2-ASN.mmdb", "GeoLite2-City.json", "GeoLite2-City.mmdb",
    ]  # fmt: skip
    assert first.path.read_bytes() == city
    assert first.path.stat().st_mode & 0o777 == 0o644
    row = GeoIP.open([folder]).lookup(["81.2.69.142"]).to_pylist()[0]
    assert row["geo"]["city_name"] == "London"
    assert row["as"] == {"number": 29518, "organization": {"name": "Bredband2 AB"}}


def test_the_key_is_not_sent_where_maxmind_redirects_to(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", city))
    server.redirect = True
    update(tmp_path, ACCOUNT, ["GeoLite2-City"], server.endpoint)
    assert [given is None for path, given in server.requests] == [False, True, False, True]
    assert [path.startswith("/storage") for path, _ in server.requests] == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_redirect_to_no_address_and_a_cut_connection(server: Server, tmp_path: Path) -> None:
    """Neither is the disk's fault."""
    server.redirect = True
    for elsewhere, words in (("http://[bad", "Invalid IPv6"), ("file:///etc", "302 Found")):
        server.elsewhere = elsewhere
        with pytest.raises(AccessError, match=words):
            update(tmp_path, ACCOUNT, ["GeoLite2-City"], server.endpoint)
    server.elsewhere = f"{server.endpoint}/storage/geoip/databases/x"
    server.files["/geoip/databases/x"] = b""
    with (
        pytest.raises(AccessError, match=r"no answer from .*EOF occurred"),
        maxmind.ask(f"{server.endpoint}/x", ACCOUNT, "GeoLite2-City"),
    ):
        raise ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    assert _names(tmp_path) == []


def test_what_is_there_is_not_fetched_again(
    server: Server, city: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> geoip_update.Update:
        return update(tmp_path / "geoip", ACCOUNT, ["GeoLite2-City"], server.endpoint)[0]

    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", city))
    assert run().changed
    again = run()
    assert (again.changed, again.build) == (False, "GeoLite2-City 2026-02-04T22:49:29Z")
    assert len(server.downloads()) == 1

    again.path.write_bytes(city + b"touched")
    assert run().changed
    assert again.path.read_bytes() == city
    (tmp_path / "geoip" / "GeoLite2-City.json").write_text("[]")
    assert run().changed
    assert len(server.downloads()) == 3

    newer = _database(tmp_path, monkeypatch, "GeoLite2-City", CITY, BUILT + 86_400)
    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", newer))
    assert run().build == "GeoLite2-City 2026-02-05T22:49:29Z"
    assert again.path.read_bytes() == newer


def test_a_wrong_key_gives_maxminds_own_words(server: Server, tmp_path: Path) -> None:
    wrong = Credentials("123456", "wrong_key")
    with pytest.raises(AccessError) as raised:
        update(tmp_path, wrong, endpoint=server.endpoint)
    assert str(raised.value) == (
        "GeoLite2-City: MaxMind answered 401 Unauthorized: 'Invalid account ID or license key'. "
        "Check account id and licence key at "
        "https://www.maxmind.com/en/accounts/current/license-key."
    )
    assert _names(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "words", "message"),
    [
        (403, "No permission", "403 Forbidden: 'No permission'. The account may not have this"),
        (404, "\x1b[31mno\r\nsuch", "404 Not Found: '[31mno such'. Check the edition's name; the"),
        (429, "Daily limit", "429 Too Many Requests: 'Daily limit'. That is the day's limit of"),
        (503, "", "503 Service Unavailable: (nothing). Try again later."),
    ],
)
def test_other_refusals_say_what_to_do(
    server: Server, tmp_path: Path, status: int, words: str, message: str
) -> None:
    server.refuse = (status, words)
    with pytest.raises(AccessError) as raised:
        update(tmp_path, ACCOUNT, endpoint=server.endpoint)
    assert message in str(raised.value)


def _present(server: Server, city: bytes, folder: Path) -> None:
    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", city))
    update(folder, ACCOUNT, ["GeoLite2-City"], server.endpoint)


def test_whatever_goes_wrong_the_old_database_stays(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "geoip"
    _present(server, city, folder)
    other = _archive("GeoLite2-City.mmdb", city + b"newer")
    big = _archive("GeoLite2-City.mmdb", os.urandom(1 << 20))
    cases: list[tuple[bytes, str | None, int, str]] = [
        (other, "0" * 64, 0, "SHA-256 is .*, MaxMind says 0000.*Nothing was replaced"),
        (big, None, 500_000, "bytes came. Nothing was replaced; run 'lake geoip update' again"),
        (other, "<html>", 0, "in place of the archive's SHA-256 is '<html>"),
        (b"plain words", None, 0, "does not unpack .not a gzip file.*Nothing was replaced"),
        (gzip.compress(os.urandom(9_000)), None, 0, "does not unpack"),
        (other[:-40], None, 0, "does not unpack"),
        (_archive("GeoLite2-City.csv", b"1,2"), None, 0, "holds no .mmdb file"),
        (_archive("GeoLite2-City.mmdb", b"words"), None, 0, "its database does not open"),
    ]
    for archive, sha256, cut, message in cases:
        server.offer("GeoLite2-City", archive, sha256)
        server.cut = cut
        with pytest.raises(LakeError, match=message):
            update(folder, ACCOUNT, ["GeoLite2-City"], server.endpoint)
        assert _names(folder) == ["GeoLite2-City.json", "GeoLite2-City.mmdb"]
        assert (folder / "GeoLite2-City.mmdb").read_bytes() == city


def test_paths_and_links_in_the_archive_mean_nothing(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        link = tarfile.TarInfo("GeoLite2-City.mmdb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name in ("/abs/../../evil.mmdb", "second.mmdb"):
            info = tarfile.TarInfo(name)
            info.size = len(city)
            tar.addfile(info, io.BytesIO(city))
    server.offer("GeoLite2-City", packed.getvalue())
    folder = tmp_path / "a" / "b"
    update(folder, ACCOUNT, ["GeoLite2-City"], server.endpoint)
    assert _names(folder) == ["GeoLite2-City.json", "GeoLite2-City.mmdb"]
    assert (folder / "GeoLite2-City.mmdb").read_bytes() == city
    assert not (folder / "GeoLite2-City.mmdb").is_symlink()
    assert _names(tmp_path) == ["a", "made.mmdb"]


def test_sizes_are_limited(
    server: Server, city: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "geoip"
    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", bytes(5_000_000)))
    monkeypatch.setattr(geoip_update, "SIZE_LIMIT", 1_000_000)
    with pytest.raises(LakeError, match="unpacked it is over 1,000,000 bytes"):
        update(folder, ACCOUNT, ["GeoLite2-City"], server.endpoint)
    monkeypatch.setattr(geoip_update, "SIZE_LIMIT", 1_000)
    with pytest.raises(LakeError, match="the archive is over 1,000 bytes"):
        update(folder, ACCOUNT, ["GeoLite2-City"], server.endpoint)
    assert _names(folder) == []


def test_no_server_no_https_no_edition_no_folder(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AccessError, match=r"no answer from 127\.0\.0\.1:\d+ \(.*refused\)"):
            update(tmp_path, ACCOUNT, endpoint=nobody)
    for open_address in ("http://download.example", "file://localhost/etc", "ftp://127.0.0.1"):
        with pytest.raises(UsageError, match="is not https; the licence key would cross"):
            update(tmp_path, ACCOUNT, endpoint=open_address)
    with pytest.raises(UsageError, match=r"'\.\./x' is no edition. Known: GeoLite2-City, GeoLite2"):
        update(tmp_path, ACCOUNT, ["../x"], server.endpoint)
    server.offer("GeoLite2-City", _archive("GeoLite2-City.mmdb", city))
    with pytest.raises(StorageError, match=r"cannot write .*made\.mmdb"):
        update(tmp_path / "made.mmdb", ACCOUNT, endpoint=server.endpoint)


@pytest.mark.parametrize(
    "env",
    [
        {"MAXMIND_ACCOUNT_ID": "42", "MAXMIND_LICENSE_KEY": " abc \n"},
        {"GEOIPUPDATE_ACCOUNT_ID": "42", "GEOIPUPDATE_LICENSE_KEY": "abc"},
        {"MAXMIND_ACCOUNT_ID": "42", "GEOIPUPDATE_LICENSE_KEY_FILE": "{}/key"},
        {"GEOIPUPDATE_CONF_FILE": "{}/GeoIP.conf"},
        {"GEOIPUPDATE_CONF_FILE": "{}/old.conf"},
    ],
)
def test_credentials_are_found(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc\n")
    (tmp_path / "GeoIP.conf").write_text(
        "# LicenseKey none\nAccountID\t42\n  LicenseKey  abc \nEditionIDs GeoLite2-City\n"
    )
    (tmp_path / "old.conf").write_text("UserId 42\nLicenseKey abc\n")
    found = credentials(env={name: value.format(tmp_path) for name, value in env.items()})
    assert (found.account_id, found.license_key) == ("42", "abc")
    assert "abc" not in repr(found)


def test_a_named_file_goes_before_the_environment(tmp_path: Path) -> None:
    conf = tmp_path / "GeoIP.conf"
    conf.write_text("AccountID 7\nLicenseKey other\n")
    env = {"MAXMIND_ACCOUNT_ID": "42", "MAXMIND_LICENSE_KEY": "abc"}
    assert credentials(conf, env).account_id == "7"


def test_missing_and_malformed_credentials_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maxmind, "CONF_FILES", (str(tmp_path / "usual.conf"),))
    with pytest.raises(UsageError, match=r"no MaxMind account is set. Set MAXMIND_ACCOUNT_ID and"):
        credentials(env={})
    (tmp_path / "usual.conf").write_text("AccountID 7\nLicenseKey usual\n")
    assert credentials(env={}).license_key == "usual"
    with pytest.raises(UsageError, match=r"MAXMIND_LICENSE_KEY is not set, its other half is"):
        credentials(env={"MAXMIND_ACCOUNT_ID": "42"})
    with pytest.raises(UsageError, match=r"none\.conf cannot be read"):
        credentials(tmp_path / "none.conf", env={})
    template = tmp_path / "template.conf"
    template.write_text("AccountID 0\nLicenseKey 000000000000\n")
    with pytest.raises(UsageError, match=r"template\.conf has no AccountID and LicenseKey filled"):
        credentials(template)
    for account, key in (("123456.", "abc"), ("me@example.com", "abc"), ("42", "a b"), ("42", "ü")):
        with pytest.raises(UsageError, match=r"account id|licence key"):
            Credentials(account, key)


def test_a_killed_run_leaves_no_file_that_is_taken_for_a_database(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "geoip"
    _present(server, city, folder)
    with contextlib.ExitStack() as stack:
        left = stack.enter_context(geoip_update._scratch(folder, "GeoLite2-City"))
        left.write_bytes(city[:100])
        assert GeoIP.open([folder]).builds == "GeoLite2-City 2026-02-04T22:49:29Z"
    assert not left.exists()


def test_what_killed_runs_have_left_goes_and_what_another_writes_stays(
    server: Server, city: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "geoip"
    folder.mkdir()
    left, written = folder / ".GeoLite2-City.a1.part", folder / ".GeoLite2-City.b2.part"
    for part in (left, written):
        part.write_bytes(city[:100])
    os.utime(left, (time.time() - 7_200,) * 2)
    _present(server, city, folder)
    assert not left.exists() and written.exists()
