"""The original's own documents of the shared corpus, as its index ends up holding them.

Its document id overwrites: of several records under one `eventID` only the last one written is
left, and a document that its mapping refuses is nowhere. Panels can be compared record by record
only over what survived, so `surviving` replays the writes and gives the survivors' identities.
"""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHARED = Path(__file__).resolve().parents[2] / "shared"
CALL = ("eventTime", "eventSource", "eventName", "recipientAccountId")
Rows = list[tuple[str, int]]


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


def surviving(index: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(index, id) -> the document that is left, for every index that begins with `index`."""
    facts = json.loads(require("panels-expected", "documents.json").read_text())
    refused = {(r["file"], r["_index"], r["_id"]) for r in facts["refused_by_mapping"]}
    written = dict(_documents())
    left: dict[tuple[str, str], dict[str, Any]] = {}
    for name in facts["load_order"]:
        for document in written.get(name, []):
            place = (document["_index"], document["_id"])
            if place[0].startswith(index) and (name, *place) not in refused:
                left[place] = document["_source"]
    return left


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


def hashes_of(left: dict[tuple[str, str], dict[str, Any]], rows: Rows) -> list[int]:
    """The `event.hash` of our row for each surviving CloudTrail document.

    `rows` are pairs of `event.original` and `event.hash`. Where several rows share an eventID, the
    one of the same call, and then the one whose members agree most with the document is meant.
    """
    ours: dict[str, list[tuple[dict[str, Any], int]]] = {}
    for text, number in rows:
        record = json.loads(text)
        if "eventID" in record:
            ours.setdefault(record["eventID"], []).append((record, number))

    def agreement(record: dict[str, Any], document: dict[str, Any]) -> tuple[int, int]:
        def equal(names: Iterable[str]) -> int:
            return sum(document.get(name) == record.get(name) for name in names)

        return equal(CALL), equal(record)

    return [
        max(ours[document["eventID"]], key=lambda row: agreement(row[0], document))[1]
        for document in left.values()
    ]
