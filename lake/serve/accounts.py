"""The names of accounts: logs tell twelve digits, people know "prod". A lake keeps them in
`_accounts.csv` in its folder, where `lake accounts FILE` puts them, so that they go with it. Rows
stay as they are: names are shown beside the number, wherever a value is one that has a name, and
the view `accounts` has them for SQL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.serve.pairs import Pairs, is_account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAIRS = Pairs(
    file="_accounts.csv",
    what="accounts",
    keys=("id", "accountid", "account"),
    values=("name", "accountname", "alias"),
    ask="Give what `aws organizations list-accounts` prints (JSON), or a CSV with the columns id "
    "and name.",
)
_WITHIN = re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")


def account_names(lake: Path) -> dict[str, str]:
    """Account -> name, by the names; nothing where the lake has none, or the file is none."""
    try:
        return read_names(PAIRS.kept(lake))
    except (OSError, UsageError):
        return {}


def names_mark(lake: Path) -> str:
    """Changes with the file."""
    try:
        return str((lake / PAIRS.file).stat().st_mtime_ns)
    except OSError:
        return ""


def with_name(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401
    """A value for people: `prod (111122223333)` where it is an account that has a name."""
    name = names.get(value) if is_account(value) else None
    return value if name is None else f"{name} ({value})"


def accounts_in(text: str, names: Mapping[str, str]) -> list[str]:
    """The accounts with a name that a text tells, also within ARNs, each once, as they come."""
    return [one for one in dict.fromkeys(_WITHIN.findall(text)) if one in names]


def read_names(data: bytes) -> dict[str, str]:
    """The names in a file that somebody gives: what `aws organizations list-accounts` prints, a
    JSON object of ids and names, or a CSV with a header; in the order of the names. Raises
    UsageError that says what is wrong, and what to give."""
    found: dict[str, str] = {}
    for account, name in PAIRS.read(data):
        own, said = PAIRS.account(account), " ".join(name.split())
        if said and found.setdefault(own, said) != said:
            raise UsageError(f"account {own} has two names: {found[own]!r} and {said!r}.")
    if not found:
        raise UsageError(f"no account with a name. {PAIRS.ask}")
    return dict(sorted(found.items(), key=lambda one: (one[1].casefold(), one[0])))


def keep_names(lake: Path, names: Mapping[str, str]) -> None:
    """Keep these names, in place of those before. Raises StorageError."""
    PAIRS.keep(lake, names)


def names_view(lake: Path) -> str:
    """The SQL of the view `accounts`: `id` and `name`."""
    return f"CREATE OR REPLACE VIEW accounts AS {PAIRS.select(account_names(lake))}"
