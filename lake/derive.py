"""The leaves that the engine adds to what a source gives: places and systems of addresses, user
agents, `related.*`.

Each distinct value of a chunk is looked up once and reaches its rows by its code. What a source
gives itself is not overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.coded import Coded, encode, lists
from lake.rowmodel import ADDRESSES, LOCATED, arrow_type

if TYPE_CHECKING:
    from lake.enrich.geoip import GeoIP

Columns = dict[str, "pa.Array"]
"""Leaf (`source.ip`, `native.userIdentity.arn`) -> its column, a row a record."""


def derive(columns: Columns, rows: int, geoip: GeoIP) -> None:
    """Add the derived leaves of a chunk's columns, and put addresses into RFC 5952 form."""
    _addresses(columns, rows, geoip)
    _agents(columns)
    _related_texts(columns, rows, "user", ["user.name"])
    _related_texts(columns, rows, "hosts", [])
    _related_texts(columns, rows, "hash", [])


def _addresses(columns: Columns, rows: int, geoip: GeoIP) -> None:
    targets = [t for t in ADDRESSES if t in columns]
    extra = columns.pop("related.ip", None)
    texts = [columns[t] for t in targets]
    if extra is not None:
        texts.append(_flat(extra))
    if not texts:
        return
    found = encode(texts)
    known = geoip.lookup(found[0].values)
    ip = _one(known["ip"])
    as_given = ip.equals(found[0].values)
    coded = dict(zip(targets, found, strict=False))
    for target, given in coded.items():
        address = target.removesuffix(".ip") + ".address"
        same = address in columns and columns[address].equals(columns[target])
        columns[target] = given.through(ip).array() if not as_given else given.array()
        if same:
            columns[address] = columns[target] if as_given else given.array()
    for endpoint in LOCATED:
        if f"{endpoint}.ip" in coded:
            for part in ("geo", "as"):
                if not any(name.startswith(f"{endpoint}.{part}.") for name in columns):
                    _spread(
                        columns, f"{endpoint}.{part}", _one(known[part]), coded[f"{endpoint}.ip"]
                    )
    ranked = Coded(found[0].values, np.concatenate([f.codes for f in found])).through(ip).ranked()
    parts = np.split(ranked.codes, np.cumsum([len(f) for f in found])[:-1])
    own = np.arange(rows, dtype=np.int32)
    pairs = [(own, part) for part in parts[: len(targets)]]
    if extra is not None:
        pairs.append((pc.list_parent_indices(extra).to_numpy(), parts[-1]))
    _put(columns, "related.ip", lists(rows, pairs, ranked.values))


def _agents(columns: Columns) -> None:
    texts = columns.get("user_agent.original")
    if texts is None or texts.null_count == len(texts):
        return
    from lake.enrich.useragent import LEAVES, parse

    coded = encode([texts])[0]
    parsed = parse(coded.values)
    columns["user_agent.original"] = coded.array()
    for leaf in LEAVES:
        if f"user_agent.{leaf}" not in columns:
            _spread(columns, f"user_agent.{leaf}", _one(parsed[leaf]), coded)


def _related_texts(columns: Columns, rows: int, kind: str, singles: list[str]) -> None:
    """`related.<kind>` of the named leaves and what the source gives besides."""
    extra = columns.pop(f"related.{kind}", None)
    given = [columns[name] for name in singles if name in columns]
    if extra is not None:
        given.append(_flat(extra))
    if not given or all(g.null_count == len(g) for g in given):
        return
    found = encode(given)
    for name, coded in zip([n for n in singles if n in columns], found, strict=False):
        columns[name] = coded.array()
    ranked = Coded(found[0].values, np.concatenate([f.codes for f in found])).ranked()
    parts = np.split(ranked.codes, np.cumsum([len(f) for f in found])[:-1])
    own = np.arange(rows, dtype=np.int32)
    pairs = [(own, p) for p in (parts if extra is None else parts[:-1])]
    if extra is not None:
        pairs.append((pc.list_parent_indices(extra).to_numpy(), parts[-1]))
    _put(columns, f"related.{kind}", lists(rows, pairs, ranked.values))


def _put(columns: Columns, name: str, array: pa.Array | None) -> None:
    if array is not None:
        columns[name] = array


def _spread(columns: Columns, path: str, looked_up: pa.Array, coded: Coded) -> None:
    """The leaves of what was looked up for the distinct values, for every row."""
    if looked_up.null_count == len(looked_up):
        return
    if pa.types.is_struct(looked_up.type):
        for member, inner in zip(looked_up.type, looked_up.flatten(), strict=True):
            _spread(columns, f"{path}.{member.name}", inner, coded)
    elif pa.types.is_string(looked_up.type):
        columns[path] = coded.through(looked_up).array()
    else:
        missing = coded.codes < 0
        indices = pa.array(coded.codes, mask=missing if missing.any() else None)
        columns[path] = looked_up.take(indices)


def _flat(array: pa.Array) -> pa.Array:
    return array.flatten().cast(arrow_type("VARCHAR"))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
