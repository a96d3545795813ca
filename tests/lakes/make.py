"""Writes a lake as this version makes it, as small as can be: `python tests/lakes/make.py v3`.

One is kept for every row model that was released; `tests/store/test_growth.py` reads all of them
with what the present version writes. Make the next one before the row model changes, from a
checkout of the last version that had it. (`v1` is of four sources, the others are of all.)
"""

from __future__ import annotations

import shutil
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
EVIDENCE = Path("/tmp/evidence")  # noqa: S108
"""Where the logs lie while they are read; it stands in the lake's rows and need not be there."""

sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from broken.good import GOOD  # noqa: E402
from engine import put, read  # noqa: E402


def write_logs(folder: Path) -> None:
    """Two records of every source."""
    for good in GOOD.values():
        put(folder, good.key, good.object(2))


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
