"""Rows as flat dictionaries, so that a test can spell out everything that a record became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from logs import read

if TYPE_CHECKING:
    from logs import Read

    from lake.stage.preview import Preview

ENGINE = ("event.hash", "event.ingested", "event.original", "cloud.provider", "event.kind")
"""Leaves that the engine fills alike for every source, and `event.kind`, which is always event."""


def leaves(row: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a row that are not NULL, by their dotted names; `log` left out."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        path = prefix + name
        if isinstance(value, dict):
            found |= leaves(value, path + ".")
        elif value is not None:
            found[path] = value
    return {n: v for n, v in found.items() if n not in ENGINE and not n.startswith("log.")}


def flat(data: bytes | str, key: str, source: str) -> list[dict[str, Any]]:
    """The leaves of all rows of an object, in its order; they are of this source, none rejected."""
    result = taken(data, key)
    assert (result.status, result.rejects) == ("read", [])
    assert {row["event"]["dataset"] for row in result.rows} <= {source}
    return [leaves(row) for row in result.rows]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines under a header as objects of one source hold them, and the rows that they give."""

    source: str
    key: str
    header: str

    def rows(
        self, *lines: str, header: str | None = None, key: str | None = None
    ) -> list[dict[str, Any]]:
        text = "\n".join([self.header if header is None else header, *lines, ""])
        return flat(text, self.key if key is None else key, self.source)

    def row(self, line: str, header: str | None = None, key: str | None = None) -> dict[str, Any]:
        """The one row of one line."""
        (found,) = self.rows(line, header=header, key=key)
        return found


def taken(data: bytes | str, key: str) -> Read:
    """What became of an object."""
    return read(data.encode() if isinstance(data, str) else data, key)


def only(row: dict[str, Any], *prefixes: str) -> dict[str, Any]:
    """The leaves below some names."""
    return {n: v for n, v in row.items() if n.startswith(prefixes)}


def only_row(result: Preview, source: str) -> dict[str, Any]:
    """The one row of an object of this source, of which nothing was rejected."""
    assert result.rejects == []
    assert list(result.tables) == [source]
    (found,) = result.rows
    return found


def value(row: dict[str, Any], path: str) -> Any:  # noqa: ANN401
    """A leaf by its dotted name; None too where no row of the object fills it."""
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if found else None
    return found


def filled(part: Any) -> Any:  # noqa: ANN401
    """A struct without what is NULL."""
    if not isinstance(part, dict):
        return part
    inner = {name: filled(value) for name, value in part.items()}
    return {name: value for name, value in inner.items() if value not in (None, {})}
