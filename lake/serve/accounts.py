"""The names of accounts: logs tell twelve digits, people know "prod". A lake keeps them in
`_accounts.csv` in its folder, where `lake accounts FILE` puts them, so that they go with it. Rows
stay as they are: names are shown beside the number, wherever a value is one that has a name, and
the view `accounts` has them for SQL.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.sources.fieldsets import literal
from lake.whole import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FILE = "_accounts.csv"
FIELDS = ("account", "cloud.account.id")
"""The fields that may be asked by name."""
LARGEST = 2 << 20
"""Bytes of a file of names: an organisation has at most some ten thousand accounts."""
_ID = re.compile(r"[0-9]{12}")
_WITHIN = re.compile(r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])")
_IDS = ("id", "accountid", "account")
_NAMES = ("name", "accountname", "alias")
_ASK = (
    "Give what `aws organizations list-accounts` prints (JSON), or a CSV with the columns id and "
    "name."
)


def account_names(lake: Path) -> dict[str, str]:
    """Account -> name, by the names; nothing where the lake has none, or the file is none."""
    try:
        with (lake / FILE).open("rb") as file:  # of a lake from anybody: no more than it may be
            return read_names(file.read(LARGEST + 1))
    except (OSError, UsageError):
        return {}


def names_mark(lake: Path) -> str:
    """Changes with the file."""
    try:
        return str((lake / FILE).stat().st_mtime_ns)
    except OSError:
        return ""


def is_account(value: Any) -> bool:  # noqa: ANN401  whatever a row has
    """Whether a value may be the number of an account."""
    return isinstance(value, str) and len(value) == 12 and _ID.fullmatch(value) is not None


def with_name(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401
    """A value for people: `prod (111122223333)` where it is an account that has a name."""
    name = names.get(value) if is_account(value) else None
    return value if name is None else f"{name} ({value})"


def numbers_of(texts: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The accounts that a reader means, by name or number; a name may be that of several."""
    known: dict[str, list[str]] = {}
    for account, name in names.items():
        known.setdefault(name.casefold(), []).append(account)
    found = (one for text in texts for one in known.get(text.strip().casefold(), [text]))
    return tuple(dict.fromkeys(found))


def accounts_in(text: str, names: Mapping[str, str]) -> list[str]:
    """The accounts with a name that a text tells, also within ARNs, each once, as they come."""
    return [one for one in dict.fromkeys(_WITHIN.findall(text)) if one in names]


def read_names(data: bytes) -> dict[str, str]:
    """The names in a file that somebody gives: what `aws organizations list-accounts` prints, a
    JSON object of ids and names, or a CSV with a header; in the order of the names. Raises
    UsageError that says what is wrong, and what to give."""
    if len(data) > LARGEST:
        raise UsageError(f"over {LARGEST >> 20} MB are no list of accounts. {_ASK}")
    try:
        text = data.decode("utf-8-sig").strip()
        pairs = _of_json(json.loads(text)) if text[:1] in ("{", "[") else _of_csv(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise UsageError(f"no list of accounts: {error}. {_ASK}") from error
    found: dict[str, str] = {}
    for account, name in pairs:
        own = f"{account:0>12}" if account.isdecimal() else account  # Excel cuts leading zeros
        said = " ".join(name.split())
        if not _ID.fullmatch(own):
            raise UsageError(f"{account!r} is no account id of twelve digits. {_ASK}")
        if said and found.setdefault(own, said) != said:
            raise UsageError(f"account {own} has two names: {found[own]!r} and {said!r}.")
    if not found:
        raise UsageError(f"no account with a name. {_ASK}")
    return dict(sorted(found.items(), key=lambda one: (one[1].casefold(), one[0])))


def keep_names(lake: Path, names: Mapping[str, str]) -> None:
    """Keep these names, in place of those before. Raises StorageError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "name"))
    writer.writerows(names.items())
    write_whole(lake / FILE, text.getvalue())


def names_view(lake: Path) -> str:
    """The SQL of the view `accounts`: `id` and `name`."""
    rows = [f"({literal(one)}, {literal(name)})" for one, name in account_names(lake).items()]
    told = ", ".join(rows) or "(NULL, NULL)"
    none = "" if rows else " WHERE false"
    return (
        "CREATE OR REPLACE VIEW accounts AS SELECT id::VARCHAR AS id, name::VARCHAR AS name "
        f"FROM (VALUES {told}) AS told(id, name){none}"
    )


def _of_json(told: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    if isinstance(told, dict) and isinstance(told.get("Accounts"), list):
        told = told["Accounts"]
    if isinstance(told, dict):
        return [(str(account), str(name)) for account, name in told.items()]
    pairs = []
    for one in told:
        if not isinstance(one, dict):
            raise ValueError(f"{one!r} is no account")
        pairs.append(_pair({str(key): str(value) for key, value in one.items()}))
    return pairs


def _of_csv(text: str) -> list[tuple[str, str]]:
    head = text.partition("\n")[0]
    cut = max(",;\t", key=head.count)
    return [
        _pair({key: value or "" for key, value in row.items() if key})
        for row in csv.DictReader(io.StringIO(text), delimiter=cut)
    ]


def _pair(row: Mapping[str, str]) -> tuple[str, str]:
    """Id and name of a row, whatever its columns are called and in which order they stand."""
    known = {"".join(filter(str.isalpha, key.lower())): value.strip() for key, value in row.items()}
    account = next((known[key] for key in _IDS if key in known), None)
    name = next((known[key] for key in _NAMES if key in known), None)
    if account is None or name is None:
        raise ValueError(f"the columns {', '.join(row) or '(none)'} name no id and name")
    return account, name
