"""Files of pairs that a user gives, JSON or CSV, whatever their columns are called and in which
order they stand: the names of accounts, the accounts of buckets. A lake keeps them as CSV in its
folder."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.errors import UsageError
from lake.sources.fieldsets import literal
from lake.whole import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST = 2 << 20
"""Bytes of such a file: an organisation has at most some ten thousand accounts."""
_ID = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Pairs:
    """A kind of pairs: the `file` that a lake keeps them in, `what` it lists, what the two columns
    may be called (letters only, in lower case; the kept file has the first of each), and what to
    `ask` the user for."""

    file: str
    what: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    ask: str

    def read(self, data: bytes) -> list[tuple[str, str]]:
        """The pairs in a file that somebody gives, in its order: a JSON object of keys and values,
        a list of objects (also within an answer, or as texts), or a CSV with a header. Raises
        UsageError that says what is wrong, and what to give."""
        if len(data) > LARGEST:
            raise UsageError(f"over {LARGEST >> 20} MB are no list of {self.what}. {self.ask}")
        try:
            text = data.decode("utf-8-sig").strip()
            if text[:1] in ("{", "["):
                return self._of_json(json.loads(text))
            return self._of_csv(text)
        except (ValueError, RecursionError, csv.Error) as error:
            raise UsageError(f"no list of {self.what}: {error}. {self.ask}") from error

    def kept(self, lake: Path) -> bytes:
        """The file of a lake, no more of it than it may have: it may be from anybody. Raises
        OSError."""
        with (lake / self.file).open("rb") as file:
            return file.read(LARGEST + 1)

    def keep(self, lake: Path, pairs: Mapping[str, str]) -> None:
        """Keep these, in place of those before. Raises StorageError."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow((self.keys[0], self.values[0]))
        writer.writerows(pairs.items())
        write_whole(lake / self.file, text.getvalue())

    def select(self, pairs: Mapping[str, str]) -> str:
        """The SQL that gives them, in two columns."""
        key, value = self.keys[0], self.values[0]
        rows = ", ".join(f"({literal(k)}, {literal(v)})" for k, v in pairs.items())
        return (
            f"SELECT {key}::VARCHAR AS {key}, {value}::VARCHAR AS {value} "
            f"FROM (VALUES {rows or '(NULL, NULL)'}) AS pairs({key}, {value})"
            f"{'' if rows else ' WHERE false'}"
        )

    def account(self, text: str) -> str:
        """The number of an account, with the leading zeros that Excel cuts. Raises UsageError for
        what is none."""
        own = f"{text:0>12}" if text.isdecimal() else text
        if not is_account(own):
            raise UsageError(f"{text!r} is no account id of twelve digits. {self.ask}")
        return own

    def _of_json(self, parsed: Any) -> list[tuple[str, str]]:  # noqa: ANN401
        if isinstance(parsed, dict):
            lists = [value for value in parsed.values() if isinstance(value, list)]
            if not lists:
                return [(str(key), str(value)) for key, value in parsed.items()]
            parsed = lists[0]
        pairs = []
        for entry in parsed:
            row = json.loads(entry) if isinstance(entry, str) else entry
            if not isinstance(row, dict):
                raise ValueError(f"{entry!r} is no pair of {self._columns}")
            pairs.append(self._pair({str(key): str(value) for key, value in row.items()}))
        return pairs

    def _of_csv(self, text: str) -> list[tuple[str, str]]:
        head = text.partition("\n")[0]
        cut = max(",;\t", key=head.count)
        return [
            self._pair({key: value or "" for key, value in row.items() if key})
            for row in csv.DictReader(io.StringIO(text), delimiter=cut)
        ]

    def _pair(self, row: Mapping[str, str]) -> tuple[str, str]:
        known = {"".join(filter(str.isalpha, k.lower())): value.strip() for k, value in row.items()}
        key = next((known[name] for name in self.keys if name in known), None)
        value = next((known[name] for name in self.values if name in known), None)
        if key is None or value is None:
            raise ValueError(f"the columns {', '.join(row) or '(none)'} name no {self._columns}")
        return key, value

    @property
    def _columns(self) -> str:
        return f"{self.keys[0]} and {self.values[0]}"


def is_account(value: Any) -> bool:  # noqa: ANN401  whatever a row has
    """Whether a value may be the number of an account."""
    return isinstance(value, str) and len(value) == 12 and _ID.fullmatch(value) is not None
