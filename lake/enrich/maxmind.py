"""MaxMind's download service: whose account, and one authenticated request.

Decides where credentials come from and what is said when MaxMind refuses; what is fetched and where
it goes is `geoip_update`'s. Addresses and authentication are those of
https://dev.maxmind.com/geoip/updating-databases/#directly-downloading-databases, settings those of
https://github.com/maxmind/geoipupdate/blob/main/doc/GeoIP.conf.md.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lake.errors import AccessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENDPOINT = "https://download.maxmind.com"
EDITIONS = ("GeoLite2-City", "GeoLite2-ASN")
"""The free ones that serve `geo` and `as`."""

CONF_FILES = ("/etc/GeoIP.conf", "/usr/local/etc/GeoIP.conf")
"""Where geoipupdate's own configuration lies, on Linux and on BSD and macOS."""

_TIMEOUT = 60.0  # seconds without a byte
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_HOW = (
    "Set MAXMIND_ACCOUNT_ID and MAXMIND_LICENSE_KEY, or name a GeoIP.conf. An account is free: "
    "https://www.maxmind.com/en/geolite2/signup. Or put other .mmdb files, such as DB-IP's free "
    "ones, into the folder yourself"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A MaxMind account. The key stays out of `repr`, so out of tracebacks and logs."""

    account_id: str
    license_key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]+", self.account_id):
            raise UsageError(
                f"MaxMind account id '{self.account_id}' is not a number. It stands on the account "
                "page of maxmind.com, beside the licence keys."
            )
        if not re.fullmatch(r"[!-~]+", self.license_key):
            raise UsageError("the MaxMind licence key is empty or has blanks in it. Copy it again.")


def credentials(conf: Path | None = None, env: Mapping[str, str] | None = None) -> Credentials:
    """The account: of `conf` where given, else of the environment (MAXMIND_* or geoipupdate's
    GEOIPUPDATE_*, also its *_FILE), else of the usual GeoIP.conf files.

    Raises UsageError where none is found, saying how to get one, or where it is malformed.
    """
    env = os.environ if env is None else env
    if conf is not None:
        return _of_conf(conf)
    account, key = _of_env(env, "ACCOUNT_ID"), _of_env(env, "LICENSE_KEY")
    if account and key:
        return Credentials(account, key)
    if account or key:
        missing = "MAXMIND_LICENSE_KEY" if account else "MAXMIND_ACCOUNT_ID"
        raise UsageError(f"{missing} is not set, its other half is. {_HOW}.")
    if named := env.get("GEOIPUPDATE_CONF_FILE"):
        return _of_conf(Path(named))
    for usual in map(Path, CONF_FILES):
        if usual.is_file():
            return _of_conf(usual)
    raise UsageError(f"no MaxMind account is set. {_HOW}.")


def _of_env(env: Mapping[str, str], name: str) -> str:
    for variable in (f"MAXMIND_{name}", f"GEOIPUPDATE_{name}"):
        if value := env.get(variable, "").strip():
            return value
    if file := env.get(f"GEOIPUPDATE_{name}_FILE"):
        return _text_of(Path(file)).strip()
    return ""


def _of_conf(path: Path) -> Credentials:
    """A GeoIP.conf: a setting a line, name and value parted by blanks, `#` before a comment."""
    settings = dict.fromkeys(("AccountID", "LicenseKey"), "")
    for line in _text_of(path).splitlines():
        name, value = (*line.split(maxsplit=1), "", "")[:2]
        name = {"UserId": "AccountID"}.get(name, name)  # its name until geoipupdate 2.5
        if name in settings:
            settings[name] = value.strip()
    account, key = settings.values()
    # What MaxMind's template says until one fills it in.
    if account in ("", "0", "YOUR_ACCOUNT_ID_HERE") or key in (
        "",
        "0" * 12,
        "YOUR_LICENSE_KEY_HERE",
    ):
        raise UsageError(f"{path} has no AccountID and LicenseKey filled in. {_HOW}.")
    return Credentials(account, key)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}). {_HOW}.") from error


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows MaxMind's redirect to its storage, but never from https to something open."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise urllib.error.URLError(f"redirected from https to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextlib.contextmanager
def ask(address: str, account: Credentials, edition: str) -> Iterator[http.client.HTTPResponse]:
    """The open response to a GET of `address`; read it inside the `with`.

    Raises UsageError for an address that is not https (on this machine http will do), AccessError
    where MaxMind refuses, with its own words, or does not answer.
    """
    url = urllib.parse.urlsplit(address)
    if url.scheme != "https" and (url.scheme != "http" or url.hostname not in _LOOPBACK):
        raise UsageError(f"{address} is not https; the licence key would cross the network openly.")
    pair = f"{account.account_id}:{account.license_key}".encode("ascii")
    request = urllib.request.Request(address, headers={"User-Agent": "siem-lake"})  # noqa: S310
    # Not for the storage MaxMind redirects to: its signed address and a second authentication
    # exclude each other, and the key is none of its business.
    request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    opener = urllib.request.build_opener(_SecureRedirects)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            words = error.read(1000).decode("utf-8", "replace")
        raise AccessError(
            f"{edition}: MaxMind answered {error.code} {error.reason}: {quoted(words)}. "
            f"{_ADVICE.get(error.code, 'Try again later.')}"
        ) from error
    except _UNREACHED as error:
        reason = getattr(error, "reason", None) or error
        raise AccessError(
            f"{edition}: no answer from {url.netloc} ({reason}). Check the network and the proxy; "
            "files fetched elsewhere can be put into the folder by hand."
        ) from error


_UNREACHED = (
    urllib.error.URLError,
    http.client.HTTPException,
    TimeoutError,
    ConnectionError,
    ssl.SSLError,  # of a connection that is cut; else it would be taken for the disk's
    ValueError,  # of a redirect to what is no address
)

_KEY_ADVICE = (
    "Check account id and licence key at https://www.maxmind.com/en/accounts/current/license-key."
)
_ADVICE = {
    401: _KEY_ADVICE,
    403: f"The account may not have this edition. {_KEY_ADVICE}",
    404: f"Check the edition's name; the free ones are {' and '.join(EDITIONS)}.",
    429: "That is the day's limit of downloads; try again tomorrow.",
}


def quoted(words: str) -> str:
    """Somebody else's text on one line, without control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return f"'{text[:300]}'" if text else "(nothing)"
