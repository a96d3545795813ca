"""A source's folder as it is declared: reads `source.toml`, `normalize.sql` and `ignored.toml`, and
refuses an entry that is not known, of another type, or contradicts the others, by file and name.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from lake.errors import SourceError
from lake.sources.fieldsets import leaves
from lake.sources.source import Delimited, Ignored, Layout, Members, Source, is_source_name

if TYPE_CHECKING:
    from pathlib import Path

IDENTITIES = ("id", "unique-line", "object+line")
_TEXT, _LIST, _TABLE = (str, "a text, in quotes"), (list, "a list, in [ ]"), (dict, "a table")
_NUMBER, _FLAG = (int, "a whole number"), (bool, "true or false")
ENTRIES: dict[str, dict[str, tuple[type, str]]] = {
    "": {
        "title": _TEXT,
        "docs": _TEXT,
        "log_type": _TEXT,
        "index": _TEXT,
        "format": _TEXT,
        "identity": _TEXT,
        "accepts": _TEXT,
        "keys": _TEXT,
        "names": _TABLE,
        "family": _TEXT,
        "bucket": _TEXT,
        "latest": _TABLE,
        "recognise": _TABLE,
        "delimited": _TABLE,
        "native": _TABLE,
        "csv": _TABLE,
        "empty": _LIST,
    },
    "latest": {"of": _LIST, "by": _LIST},
    "recognise": {
        "key": _LIST,
        "file": _LIST,
        "members": _LIST,
        "header": _TEXT,
        "line": _TEXT,
        "priority": _NUMBER,
    },
    "delimited": {
        "delimiter": _TEXT,
        "quotes": _FLAG,
        "quoted": _NUMBER,
        "clients": _NUMBER,
        "whole": _TEXT,
        "header": _TEXT,
        "columns": _LIST,
        "by_name": _LIST,
        "min_fields": _NUMBER,
        "layouts": _LIST,
        "nulls": _LIST,
        "typed": _TABLE,
        "aliases": _TABLE,
        "pattern": _TEXT,
    },
}
"""The entries of each part of a source.toml and their types; `docs/transforms.md` explains them."""
LAYOUT: dict[str, tuple[type, str]] = {
    "columns": _LIST,
    "upto": _LIST,
    "without": _LIST,
    "line": _TEXT,
}
"""The same of an entry of `[[delimited.layouts]]`."""

VIEWS = (
    *("events", "accounts", "objects", "rejects", "duplicates", "forgotten", "export_rejects"),
    *("superseded_rows", "batches", "lake_version"),
)
"""Views that are of no source; the last is in `lake.duckdb` alone."""


def load_source(folder: Path) -> Source:
    """Read one source's folder. Raises SourceError that names the file and the wrong entry."""
    path = folder / "source.toml"
    if not is_source_name(folder.name):
        raise SourceError(f"{folder}: a source is named in lower case letters, digits and _")
    if folder.name in VIEWS:
        raise SourceError(
            f"{folder}: every lake has a view of that name, which would hide the table. Rename the "
            "folder."
        )
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: {error}. Mend the file.") from error
    _check_names(path, "the top", ENTRIES[""], declared)
    for part in ("latest", "recognise", "delimited"):
        _check_names(path, f"[{part}]", ENTRIES[part], declared.get(part, {}))
    for entry in declared.get("delimited", {}).get("layouts", []):
        _check_names(path, "[[delimited.layouts]]", LAYOUT, entry)
    recognise, latest = declared.get("recognise", {}), declared.get("latest", {})
    try:
        source = Source(
            name=folder.name,
            title=declared["title"],
            docs=declared["docs"],
            log_type=declared.get("log_type", folder.name),
            index=declared.get("index", f"log-aws-{folder.name}"),
            format=declared["format"],
            identity=declared["identity"],
            native=declared.get("native", {}),
            sql=(folder / "normalize.sql").read_text("utf-8"),
            folder=folder,
            accepts=declared.get("accepts"),
            keys=declared.get("keys"),
            names=tuple(declared.get("names", {}).items()),
            delimited=_delimited(declared["delimited"]) if "delimited" in declared else None,
            key=tuple(recognise.get("key", ())),
            file=_patterns(recognise.get("file", [])),
            members=_members(recognise.get("members", [])),
            header=re.compile(recognise["header"]) if "header" in recognise else None,
            line=re.compile(recognise["line"]) if "line" in recognise else None,
            priority=recognise.get("priority", 0),
            csv=tuple(declared.get("csv", {}).items()),
            empty=tuple(declared.get("empty", ())),
            family=declared.get("family"),
            bucket=declared.get("bucket", ""),
            latest=(tuple(latest.get("of", ())), tuple(latest.get("by", ()))),
        )
    except KeyError as error:
        raise SourceError(f"{path}: {error} is missing") from error
    except (re.error, OSError, ValueError, TypeError) as error:
        raise SourceError(f"{path}: {error}") from error
    _check_source(path, source)
    return source


