"""What docs/digests.sql says of log files that are as they were delivered, gone, or other ones."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

import logs
from command import shell
from engine import put, read
from logs import TRAIL_KEY

from docs.generate import DOCS

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/02/01/d.json.gz"


def key(number: int) -> str:
    return TRAIL_KEY.replace(".json.gz", f"{number}.json.gz")


def told(lake: Path) -> list[dict[str, object]]:
    """What `lake sql` answers."""
    done = shell(f"sql --lake {lake} --format json < {DOCS / 'digests.sql'}")
    assert done.code == 0, done.err
    found: list[dict[str, object]] = done.rows
    return found


def test_log_files_are_compared_with_their_digests(tmp_path: Path) -> None:
    texts = {number: logs.trail(logs.events(2, number)) for number in (1, 3, 5, 7)}
    named = [
        {"s3Object": f"some/prefix/{key(n)}", "hashValue": hashlib.sha256(text).hexdigest()}
        for n, text in texts.items()
    ]
    put(tmp_path / "logs", DIGEST, json.dumps({"digestEndTime": "", "logFiles": named}).encode())
    put(tmp_path / "logs", key(1), texts[1])
    put(tmp_path / "logs", key(3), texts[3] + b" ")
    for place, text in (("logs", texts[5]), ("logs/copy", texts[5] + b" ")):
        put(tmp_path / place, key(5), text)
    read(tmp_path / "lake", tmp_path / "logs")
    counts = {"region": "eu-west-1", "day": "2024-02-01", "named": 4, "as_delivered": 2}
    counts |= {"missing": 1, "altered": 1, "in_two_versions": 1}
    assert told(tmp_path / "lake") == [{**counts, "look_at": [key(3), key(5), key(7)]}]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(key(7), texts[7])
    (tmp_path / "logs" / "more.zip").write_bytes(packed.getvalue())
    read(tmp_path / "lake", tmp_path / "logs")
    (found,) = told(tmp_path / "lake")
    assert (found["as_delivered"], found["look_at"]) == (3, [key(3), key(5)])


def test_without_digests_there_is_nothing_to_say(tmp_path: Path) -> None:
    put(tmp_path / "logs", TRAIL_KEY, logs.trail(logs.events(2)))
    read(tmp_path / "lake", tmp_path / "logs")
    assert told(tmp_path / "lake") == []
