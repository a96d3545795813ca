"""How the row model has changed since a lake's tables were made.

A table's type may grow: leaves, STRUCTs and columns come to it, and the rows from before have NULL
there. Delta is told before the first file that has them (`lake.store.commit`), DuckDB by the views,
which must know what the files of earlier batches lack (`Lacking`). A leaf that is gone or of
another type is no growth: its values would be lost or read wrongly, so the lake is not opened with
it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deltalake import Schema

from lake.errors import ModelError

if TYPE_CHECKING:
    import pyarrow as pa

Type = str | dict[str, Any]
"""A type as Delta's log has it: a name, or an object for STRUCT, ARRAY and MAP."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """What some files of a table do not have: whole `columns`, and columns in which a STRUCT is
    missing (`structs`). A leaf that is missing alone needs no care: every reader gives NULL."""

    columns: frozenset[str] = frozenset()
    structs: frozenset[str] = frozenset()

    def __or__(self, other: Lacking) -> Lacking:
        return Lacking(self.columns | other.columns, self.structs | other.structs)

    def __bool__(self) -> bool:
        return bool(self.columns or self.structs)

    def as_json(self) -> dict[str, list[str]]:
        """As a part of what `Model.as_json` gives."""
        return {"columns": sorted(self.columns), "structs": sorted(self.structs)}

    @classmethod
    def of_json(cls, given: dict[str, list[str]]) -> Lacking:
        """What `as_json` gave."""
        return cls(frozenset(given["columns"]), frozenset(given["structs"]))


@dataclass(frozen=True, slots=True)
class Growth:
    """The present type of a table against the one its Delta log has: what came, which files of
    before `lack`, and in words what is gone or of another type."""

    added: tuple[str, ...] = ()
    lacking: Lacking = Lacking()
    contradictions: tuple[str, ...] = ()

    def must_be_growth(self, table: str, where: object) -> None:
        """Raises ModelError where a leaf is gone or of another type."""
        if self.contradictions:
            raise ModelError(
                f"{where}: {table}: {'; '.join(self.contradictions[:5])}. Its rows would be read "
                f"wrongly. `lake rebuild {table}` makes them anew from the logs' text; the "
                "siem-lake (or LAKE_TRANSFORMS) that wrote them reads them as they are."
            )


@dataclass(frozen=True, slots=True)
class Model:
    """The row model that a table's Delta log has: its version, and each growth so far, as the first
    batch that had it and what the files of earlier ones lack."""

    version: str
    grown: tuple[tuple[int, Lacking], ...] = ()

    def grow(self, version: str, batch: int, lacking: Lacking) -> Model:
        """The model with which a batch is written."""
        return Model(version, (*self.grown, (batch, lacking)) if lacking else self.grown)

    def lacking(self, oldest: int) -> Lacking:
        """What files lack of which the oldest is of this batch."""
        found = Lacking()
        for first, lacking in self.grown:
            if oldest < first:
                found |= lacking
        return found

    def as_json(self) -> dict[str, Any]:
        """As the ledger's `models` keeps it."""
        return {
            "version": self.version,
            "grown": [[number, one.as_json()] for number, one in self.grown],
        }

    @classmethod
    def of_json(cls, given: dict[str, Any]) -> Model:
        """What `as_json` gave."""
        grown = ((int(number), Lacking.of_json(one)) for number, one in given["grown"])
        return cls(given["version"], tuple(grown))


def growth(stored: Schema, present: pa.Schema) -> Growth:
    """Compare the type that a Delta table has with the row model's."""
    return _growth(stored.to_json(), present)


@lru_cache(maxsize=256)
def _growth(stored: str, present: pa.Schema) -> Growth:
    """Kept: both sides stay the same from commit to commit."""
    before = _members(json.loads(stored))
    now = _members(json.loads(Schema.from_arrow(present).to_json()))
    added: list[str] = []
    wrong: list[str] = []
    structs = set()
    for name, kind in now.items():
        if name not in before:
            added.append(name)
        elif _compare(name, before[name], kind, added, wrong):
            structs.add(name)
    wrong += [f"{name} is in the lake and not in the row model" for name in before.keys() - now]
    columns = frozenset(name for name in added if name in now)
    return Growth(tuple(added), Lacking(columns, frozenset(structs)), tuple(sorted(wrong)))


def _compare(path: str, before: Type, now: Type, added: list[str], wrong: list[str]) -> bool:
    """Note what differs below a path; gives whether a STRUCT came to it. STRUCTs within lists are
    read whole, so that one which came to them is like a leaf."""
    if before == now:
        return False
    kinds = {_kind(before), _kind(now)}
    if kinds == {"array"} and isinstance(before, dict) and isinstance(now, dict):
        _compare(f"{path}[]", before["elementType"], now["elementType"], added, wrong)
        return False
    if kinds != {"struct"}:
        wrong.append(f"{path} is {_words(before)} in the lake and {_words(now)} in the row model")
        return False
    old, new = _members(before), _members(now)
    came = False
    for name, kind in new.items():
        if name in old:
            came |= _compare(f"{path}.{name}", old[name], kind, added, wrong)
        else:
            added.append(f"{path}.{name}")
            came |= _kind(kind) == "struct"
    wrong += [f"{path}.{name} is in the lake and not in the row model" for name in old.keys() - new]
    return came


def _members(struct: Any) -> dict[str, Type]:  # noqa: ANN401
    return {field["name"]: field["type"] for field in struct["fields"]}


def _kind(kind: Type) -> str:
    return str(kind["type"]) if isinstance(kind, dict) else kind


def _words(kind: Type) -> str:
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"a list of {_words(kind['elementType'])}"
    return {"struct": "a STRUCT", "map": "a map"}[_kind(kind)]
