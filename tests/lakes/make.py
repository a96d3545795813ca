"""Writes a lake as this version makes it, as small as can be: `python tests/lakes/make.py v2`.

One is kept for every row model that was released; `tests/test_growth.py` reads them all together
with what the present version writes. Make the next one before the row model changes, from a
checkout of the last version that had it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EVIDENCE = Path("/tmp/evidence")  # noqa: S108
"""Where the logs lie while they are read; it stands in the lake's rows and need not be there."""

sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import logs  # noqa: E402
from engine import put, read  # noqa: E402
from logs import ACCOUNT, FLOW_KEY, TRAIL_KEY  # noqa: E402

FINDING = {
    "schemaVersion": "2.0",
    "accountId": ACCOUNT,
    "region": "eu-west-1",
    "id": "f0000000000000000000000000000001",
    "type": "UnauthorizedAccess:EC2/SSHBruteForce",
    "resource": {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-0123456789"}},
    "severity": 5,
    "createdAt": "2024-02-01T09:00:00.000Z",
    "updatedAt": "2024-02-01T10:00:00.000Z",
    "title": "Something was seen.",
    "service": {"serviceName": "guardduty", "detectorId": "d", "count": 1},
}
INSIGHT = logs.event(
    9,
    eventCategory="Insight",
    eventType="AwsCloudTrailInsight",
    insightDetails={"state": "Start", "insightType": "ApiCallRateInsight"},
)
FINDINGS_KEY = f"AWSLogs/{ACCOUNT}/GuardDuty/eu-west-1/2024/02/01/{ACCOUNT}_findings.jsonl.gz"


def write_logs(folder: Path) -> None:
    """Two calls and an Insight, two flows and half a line, a finding, a text that is no log."""
    put(folder, TRAIL_KEY, logs.trail([*logs.events(2), INSIGHT]))
    put(folder, FLOW_KEY, logs.flow_file([*logs.flows(2), "2 short"]))
    put(folder, FINDINGS_KEY, json.dumps(FINDING).encode())
    put(folder, "notes.txt", b"Call the owner of the key on Monday.\n")


def main(name: str) -> None:
    shutil.rmtree(EVIDENCE, ignore_errors=True)
    try:
        write_logs(EVIDENCE / "logs")
        read(EVIDENCE / "lake", EVIDENCE / "logs")
        with tarfile.open(HERE / f"{name}.tar.gz", "w:gz", compresslevel=9) as packed:
            for path in sorted((EVIDENCE / "lake").rglob("*")):
                inside = path.relative_to(EVIDENCE)
                if path.is_file() and not {"_views", "_staging"} & set(inside.parts):
                    packed.add(path, str(inside), filter=_plain)
    finally:
        shutil.rmtree(EVIDENCE)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(sys.argv[1])
