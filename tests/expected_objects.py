"""The samples and the corpus that lie beside the project, with the original normaliser's documents.

An object is known by its key in S3. Which of our sources it belongs to is said here, by the
manifests; what is in it is the engine's to find out.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lake.enrich.geoip import GeoIP
from lake.stage.preview import Preview, preview

SHARED = Path(__file__).resolve().parents[2] / "shared"

SECTIONS = (
    "cloudtrail",
    "cloudtrail_insight",
    "vpcflow",
    "tgwflow",
    "guardduty",
    "waf",
    "alb",
    "alb_connection",
    "nlb",
    "clb",
    "cloudfront",
    "cloudfront_realtime",
    "s3access",
    "route53resolver",
)

_SECTION_OF = {
    "cloudtrail-eventbridge": "cloudtrail",
    "cloudtrail-digest": "cloudtrail",
    "vpcflowlogs": "vpcflow",
    "s3accesslog": "s3access",
    "cloudfront-standard": "cloudfront",
}
_EDGE = {
    "/WAFLogs/": "waf",
    "/elasticloadbalancing/": "alb",
    "/vpcflowlogs/": "vpcflow",
    "/CloudTrail/": "cloudtrail",
    "logs/2019": "s3access",
}
"""What the edge objects of the corpus are, by their keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """An object of the samples or the corpus. `events` is None where nobody counted them."""

    key: str
    path: Path
    section: str
    events: int | None
    documents: tuple[dict[str, Any], ...]

    def data(self) -> bytes:
        return self.path.read_bytes()


def present() -> bool:
    """Whether the samples and the corpus lie beside the project."""
    return (SHARED / "samples" / "INDEX.tsv").exists()


@cache
def objects(section: str | None = None) -> tuple[Object, ...]:
    """The samples and the corpus of our sources, or of one."""
    return tuple(o for o in _all_objects() if section is None or o.section == section)


@cache
def _all_objects() -> tuple[Object, ...]:
    found = []
    for row in _table(SHARED / "samples" / "INDEX.tsv"):
        section = _section(row["source"], row["s3_key"])
        if section is not None:
            inner = row["path"].removeprefix("samples/")
            where = SHARED / "samples-expected" / f"{inner}.jsonl"
            documents = _documents(where.read_text("utf-8")) if where.exists() else ()
            found.append(
                Object(row["s3_key"], SHARED / "samples" / inner, section, None, documents)
            )
    by_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((SHARED / "corpus-expected").glob("*.jsonl.gz")):
        for document in _documents(gzip.decompress(path.read_bytes()).decode()):
            by_key[document["_source"]["@log_s3key"]].append(document)
    for row in _table(SHARED / "corpus" / "MANIFEST.tsv"):
        key = row["s3_key"]
        section = _section(row["source"], key)
        if section is not None:
            path = SHARED / "corpus" / key
            found.append(Object(key, path, section, int(row["events"]), tuple(by_key[key])))
    return tuple(found)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _documents(text: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in text.split("\n") if line)


def _section(source: str, key: str) -> str | None:
    if source == "edge":
        return next((s for part, s in _EDGE.items() if part in key or key.startswith(part)), None)
    if source == "cloudtrail" and "/CloudTrail-Insight/" in key:
        return "cloudtrail_insight"
    name = _SECTION_OF.get(source, source.replace("-", "_"))
    return name if name in SECTIONS else None


@cache
def geoip() -> GeoIP:
    """The databases with which the original's documents were made."""
    return GeoIP.open([SHARED / "geoip"])


@cache
def rows_of(obj: Object) -> Preview:
    """What we make of an object; kept, since several tests ask."""
    return preview(obj.data(), obj.key, geoip=geoip())
