"""The original's own documents of the shared corpus, as its index ends up holding them, and which
of its dashboards are compared with which of ours.

Its document id overwrites: of several records under one `eventID` only the last one written is
left, and a document that its mapping refuses is nowhere. Panels can be compared record by record
only over what survived, so `surviving` replays the writes, and `rows_of` finds the survivors' rows.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from expected import original_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lake.query import Lake

SHARED = Path(__file__).resolve().parents[2] / "shared"
CALL = ("eventTime", "eventSource", "eventName", "recipientAccountId")
Documents = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Original:
    """A dashboard of the original. `ours` is our page that has its panels, `file` has its figures,
    `index` is how the names of the indices begin that it asks, which hold `documents`."""

    file: str
    panels: int
    ours: str
    index: str
    documents: int


ORIGINALS = (
    Original("cloudtrail-summary.json", 29, "cloudtrail", "log-aws-cloudtrail", 1582),
    Original("2020-cloudtrail-summary.json", 25, "cloudtrail", "log-aws-cloudtrail", 1582),
    Original("guardduty-summary.json", 21, "guardduty", "log-aws-guardduty", 14),
    Original("2020-guardduty-sammary.json", 12, "guardduty", "log-aws-guardduty", 14),
    Original("awswaf-summary.json", 20, "waf", "log-aws-waf", 145),
    Original("2020-awswaf-summary.json", 20, "waf", "log-aws-waf", 145),
    Original("cloudfront-summary.json", 25, "cloudfront", "log-aws-cloudfront", 5),
    Original("2020-cloudfront-summary.json", 18, "cloudfront", "log-aws-cloudfront", 5),
    Original("vpcflowlogs-summary.json", 11, "vpcflow", "log-aws-vpcflowlogs", 45),
    Original("2020-vpcflowlogs-summary.json", 11, "vpcflow", "log-aws-vpcflowlogs", 45),
    Original(
        "vpcflowlogscustom-summary-with-v5-custom-formats.json",
        28,
        "vpcflow",
        "log-aws-vpcflowlogs",
        45,
    ),
    Original("all-threat-hunting.json", 17, "hunting", "log-", 1912),
    Original("2020-all-threat-hunting.json", 17, "hunting", "log-", 1912),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of ours: its identity, and where its record came from."""

    hash: int
    text: str
    id: str | None
    path: str
    offset: int


def require(*parts: str) -> Path:
    """A path of the shared material; skips the test where it is absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent: the shared material is not beside the checkout")
    return path


def lay_out_samples(target: Path) -> Path:
    """The made samples under the keys they would have in a bucket, as the original read them."""
    with require("samples", "INDEX.tsv").open() as file:
        for entry in csv.DictReader(file, delimiter="\t"):
            place = target / entry["s3_key"]
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SHARED / entry["path"], place)
    return target


def surviving(index: str) -> Documents:
    """(index, id) -> the document that is left, for every index that begins with `index`."""
    facts = json.loads(require("panels-expected", "documents.json").read_text())
    refused = {(r["file"], r["_index"], r["_id"]) for r in facts["refused_by_mapping"]}
    written = _written()
    left: Documents = {}
    for name in facts["load_order"]:
        for document in written.get(name, []):
            place = (document["_index"], document["_id"])
            if place[0].startswith(index) and (name, *place) not in refused:
                left[place] = document["_source"]
    return left


@cache
def _written() -> dict[str, list[dict[str, Any]]]:
    """The documents of each object, by its name in the order of loading."""
    return dict(_documents())


def _documents() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted(require("corpus-expected").glob("*.jsonl.gz")):
        group = path.name.removesuffix(".jsonl.gz")
        found: dict[str, list[dict[str, Any]]] = {}
        with gzip.open(path, "rt") as file:
            for line in file:
                document = json.loads(line)
                key = document["_source"]["@log_s3key"].rsplit("/", 1)[-1]
                found.setdefault(f"{group}/{key}", []).append(document)
        yield from found.items()
    for path in sorted(require("samples-expected").glob("*/*.jsonl")):
        name = f"{path.parent.name}/{path.name.removesuffix('.jsonl')}"
        yield name, [json.loads(line) for line in path.read_text().splitlines() if line]


def rows_in(lake: Lake) -> list[Row]:
    """The rows of all sources, object by object in the order of their records."""
    found = lake.cursor().execute(
        "SELECT event.hash, event.original, event.id, log.file.path, log.offset "
        "FROM events ORDER BY ALL"
    )
    rows = [Row(*row) for row in found.fetchall()]
    return sorted(rows, key=lambda row: (row.path, row.offset))


def rows_of(left: Documents, rows: list[Row]) -> tuple[list[Row], list[dict[str, Any]]]:
    """The row of ours for each document, and the documents that have none.

    A document's id is made of the record: its own id, or a hash of its text. Where several rows
    would have it, the one of the same call, then the one whose members agree most with the
    document, then the one of the same object is meant. Where none would, the documents and rows of
    an object that are left belong together in their order, if they are as many.
    """
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        for name in dict.fromkeys(original_ids(row.text, row.id)):
            by_id.setdefault(name, []).append(row)
    found: dict[tuple[str, str], Row] = {}
    for place, document in left.items():
        if place[1] in by_id:
            found[place] = max(by_id[place[1]], key=lambda row: _agreement(row, document))
    taken = {row.hash for row in found.values()}
    rest: dict[str, list[Row]] = {}
    for row in rows:
        if row.hash not in taken:
            rest.setdefault(_name(row.path), []).append(row)
    missing: dict[str, list[tuple[str, str]]] = {}
    for place, document in left.items():
        if place not in found:
            missing.setdefault(_name(document["@log_s3key"]), []).append(place)
    for name, places in missing.items():
        if len(rest.get(name, [])) == len(places):
            found |= dict(zip(places, rest[name], strict=True))
    return list(found.values()), [left[place] for place in left if place not in found]


def _agreement(row: Row, document: dict[str, Any]) -> tuple[int, int, bool]:
    record = json.loads(row.text, strict=False) if row.text.startswith("{") else {}
    same = {name for name, value in record.items() if document.get(name) == value}
    of_the_object = _name(row.path) == _name(document["@log_s3key"])
    return sum(name in same for name in CALL), _equal(record, document), of_the_object


def _equal(record: Any, document: Any) -> int:  # noqa: ANN401  JSON
    """How many values are equal, at any depth."""
    if isinstance(record, dict) and isinstance(document, dict):
        return sum(_equal(value, document.get(name)) for name, value in record.items())
    return int(record == document)


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