def _check_source(path: Path, source: Source) -> None:
    if source.identity not in IDENTITIES:
        raise SourceError(f"{path}: identity is one of {', '.join(IDENTITIES)}")
    if source.format not in ("json", "delimited"):
        raise SourceError(f"{path}: format is json or delimited")
    if source.keys not in (None, "camel", "snake") or (source.keys and source.format != "json"):
        raise SourceError(f'{path}: keys = "camel" or "snake", and only with format = "json"')
    if source.names and not source.keys:
        raise SourceError(f"{path}: [names] goes with `keys`")
    if (source.format == "delimited") != (source.delimited is not None):
        raise SourceError(f'{path}: [delimited] goes with format = "delimited"')
    known = {*source.targets, "account", "region", "date"} - {"record", "reject", "identity"}
    wrong = sorted({*source.latest[0], *source.latest[1]} - known)
    if wrong:
        raise SourceError(f"{path}: latest: {wrong[0]!r} is no leaf of ecs.toml or [native]")
    if source.bucket and source.targets.get(source.bucket) != "VARCHAR":
        raise SourceError(f"{path}: bucket: {source.bucket!r} is no leaf with a text")
    if bool(source.latest[0]) != bool(source.latest[1]):
        raise SourceError(f"{path}: latest has `of` and `by`, each a list of leaves")
    if source.delimited is not None:
        _check_typed(path, source.delimited, known)
    if not source.native:
        raise SourceError(f"{path}: [native] declares at least one member")
    for leaf in leaves(source.native):
        if not isinstance(leaf.type, str):
            raise SourceError(f"{path}: [native] {leaf.name} = {leaf.type!r} is no type, in quotes")


def _check_typed(path: Path, delimited: Delimited, known: set[str]) -> None:
    for column, target in delimited.typed:
        if column not in (*delimited.columns, *delimited.by_name):
            raise SourceError(f"{path}: [delimited.typed] {column!r} is none of the columns")
        if target not in known:
            raise SourceError(
                f"{path}: [delimited.typed] {target!r} is no leaf of ecs.toml or [native]"
            )


def _check_names(
    path: Path, where: str, known: dict[str, tuple[type, str]], given: dict[str, Any]
) -> None:
    if not isinstance(given, dict):
        raise SourceError(f"{path}: {where} = {given!r} is to be a table")
    for name, value in given.items():
        if name not in known:
            raise SourceError(f"{path}: {where} has no {name!r}. Known: {sorted(known)}")
        kind, words = known[name]
        if not isinstance(value, kind):
            raise SourceError(f"{path}: {name} = {value!r} is to be {words}")


def _delimited(given: dict[str, Any]) -> Delimited:
    return Delimited(
        delimiter=given["delimiter"],
        header=given["header"],
        columns=tuple(given["columns"]),
        by_name=tuple(given.get("by_name", ())),
        quotes=given.get("quotes", False),
        quoted=given.get("quoted", 0),
        clients=given.get("clients", 0),
        whole=given.get("whole", ""),
        min_fields=given.get("min_fields", 1),
        layouts=tuple(
            layout
            for entry in given.get("layouts", [])
            for layout in _layouts(entry, given["columns"])
        ),
        nulls=tuple(given.get("nulls", ["-"])),
        typed=tuple(given.get("typed", {}).items()),
        aliases=tuple(given.get("aliases", {}).items()),
        pattern=re.compile(given["pattern"], re.VERBOSE) if "pattern" in given else None,
    )


def _layouts(given: dict[str, Any], columns: list[str]) -> list[Layout]:
    """The layouts of one entry: its own `columns`, or those of the source up to each of `upto`,
    `without` some."""
    own = given.get("columns", columns)
    ends = [own.index(name) + 1 for name in given.get("upto", [own[-1]])]
    line = re.compile(given["line"]) if "line" in given else None
    left_out = given.get("without", [])
    return [Layout(tuple(c for c in own[:end] if c not in left_out), line) for end in ends]


def _members(lists: list[list[str]]) -> tuple[Members, ...]:
    if not all(isinstance(names, list) for names in lists):
        raise ValueError('members is a list of lists: [["a", "b"]]')
    return tuple(
        Members(
            frozenset(name for name in names if not name.startswith("!")),
            frozenset(name[1:] for name in names if name.startswith("!")),
        )
        for names in lists
    )


def _patterns(texts: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text) for text in texts)


def load_ignored(path: Path) -> list[Ignored]:
    """What an `ignored.toml` sets aside."""
    with path.open("rb") as file:
        declared = tomllib.load(file)
    return [
        Ignored(
            name=name,
            status=entry.get("status", "ignored"),
            reason=entry["reason"],
            key=_patterns(entry.get("key", [])),
            members=_members(entry.get("members", [])),
            content=re.compile(entry["content"]) if "content" in entry else None,
        )
        for name, entry in declared.items()
    ]
