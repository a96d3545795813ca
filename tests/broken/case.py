"""A broken object and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broken.good import Good


@dataclass(frozen=True, slots=True)
class Case:
    """One object. `rejects`: place and a word of the reason, by place. `coded`: rows whose original
    is kept as base64. `reason`: a word of what `objects` says. `key`: where it lies."""

    name: str
    key: str
    data: bytes
    rows: int = 0
    rejects: tuple[tuple[int, str], ...] = ()
    status: str = "read"
    reason: str = ""
    source: str | None = None
    coded: int = 0


def of(
    good: Good, name: str, data: bytes, rows: int = 0, *rejects: tuple[int, str], **more: object
) -> Case:
    """A case whose object lies where its source's do; one whose key ends in .gz need not be gzip:
    that is told by the content."""
    given = {"source": good.source} | more
    return Case(f"{good.source}: {name}", good.key, data, rows, rejects, **given)  # type: ignore[arg-type]
