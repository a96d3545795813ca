"""Where the project's own data files lie: `transforms/`, `sql/` and the app stand beside `lake/` in
a checkout and inside it in an installed wheel."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
STAGING = "_staging"
"""The folder of a lake where writers stage files and readers spill."""


def resource(name: str) -> Path:
    """The folder or file `name` of the project, in a wheel or in a checkout."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def default_lake() -> Path:
    """`$LAKE_DIR`, else `./lakehouse`."""
    return Path(os.environ.get("LAKE_DIR") or "lakehouse")


def user_transforms() -> Path | None:
    """`$LAKE_TRANSFORMS`: a folder with sources of one's own, built like `transforms/`."""
    named = os.environ.get("LAKE_TRANSFORMS")
    return Path(named) if named else None


def spill_folder(lake: Path) -> Path:
    """Where one reader's DuckDB may spill. Not shared: two processes would give their files the
    same names. DuckDB makes it when it must, and removes it at its end."""
    return lake.absolute() / STAGING / f"spill-{uuid.uuid4().hex}"
