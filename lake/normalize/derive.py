"""The leaves that the engine adds to what a source gives: places and systems of addresses, the
parts of user agents and of names in DNS questions, `related.*`.

Each distinct value of a chunk is looked up once and reaches its rows by its code. What a source
gives itself is not overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.normalize.coded import encode, lists
from lake.normalize.onepiece import one_piece
from lake.sources.rowmodel import ADDRESSES, AGENT, LOCATED, QUESTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.enrich.geoip import GeoIP
    from lake.normalize.coded import Coded, Codes

Columns = dict[str, "pa.Array"]
"""Leaf (`source.ip`, `native.userIdentity.arn`) -> its column, a row a record."""


def derive(columns: Columns, rows: int, geoip: GeoIP) -> None:
    """Add the derived leaves of a chunk's columns, and put addresses into RFC 5952 form."""
    _addresses(columns, rows, geoip)
    _agents(columns)
    _questions(columns)
    _related_texts(columns, rows, "user", ["user.name"])
    _related_texts(columns, rows, "hosts", [])
    _related_texts(columns, rows, "buckets", [])
    _related_texts(columns, rows, "access_keys", [])
    _related_texts(columns, rows, "hash", [])


def _addresses(columns: Columns, rows: int, geoip: GeoIP) -> None:
    targets = [t for t in ADDRESSES if t in columns]
    places, texts = _related(columns, "ip", targets, rows)
    if not texts:
        return
    found = encode(texts)
    known = geoip.lookup(found[0].values)
    ip = encode([known["ip"]])[0].ranked()
    parts = [given.by(ip) for given in found]
    for target, given, part in zip(targets, found, parts, strict=False):
        endpoint = target.removesuffix(".ip")
        address = f"{endpoint}.address"
        if address in columns and columns[address].equals(columns[target]):
            columns[address] = given.array()
        columns[target] = part.array()
        for name in ("geo", "as") if endpoint in LOCATED else ():
            if not any(other.startswith(f"{endpoint}.{name}.") for other in columns):
                _spread(columns, f"{endpoint}.{name}", one_piece(known[name]), given)
    _relate(columns, "ip", rows, places, parts)


def _agents(columns: Columns) -> None:
    if "user_agent.original" in columns:
        from lake.enrich.useragent import parse

        _parts(columns, "user_agent", "original", AGENT, parse)


def _questions(columns: Columns) -> None:
    if "dns.question.name" in columns:
        from lake.enrich.domains import split

        _parts(columns, "dns.question", "name", QUESTION, split)


def _parts(
    columns: Columns,
    prefix: str,
    text: str,
    leaves: tuple[str, ...],
    parse: Callable[[pa.Array], pa.Table],
) -> None:
    """The leaves that stand beside a text and that `parse` makes of its distinct values."""
    coded = encode([columns[f"{prefix}.{text}"]])[0]
    parsed = parse(coded.values)
    columns[f"{prefix}.{text}"] = coded.array()
    for leaf in leaves:
        if f"{prefix}.{leaf}" not in columns:
            _spread(columns, f"{prefix}.{leaf}", one_piece(parsed[leaf]), coded)


def _related_texts(columns: Columns, rows: int, kind: str, targets: list[str]) -> None:
    """`related.<kind>` of the named leaves and what the source gives besides."""
    targets = [t for t in targets if t in columns]
    places, texts = _related(columns, kind, targets, rows)
    if not texts:
        return
    found = encode(texts)
    ordered = encode([found[0].values])[0].ranked()
    parts = [given.by(ordered) for given in found]
    for target, part in zip(targets, parts, strict=False):
        columns[target] = part.array()
    _relate(columns, kind, rows, places, parts)


def _related(
    columns: Columns, kind: str, targets: list[str], rows: int
) -> tuple[list[Codes], list[pa.Array]]:
    """The texts of `related.<kind>`, those of the leaves first, then those of the list that the
    source gives, which is taken out; and the row of each text."""
    texts = [columns[target] for target in targets]
    places = [np.arange(rows, dtype=np.int32)] * len(texts)
    listed = columns.pop(f"related.{kind}", None)
    if listed is not None:
        texts.append(listed.flatten())
        places.append(pc.list_parent_indices(listed).to_numpy())
    return places, texts


def _relate(
    columns: Columns, kind: str, rows: int, places: list[Codes], parts: list[Coded]
) -> None:
    """Set `related.<kind>` from parts that share their values, in ascending order."""
    pairs = [(place, part.codes) for place, part in zip(places, parts, strict=True)]
    found = lists(rows, pairs, parts[0].values)
    if found is not None:
        columns[f"related.{kind}"] = found


def _spread(columns: Columns, path: str, looked_up: pa.Array, coded: Coded) -> None:
    """The leaves of what was looked up for the distinct values, for every row."""
    if looked_up.null_count == len(looked_up):
        return
    if pa.types.is_struct(looked_up.type):
        for member, inner in zip(looked_up.type, looked_up.flatten(), strict=True):
            _spread(columns, f"{path}.{member.name}", inner, coded)
    elif pa.types.is_dictionary(looked_up.type):
        columns[path] = coded.through(looked_up).array()
    else:
        missing = coded.codes < 0
        indices = pa.array(coded.codes, mask=missing if missing.any() else None)
        columns[path] = looked_up.take(indices)
