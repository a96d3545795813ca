"""The OpenSearch that documents go to: how it is reached, who asks, and what it is.

Secrets come from the environment or a netrc file and are nowhere else: not in a URL, an error or a
log. What goes wrong at the first request is told apart here, in words that say what to do.
"""

from __future__ import annotations

import logging
import netrc
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lake.documents.jsontext import as_json
from lake.errors import AccessError, UsageError

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

USER, PASSWORD = "OPENSEARCH_USERNAME", "OPENSEARCH_PASSWORD"
SERVICES = ("es", "aoss")
LEVEL = 1
"""Of ISA-L's gzip: a quarter of the CPU of zlib's level 3, for as few bytes. The client's own,
zlib's level 9, takes fifteen times as much for a quarter less."""
_AWS = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.(es|aoss)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$")


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster's address. `service` is `es` or `aoss` where requests are signed for AWS."""

    url: str
    service: str | None = None
    region: str | None = None
    profile: str | None = None
    ca: Path | None = None
    timeout: float = 60.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is no number, half an IPv6 address
            known = False
        if not known:
            raise UsageError(f"{_shown(self.url)} is no URL. Write https://HOST:PORT.")
        if parts.username or parts.password:
            raise UsageError(
                "the URL holds a user or password, which others can read in the list of processes. "
                f"Set {USER} and {PASSWORD}, or write them into ~/.netrc."
            )
        if self.service is not None and self.service not in SERVICES:
            raise UsageError(f"--aws {self.service}: a service is one of {', '.join(SERVICES)}.")
        if self.ca is not None and not self.ca.is_file():
            raise UsageError(f"--ca {self.ca}: there is no such file.")

    @property
    def host(self) -> str:
        """The host's name in the URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def serverless(self) -> bool:
        """OpenSearch Serverless: no cluster behind it, and no `GET /`."""
        known = _AWS.search(self.host)
        return (self.service or (known[2] if known else None)) == "aoss"


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//...@", url)


def connect(place: Place) -> OpenSearch:
    """A client; nothing is asked yet. Raises UsageError where opensearch-py is not installed, or
    no credentials for signing are found."""
    try:
        import opensearchpy
        from isal import igzip
    except ImportError:
        raise UsageError(
            "this command needs two more packages: pip install opensearch-py isal"
        ) from None

    class Connection(opensearchpy.Urllib3HttpConnection):
        def _gzip_compress(self, body: bytes) -> bytes:
            return igzip.compress(body, LEVEL)

    # json, which the client takes, needs 9 us for the action before each document
    class Serializer(opensearchpy.JSONSerializer):
        def dumps(self, data: Any) -> Any:  # noqa: ANN401  texts as they are
            return data if isinstance(data, str | bytes) else as_json(data)

    logging.getLogger("opensearch").setLevel(logging.CRITICAL)  # it logs whole bodies and errors
    options: dict[str, Any] = {
        "hosts": [place.url],
        "connection_class": Connection,
        "http_compress": True,
        "serializer": Serializer(),
        "timeout": place.timeout,
        "max_retries": 0,
        "retry_on_timeout": False,
        "pool_maxsize": 16,
    }
    if place.url.startswith("https:"):
        options |= {"verify_certs": True, "ca_certs": str(place.ca) if place.ca else None}
    signer = _signer(place)
    options["http_auth"] = signer if signer is not None else _basic(place.host)
    return opensearchpy.OpenSearch(**{k: v for k, v in options.items() if v is not None})


def _basic(host: str) -> tuple[str, str] | None:
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if user and password:
        return user, password
    if user or password:
        raise UsageError(f"{USER} and {PASSWORD} go together: set both, or neither.")
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    if not path.exists():
        return None
    try:
        found = netrc.netrc(path).authenticators(host)
    except (netrc.NetrcParseError, OSError) as error:
        raise UsageError(f"{path} cannot be read: {type(error).__name__}. Mend it.") from None
    return (found[0], found[2]) if found and found[2] else None


def _signer(place: Place) -> Any:  # noqa: ANN401  opensearch-py's
    known = _AWS.search(place.host)
    service = place.service or (known[2] if known and not os.environ.get(USER) else None)
    if service is None:
        return None
    import boto3
    from botocore.exceptions import BotoCoreError
    from opensearchpy import Urllib3AWSV4SignerAuth

    try:
        session = boto3.Session(profile_name=place.profile)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise AccessError(f"no AWS credentials: {error}. Name a profile, or sign in.") from error
    region = place.region or (known[1] if known else None) or session.region_name
    if credentials is None:
        raise AccessError("no AWS credentials to sign with. Set AWS_PROFILE, or sign in.")
    if region is None:
        raise UsageError("no region to sign for: name it with --region.")
    return Urllib3AWSV4SignerAuth(credentials, region, service)


def identify(client: OpenSearch, place: Place) -> str:
    """What tells this cluster from others: its UUID, or the host of a serverless collection.
    Raises AccessError or UsageError in plain words where it does not answer as OpenSearch does."""
    if place.serverless:
        return place.host
    try:
        found = client.info()
    except Exception as error:
        raise explained(error, place) from error
    version = found.get("version", {}) if isinstance(found, dict) else {}
    if version.get("distribution") != "opensearch":
        what = f"version {version['number']} of another program" if "number" in version else "no"
        raise UsageError(
            f"{place.url} answers, but is not OpenSearch ({what} version is told). "
            "Elasticsearch and others are not supported."
        )
    if int(str(version["number"]).partition(".")[0]) < 2:
        raise UsageError(f"{place.url} is OpenSearch {version['number']}; 2 or 3 is needed.")
    return str(found["cluster_uuid"])


def explained(error: Exception, place: Place) -> Exception:
    """An error of the client in words; one that is none of the client's stays as it is."""
    from opensearchpy import exceptions as known

    if isinstance(error, known.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return AccessError(f"{place.url}: the server speaks no TLS. Write http:// in the URL.")
    if isinstance(error, known.SSLError):
        return AccessError(
            f"{place.url}: the certificate is not trusted or TLS fails ({_brief(error)}). "
            "Name the authority's file with --ca, or mend the URL."
        )
    if isinstance(error, known.ConnectionError):
        return AccessError(
            f"no server answers at {place.url} ({_brief(error)}). Start it, or mend the URL."
        )
    if isinstance(error, known.AuthenticationException):
        return AccessError(
            f"{place.url} refuses the user or password (401). Set {USER} and {PASSWORD}, or a line "
            f"for {place.host} in ~/.netrc; a domain of AWS wants --aws es."
        )
    if isinstance(error, known.AuthorizationException):
        return AccessError(
            f"{place.url} does not allow this (403): {reason(error)}. Its access policy or role "
            "must let this user write indices and index templates."
        )
    if isinstance(error, known.SerializationError):
        return UsageError(f"{place.url} answers, but is not OpenSearch: what came is no JSON.")
    if isinstance(error, known.NotFoundError):
        return UsageError(f"{place.url} answers, but is not OpenSearch (404).")
    if isinstance(error, known.TransportError):
        return AccessError(f"{place.url} answers {error.status_code}: {reason(error)}.")
    return error


def reason(error: Any) -> str:  # noqa: ANN401  an exception of the client
    """What the server says of an error, in one line."""
    info = getattr(error, "info", None)
    found = info.get("error") if isinstance(info, dict) else None
    if isinstance(found, dict):
        found = found.get("reason") or found.get("type")
    return str(found or getattr(error, "error", "") or type(error).__name__)[:1_000]


def _brief(error: Any) -> str:  # noqa: ANN401  an exception of the client
    text = str(getattr(error, "info", "") or error)
    inner = re.search(r"\[(?:Errno -?\d+|SSL[^\]]*)\][^)']*", text)
    return (inner[0] if inner else text)[:200].strip()
