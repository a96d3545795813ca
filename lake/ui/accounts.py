"""The names of accounts beside their numbers, where the lake has some (`lake.serve.accounts`)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lake.paths import shown_lake
from lake.serve.accounts import account_names, names_mark
from lake.serve.accounts import with_name as told
from lake.serve.pairs import is_account

if TYPE_CHECKING:
    from pathlib import Path

    from lake.filters.filters import Filter


def names() -> dict[str, str]:
    """Account -> name in the lake that is shown, as its file is now."""
    path = shown_lake()
    return _names(path, names_mark(path))


@lru_cache(4)
def _names(path: Path, _: str) -> dict[str, str]:
    return account_names(path)


def with_name(value: Any) -> Any:  # noqa: ANN401  whatever a cell has
    """A value as a page shows it: of an account that has a name, `prod (111122223333)`."""
    return told(value, names()) if is_account(value) else value


def spoken(one: Filter) -> Filter:
    """A filter as its words tell it: of accounts with their names."""
    if one.op not in ("is", "not"):
        return one
    return replace(one, value=tuple(with_name(str(value)) for value in one.value))
