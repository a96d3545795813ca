"""A table of a lake as a Polars LazyFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

if TYPE_CHECKING:
    from pathlib import Path


class _OnDisk(DeltaTable):
    """Its files by their names on disk: Delta gives those of a URL, with %20 for a blank, which
    Polars looks for as they are."""

    def file_uris(self, *given: Any, **more: Any) -> list[str]:  # noqa: ANN401
        """Their paths."""
        return [unquote(uri) for uri in super().file_uris(*given, **more)]


def scan_table(root: Path, version: int) -> pl.LazyFrame:
    """The rows of a version of the Delta table in this folder."""
    return pl.scan_delta(_OnDisk(str(root), version=version))
