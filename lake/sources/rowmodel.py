"""The row model: the columns of a source's table and of its view, and their types.

Which leaves a table's files may hold follows from the names in normalize.sql (see
transforms/ecs.toml). Readers need this and no more; what fills the columns is
`lake.normalize.flat`'s part.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from lake.errors import unknown_name
from lake.sources.catalogue import catalogue
from lake.sources.database import describing
from lake.sources.fieldsets import (
    PARTITION,
    Tree,
    core_sets,
    field_sets,
    prune,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake.sources.source import Source

EVENTS = "events"
"""The view over all tables. It has the row model without `native`."""
ADDRESSES = ("source.ip", "destination.ip", "client.ip", "source.nat.ip", "destination.nat.ip")
LOCATED = ("source", "destination", "client")
_PLAIN = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "JSON": pa.string(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
}
"""Types that need not be asked of DuckDB, which takes 0.1 s to start."""
AGENT = ("name", "version", "os", "device")
"""What the engine tells of a user agent."""
QUESTION = ("registered_domain", "subdomain", "top_level_domain")
"""What it tells of the name in a DNS question."""
_ENGINE = (
    "cloud.account.id",
    "cloud.region",
    "cloud.provider",
    "event.dataset",
    "event.module",
    "event.original",
    "event.hash",
    "event.ingested",
    "log.file.path",
    "log.offset",
    "log.encoding",
    "log.context",
)
"""Leaves that the engine fills for every source."""
_ALIAS = re.compile(r'\bAS\s+"([^"]+)"', re.IGNORECASE)


def arrow_type(body: str | Tree) -> pa.DataType:
    """The Arrow type of a leaf's DuckDB type, or of a STRUCT's members, as DuckDB hands it out."""
    if isinstance(body, dict):
        return pa.struct([(name, arrow_type(inner)) for name, inner in body.items()])
    return _PLAIN.get(body) or _asked(body)


@cache
def _asked(kind: str) -> pa.DataType:
    return describing().cursor().sql(f"SELECT NULL::{kind} AS x").to_arrow_table().schema[0].type


@cache
def named(source: Source) -> frozenset[str]:
    """The targets that stand as `AS "name"` in normalize.sql. Reading the text takes a hundredth of
    the time in which DuckDB binds it; `lake.normalize.flat` checks that nothing else is given."""
    targets = source.targets
    return frozenset(n for n in _ALIAS.findall(source.sql) if n in targets)


@cache
def table_sets(source: Source) -> dict[str, Tree]:
    """The field sets of a source's table, each with the leaves that its files may hold."""
    used = set(named(source)) | set(_ENGINE)
    for endpoint in LOCATED:
        if f"{endpoint}.ip" in used:
            used |= {f"{endpoint}.geo", f"{endpoint}.as"}
    if "user_agent.original" in used:
        used |= {f"user_agent.{part}" for part in AGENT}
    if "dns.question.name" in used:
        used |= {f"dns.question.{part}" for part in QUESTION}
    if any(target in used for target in ADDRESSES):
        used.add("related.ip")
    if "user.name" in used:
        used.add("related.user")
    core = core_sets()
    return {
        name: prune(tree, used, name + ".")
        for name, tree in field_sets().items()
        if name in core or any(u == name or u.startswith(name + ".") for u in used)
    }


def table_columns(source: Source) -> dict[str, str | Tree]:
    """The columns of a source's files, in the order of the row model, then the keys."""
    return {
        "@timestamp": "TIMESTAMPTZ",
        **table_sets(source),
        "native": source.native,
        **PARTITION,
    }


def table_schema(table: str) -> pa.Schema:
    """The Arrow schema of a source's table, partition keys last."""
    columns = table_columns(catalogue()[table])
    return pa.schema([(name, arrow_type(kind)) for name, kind in columns.items()])


@cache
def model_version(source: Source) -> str:
    """Changes where a column or a leaf of the source's table does."""
    return hashlib.sha256(repr(table_columns(source)).encode()).hexdigest()[:12]


def view_columns(source: Source) -> dict[str, str | Tree]:
    """The same for the view: every set whole."""
    return table_columns(source) | {n: field_sets()[n] for n in table_sets(source)}


def log_views(tables: Iterable[str]) -> list[str]:
    """The views over logs where these tables have rows: `events`, each table's, their families'."""
    held = set(tables)
    families = {name for name, of in catalogue().families.items() if held & set(of)}
    return [EVENTS, *sorted(held | families)]


def tables_of(view: str) -> list[str]:
    """The tables of which a view over logs has all rows; none for one of latest versions."""
    known = catalogue()
    if view == EVENTS:
        return list(known.sources)
    return [view] if view in known.sources else sorted(known.families.get(view, []))


def columns_of(view: str) -> dict[str, str | Tree]:
    """The columns of a view: a source's, `events`, which is without `native`, or a family's, which
    has what its tables share. Raises UsageError for a name that is none of these."""
    known = catalogue()
    if view == EVENTS:
        sets = {name: field_sets()[name] for name in core_sets()}
        return {"@timestamp": "TIMESTAMPTZ", **sets, **PARTITION}
    if view in known.sources:
        return view_columns(known.sources[view])
    if view in known.latest:
        return view_columns(known.latest[view])
    if view not in known.families:
        names = [EVENTS, *known.sources, *known.latest, *known.families]
        raise unknown_name("table", view, names)
    first, *others = (view_columns(known.sources[name]) for name in known.families[view])
    shared = {
        name: body
        for name, body in first.items()
        if name != "native" and all(name in columns for columns in others)
    }
    native = _shared_members([columns["native"] for columns in (first, *others)])
    return shared | ({"native": native} if native else {})


def _shared_members(trees: list[str | Tree]) -> Tree:
    """The members that all have with one type. No structures: a file that lacks one breaks the
    reading of its leaves (`lake.serve.views`)."""
    first, *others = (tree for tree in trees if isinstance(tree, dict))
    return {
        name: body
        for name, body in first.items()
        if isinstance(body, str) and all(other.get(name) == body for other in others)
    }
