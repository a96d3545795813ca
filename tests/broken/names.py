"""Good objects under keys that would lead somewhere: out of the lake, into SQL, into a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broken.case import Case
from broken.good import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "/".join(["k" * 200] * 5)
KEYS: dict[str, str] = {
    "1,024 bytes": LONG + "/" + "x" * (1024 - len(LONG) - 1),
    "a line end": "flow\nlogs/a\n.log",
    "quotes": "it's \"quoted\"/x'; DROP TABLE y; --.log",
    "percent signs": "%2e%2e/%2e%2e%2fetc%2fpasswd",
    "three dots": ".../..../x",
    "a backslash": "..\\..\\x.log",
    "an escape of the terminal": "\x1b[31mred\x07.log",
    "a glob": "*?[a-z]{b,c}**.log",
    "blanks": " lead and trail .log ",
    "a tilde": "~root/x",
    "a dash": "-rf",
    "Hive's marks": "account=999999999999/region=../date=2024-01-01/x.log",
    "an account that is none": "AWSLogs/00000000000x/vpcflowlogs/eu-west-1/2024/02/01/x.log",
    "a day that is none": "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2024/13/45/x.log",
    "an archive's mark": "a!/b.log",
    "letters of other scripts": "журнал/日誌/\u202egol.x",
    "bytes that are not UTF-8": "caf\udce9/\udcff.log",
    "a formula": "=cmd|' /C calc'!A0.log",
    "braces": "{0}{path}%s$HOME`id`.log",
    "a dot before it": ".hidden/.x",
}
"""Name -> a key; bytes that are not UTF-8 as Python gives them (PEP 383)."""


def cases() -> Iterator[Case]:
    good = GOOD["vpcflow"]
    for name, key in KEYS.items():
        yield Case(f"vpcflow: a key with {name}", key, good.object(1), 1, source="vpcflow")
    # a folder that has a lake's ledger is taken for a lake, and told
    ledger = "_lake/_delta_log/00000000000000000000.json"
    yield Case(
        "a lake among the logs", ledger, b"{}", status="ignored", reason="a lake, not evidence"
    )
